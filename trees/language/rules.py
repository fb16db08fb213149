"""Rules about the shape of a tree: what cannot be meant, and what would surprise on a robot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..._base import Place
from ..problems import Problem
from ..spec import Computed, Literal, NodeSpec, TreeSpec
from .document import Source

_ENDLESS: Final = ("guard", "repeat", "for_each")


def check_rules(tree: TreeSpec, source: Source) -> list[Problem]:
    """Return mistakes and warnings about the shape of one tree; trees it uses are checked where they stand."""
    problems = [
        *_limbs(tree.root, source),
        *_asked_in_loops(tree.root, source, ""),
        *_constant_conditions(tree, source),
    ]
    for node in tree.walk():
        problems.extend(_motion_after_see(node, source))
        problems.extend(_unreachable(node, source))
    return problems


def questions_per_tick(tree: TreeSpec) -> int:
    """Return the most model calls that one tick of the tree can start: each visual leaf that may be ticked in it, once.

    A memory composite goes on at the running child, so one tick passes all of a sequence at worst; a question that
    several leaves ask of one frame is asked once, which this number does not count on.
    """
    counts: dict[int, int] = {}

    def count(this: TreeSpec) -> int:
        if id(this) not in counts:
            counts[id(this)] = sum(
                int(node.kind.visual) + (count(node.uses) if node.uses is not None else 0) for node in this.walk()
            )
        return counts[id(this)]

    return count(tree)


def _limbs(root: NodeSpec, source: Source) -> Iterator[Problem]:
    """Two leaves below one parallel that command the same limb at once."""
    for node in root.walk():
        kind = node.kind
        if kind is None or kind.flow != "parallel":
            continue
        claimed: dict[str, NodeSpec] = {}
        for child in node.children:
            for limb, leaf in sorted(limbs_of(child).items()):
                first = claimed.setdefault(limb, leaf)
                if first is not leaf:
                    yield _at(
                        source,
                        leaf if leaf in child.walk() else child,
                        "K303",
                        f"{first.type!r} and {leaf.type!r} command the {limb} at the same time",
                        why=f"the {node.type!r} in line {node.place.line} ticks all its children in every tick",
                        fix="put them into a `sequence`",
                    )


def limbs_of(node: NodeSpec, known: dict[int, Mapping[str, NodeSpec]] | None = None) -> Mapping[str, NodeSpec]:
    """Return limb → the first leaf at or below a node that commands it, used trees included.

    Args:
        node: Where to look.
        known: Limbs of used trees that were looked at before, by identity.
    """
    known = {} if known is None else known
    found: dict[str, NodeSpec] = {}
    for each in node.walk():
        kind = each.kind
        if kind is not None and kind.limb:
            found.setdefault(kind.limb, each)
        if each.uses is not None:
            below = known.get(id(each.uses))
            if below is None:
                below = known[id(each.uses)] = limbs_of(each.uses.root, known)
            for limb in below:
                found.setdefault(limb, each)
    return found


def _asked_in_loops(node: NodeSpec, source: Source, loop: str) -> Iterator[Problem]:
    """Visual questions that a loop asks again and again without a limit."""
    kind = node.kind
    if "repeat" in node.common:
        loop = "a loop (`repeat`)"
    limits = {"max_age", "rate"}
    if kind is not None and kind.visual and loop and limits & set(kind.ports) and not limits & set(node.values):
        yield _at(
            source,
            node,
            "K301",
            f"a question in {loop} with neither 'max_age' nor 'rate'",
            why="each round may ask the model again",
            fix="give it `max_age: 500ms`, or `rate: 2`",
            severity="warning",
        )
    for part in node.parts.values():
        yield from _asked_in_loops(part, source, f"the check of a {node.type}" if node.type == "guard" else loop)
    for child in node.children:
        inner = loop
        if kind is not None and kind.reactive:
            inner = f"a {node.type}"
        elif node.type in ("repeat", "for_each"):
            inner = f"a loop (`{node.type}`)"
        yield from _asked_in_loops(child, source, inner)


def _motion_after_see(node: NodeSpec, source: Source) -> Iterator[Problem]:
    """A question before a motion in a reactive composite restarts the motion whenever there is no news."""
    kind = node.kind
    if kind is None or not kind.reactive or kind.flow == "parallel":
        return
    asked: NodeSpec | None = None
    for child in node.children:
        if asked is not None and limbs_of(child):
            yield _at(
                source,
                asked,
                "K302",
                f"a question before a motion in {node.type!r}",
                why="while it has no answer it is RUNNING, and that halts and restarts the motion after it",
                fix="use `guard`, which pauses the motion",
                severity="warning",
            )
            return
        if asked is None:
            asked = next((each for each in child.walk() if (k := each.kind) and k.visual), None)


def _constant_conditions(tree: TreeSpec, source: Source) -> Iterator[Problem]:
    """``when`` and ``skip_if`` that read nothing never change."""
    for node in tree.walk():
        for key in ("when", "skip_if"):
            value = node.common.get(key)
            if not isinstance(value, Computed):
                continue
            expression = value.expression
            if not expression.references:
                yield _place(
                    source,
                    value.place,
                    "K305",
                    f"key {key!r} can never change",
                    why="it reads no entry",
                    fix="delete it, or name an entry in it",
                    width=len(expression.source),
                    severity="warning",
                )


def _unreachable(node: NodeSpec, source: Source) -> Iterator[Problem]:
    """Children after one that never ends."""
    kind = node.kind
    if kind is None or kind.reactive or kind.flow not in ("sequence", "selector"):
        return
    for child, after in zip(node.children, node.children[1:], strict=False):
        if _never_succeeds(child) if kind.flow == "sequence" else _never_fails(child):
            yield _at(
                source,
                after,
                "K304",
                f"{after.type!r} can never be reached",
                why=f"the {child.type!r} before it in line {child.place.line} never "
                + ("succeeds" if kind.flow == "sequence" else "fails"),
                fix="move it before, or delete it",
            )
            return


def _never_succeeds(node: NodeSpec) -> bool:
    value = node.common.get("repeat") or (node.values.get("times") if node.type == "repeat" else None)
    return (
        isinstance(value, Literal) and value.value == -1 and "when" not in node.common and "skip_if" not in node.common
    )


def _never_fails(node: NodeSpec) -> bool:
    return node.type in ("set", "say", "wait") and "timeout" not in node.common


def _at(
    source: Source,
    node: NodeSpec,
    code: str,
    message: str,
    *,
    why: str = "",
    fix: str = "",
    severity: str = "error",
) -> Problem:
    return _place(source, node.place, code, message, why=why, fix=fix, width=len(node.type), severity=severity)


def _place(
    source: Source,
    place: Place,
    code: str,
    message: str,
    *,
    why: str = "",
    fix: str = "",
    width: int = 1,
    severity: str = "error",
) -> Problem:
    return source.problem(
        (place.line, place.column),
        code,
        message,
        why=why,
        fix=fix,
        width=width,
        severity="warning" if severity == "warning" else "error",
    )
