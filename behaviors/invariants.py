"""What a run never does: rules that are looked at before every tick of the nodes they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..vlm.language.phrases import Thing
from ..vlm.language.reading import parse_query
from .means.grounded import GroundedObject

if TYPE_CHECKING:
    from .blackboard import Blackboard
    from .context import Context
    from .node import Wiring


class Invariants(Protocol):
    """Stands before nodes that a rule forbids; ``Context.invariants``.

    Every leaf shows itself when it is made, whoever makes it (the builder, ``run_step``, a tree that grew in the run);
    the builder shows every node, with the names that authors know it by.
    """

    def begin(self, board: Blackboard) -> None:
        """Read entries of rules from this blackboard; called when the tree of the run is built."""
        ...

    def watch(self, node: Any, names: tuple[str, ...], wiring: Wiring, limb: str = "") -> None:
        """Look at a node before it is ticked for the first time.

        Args:
            node: The node.
            names: Its type key, and the name of the tree that it uses; empty where nobody knows but the class.
            wiring: What it was made with.
            limb: What its type commands; that of its class where it is left out.
        """
        ...

    def apart(self, context: Context) -> Invariants:
        """Return the same rules for a tree that is ticked beside that of the run; what becomes of it is not known here.

        Args:
            context: Services of that tree.
        """
        ...


def may_be(words: str, value: object) -> bool:
    """Tell whether a value of a port may mean the thing that a rule names; in doubt it may.

    Args:
        words: The words of the rule.
        value: What the port holds: words, or a grounded object.

    >>> may_be("the red bowl", "a red bowl"), may_be("the red bowl", "the bowl"), may_be("the red bowl", "the tray")
    (True, True, False)

    Words that nobody here understands may mean anything:

    >>> may_be("the red bowl", "that scarlet dish")
    True
    """
    said = value.label if isinstance(value, GroundedObject) else str(value)
    if _plain(words) == _plain(said):
        return True
    ruled, meant = parse_query(words), parse_query(said)
    if ruled is None:  # a name of the author's own: it means itself
        return False
    return meant is None or _agree(ruled, meant)


def _agree(one: Thing, other: Thing) -> bool:
    """Tell whether some object can fit both descriptions; where it lies does not count."""
    colors = not one.color or not other.color or one.color == other.color
    shapes = not one.shape or not other.shape or one.shape == other.shape
    groups = one.group == other.group or "any" in (one.group, other.group)
    return colors and shapes and groups


def _plain(words: str) -> str:
    parts = words.casefold().strip(" .").split()
    return " ".join(parts[1:] if parts[:1] and parts[0] in ("the", "a", "an") else parts)
