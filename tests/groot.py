"""A client of the Groot2 protocol, and both servers it talks to: ours, and that of BehaviorTree.CPP in a process.

As a program it is the latter: ``python groot.py FILE PORT`` ticks the tree of an XML file, once for each line ``tick``.
"""

from __future__ import annotations

import json
import random
import select
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import zmq

LONG = 20_000
"""Longest wait for a reply, [ms]; none takes so long unless something is broken."""
HEADER = struct.Struct("<BBI")


class Client:
    """Speaks the protocol frame by frame."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._context = zmq.Context()
        self._requests = self._context.socket(zmq.REQ)
        self._requests.linger = 0
        self._requests.rcvtimeo = LONG
        self._requests.connect(f"tcp://127.0.0.1:{port}")
        self._news = self._context.socket(zmq.SUB)
        self._news.rcvtimeo = LONG
        self._news.subscribe(b"")
        watched = self._news.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self._news.connect(f"tcp://127.0.0.1:{port + 1}")
        assert watched.poll(LONG), "nobody publishes news"
        self._news.disable_monitor()
        watched.close(linger=0)
        self.number = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def raw(self, *frames: bytes) -> list[bytes]:
        """Send frames and return those of the reply."""
        self._requests.send_multipart(list(frames))
        return self._requests.recv_multipart()

    def ask(self, kind: str, *frames: bytes) -> list[bytes]:
        """Send a request; return the reply without its header, or ``error`` and its text."""
        self.number += 1
        first, *rest = self.raw(HEADER.pack(2, ord(kind), self.number), *frames)
        if first == b"error":
            return [first, *rest]
        assert first[:6] == HEADER.pack(2, ord(kind), self.number)
        assert len(first) == 22
        return rest

    def send_json(self, kind: str, *hooks: dict[str, Any]) -> list[bytes]:
        """Send a request with one hook, or with a list of several."""
        return self.ask(kind, json.dumps(hooks[0] if len(hooks) == 1 else hooks).encode())

    def xml(self) -> str:
        return self.ask("T")[0].decode()

    def statuses(self) -> list[tuple[int, int]]:
        return list(struct.Struct("<HB").iter_unpack(self.ask("S")[0]))

    def entries(self, names: str) -> Any:
        return msgpack.unpackb(self.ask("B", names.encode())[0])

    def transitions(self) -> list[tuple[int, int]]:
        packed = self.ask("t")[0]
        return [struct.unpack("<HB", packed[at + 6 : at + 9]) for at in range(0, len(packed), 9)]

    def hooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.ask("D")[0])
        return sorted(found, key=lambda hook: (hook["uid"], hook["position"]))

    def news(self) -> tuple[str, str]:
        """Wait for news; return its type and its text."""
        first, text = self._news.recv_multipart()
        return chr(first[1]), text.decode()


class Theirs:
    """A tree in BehaviorTree.CPP, published by a process of its own."""

    def __init__(self, file: Path) -> None:
        self.port = 0
        for _ in range(20):
            self.port = random.randint(20_000, 60_000)
            command = [sys.executable, __file__, str(file), str(self.port)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
            )
            if self.line() == "ready":
                return
            self.close()
        raise AssertionError("no two ports in a row are free")

    def __enter__(self) -> Theirs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def begin(self) -> None:
        """Let it tick, and wait for nothing."""
        assert self._process.stdin is not None
        self._process.stdin.write("tick\n")

    def tick(self) -> str:
        self.begin()
        return self.line()

    @property
    def stands(self) -> bool:
        """True while a tick that has begun said nothing."""
        return not select.select([self._process.stdout], [], [], 0)[0]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def bound(make: Callable[[int], Any], refused: type[Exception]) -> Iterator[Any]:
    """Make a server on two free ports in a row, and close it afterwards."""
    for _ in range(20):
        try:
            server = make(random.randint(20_000, 60_000))
        except refused:
            continue
        with server:
            yield server
        return
    raise AssertionError("no two ports in a row are free")


def publish(file: str, port: int) -> None:
    """Tick a tree of BehaviorTree.CPP whenever a line comes."""
    import behaviortreepy as real

    factory = real.BehaviorTreeFactory()
    factory.register_behavior_tree_from_text(Path(file).read_text())
    tree = factory.create_tree("Main", real.Blackboard.create())
    publisher = real.Groot2Publisher(tree, port)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(str(tree.tick_exactly_once()).rpartition(".")[2], flush=True)
    del publisher


if __name__ == "__main__":
    publish(sys.argv[1], int(sys.argv[2]))
