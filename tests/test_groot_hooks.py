"""Hooks that a monitor puts on nodes do what they do in BehaviorTree.CPP, and never hold a run that nobody watches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knothole.behaviors.context import Context
from knothole.tests.groot import HEADER, LONG, Client, Theirs, bound
from knothole.trees.builder import build
from knothole.trees.debugging.control import Control
from knothole.trees.debugging.hooks import Hooks
from knothole.trees.loader import load
from knothole.trees.ticking.loop import Loop
from knothole.viewer.groot.hooking import ONLY_WATCHED, Hooking
from knothole.viewer.groot.ports import Ports
from knothole.viewer.groot.protocol import SILENCE, RequestError
from knothole.viewer.groot.server import GrootServer
from knothole.viewer.groot.shown import GrootError, show

XML = """<root BTCPP_format="4">
  <BehaviorTree ID="Main">
    <Repeat num_cycles="-1">
      <ForceSuccess>
        <Sequence>
          <AlwaysSuccess name="first"/>
          <AlwaysSuccess name="second" _skipIf="false" _onSuccess="seen:=1"/>
          <AlwaysFailure name="third"/>
        </Sequence>
      </ForceSuccess>
    </Repeat>
  </BehaviorTree>
</root>"""
ROOT, SEQUENCE, FIRST, SECOND, THIRD = 1, 3, 4, 5, 6


@dataclass
class Side:
    """One of the two engines: its client, and how it ticks."""

    client: Client
    begin: Callable[[], None]
    end: Callable[[], str]

    def tick(self) -> str:
        self.begin()
        return self.end()

    def reach(self) -> tuple[str, str]:
        """Begin a tick, and return the news of the hook at which it comes to stand."""
        self.begin()
        return self.client.news()


def hook(uid: int, mode: str = "break", status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    number = {"break": 0, "replace": 1}[mode]
    made = {"enabled": True, "uid": uid, "mode": number, "once": False, "desired_status": status, "position": 0}
    return {**made, **more}


def at(uid: int, position: int = 0) -> dict[str, Any]:
    return {"uid": uid, "position": position}


def unlock(uid: int, status: str = "SKIPPED", remove: bool = False) -> dict[str, Any]:
    return {"uid": uid, "position": 0, "desired_status": status, "remove_when_done": remove}


class Ours:
    """Our engine, ticked on a thread of its own so that a tick can stand."""

    def __init__(self, file: Path) -> None:
        self.control = Control()
        self.loop = Loop(build(load(file), Context()), watchdog=0, control=self.control)
        self._thread: threading.Thread | None = None
        self._said = ""

    def begin(self) -> None:
        def tick() -> None:
            self._said = self.loop.tick().name

        self._thread = threading.Thread(target=tick)
        self._thread.start()

    def end(self) -> str:
        assert self._thread is not None
        self._thread.join(LONG / 1000)
        assert not self._thread.is_alive(), "the tick still stands"
        return self._said


@contextmanager
def ours(file: Path, clock: Callable[[], float] | None = None) -> Iterator[tuple[Ours, Side]]:
    engine = Ours(file)
    more = {"clock": clock} if clock is not None else {}
    make = lambda port: GrootServer(engine.loop, Ports(port), engine.control, **more)  # noqa: E731
    with engine.loop, bound(make, GrootError) as server, Client(server.port) as client:
        yield engine, Side(client, engine.begin, engine.end)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tree.xml"
    path.write_text(XML)
    return path


def replaced(side: Side) -> Iterator[object]:
    """Replace results."""
    ask = side.client
    for each in (hook(THIRD, "replace"), hook(FIRST, "replace", "FAILURE"), hook(SEQUENCE, "replace")):
        yield ask.send_json("I", each), ask.hooks()
        yield side.tick(), ask.news(), ask.statuses()
        yield ask.send_json("R", at(each["uid"])), ask.send_json("R", at(each["uid"]))
    for status in ("SKIPPED", "RUNNING", "IDLE"):  # these replace nothing
        yield ask.send_json("I", hook(FIRST, "replace", status)), side.tick(), ask.news(), ask.statuses()
    yield ask.send_json("I", hook(FIRST, "replace", "FAILURE", once=True)), side.tick(), ask.news(), ask.hooks()
    yield side.tick(), ask.statuses()
    yield ask.send_json("I", hook(FIRST, "replace", "FAILURE", enabled=False)), side.tick(), ask.statuses(), ask.hooks()
    yield ask.ask("A"), ask.hooks()


def conditioned(side: Side) -> Iterator[object]:
    """Replace the result of a node with conditions: what is behind them sees it."""
    yield side.client.send_json("I", hook(SECOND, "replace", "FAILURE")), side.tick(), side.client.news()
    yield side.client.statuses(), side.client.entries("Main")
    yield side.client.send_json("I", hook(SECOND, "replace", "SUCCESS")), side.tick(), side.client.news()
    yield side.client.statuses(), side.client.entries("Main")


def stood(side: Side) -> Iterator[object]:
    """Stand at breakpoints, and go on in each way there is."""
    ask = side.client
    yield side.tick()
    yield ask.send_json("I", hook(FIRST)), side.reach(), ask.statuses(), ask.entries("Main")
    yield ask.send_json("U", unlock(SECOND)), ask.send_json("U", {**unlock(FIRST), "position": 1})
    yield ask.send_json("U", unlock(FIRST)), side.end(), ask.statuses(), ask.hooks()
    yield side.reach(), ask.send_json("U", unlock(FIRST, "FAILURE")), side.end(), ask.statuses(), ask.hooks()
    yield side.reach(), ask.send_json("U", unlock(FIRST, "SUCCESS", True)), side.end(), ask.hooks()
    yield side.tick()
    yield ask.send_json("I", hook(SECOND, once=True)), side.reach(), ask.statuses()
    yield ask.send_json("U", unlock(SECOND)), side.end(), ask.hooks()
    yield ask.send_json("I", hook(THIRD)), side.reach(), ask.ask("A"), side.end(), ask.hooks()
    yield ask.send_json("I", hook(THIRD)), side.reach(), ask.send_json("R", at(THIRD)), ask.hooks()
    yield ask.ask("A")


def disabled(side: Side) -> Iterator[object]:
    """Disable all hooks while a tick stands; change one to a replacement while a tick stands."""
    ask = side.client
    yield ask.send_json("I", hook(FIRST), hook(THIRD)), ask.hooks()
    yield side.reach(), ask.ask("X"), side.end(), ask.hooks(), side.tick()
    yield ask.send_json("I", hook(FIRST)), side.reach()
    yield ask.send_json("I", hook(FIRST, "replace", "FAILURE")), side.end(), ask.statuses(), ask.hooks()
    yield side.tick(), ask.news(), ask.statuses()


def unknown(side: Side) -> Iterator[object]:
    """Name nodes and hooks that are not there."""
    ask = side.client
    yield ask.send_json("I", hook(99)), ask.hooks(), side.tick()
    yield ask.send_json("R", at(99)), ask.send_json("U", unlock(99)), ask.send_json("U", unlock(FIRST))
    yield ask.ask("I", b"[]"), ask.ask("A"), ask.ask("X"), ask.ask("D")


@pytest.mark.parametrize("scene", [replaced, conditioned, stood, disabled, unknown], ids=lambda scene: scene.__name__)
def test_hooks_do_what_they_do_in_the_real_engine(file: Path, scene: Callable[[Side], Iterator[object]]) -> None:
    with ours(file) as (_, mine), Theirs(file) as process, Client(process.port) as client:
        other = Side(client, process.begin, process.line)
        for number, (said, wanted) in enumerate(zip(scene(mine), scene(other), strict=True)):
            assert said == wanted, f"step {number}"


def test_a_hook_behind_a_node_changes_its_result(file: Path) -> None:
    """The version behind ``behaviortreepy`` takes each hook for one before the node; later ones have both."""
    with ours(file) as (_, side):
        side.client.send_json("I", hook(FIRST, "replace", "FAILURE", position=1), hook(FIRST, "replace", "SKIPPED"))
        assert [each["position"] for each in side.client.hooks()] == [0, 1]
        side.tick()
        assert dict(side.client.statuses())[FIRST] == 13
        assert side.client.send_json("R", at(FIRST, 1)) == []
        side.tick()
        assert dict(side.client.statuses())[FIRST] == 12


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("I", b"nonsense", "the second part is not JSON"),
        ("I", b"[" * 100_000, "the second part is not JSON"),
        ("I", b"\xff\xfe", "the second part is not JSON"),
        ("I", b"5", "a hook must be a JSON object"),
        ("I", b"null", "a hook must be a JSON object"),
        ("I", b"{}", "'mode' is 'missing', it must be a whole number"),
        ("R", b"{}", "'uid' is 'missing', it must be a whole number"),
        ("R", b'{"uid": 4, "position": 2}', "'position' is '2', it must be 0 (pre) or 1 (post)"),
        ("R", b'{"uid": "4", "position": 0}', "'uid' is '4', it must be a whole number"),
        ("U", b'{"uid": 4, "position": 0}', "'desired_status' is 'missing', it must be one of SUCCESS"),
    ],
)
def test_a_malformed_hook_is_told_so_and_changes_nothing(file: Path, kind: str, text: bytes, told: str) -> None:
    with ours(file) as (_, side):
        first, error = side.client.ask(kind, text)
        assert first == b"error"
        assert error.decode().startswith(told)
        wrong = [hook(FIRST), {**hook(SECOND), "desired_status": "DONE"}]
        assert side.client.send_json("I", *wrong)[0] == b"error"
        assert side.client.hooks() == []
        assert side.tick() == "RUNNING"


def test_a_run_that_is_only_watched_refuses_hooks(file: Path) -> None:
    loop = Loop(build(load(file), Context()), watchdog=0)
    with loop, bound(lambda port: GrootServer(loop, Ports(port)), GrootError) as server, Client(server.port) as client:
        for kind, more in (("I", [b"[]"]), ("R", [b"{}"]), ("U", [b"{}"]), ("A", []), ("X", [])):
            assert client.ask(kind, *more) == [b"error", ONLY_WATCHED.encode()]
        assert client.ask("D") == [b"[]"]


def test_a_tick_that_stands_goes_on_when_nobody_asks_for_anything_any_more(file: Path) -> None:
    time = [0.0]
    with ours(file, lambda: time[0]) as (_, side):
        side.client.send_json("I", hook(FIRST))
        side.reach()
        time[0] += SILENCE + 0.1
        assert side.end() == "RUNNING"
        assert side.tick() == "RUNNING"
        assert [each["enabled"] for each in side.client.hooks()] == [True]
        assert side.reach() == ("N", str(FIRST))
        side.client.ask("A")
        side.end()


def test_hooks_sleep_after_five_seconds_of_silence_and_wake_as_they_were(file: Path) -> None:
    tree = build(load(file), Context())
    hooks, shown = Hooks(tree), show(tree)
    hooking = Hooking(hooks, 10.0)
    hooking.insert(f"[{text(hook(FIRST))}, {text(hook(THIRD, enabled=False))}]".encode(), shown)
    hooking.beat(15.0)
    assert [each.enabled for each in hooks.all()] == [True, False]
    hooking.beat(15.1)
    assert [each.enabled for each in hooks.all()] == [False, False]
    hooking.beat(30.0)
    hooking.heard(31.0)
    assert [each.enabled for each in hooks.all()] == [True, False]
    hooking.beat(36.0)
    assert [each.enabled for each in hooks.all()] == [True, False]
    hooking.beat(36.1)
    hooks.remove(hooks.all()[0].node, "pre")
    hooking.heard(40.0)
    assert [each.enabled for each in hooks.all()] == [False]


def text(made: dict[str, Any]) -> str:
    return str(made).replace("'", '"').replace("True", "true").replace("False", "false")


def test_closing_the_server_lets_a_tick_that_stands_go_on(file: Path) -> None:
    engine = Ours(file)
    make = lambda port: GrootServer(engine.loop, Ports(port), engine.control)  # noqa: E731
    with engine.loop, bound(make, GrootError) as server, Client(server.port) as client:
        client.send_json("I", hook(FIRST))
        engine.begin()
        client.news()
        server.close()
        assert engine.end() == "RUNNING"
        assert engine.control.hooks.all() == ()


def test_interventions_of_a_monitor_are_counted(file: Path) -> None:
    with ours(file) as (engine, side):
        side.client.send_json("I", hook(FIRST, "replace", "FAILURE"))
        side.tick()
        side.client.ask("A")
        assert engine.control.interventions == 2


def test_numbers_that_no_node_has_are_refused(file: Path) -> None:
    tree = build(load(file), Context())
    hooking = Hooking(Hooks(tree))
    for uid in (0, -1, 7, 70_000, 2**70):
        with pytest.raises(RequestError, match="Node ID not found"):
            hooking.remove(f'{{"uid": {uid}, "position": 0}}'.encode(), show(tree))
        assert hooking.insert(text(hook(uid)).encode(), show(tree)) == []
        assert hooking.dump(show(tree)) == [b"[]"]


def test_a_request_about_hooks_needs_its_second_part(file: Path) -> None:
    with ours(file) as (_, side):
        for kind in "IRU":
            assert side.client.raw(HEADER.pack(2, ord(kind), 1)) == [b"error", b"must be 2 parts message"]
