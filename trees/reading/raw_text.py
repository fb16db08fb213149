"""From a file to text: what can be wrong before anything is read of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from ..._base import Place
from ..problems import Problem, TreeError
from .document import Source

_PRINTABLE: Final = bytes((9, 10, 13, *range(32, 127)))
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class FileKind(NamedTuple):
    """What a file is to its author, for messages about the file as a whole.

    Attributes:
        what: With its article, such as ``a tree file``.
        start: What to do with an empty one.
        example: A usual name.
        depth: Why it is not nested deeper, and what to do.
    """

    what: str
    start: str
    example: str
    depth: tuple[str, str] = ("", "close each bracket, and nest less")


TREE_FILE: Final = FileKind(
    "a tree file",
    "write a tree, or start from `knothole new tree NAME`",
    "tree.yaml",
    ("a tree has at most 500 levels of nodes", "move parts of the tree to subtrees with `use:`"),
)


def read_raw(path: str | Path, kind: FileKind = TREE_FILE) -> str:
    """Return the text of a file.

    Args:
        path: The file.
        kind: What it is meant to be.

    Raises:
        TreeError: The file cannot be read, or is not UTF-8.
    """
    file = str(path)
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise file_error(file, "K001", "there is no such file", "correct the path") from None
    except IsADirectoryError:
        raise file_error(
            file,
            "K002",
            f"this is a directory, not {kind.what}",
            f"name a file in it, such as {file.rstrip('/')}/{kind.example}",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise file_error(
            file, "K003", f"the file cannot be read: {reason}", "check its permissions and its path"
        ) from error
    return _decode(raw, file, kind)


def refuse_control_characters(source: Source) -> None:
    """Raise a ``TreeError`` where a text holds a character that no editor shows."""
    control = None if _is_plain(source.text) else _CONTROL.search(source.text)
    if control is not None:
        line, column = _position(source.text, control.start())
        code = f"U+{ord(control[0]):04X}"
        raise TreeError(
            [
                source.problem(
                    (line, column),
                    "K008",
                    f"the control character {code} does not belong in a text file",
                    fix="delete it, or write it as an escape in double quotes",
                )
            ]
        )


def _is_plain(text: str) -> bool:
    """Tell quickly that a text holds no control characters, as nearly all do; False says nothing."""
    return text.isascii() and not text.encode("ascii").translate(None, _PRINTABLE)


def file_error(file: str, code: str, message: str, fix: str) -> TreeError:
    """Return the error of a file as a whole."""
    return TreeError([Problem(Place(file, 1, 1), code, message, fix=fix)])


def _decode(raw: bytes, file: str, kind: FileKind) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        line, column = _position(before, len(before))
        rest = raw[error.start : error.start + 200].decode("latin-1")
        snippet = re.split("[\n\r]", before)[-1] + "?" + re.split("[\n\r]", rest)[0][1:]
        shown = "".join(c if c.isprintable() else "?" for c in snippet)
        raise TreeError(
            [
                Problem(
                    Place(file, line, column),
                    "K004",
                    f"the byte 0x{raw[error.start]:02X} is not UTF-8",
                    why=f"{kind.what} is UTF-8 text",
                    fix="save the file as UTF-8",
                    snippet=shown,
                )
            ]
        ) from None


def _position(text: str, index: int) -> tuple[int, int]:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text[:index])
    return len(lines), len(lines[-1]) + 1
