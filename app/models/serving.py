"""What ``knothole vlm serve`` does: open a backend and answer requests of others with it until a signal comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..._base import import_needed
from ...vlm.replay import Replay
from ...vlm.runner import InLoop, Runner
from ...vlm.worker import Worker
from ..authoring.inspect import project
from ..running.stage import open_runner, split
from ..settings.backend_settings import one_backend
from ..settings.names import register_all

if TYPE_CHECKING:
    from ...vlm.serving.server import Served, ServeOptions

PATIENCE = 600.0
"""Longest wait for a model to load, [s]."""


def serve(vlm: str = "", host: str = "127.0.0.1", port: int = 8337, token: str = "", as_json: bool = False) -> NoReturn:
    """Serve a backend; returns only by the exception of a signal.

    Args:
        vlm: Backend; empty takes the configured one.
        host: Address to listen at.
        port: Port, 0 for a free one.
        token: What clients must send; needed where others than this machine can reach the server.
        as_json: Say what is served as a line of JSON.

    Raises:
        KnotholeError: The backend cannot be opened, the address is taken, or a token is missing.
    """
    for module in ("starlette", "uvicorn"):
        import_needed(module, "knothole vlm serve", "serve")
    from ...vlm.serving.server import ServeOptions, as_line, listen, run

    options = ServeOptions(host, port, token)
    options.check()
    config = project()
    register_all()
    spec, _ = one_backend(config, vlm)
    with listen(options) as sock:
        runner = open_runner(spec, config, None)
        try:
            served = _served(spec, runner)
            url = _url(options, sock.getsockname()[1])
            guarded = runner.name == "firewall"
            print(as_line(url, served) if as_json else _line(url, served, options, guarded), flush=True)
            run(runner, served, options, sock)
        finally:
            runner.close()
    raise KeyboardInterrupt  # nothing but a signal ends it, also where the shell had it ignored


def _served(spec: str, runner: Runner) -> Served:
    """Wait until the model is there and return what it is; behind the firewall it keeps its name."""
    from ...vlm.serving.server import Served

    if isinstance(runner, Worker):
        runner.wait_ready(PATIENCE)
    name = split(spec.removeprefix("firewall:"))[0]
    if isinstance(runner, InLoop):
        return Served(name, runner.backend.model, runner.backend.kinds)
    assert isinstance(runner, Worker | Replay)
    return Served(name, runner.model, runner.kinds)


def _url(options: ServeOptions, port: int) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{port}"


def _line(url: str, served: Served, options: ServeOptions, guarded: bool) -> str:
    token = "  (with the token as API key)" if options.token else ""
    wall = " behind the firewall" if guarded else ""
    return f"serving {served.name} ({served.model}){wall} at {url}/v1{token}\nCtrl-C ends it"
