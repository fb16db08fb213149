"""The server of the viewer: what it tells of a run, whom it refuses, and that the run notices nothing of either."""

from __future__ import annotations

import builtins
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from knothole._base import MissingExtraError
from knothole.behaviors.context import Context
from knothole.tests.calling import call
from knothole.tests.script_nodes import Script
from knothole.tests.viewing import HOLDS, Client, crashed_run, hostile_trace, serve_run
from knothole.trees.builder import build
from knothole.trees.debugging.control import Control
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.recording import Message, Recording, TraceError, read_trace
from knothole.trees.tracing.trace import TraceWriter
from knothole.trees.tracing.why import explain
from knothole.viewer.application import MOST_COMMAND, page_files
from knothole.viewer.connection import MOST_SILENT
from knothole.viewer.figure import figure, mesh_bytes
from knothole.viewer.gate import HEADERS
from knothole.viewer.moments import explained, up_to
from knothole.viewer.pictures import Pictures
from knothole.viewer.serving import ViewerError, ViewerServer
from knothole.viewer.source import LiveSource, RecordedSource, is_shown

COUNT = """\
knothole: 1
tree: t
root:
  repeat:
    times: 60
    child:
      sequence:
        - set: {name: $n, to: "1 + 1"}
        - wait: 100ms
"""


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return serve_run(folder / "slips.mcap"), serve_run(folder / "holds.mcap", HOLDS)


@pytest.fixture(scope="module")
def client(traces: tuple[Path, Path]) -> Iterator[Client]:
    with ViewerServer(traces) as server:
        yield Client(server)


@pytest.fixture
def steered(tmp_path: Path) -> Iterator[tuple[Client, Loop]]:
    """A viewer of a run that stands before its first tick, and its loop."""
    trace = TraceWriter(tmp_path / "live.mcap")
    source, control = LiveSource("live"), Control(paused=True)
    trace.listen(source.take)
    loop = Loop(build(load_text(COUNT), Context()), trace=trace, control=control)
    with ViewerServer([source], control=control) as server:
        yield Client(server), loop
        if loop.result is None:
            control.command({"do": "stop"})
            loop.close()


def messages(client: Client, source: int = 0) -> list[Any]:
    found: Any = client.json(f"/messages?source={source}&from=0")
    assert found["more"] is False
    rows: list[Any] = found["messages"]
    return rows


# What it tells.


def test_messages_come_in_order_and_without_their_pictures(client: Client, traces: tuple[Path, Path]) -> None:
    rows = messages(client)
    recorded = [m for m in read_trace(traces[0]).messages if is_shown(m.topic)]
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert [(row[1], row[2]) for row in rows] == [(m.topic, round(m.time, 6)) for m in recorded]
    frames = [row[3] for row in rows if row[1] == "/frames"]
    assert frames == [{"frame_id": "table#1", "hash": frames[0]["hash"], "kept": True}]
    statuses = [row[3] for row in rows if row[1] == "/status"]
    assert statuses == [m.data for m in recorded if m.topic == "/status"]


def test_messages_can_be_had_from_any_position(client: Client) -> None:
    rows = messages(client)
    found: Any = client.json(f"/messages?source=0&from={len(rows) - 2}")
    assert found["messages"] == rows[-2:]
    assert (found["next"], found["ended"], found["complete"]) == (len(rows), True, True)


def test_pictures_are_served_as_what_they_are(client: Client) -> None:
    status, data, headers = client.whole("/picture?source=0&name=table%231")
    assert (status, headers["content-type"], data[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")


def test_it_explains_a_node_at_a_moment(client: Client) -> None:
    node = "serve/sequence/selector/pick"
    told: Any = client.json(f"/why?source=0&tick=13&node={node}")
    assert (told["status"], told["reason"], told["chain"][-1]["path"]) == ("FAILURE", "slipped", node)
    before: Any = client.json(f"/why?source=0&tick=5&node={node}")
    assert before["status"] == "RUNNING"
    other: Any = client.json(f"/why?source=1&tick=13&node={node}")
    assert other["status"] == "SUCCESS"
    missing: Any = client.json("/why?source=0&tick=5&node=nothing")
    assert "nothing" in missing["error"]


def test_a_moment_ends_before_the_resets_of_what_ended_in_it() -> None:
    def change(node: int, status: str) -> dict[str, object]:
        return {"node": node, "status": status, "reason": ""}

    first = Message("/status", 0.0, {"tick": 1, "changes": [change(1, "SUCCESS"), change(0, "RUNNING")]})
    failed = [change(2, "FAILURE"), change(0, "FAILURE"), change(2, "INVALID"), change(1, "INVALID")]
    second = Message("/status", 0.1, {"tick": 2, "changes": failed})
    found = up_to([first, second], 2).statuses()
    assert [found[node][0] for node in (0, 1, 2)] == ["FAILURE", "INVALID", "FAILURE"]
    assert up_to([first, second], 1).statuses() == Recording((first,), False).statuses()


def test_the_last_moment_of_a_run_that_broke_off_says_that_it_did(tmp_path: Path) -> None:
    source = RecordedSource(crashed_run(tmp_path / "t.mcap"))
    for root in ("", "t/sequence"):
        told = explained(source.at(5), root)
        assert told["text"] == str(explain(read_trace(tmp_path / "t.mcap")))
        assert (
            told["headline"]
            == "FAULT  t broke off in tick 5 (0.20 s): t/sequence/sequence/set: OSError: the gripper is gone"
        )
        assert explained(source.at(4), root)["status"] == "RUNNING"
    node = explained(source.at(5), "t/sequence/sequence/set")
    assert (node["status"], node["reason"]) == ("RUNNING", "fault: the gripper is gone")


def test_a_moment_after_the_last_change_is_not_the_end_of_the_run(tmp_path: Path) -> None:
    silent = {"t/say": lambda wiring: Script("R", wiring.name, wiring.context)}
    tree = build(load_text("knothole: 1\ntree: t\nroot:\n  say: hi\n"), Context(), overrides=silent)
    Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"), max_time=0.5).run()
    source = RecordedSource(tmp_path / "t.mcap")
    assert explained(source.at(9), "")["outcome"] == "UNFINISHED"
    assert explained(source.at(11), "")["outcome"] == "TIME_LIMIT"


def test_a_moment_has_the_tree_that_was_ticked_then(tmp_path: Path) -> None:
    trace = tmp_path / "t.mcap"
    with Loop(build(load_text(COUNT), Context()), trace=TraceWriter(trace)) as loop:
        for _ in range(3):
            loop.tick()
        branch = load_text("knothole: 1\ntree: b\nroot:\n  say: grafted\n")
        loop.graft("t/repeat/sequence", branch, 0)
        loop.tick()
    found = read_trace(trace).messages
    paths = [[node["path"] for node in up_to(found, tick).tree_at()["nodes"]] for tick in (3, 4)]
    assert "t/repeat/sequence/say" not in paths[0]
    assert "t/repeat/sequence/say" in paths[1]


def test_the_robot_has_its_own_meshes() -> None:
    found = figure("panda")
    corners = len(mesh_bytes("panda")) // 36
    assert [part["frame"] for part in found["parts"]] == list(range(11))
    assert found["parts"][-1]["begin"] + found["parts"][-1]["count"] == corners
    assert len(found["origins"]) == 7
    assert (figure("atlas"), mesh_bytes("atlas")) == ({}, b"")


def test_pictures_are_held_up_to_a_limit() -> None:
    import base64

    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(92)).decode()
    held = Pictures(most=250)
    assert [held.put(name, png) for name in "abc"] == [True] * 3
    assert [held.get(name) is not None for name in "abc"] == [False, True, True]
    assert not held.put("svg", base64.b64encode(b"<svg/>").decode())
    assert not held.put("none", "not base64")


def test_a_live_run_is_told_as_it_goes(steered: tuple[Client, Loop]) -> None:
    client, loop = steered
    thread = threading.Thread(target=loop.run)
    connection = socket.create_connection(("127.0.0.1", client.server.port), timeout=60)
    with connection, connection.makefile("rb") as stream:
        connection.sendall(
            f"GET /{client.server.token}/events?source=0&from=0 HTTP/1.1\r\nHost: {client.host}\r\n\r\n".encode()
        )
        thread.start()
        assert client.command({"do": "resume"})[0] == 200
        heard: list[str] = []
        rows: list[Any] = []
        while "event: end" not in heard:
            line = stream.readline().decode().strip()
            heard.append(line)
            if line.startswith("data: ["):
                rows += json.loads(line[6:])
        thread.join()
        assert [row[0] for row in rows] == list(range(len(rows)))
        assert "event: state" in heard
    recorded = [m.topic for m in read_trace(loop.trace.path).messages if is_shown(m.topic)] if loop.trace else []
    assert [row[1] for row in rows] == recorded


def test_a_long_trace_is_shown_to_its_end(traces: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knothole.viewer.source.MOST_MESSAGES", 10)
    source = RecordedSource(traces[0])
    assert len(source) == len([m for m in read_trace(traces[0]).messages if is_shown(m.topic)])
    assert (source.messages(len(source) - 1, 1)[0].data["event"], source.full) == ("end", False)


def test_of_a_long_live_run_how_it_went_is_kept_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knothole.viewer.source.MOST_MESSAGES", 8)
    source = LiveSource("long")
    kept: list[list[str]] = []
    for tick in range(4):
        kept.append([])
        for topic in ("/joints", "/simulated", "/blackboard", "/status", "/run"):
            before = len(source)
            source.take(topic, tick, b'{"tick": %d}' % tick)
            if len(source) > before:
                kept[-1].append(topic)
    assert kept[0] == ["/joints", "/simulated", "/blackboard", "/status", "/run"]
    assert kept[1:] == [["/joints", "/blackboard", "/status", "/run"], ["/status", "/run"], ["/status", "/run"]]
    assert source.full


def heard_until(client: Client, what: str, act: Callable[[], None]) -> list[dict[str, Any]]:
    """Follow a run, do something, and return what is said of its standing until one is true that was not."""
    standing: list[dict[str, Any]] = []
    address = ("127.0.0.1", client.server.port)
    with socket.create_connection(address, timeout=60) as raw, raw.makefile("rb") as stream:
        raw.sendall(
            f"GET /{client.server.token}/events?source=0&from=0 HTTP/1.1\r\nHost: {client.host}\r\n\r\n".encode()
        )
        event = ""
        while not standing or not standing[-1][what]:
            line = stream.readline().decode().strip()
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: ") and event == "standing":
                standing.append(json.loads(line[6:]))
                event = ""
                if len(standing) == 1:
                    act()
    return standing


def test_who_follows_is_told_that_a_run_is_too_long_and_that_its_trace_broke_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("knothole.viewer.source.MOST_MESSAGES", 0)
    source = LiveSource("long")
    with ViewerServer([source]) as server:
        client = Client(server)
        begin = {"ended": False, "complete": True, "full": False, "problem": ""}
        full = {**begin, "full": True}
        assert heard_until(client, "full", lambda: source.take("/joints", 0, b"{}")) == [begin, full]
        broke = {**full, "complete": False, "problem": "the disk is full"}
        assert heard_until(client, "problem", lambda: source.broke("the disk is full")) == [full, broke]
        source.end()
        told: Any = client.json("/messages?source=0&from=0")
        assert {key: told[key] for key in broke} == {**broke, "ended": True}


def test_a_live_run_that_says_no_end_is_not_complete() -> None:
    silent, ended = LiveSource("silent"), LiveSource("ended")
    ended.take("/run", 0, b'{"event": "end"}')
    for source in (silent, ended):
        source.end()
    assert [(source.ended, source.complete) for source in (silent, ended)] == [(True, False), (True, True)]


def test_a_command_reaches_the_run(steered: tuple[Client, Loop]) -> None:
    client, loop = steered
    for _ in range(2):
        assert json.loads(client.command({"do": "step", "ticks": 1})[1])["ok"] is True
    refused = json.loads(client.command({"do": "dance"})[1])
    assert refused["ok"] is False
    assert "dance" in refused["error"]
    state = json.loads(client.command({"do": "state"})[1])["state"]
    assert (state["tick"], state["ended"]) == (loop.context.tick, False)


class Held:
    """A control whose ``set``, and a run whose explanation, wait until they may go on."""

    def __init__(self) -> None:
        self.gate, self.reached = threading.Event(), threading.Semaphore(0)
        self.asked: list[str] = []
        self.source = LiveSource("held")
        self.source.at = self.at  # type: ignore[method-assign]

    def command(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        if data["do"] == "set":
            self.gate.wait()
        return {"ok": True, "state": {}}

    def subscribe(self, heard: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        return lambda: None

    def at(self, tick: int) -> Recording:
        self.asked.append(f"tick {tick}")
        self.reached.release()
        self.gate.wait()
        raise TraceError(f"nothing is known of tick {tick}")


@pytest.fixture
def held() -> Iterator[tuple[Client, Held]]:
    found = Held()
    with ViewerServer([found.source], control=found) as server:
        yield Client(server), found
        found.gate.set()


@pytest.mark.parametrize("do", ["stop", "pause"])
@pytest.mark.parametrize("busy", ["set", "why"])
def test_a_stop_waits_for_nothing_else_that_was_asked(held: tuple[Client, Held], busy: str, do: str) -> None:
    client, _ = held
    body = b'{"do":"set"}'
    head = f"Host: {client.host}\r\nOrigin: {client.origin}\r\nContent-Type: application/json\r\n"
    asks = {
        "set": f"POST /{client.server.token}/command HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
        + body,
        "why": f"GET /{client.server.token}/why?source=0&tick=1&node= HTTP/1.1\r\n{head}\r\n".encode(),
    }
    with ExitStack() as stack:
        for _ in range(40):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", client.server.port), timeout=60))
            raw.sendall(asks[busy])
        assert json.loads(client.command({"do": do})[1])["ok"]


def test_only_the_newest_question_of_a_page_is_explained(held: tuple[Client, Held]) -> None:
    client, control = held
    with ThreadPoolExecutor(4) as threads:

        def ask(tick: int, page: str) -> Future[Any]:
            return threads.submit(client.json, f"/why?source=0&tick={tick}&node=&page={page}")

        first = ask(1, "a")
        assert control.reached.acquire(timeout=60)
        waiting = [ask(2, "a"), ask(2, "a")]  # whichever of the two comes later replaces the other
        replaced = next(as_completed(waiting, timeout=60))
        assert replaced.result() == {"error": "something newer was asked meanwhile"}
        other = ask(3, "b")
        assert not first.done()
        control.gate.set()
        assert first.result() == {"error": "nothing is known of tick 1"}
        waiting.remove(replaced)
        assert waiting[0].result() == {"error": "nothing is known of tick 2"}
        assert other.result() == {"error": "nothing is known of tick 3"}
    assert control.asked == ["tick 1", "tick 2", "tick 3"]


def test_the_document_names_every_key() -> None:
    page = page_files()["main.js"][1].decode()
    keys = {key for listed in re.findall(r"keys\.add\(\[([^\]]*)\]", page) for key in re.findall(r'"(.+?)"', listed)}
    keys |= set(re.findall(r"(\w): \"\w+\"", page.partition("const tabs = {")[2].partition("}")[0]))
    text = (Path(__file__).parents[1] / "docs" / "viewer.md").read_text(encoding="utf-8")
    shown = {key for run in re.findall(r"`([^`\n]+)`", text) for key in run.split()} | {"space"}
    named = {key: {" ": "space", "ArrowUp": "↑"}.get(key, key) for key in keys if key not in "3456789"}
    arrows = {"ArrowDown": "↓", "ArrowLeft": "←", "ArrowRight": "→"}
    assert len(keys) > 30
    assert {key for key, name in named.items() if arrows.get(key, name) not in shown} == set()


# Whom it refuses.


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"token": ""}, b"token"),
        ({"token": "x" * 22}, b"token"),
        ({"host": "evil.example"}, b"Host"),
        ({"host": "127.0.0.1:1"}, b"Host"),
        ({"Origin": "http://evil.example"}, b"Origin"),
        ({"Origin": "null"}, b"Origin"),
        ({"Origin": "https://127.0.0.1"}, b"Origin"),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, b"another site"),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"}, b"another site"),
    ],
    ids=lambda value: str(value)[:50],
)
@pytest.mark.parametrize("path", ["/", "/info", "/messages?source=0&from=0", "/picture?source=0&name=table%231"])
def test_strangers_are_refused(client: Client, path: str, changed: dict[str, str], says: bytes) -> None:
    status, text = client.ask(path, **changed)  # type: ignore[arg-type]
    assert status == 403
    assert says in text
    assert client.ask(path)[0] == 200


def test_two_values_of_host_are_refused(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=60) as raw:
        raw.sendall(
            f"GET /{client.server.token}/info HTTP/1.1\r\nHost: {client.host}\r\nHost: evil.example\r\n"
            f"Connection: close\r\n\r\n".encode()
        )
        assert b" 40" in raw.recv(65536).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/page/../serving.py",
        "/serving.py",
        "/__init__.py",
        "/index.html/",
        "/index.html%00.js",
        "/picture?source=0&name=../../../etc/passwd",
        "/picture?source=9&name=table%231",
        "/messages?source=-1&from=0",
        "/messages?source=0&from=1e9",
        "/messages?source=%C2%B2&from=0",
        "/why?source=0&tick=99999999999999999999&node=",
    ],
)
def test_nothing_but_the_given_traces_is_served(client: Client, path: str) -> None:
    status, text = client.ask(path)
    assert status in (400, 404)
    assert b"root:" not in text
    assert b"import" not in text


def test_every_answer_says_what_the_page_may_do(client: Client) -> None:
    for path, token in (("/", None), ("/main.js", None), ("/info", None), ("/nothing", None), ("/", "x" * 22)):
        headers = client.whole(path, token=token)[2]
        assert {name: headers.get(name) for name in HEADERS} == HEADERS
        assert "server" not in headers
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_page_of_a_recorded_run_steers_nothing(client: Client) -> None:
    assert client.command({"do": "stop"}) == (403, b"this view is read-only; start the run with --control\n")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"do":"stop"}', {"Origin": "http://evil.example"}, 403),
        (b'{"do":"stop"}', {"Origin": ""}, 403),
        (b'{"do":"stop"}', {"Content_Type": "text/plain"}, 415),
        (b'{"do":"stop"}', {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (b"{" + b" " * MOST_COMMAND + b"}", {}, 413),
        (b"", {"Content_Length": str(10**12)}, 413),
        (b'{"do":', {}, 400),
        (b"[" * 60000, {}, 400),
        (b"[1]", {}, 400),
        (b"\xff\xfe", {}, 400),
    ],
    ids=["foreign", "no origin", "text", "form", "large", "says it is large", "cut", "deep", "list", "no UTF-8"],
)
def test_a_wrong_command_changes_nothing(
    steered: tuple[Client, Loop], body: bytes, headers: dict[str, str], status: int
) -> None:
    client, loop = steered
    given = {"Origin": client.origin, "Content_Type": "application/json", **headers}
    found, _ = client.ask("/command", "POST", body, **{name: value for name, value in given.items() if value})
    assert found == status
    state = json.loads(client.command({"do": "state"})[1])["state"]
    assert (state["tick"], state["paused"], state["ended"]) == (0, True, False)
    assert loop.result is None


def test_headers_without_end_are_refused(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=60) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 80_000)
        assert b" 400 " in raw.recv(65536)
    assert client.ask("/info")[0] == 200


def test_who_asks_nothing_shuts_nobody_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knothole.viewer.connection.SILENCE", 1000.0)
    with ExitStack() as stack:
        address = ("127.0.0.1", client.server.port)
        opened = [stack.enter_context(socket.create_connection(address, timeout=60)) for _ in range(140)]
        assert client.ask("/info")[0] == 200
        assert [raw.recv(1) for raw in opened[: 140 - MOST_SILENT]] == [b""] * (140 - MOST_SILENT)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX: a"], ids=["nothing", "half a header"])
def test_who_asks_nothing_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("knothole.viewer.connection.SILENCE", 0.05)
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=60) as raw:
        raw.sendall(said)
        assert raw.recv(1) == b""


def test_too_many_requests_are_refused_but_a_command_is_not(
    held: tuple[Client, Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knothole.viewer.gate.MOST_INSIDE", 1)
    client, control = held
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.json, "/why?source=0&tick=1&node=")
        assert control.reached.acquire(timeout=60)
        assert client.ask("/info") == (503, b"too many requests at once\n")
        assert client.command({"do": "stop"})[0] == 200
        control.gate.set()
        assert first.result() == {"error": "nothing is known of tick 1"}
    assert client.ask("/info")[0] == 200


def test_a_web_socket_is_refused(client: Client) -> None:
    status, _ = client.ask("/events?source=0&from=0", token="x" * 22, Connection="Upgrade", Upgrade="websocket")
    assert status == 403


def test_it_listens_on_this_machine_alone(client: Client) -> None:
    assert client.server._socket.getsockname()[0] == "127.0.0.1"
    assert client.server.url.startswith("http://127.0.0.1:")


def test_tokens_have_128_bits_and_are_never_the_same(traces: tuple[Path, Path]) -> None:
    servers = [ViewerServer([traces[0]]) for _ in range(8)]
    tokens = {server.token for server in servers}
    for server in servers:
        server.close()
    assert len(tokens) == 8
    assert all(len(token) >= 22 for token in tokens)


def test_a_weak_token_is_refused(traces: tuple[Path, Path]) -> None:
    with pytest.raises(ViewerError, match="too short"):
        ViewerServer([traces[0]], token="1234")


def test_a_hostile_trace_is_only_data(tmp_path: Path) -> None:
    with ViewerServer([hostile_trace(tmp_path / "hostile.mcap")]) as server:
        client = Client(server)
        rows = messages(client)
        assert [row[3]["kept"] for row in rows if row[1] == "/frames"] == [False, False, False]
        answer = next(row[3] for row in rows if row[1] == "/answers")
        assert (answer["image"], answer["regions"][0]["mask"], answer["probabilities"]["yes"]) == ("", "", "inf")
        for name in ("../../info", "https://example.com/x.png", "answer%207/0"):
            assert client.ask(f"/picture?source=0&name={name}")[0] == 404
        for tick in (0, 1, 2, 3):
            told: Any = client.json(f"/why?source=0&tick={tick}&node=t")
            assert "error" in told or "headline" in told
        assert client.json("/robot?source=0") == {}


# The run notices nothing.


def test_a_run_is_the_same_whoever_looks(tmp_path: Path) -> None:
    def run(name: str) -> tuple[Loop, TraceWriter]:
        trace = TraceWriter(tmp_path / f"{name}.mcap")
        return Loop(build(load_text(COUNT), Context()), trace=trace), trace

    alone, _ = run("alone")
    expected = alone.run()
    watched, trace = run("watched")
    source = LiveSource("watched")
    trace.listen(source.take)
    with ViewerServer([source]) as server:
        client = Client(server)
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        raw.sendall(f"GET /{server.token}/events?source=0&from=0 HTTP/1.1\r\nHost: {client.host}\r\n\r\n".encode())
        worker = threading.Thread(target=watched.run)
        worker.start()
        for _ in range(20):
            client.ask("/info", host="evil.example")
            client.ask("/command", "POST", b"x" * (MOST_COMMAND + 1), Origin=client.origin)
            client.ask("/../../etc/passwd")
        worker.join()
        raw.close()  # it never read a word
    assert watched.result is not None
    assert (watched.result.digest, watched.result.ticks) == (expected.digest, expected.ticks)
    assert source.ended
    assert len(source) == len([m for m in read_trace(trace.path).messages if is_shown(m.topic)])


def test_a_run_waits_for_a_human_only_while_a_page_is_open(tmp_path: Path) -> None:
    text = "knothole: 1\ntree: t\nroot:\n  ask_human: {question: Which?, answer: $a, default: blue, deadline: 30s}\n"
    trace = TraceWriter(tmp_path / "t.mcap")
    source, control = LiveSource("t"), Control()
    trace.listen(source.take)
    loop = Loop(build(load_text(text), Context()), trace=trace, control=control, max_time=60.0)
    with ViewerServer([source], control=control):
        assert loop.run().outcome.name == "SUCCESS"
    assert read_trace(trace.path).blackboard()["a"] == "blue"


# How it begins and ends.


def test_it_ends_while_somebody_listens(traces: tuple[Path, Path]) -> None:
    server = ViewerServer([traces[0]]).start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as raw:
        host = f"127.0.0.1:{server.port}"
        raw.sendall(f"GET /{server.token}/events?source=0&from=0 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert b"200 OK" in raw.recv(4096)
        server.close()
        server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=60)


def test_a_taken_port_is_told(traces: tuple[Path, Path]) -> None:
    with ViewerServer([traces[0]]) as server, pytest.raises(ViewerError, match=r"cannot listen at 127\.0\.0\.1"):
        ViewerServer([traces[0]], port=server.port)


def test_without_the_extra_it_says_how_to_get_it(traces: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name == "uvicorn":
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *args, **more)

    monkeypatch.delitem(sys.modules, "uvicorn", raising=False)
    monkeypatch.setattr("importlib.import_module", lambda name: missing(name))
    with pytest.raises(MissingExtraError, match=r"knothole\[view\]"):
        ViewerServer([traces[0]])


def test_a_file_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.mcap").write_text("hello", encoding="utf-8")
    with pytest.raises(TraceError, match="no trace"):
        ViewerServer([tmp_path / "t.mcap"])


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("view")[0] == 2
    assert "knothole view TRACE" in call("view")[2]
    assert call("view nothing.mcap")[0] == 2
    TraceWriter(tmp_path / "empty.mcap").close()
    code, _, said = call("view empty.mcap --no-browser")
    assert (code, "holds no tree" in said) == (2, True)


def test_ctrl_c_ends_the_command(traces: tuple[Path, Path]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "knothole.cli", "view", *map(str, traces), "--no-browser", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert told["traces"] == ["slips.mcap", "holds.mcap"]
    with socket.create_connection(("127.0.0.1", int(told["url"].split(":")[2].split("/")[0])), timeout=60):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (130, "interrupted\n")
