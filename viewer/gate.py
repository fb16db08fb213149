"""Who may ask: this machine, with the token, from the page itself. Everything else is refused before it is read."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Sent with every answer: nothing but the page's own files runs, nothing leaves, nothing frames it."""
MOST_INSIDE: Final = 128
"""Most requests behind the gate at once; commands, such as the stop, come through all the same."""


class Gate:
    """Check host, origin and token of each request; the token is the first part of the path.

    A page of another site can make a browser send requests here. It does not know the token, cannot hide its origin,
    and a name of its own that leads to this machine shows in ``Host``.

    Args:
        app: What is behind the gate.
        token: What the path must begin with.
        hosts: Values of ``Host`` that are this server's, such as ``127.0.0.1:8000``.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Iterable[str]) -> None:
        self._app, self._token = app, token.encode()
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        given, slash, rest = str(scope["path"]).removeprefix("/").partition("/")
        why = self._refusal(scope, given)
        if why:
            refusal = PlainTextResponse(f"refused: {why}\n", 403, {**HEADERS, "connection": "close"})
            await refusal(scope, receive, send)
            return
        if not slash:
            await PlainTextResponse("the address ends in /\n", 404, HEADERS)(scope, receive, send)
            return
        if self._inside >= MOST_INSIDE and scope["method"] != "POST":
            await PlainTextResponse("too many requests at once\n", 503, HEADERS)(scope, receive, send)
            return
        inner = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}
        self._inside += 1
        try:
            await self._app(inner, receive, _with_headers(send))
        finally:
            self._inside -= 1

    def _refusal(self, scope: Scope, token: str) -> str:
        """Return why a request is refused, empty if it is not."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in (b"host", b"origin") and name in headers:
                return "a header that is there twice"
            headers[name] = value
        if headers.get(b"host", b"").decode("latin-1") not in self._hosts:
            return "wrong Host"
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin not in self._origins:
            return "foreign Origin"
        if scope["method"] not in ("GET", "HEAD") and not origin:
            return "no Origin"
        site = headers.get(b"sec-fetch-site", b"")
        visit = headers.get(b"sec-fetch-mode", b"") == b"navigate" and headers.get(b"sec-fetch-dest") == b"document"
        if site not in (b"", b"same-origin", b"none") and not visit:
            return "asked by another site"
        if not hmac.compare_digest(token.encode(), self._token):
            return "the token is missing or wrong; open the address that was printed"
        return ""


def _with_headers(send: Send) -> Send:
    extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in extra}
            message = {**message, "headers": [*(h for h in message.get("headers", []) if h[0] not in own), *extra]}
        await send(message)

    return sent
