"""Text with ``${name}`` in it: how it is split, and what a dollar means."""

from __future__ import annotations

from typing import Final

from ..._base import KnotholeError
from ..formulas.references import Entry, scan_entry

_FIX: Final = "write ${name}; $$ is a dollar"


class InterpolationError(KnotholeError):
    """A dollar in a text is no reference.

    Attributes:
        column: Where in the text, from 1.
        width: Characters that are meant.
        fix: What to write.
    """

    def __init__(self, message: str, column: int, width: int, fix: str) -> None:
        super().__init__(message)
        self.column, self.width, self.fix = column, width, fix


def whole_entry(text: str) -> Entry | None:
    """Return the reference that the whole text is, None when it is anything else."""
    if not text.startswith("$"):
        return None
    scanned = scan_entry(text, 1, 1)
    return scanned[0] if scanned is not None and scanned[1] == len(text) else None


def split_text(text: str) -> tuple[str | Entry, ...]:
    """Split a text into strings and references, in order; ``$$`` becomes a dollar.

    Raises:
        InterpolationError: ``$name`` stands in longer text without braces, or braces hold no name.

    >>> [str(part) for part in split_text("put ${thing.name} away")]
    ['put ', '$thing.name', ' away']
    """
    parts: list[str | Entry] = []
    plain = ""
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        plain += text[at:dollar]
        follows = text[dollar + 1 : dollar + 2]
        if follows == "$":
            plain, at = plain + "$", dollar + 2
        elif follows == "{":
            entry, at = _braced(text, dollar)
            if plain:
                parts.append(plain)
            parts.append(entry)
            plain = ""
        elif (scanned := scan_entry(text, dollar + 1, dollar + 1)) is not None:
            written = text[dollar + 1 : scanned[1]]
            raise InterpolationError(
                f"'${written}' inside longer text",
                dollar + 1,
                len(written) + 1,
                f"write ${{{written}}} to insert the value, or $${written} for a dollar sign",
            )
        else:
            plain, at = plain + "$", dollar + 1
    plain += text[at:]
    if plain or not parts:
        parts.append(plain)
    return tuple(parts)


def _braced(text: str, dollar: int) -> tuple[Entry, int]:
    end = text.find("}", dollar)
    if end < 0:
        raise InterpolationError("'${' without '}'", dollar + 1, 2, _FIX)
    inside = text[dollar + 2 : end]
    stripped = inside.strip()
    if stripped.startswith("$"):
        raise InterpolationError(
            f"a second dollar in '${{{inside}}}'", dollar + 1, end - dollar + 1, f"write ${{{stripped[1:]}}}"
        )
    scanned = scan_entry(stripped, 0, dollar + 1)
    if scanned is None or scanned[1] != len(stripped):
        raise InterpolationError(
            f"'${{{inside}}}' holds no reference",
            dollar + 1,
            end - dollar + 1,
            "write ${name}, ${name.field} or ${name[0]}; compute anything else with `set` before",
        )
    return scanned[0], end + 1
