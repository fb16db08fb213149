"""A server on the loopback, of the standard library alone: it answers as a function says, well or badly."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What the server sends back; ``raw`` replaces all of it, status line and all, piece by piece."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: Callable[[Callable[[bytes], None], threading.Event], None] | None = None


Answer = Callable[[Request], Reply]


@dataclass
class Served:
    """A running server: its address, what it was asked, and the event that lets go of what hangs."""

    url: str
    requests: list[Request]
    done: threading.Event

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    def paths(self) -> list[str]:
        return [request.path.partition("?")[0] for request in self.requests]


@contextlib.contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Serve on a free port until the block ends; with ``tls`` over HTTPS."""
    requests: list[Request] = []
    faults: list[Exception] = []
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("transfer-encoding", "") == "chunked":
                body = b"".join(self._chunks())
            names = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, names, body)
            requests.append(request)
            try:
                reply = answer(request)
            except Exception as fault:  # a mistake of the server, or of a request that it does not expect
                faults.append(fault)
                reply = Reply(500, {"error": "the test server has a fault"})
            if reply.raw is not None:
                self.close_connection = True
                with contextlib.suppress(OSError):  # the client has given up, as it should
                    reply.raw(self._send, done)
                return
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def _send(self, data: bytes) -> None:
            self.wfile.write(data)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Served(f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}", requests, done)
    finally:
        done.set()
        server.shutdown()
        server.server_close()
        thread.join()
        if faults:
            raise faults[0]
