"""Put a checkpoint, its family, its calibration and what was measured of it together. Imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ..calibration import Calibration
from ..capabilities import CapabilityError, find_capabilities
from ..checkpoint import Checkpoint
from ..contract import BackendError
from ..grounding_format import Coordinates
from .backend import CALIBRATION, LocalBackend
from .families import Family, family_of
from .loading import load_any
from .opening import open_engine
from .settings import LocalSettings


def open_local(source: str, settings: LocalSettings) -> LocalBackend:
    """Load a checkpoint and return the backend on it.

    Raises:
        BackendError: There is no complete checkpoint of a family that takes images, or its calibration is another's.
    """
    checkpoint = load_any(source, settings)
    family = family_of(checkpoint.family)
    engine = open_engine(checkpoint, family, settings.batch, settings.share == "auto")
    calibration = Calibration.read(checkpoint.folder, CALIBRATION) if settings.calibrated else None
    return LocalBackend(engine, family, settings, _form(checkpoint, family, settings), calibration)


def _form(checkpoint: Checkpoint, family: Family, settings: LocalSettings) -> Coordinates:
    """Return the form of the boxes: what is set, else what was measured of this very checkpoint, else the family's."""
    if settings.coordinates != "auto":
        return cast(Coordinates, settings.coordinates)
    if not settings.capabilities:
        return family.form
    try:
        known = find_capabilities(Path(settings.capabilities).expanduser(), "transformers", checkpoint.name)
    except CapabilityError as error:
        raise BackendError(str(error)) from error
    return family.form if known is None or known.coordinates is None else known.coordinates
