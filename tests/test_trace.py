"""A trace holds what happened, and can be read whatever happened to its writer."""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from PIL import Image

from knothole.behaviors.context import Context
from knothole.robots.contract import CameraFrame, Intrinsics
from knothole.robots.pose import Pose
from knothole.tests.script_nodes import Script
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing import trace as trace_module
from knothole.trees.tracing.spool import Spool
from knothole.trees.tracing.summary import summary
from knothole.trees.tracing.trace import TraceError, TraceWriter, read_trace

TEXT = """knothole: 1
tree: t
inputs: {who: {type: text, default: cup}}
root:
  sequence:
    - set: {name: $n, to: "1 + 1"}
    - say: "${who} ${n}"
    - home
"""


def record(path: Path, letters: str) -> None:
    overrides = {"t/sequence/home": lambda wiring: Script(letters, wiring.name, wiring.context)}
    tree = build(load_text(TEXT), Context(), overrides=overrides)
    Loop(tree, trace=TraceWriter(path), start={"seed": 7, "vlm": "scripted"}).run()


def test_a_trace_tells_the_whole_run(tmp_path: Path) -> None:
    record(tmp_path / "run.mcap", "RRF")
    trace = read_trace(tmp_path / "run.mcap")
    assert trace.complete
    assert trace.start["seed"] == 7
    assert trace.start["inputs"] == {"who": "cup"}
    assert (trace.end["status"], trace.end["reason"], trace.end["ticks"]) == ("FAILURE", "home said F", 3)
    assert trace.tree["text"] == TEXT
    assert [node["path"] for node in trace.tree["nodes"]][3] == "t/sequence/home"
    assert trace.tree["nodes"][3]["line"] == 8
    assert trace.statuses(1) == {
        0: ("RUNNING", ""),
        1: ("SUCCESS", "2"),
        2: ("SUCCESS", "cup 2"),
        3: ("RUNNING", "home said R"),
    }
    assert trace.statuses()[0] == ("FAILURE", "home said F")
    assert trace.blackboard() == {"who": "cup", "n": 2}
    assert [m.data["writer"] for m in trace.topic("/blackboard")] == ["input", "t/sequence/set"]
    assert [m.data["message"] for m in trace.topic("/log")] == ["cup 2"]
    assert [round(m.time, 6) for m in trace.topic("/status")] == [0.0, 0.1]


def test_a_killed_writer_leaves_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "killed.mcap"
    program = f"""
import os, signal, threading
from knothole.behaviors.context import Context
from knothole.tests.script_nodes import Script
from knothole.tests.test_trace import TEXT
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter, read_trace

class Dies(Script):
    def step(self):
        if self.at == 30:
            while not read_trace({str(path)!r}).topic("/status"):
                threading.Event().wait(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.running(f"step {{self.at}}") if super().step() else None

tree = build(load_text(TEXT), Context(), overrides={{"t/sequence/home": lambda w: Dies("R", w.name, w.context)}})
Loop(tree, trace=TraceWriter({str(path)!r})).run()
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    trace = read_trace(path)
    assert not trace.complete
    assert trace.end == {}
    assert trace.tree["name"] == "t"
    assert trace.statuses()[0] == ("RUNNING", "")


def test_a_file_cut_anywhere_is_read_up_to_the_cut(tmp_path: Path) -> None:
    record(tmp_path / "run.mcap", "R" * 40 + "S")
    whole = (tmp_path / "run.mcap").read_bytes()
    full = len(read_trace(tmp_path / "run.mcap").messages)
    for size in range(8, len(whole), max(1, len(whole) // 60)):
        (tmp_path / "cut.mcap").write_bytes(whole[:size])
        cut = read_trace(tmp_path / "cut.mcap")
        assert not cut.complete
        assert len(cut.messages) <= full


def test_what_is_no_trace_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_text("hello")
    with pytest.raises(TraceError, match=r"x\.mcap is no trace"):
        read_trace(tmp_path / "x.mcap")
    with pytest.raises(TraceError, match=r"cannot read the trace .*gone\.mcap: No such file"):
        read_trace(tmp_path / "gone.mcap")
    with pytest.raises(TraceError, match="cannot write the trace"):
        TraceWriter(tmp_path)


def test_a_trace_replaces_nothing_but_a_trace(tmp_path: Path) -> None:
    for name, why in (("tree.yaml", "does not end in .mcap"), ("notes.mcap", "that is no trace is there already")):
        path = tmp_path / name
        path.write_text("mine", encoding="utf-8")
        with pytest.raises(TraceError, match=why):
            TraceWriter(path)
        assert path.read_text(encoding="utf-8") == "mine"
    for _ in range(2):
        TraceWriter(tmp_path / "t.mcap").close()
    assert read_trace(tmp_path / "t.mcap").complete


def frame(name: str, value: int) -> CameraFrame:
    rgb = np.full((8, 8, 3), value, np.uint8)
    return CameraFrame("table", name, 0.0, rgb, None, Intrinsics(8, 8, 4, 4, 8, 8), Pose((0, 0, 1)))


def test_pictures_are_written_once_per_id_and_once_per_content(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "p.mcap")
    for one in (frame("table#1", 10), frame("table#1", 10), frame("table#2", 200), frame("table#3", 10)):
        writer.frame(0.5, one)
    writer.close()
    writer.close()
    trace = read_trace(tmp_path / "p.mcap")
    assert [m.data["frame_id"] for m in trace.topic("/frames")] == ["table#1", "table#2"]
    assert [dict(m.data) for m in trace.topic("/frames_again")] == [{"frame_id": "table#3", "same_as": "table#1"}]
    picture = Image.open(io.BytesIO(base64.b64decode(trace.topic("/frames")[1].data["data"])))
    assert picture.size == (8, 8)
    assert abs(int(np.asarray(picture).mean()) - 200) <= 2


def test_a_long_run_forgets_old_pictures_and_writes_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_module, "REMEMBERED", 2)
    writer = TraceWriter(tmp_path / "p.mcap")
    for number, value in enumerate((10, 10, 90, 200, 10)):
        writer.frame(0.5, frame(f"table#{number}", value))
    writer.close()
    trace = read_trace(tmp_path / "p.mcap")
    assert [m.data["frame_id"] for m in trace.topic("/frames")] == ["table#0", "table#2", "table#3", "table#4"]
    assert [m.data["same_as"] for m in trace.topic("/frames_again")] == ["table#0"]


@pytest.mark.parametrize("pictures", [False, True])
def test_a_run_waits_for_a_writer_that_is_behind(
    pictures: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_module, "MOST_WAITING", 50)
    monkeypatch.setattr(trace_module, "MOST_PICTURES", 3)
    writer = TraceWriter(tmp_path / "p.mcap")
    most = 0
    for number in range(300):
        if pictures:
            writer.frame(0.5, frame(f"table#{number}", number % 250))
        else:
            writer.log(0.5, str(number))
        most = max(most, writer.waiting)
    writer.close()
    assert most <= (3 if pictures else 50)
    trace = read_trace(tmp_path / "p.mcap")
    assert len(trace.topic("/log")) + len(trace.topic("/frames")) + len(trace.topic("/frames_again")) == 300


def test_a_writer_that_is_stuck_costs_the_run_its_trace_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_module, "MOST_WAITING", 5)
    monkeypatch.setattr(trace_module, "PATIENCE", 0.0)
    goes_on = threading.Event()

    def stuck() -> dict[str, object]:
        goes_on.wait()
        return {"message": "late"}

    writer = TraceWriter(tmp_path / "p.mcap")
    writer.put("/log", 0.0, stuck)
    for number in range(100):
        writer.log(0.5, str(number))
    assert writer.problem == f"the trace {tmp_path / 'p.mcap'} ends early: the disk is too slow, 5 messages wait"
    assert writer.waiting <= 5
    goes_on.set()
    writer.close()


def test_a_full_disk_is_told_once_while_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, *_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = TraceWriter(tmp_path / "p.mcap")
    broke: list[str] = []
    writer.listen(lambda topic, time_ns, text: None, broke.append)
    why = f"the trace {tmp_path / 'p.mcap'} ends early: No space left on device"
    told: list[tuple[int, str]] = []
    tree = build(load_text("knothole: 1\ntree: t\nroot: {wait: 10s}\n"), Context())
    with Loop(tree, trace=writer, tell=lambda text: told.append((tree.context.tick, text))) as loop:
        loop.tick()
        monkeypatch.setattr("knothole.trees.tracing.trace_file.TraceFile.add", full)
        writer.log(0.0, "too much")
        while not writer.problem:
            pass
        for _ in range(3):
            loop.tick()
    assert told == [(2, why)]
    assert broke == [why]


def test_on_a_real_clock_pictures_are_left_out_before_a_tick_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_module, "MOST_PICTURES", 3)
    goes_on = threading.Event()

    def slow() -> dict[str, object]:
        goes_on.wait()
        return {"message": "late"}

    writer = TraceWriter(tmp_path / "p.mcap")
    writer.waits = False
    writer.put("/log", 0.0, slow)
    for number in range(10):
        writer.frame(0.5, frame(f"table#{number}", number))
    goes_on.set()
    writer.close()
    assert (writer.left_out, writer.problem) == (7, "")
    trace = read_trace(tmp_path / "p.mcap")
    assert len(trace.topic("/frames")) == 3
    assert [m.data["message"] for m in trace.topic("/log")][1:] == [
        "the disk is too slow: pictures are left out of the trace"
    ]


def test_the_index_of_a_trace_is_kept_on_disk_and_written_whole(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "p.mcap")
    for number in range(20):
        writer.log(float(number), "x" * 200_000)
    writer.close()
    with (tmp_path / "p.mcap").open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert len(summary.chunk_indexes) == summary.statistics.chunk_count >= 10
        assert [m.log_time for _, _, m in reader.iter_messages()] == [int(number * 1e9) for number in range(20)]
        assert sum(len(chunk.message_index_offsets) for chunk in summary.chunk_indexes) >= 10
    assert isinstance(writer._file._writer._Writer__chunk_indices, Spool), "mcap names its list in another way"


def test_a_listener_hears_what_a_reader_reads(tmp_path: Path) -> None:
    heard: list[tuple[str, int, bytes]] = []
    writer = TraceWriter(tmp_path / "l.mcap")
    writer.listen(lambda *message: heard.append(message))
    tree = build(load_text(TEXT), Context(), overrides={"t/sequence/home": lambda w: Script("RS", w.name, w.context)})
    Loop(tree, trace=writer).run()
    read = [(m.topic, m.time, dict(m.data)) for m in read_trace(tmp_path / "l.mcap").messages]
    assert [(topic, time * 1e-9, json.loads(text)) for topic, time, text in heard] == read
    assert read[-1][2]["event"] == "end"


def test_who_listens_no_more_or_raises_hears_nothing_more(tmp_path: Path) -> None:
    heard: list[str] = []
    writer = TraceWriter(tmp_path / "l.mcap")

    def breaks(topic: str, time_ns: int, text: bytes) -> None:
        heard.append("breaks")
        raise ValueError("window closed")

    first = threading.Event()
    leave = writer.listen(lambda topic, time_ns, text: (heard.append("leaves"), first.set())[0])
    writer.listen(breaks)
    writer.log(0.0, "one")
    first.wait()
    while len(read_trace(tmp_path / "l.mcap").messages) < 2:
        pass
    leave()
    writer.log(1.0, "three")
    writer.close()
    assert heard == ["leaves", "breaks", "leaves"]
    assert [m.data["message"] for m in read_trace(tmp_path / "l.mcap").topic("/log")] == [
        "one",
        "a listener of the trace raised and hears nothing more: ValueError: window closed",
        "three",
    ]


def test_events_of_leaves_get_a_channel_of_their_own(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "e.mcap")
    writer.put("/plan", 1.25, {"steps": [1, 2]})
    writer.close()
    (message,) = read_trace(tmp_path / "e.mcap").topic("/plan")
    assert (message.time, dict(message.data)) == (1.25, {"steps": [1, 2]})


class Opaque:
    """Says nothing about itself."""


def test_values_are_summarised_without_addresses_and_point_clouds() -> None:
    assert summary({"pose": Pose((0.12345678, 0, 0)), "cloud": np.zeros((500, 3))}) == {
        "pose": {"type": "Pose", "xyz": [0.1235, 0, 0], "quat_xyzw": [0.0, 0.0, 0.0, 1.0]},
        "cloud": {"array": [500, 3], "dtype": "float64"},
    }
    assert summary([Opaque(), float("nan"), -0.0, {3, 1}]) == ["<Opaque>", "nan", 0.0, [1, 3]]
