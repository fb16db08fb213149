"""Everything that has a name: backends, drivers, scenes and trees, also those that live above their registry's room."""

from __future__ import annotations

from importlib.resources import files

from ...robots.contract import DRIVERS
from ...vlm.contract import BACKENDS


def register_all() -> None:
    """Make the simulated drivers and the oracle known; their rooms lie above the registries."""
    from ...sim import ghost as ghost
    from ...sim import panda as panda
    from ..models import oracle as oracle


def backend_names() -> tuple[str, ...]:
    """Return the names of all backends, sorted."""
    register_all()
    return tuple(BACKENDS)


def driver_names() -> tuple[str, ...]:
    """Return the names of all drivers, sorted."""
    register_all()
    return tuple(DRIVERS)


def scene_names() -> tuple[str, ...]:
    """Return the names of the shipped scenes, sorted."""
    return _stems("knothole.sim", "scenes")


def tree_names() -> tuple[str, ...]:
    """Return the names of the shipped trees, sorted."""
    return _stems("knothole.trees", "library")


def _stems(package: str, folder: str) -> tuple[str, ...]:
    names = (item.name for item in files(package).joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))
