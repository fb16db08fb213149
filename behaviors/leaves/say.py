"""The leaf that tells the human something."""

from __future__ import annotations

from py_trees.common import Status

from ..node import Leaf, behavior
from ..ports import Port


@behavior("say")
class Say(Leaf):
    """Show a sentence to the human.

    Ports:
        text (in, text, main): What to say.

    Status:
        SUCCESS: At once.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"
    ports = (Port("text", "text", "what to say", main=True),)

    def step(self) -> Status:
        """Say it."""
        text = str(self.get("text"))
        self.context.say(text)
        self.context.emit("say", {"path": self.path, "text": text})
        return self.succeed(text)
