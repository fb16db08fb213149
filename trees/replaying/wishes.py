"""What somebody wished to happen otherwise in a replay: as it is given, and as the trace of that replay holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..tracing.recording import Recording

INTERVENTIONS: Final = "/interventions"
"""The channel of what somebody did to a run."""
WISHED: Final = "what if"
"""What a message there says was done when a wish came true; also the model of answers that were never given."""


@dataclass(frozen=True)
class Wish:
    """One thing that shall happen otherwise.

    Attributes:
        what: ``answer`` or ``status``.
        node: Path of the node.
        value: The answer, or the status.
        tick: In which tick.
    """

    what: str
    node: str
    value: str
    tick: int

    def __str__(self) -> str:
        return f"--{self.what} {self.node}={self.value}@{self.tick}"

    def to_json(self) -> Mapping[str, object]:
        """Return the message that says that it came true."""
        data = {"tick": self.tick, "do": WISHED, "what": self.what, "node": self.node, "value": self.value}
        return {**data, "text": f"what if: {self}"}


def wishes_of(recording: Recording) -> tuple[Wish, ...]:
    """Return the wishes that came true in a run, none where it was no replay."""
    found = (message.data for message in recording.topic(INTERVENTIONS) if message.data.get("do") == WISHED)
    return tuple(Wish(str(m["what"]), str(m["node"]), str(m["value"]), int(m["tick"])) for m in found)
