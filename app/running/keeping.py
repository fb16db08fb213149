"""What a run keeps of its questions beside the trace: a cassette of all answers, and what was true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._base import KnotholeError
from ...behaviors.context import Context
from ...vlm.cassette_writer import CassetteWriter
from ...vlm.privacy import Frames
from ...vlm.recorded import answer_data, compact, question_data, question_key
from ...vlm.tickets import BrokerEvent, Listener
from ..models.oracle import Oracle

if TYPE_CHECKING:
    from ..models.truth import SceneTruth


class NoTruthError(KnotholeError):
    """Nobody knows what is true of the pictures of a run."""


class Keeper:
    """Listens to the broker of one run.

    Args:
        then: Who else listens.
    """

    def __init__(self, then: Listener) -> None:
        self._then = then
        self._cassette: CassetteWriter | None = None
        self._oracle: Oracle | None = None
        self._context: Context | None = None

    @property
    def problem(self) -> str:
        """Why the cassette ends early; empty if it does not."""
        return self._cassette.problem if self._cassette is not None else ""

    def keep(self, path: Path, backend: str, run: Mapping[str, Any], frames: Frames) -> None:
        """Keep all answers from now on; arguments as for ``CassetteWriter``.

        Raises:
            CassetteError: The file is something else, or cannot be written.
        """
        self._cassette = CassetteWriter(path, backend, run, frames)

    def tell_truth(self, truth: SceneTruth | None, context: Context) -> None:
        """Put what is true of each picture that is asked about on the channel ``truth`` of a context.

        Raises:
            NoTruthError: The run has no simulated world.
        """
        if truth is None:
            raise NoTruthError(
                "there is no truth to note: the robot is in no simulated world\n"
                "  fix:  take out --truth, or use --robot panda"
            )
        self._oracle, self._context = Oracle(truth), context

    def heard(self, event: BrokerEvent) -> None:
        """Take note of a question or an answer."""
        if self._oracle is not None and self._context is not None and event.what == "asked":
            self._tell(event, self._oracle, self._context)
        if self._cassette is not None:
            self._cassette.heard(event)
        self._then(event)

    def close(self) -> None:
        """Close the cassette. Idempotent."""
        if self._cassette is not None:
            self._cassette.close()

    def _tell(self, event: BrokerEvent, oracle: Oracle, context: Context) -> None:
        if event.frame is None or event.frame.earlier or event.ticket.question.kind not in oracle.kinds:
            return
        (answer,) = oracle.ask(event.frame, [event.ticket.question])
        if answer.problem:
            return  # a question outside the language of the oracle: nobody knows
        question = question_data(event.ticket.question)
        data = {"question": question["text"], "key": question_key(question), "frame": event.ticket.frame_id}
        context.emit("truth", {**data, **compact(answer_data(answer))})
