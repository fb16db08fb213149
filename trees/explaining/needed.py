"""What would have had to be different for a node to have another status, in words: one rule per kind of node.

Only what the meaning of the node and the trace together settle is said; where they do not, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ..tracing.history import Event, History, Node
from .answers import answer_needed
from .entries import entries_at, number_of, value_of
from .evidence import Evidence
from .expressions import changes_needed

WHATEVER: Final = "nothing below it: "
"""How a line begins that says that no child could have changed a node."""


class Decided(NamedTuple):
    """A status of a node and what a chain of causes knows of it.

    Attributes:
        node: The node.
        status: Its status.
        event: How it got that.
        moment: The moment in question.
        child: Index of the child that decided, -1 for none.
        child_status: The status of that child which decided.
        evidence: What it asked and was answered; None for nothing.
    """

    node: Node
    status: str
    event: Event
    moment: int
    child: int
    child_status: str
    evidence: Evidence | None


class Needed:
    """Say what would have had to be different.

    Args:
        history: What happened.
    """

    def __init__(self, history: History) -> None:
        self.history = history

    def of(self, it: Decided) -> tuple[str, ...]:
        """Return what would have had to be different, one line each; empty where the trace does not settle it."""
        forced = self.history.forced(it.event)
        if forced is not None:
            return (f"{WHATEVER}it was forced to {it.status} by hand since tick {forced.get('tick')}",)
        if it.node.mocked and not it.node.children:
            return (f"its mock, which does {it.node.mocked}, would have had to say otherwise",)
        if not it.node.children:
            return self._leaf(it)
        if it.status == "SKIPPED":
            return self._skipped(it)
        rules = {"FAILURE": _FAILED, "RUNNING": _RUNNING, "SUCCESS": _SUCCEEDED}.get(it.status, {})
        if it.event.reason.startswith("failure_if:") and it.status == "FAILURE" and it.child < 0:
            return self._condition(it, "failure_if", False)
        if it.event.reason.startswith("success_if:") and it.status == "SUCCESS" and it.child < 0:
            return self._condition(it, "success_if", False)
        rule = rules.get(it.node.flow)
        return tuple(line for line in rule(self, it) if line) if rule is not None else ()

    def _leaf(self, it: Decided) -> tuple[str, ...]:
        given = it.node.ports.get("expression")
        if it.node.type == "check" and isinstance(given, Mapping) and "expression" in given:
            entries = entries_at(self.history, it.node, it.event)
            return (changes_needed(str(given["expression"]), it.status != "SUCCESS", entries),)
        earlier = [each for each in self.history.of(it.node.index) if each.at < it.event.at]
        stood = earlier[-1].status if earlier else ""
        ports = {name: value_of(self.history, it.node, name, it.event) for name in it.node.ports}
        return answer_needed(it.node.type, it.status, it.event.reason, ports, it.evidence, stood)

    def _condition(self, it: Decided, key: str, wanted: bool) -> tuple[str, ...]:
        given = it.node.ports.get(key)
        if not isinstance(given, Mapping):
            return ()
        if "expression" not in given:
            return (f"{key}: {given.get('script', given)} would have had to be {str(wanted).lower()}",)
        entries = entries_at(self.history, it.node, it.event)
        return (f"{key}: {changes_needed(str(given['expression']), wanted, entries)}",)

    def _skipped(self, it: Decided) -> tuple[str, ...]:
        """Say which condition passed the node over: the first that is against it with the values of then."""
        keys = [key for key in ("skip_if", "when", "while") if key in it.node.ports]
        for key in keys:
            (line,) = self._condition(it, key, key != "skip_if") or ("",)
            if len(keys) == 1 or "; it was " in line:
                return (line,) if line else ()
        return ()

    # FAILURE

    def _sequence(self, it: Decided) -> tuple[str, ...]:
        if it.child < 0:
            return ()
        after = it.node.children[it.node.children.index(it.child) + 1 :]
        child = self.history.nodes[it.child].short
        if not after:
            return (f"had {child} succeeded, it would have succeeded",)
        return (f"had {child} succeeded, {self.history.nodes[after[0]].short} would have been ticked next",)

    def _selector(self, it: Decided) -> tuple[str, ...]:
        lines = []
        tried = [c for c in it.node.children if self.history.status(c, it.event.at) != "SKIPPED"]
        if len(tried) > 1:
            lines.append(f"one of its {len(tried)} alternatives would have had to succeed")
        for child in it.node.children:
            seen = self.history.last(child, it.event.at)
            if seen is not None and seen.status == "SKIPPED":
                node = self.history.nodes[child]
                why = self._skipped(Decided(node, "SKIPPED", seen, seen.at, -1, "", None))
                lines.append(f"{node.short} was skipped{': ' + why[0] if why else ''}")
        return tuple(lines)

    def _counts(self, it: Decided) -> tuple[list[str], list[str], int]:
        """Return which children succeeded and which failed in this execution, and how many were not skipped."""
        since = self.history.start(it.node.index, it.event.at)
        found: dict[str, list[str]] = {"SUCCESS": [], "FAILURE": []}
        skipped = 0
        for child in it.node.children:
            skipped += self.history.status(child, it.event.at) == "SKIPPED"
            for status, names in found.items():
                if self.history.became(child, status, it.event.at, since) is not None:
                    names.append(self.history.nodes[child].short)
        return found["SUCCESS"], found["FAILURE"], len(it.node.children) - skipped

    def _goal(self, it: Decided, possible: int) -> int | None:
        """Return how many children must succeed; None where that is not known."""
        count = number_of(self.history, it.node, it.event, "success_count")
        if count is not None:
            return int(count) if count >= 0 else max(len(it.node.children) + int(count) + 1, 0)
        said = str(value_of(self.history, it.node, "success", it.event) or "")
        known = {"all": possible, "one": 1}
        return known.get(said, int(said) if said.isdecimal() else None)

    def _parallel(self, it: Decided) -> tuple[str, ...]:
        done, failed, possible = self._counts(it)
        too_few = re.match(r"only (\d+) children are not skipped, (\d+) must succeed$", it.event.reason)
        if too_few:
            more = int(too_few[2]) - int(too_few[1])
            return (f"{_more(more, 'child', 'children')} would have had to be ticked instead of skipped",)
        limit = number_of(self.history, it.node, it.event, "failure_count", "max_failures")
        goal = self._goal(it, possible)
        had = f"; {len(done)} of the {goal} successes that it needs were there" if goal is not None else ""
        if limit is not None:
            most = int(limit) if limit >= 0 else max(len(it.node.children) + int(limit) + 1, 0)
            return (f"fewer than {most} of its children would have had to fail; {_listed(failed)} did{had}",)
        if not failed:
            return ()
        return (
            f"none of its children may fail: {_listed(failed)} would have had to succeed, or to go on running{had}",
        )

    def _loop(self, it: Decided) -> tuple[str, ...]:
        attempts = number_of(self.history, it.node, it.event, "attempts", "num_attempts", "num_failures")
        if attempts is not None and it.child >= 0:
            what = f"in one of its {attempts:g} attempts" if attempts > 1 else "in its only attempt"
            return (f"{self._child(it)} would have had to succeed {what}",) if attempts > 0 else ()
        times = number_of(self.history, it.node, it.event, "times", "num_cycles", "num_success")
        if times is None or it.child < 0 or times < 0:
            return ()
        return (f"{self._child(it)} would have had to succeed {times:g} times",)

    def _timeout(self, it: Decided) -> tuple[str, ...]:
        limit = number_of(self.history, it.node, it.event, "duration")
        if limit is None:
            milliseconds = number_of(self.history, it.node, it.event, "msec")
            limit = milliseconds / 1000 if milliseconds is not None else None
        if it.child_status != "RUNNING" or limit is None:
            return ()
        began = self.history.began(it.node.index, it.event.at)
        ran = f"; it ran from {began.time:.2f} s to {it.event.time:.2f} s" if began is not None else ""
        lines = [f"{self._child(it)} would have had to be done within {limit:g} s{ran}"]
        for node, left in self._waiting(it.child, it.moment if it.status == "RUNNING" else it.event.at):
            lines.append(f"{node.short} alone would have taken {left:g} s more")
        return tuple(lines)

    def _waiting(self, node: int, moment: int) -> list[tuple[Node, float]]:
        """Return the waits that were running below a node right before it was halted, with the time that was left."""
        found = []
        for each in self.history.nodes:
            if each.type != "wait" or (each.index != node and not self.history.is_below(each.index, node)):
                continue
            events = [e for e in self.history.of(each.index) if e.at <= moment and e.status == "RUNNING"]
            left = re.match(r"([\d.]+) s left$", events[-1].reason) if events else None
            ended = self.history.last(each.index, moment)
            if (
                left
                and ended is not None
                and ended.status in ("RUNNING", "INVALID")
                and events[-1].tick >= ended.tick - 1
            ):
                found.append((each, float(left[1])))
        return found

    def _guard(self, it: Decided) -> tuple[str, ...]:
        check = self.history.nodes[it.node.children[0]].short
        if it.event.reason.startswith("gave up"):
            return (f"{check} would have had to succeed again by tick {it.event.tick} ({it.event.time:.2f} s)",)
        return ()

    def _if(self, it: Decided) -> tuple[str, ...]:
        children = it.node.children
        condition = self.history.nodes[children[0]].short
        if it.child == children[0]:
            return (f"its condition {condition} would have had to succeed",)
        if it.child < 0:
            return ()
        first = it.child == children[1]
        other = children[2] if first and len(children) > 2 else children[1] if not first else -1
        instead = f"; {self.history.nodes[other].short} would have been ticked instead" if other >= 0 else ""
        told = "failed" if first else "succeeded"
        return (f"had {condition} {told}, {self._child(it)} would not have been ticked{instead}",)

    def _inverter(self, it: Decided) -> tuple[str, ...]:
        return (f"{self._child(it)} would have had to {'fail' if it.status == 'FAILURE' else 'succeed'}",)

    def _fails(self, it: Decided) -> tuple[str, ...]:
        return (f"{WHATEVER}it fails whatever its child does",)

    def _for_each(self, it: Decided) -> tuple[str, ...]:
        element = re.search(r"\(element (\d+) of (\d+)\)$", it.event.reason)
        if not element:
            return ()
        left = int(element[2]) - int(element[1])
        after = f"; {left} more {'was' if left == 1 else 'were'} to come" if left else ", the last one"
        return (f"{self._child(it)} would have had to succeed for element {element[1]} of {element[2]}{after}",)

    def _tries(self, it: Decided) -> tuple[str, ...]:
        return (f"{self._child(it)} would have had to succeed",) if it.child >= 0 else ()

    def _recovery(self, it: Decided) -> tuple[str, ...]:
        retries = number_of(self.history, it.node, it.event, "number_of_retries")
        first = self.history.nodes[it.node.children[0]].short
        often = f" in one of {retries + 1:g} attempts" if retries is not None else ""
        return (f"{first} would have had to succeed{often}",)

    # RUNNING

    def _paused(self, it: Decided) -> tuple[str, ...]:
        if not it.event.reason.startswith("paused: "):
            return ()
        check = self.history.nodes[it.node.children[0]].short
        patience = number_of(self.history, it.node, it.event, "give_up_after")
        gives_up = f"; it gives up after a pause of {patience:g} s" if patience is not None else "; it never gives up"
        return (f"{check} would have to succeed{gives_up}",)

    def _runs_on(self, it: Decided) -> tuple[str, ...]:
        since = self.history.start(it.node.index, it.moment)
        done = [c for c in it.node.children if self.history.became(c, "SUCCESS", it.moment, since) is not None]
        skipped = sum(self.history.status(c, it.moment) == "SKIPPED" for c in it.node.children)
        goal = self._goal(it, len(it.node.children) - skipped)
        return (f"it needs {_more(goal, 'success', 'successes', '')}, and had {len(done)}",) if goal is not None else ()

    # SUCCESS

    def _chose(self, it: Decided) -> tuple[str, ...]:
        if it.child < 0:
            return ()
        after = it.node.children[it.node.children.index(it.child) + 1 :]
        child = self.history.nodes[it.child].short
        if not after:
            return (f"had {child} failed, it would have failed",)
        return (f"had {child} failed, {self.history.nodes[after[0]].short} would have been tried",)

    def _all(self, it: Decided) -> tuple[str, ...]:
        return ("had one of its children failed, it would have failed",) if len(it.node.children) > 1 else ()

    def _succeeds(self, it: Decided) -> tuple[str, ...]:
        return (f"{WHATEVER}it succeeds whatever its child does",)

    def _child(self, it: Decided) -> str:
        if it.child >= 0:
            return self.history.nodes[it.child].short
        return self.history.nodes[it.node.children[0]].short if len(it.node.children) == 1 else "its child"


def _listed(names: list[str]) -> str:
    """Write names with ``and`` before the last one; many are a number."""
    if len(names) > 5:
        return f"{len(names)} of them"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"


def _more(count: int, one: str, many: str, word: str = " more") -> str:
    return f"{count}{word} {one if count == 1 else many}"


_Rules = Mapping[str, Callable[[Needed, Decided], tuple[str, ...]]]

_FAILED: Final[_Rules] = {
    "sequence": Needed._sequence,
    "pipeline": Needed._sequence,
    "selector": Needed._selector,
    "round_robin": Needed._selector,
    "parallel": Needed._parallel,
    "loop": Needed._loop,
    "timeout": Needed._timeout,
    "guard": Needed._guard,
    "if": Needed._if,
    "inverter": Needed._inverter,
    "failure": Needed._fails,
    "for_each": Needed._for_each,
    "try": Needed._tries,
    "recovery": Needed._recovery,
}
_RUNNING: Final[_Rules] = {"guard": Needed._paused, "parallel": Needed._runs_on}
_SUCCEEDED: Final[_Rules] = {
    "selector": Needed._chose,
    "sequence": Needed._all,
    "inverter": Needed._inverter,
    "success": Needed._succeeds,
}
