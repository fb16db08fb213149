"""A whole run: joined from tree, robot, backend and trace; the same run twice has the same digest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import knothole
from knothole.app.recorded.runs import newest_run
from knothole.app.running.inputs import InputError
from knothole.app.running.run import Run
from knothole.robots.kinematic import KinematicRobot
from knothole.tests.calling import call
from knothole.trees.problems import TreeError
from knothole.trees.ticking.loop import Outcome
from knothole.trees.tracing.trace import read_trace
from knothole.vlm.scripted import Scripted

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]

BUSY = "import time; end = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
REACH = """\
knothole: 1
tree: reach
inputs:
  height: {type: length, default: 25cm}
  greeting: {type: text, default: hello}
root:
  sequence:
    - see: {question: "Is there a loose object left on the table?", accept: 0.8}
    - move_to: {above: "the blue tray", height: $height}
    - close_gripper
    - say: "${greeting}"
"""


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "reach.yaml"
    path.write_text(REACH, encoding="utf-8")
    return path


def answers(loose: object = "yes") -> Scripted:
    box = {"box": [0.1, 0.4, 0.4, 0.7], "label": "blue tray"}
    return Scripted({"Is there a loose object *": loose, "the blue tray": [box]})


def run(path: Path, inputs: Mapping[str, object] | None = None, **changes: object) -> Run:
    given: dict[str, object] = {"robot": "kinematic", "vlm": answers(), "scene": "tidy_table", **changes}
    return knothole.load(path).bind(inputs=inputs, **given)  # type: ignore[arg-type]


def test_the_same_run_has_the_same_digest_and_every_change_another(reach: Path) -> None:
    first, again = run(reach).run(), run(reach).run()
    assert (first.status, first.exit_code, first.reason) == ("SUCCESS", 0, "")
    assert first.digest == again.digest
    others = [
        run(reach, seed=1).run(),
        run(reach, inputs={"height": "30cm"}).run(),
        run(reach, vlm=answers({"yes": 0.9, "no": 0.1})).run(),
        run(reach, vlm=answers("no")).run(),
    ]
    assert others[-1].status == "FAILURE"
    assert len({first.digest, *(other.digest for other in others)}) == 5


@pytest.mark.long(minutes=0.2)
def test_digest_of_physics_is_the_same_in_two_processes_and_differs_by_seed(reach: Path, knothole: Knothole) -> None:
    """The second process works beside a busy one: load changes wall time only."""
    line = ("run", "reach.yaml", "--scene", "tidy_table", "--vlm", "oracle", "--json")
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        rows = [json.loads(knothole(*line, "--seed", seed, cwd=reach.parent).stdout) for seed in ("3", "4")]
    finally:
        busy.kill()
        busy.wait()
    rows.append(json.loads(knothole(*line, "--seed", "3", cwd=reach.parent).stdout))
    assert [row["status"] for row in rows] == ["SUCCESS"] * 3
    assert rows[0]["digest"] == rows[2]["digest"] != rows[1]["digest"]
    assert [Path(reach.parent / row["picture"]).read_bytes()[:4] for row in rows] == [b"\x89PNG"] * 3
    assert {"status", "ticks", "sim_time_s", "wall_s", "questions", "model_calls", "vlm", "robot", "seed", "trace",
            "digest"} <= set(rows[0])  # fmt: skip


def test_trace_names_everything_a_replay_needs(reach: Path, tmp_path: Path) -> None:
    result = run(reach, trace=tmp_path / "out" / "a.mcap", seed=2, inputs={"greeting": "moin"}).run()
    recording = read_trace(tmp_path / "out" / "a.mcap")
    start = recording.start
    assert (start["tree"], start["scene"], start["seed"], start["robot"]) == ("reach", "tidy_table", 2, "kinematic")
    assert start["inputs"] == {"height": 0.25, "greeting": "moin"}
    assert recording.end["digest"] == result.digest
    assert [m.data["message"] for m in recording.topic("/log") if m.data["name"] == "say"] == ["moin"]


def test_single_ticks_read_the_blackboard_and_leave_the_robot_still(tmp_path: Path) -> None:
    path = tmp_path / "count.yaml"
    path.write_text(
        "knothole: 1\ntree: count\nroot:\n  sequence:\n    - set: {name: $n, to: '1'}\n    - wait: 10s\n",
        encoding="utf-8",
    )
    robot = KinematicRobot()
    with knothole.load(path).bind(robot=robot, vlm=Scripted({})) as ticking:
        statuses = [ticking.tick().name for _ in range(3)]
        assert ticking.blackboard["n"] == 1
    result = ticking.close()
    assert statuses == ["RUNNING"] * 3
    assert (result.status, result.exit_code, result.ticks) == ("RUNNING", Outcome.TIME_LIMIT, 3)
    assert robot.state().dq.max() == 0.0


def test_inputs_are_converted_and_checked(reach: Path) -> None:
    with pytest.raises(knothole.KnotholeError) as unknown:
        run(reach, inputs={"hight": "25cm"})
    assert "did you mean:  height" in str(unknown.value)
    with pytest.raises(InputError) as unit:
        run(reach, inputs={"height": "25"})
    assert str(unit.value).startswith("--set height=25: 'height' takes a length such as 5cm; 25 has no unit")


def test_a_tree_that_needs_more_than_the_robot_has_is_refused_before_the_first_tick(tmp_path: Path) -> None:
    path = tmp_path / "look.yaml"
    path.write_text(
        'knothole: 1\ntree: look\nroot:\n  see: {question: "Is there a cube?", camera: chest, max_age: 20ms}\n',
        encoding="utf-8",
    )
    with pytest.raises(TreeError) as caught:
        knothole.load(path).bind(robot="panda", vlm="oracle")
    assert [problem.code for problem in caught.value.problems] == ["K402", "K404"]


@pytest.mark.parametrize("name", ["pick/place", "a/../../../x", "x" * 270, "ü" * 200])
def test_a_run_of_a_tree_with_any_name_is_recorded_and_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("t.yaml").write_text(f'knothole: 1\ntree: "{name}"\nroot: {{say: hi}}\n', encoding="utf-8")
    code, out, err = call("run t.yaml --robot none")
    assert (code, err) == (0, "")
    (trace,) = tmp_path.rglob("*.mcap")
    assert trace.parent == tmp_path / "here" / "runs"
    assert newest_run(Path("runs")) == Path("runs") / trace.name
    drawing = out.strip().rpartition(" -o ")[2]
    assert call(f"draw t.yaml -o {drawing}")[0] == 0
    assert Path(drawing.strip("'")).parent == Path()
