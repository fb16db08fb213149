"""How control passes through the children of a node: what the checker may conclude from where a node stands."""

from __future__ import annotations

from typing import Final

FLOWS: Final = {
    "sequence": "children in order while they succeed; SUCCESS after all, FAILURE at the first failure",
    "pipeline": "as a sequence; the earlier children are ticked again beside the one that runs, and do not halt it",
    "selector": "children in order while they fail; SUCCESS at the first success, FAILURE after all",
    "parallel": "all children in one tick",
    "guard": "the part `check` succeeds before the child is ticked",
    "if": "child 0 decides: SUCCESS ticks child 1, FAILURE ticks child 2 if there is one, else it fails",
    "switch": "exactly one of the children",
    "try": "all children but the last as a sequence; after a failure the last, and then FAILURE",
    "recovery": "child 0; after its failure child 1, then child 0 again",
    "round_robin": "children in turn, from a different one each time; SUCCESS at the first success",
    "same": "one child; the status of the child",
    "success": "one child; SUCCESS when it is done",
    "failure": "one child; FAILURE when it is done",
    "inverter": "one child; SUCCESS and FAILURE change places",
    "loop": "one child again and again; ends as the child does",
    "for_each": "one child once for each element of a list, also for none",
    "maybe": "one child, or none of it; any status",
    "timeout": "one child, halted after a time with FAILURE",
    "any": "children in any order, any number of times, any status: nothing is known",
}
"""Name → meaning. A node class says which with the class attribute ``flow``; leaves have none."""
