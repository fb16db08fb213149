"""The skills that plans may be made of: leaves, and trees with ``skill:`` in their header, with what they do."""

from __future__ import annotations

from collections.abc import Iterator

from ...behaviors.means.skills import Skill, skill
from ...behaviors.node import NODES
from ...trees.finding import library, trees_in
from ...trees.growing.tree_skills import tree_skill
from ...trees.problems import TreeError
from .inspect import project


def all_skills() -> Iterator[Skill]:
    """Yield the skills of knothole and of the project, leaves first; trees with mistakes are left out."""
    config = project()
    for name in NODES:
        one = skill(name) if "." not in name else None
        if one is not None:
            yield one
    names = {file.stem for folder in (*config.trees, library()) for file in trees_in(folder) if file.suffix != ".xml"}
    for name in sorted(names):
        try:
            found = tree_skill(name, config.trees)
        except TreeError:
            continue
        if found is not None:
            yield found


def skill_list() -> str:
    """Return the skills with their arguments, what they need and what they bring about."""
    parts = []
    for title, some in (
        ("leaves", [s for s in all_skills() if not s.tree]),
        ("trees", [s for s in all_skills() if s.tree]),
    ):
        parts += [title, *(line for one in some for line in _lines(one))] if some else []
    return "\n".join(
        [*parts, "", "a question mark is behind what may be left out; knothole nodes NAME explains a leaf"]
    )


def _lines(one: Skill) -> Iterator[str]:
    words = ", ".join(port.name if port.required else f"{port.name}?" for port in one.ports)
    yield f"  {one.name}({words})"
    yield f"      {one.about}"
    for title, facts in (("needs", one.needs), ("brings about", one.effects)):
        if facts:
            yield f"      {title}: {', '.join(map(str, facts))}"


def skill_table() -> list[dict[str, object]]:
    """Return the skills as plain data."""
    return [
        {
            "name": one.name,
            "about": one.about,
            "tree": bool(one.tree),
            "arguments": [
                {"name": p.name, "type": p.type, "required": p.required, "about": p.about} for p in one.ports
            ],
            "needs": [str(fact) for fact in one.needs],
            "effects": [str(fact) for fact in one.effects],
            "schema": one.schema(),
        }
        for one in all_skills()
    ]
