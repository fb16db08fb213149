"""How much of a run a trace keeps: pictures as PNG, rates, and only the end of a long run."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import knothole
from knothole.app.running import environment as environment_module
from knothole.app.running.environment import environment
from knothole.app.running.inputs import InputError
from knothole.app.running.run import RunOptions
from knothole.app.settings.config import ConfigError, read_config
from knothole.robots.contract import CameraFrame, Intrinsics, RobotState
from knothole.robots.pose import Pose
from knothole.tests.calling import call
from knothole.tests.traced import plain_run, seen_run
from knothole.trees.recorded.verifying import verify
from knothole.trees.tracing import ring
from knothole.trees.tracing.amount import Amount, read_keep
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.trace import TraceWriter


def frame(camera: str, number: int, value: int) -> CameraFrame:
    rgb = np.random.default_rng(value).integers(0, 255, (48, 64, 3), np.uint8)
    lens = Intrinsics(60, 60, 32, 24, 64, 48)
    return CameraFrame(camera, f"{camera}#{number}", 0.0, rgb, None, lens, Pose((0, 0, 1)))


def test_png_keeps_each_pixel(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount("png"))
    one = frame("table", 1, 5)
    writer.frame(0.0, one)
    writer.close()
    (message,) = read_trace(tmp_path / "p.mcap").topic("/frames")
    assert message.data["format"] == "png"
    picture = Image.open(io.BytesIO(base64.b64decode(message.data["data"])))
    assert np.array_equal(np.asarray(picture), one.rgb)


def test_of_pictures_beyond_the_rate_only_the_hash_is_kept_for_each_camera(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount(pictures_hz=2.0))
    for number in range(20):
        for camera in ("table", "wrist"):
            writer.frame(number * 0.1, frame(camera, number, number + (1000 if camera == "wrist" else 0)))
    writer.close()
    trace = read_trace(tmp_path / "p.mcap")
    kept = [0, 5, 10, 15]
    assert [m.data["frame_id"] for m in trace.topic("/frames")] == [
        f"{camera}#{number}" for number in kept for camera in ("table", "wrist")
    ]
    assert len(trace.topic("/frames_dropped")) == 32
    assert all(len(m.data["hash"]) == 64 for m in trace.topic("/frames_dropped"))


def test_joints_beyond_the_rate_are_left_out(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount(joints_hz=10.0))
    for number in range(100):
        state = RobotState(0.0, np.full(7, number * 0.01), np.zeros(7), Pose((0.0, 0.0, 0.0)))
        writer.joints(number * 0.01, number, lambda state=state: state)  # type: ignore[misc]
    writer.close()
    assert [m.data["tick"] for m in read_trace(tmp_path / "p.mcap").topic("/joints")] == list(range(0, 100, 10))


def busy(writer: TraceWriter, seconds: int) -> None:
    """Write what a run of so many seconds writes: entries, a picture, log lines; in the end all of them again."""
    writer.put("/run", 0.0, {"event": "start", "seed": 7})
    nodes = [{"index": 0, "path": "t", "type": "home", "name": "t", "parent": -1, "file": "", "line": 1, "column": 1}]
    writer.put("/tree", 0.0, {"name": "t", "text": "", "nodes": nodes})
    writer.put("/blackboard", 0.0, {"tick": 1, "name": "old", "value": 1, "writer": "input", "version": 1})
    writer.put("/status", 0.0, {"tick": 1, "changes": [{"node": 0, "status": "RUNNING", "reason": "since long"}]})
    for second in range(seconds):
        for camera in ("table", "wrist"):
            writer.frame(float(second), frame(camera, second, second))
        writer.log(float(second), f"second {second}")
        message = {"tick": second, "name": "new", "value": second, "writer": "t", "version": second}
        writer.put("/blackboard", float(second), message)
    writer.put("/run", float(seconds), {"event": "end", "outcome": "TIME_LIMIT", "ticks": seconds})


def test_only_the_last_seconds_are_kept_and_what_held_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[int] = []
    turn = ring.Ring.turn
    monkeypatch.setattr(ring.Ring, "turn", lambda self, file: (turned.append(file.size), turn(self, file))[1])
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount(seconds=10.0))
    busy(writer, 100)
    writer.close()
    assert writer.problem == ""
    trace = read_trace(tmp_path / "p.mcap")
    assert trace.complete
    assert [m.data["message"] for m in trace.topic("/log")] == [f"second {n}" for n in range(90, 100)]
    assert (trace.start["seed"], trace.start["cut"]) == (7, {"from": 90.0, "to": None})
    assert trace.end["outcome"] == "TIME_LIMIT"
    assert trace.statuses() == {0: ("RUNNING", "since long")}
    assert trace.blackboard() == {"old": 1, "new": 99}
    assert len(turned) >= 8
    found = verify(tmp_path / "p.mcap")
    assert found.whole, found
    assert [file.name for file in tmp_path.iterdir()] == ["p.mcap"]


def test_pictures_after_a_turn_refer_to_none_that_are_gone(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount(seconds=5.0))
    for second in range(60):
        writer.frame(float(second), frame("table", second, second % 7))
    writer.close()
    trace = read_trace(tmp_path / "p.mcap")
    known = {m.data["frame_id"] for m in trace.topic("/frames")}
    assert {m.data["same_as"] for m in trace.topic("/frames_again")} <= known
    assert verify(tmp_path / "p.mcap").findings[0].what == "missing"
    assert len(known) < 20


def test_a_size_is_never_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    due = ring.Ring.is_due

    def watched(self: ring.Ring, time_ns: int, file: Any) -> bool:
        sizes.append(file.size)
        return due(self, time_ns, file)

    monkeypatch.setattr(ring.Ring, "is_due", watched)
    monkeypatch.setattr("knothole.trees.tracing.trace_file.CHUNK", 20_000)
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount("png", size=1_000_000))
    busy(writer, 300)
    writer.close()
    assert max(sizes) < 1_050_000
    assert (tmp_path / "p.mcap").stat().st_size < 1_050_000
    trace = read_trace(tmp_path / "p.mcap")
    lines = [m.data["message"] for m in trace.topic("/log")]
    first = int(lines[0].split()[1])
    assert lines == [f"second {n}" for n in range(first, 300)]
    assert 10 < len(lines) < 200
    assert trace.blackboard()["old"] == 1


def test_a_disk_that_is_full_while_the_file_is_written_anew_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("knothole.trees.tracing.ring.os.replace", full)
    writer = TraceWriter(tmp_path / "p.mcap", amount=Amount(seconds=5.0))
    busy(writer, 40)
    writer.close()
    assert writer.problem == f"the trace {tmp_path / 'p.mcap'} ends early: No space left on device"
    assert [file.name for file in tmp_path.iterdir()] == ["p.mcap"]
    assert len(read_trace(tmp_path / "p.mcap").topic("/log")) >= 9


def test_the_end_of_a_real_run_is_a_whole_trace(tmp_path: Path) -> None:
    whole = seen_run(tmp_path / "whole.mcap")
    seen_run(tmp_path / "end.mcap", Amount(seconds=0.5))
    assert whole.status == "SUCCESS"
    end, full = read_trace(tmp_path / "end.mcap"), read_trace(tmp_path / "whole.mcap")
    assert len(end.topic("/joints")) < len(full.topic("/joints"))
    assert end.statuses() == full.statuses()
    assert end.blackboard() == full.blackboard()
    assert end.end["digest"] == full.end["digest"]
    assert verify(tmp_path / "end.mcap").whole


def test_what_is_kept_is_read_from_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "knothole.toml"
    file.write_text('[trace]\npictures = "png"\npictures_hz = 2\njoints_hz = 0.5\nkeep = "2min"\n')
    assert read_config(file).trace == Amount("png", 2.0, 0.5, seconds=120.0)
    file.write_text('[trace]\nkeep = "200MB"\n')
    assert read_config(file).trace == Amount(size=200_000_000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('keep = "lots"', "2:1: 'keep' is 'lots' is no time or size to keep; write a number with s, min, h, MB or GB"),
        ('keep = "3kB"', "2:1: 'keep' is '3kB' is too small for a trace; write at least 1MB"),
        ('pictures = "gif"', "2:1: 'pictures' is 'gif'\n  fix:  write one of jpeg, png"),
        ("joints_hz = 0", "2:1: 'joints_hz' is 0\n  fix:  give a number above 0, in a second of the run"),
        ("pictures_hz = true", "2:1: 'pictures_hz' is True\n  fix:  give a number above 0, in a second of the run"),
        ("picture_hz = 1", "2:1: [trace] has no key 'picture_hz'\n  did you mean:  pictures_hz"),
    ],
)
def test_a_mistake_in_it_is_told(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "knothole.toml"
    file.write_text(f"[trace]\n{line}\n")
    with pytest.raises(ConfigError) as error:
        read_config(file)
    assert str(error.value).startswith(f"{file}:{said}")


def test_the_command_line_goes_before_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "knothole.toml").write_text('[trace]\nkeep = "1s"\n')
    (tmp_path / "t.yaml").write_text("knothole: 1\ntree: t\nroot:\n  sequence: [{wait: 4s}, {say: hi}]\n")
    for options, cut in (("", True), ("--keep all", False), ("--keep 100MB", False), ("--keep 2s", True)):
        code, _, err = call(f"run t.yaml --robot kinematic --trace a.mcap {options}")
        assert code == 0, err
        assert ("cut" in read_trace(tmp_path / "a.mcap").start) == cut, options


@pytest.mark.parametrize("given", [{"keep": "much"}, {"pictures": "gif"}, {"keep": "1MB5"}])
def test_options_that_cannot_be_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(InputError, match="keep or pictures: "):
        RunOptions("t", **given)


@pytest.mark.parametrize("given", [{"seconds": 0.0}, {"size": 10}, {"joints_hz": float("nan")}, {"pictures": "bmp"}])
def test_an_amount_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Amount(**given)


def test_times_and_sizes_are_read() -> None:
    assert [read_keep(text) for text in ("500ms", "1.5min", "2h", "1500kB", "2GB")] == [
        {"seconds": 0.5},
        {"seconds": 90.0},
        {"seconds": 7200.0},
        {"size": 1_500_000},
        {"size": 2_000_000_000},
    ]


def test_a_trace_tells_where_it_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text("knothole: 1\ntree: t\nroot:\n  say: hi\n")
    knothole.load(tmp_path / "t.yaml").bind(robot="kinematic", trace=tmp_path / "a.mcap").run()
    start = read_trace(tmp_path / "a.mcap").start
    assert start["packages"]["numpy"] == np.__version__
    assert {"pybullet", "py_trees", "torch", "transformers"} <= set(start["packages"])
    assert start["platform"]
    assert "revision" not in start


def test_a_plain_run_is_not_a_piece(tmp_path: Path) -> None:
    plain_run(tmp_path / "a.mcap", "S")
    assert "cut" not in read_trace(tmp_path / "a.mcap").start


def test_it_tells_the_revision_of_the_projects_folder_and_whether_it_was_changed(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git")

    def run(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run([git, *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "-q")
    assert "revision" not in environment(tmp_path)
    (tmp_path / "t.yaml").write_text("one")
    run("add", ".")
    run("commit", "-q", "-m", "one")
    found = []
    for text in ("one", "two"):
        (tmp_path / "t.yaml").write_text(text)
        (tmp_path / "not tracked").write_text(text)
        environment_module._revision.cache_clear()
        found.append(environment(tmp_path))
    assert [each["revision"] for each in found] == [run("rev-parse", "HEAD")] * 2
    assert [each["dirty"] for each in found] == [False, True]
