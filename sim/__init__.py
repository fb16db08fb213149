"""PyBullet worlds: scenes, pictures, the simulated Panda, and the truth about them."""

import os
import sys


def _load_engine() -> None:
    """Import PyBullet unheard: its native part writes its build time to standard error, into everybody's output."""
    sys.stderr.flush()
    keep, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        import pybullet  # noqa: F401
    finally:
        os.dup2(keep, 2)
        os.close(keep)
        os.close(silence)


if "pybullet" not in sys.modules:
    _load_engine()
