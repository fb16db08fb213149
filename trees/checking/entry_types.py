"""Compare the types of entries: each writer with the first one, each reader with the writers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..literals import type_words
from ..spec import NodeSpec, TreeSpec
from .entries import Wanted, Write
from .reporting import Report
from .settling import Conflict, Settled, settle
from .typing_rules import accepts, expression_mistakes


def check_types(
    tree: TreeSpec,
    writes: Iterable[Write],
    wanted: Sequence[Wanted],
    nodes: Iterable[NodeSpec],
    outside: bool,
    report: Report,
) -> Settled:
    """Return the types of the entries of a tree; what does not fit is reported.

    Args:
        tree: The tree.
        writes: Its writers.
        wanted: Its readers that take one type only.
        nodes: The nodes that mention entries.
        outside: True where entries may be set from outside: then a conflict is a warning.
        report: Collects problems.
    """
    declared = {each.name: (str(each.type), each.place) for each in tree.inputs}
    settled = settle(declared, sorted(writes, key=lambda write: (write.place.line, write.place.column)))
    for conflict in settled.conflicts:
        _conflict(conflict, _origin(conflict.write.name, tree, settled, report), outside, report)
    for node in nodes:
        for computed, wrong, fix in expression_mistakes(node, settled.types):
            report.at(computed.place, len(computed.expression.source), "K119", wrong, fix=fix)
    for want in wanted:
        has = settled.types.get(want.name)
        if has is not None and not (accepts(want.type, has) if want.strict else _converts(want.type, has)):
            _wrong_type(want, has, _origin(want.name, tree, settled, report), report)
    return settled


def _wrong_type(want: Wanted, has: str, origin: str, report: Report) -> None:
    why = f"it gets its type from {origin}"
    if want.inner is not None:
        why += f"; it is read in {report.where(want.inner)}"
    report.entry(
        want.place,
        want.name,
        "K204",
        f"${want.name} is {type_words(has)}, {want.reader} takes {type_words(want.type)}",
        why=why,
        fix="read another entry, or a field of this one",
        severity="error" if want.strict else "warning",
    )


def _conflict(conflict: Conflict, origin: str, outside: bool, report: Report) -> None:
    write = conflict.write
    why = f"it gets its type from {origin}"
    if write.inner is not None:
        why += f"; it is written in {report.where(write.inner)}"
    report.entry(
        write.place,
        write.name,
        "K204",
        f"${write.name} is {type_words(conflict.has)}, this node writes {type_words(write.type)}",
        why=why,
        fix="write to another entry",
        severity="warning" if outside else "error",
    )


def _origin(name: str, tree: TreeSpec, settled: Settled, report: Report) -> str:
    if any(each.name == name for each in tree.inputs):
        return "the inputs of this tree"
    return report.where(settled.origins[name])


def _converts(wanted: str, has: str) -> bool:
    """Tell whether a port that takes the text of BehaviorTree.CPP can take an entry."""
    return has == "text" or wanted == "text" or accepts(wanted, has)
