"""What monitors of BehaviorTree.CPP see of our own trees, and that nothing they do disturbs a run."""

from __future__ import annotations

import random
import re
import socket
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole._base import MissingExtraError
from knothole.behaviors.context import Context
from knothole.tests.groot import HEADER, LONG, Client, bound
from knothole.tests.script_nodes import Script
from knothole.trees.builder import build
from knothole.trees.loader import load, load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.changes import Change, Changes
from knothole.viewer.groot import shown as shown_module
from knothole.viewer.groot.answering import Answerer, News
from knothole.viewer.groot.blackboards import Blackboards
from knothole.viewer.groot.hooking import Hooking
from knothole.viewer.groot.ports import Ports
from knothole.viewer.groot.recorder import MOST, Recorder
from knothole.viewer.groot.recorder import unpack as unpack_transitions
from knothole.viewer.groot.server import GrootServer
from knothole.viewer.groot.shown import GrootError, show
from knothole.viewer.groot.statuses import Transition, unpack
from knothole.viewer.groot.tree_xml import write_tree

LIBRARY = sorted((Path(__file__).resolve().parents[1] / "trees" / "library").glob("*.yaml"))
TEXT = """knothole: 1
tree: t
inputs: {who: {type: text, default: cup}}
root:
  sequence:
    - set: {name: $n, to: "1 + 1"}
    - say: "${who} & <${n}>"
      name: greet
      when: $n > 1
      skip_if: $n > 5
    - guard:
        check: home
        child: {repeat: {times: 3, child: home}}
      retry: 2
      timeout: 20s
      on_failure: {say: oh}
    - wait: 60s
"""


@contextmanager
def served(loop: Loop) -> Iterator[Client]:
    make: Callable[[int], GrootServer] = lambda port: GrootServer(loop, Ports(port))  # noqa: E731
    with loop, bound(make, GrootError) as server, Client(server.port) as client:
        yield client


def looped(text: str = TEXT, letters: str = "R" * 1000) -> Loop:
    def scripted(wiring: Any) -> Script:
        return Script(letters, wiring.name, wiring.context)

    tree = load_text(text)
    paths = [node.path for node in build(tree, Context()).nodes if node.type == "home"]
    return Loop(build(tree, Context(), overrides=dict.fromkeys(paths, scripted)), watchdog=0)


def asked(answerer: Answerer, kind: str, *frames: bytes) -> list[bytes]:
    return answerer.answer([HEADER.pack(2, ord(kind), 1), *frames])[1:]


def elements(xml: str) -> list[ET.Element]:
    """Return the elements of the nodes of a tree."""
    root = ET.fromstring(xml)
    return [each for tree in root.findall("BehaviorTree") for each in tree.iter() if each.tag != "BehaviorTree"]


@pytest.mark.parametrize("file", [file for file in LIBRARY if file.stem != "put_away"], ids=lambda file: file.stem)
def test_each_tree_of_the_library_is_such_that_groot2_takes_it(file: Path) -> None:
    tree = build(load(file), Context(), inputs=_given(file))
    shown = show(tree)
    root = ET.fromstring(write_tree(shown))
    models = {each.attrib["ID"]: each for each in root.find("TreeNodesModel") or []}
    uids = [int(each.attrib["_uid"]) for each in elements(ET.tostring(root, "unicode"))]
    assert sorted(uids) == list(range(1, len(tree.nodes) + 1))
    assert sorted(shown.order) == sorted(uids)
    for each in elements(ET.tostring(root, "unicode")):
        ports = {port.attrib["name"] for port in models[each.tag if each.tag != "SubTree" else each.attrib["ID"]]}
        assert {name for name in each.attrib if name not in ("name", "ID") and name[0] != "_"} <= ports
        category = models[each.tag].tag
        allowed = {"Action": {0}, "Condition": {0}, "SubTree": {0}, "Decorator": {1}}.get(category)
        assert (len(each) in allowed) if allowed is not None else len(each) > 0
    for model in models.values():
        for port in model:
            assert re.fullmatch(r"[A-Za-z_]\w*", port.attrib["name"])
    paths = [tree.attrib["_fullpath"] for tree in root.findall("BehaviorTree")]
    used = [each.attrib["_fullpath"] for each in root.iter("SubTree") if "_fullpath" in each.attrib]
    assert paths[0] == ""
    assert sorted(paths[1:]) == sorted(used)
    assert len(set(paths)) == len(paths)


def _given(file: Path) -> dict[str, object]:
    return {entry.name: "something" for entry in load(file).inputs if entry.default is None and entry.type == "text"}


def test_common_keys_are_decorators_around_their_node() -> None:
    with served(looped()) as client:
        root = ET.fromstring(client.xml())
        tree = root.find("BehaviorTree")
        assert tree is not None
        assert _outline(tree[0]) == {
            "sequence": [
                {"set": []},
                {"skip_if": [{"say": []}]},
                {
                    "hooks": [
                        {"timeout": [{"retry": [{"guard": [{"home": []}, {"repeat": [{"home": []}]}]}]}]},
                        {"say": []},
                    ]
                },
                {"wait": []},
            ]
        }
        conditions = tree[0][1].attrib
        assert (conditions["when"], conditions["skip_if"]) == ("$n > 1", "$n > 5")
        assert tree[0][1][0].attrib == {"name": "greet", "_uid": "4", "text": "${who} & <${n}>"}
        assert tree[0][2][0].attrib["duration"] == "20"
        models = {each.attrib["ID"]: each.tag for each in root.find("TreeNodesModel") or []}
        named = ("skip_if", "hooks", "timeout", "retry", "guard", "repeat", "home", "Sequence")
        assert [models[name] for name in named] == [
            "Decorator", "Control", "Decorator", "Decorator", "Control", "Decorator", "Action", "Control",
        ]  # fmt: skip


def _outline(element: ET.Element) -> dict[str, Any]:
    return {element.tag: [_outline(each) for each in element]}


def test_a_halted_leaf_is_idle_from_running() -> None:
    text = "knothole: 1\ntree: t\nroot: {sequence: [{timeout: {duration: 1ms, child: {wait: 9s}}}, home]}\n"
    loop = Loop(build(load_text(text), Context()), watchdog=0)
    with served(loop) as client:
        loop.tick()
        assert client.statuses() == [(1, 1), (2, 1), (3, 1), (4, 0)]
        loop.tick()
        assert client.statuses() == [(1, 13), (2, 3), (3, 11), (4, 0)]


def test_entries_of_any_kind_reach_the_monitor() -> None:
    loop = looped()
    board = loop.tree.blackboard
    values: dict[str, Any] = {
        "picture": np.zeros((100, 100, 3), np.uint8),
        "point": np.array([1.0, 2.0, 0.5]),
        "huge": 10**40,
        "deep": [[{"a": (1, 2)}]],
        "thing": object(),
        "text": "grün \ud800",
        "nan": float("nan"),
        "third": 1 / 3,
        "big": 2**64 - 1,
    }
    with served(loop) as client:
        for name, value in values.items():
            board[name] = value
        loop.tick()
        entries = client.entries("t")["t"]
    assert entries["picture"] == {"array": [100, 100, 3], "dtype": "uint8"}
    assert entries["point"] == [1.0, 2.0, 0.5]
    assert entries["huge"] == "<a number beyond 64 bits>"
    assert entries["deep"] == [[{"a": [1, 2]}]]
    assert entries["thing"] == "<object>"
    assert entries["text"] == "grün ?"
    assert entries["third"] == 1 / 3
    assert entries["big"] == 2**64 - 1
    assert (entries["n"], entries["who"]) == (2, "cup")


def test_an_entry_that_is_forgotten_is_gone() -> None:
    board = Blackboards({"t": ""})
    board.take({"a": 1, "b": 2})
    cell = build(load_text("knothole: 1\ntree: t\nroot: home\n"), Context()).blackboard.cell("a")
    board.take({"a": cell.value})
    assert board.asked("t") == {"t": {"b": 2}}


NATIVE = """knothole: 1
tree: t
root:
  repeat:
    times: -1
    child:
      selector:
        - sequence: [{say: x, when: "false"}, home, {home: {}, retry: 2}, {home: {}, success_if: "false"}]
        - reactive_sequence: [home, {inverter: {child: home}}, home]
        - parallel: {children: [{wait: 1s}, {wait: 1s, on_failure: {say: oh}}]}
"""


@pytest.mark.parametrize("seed", range(20))
def test_the_recorded_transitions_lead_to_the_statuses(seed: int) -> None:
    rng = random.Random(seed)

    def scripted(wiring: Any) -> Script:
        return Script("".join(rng.choices("SFR", k=40)), wiring.name, wiring.context)

    tree = load_text(NATIVE)
    paths = [node.path for node in build(tree, Context()).nodes if node.type in ("home", "wait")]
    built = build(tree, Context(), overrides=dict.fromkeys(paths, scripted))
    changes, answerer = Changes(built), Answerer(built, Hooking(), lambda: 0)
    asked(answerer, "r", b"start")
    followed = dict.fromkeys(range(1, len(built.nodes) + 1), 0)
    for _ in range(15):
        built.tick()
        answerer.take(News(tuple(changes.fetch())))
        for _, uid, status in unpack_transitions(asked(answerer, "t")[0]):
            before = followed[uid]
            assert status != before, "a transition that is none"
            followed[uid] = status if status else before + 10
        assert followed == dict(unpack(asked(answerer, "S")[0]))


def test_more_nodes_than_numbers_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_module, "MOST_NODES", 3)
    with pytest.raises(GrootError, match="the Groot2 protocol has numbers for 3"):
        show(build(load_text(TEXT), Context()))


def test_the_recording_keeps_the_last_thousand() -> None:
    recorder = Recorder()
    recorder.note([Transition(1, 1)], 5)
    assert recorder.fetch() == b""
    recorder.start(1_000)
    for n in range(MOST + 10):
        recorder.note([Transition(n, 2)], 1_000 + n)
    kept = unpack_transitions(recorder.fetch())
    assert len(kept) == MOST
    assert (kept[0], kept[-1]) == ((10, 10, 2), (1009, 1009, 2))
    recorder.note([Transition(1, 1)], 0)  # the clock was set back
    assert unpack_transitions(recorder.fetch()) == [(0, 1, 1)]


def test_a_reload_gives_the_tree_another_id_and_the_monitor_the_new_one() -> None:
    loop = looped("knothole: 1\ntree: t\nroot:\n  sequence: [{say: one}, {wait: 60s}]\n")
    with served(loop) as client:
        loop.tick()
        first = client.raw(HEADER.pack(2, ord("S"), 1))[0][6:]
        loop.reload(load_text("knothole: 1\ntree: t\nroot:\n  sequence: [{say: one}, {say: two}, {wait: 60s}]\n"))
        loop.tick()
        assert client.raw(HEADER.pack(2, ord("S"), 1))[0][6:] != first
        assert [each.tag for each in elements(client.xml())] == ["sequence", "say", "say", "wait"]
        assert len(client.statuses()) == 4
        assert client.statuses()[0] == (1, 1)


def test_a_tree_that_became_too_large_is_told_to_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = build(load_text(TEXT), Context())
    answerer = Answerer(tree, Hooking(), lambda: 0)
    monkeypatch.setattr(shown_module, "MOST_NODES", 3)
    answerer.take(News(tree=tree))
    assert answerer.answer([HEADER.pack(2, ord("S"), 1)])[0] == b"error"
    monkeypatch.undo()
    answerer.take(News((Change(0, 1, "RUNNING", ""),), tree=tree))
    assert unpack(asked(answerer, "S")[0])[0] == (1, 1)


FRAME = st.one_of(
    st.binary(max_size=40),
    st.builds(HEADER.pack, st.integers(0, 255), st.sampled_from(list(b"TSBIRUDAXrtN\x00Z")), st.integers(0, 2**32 - 1)),
    st.sampled_from([b"start", b"stop", b"t", b"t;t;", b'{"uid": 1, "position": 0}', b"[[[[", b"\xff" * 9]),
)


_ANSWERER = Answerer(build(load_text(TEXT), Context()), Hooking(), lambda: 7)


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.lists(FRAME, max_size=4), max_size=6))
def test_whatever_is_asked_the_next_one_is_answered(requests: list[list[bytes]]) -> None:
    answerer = _ANSWERER
    for frames in requests:
        reply = answerer.answer(frames)
        assert reply[0] == b"error" or (frames and reply[0][:6] == b"\x02" + frames[0][1:6])
        assert all(isinstance(frame, bytes) for frame in reply)
    assert len(unpack(asked(answerer, "S")[0])) == len(answerer.shown.nodes)


def test_noise_on_the_sockets_leaves_the_server_alive() -> None:
    loop, rng = looped(), random.Random(7)
    with served(loop) as client:
        port = client.port
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as plain:  # no ZeroMQ at all
                plain.sendall(rng.randbytes(rng.randint(0, 200)))
        context = zmq.Context()
        try:
            dealer = context.socket(zmq.DEALER)
            dealer.linger = 0
            dealer.connect(f"tcp://127.0.0.1:{port}")
            for _ in range(200):  # requests without the frame that ZeroMQ puts before them, and replies nobody reads
                dealer.send_multipart([rng.randbytes(rng.randint(0, 9)) for _ in range(rng.randint(1, 4))])
            for _ in range(100):
                dealer.send_multipart([b"", HEADER.pack(2, ord("T"), 1)])
            assert len(client.ask("S")[0]) == 3 * len(elements(client.xml()))
        finally:
            context.destroy(linger=0)


def test_two_clients_at_once_both_get_their_own_replies() -> None:
    loop = looped()
    with served(loop) as first:
        port = first.port
        wrong: list[str] = []

        def ask(kind: str) -> None:
            with Client(port) as client:
                for _ in range(100):
                    reply = client.ask(kind)
                    if (kind == "T") != reply[0].startswith(b"<root"):
                        wrong.append(kind)

        threads = [threading.Thread(target=ask, args=(kind,)) for kind in "TS"]
        for thread in threads:
            thread.start()
        for _ in range(200):
            loop.tick()
        for thread in threads:
            thread.join(LONG / 1000)
            assert not thread.is_alive()
        assert wrong == []


def test_a_client_that_hammers_changes_neither_the_ticks_nor_the_digest() -> None:
    text = "knothole: 1\ntree: t\nroot: {sequence: [{set: {name: $n, to: '1'}}, {wait: 100s}, home]}\n"
    alone = looped(text, "RRF").run()
    loop = looped(text, "RRF")
    stop = threading.Event()
    replies: list[int] = []
    with served(loop) as client:

        def hammer() -> None:
            while not stop.is_set():
                replies.append(len(client.ask("T")[0]) + len(client.ask("S")[0]) + len(client.ask("B", b"t")[0]))

        thread = threading.Thread(target=hammer)
        thread.start()
        try:
            result = loop.run()
        finally:
            stop.set()
            thread.join(LONG / 1000)
    assert (result.ticks, result.digest) == (alone.ticks, alone.digest)
    assert replies


def refused(port: int) -> str:
    with pytest.raises(GrootError) as caught:
        Ports(port)
    return str(caught.value)


def test_a_port_that_is_taken_says_so_and_leaves_the_other_free() -> None:
    with bound(Ports, GrootError) as ports:
        while f"port {ports.port - 1} cannot" in refused(ports.port - 1):  # somebody else has just taken that one
            ports.close()
            ports = Ports(ports.port + 2)
        for port in (ports.port, ports.port - 1):
            assert refused(port) == (
                f"port {ports.port} cannot be listened at: Address already in use\n"
                f"  why:  the Groot2 protocol needs two ports in a row, here {port} and {port + 1}\n"
                "  fix:  end what listens there, or give another one: --groot2 PORT"
            )
        ports.close()
        Ports(ports.port).close()


@pytest.mark.parametrize("port", [0, -1, 65_535, 70_000])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(GrootError, match=f"{port} is no port for the Groot2 protocol"):
        Ports(port)


@pytest.mark.parametrize("module", ["zmq", "msgpack"])
def test_a_missing_package_says_which_extra_brings_it(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'knothole[groot]'")):
        Ports() if module == "zmq" else Answerer(build(load_text(TEXT), Context()), Hooking(), lambda: 0)


def test_btview_follows_a_run_in_its_own_session() -> None:
    from btview.client import Groot2Client
    from btview.model import NodeStatus
    from btview.session import MonitorSession

    loop = looped("knothole: 1\ntree: t\nroot: {sequence: [home, home]}\n", "RS")
    with served(loop) as client:
        port = client.port
        session = MonitorSession(Groot2Client(port=port, timeout_ms=LONG))
        try:
            assert session.refresh_tree()
            assert session.tree is not None
            assert [node.registration for node in session.tree.walk()] == ["sequence", "home", "home"]
            seen = []
            for _ in range(3):
                loop.tick()
                session.poll()
                seen.append([session.statuses[uid].status for uid in (1, 2, 3)])
            assert seen[0][:2] == [NodeStatus.RUNNING, NodeStatus.RUNNING]
            assert seen[1] == [NodeStatus.RUNNING, NodeStatus.SUCCESS, NodeStatus.RUNNING]
        finally:
            session.close()


def test_message_pack_of_nothing_is_null() -> None:
    answerer = Answerer(build(load_text(TEXT), Context()), Hooking(), lambda: 0)
    assert msgpack.unpackb(asked(answerer, "B", b"nobody")[0]) is None
