"""The log of BehaviorTree.CPP: what its own library writes is read, and what is written here its tools read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from knothole.app.recorded.traces import export
from knothole.behaviors.context import Context
from knothole.tests.traced import PLAIN, plain_run
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.recorded.groot_xml import groot_xml, uid
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.btlog import BtLog, BtLogError, Transition, read_btlog, write_btlog
from knothole.trees.tracing.history import History
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.trace import TraceWriter

XML = """<root BTCPP_format="4" main_tree_to_execute="Main"><BehaviorTree ID="Main"><Fallback>
<Inverter><AlwaysSuccess/></Inverter><Sequence><AlwaysSuccess/><Sleep msec="1"/></Sequence></Fallback>
</BehaviorTree></root>"""


def _logged_by(bt: Any, path: Path) -> tuple[BtLog, list[tuple[str, str]]]:
    factory = bt.BehaviorTreeFactory()
    factory.register_behavior_tree_from_text(XML)
    tree = factory.create_tree("Main")
    logger = bt.FileLogger(tree, str(path))
    tree.tick_while_running()
    del logger
    log = read_btlog(path)
    names = {int(node.get("_uid", 0)): node.tag for node in ET.fromstring(log.xml).iter() if node.get("_uid")}
    return log, [(names[t.uid], t.status) for t in log.transitions if t.status != "INVALID"]


def test_a_log_of_the_real_library_is_read(tmp_path: Path) -> None:
    bt = pytest.importorskip("behaviortreepy", reason="needs behaviortreepy, which is BehaviorTree.CPP")
    for _ in range(20):  # its thread may be behind when the logger is closed, and flush() beside it repeats entries
        log, told = _logged_by(bt, tmp_path / "x.btlog")
        if told[-1:] == [("Fallback", "SUCCESS")]:
            break
    assert told == [
        ("Fallback", "RUNNING"),
        ("Inverter", "RUNNING"),
        ("AlwaysSuccess", "SUCCESS"),
        ("Inverter", "FAILURE"),
        ("Sequence", "RUNNING"),
        ("AlwaysSuccess", "SUCCESS"),
        ("Sleep", "RUNNING"),
        ("Sleep", "SUCCESS"),
        ("Sequence", "SUCCESS"),
        ("Fallback", "SUCCESS"),
    ]
    assert log.complete
    assert log.began_us > 1_500_000_000_000_000
    assert all(a.time_us <= b.time_us for a, b in zip(log.transitions, log.transitions[1:], strict=False))
    again = io.BytesIO()
    write_btlog(again, log.xml, log.began_us, log.transitions)
    assert again.getvalue() == (tmp_path / "x.btlog").read_bytes()


def test_an_exported_trace_has_every_change_of_the_run(tmp_path: Path) -> None:
    plain_run(tmp_path / "run.mcap", "RRKF")
    said = export(tmp_path / "run.mcap", tmp_path / "run.btlog")
    log, history = read_btlog(tmp_path / "run.btlog"), History(read_trace(tmp_path / "run.mcap"))
    assert [(t.uid, t.status) for t in log.transitions] == [(uid(e.node), e.status) for e in history.events]
    assert [t.time_us for t in log.transitions] == [round(e.time * 1e6) for e in history.events]
    assert said.endswith(f"{len(history.events)} changes of 4 nodes")


def test_the_tree_of_a_log_is_read_by_a_monitor(tmp_path: Path) -> None:
    parser = pytest.importorskip("btview.parser", reason="needs btview")
    text = PLAIN.replace("- home", "- home:\n      name: \"a <b> & 'c'\"\n      retry: 2")
    plain_run(tmp_path / "run.mcap", "S", text)
    recording = read_trace(tmp_path / "run.mcap")
    history = History(recording)
    xml = groot_xml(recording.tree, history.nodes)
    tree = parser.parse_bt_xml(xml)
    known = {node.uid: node.name for node in tree.walk()}
    for node in history.nodes:
        assert known[uid(node.index)] == node.name


def test_the_tree_of_a_log_is_read_by_the_real_library_also_where_it_uses_others(tmp_path: Path) -> None:
    bt = pytest.importorskip("behaviortreepy", reason="needs behaviortreepy, which is BehaviorTree.CPP")
    text = "knothole: 1\ntree: main\nroot:\n  bt.Sequence:\n    - bt.AlwaysSuccess\n    - bt.SubTree: {ID: sub}\n"
    text += "    - bt.SubTree: {ID: sub}\n      name: again\n---\n"
    text += "knothole: 1\ntree: sub\nroot:\n  bt.Sequence:\n    - bt.AlwaysSuccess\n"
    Loop(build(load_text(text), Context()), trace=TraceWriter(tmp_path / "run.mcap")).run()
    export(tmp_path / "run.mcap", tmp_path / "run.btlog")
    log = read_btlog(tmp_path / "run.btlog")
    factory = bt.BehaviorTreeFactory()
    factory.register_behavior_tree_from_text(log.xml)
    assert factory.create_tree("main").tick_while_running() == bt.NodeStatus.SUCCESS
    blocks = {block.get("_fullpath"): block.get("ID") for block in ET.fromstring(log.xml).iter("BehaviorTree")}
    assert blocks == {"": "main", "sub::3": "sub", "again": "sub"}
    known = {int(each.get("_uid", 0)) for each in ET.fromstring(log.xml).iter() if each.get("_uid")}
    assert known == {t.uid for t in log.transitions}


@pytest.mark.parametrize("count", [0, 5, 18, 22, 30, 4000])
def test_a_log_cut_anywhere_is_refused_or_read_up_to_the_cut(count: int, tmp_path: Path) -> None:
    whole = io.BytesIO()
    changes = [Transition(i, 1 + i % 3, "RUNNING") for i in range(500)]
    write_btlog(whole, XML, 0, changes)
    (tmp_path / "x.btlog").write_bytes(whole.getvalue()[:count])
    if count < 100:
        with pytest.raises(BtLogError):
            read_btlog(tmp_path / "x.btlog")
        return
    log = read_btlog(tmp_path / "x.btlog")
    assert not log.complete
    assert list(log.transitions) == changes[: len(log.transitions)]
    assert len(log.transitions) > 100


def test_more_nodes_than_the_format_has_room_for_are_refused() -> None:
    with pytest.raises(BtLogError, match=r"does not fit a \.btlog"):
        write_btlog(io.BytesIO(), XML, 0, [Transition(0, 65536, "RUNNING")])
