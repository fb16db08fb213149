"""Rules about what is run again and again: questions without a limit, motions that restart, loops without end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..problems import Problem
from ..spec import NodeSpec
from .dataflow import Checked, Flows
from .outcomes import FAILURE, RUNNING, loops_of
from .reporting import at_node

_THROTTLES: Final = ("nav2.RateController",)
"""Decorators that tick their child at a given rate only."""
Limbs = Mapping[int, Mapping[str, NodeSpec]]


def check_loops(checked: Checked, flows: Flows, limbs: Limbs) -> Iterator[Problem]:
    """Yield what is wrong with the loops of a tree.

    Args:
        checked: The tree.
        flows: What is known of it and of the trees it uses.
        limbs: ``id(node)`` → limbs that are commanded at or below the node.
    """
    order = flows.orders[id(checked.tree)]
    if any(node.kind.visual or id(node.uses) in flows.visual for node in order):
        flows.visual.add(id(checked.tree))
    asking = flows.asking
    asked = any(node.kind.visual and _is_unlimited(node) for node in order)
    if checked.complete and (asked or any(id(node.uses) in asking for node in order if node.uses is not None)):
        stack: list[tuple[NodeSpec, str]] = [(checked.tree.root, "")]
        while stack:
            node, loop = stack.pop()
            yield from _asked(checked, node, loop, flows)
            stack.extend(_below(node, loop))
    outcomes = flows.outcomes[id(checked.tree)]
    endless = [node for node in order if (node.common or node.kind.flow in ("loop", "recovery")) and _endless(node)]
    if endless:
        timed = _timed(checked)
        for node in endless:
            yield from _without_end(checked, node, outcomes.repeated(node), id(node) in timed)
    if limbs:
        for node in order:
            if node.reactive and node.kind.flow in ("sequence", "selector"):
                yield from _motion_after_question(checked, node, limbs, flows)


def _is_unlimited(node: NodeSpec) -> bool:
    kind, values = node.kind, node.values
    if not kind.visual or "max_age" in values or "rate" in values:
        return False
    limits = [kind.ports[name] for name in ("max_age", "rate") if name in kind.ports]
    return bool(limits) and all(port.default is None for port in limits)


def _asked(checked: Checked, node: NodeSpec, loop: str, flows: Flows) -> Iterator[Problem]:
    """A visual question that a loop asks again and again without a limit."""
    loop = _loop_name(node) or loop
    if _is_unlimited(node):
        if not loop:
            flows.asking.setdefault(id(checked.tree), node)
        else:
            yield at_node(
                checked.source,
                node,
                "K301",
                f"a question in {loop} with neither 'max_age' nor 'rate'",
                why="each round may ask the model again",
                fix="give it `max_age: 500ms`, or `rate: 2`",
                severity="warning",
            )
    inner = flows.asking.get(id(node.uses)) if node.uses is not None else None
    if inner is None or node.uses is None:
        return
    if not loop:
        flows.asking.setdefault(id(checked.tree), inner)
        return
    yield at_node(
        checked.source,
        node,
        "K301",
        f"a subtree in {loop} asks a question with neither 'max_age' nor 'rate'",
        why=f"each round may ask the model again; the question is in {_place(checked, inner)}",
        fix="give the question `max_age: 500ms`, or `rate: 2`",
        severity="warning",
    )


def _place(checked: Checked, node: NodeSpec) -> str:
    here = node.place.file == checked.source.file
    return f"line {node.place.line}" if here else f"line {node.place.line} of {node.place.file}"


def _loop_name(node: NodeSpec) -> str:
    """Name the innermost loop that a node is, which asks what is below it again and again; empty for none."""
    if not node.common and node.kind.flow not in ("loop", "for_each", "recovery"):
        return ""
    for each in reversed(loops_of(node)):
        if each.kind != "retry" or each.endless:
            return f"a loop (`{each.key if each.key in node.common else node.type}`)"
    return ""


def _below(node: NodeSpec, loop: str) -> Iterator[tuple[NodeSpec, str]]:
    """Yield what stands below a node, with what asks it again and again."""
    kind = node.kind
    loop = "" if kind.name in _THROTTLES else _loop_name(node) or loop
    for part in node.parts.values():
        yield part, f"the check of a {node.type}" if kind.flow == "guard" else loop
    for child in node.children:
        yield child, f"a {node.type}" if node.reactive else loop
    for hook in node.hooks.values():
        yield hook, loop


def _motion_after_question(checked: Checked, node: NodeSpec, limbs: Limbs, flows: Flows) -> Iterator[Problem]:
    """A question before a motion in a reactive composite restarts the motion whenever there is no news."""
    asked: NodeSpec | None = None
    for child in node.children:
        if asked is not None and id(child) in limbs:
            yield at_node(
                checked.source,
                asked,
                "K302",
                f"a question before a motion in {node.type!r}",
                why="while it has no answer it is RUNNING, and that halts and restarts the motion after it",
                fix="use `guard`, which pauses the motion",
                severity="warning",
            )
            return
        if asked is None:
            asked = next((e for e in child.walk() if e.kind.visual or id(e.uses) in flows.visual), None)


def _endless(node: NodeSpec) -> bool:
    return any(each.endless and each.kind in ("repeat", "retry") for each in loops_of(node))


def _timed(checked: Checked) -> set[int]:
    """Return the nodes that a timeout ends, at or above them."""
    found: set[int] = set()
    stack = [(checked.tree.root, False)]
    while stack:
        node, timed = stack.pop()
        inside = timed or node.kind.flow == "timeout"
        if timed or "timeout" in node.common:
            found.add(id(node))
            inside = True
        stack.extend((each, inside) for each in (*node.parts.values(), *node.children, *node.hooks.values()))
    return found


def _without_end(checked: Checked, node: NodeSpec, body: int, timed: bool) -> Iterator[Problem]:
    if timed:
        return
    for loop in loops_of(node):
        if not loop.endless or loop.kind not in ("repeat", "retry"):
            continue
        if loop.kind == "retry" and body & FAILURE:
            yield at_node(
                checked.source,
                node,
                "K311",
                f"{node.type!r} retries without end",
                why="nothing limits the attempts, and no timeout ends them",
                fix="give a number of attempts, or a `timeout`",
                severity="warning",
            )
        elif loop.kind == "repeat" and not body & RUNNING and (node.kind.dialect or not body & FAILURE):
            yield at_node(
                checked.source,
                node,
                "K310",
                f"{node.type!r} repeats without end and without a pause",
                why="nothing in it takes time"
                + ("" if body & FAILURE else ", nothing in it fails")
                + ", and no timeout ends it",
                fix="give a number, a `timeout`, or put a node into it that takes time, such as `wait`",
                severity="warning",
            )
