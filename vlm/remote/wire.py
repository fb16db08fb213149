"""The wire to a server: every request has one deadline for all of it and one limit for the size of the answer.

The client libraries are given this as their transport. What is not a whole JSON answer with a good status ends here as
a ``Failure``, whatever library asked, so that there is one place where it is told and nothing else reads such bytes.
A timeout of a socket alone does not do: a server that sends one byte a second never meets it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from .failures import Failure, Unreadable
from .refusals import retry_after, told_in
from .settings import is_local

_IDLE = 4.0
"""How long a connection is kept for the next request, [s]; servers commonly close them after 5 s."""


class _Budget(threading.local):
    until: float | None = None
    seconds: float = 0.0


_budget = _Budget()


@contextlib.contextmanager
def spending(until: float, seconds: float) -> Iterator[None]:
    """Give the requests of this thread a deadline.

    Args:
        until: On the clock of ``time.monotonic``, [s].
        seconds: How long that was at the beginning, for the message, [s].
    """
    _budget.until, _budget.seconds = until, seconds
    try:
        yield
    finally:
        _budget.until = None


class Wire(httpx2.BaseTransport):
    """Carry requests to one server.

    Args:
        base_url: Where it is; also tells whether a proxy of the environment stands between.
        connections: Most connections at once.
        most: Largest answer that is read, [bytes].
        seconds: Deadline of a request outside ``spending``, [s].

    Raises:
        ValueError: The environment names a proxy that is not one for HTTP.
    """

    def __init__(self, base_url: str, connections: int, most: int, seconds: float) -> None:
        parts = urlsplit(base_url)
        self.host, self.most, self.seconds = parts.netloc.rpartition("@")[2], most, seconds
        options: dict[str, Any] = {
            "max_connections": connections,
            "keepalive_expiry": _IDLE,
            "network_backend": _Network(self.host),
        }
        if parts.scheme == "https":
            options["ssl_context"] = httpx2.create_ssl_context()
        proxy = "" if is_local(parts.hostname or "") or proxy_bypass(parts.hostname or "") else _proxy(parts.scheme)
        if proxy:
            way = urlsplit(proxy)
            if way.scheme not in ("http", "https"):
                raise ValueError(f"a proxy of kind {way.scheme!r} is not supported")
            auth = (unquote(way.username), unquote(way.password or "")) if way.username else None
            plain = f"{way.scheme}://{way.netloc.rpartition('@')[2]}"
            self._pool: httpcore2.ConnectionPool = httpcore2.HTTPProxy(plain, proxy_auth=auth, **options)
        else:
            self._pool = httpcore2.ConnectionPool(**options)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return its whole answer, which is JSON and has a good status.

        Raises:
            Failure: Anything else.
        """
        if _budget.until is None:
            with spending(time.monotonic() + self.seconds, self.seconds):
                return self._exchange(request)
        return self._exchange(request)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"  # so that the limit of the size is that of what is unpacked
        url, left = request.url, _left(self.host)
        core = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), left)},
        )
        try:
            response = self._pool.handle_request(core)
            try:
                headers = httpx2.Headers(response.headers)
                body = self._body(response, headers)
            finally:
                response.close()
        except httpcore2.TimeoutException as error:
            raise _late(self.host) from error
        except (httpcore2.ConnectError, httpcore2.ProxyError) as error:
            raise Failure(f"cannot reach {self.host}: {_why(error)}", passing=True) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Failure(f"the answer of {self.host} broke off", passing=True) from error
        self._judge(response.status, headers, body)
        return httpx2.Response(response.status, headers=headers, content=body, request=request)

    def _body(self, response: httpcore2.Response, headers: httpx2.Headers) -> bytes:
        promised = headers.get("content-length", "")
        parts: list[bytes] = []
        size = int(promised) if promised.isascii() and promised.isdigit() else 0
        stream = response.stream
        assert isinstance(stream, Iterable)
        if size <= self.most:
            size = 0
            for part in stream:
                _left(self.host)
                parts.append(part)
                size += len(part)
                if size > self.most:
                    break
        if size > self.most:
            raise Failure(f"the answer of {self.host} is over {self.most / 2**20:g} MB (setting max_answer_mb)")
        return b"".join(parts)

    def _judge(self, status: int, headers: httpx2.Headers, body: bytes) -> None:
        """Raise what is wrong with an answer that came whole."""
        if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise Unreadable(f"{self.host} packed its answer although it was asked not to")
        if 300 <= status < 400:
            raise Failure(f"{self.host} sends on to another address ({status}); nothing is sent there", status)
        if status >= 400:
            raise self._refusal(status, headers, body)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if not kind.endswith(("/json", "+json")):
            raise Unreadable(f"{self.host} sent {kind or 'an answer without a type'}, not JSON")

    def _refusal(self, status: int, headers: httpx2.Headers, body: bytes) -> Failure:
        told, raw = told_in(body)
        if status in (401, 403):  # such messages repeat parts of the key
            return Failure(
                f"{self.host} answers {status}: the key is missing, wrong, expired, or may not do this", status
            )
        wait = retry_after(headers, raw) if status in (429, 503) else None
        words = "too many requests" if status == 429 and not told else told
        reason = f"{self.host} answers {status}" + (f": {words}" if words else "")
        if wait is not None:
            reason += f" (it asks to wait {wait:g} s)"
        return Failure(reason, status, status in (408, 409, 429) or status >= 500, wait, told)


def _proxy(scheme: str) -> str:
    found = getproxies()
    return found.get(scheme) or found.get("all") or ""


def _left(host: str) -> float:
    """Return what is left of this thread's time, [s]."""
    assert _budget.until is not None
    left = _budget.until - time.monotonic()
    if left <= 0:
        raise _late(host)
    return left


def _late(host: str) -> Failure:
    return Failure(f"no answer from {host} within {_budget.seconds:g} s", passing=True)


def _why(error: Exception) -> str:
    words = str(error).partition("] ")[2] or str(error) or type(error).__name__
    return words[:200].lower()


class _Network(httpcore2.NetworkBackend):
    """Sockets whose every step ends at the deadline of the thread that takes it."""

    def __init__(self, host: str) -> None:
        self._host, self._inner = host, httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(self._host)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._host)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, host: str) -> None:
        self._inner, self._host = inner, host

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._host))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), 65536):
            self._inner.write(buffer[start : start + 65536], _left(self._host))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(self._host)), self._host)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
