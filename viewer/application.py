"""The routes of the page: its files, messages, pictures, explanations, and commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from .._base import KnotholeError
from .figure import figure, mesh_bytes
from .gate import Gate
from .moments import explained
from .source import Source
from .turns import Replaced, Turns
from .wire import dumps, rows

if TYPE_CHECKING:
    from .serving import Commanded

MOST_COMMAND: Final = 64 * 1024
"""Largest command, [bytes]."""
KEEP_ALIVE: Final = 15.0
"""After so long without news a comment is sent, so that a page that is gone is noticed, [s]."""
GRACE: Final = 5.0
"""How long nobody may look before the control is told so, such as while a page is loaded again, [s]."""
_UPLOAD: Final = 10.0
_URGENT: Final = ("stop", "pause")
"""Commands that wait for nothing else that is asked."""
_THREADS: Final = 8
"""So many other commands can wait at once for the end of a tick."""
_TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def page_files() -> Mapping[str, tuple[str, bytes]]:
    """Return the files of the page by name, each with its media type."""
    found = {}
    for file in files("knothole.viewer").joinpath("page").iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            found[file.name] = (f"{kind}; charset=utf-8", file.read_bytes())
    return found


class Application:
    """What the page asks for.

    Args:
        sources: The runs that are shown.
        control: Steers the live one; None for read-only.
        ready: Called once requests are answered.
    """

    def __init__(self, sources: Sequence[Source], control: Commanded | None, ready: Callable[[], None]) -> None:
        self._sources, self._control, self._ready = sources, control, ready
        self._files = page_files()
        self._state: Mapping[str, Any] | None = None
        self._news: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._unsubscribe: Callable[[], None] | None = None
        self._urgent, self._commands = ThreadPoolExecutor(2, "urgent"), ThreadPoolExecutor(_THREADS, "command")
        self._turns: Turns[dict[str, object]] = Turns()

    def behind_the_gate(self, token: str, hosts: Iterable[str]) -> ASGIApp:
        """Return the application, which answers only those whom the gate lets in."""
        get = ["GET"]
        inner = Starlette(
            routes=[
                Route("/info", self._info, methods=get),
                Route("/messages", self._messages, methods=get),
                Route("/events", self._events, methods=get),
                Route("/picture", self._picture, methods=get),
                Route("/why", self._why, methods=get),
                Route("/robot", self._robot, methods=get),
                Route("/mesh", self._mesh, methods=get),
                Route("/command", self._command, methods=["POST"]),
                Route("/{name:path}", self._file, methods=get),
            ],
            exception_handlers={HTTPException: _refused, Exception: _fault},
            lifespan=self._lifespan,
        )
        return Gate(inner, token, hosts)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        ends = [source.listen(self._wake) for source in self._sources]
        self._ready()
        try:
            yield
        finally:
            for end in ends:
                end()
            self._loop = None
            self._attend(False)
            self._turns.close()
            for threads in (self._urgent, self._commands):
                threads.shutdown(wait=False, cancel_futures=True)

    def _attend(self, seen: bool) -> None:
        """Follow the control while somebody looks: a run waits for answers to its questions only then."""
        if self._control is None or seen == (self._unsubscribe is not None):
            return
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        else:
            before = self._state
            self._unsubscribe = self._control.subscribe(self._changed)
            state = self._control.command({"do": "state"}).get("state")
            if self._state is before:  # nothing newer has come
                self._state = state

    def _left(self) -> None:
        if not self._news:
            self._attend(False)

    def _changed(self, state: Mapping[str, Any]) -> None:
        self._state = state
        self._wake()

    def _wake(self) -> None:
        """Tell those who wait that there is news; from any thread."""
        loop = self._loop
        if loop is not None and self._news:
            with contextlib.suppress(RuntimeError):  # the loop was closed at this moment
                loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        for event in self._news:
            event.set()

    @property
    def pages(self) -> int:
        """How many follow a run."""
        return len(self._news)

    def close(self) -> None:
        """End the streams, so that the server can end; from any thread."""
        self._closing = True
        self._wake()

    def _source(self, request: Request) -> Source:
        number = _whole(request, "source")
        if number >= len(self._sources):
            raise HTTPException(404, "there is no such run")
        return self._sources[number]

    async def _info(self, request: Request) -> Response:
        rows = [{"name": each.name, "live": each.live} for each in self._sources]
        return _json({"sources": rows, "control": self._control is not None})

    async def _messages(self, request: Request) -> Response:
        source, begin = self._source(request), _whole(request, "from")
        text, after = await asyncio.to_thread(rows, source, begin)
        more = "true" if after < len(source) else "false"
        rest = f'"next":{after},"more":{more},{_standing(source)}'
        return Response(f'{{"messages":{text},{rest}}}', media_type="application/json")

    async def _events(self, request: Request) -> Response:
        source, begin = self._source(request), _whole(request, "from")
        return StreamingResponse(self._stream(source, begin), media_type="text/event-stream")

    async def _stream(self, source: Source, begin: int) -> AsyncIterator[str]:
        news = asyncio.Event()
        self._news.add(news)
        self._attend(True)
        told: Mapping[str, Any] | None = None
        stood, ended = "", False
        try:
            while not self._closing:
                news.clear()
                if self._state is not None and self._state is not told:
                    told = self._state
                    yield f"event: state\ndata: {dumps(told)}\n\n"
                over, stands = source.ended, _standing(source)
                if stands != stood:
                    stood = stands
                    yield f"event: standing\ndata: {{{stands}}}\n\n"
                text, after = await asyncio.to_thread(rows, source, begin)
                if after > begin:
                    begin = after
                    yield f"data: {text}\n\n"
                    continue
                if over and not ended:
                    ended = True
                    yield f"event: end\ndata: {{{_standing(source)}}}\n\n"
                try:
                    async with asyncio.timeout(KEEP_ALIVE):
                        await news.wait()
                except TimeoutError:
                    yield ": \n\n"
        finally:
            self._news.discard(news)
            if self._loop is not None:
                self._loop.call_later(GRACE, self._left)

    async def _picture(self, request: Request) -> Response:
        picture = self._source(request).pictures.get(request.query_params.get("name", ""))
        if picture is None:
            raise HTTPException(404, "there is no such picture")
        return Response(picture.data, media_type=picture.type)

    async def _why(self, request: Request) -> Response:
        source, tick = self._source(request), _whole(request, "tick")
        node = request.query_params.get("node", "")
        asker = request.query_params.get("page") or str(request.client)

        def explain() -> dict[str, object]:
            try:
                return explained(source.at(tick), node)
            except KnotholeError as error:
                return {"error": str(error)}
            except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
                return {"error": f"the trace is damaged ({type(error).__name__}), so nothing can be explained"}

        try:
            return _json(await self._turns.take(asker, explain))
        except Replaced:
            return _json({"error": "something newer was asked meanwhile"})

    async def _robot(self, request: Request) -> Response:
        return _json(await asyncio.to_thread(figure, self._source(request).robot()))

    async def _mesh(self, request: Request) -> Response:
        data = await asyncio.to_thread(mesh_bytes, self._source(request).robot())
        return Response(data, media_type="application/octet-stream")

    async def _command(self, request: Request) -> Response:
        if self._control is None:
            raise HTTPException(403, "this view is read-only; start the run with --control")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "a command is application/json")
        try:
            data = json.loads(await _body(request))
        except (ValueError, RecursionError):
            raise HTTPException(400, "the command is no JSON") from None
        if not isinstance(data, dict):
            raise HTTPException(400, "a command is an object")
        threads = self._urgent if data.get("do") in _URGENT else self._commands
        running = asyncio.get_running_loop()
        return _json(await running.run_in_executor(threads, self._control.command, data))

    async def _file(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"] or "index.html")
        if file is None:
            raise HTTPException(404, "there is no such file")
        return Response(file[1], headers={"content-type": file[0]})


async def _body(request: Request) -> bytes:
    """Return the body of a request; one that is too large, or never ends, is refused before it is held."""
    too_large = HTTPException(413, f"a command has at most {MOST_COMMAND} bytes", {"connection": "close"})
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told[:12]) > MOST_COMMAND:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_UPLOAD):
            async for part in request.stream():
                size += len(part)
                if size > MOST_COMMAND:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408, "the command did not arrive in time") from None
    except ClientDisconnect:
        raise HTTPException(400, "the connection was closed") from None
    return b"".join(parts)


def _standing(source: Source) -> str:
    stands = {"complete": source.complete, "full": source.full, "problem": source.problem}
    return dumps({"ended": source.ended, **stands})[1:-1]


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise HTTPException(400, f"{name} is a whole number from 0")
    return int(text)


def _json(value: Any) -> Response:
    return Response(dumps(value), media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"a fault of this server: {type(error).__name__}\n", 500)
