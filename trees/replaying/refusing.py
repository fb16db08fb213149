"""What invariants refused in a recorded run is refused again: the rules themselves are not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...behaviors.context import Context
from ...behaviors.node import Wiring
from ...behaviors.step import adopt, raise_fault
from ..invariants.enforcing import POST, Enforcer, Post
from .player import UnrecordedError

if TYPE_CHECKING:
    from .player import Base


class PlayedRules(Enforcer):
    """The invariants of a run on a tape.

    Args:
        context: Services of the run.
        gives: Knows what was refused.
    """

    def __init__(self, context: Context, gives: Base) -> None:
        super().__init__((), context)
        self.gives = gives

    def watch(self, node: Any, names: tuple[str, ...], wiring: Wiring, limb: str = "") -> None:
        """Put a post before a node that a rule was about."""
        if POST not in node.__dict__ and self.gives.is_ruled(wiring.path):
            node.__dict__[POST] = _PlayedPost(self, adopt(node), wiring)


class _PlayedPost(Post):
    """Stands before one node on a tape."""

    def __init__(self, rules: PlayedRules, node: Any, wiring: Wiring) -> None:
        super().__init__(rules, node, wiring, ())
        self._gives = rules.gives

    @property
    def forbids(self) -> bool:
        """Whether the node may be refused."""
        return True

    def why(self) -> str:
        """Return why this tick of the node was refused; empty when it was not."""
        try:
            return self._gives.refused(self._node.path)
        except UnrecordedError as error:
            raise_fault(self._node, error)
