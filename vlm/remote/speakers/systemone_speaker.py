"""The words of ``/v1/systemone``: one request with a state, pictures in it, and questions by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx2

from ...questions import Answer, Kind, Question
from ..answers.prices import billed
from ..answers.written import strict_json
from ..backend import TYPED
from ..failures import Unreadable, field
from ..keys import Key
from ..pictures import Picture, captions
from ..prompts import LETTERS, with_context
from ..request import Call, batches
from ..settings import RemoteSettings
from .noul import decision, decision_question

ROUTE = "systemone"
_PER_REQUEST = 64


class SystemOneSpeaker:
    """Speak to a server of typed decisions.

    Args:
        client: On our own wire.
        settings: How it is asked.
        host: Who is asked, for messages.
        key: Sent as a bearer token, None for none.
    """

    most_choices = len(LETTERS)
    kinds: frozenset[Kind] = frozenset(TYPED)

    def __init__(self, client: httpx2.Client, settings: RemoteSettings, host: str, key: Key | None) -> None:
        self._client, self._settings, self._host = client, settings, host
        self._headers = {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def begin(self) -> None:
        """Do nothing: there is one way only."""

    def calls(self, pictures: tuple[Picture, ...], asked: Sequence[tuple[int, Question]]) -> list[Call]:
        """Return one request for all questions, as long as the server takes so many."""
        return [
            Call(tuple(number for number, _ in some), self._request([question for _, question in some], pictures))
            for some in batches(asked, _PER_REQUEST)
        ]

    def facts(self) -> dict[str, object]:
        """Return that there are decisions: nothing else is asked for."""
        return {"decisions": True}

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _request(self, questions: list[Question], pictures: tuple[Picture, ...]) -> Callable[[], list[Answer]]:
        return lambda: self._decide(questions, pictures)

    def _decide(self, questions: list[Question], pictures: tuple[Picture, ...]) -> list[Answer]:
        body = request_body(self._settings.model, questions, pictures)
        response = self._client.post(f"{self._settings.base_url}/{ROUTE}", json=body, headers=self._headers)
        try:
            raw = strict_json(response.content.decode("utf-8"))
        except ValueError as error:
            raise Unreadable(f"{self._host} sent no JSON: {str(error)[:100]}") from error
        rows = field(raw, "answers")
        answers = [decision(question, field(rows, f"q{number}")) for number, question in enumerate(questions)]
        read, written = field(raw, "usage", "input_tokens"), field(raw, "usage", "output_tokens")
        return billed(answers, read, written, self._settings)


def request_body(model: str, questions: Sequence[Question], pictures: tuple[Picture, ...]) -> dict[str, object]:
    """Return a request; pictures stand in its state, each by a placeholder that no question can name."""
    places = [f"[[camera picture {number}]]" for number in range(1, len(pictures) + 1)]
    lines = [f"{caption} {place}".strip() for caption, place in zip(captions(pictures), places, strict=True)]
    return {
        "model": model,
        "state": "\n".join(lines),
        "questions": {f"q{n}": decision_question(_plain(question, places)) for n, question in enumerate(questions)},
        "assets": {place: _asset(picture) for place, picture in zip(places, pictures, strict=True)},
    }


def _asset(picture: Picture) -> dict[str, str]:
    return {"type": "image", "format": picture.mime.removeprefix("image/"), "data_base64": picture.base64}


def _plain(question: Question, places: Sequence[str]) -> Question:
    """Return a question whose words stand for no picture."""
    words = with_context(question)
    for place in places:
        words = words.replace(place, place.strip("[]"))
    return replace(question, text=words, context="")
