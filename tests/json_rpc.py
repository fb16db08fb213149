"""A small JSON-RPC client: drives a language server as a process over standard input and output."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 60.0
"""Seconds until an answer is overdue; nothing waits that long unless it fails."""


class Client:
    """One server process.

    Args:
        command: How to start it.
        cwd: Its working folder.
        settings: Answers to ``workspace/configuration`` by section.
    """

    def __init__(self, command: Sequence[str], cwd: Path, settings: dict[str, Any] | None = None) -> None:
        self.process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.settings = settings or {}
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.kept: list[dict[str, Any]] = []
        self.count = 0
        self.errors: list[bytes] = []
        self.threads = [threading.Thread(target=self._read), threading.Thread(target=self._drain)]
        for thread in self.threads:
            thread.start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        for thread in self.threads:
            thread.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            if not pipe.closed:
                pipe.close()

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while True:
            length = 0
            while (line := out.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not line:
                self.messages.put(None)
                return
            self.messages.put(json.loads(out.read(length)))

    def _drain(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def send_raw(self, body: bytes) -> None:
        """Send any bytes with the header of a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _send(self, **message: Any) -> None:
        self.send_raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def notify(self, method: str, params: Any) -> None:
        self._send(method=method, params=params)

    def request(self, method: str, params: Any) -> Any:
        """Send a request and return its result; an error is returned as ``{"error": …}``."""
        self.count += 1
        number = self.count
        self._send(id=number, method=method, params=params)
        message = self.wait(lambda message: message.get("id") == number and "method" not in message)
        return message["result"] if "result" in message else {"error": message["error"]}

    def wait(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message not yet taken that fits; requests of the server are answered meanwhile."""
        for number, message in enumerate(self.kept):
            if fits(message):
                return self.kept.pop(number)
        while True:
            message = self.messages.get(timeout=PATIENCE)
            if message is None:
                raise AssertionError(f"the server has ended: {b''.join(self.errors).decode()[-2000:]}")
            if "id" in message and "method" in message:
                self._answer(message)
            elif fits(message):
                return message
            else:
                self.kept.append(message)

    def _answer(self, message: dict[str, Any]) -> None:
        result: Any = None
        if message["method"] == "workspace/configuration":
            result = [self.settings.get(item.get("section", "")) for item in message["params"]["items"]]
        self._send(id=message["id"], result=result)

    def initialize(self, root: Path, **capabilities: Any) -> Any:
        found = self.request("initialize", {"processId": None, "rootUri": root.as_uri(), "capabilities": capabilities})
        self.notify("initialized", {})
        return found

    def open(self, file: Path, text: str, language: str = "yaml") -> str:
        uri = file.as_uri()
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, version: int, text: str) -> None:
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]},
        )

    def diagnostics(self, uri: str, version: int | None = None) -> list[dict[str, Any]]:
        """Return the next diagnostics of a file, of one version of it if that is given."""
        message = self.wait(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == uri
                and (version is None or message["params"].get("version") == version)
            )
        )
        found: list[dict[str, Any]] = message["params"]["diagnostics"]
        return found

    def at(self, method: str, uri: str, line: int, character: int, **more: Any) -> Any:
        """Ask about a position, counted from 0."""
        position = {"line": line, "character": character}
        return self.request(method, {"textDocument": {"uri": uri}, "position": position, **more})

    def stop(self) -> int:
        """Shut the server down and return its exit code."""
        assert self.request("shutdown", None) is None
        self.notify("exit", None)
        return self.process.wait(PATIENCE)
