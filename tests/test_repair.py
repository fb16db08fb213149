"""Plans that fail in physics because somebody interferes: noticed, repaired, halted and paused as any motion is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knothole.app.recorded.replay import ReplayOptions, replay_run
from knothole.app.running.options import RunOptions
from knothole.app.running.run import Run
from knothole.app.running.session import run_tree
from knothole.app.settings.config import Config
from knothole.behaviors.acting.proposing import proposal
from knothole.behaviors.acting.repairing import Attempt
from knothole.behaviors.means.skills import Step, skills
from knothole.trees.loader import check, load
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.why import explain

PUT = "Put the red cube into the blue tray."
ASKED = """knothole: 1
tree: asked
root:
  sequence:
    - home
    - achieve: {instruction: "Put the red cube into the blue tray.", done_when: "Is the red cube inside the blue tray?"}
"""
SCENE = """scene: put_one
objects:
  - {shape: tray, color: blue, at: [0.5m, 0.25m], yaw: 0deg, size: [0.32m, 0.23m]}
  - {shape: cube, color: red, at: [0.45m, -0.1m]}
goal: {everything_in_tray: {tray: blue tray}}
"""
MOVED = "disturbances:\n  - {at: 2.5s, do: move, what: red cube, to: [0.55m, -0.25m, 0m]}\n"
LOST = "disturbances:\n  - {at: 7s, do: drop, what: red cube, to: [0.4m, -0.15m, 5cm]}\n"


def files(folder: Path, scene: str, tree: str = ASKED) -> tuple[str, str]:
    (folder / "asked.yaml").write_text(tree)
    (folder / "put_one.yaml").write_text(scene)
    return str(folder / "asked.yaml"), str(folder / "put_one.yaml")


@pytest.mark.parametrize(
    ("happens", "why"),
    [(MOVED, "closed on nothing"), (LOST, "lost red cube on the way")],
    ids=["moved", "lost"],
)
def test_a_thing_that_somebody_takes_is_fetched_again(tmp_path, happens, why):
    tree, scene = files(tmp_path, SCENE + happens)
    trace = tmp_path / "t.mcap"
    done = run_tree(RunOptions(tree, scene, 1, "oracle", "panda", trace=trace, proposals=tmp_path / "proposed"))
    assert (done.status, done.missed) == ("SUCCESS", "")
    story = explain(read_trace(trace)).story
    assert [line.split()[3] for line in story] == ["plans:", "repairs", "plans:", "proposed"]
    assert why in story[1]
    [proposed] = (tmp_path / "proposed").iterdir()
    assert [problem for problem in check(proposed) if problem.severity == "error"] == []
    report = replay_run(ReplayOptions(trace))
    assert (report.difference, report.digest) == (None, report.recorded)


def ready(folder: Path, tree: str) -> Run:
    path, scene = files(folder, SCENE, tree)
    options = RunOptions(path, scene, 1, "oracle", "panda", record=False)
    return Run(load(path), options, Config(), robot="panda", vlm="oracle", inputs={})


def speed(run: Run) -> float:
    assert run.robot is not None
    return float(np.abs(run.robot.state().dq).max())


def test_a_plan_that_is_halted_leaves_the_arm_at_rest(tmp_path):
    run = ready(
        tmp_path,
        "knothole: 1\ntree: asked\nroot:\n  fallback:\n    - achieve: {instruction: "
        f'"{PUT}"}}\n      timeout: 1.5s\n    - wait: 5s\n',
    )
    with run:
        moved = 0.0
        while run.tree["asked/fallback/wait"].node.status.name != "RUNNING":
            moved = max(moved, speed(run))
            run.tick()
        assert moved > 0.2
        for _ in range(6):
            run.tick()
        assert speed(run) < 0.01
        assert {each.node.status.name for each in run.tree.nodes if "achieve" in each.path} == {"INVALID"}


def test_a_guard_pauses_what_grew_and_lets_it_go_on(tmp_path):
    run = ready(
        tmp_path,
        "knothole: 1\ntree: asked\nparams: {free: true}\nroot:\n  guard:\n    check:\n      check: $free\n"
        f'    child:\n      achieve: {{instruction: "{PUT}"}}\n',
    )
    with run:
        while run.loop.context.now < 1.5:
            run.tick()
        assert speed(run) > 0.2
        run.blackboard["free"] = False
        for _ in range(8):
            run.tick()
        assert speed(run) < 0.01
        paused = run.tree["asked/guard/achieve/sequence/pick"].node.status.name
        run.blackboard["free"] = True
        while run.tree.root.status.name == "RUNNING":
            run.tick()
        assert (paused, run.tree.root.status.name) == ("RUNNING", "SUCCESS")


def test_a_proposal_leaves_out_what_was_taken_and_put_back_again():
    allowed = skills(["pick", "place", "home"])
    take, put, home = (
        Step(skill=name, args=args)
        for name, args in (("pick", {"object": "the red cube"}), ("place", {"into": "the tray"}), ("home", {}))
    )
    failed = Attempt(1, (home, take, put), "", done=2, reason="no room in the tray")
    lines = proposal("p", PUT, [failed, Attempt(2, (take, put), "")], allowed, "none").splitlines()
    assert [line.strip() for line in lines if line.startswith("    - ")] == [
        "- home:",
        '- pick: {object: "the red cube"}',
        '- place: {into: "the tray"}',
    ]
