"""What the trace says of a question that is asked and of an answer that is delivered."""

from __future__ import annotations

from collections.abc import Mapping

from ..._base import KnotholeError
from ...vlm.privacy import Frames
from ...vlm.recorded import answer_data, question_data, question_key
from ...vlm.tickets import BrokerEvent


def event_data(event: BrokerEvent, frame_hash: str, frames: Frames = "keep") -> Mapping[str, object]:
    """Return the message of a question or of an answer.

    Args:
        event: What happened at the broker.
        frame_hash: Hash of the picture it is about, ``Frame.digest``; empty for none.
        frames: What is done with the pictures in answers.
    """
    ticket, question = event.ticket, question_data(event.ticket.question)
    key = question_key(question)
    if event.what != "answered":
        return {
            "asker": event.asker,
            **question,
            "key": key,
            "frame": ticket.frame_id,
            "frame_hash": frame_hash,
            "shared": event.what == "shared",
        }
    if ticket.answer is None:
        raise KnotholeError("an answer was announced that is not there")
    answer = answer_data(ticket.answer, frames)
    return {
        "kind": answer.pop("kind"),
        "question": question["text"],
        "key": key,
        "frame": ticket.frame_id,
        "frame_hash": frame_hash,
        "frame_stamp": ticket.frame_stamp,
        "asked_at": ticket.asked_at,
        "backend": ticket.backend,
        **answer,
    }
