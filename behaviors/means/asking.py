"""A question on its way: what leaves hold between asking a model and having its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...robots.contract import CameraFrame
from ...robots.pose import Array
from ...vlm.broker import Broker
from ...vlm.questions import Answer, Question
from ...vlm.tickets import GUARD, USUAL, Ticket
from ..context import as_question_frame
from ..node import Leaf, NodeFault


@dataclass(frozen=True, eq=False)
class Asking:
    """A question about a picture, and the picture with its depth.

    Attributes:
        question: What was asked.
        frame: The picture it is about, as the camera gave it.
        ticket: Where the answer appears.
        q: Posture of the arm in the picture, shape (n,), [rad].
        leaf: Who asked; None where nobody drops it.
        budget: The most questions of that leaf in a run, None for no limit of its own.
    """

    question: Question
    frame: CameraFrame
    ticket: Ticket
    q: Array
    leaf: Leaf | None = None
    budget: int | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer, or None while it is on its way."""
        return self.ticket.answer

    def drop(self) -> None:
        """Stop waiting, as ``halt`` does: a question that nobody waits for is not sent, if it was not yet."""
        if self.leaf is not None and self.leaf.context.broker is not None:
            self.leaf.context.broker.drop(self.ticket, self.leaf.context.now, self.leaf.path)

    def renewed(self, frame: CameraFrame) -> Asking:
        """Return it about a newer picture, while a busy backend has not taken it; itself afterwards."""
        if self.leaf is None:
            return self
        context = self.leaf.context
        assert context.broker is not None
        assert context.robot is not None
        shown = as_question_frame(frame)
        ticket = context.broker.renew(self.ticket, shown, context.now, self.leaf.path, self.budget)
        if ticket is self.ticket:
            return self
        return replace(self, frame=frame, ticket=ticket, q=context.robot.state().q)


def ask(
    leaf: Leaf,
    question: Question,
    camera: str = "",
    frame: CameraFrame | None = None,
    *,
    deadline: float | None = None,
    budget: int | None = None,
) -> Asking:
    """Ask a question about a picture taken now, without waiting.

    Questions of a leaf that a guard rests on go out before others.

    Args:
        leaf: Who asks.
        question: What to ask.
        camera: Camera name; empty takes the robot's default camera.
        frame: A picture that was just taken, instead of a new one.
        deadline: How long an answer is of use, [s]; later it is a problem that says so. None for no such time.
        budget: The most questions of this leaf that may reach a model in this run; None for no limit of its own.

    Raises:
        RobotError: There is no robot or no such camera.
        NodeFault: The run has no backend.
    """
    broker = broker_of(leaf)
    context = leaf.context
    taken = context.look(camera) if frame is None else frame
    assert context.robot is not None
    ticket = broker.ask(
        question,
        as_question_frame(taken),
        context.now,
        leaf.path,
        priority=urgency(leaf),
        deadline=None if deadline is None else context.now + deadline,
        budget=budget,
    )
    return Asking(question, taken, ticket, context.robot.state().q, leaf, budget)


def broker_of(leaf: Leaf) -> Broker:
    """Return where a leaf asks.

    Raises:
        NodeFault: The run has no backend.
    """
    broker = leaf.context.broker
    if broker is None:
        raise NodeFault(f"{leaf.path}: this run has no backend to ask\n  fix:  give one with --vlm")
    return broker


def urgency(leaf: Leaf) -> int:
    """Return ``GUARD`` for a leaf that a guard, or a composite that looks again in each tick, rests on.

    That is one below the ``check`` of a guard, or below any but the last child of a reactive composite.
    """
    node: Any = leaf
    above: Any = node.parent
    while above is not None:
        if getattr(above, "flow", "") == "guard" and above.children[0] is node:
            return GUARD
        if getattr(above, "reactive", False) and above.children[-1] is not node:
            return GUARD
        node, above = above, above.parent
    return USUAL
