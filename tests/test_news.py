"""Nothing below a guard is halted or begun anew without news, however slow the backend is: random trees, by trace."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Leaf
from knothole.behaviors.ports import Port
from knothole.robots.contract import CameraFrame, Capabilities, Intrinsics, RobotState
from knothole.robots.pose import Pose
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.recording import Message, Recording, read_trace
from knothole.trees.tracing.trace import TraceWriter
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

LATENCY, SECONDS = 2.0, 20.0
QUESTIONS = ("Is it clear?", "Is it safe?", "Is it light?")


class Stage:
    """A robot that has nothing but a camera, whose picture changes about once a second."""

    name, stepped = "stage", True
    capabilities = Capabilities(("eye",), frozenset(), frozenset())

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def advance(self, until: float) -> None:
        self._now = max(self._now, until)

    def state(self) -> RobotState:
        return RobotState(self._now, np.zeros(0), np.zeros(0), Pose((0.0, 0.0, 0.0)))

    def capture(self, camera: str) -> CameraFrame:
        number = round(self._now * 20)
        pixels = np.full((16, 16, 3), 40 * (int(self._now / 0.9) % 6), np.uint8)
        lens = Intrinsics(16.0, 16.0, 7.5, 7.5, 16, 16)
        return CameraFrame("eye", f"eye#{number}", self._now, pixels, None, lens, Pose((0.0, 0.0, 1.0)))

    def stop(self) -> None:
        pass


class Work(Leaf):
    """Works for some ticks, and tells when it is begun, done and halted."""

    ports = (Port("ticks", "int", "how long", main=True),)
    recovers = "anew"

    def start(self) -> None:
        self.left = int(str(self.get("ticks")))
        self._tell("begun")

    def step(self) -> Any:
        self.left -= 1
        if self.left > 0:
            return self.running(f"{self.left} to go")
        self._tell("done")
        return self.succeed("done")

    def halt(self) -> None:
        self._tell("halted")

    def _tell(self, what: str) -> None:
        self.context.emit("work", {"path": self.path, "what": what})


@pytest.fixture(autouse=True)
def _work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NODES._things, "test_work", Work)


def see(rng: random.Random) -> dict[str, Any]:
    ports: list[dict[str, object]] = [{}, {"max_age": "2500ms"}, {"max_age": "3s"}, {"rate": 2}]
    more: list[dict[str, object]] = [{}, {"confirm": 2}, {"on_unsure": "look_again"}, {"debounce": 2}]
    asked = {"question": rng.choice(QUESTIONS), "expect": rng.choice(("yes", "yes", "yes", "no"))}
    return {"see": asked | rng.choice(ports) | rng.choice([*more, {"deadline": "2500ms"}])}


def tree(rng: random.Random, depth: int) -> dict[str, Any]:
    """Return a random node: guards around composites around work."""
    kind = rng.choice(("guard", "sequence", "sequence", "selector", "parallel", "retry", "inverter", "test_work"))
    if depth == 0 or kind == "test_work":
        return {"test_work": rng.randint(2, 30)}
    if kind == "guard":
        return guarded(rng, depth)
    if kind in ("retry", "inverter"):
        ports = {"attempts": 2} if kind == "retry" else {}
        return {kind: {**ports, "child": tree(rng, depth - 1)}}
    return {kind: [tree(rng, depth - 1) for _ in range(rng.randint(1, 3))]}


def guarded(rng: random.Random, depth: int) -> dict[str, Any]:
    check = see(rng) if rng.random() < 0.7 else {"parallel": [see(rng), see(rng)]}
    return {"guard": {"check": check, "child": tree(rng, depth - 1)}}


def played(seed: int, path: Path) -> Recording:
    """Run a random tree below a guard with answers that change their mind, and read its trace."""
    rng = random.Random(seed)
    text = json.dumps({"knothole": 1, "tree": "random", "root": guarded(rng, 4)})
    says = {
        q: {"times": {f"{t}s": rng.choice(("yes", "yes", "yes", "no", 0.5)) for t in range(0, 22, 2)}}
        for q in QUESTIONS
    }
    broker = Broker(Scripted(says), stepped=True, latency=LATENCY)
    loop = Loop(build(load_text(text), Context(Stage(), broker)), max_time=SECONDS, trace=TraceWriter(path))
    result = loop.run()
    assert result.fault is None, result.fault
    return read_trace(path)


def unfounded(recording: Recording) -> list[str]:
    """Return what happened to the work below guards without a reason: no answer came, and no work was done then."""
    answered = {m.data["tick"] for m in recording.topic("/answers")}
    last = max((m.data["tick"] for m in recording.topic("/status")), default=0)
    news = Counter(m.data["tick"] for m in recording.topic("/work") if m.data["what"] == "done")
    running: set[str] = set()
    wrong = []
    for message in recording.topic("/work"):
        path, what, tick = message.data["path"], message.data["what"], message.data["tick"]
        founded = tick in answered or news[tick] or tick >= last
        if what == "begun" and path in running:
            wrong.append(f"tick {tick}: {path} was begun anew while it was running")
        if what == "halted" and not founded:
            wrong.append(f"tick {tick}: {path} was halted without news")
        running = running | {path} if what == "begun" else running - {path}
    return wrong


def check(seeds: range, folder: Path) -> None:
    begun = answers = pauses = 0
    for seed in seeds:
        recording = played(seed, folder / "random.mcap")
        assert unfounded(recording) == [], f"seed {seed}"
        begun += sum(m.data["what"] == "begun" for m in recording.topic("/work"))
        answers += len(list(recording.topic("/answers")))
        pauses += sum("paused: " in c["reason"] for m in recording.topic("/status") for c in m.data["changes"])
    assert begun > len(seeds)
    assert pauses > len(seeds)
    assert answers > 2 * len(seeds)


def test_nothing_below_a_guard_is_halted_or_begun_anew_without_news(tmp_path: Path):
    check(range(60), tmp_path)


@pytest.mark.long(minutes=0.4)
def test_nothing_is_halted_or_begun_anew_in_a_thousand_trees(tmp_path: Path):
    check(range(1000), tmp_path)


def test_the_measure_sees_a_halt_without_news(tmp_path: Path):
    text = "knothole: 1\ntree: bad\nroot:\n  sequence:\n    - test_work: 50\n      timeout: 1s\n"
    path = tmp_path / "bad.mcap"
    Loop(build(load_text(text), Context(Stage())), max_time=5.0, trace=TraceWriter(path)).run()  # type: ignore[arg-type]
    recording = read_trace(path)
    told = [m.data["what"] for m in recording.topic("/work")]
    assert told == ["begun", "halted"]
    later = [*recording.messages, Message("/status", 9.0, {"tick": 99, "changes": []})]
    assert unfounded(Recording(tuple(later), True)) == ["tick 22: bad/sequence/test_work was halted without news"]
