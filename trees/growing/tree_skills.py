"""Trees as skills of plans: what their headers say they need and bring about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..._base import KnotholeError
from ...behaviors.means.skills import Skill, fillable
from ...behaviors.ports import REQUIRED, Port
from ..draw import draw
from ..loader import load, load_text
from ..spec import InputSpec, TreeSpec


def tree_skill(name: str, search: Sequence[str | Path] = ()) -> Skill | None:
    """Return the skill that a tree is; None where there is no such tree, or it is none.

    Args:
        name: Name of a tree, or a file.
        search: Folders with trees, before the library.

    Raises:
        TreeError: The tree has mistakes.
    """
    try:
        tree = load(name, search)
    except KnotholeError as error:
        if any(problem.code == "K001" for problem in getattr(error, "problems", ())):
            return None
        raise
    return skill_of(tree, name)


def skill_of(tree: TreeSpec, name: str = "") -> Skill | None:
    """Return the skill that a checked tree is; None where its header has no ``skill``."""
    if tree.skill is None:
        return None
    ports = tuple(port for each in tree.inputs if fillable(port := _port(each)))
    about = tree.skill.about or tree.about or tree.name
    own = name or tree.name
    return Skill(own, " ".join(about.split()), ports, tree.skill.needs, tree.skill.effects, own)


def _port(each: InputSpec) -> Port:
    default = REQUIRED if each.default is None else each.default.value
    return Port(each.name, each.type, each.about, "in", default, False, each.choices, each.minimum, each.maximum)


def outline(text: str, search: Sequence[str | Path] = ()) -> str:
    """Return how the tree of a text is drawn in words; the text itself where it has mistakes."""
    try:
        return draw(load_text(text, search=search))
    except KnotholeError:
        return text
