"""Rules about the shape of a tree: what cannot be meant, and what would surprise on a robot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from ...behaviors.ports import CONDITION_KEYS
from ..problems import Problem
from ..spec import Computed, Literal, NodeSpec, Program
from .dataflow import Checked, Flows, check_entries
from .loops import check_loops
from .outcomes import FAILURE, PASSES, SUCCESS, YIELDS, Outcomes
from .reporting import at_node, at_place

_LEAST_MOST: Final[Mapping[str, tuple[int, int, str]]] = {
    "if": (2, 3, "a condition, what follows success, and perhaps what follows failure"),
    "recovery": (2, 2, "the node, and what recovers from its failure"),
    "try": (2, 1 << 30, "the nodes to try, and the last one that follows their failure"),
}
"""Flow → least and most children, and what they are."""


def check_trees(trees: list[Checked]) -> list[Problem]:
    """Return mistakes and warnings about the entries and the shape of trees.

    Args:
        trees: All trees of one check, each after those that it uses.
    """
    flows = Flows()
    problems = check_entries(trees, flows)
    limbs: dict[int, Mapping[str, NodeSpec]] = {}
    used = {id(node.uses) for each in trees for node in flows.orders[id(each.tree)] if node.uses is not None}
    for each in trees:
        below = Limbs(each, flows, limbs)
        problems.extend(_clashes(each, flows, below))
        problems.extend(check_loops(each, flows, below.of))
        problems.extend(_shapes(each, flows))
        problems.extend(_conditions(each, flows, id(each.tree) in used))
    return problems


class Limbs:
    """Which limbs the nodes of a tree command, used trees included.

    Args:
        checked: The tree.
        flows: What is known of it.
        trees: ``id(tree)`` → limbs of the whole tree; this tree is added.
    """

    def __init__(self, checked: Checked, flows: Flows, trees: dict[int, Mapping[str, NodeSpec]]) -> None:
        self.of: dict[int, Mapping[str, NodeSpec]] = {}
        """``id(node)`` → limb → the first leaf at or below it that commands it; nodes without any are left out."""
        order = flows.orders[id(checked.tree)]
        for node in reversed(order):
            found: dict[str, NodeSpec] = {}
            if node.kind.limb:
                found[node.kind.limb] = node
            if node.uses is not None:
                for limb in trees.get(id(node.uses), ()):
                    found.setdefault(limb, node)
            if self.of:
                for child in (*node.parts.values(), *node.children, *node.hooks.values()):
                    for limb, leaf in self.of.get(id(child), {}).items():
                        found.setdefault(limb, leaf)
            if found:
                self.of[id(node)] = found
        trees[id(checked.tree)] = self.of.get(id(checked.tree.root), {})


def _clashes(checked: Checked, flows: Flows, limbs: Limbs) -> Iterator[Problem]:
    """Two leaves below one parallel that command the same limb at once."""
    if not limbs.of:
        return
    for node in flows.orders[id(checked.tree)]:
        if node.kind.flow not in ("parallel", "pipeline"):
            continue
        claimed: dict[str, NodeSpec] = {}
        for child in node.children:
            for limb, leaf in sorted(limbs.of.get(id(child), {}).items()):
                first = claimed.setdefault(limb, leaf)
                if first is not leaf:
                    yield at_node(
                        checked.source,
                        leaf,
                        "K303",
                        f"{first.type!r} and {leaf.type!r} command the {limb} at the same time",
                        why=f"the {node.type!r} in line {node.place.line} ticks all its children in every tick",
                        fix="put them into a `sequence`",
                    )


def _shapes(checked: Checked, flows: Flows) -> Iterator[Problem]:
    if not checked.complete:
        return
    outcomes = flows.outcomes[id(checked.tree)]
    for node in flows.orders[id(checked.tree)]:
        if node.kind.flow:
            yield from _counts(checked, node)
            yield from _unreachable(checked, node, outcomes)
        if node.hooks:
            yield from _idle_hooks(checked, node, outcomes)


def _unreachable(checked: Checked, node: NodeSpec, outcomes: Outcomes) -> Iterator[Problem]:
    """Children after one that never lets them have their turn."""
    flow, children = node.kind.flow, node.children
    if flow in ("sequence", "pipeline", "selector", "try"):
        body = children[:-1] if flow == "try" else children
        goes_on = YIELDS if flow == "selector" else PASSES
        for child, after in pairwise(body):
            if not outcomes[child] & goes_on:
                yield _never(checked, node, after, child, "fails" if flow == "selector" else "succeeds")
                return
        if flow == "try" and len(children) > 1 and not any(outcomes[child] & FAILURE for child in body):
            yield _never(checked, node, children[-1], body[-1], "fails")
    elif flow == "if" and len(children) > 1:
        if not outcomes[children[0]] & PASSES:
            yield _never(checked, node, children[1], children[0], "succeeds")
        if len(children) > 2 and not outcomes[children[0]] & FAILURE:
            yield _never(checked, node, children[2], children[0], "fails")
    elif flow == "recovery" and len(children) > 1 and not outcomes[children[0]] & FAILURE:
        yield _never(checked, node, children[1], children[0], "fails")
    elif flow == "switch":
        yield from _same_case(checked, node)


def _never(checked: Checked, parent: NodeSpec, node: NodeSpec, before: NodeSpec, does: str) -> Problem:
    return at_node(
        checked.source,
        node,
        "K304",
        f"{node.type!r} can never be reached",
        why=f"the {before.type!r} before it in line {before.place.line} never {does}",
        fix="move it before, or delete it",
        severity="warning" if parent.kind.dialect or before.kind.dialect else "error",
    )


def _same_case(checked: Checked, node: NodeSpec) -> Iterator[Problem]:
    seen: dict[object, str] = {}
    for name, value in node.values.items():
        if name.startswith("case_") and isinstance(value, Literal):
            first = seen.setdefault(value.value, name)
            if first != name:
                yield at_place(
                    checked.source,
                    value.place,
                    "K304",
                    f"{name!r} can never be reached",
                    why=f"{first!r} is the same text and is looked at before",
                    fix="give each case its own text",
                    width=len(str(value.value)),
                    severity="warning",
                )


def _idle_hooks(checked: Checked, node: NodeSpec, outcomes: Outcomes) -> Iterator[Problem]:
    for key, bit, does in (("on_success", SUCCESS, "succeeds"), ("on_failure", FAILURE, "fails")):
        hook = node.hooks.get(key)
        if hook is not None and not outcomes[node] & bit:
            yield at_node(
                checked.source,
                hook,
                "K304",
                f"{hook.type!r} can never be reached",
                why=f"it stands at {key!r}, and {node.type!r} never {does}",
                fix="use another key, or delete it",
                severity="warning",
            )


def _counts(checked: Checked, node: NodeSpec) -> Iterator[Problem]:
    """Too few or too many children for what the node does, and thresholds that no number of children meets."""
    kind, count = node.kind, len(node.children)
    limits = _LEAST_MOST.get(kind.flow)
    if kind.flow == "switch":
        cases = sum(name.startswith("case_") for name in kind.ports)
        limits = (cases + 1, cases + 1, f"one for each of its {cases} cases, and one for everything else")
        if not cases:
            limits = None
    if limits is not None and kind.listed is not None and not limits[0] <= count <= limits[1]:
        least, most, what = limits
        wanted = str(least) if least == most else f"{least} or {most}" if most - least == 1 else f"at least {least}"
        yield at_node(
            checked.source,
            node,
            "K306",
            f"{node.type!r} has {count} {'child' if count == 1 else 'children'}, it takes {wanted}",
            why=f"they are {what}",
            fix="add what is missing" if count < least else "put the others into a `sequence`, or use another node",
        )
    if kind.flow == "parallel":
        yield from _thresholds(checked, node, count)


def _thresholds(checked: Checked, node: NodeSpec, count: int) -> Iterator[Problem]:
    for name in ("success", "success_count", "failure_count", "max_failures"):
        value = node.values.get(name)
        if not isinstance(value, Literal) or name not in node.kind.ports:
            continue
        text = str(value.value).strip()
        number = int(text) if text.lstrip("-").isdecimal() else None
        if number is None:
            if name == "success" and text not in ("all", "one"):
                yield at_place(
                    checked.source,
                    value.place,
                    "K307",
                    f"port {name!r} of {node.type!r} takes all, one or a number, not {text!r}",
                    fix=f"write all, one, or a number from 1 to {count}",
                    width=len(text),
                )
            continue
        least = 1 if name == "success" else -count  # -1 is all of them, -2 all but one, and so on
        if number > count or number < least:
            what = "fail" if "fail" in name else "succeed"
            yield at_place(
                checked.source,
                value.place,
                "K307",
                f"{number} children can never {what}, {node.type!r} has {count}",
                why=f"port {name!r} says how many children must {what}",
                fix=f"write a number from 1 to {count}" + ("" if name == "success" else ", or -1 for all"),
                width=len(text),
            )


def _conditions(checked: Checked, flows: Flows, used: bool) -> Iterator[Problem]:
    """Conditions that read nothing, and watched ones that read only what nothing writes."""
    fixed = _fixed(checked, flows) if not used and checked.tree.dialect != "bt" else frozenset()
    for node in flows.orders[id(checked.tree)]:
        for key in CONDITION_KEYS if node.common else ():
            value = node.common.get(key)
            if value is None:
                continue
            if _reads_nothing(value):
                yield _constant(checked, value, f"key {key!r}")
            elif key == "while" and isinstance(value, Computed):
                yield from _unchanging(checked, value, fixed, f"key {key!r}", "it is looked at again in every tick")
        value = node.values.get("expression") if node.type == "check" else None
        if value is not None and _reads_nothing(value):
            yield _constant(checked, value, "this check")
        for expression in _watched(node):
            why = f"the {node.type!r} in line {node.place.line} looks at it again in every tick"
            yield from _unchanging(checked, expression, fixed, "this check", why)


def _watched(node: NodeSpec) -> Iterator[Computed]:
    """Yield the conditions that a node looks at again in every tick: of a guard, and early ones of a reactive node."""
    checks = [node.parts["check"]] if "check" in node.parts else []
    if node.kind.reactive and node.kind.flow in ("sequence", "pipeline", "selector"):
        checks += node.children[:-1]
    for check in checks:
        expression = check.values.get("expression") if check.type == "check" else None
        if isinstance(expression, Computed):
            yield expression


def _fixed(checked: Checked, flows: Flows) -> frozenset[str]:
    """Return the entries that are set before the first tick and that nothing writes after."""
    given = {each.name for each in checked.tree.inputs} | set(checked.tree.params)
    return frozenset(given - flows.written[id(checked.tree)] - set(checked.doubtful))


def _reads_nothing(value: object) -> bool:
    if isinstance(value, Computed):
        return not value.expression.references
    return isinstance(value, Program) and not value.script.reads and not value.script.writes


def _constant(checked: Checked, value: object, label: str) -> Problem:
    assert isinstance(value, Computed | Program)
    text = value.expression.source if isinstance(value, Computed) else value.script.source
    return at_place(
        checked.source,
        value.place,
        "K305",
        f"{label} can never change",
        why="it reads no entry",
        fix="delete it, or name an entry in it",
        width=len(text),
        severity="warning",
    )


def _unchanging(
    checked: Checked, value: Computed, fixed: frozenset[str], label: str, watched: str
) -> Iterator[Problem]:
    references = value.expression.references
    if not references or not all(not each.root and each.name in fixed for each in references):
        return
    names = list(dict.fromkeys(f"${each.name}" for each in references))
    yield at_place(
        checked.source,
        value.place,
        "K308",
        f"{label} can never change",
        why=f"{watched}, and nothing writes {' or '.join(names)} after the start",
        fix="use `when`, which looks once, or read an entry that changes",
        width=len(value.expression.source),
        severity="warning",
    )
