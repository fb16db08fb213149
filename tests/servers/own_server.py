"""Our own server in a thread of this process, and what clients send to it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import openai
import uvicorn
from PIL import Image

from knothole.vlm.questions import KINDS
from knothole.vlm.runner import InLoop
from knothole.vlm.serving.server import Served, ServeOptions, Server, listen


def image(color: tuple[int, int, int] = (200, 20, 20), form: str = "PNG", size: tuple[int, int] = (48, 32)) -> str:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, form)
    return base64.b64encode(out.getvalue()).decode()


def uri(**how: object) -> str:
    return f"data:image/png;base64,{image(**how)}"  # type: ignore[arg-type]


def message(words: str, *pictures: str) -> list[dict[str, object]]:
    parts = [{"type": "image_url", "image_url": {"url": one}} for one in pictures or (uri(),)]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": words}]}]


class Running:
    """A server in a thread of this process."""

    def __init__(self, backend: object, **options: object) -> None:
        made = ServeOptions(port=0, **options)  # type: ignore[arg-type]
        self.sock = listen(made)
        self.port = self.sock.getsockname()[1]
        self.server = Server(InLoop(backend), Served("scripted", "script@1", frozenset(KINDS)), made)  # type: ignore[arg-type]
        config = uvicorn.Config(
            self.server.app(), http="h11", log_level="error", ws="none", timeout_graceful_shutdown=1
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [self.sock]})
        self._thread.start()

    def client(self, key: str = "any") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=key, max_retries=0, timeout=20)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(method, path, raw, {"content-type": "application/json", **given})
        answer = line.getresponse()
        text = answer.read()
        line.close()
        return answer.status, json.loads(text)

    def close(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(20)
        self.sock.close()
        assert not self._thread.is_alive()


@contextlib.contextmanager
def by_command(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """``knothole vlm serve`` as a process, and what it says of itself."""
    line = [sys.executable, "-m", "knothole.cli", "vlm", "serve", "--port", "0", "--json", *words]
    with subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            told = json.loads(run.stdout.readline())
            assert isinstance(told, dict), told
            yield run, told
        finally:
            run.kill()
