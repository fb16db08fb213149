"""A watch whose question may be about several pictures: others first, and after them the one of now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...robots.contract import CameraFrame
from ...robots.pose import Array
from ...vlm.questions import Answer, Frame, Question
from ..context import as_question_frame
from ..node import Leaf
from .asking import Asking, broker_of, urgency
from .watching import Watching, own_pixels


def row(frames: Sequence[Frame]) -> Frame:
    """Return several pictures as one frame: the last one, with those before it.

    Args:
        frames: At least one, oldest first.
    """
    *before, last = (Frame(frame.id, frame.stamp, frame.rgb) for frame in frames)
    return Frame("+".join(frame.id for frame in frames), last.stamp, last.rgb, tuple(before))


@dataclass(frozen=True, eq=False)
class Showing(Asking):
    """A question about a picture with others before it.

    Attributes:
        before: Gives the pictures that are shown before one, oldest first.
    """

    before: Callable[[CameraFrame], Sequence[Frame]] = lambda frame: ()

    def renewed(self, frame: CameraFrame) -> Asking:
        """Return it about a newer picture, while a busy backend has not taken it; itself afterwards."""
        assert self.leaf is not None
        context, broker = self.leaf.context, broker_of(self.leaf)
        assert context.robot is not None
        shown = row([*self.before(frame), as_question_frame(frame)])
        ticket = broker.renew(self.ticket, shown, context.now, self.leaf.path, self.budget)
        return self if ticket is self.ticket else replace(self, frame=frame, ticket=ticket, q=context.robot.state().q)


class Several(Watching):
    """Watch, and show the model other pictures before the one of now.

    Args:
        leaf: Who watches.
        before: Gives the pictures that are shown before one, oldest first; none by default.

    Attributes:
        q: Posture of the arm in the picture of the last answer, shape (n,), [rad]; None before the first.
    """

    def __init__(self, leaf: Leaf, before: Callable[[CameraFrame], Sequence[Frame]] = lambda frame: ()) -> None:
        super().__init__(leaf)
        self._before = before
        self.q: Array | None = None

    def news(self, question: Question) -> Answer | None:
        """Return an answer once, as ``Watching`` does, and keep the posture of the arm in its picture."""
        asking = self._asking
        answer = super().news(question)
        if answer is not None and asking is not None:
            self.q = asking.q
        return answer

    def _ask(self, frame: CameraFrame | None) -> None:
        assert self.question is not None
        context = self._context
        taken = context.look(self._camera) if frame is None else frame
        before = tuple(self._before(taken))
        if not before:
            super()._ask(taken)
            return
        assert context.robot is not None
        deadline, budget = self._number("deadline"), self._number("budget")
        most = None if budget is None else int(budget)
        ticket = broker_of(self._leaf).ask(
            self.question,
            row([*before, as_question_frame(taken)]),
            context.now,
            self._leaf.path,
            priority=urgency(self._leaf),
            deadline=None if deadline is None else context.now + deadline,
            budget=most,
        )
        self._asking = Showing(
            self.question, taken, ticket, context.robot.state().q, self._leaf, most, before=self._before
        )
        self._hidden = own_pixels(self._leaf, taken)
        self._tell(taken, True)
