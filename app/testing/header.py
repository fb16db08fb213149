"""How a test file is told from other YAML; imports nothing, so that looking at files costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HEADER: Final = "knothole_test"


def is_suite(path: Path) -> bool:
    """Tell whether a YAML file is a test file of trees: its header says so."""
    try:
        with path.open(encoding="utf-8") as file:
            return any(line.startswith(f"{HEADER}:") for line in file)
    except (OSError, UnicodeDecodeError):
        return False
