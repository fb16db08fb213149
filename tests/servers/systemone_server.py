"""A server with the shape of ``/v1/systemone``."""

from __future__ import annotations

from dataclasses import dataclass

from . import looking
from .gemini_server import noul_answer
from .loopback import Reply, Request

KEY = "token-0123456789abcdefSECRET"


@dataclass
class SystemOneServer:
    """Answers well; ``key`` is the only one it takes, empty takes any."""

    model: str = "test-decider"
    key: str = ""

    def __call__(self, request: Request) -> Reply:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return Reply(401, {"detail": f"no such token: {request.headers.get('authorization')}"})
        if request.path != "/v1/systemone":
            return Reply(404, {"detail": "Not Found"})
        body = request.json
        if set(body) != {"model", "state", "questions", "assets"} or not 1 <= len(body["questions"]) <= 64:
            return Reply(422, {"detail": [{"loc": ["body"], "msg": "extra fields not permitted", "type": "extra"}]})
        shown = [
            looking.pixels(asset["data_base64"]) for name, asset in body["assets"].items() if name in body["state"]
        ]
        assert len(shown) == len(body["assets"])
        seen = looking.square(shown[-1]) is not None
        answers = {name: noul_answer(question, seen) for name, question in body["questions"].items()}
        return Reply(body={"model": self.model, "answers": answers, "usage": {"input_tokens": 90, "output_tokens": 0}})
