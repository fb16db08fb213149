"""A question on its way: what leaves hold between asking a model and having its answer."""

from __future__ import annotations

from dataclasses import dataclass

from ...robots.contract import CameraFrame
from ...robots.pose import Array
from ...vlm.questions import Answer, Question
from ...vlm.tickets import Ticket
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
    """

    question: Question
    frame: CameraFrame
    ticket: Ticket
    q: Array

    @property
    def answer(self) -> Answer | None:
        """The answer, or None while it is on its way."""
        return self.ticket.answer


def ask(leaf: Leaf, question: Question, camera: str = "", frame: CameraFrame | None = None) -> Asking:
    """Ask a question about a picture taken now, without waiting.

    Args:
        leaf: Who asks.
        question: What to ask.
        camera: Camera name; empty takes the robot's default camera.
        frame: A picture that was just taken, instead of a new one.

    Raises:
        RobotError: There is no robot or no such camera.
        NodeFault: The run has no backend.
    """
    context = leaf.context
    if context.broker is None:
        raise NodeFault(f"{leaf.path}: this run has no backend to ask\n  fix:  give one with --vlm")
    taken = context.look(camera) if frame is None else frame
    assert context.robot is not None
    ticket = context.broker.ask(question, as_question_frame(taken), context.now, leaf.path)
    return Asking(question, taken, ticket, context.robot.state().q)
