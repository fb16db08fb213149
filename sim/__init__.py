"""PyBullet worlds: scenes, pictures, the simulated Panda, and the truth about them."""

import sys

from .quiet import quiet

if "pybullet" not in sys.modules:
    with quiet():  # it writes its build time when it is imported
        import pybullet  # noqa: F401
