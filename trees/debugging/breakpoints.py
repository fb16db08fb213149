"""Breakpoints: conditions on what happened in a tick, looked at when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..._base import KnotholeError, UnknownNameError
from ...behaviors.blackboard import Blackboard, Cell
from ...vlm.tickets import Ticket
from ..builder import BuiltNode, BuiltTree
from ..formulas.expressions import Expression, ExpressionError
from ..formulas.operators import truth
from ..formulas.references import Entry
from ..values import Scope

STATUSES = ("SUCCESS", "FAILURE", "RUNNING", "SKIPPED", "INVALID")
"""What a node can become; INVALID is a node that was halted or reset."""


class BreakpointError(KnotholeError):
    """A breakpoint does not fit the run."""


@dataclass
class Breakpoint:
    """One breakpoint: the conditions that are given must all hold.

    ``node`` and ``status`` hold in the tick in which the node changes, to that status or to any; ``status`` alone means
    any node. ``answer`` holds in the tick in which a model's answer comes, to that node or to any. ``when`` holds as
    long as it is true; alone, it stops the run when it becomes true, and again only after it was false.

    Attributes:
        id: Number.
        node: Path of a node.
        status: One of ``STATUSES``.
        when: Expression over the entries that the node sees, or those of the root tree.
        answer: What a model answers: the likeliest of the allowed answers, or the text.
        once: Whether it is taken away when it has stopped the run.
        hits: How often it has.
        problem: Why ``when`` could not be computed last, such as an entry that is not set; it counts as false then.
    """

    id: int
    node: str | None = None
    status: str | None = None
    when: str | None = None
    answer: str | None = None
    once: bool = False
    hits: int = 0
    problem: str = ""
    _get: Callable[[], object] | None = field(default=None, repr=False)
    _held: bool = False

    def bind(self, tree: BuiltTree) -> None:
        """Compile the expression and look its entries up.

        Raises:
            UnknownNameError: There is no such node or entry.
            BreakpointError: The text is no expression.
        """
        built = node_of(tree, self.node) if self.node is not None else None
        if self.when is None:
            return
        try:
            expression = Expression(self.when)
        except ExpressionError as error:
            pointer = f"\n  {self.when}\n  {' ' * max(0, error.column - 1)}^" if error.column else ""
            guess = f"\n  did you mean:  {', '.join(error.guess)}" if error.guess else ""
            fix = error.fix or "correct the expression, such as $count > 0 and not $done"
            raise BreakpointError(f"'when' is no expression: {error}{pointer}{guess}\n  fix:  {fix}") from None
        scope = Scope(tree.blackboard, built.node.wiring.scope if built is not None and _wired(built) else "")

        def entry(entry: Entry) -> Callable[[], object]:
            find_entry(tree.blackboard, entry.name, scope.name if not entry.root else "")
            return scope.entry(entry)

        self._get = expression.bind(entry)

    def holds(self, changes: Iterable[tuple[str, str]], answers: Iterable[tuple[tuple[str, ...], str]]) -> bool:
        """Tell whether the run is to stop.

        Args:
            changes: Path and new status of each node that changed in the tick.
            answers: Who waited for it, and what was said, for each answer that came in the tick.
        """
        true = self._get is None or self._is_true()
        if self._get is not None and self.answer is self.status is None and self.node is None:
            rises, self._held = true and not self._held, true
            return rises
        if not true:
            return False
        if self.answer is not None:
            heard = [who for who, said in answers if said.casefold() == self.answer.casefold()]
            if not any(self.node is None or self.node in who for who in heard):
                return False
            if self.status is None:
                return True
        return any(self.node in (None, path) and self.status in (None, status) for path, status in changes)

    def _is_true(self) -> bool:
        assert self._get is not None
        try:
            value = truth(self._get())
        except KnotholeError as error:
            self.problem = str(error)
            return False
        self.problem = ""
        return value

    def __str__(self) -> str:
        parts = [self.node or ("a node" if self.status else "")]
        parts += [f"is {self.status}"] if self.status else []
        parts += [f"is answered {self.answer!r}"] if self.answer is not None else []
        told = " ".join(part for part in parts if part)
        return " and ".join(filter(None, [told, self.when or ""]))

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        names = ("id", "node", "status", "when", "answer", "once", "hits", "problem")
        return {name: getattr(self, name) for name in names}


def said(ticket: Ticket) -> str:
    """Return what the answer of a ticket says in a word or a text."""
    answer = ticket.answer
    if answer is None or answer.problem:
        return ""
    if answer.probabilities:
        return max(answer.probabilities, key=lambda key: answer.probabilities[key])
    return answer.text


def node_of(tree: BuiltTree, path: str) -> BuiltNode:
    """Return a node by its path.

    Raises:
        UnknownNameError: There is none.
    """
    found = next((built for built in tree.nodes if built.path == path), None)
    if found is None:
        paths = [built.path for built in tree.nodes]
        raise UnknownNameError("node", path, paths, "give the path of a node, as `knothole draw` shows it")
    return found


def find_entry(board: Blackboard, name: str, scope: str = "") -> Cell:
    """Return an entry of the blackboard; none is made.

    Raises:
        UnknownNameError: There is none.
    """
    full = f"{scope}/{name}" if scope else name
    found = board.find(full)
    if found is None:
        known: Mapping[str, None] = dict.fromkeys(cell.name for cell in board)
        raise UnknownNameError("entry", full, known, "give the name of an entry of the blackboard")
    return found


def _wired(built: BuiltNode) -> bool:
    return hasattr(built.node, "wiring")
