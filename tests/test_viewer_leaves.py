"""A page that is closed at any moment never leaves a run waiting for ever: its default counts, or it fails, in time."""

from __future__ import annotations

import json
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest

from knothole.tests.steering import PATIENCE, Steered
from knothole.tests.viewing import Client
from knothole.trees.debugging.humans import ALONE
from knothole.trees.ticking.loop import LoopResult
from knothole.viewer.serving import ViewerServer
from knothole.viewer.source import LiveSource

TREE = """\
knothole: 1
tree: asks
root:
  sequence:
    - wait: 1s
    - ask_human: {{question: "Which one?", options: [red, blue], answer: $said{more}}}
    - wait: 1s
"""
DEADLINE = 20.0
MOMENTS = ("never", "before", "at once", "while", "any", "while answering", "after", "after the run began")


class Page:
    """What a browser keeps open: the stream of events, over a socket of its own."""

    def __init__(self, server: ViewerServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.send(f"GET /{server.token}/events?source=0&from=0 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n")
        self.heard = b""

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def until(self, wanted: bytes) -> None:
        """Read until something was said."""
        while wanted not in self.heard:
            self.take(1 << 16)

    def take(self, most: int) -> None:
        data = self.socket.recv(most)
        assert data, "the server closed the stream"
        self.heard += data

    def close(self, how: str) -> None:
        """Leave: politely, in the middle of everything, or by saying only that nothing more will be sent."""
        with suppress(OSError):
            if how == "reset":
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif how == "half":
                self.socket.shutdown(socket.SHUT_WR)
        self.socket.close()


@contextmanager
def asking(folder: Path, default: bool, deadline: bool) -> Iterator[tuple[Steered, ViewerServer]]:
    """Yield a run that asks nobody but a page, and stands before its first tick, with the server of the page."""
    more = (", default: blue" if default else "") + (f", deadline: {DEADLINE:g}s" if deadline else "")
    source = LiveSource("asks")
    with ExitStack() as stack:
        stack.enter_context(patch("knothole.viewer.application.GRACE", 0.2))
        run = Steered(TREE.format(more=more), folder, max_time=300.0)
        assert run.loop.trace is not None
        run.loop.trace.listen(source.take)
        server = stack.enter_context(ViewerServer([source], control=run.control))
        stack.enter_context(run)
        yield run, server


def answer(server: ViewerServer, rng: random.Random, torn: bool) -> None:
    """Answer as the page does, and do not stay for the reply; a torn answer lacks its end."""
    body = json.dumps({"do": "answer", "question": 1, "text": "red"})
    host = f"127.0.0.1:{server.port}"
    head = (
        f"POST /{server.token}/command HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    whole = head + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sent:
        sent.sendall((whole[: rng.randrange(len(whole))] if torn else whole).encode())


def leave(run: Steered, server: ViewerServer, moment: str, rng: random.Random) -> None:
    """Open the page, let the run go on, and close the page at a moment."""
    how = rng.choice(("polite", "reset", "half"))
    page = Page(server) if moment not in ("never", "after the run began") else None
    if page is not None and moment != "at once":
        page.until(b"event: state")
    if moment in ("before", "at once"):
        assert page is not None
        page.close(how)
    run.send("resume")
    if moment == "after the run began":
        page = Page(server)
        page.take(1 + rng.randrange(2000))
    if moment == "any":
        assert page is not None
        while len(page.heard) < 1500 + rng.randrange(6000) and b'"prompt":' not in page.heard:
            page.take(1 + rng.randrange(700))
    if moment in ("while", "while answering", "after"):
        assert page is not None
        page.until(b'"prompt":')
    if moment in ("while answering", "after"):
        answer(server, rng, torn=moment == "while answering")
    if page is not None:
        page.close(how)


def ends(run: Steered) -> LoopResult:
    result = run.join()
    assert result.fault is None
    return result


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("seed", range(4))
def test_a_run_whose_page_is_closed_ends_on_its_own_clock(moment: str, seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"{moment}/{seed}")
    default, deadline = bool(seed & 1), bool(seed & 2)
    with asking(tmp_path, default, deadline) as (run, server):
        leave(run, server, moment, rng)
        result = ends(run)
        board = run.tree.blackboard
        said = board["said"] if "said" in board else None  # noqa: SIM401  a blackboard has no get
    if said == "red":
        assert moment == "after"
        assert result.status == "SUCCESS"
        return
    over = f"no answer within {DEADLINE:g} s" if deadline else "nobody is there any more to answer"
    expected = ("SUCCESS", "blue", "") if default else ("FAILURE", None, f"'Which one?': {over}, and no default")
    assert (result.status, said, result.reason) == expected
    longest = DEADLINE if deadline else ALONE
    if moment in ("at once", "after the run began") and not deadline:
        longest += ALONE  # the server may notice late that the page came, and from then on the run waits anew
    assert result.time <= 2.0 + longest + 0.2


def test_an_answer_that_was_sent_whole_counts_though_the_page_is_gone(tmp_path: Path) -> None:
    with asking(tmp_path, True, False) as (run, server):
        page = Page(server)
        page.until(b"event: state")
        run.send("resume")
        page.until(b'"prompt":')
        status, _ = Client(server).command({"do": "answer", "question": 1, "text": "red"})
        page.close("reset")
        assert status == 200
        assert ends(run).status == "SUCCESS"
        assert run.tree.blackboard["said"] == "red"


def test_a_page_that_is_loaded_again_is_still_asked(tmp_path: Path) -> None:
    with asking(tmp_path, True, False) as (run, server):
        page = Page(server)
        page.until(b"event: state")
        run.send("resume")
        page.until(b'"prompt":')
        page.close("reset")
        again = Page(server)
        again.until(b'"prompt":')
        Client(server).command({"do": "answer", "question": 1, "text": "red"})
        assert ends(run).status == "SUCCESS"
        assert run.tree.blackboard["said"] == "red"
        again.close("polite")
