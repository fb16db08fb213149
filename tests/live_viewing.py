"""A run on a thread of its own and the viewer that steers it, for tests of the page in whatever browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from knothole.behaviors.context import Context
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.trees.builder import build
from knothole.trees.debugging.control import Control
from knothole.trees.loader import load_text
from knothole.trees.ticking.clock import RealClock
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.recording import Recording, read_trace
from knothole.trees.tracing.trace import TraceWriter
from knothole.viewer.serving import ViewerServer
from knothole.viewer.source import LiveSource
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

ROUNDS = """\
knothole: 1
tree: t
inputs: {charge: {type: number, default: 1}}
root:
  repeat:
    times: 100000
    child:
      sequence:
        - wait: 100ms
        - selector:
            - check: $charge > 0.5
            - say: charge is low
        - set: {name: $n, to: $charge}
"""
CHECK = "t/repeat/sequence/selector/check"
ASKS = """\
knothole: 1
tree: t
root:
  ask_human: {question: 'Which <b>cup</b>?', options: [red, blue], answer: $cup}
"""


class LiveRun:
    """A run on a thread of its own.

    Args:
        url: Address of the viewer that steers it.
        loop: The loop of the run.
        trace: Its trace.

    Attributes:
        heard: While it is not set, the viewer hears nothing of what is written.
    """

    def __init__(self, url: str, loop: Loop, trace: Path, heard: threading.Event) -> None:
        self.url, self.trace, self.heard = url, trace, heard
        self.results: list[LoopResult] = []
        self.thread = threading.Thread(target=lambda: self.results.append(loop.run()))

    def end(self) -> LoopResult:
        """Wait for the end of the run."""
        self.thread.join()
        return self.results[0]

    def recorded(self) -> Recording:
        """Return the trace of the run, which has ended."""
        return read_trace(self.trace)


@contextmanager
def live_run(folder: Path, text: str = ROUNDS, answers: Mapping[str, object] | None = None) -> Iterator[LiveRun]:
    """Run a tree that is steered from a page; it stands before its first tick. With answers it may look and ask."""
    path = folder / "live.mcap"
    trace = TraceWriter(path)
    source, control = LiveSource("live"), Control(paused=True)
    heard = threading.Event()
    heard.set()

    def take(topic: str, time_ns: int, text: bytes) -> None:
        heard.wait()
        source.take(topic, time_ns, text)

    trace.listen(take)
    context = Context()
    if answers is not None:
        context.robot = DRIVERS.get("kinematic")(DriverOptions())
        context.broker = Broker(Scripted(answers), stepped=False)
    loop = Loop(build(load_text(text), context), trace=trace, control=control, clock=RealClock())
    with ViewerServer([source], control=control) as server:
        run = LiveRun(server.url, loop, path, heard)
        run.thread.start()
        try:
            yield run
        finally:
            heard.set()
            if run.thread.is_alive():
                control.command({"do": "stop"})
            run.thread.join()


def interventions(recording: Recording) -> list[Any]:
    """Return what somebody did to a run, in order."""
    return [m.data["do"] for m in recording.topic("/interventions") if m.data["do"] != "stands"]
