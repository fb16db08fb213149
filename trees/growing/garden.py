"""Lets a tree grow while it runs: texts are checked as files are, and put into the tree between two ticks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ..._base import KnotholeError, near_misses
from ...behaviors.growing import GrowError
from ...behaviors.means.skills import Skill
from ..builder import BuiltTree, grows
from ..changing.graft import Edit, grown, grown_in
from ..finding import find
from ..loader import Loader
from ..problems import Problem, TreeError
from ..recursion import deep_recursion
from ..spec import TreeSpec
from .limits import MOST_TEXT, above, too_deep, too_large
from .tree_skills import outline, tree_skill

Check = Callable[[TreeSpec], Sequence[Problem]]
"""Tells what the robot and the backends of the run cannot do of a tree."""
Reload = Callable[[TreeSpec, Mapping[str, str] | None, str], object]

_ROOT: Final = "knothole: 1\ntree: grown_here\nroot:\n  use: {name}\n"


@dataclass(frozen=True)
class Wish:
    """A tree that shall stand below a node from the next tick on.

    Attributes:
        path: The node.
        branch: The checked tree.
        keep: As for ``Gardener.grow``.
    """

    path: str
    branch: TreeSpec
    keep: bool


class Garden:
    """The ``Gardener`` of a run; the loop puts into the tree what was wished for.

    Args:
        search: Folders with trees, before the library.
        check: Tells what the run cannot do of a tree.

    Attributes:
        wishes: What shall grow after this tick.
    """

    def __init__(self, search: Sequence[str | Path] = (), check: Check | None = None) -> None:
        self.search, self.check = [Path(folder) for folder in search], check
        self.wishes: list[Wish] = []
        self._built: BuiltTree | None = None
        self._failed: dict[str, str] = {}

    def tend(self, built: BuiltTree) -> None:
        """Take the tree of a run over."""
        self._built, self.wishes = built, []
        self._failed.clear()

    def problems(self, text: str, path: str = "") -> list[str]:
        """Return what is wrong with a text; see ``Gardener``."""
        try:
            self._checked(text, path)
        except TreeError as error:
            return [str(problem) for problem in error.problems]
        except GrowError as error:
            return error.problems
        return []

    def grow(self, path: str, text: str, keep: bool = False) -> None:
        """Let a tree grow below a node from the next tick on; see ``Gardener``."""
        try:
            branch = self._checked(text, path)
        except TreeError as error:
            raise GrowError([str(problem) for problem in error.problems]) from error
        self._failed.pop(path, None)
        self.wishes = [wish for wish in self.wishes if wish.path != path]
        self.wishes.append(Wish(path, branch, keep))

    def failed(self, path: str) -> str:
        """Return why something could not be built, once."""
        return self._failed.pop(path, "")

    def skill(self, name: str) -> Skill | None:
        """Return the skill that a tree is; None where there is no such tree, or it is none.

        Raises:
            TreeError: The tree has mistakes.
        """
        return tree_skill(name, self._folders())

    def outline(self, text: str) -> str:
        """Return how the tree of a text is drawn in words."""
        return outline(text, self._folders())

    def apart(self) -> Garden:
        """Return the gardener of a tree that is ticked beside this one: it finds the same trees; see ``Gardener``."""
        return Garden(self._folders(), self.check)

    def plant(self, reload: Reload) -> None:
        """Let the wishes come true, one after the other; what cannot be built is told by ``failed``.

        Args:
            reload: Replaces the tree of the run: an edited tree, where its nodes were, and the leaf that grows.

        Raises:
            KnotholeError: A node that is gone raised when it was halted; the tree is changed.
        """
        wishes, self.wishes = self.wishes, []
        for wish in wishes:
            try:
                edit = self.edit(wish)
            except KnotholeError as error:
                self._failed[wish.path] = str(error)
                continue
            try:
                reload(edit.spec, edit.origins, wish.path)
            except KnotholeError as error:
                if self._built is not None and self._built.spec is edit.spec:
                    raise
                self._failed[wish.path] = str(error)

    def edit(self, wish: Wish) -> Edit:
        """Return the tree in which a wish has come true.

        Raises:
            KnotholeError: There is no such node any more.
        """
        assert self._built is not None
        spec = self._built.spec
        edit = grown(spec, wish.path, wish.branch.root, wish.keep)
        texts = MappingProxyType({**spec.texts, wish.branch.file: wish.branch.text})
        return edit._replace(spec=replace(edit.spec, texts=texts))

    def carried(self, edited: TreeSpec) -> TreeSpec:
        """Return an edited tree with what has grown in the present one, where the node is still there."""
        if self._built is None:
            return edited
        spec = self._built.spec
        for path, branch in grown_in(spec).items():
            try:
                edited = grown(edited, path, branch).spec
            except KnotholeError:
                continue
        return replace(edited, texts=spec.texts)

    def _folders(self) -> list[Path]:
        """Return where trees are searched for, before the library."""
        own = [Path(self._built.spec.file).parent] if self._built is not None else []
        return [*own, *self.search]

    def _checked(self, text: str, path: str) -> TreeSpec:
        """Return the tree of a text.

        Raises:
            TreeError: The text has mistakes.
            GrowError: It cannot grow there.
        """
        if len(text) > MOST_TEXT:
            raise GrowError([f"{_name(path)} has {len(text)} characters, at most {MOST_TEXT} are allowed"])
        way = above(self._built.spec, path) if self._built is not None and path else ()
        folders = [Path(tree.file).parent for tree in reversed(way) if tree.file in _here(tree)]
        loader = Loader([*folders, *self.search])
        if _is_name(text):
            find(text, [*folders, *self.search])
            text = _ROOT.format(name=text)
        branch = loader.main(loader.text(text, _name(path)))
        with deep_recursion():
            refused = too_large(branch) or too_deep(branch, way, self._levels(path)) or self._misplaced(branch, path)
        if refused:
            raise GrowError([refused])
        if self.check is not None:
            problems = [problem for problem in self.check(branch) if problem.severity == "error"]
            if problems:
                raise TreeError(problems)
        return branch

    def _levels(self, path: str) -> int:
        """Return how many nodes that grow stand above a place, its own one included."""
        nodes = self._built.nodes if self._built is not None else ()
        return sum(
            grows(each.spec) and each.kind == "leaf" and f"{path}/".startswith(f"{each.path}/") for each in nodes
        )

    def _misplaced(self, branch: TreeSpec, path: str) -> str:
        """Return why a tree cannot stand at a place, which has no blackboard of its own."""
        name = _name(path)
        if branch.params or any(entry.default is not None for entry in branch.inputs):
            what = "params" if branch.params else "a default of an input"
            return f"{name} declares {what}, and has no blackboard of its own\n  fix:  leave that out"
        if branch.invariants:
            return (
                f"{name} declares invariants, and rules hold from the start of a run\n"
                "  fix:  leave that out, or name the file with --invariants"
            )
        if self._built is None or not path:
            return ""
        leaf = next((each for each in self._built.nodes if each.path == path), None)
        if leaf is None or not grows(leaf.spec):
            why = "there is no such node" if leaf is None else f"{leaf.type} is no leaf that grows"
            return f"nothing can grow below {path}\n  why:  {why}"
        board, scope = self._built.blackboard, leaf.node.wiring.scope
        inner = f"{scope}/" if scope else ""
        known = [cell.name.removeprefix(inner) for cell in board if cell.name.startswith(inner)]
        for entry in branch.inputs:
            if entry.name not in known:
                near = near_misses(entry.name, known)
                hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
                return f"{name} reads ${entry.name}, and there is no such entry around it{hint}"
        return ""


def _name(path: str) -> str:
    """Return what a text is called in messages: it has no file."""
    return f"plan of {path.rpartition('/')[2]}" if path else "plan"


def _is_name(text: str) -> bool:
    return "\n" not in text and ":" not in text


def _here(tree: TreeSpec) -> tuple[str, ...]:
    """Return the file of a tree, if it is one."""
    return (tree.file,) if Path(tree.file).is_file() else ()
