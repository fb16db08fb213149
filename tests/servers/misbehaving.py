"""Servers that misbehave on purpose, each in one way; whatever they say, they send the key back where they can."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .loopback import Answer, Reply, Request

Send = Callable[[bytes], None]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
MUCH = 100 * 2**20


def key_of(request: Request) -> str:
    """The key that came with a request: a server that echoes it is the worst case for a log."""
    return request.headers.get("x-goog-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")


def always(status: int, headers: dict[str, str] | None = None) -> Answer:
    """Refuse every request, with its key in the message."""

    def answer(request: Request) -> Reply:
        told = f"not now, api_key={key_of(request)} at {request.path}?key={key_of(request)}"
        return Reply(status, {"error": {"code": status, "message": told, "status": "X"}}, headers or {})

    return answer


def says(body: object, content_type: str = "application/json") -> Answer:
    """Answer everything with the same bytes or JSON."""
    return lambda _: Reply(200, body, {"content-type": content_type})


def raw(send: Callable[[Send, threading.Event], None]) -> Answer:
    return lambda _: Reply(raw=send)


def hangs(send: Send, done: threading.Event) -> None:
    done.wait()


def hangs_after_the_head(send: Send, done: threading.Event) -> None:
    send(HEAD + b"content-length: 100\r\n\r\n{")
    done.wait()


def drips(send: Send, done: threading.Event) -> None:
    send(HEAD + b"content-length: 1000000\r\n\r\n")
    while not done.wait(0.02):
        send(b" ")


def drips_the_head(send: Send, done: threading.Event) -> None:
    send(HEAD)
    while not done.wait(0.02):
        send(b"x-more: and more\r\n")


def breaks_off(send: Send, done: threading.Event) -> None:
    send(HEAD + b'content-length: 5000\r\n\r\n{"choices": [{"mess')


def breaks_off_a_stream(send: Send, done: threading.Event) -> None:
    send(HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\nff\r\n1')


def is_no_server(send: Send, done: threading.Event) -> None:
    send(b"220 mail.example.org ESMTP\r\n")


class Floods:
    """Send 100 MB, announced or not, and count what was taken."""

    def __init__(self, announced: bool) -> None:
        self.announced, self.sent = announced, 0

    def __call__(self, send: Send, done: threading.Event) -> None:
        if self.announced:
            send(HEAD + b"content-length: %d\r\n\r\n" % MUCH)
        else:
            send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        part = b" " * 2**16
        while self.sent < MUCH and not done.is_set():
            send(part if self.announced else b"10000\r\n" + part + b"\r\n")
            self.sent += len(part)
