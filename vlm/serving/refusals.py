"""What the server says no to, in the shape that clients of OpenAI know."""

from __future__ import annotations

from collections.abc import Mapping


class RefusedError(Exception):
    """A request cannot be answered.

    Args:
        status: HTTP status.
        message: What is wrong and what to do, for the author of the request.
        param: Field of the request that is wrong, as in ``messages[0].content``; empty for none.
        code: Short name of the mistake.
    """

    def __init__(self, status: int, message: str, param: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    def to_json(self) -> dict[str, Mapping[str, object]]:
        """Return the body of the answer."""
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(
            self.status, "invalid_request_error" if self.status < 500 else "server_error"
        )
        told = {"message": str(self), "type": kind, "param": self.param or None, "code": self.code or None}
        return {"error": told}


def wrong(param: str, message: str) -> RefusedError:
    """Return the refusal of a wrong field."""
    return RefusedError(400, f"{param}: {message}", param, "invalid_value")
