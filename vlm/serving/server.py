"""The server itself: routes, keys, limits, and how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..._base import KnotholeError
from ..questions import Answer, Frame, Kind, Question
from ..runner import Runner
from . import chat, decisions, streaming, systemone
from .desk import Desk, now
from .fields import Json, parse
from .refusals import RefusedError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServeError(KnotholeError):
    """The server cannot be started."""


@dataclass(frozen=True)
class ServeOptions:
    """How to serve.

    Attributes:
        host: Address to listen at.
        port: Port; 0 takes a free one.
        token: What clients send as a bearer token; empty asks for none, on loopback only.
        body: Largest body, [bytes].
        upload: Longest time that a body may take to arrive, [s].
        patience: Longest time that a request waits for the model, [s].
        waiting: Most requests that wait for the model.
    """

    host: str = "127.0.0.1"
    port: int = 8337
    token: str = ""
    body: int = 32 * 2**20
    upload: float = 30.0
    patience: float = 120.0
    waiting: int = 256

    def check(self) -> None:
        """Refuse to be reachable from elsewhere without a token, or with one that no client can send.

        Raises:
            ServeError: It would be.
        """
        if not re.fullmatch(r"[!-~]*", self.token):
            raise ServeError("the token has blanks or letters beyond ASCII\n  fix:  take letters, digits and signs")
        if not is_loopback(self.host) and not self.token:
            raise ServeError(
                f"--host {self.host} is reachable from other machines, and there is no token\n"
                "  fix:  give --token, or KNOTHOLE_TOKEN in the environment, and have clients send it as their API key"
            )


@dataclass(frozen=True)
class Served:
    """What is served: the name that clients ask for, the model's full name, its kinds of question."""

    name: str
    model: str
    kinds: frozenset[Kind]

    def check(self, asked: object) -> None:
        """Refuse a request for another model.

        Raises:
            RefusedError: It is another one.
        """
        names = (self.name, self.model, self.model.partition("@")[0])
        if asked is None or asked in names:
            return
        raise RefusedError(404, f"there is no model {asked!r} here, only {self.name}", "model", "model_not_found")


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hostname(header: str) -> str:
    """Return the name in a ``Host`` header, without port and brackets; empty where it is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


Handler = Callable[[Request], Awaitable[Response]]


class Server:
    """Routes around one backend.

    Args:
        runner: The opened backend, ready.
        served: What it is.
        options: How it is served.
    """

    def __init__(self, runner: Runner, served: Served, options: ServeOptions) -> None:
        self.served, self.options = served, options
        self.desk = Desk(runner, options.waiting, options.patience)

    def app(self) -> Starlette:
        """Return the application."""
        post, get = ["POST"], ["GET"]
        return Starlette(
            routes=[
                Route("/health", self._told(self._health), methods=get),
                Route("/v1/models", self._told(self._models), methods=get),
                Route("/v1/models/{name:path}", self._told(self._models), methods=get),
                Route("/v1/chat/completions", self._told(self._chat), methods=post),
                Route("/v1/systemone", self._told(self._systemone), methods=post),
                Route("/v1/decisions", self._told(self._decisions), methods=post),
            ],
            exception_handlers={HTTPException: _not_found, Exception: _fault},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self.desk.serve())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _told(self, handler: Handler) -> Handler:
        """Return a handler that checks who asks, and tells what is wrong."""

        async def handle(request: Request) -> Response:
            try:
                self._admit(request)
                return await handler(request)
            except RefusedError as error:
                extra = {"www-authenticate": "Bearer"} if error.status == 401 else {}
                return JSONResponse(error.to_json(), error.status, {**extra, "connection": "close"})
            except ClientDisconnect:
                return Response(status_code=400)

        return handle

    def _admit(self, request: Request) -> None:
        if not self.options.token:
            # A page in a browser can have its own name lead to this machine, but not change what it asks for.
            host = _hostname(request.headers.get("host", ""))
            if not is_loopback(host) and host != self.options.host:
                raise RefusedError(403, f"this server is not {host!r}", code="wrong_host")
            return
        given = request.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if request.url.path != "/health" and not (
            scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self.options.token.encode())
        ):
            raise RefusedError(401, "the token is missing or wrong; send it as a bearer token", code="invalid_api_key")

    async def _body(self, request: Request) -> Json:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RefusedError(415, f"the body is of type {kind[:60]!r}, must be application/json")
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.options.upload):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    if size > self.options.body:
                        raise RefusedError(413, f"the body is larger than {self.options.body} bytes", code="too_large")
        except TimeoutError:
            raise RefusedError(
                408, f"the body did not arrive within {self.options.upload:g} s", code="timeout"
            ) from None
        raw = await asyncio.to_thread(parse, b"".join(parts))
        self.served.check(raw.get("model"))
        return raw

    async def _ask(self, request: Request, frame: Frame | None, questions: list[Question]) -> list[Answer]:
        """Ask the model as long as the client is there: nobody else waits for one that has gone.

        Raises:
            ClientDisconnect: It has gone.
        """
        asking = asyncio.create_task(self.desk.ask(frame, questions))
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise ClientDisconnect
            return asking.result()
        finally:
            asking.cancel()
            leaving.cancel()

    async def _health(self, request: Request) -> Response:
        if self.desk.fault:
            return JSONResponse({"status": "broken", "why": self.desk.fault}, 503)
        return JSONResponse({"status": "ok"})

    async def _models(self, request: Request) -> Response:
        row = {"id": self.served.name, "object": "model", "created": now(), "owned_by": "knothole"}
        row |= {"model": self.served.model, "kinds": sorted(self.served.kinds)}
        if "name" in request.path_params:
            self.served.check(request.path_params["name"])
            return JSONResponse(row)
        return JSONResponse({"object": "list", "data": [row]})

    async def _chat(self, request: Request) -> Response:
        asked = await asyncio.to_thread(chat.read_request, await self._body(request), self.served.kinds)
        if asked.stream:
            self.desk.admit()
            told = streaming.events(self.desk, self.served.name, asked)
            return StreamingResponse(told, media_type="text/event-stream", headers=streaming.HEADERS)
        (answer,) = await self._ask(request, asked.frame, [asked.asked.question])
        return JSONResponse(chat.response(self.served.name, asked, answer))

    async def _systemone(self, request: Request) -> Response:
        raw = await self._body(request)
        frame, state = await asyncio.to_thread(systemone.read_state, raw)
        questions = systemone.read_questions(raw, state)
        answers = await self._ask(request, frame, list(questions.values()))
        return JSONResponse(systemone.response(self.served.name, questions, answers))

    async def _decisions(self, request: Request) -> Response:
        raw = await self._body(request)
        frame, context = await asyncio.to_thread(decisions.read_input, raw)
        questions = decisions.read_questions(raw, context)
        answers = await self._ask(request, frame, [question for _, question in questions])
        return JSONResponse(decisions.response(self.served.name, questions, answers))


async def _left(request: Request) -> None:
    """Return when the client of a request, whose body was read, has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    what = "no such route" if status == 404 else "not this way"
    told = RefusedError(status, f"{what}: {request.method} {request.url.path}", code="not_found")
    return JSONResponse(told.to_json(), status)


async def _fault(request: Request, error: Exception) -> Response:
    told = RefusedError(500, f"a fault of this server: {type(error).__name__}", code="internal_error")
    return JSONResponse(told.to_json(), 500)


def listen(options: ServeOptions) -> socket.socket:
    """Return a socket that listens, so that its port is known before anything is served.

    Raises:
        ServeError: The address is taken or not this machine's.
    """
    try:
        info = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = info[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ServeError(
            f"cannot listen at {options.host}:{options.port}: {why}\n  fix:  take another --port, or 0 for a free one"
        ) from error


def run(runner: Runner, served: Served, options: ServeOptions, sock: socket.socket) -> None:
    """Serve until a signal comes; it is passed on when everything has ended."""
    import uvicorn

    config: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "ws": "none",
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": 3,
        "limit_concurrency": 4 * options.waiting,
        "h11_max_incomplete_event_size": 64 * 1024,
    }
    app = Server(runner, served, options).app()
    uvicorn.Server(uvicorn.Config(app, http="h11", **config)).run(sockets=[sock])


def as_line(url: str, served: Served) -> str:
    """Return what is served and where, as one line of JSON."""
    return json.dumps({"url": url, "model": served.model, "name": served.name, "kinds": sorted(served.kinds)})
