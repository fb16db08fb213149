"""The leaf that talks with the model, turn by turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py_trees.common import Status

from ...vlm.questions import Question
from ...vlm.tickets import Ticket
from ..blackboard import UNSET
from ..context import as_question_frame
from ..means.picture import as_picture
from ..node import Leaf, NodeFault, behavior
from ..ports import Port

ROLES = ("user", "assistant")


@behavior("chat")
class Chat(Leaf):
    """Say something to the model and keep what was said, so that the next ``chat`` goes on from there.

    Ports:
        message (in, text, main): What is said to the model.
        history (inout, list, default none): What was said before, oldest first, as mappings ``{role, text}`` with the
            role ``user`` or ``assistant``; message and reply are added. An entry that is not set yet is an empty talk.
        turns (in, int, default 20): Most messages that are kept and sent, each with its reply; the oldest go.
        setting (in, text, default none): What the model is told besides, such as who it is; not kept.
        look (in, bool, default false): Show it what the robot's default camera sees now.
        image (in, image, default none): Show it this picture, from ``photo`` or ``imagine``, instead.
        reply (out, text): What the model says.

    Status:
        RUNNING: Until the answer is there.
        SUCCESS: Reply and history are written.
        FAILURE: The model gave no usable answer; the history is as before.

    Halt:
        Drops the question; nothing moves.
    """

    recovers = "anew"
    asks = True
    ports = (
        Port("message", "text", "what is said to the model", main=True),
        Port("history", "list", "what was said before, each {role, text}", direction="inout", default=None),
        Port("turns", "int", "most messages that are kept, with their replies", default=20, minimum=1, maximum=1000),
        Port("setting", "text", "what the model is told besides", default=""),
        Port("look", "bool", "show it what the robot sees now", default=False),
        Port("image", "image", "a picture to show it instead", default=None),
        Port("reply", "text", "what the model says", direction="out", default=None),
    )

    _ticket: Ticket | None = None

    def start(self) -> None:
        """Ask."""
        context = self.context
        if context.broker is None:
            raise NodeFault(f"{self.path}: this run has no backend to ask\n  fix:  give one with --vlm")
        shown = self.get("image")
        frame = as_picture(shown).frame if shown is not None else None
        if frame is None and self.get("look"):
            frame = as_question_frame(context.look(""))
        kept = 2 * (int(str(self.get("turns"))) - 1)
        self._before = self._history()[-kept:] if kept else []
        self._message = str(self.get("message"))
        history = tuple((str(turn["role"]), str(turn["text"])) for turn in self._before)
        question = Question("chat", self._message, context=str(self.get("setting")), history=history)
        self._ticket = context.broker.ask(question, frame, context.now, self.path)

    def step(self) -> Status:
        """Read the answer."""
        assert self._ticket is not None
        answer = self._ticket.answer
        if answer is None:
            return self.running("waiting for the reply")
        if answer.problem:
            return self.fail(f"no reply to {self._message!r}: {answer.problem}")
        turns = [{"role": "user", "text": self._message}, {"role": "assistant", "text": answer.text}]
        self.put("history", [*self._before, *turns])
        self.put("reply", answer.text)
        return self.succeed(answer.text)

    def halt(self) -> None:
        """Drop the question."""
        self._ticket = None

    def _history(self) -> list[Mapping[str, object]]:
        """Return what was said before.

        Raises:
            NodeFault: The entry holds something else.
        """
        cell = self.wiring.outputs.get("history")
        if cell is None or cell.value is UNSET or cell.value is None:
            return []
        said = cell.value
        if isinstance(said, Sequence) and not isinstance(said, str):
            turns = [
                turn for turn in said if isinstance(turn, Mapping) and turn.get("role") in ROLES and "text" in turn
            ]
            if len(turns) == len(said):
                return turns
        raise NodeFault(
            f"{self.path}: port 'history' holds no talk\n"
            "  fix:  begin with an empty list, or a list of {role: user, text: ...} and {role: assistant, text: ...}"
        )
