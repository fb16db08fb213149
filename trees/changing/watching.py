"""The files of a tree, looked at between ticks: an edit is read when size or time of a file is another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..problems import TreeError
from ..spec import TreeSpec

_Seen = dict[Path, tuple[int, int] | None]


class Watch:
    """Look at the files of a tree and of the trees it uses.

    Args:
        spec: The tree that runs.
        load: Reads the tree again.
        more: Further files that decide what ``load`` gives, such as a profile of mocks.
    """

    def __init__(self, spec: TreeSpec, load: Callable[[], TreeSpec], more: Iterable[Path] = ()) -> None:
        self._load, self._more = load, tuple(more)
        self._seen: _Seen = {path: _state(path) for path in (*files_of(spec), *self._more)}
        self._told = ""

    def look(self) -> TreeSpec | None:
        """Return the tree as it is now when a file was edited since the last look, else None.

        A file that is missing counts as unchanged: editors replace files in two steps.

        Raises:
            KnotholeError: The edited tree has mistakes. The next look reads it when a file was edited again, also one
                that only the edited tree uses, and when one may have come that was missing.
        """
        now: _Seen = {path: _state(path) or before for path, before in self._seen.items()}
        edited = [path for path, state in now.items() if state != self._seen[path]]
        if not edited:
            return None
        self._seen = now
        try:
            spec = self._load()
        except TreeError as error:
            self._seen = {**{path: _state(path) for path in map(Path, error.looked)}, **now}
            same, self._told = str(error) == self._told, str(error)
            if same and all(path.is_dir() for path in edited):
                return None  # another file came
            raise
        self._told = ""
        self._seen = {path: now.get(path) or _state(path) for path in (*files_of(spec), *self._more)}
        return spec


def files_of(spec: TreeSpec) -> list[Path]:
    """Return the files of a tree and of all trees it uses, in order of use."""
    found: dict[Path, None] = {}
    seen: set[int] = set()
    waiting = [spec]
    while waiting:
        tree = waiting.pop()
        if id(tree) in seen:
            continue
        seen.add(id(tree))
        found[Path(tree.file)] = None
        waiting.extend(node.uses for node in tree.walk() if node.uses is not None)
    return list(found)


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
