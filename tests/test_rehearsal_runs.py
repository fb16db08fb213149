"""Rehearsals as a user meets them: in a run whose tree plans, and by the command ``rehearse``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pybullet as p
import pytest

import knothole
from knothole.app.rehearsing.rehearsal import rehearsal_of
from knothole.app.running.stage import Stage, open_stage
from knothole.app.settings.config import Config
from knothole.behaviors.context import Context
from knothole.behaviors.means.skills import skills
from knothole.robots.kinematic import KinematicRobot
from knothole.robots.pose import Pose
from knothole.tests.calling import call
from knothole.trees.tracing.trace import read_trace

SCENE = """\
scene: far
about: A red cube within reach, a blue one beyond it.
objects:
  - {shape: cube, color: red, at: [0.45m, -0.15m], yaw: 0deg, size: [0.05m, 0.05m, 0.05m]}
  - {shape: cube, color: blue, at: [0.93m, 0.1m], yaw: 0deg, size: [0.05m, 0.05m, 0.05m]}
"""
TREE = """\
knothole: 1
tree: order
root:
  sequence:
    - plan: {instruction: "Make some order here.", rehearse: auto, steps: $steps}
    - for_each:
        item: $step
        in: $steps
        child:
          run_step: $step
"""
FAR = [{"skill": "pick", "args": {"object": "blue cube"}}]
NEAR = [{"skill": "pick", "args": {"object": "red cube"}}]
WHY = (
    "step 1 failed when it was tried: pick blue cube: the hand cannot come down on the blue cube, "
    "94 cm from the arm's base"
)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "far.yaml").write_text(SCENE, encoding="utf-8")
    (tmp_path / "order.yaml").write_text(TREE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(folder: Path, *plans: object) -> str:
    """Write what the model plans, one answer after the other; return the backends, of which the first one sees."""
    answers = {"Make some order here.": {"plan": {"calls": list(plans)}}}
    (folder / "script.yaml").write_text(json.dumps(answers), encoding="utf-8")
    return "oracle,scripted:script.yaml"


def run(vlm: str, *more: str) -> dict[str, object]:
    _, out, err = call(" ".join(["run order.yaml --scene far.yaml --json --vlm", vlm, "--trace run.mcap", *more]))
    assert out, err
    result: dict[str, object] = json.loads(out)
    return result


@pytest.mark.long(minutes=0.2)
def test_a_plan_that_fails_in_the_rehearsal_goes_back_with_the_reason_and_the_next_one_is_run(there: Path) -> None:
    vlm = script(there, FAR, NEAR)
    result = run(vlm)
    assert result["status"] == "SUCCESS", result["reason"]
    trace = read_trace(there / "run.mcap")
    first, second = (message.data for message in trace.topic("/plans"))
    assert (first["accepted"], first["refused"]) == (False, [WHY])
    assert first["rehearsal"]["kind"] == "physics"
    assert (second["accepted"], second["refused"]) == (True, None)
    assert (second["rehearsal"]["ok"], second["rehearsal"]["finished"]) == (True, True)
    asked = [message.data["context"] for message in trace.topic("/questions") if message.data["kind"] == "plan"]
    assert "refused" not in asked[0]
    assert asked[-1].endswith(f"The last plan was refused:\n{WHY}")
    assert run(vlm, "--rehearse never")["status"] == "FAILURE"


@pytest.mark.long(minutes=0.2)
def test_a_run_is_the_same_with_and_without_a_rehearsal(there: Path) -> None:
    vlm = script(there, NEAR)
    digests = {how: run(vlm, f"--rehearse {how}")["digest"] for how in ("never", "kinematic", "physics")}
    assert len(set(digests.values())) == 1, digests


def test_a_run_that_is_ended_in_the_middle_of_a_rehearsal_leaves_no_world_behind(there: Path) -> None:
    vlm = script(there, [{"skill": "wait", "args": {"duration": 250.0}}])
    loaded = knothole.load("order.yaml")
    before = _clients()
    with loaded.bind(vlm=vlm, scene="far.yaml") as one:
        one.tick()
        seen: list[int] = []

        @contextmanager
        def begun() -> Iterator[None]:
            one.loop.request_stop()
            yield
            seen.append(len(_clients()))

        one.tree.context.resting = begun
        result = one.run()
    assert result.exit_code == 130
    assert seen
    assert _clients() == before


def _clients() -> set[int]:
    return {k for k in range(40) if p.getConnectionInfo(k)["isConnected"]}


def write(folder: Path, plan: object) -> None:
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")


def test_the_command_tells_what_would_happen(there: Path) -> None:
    write(there, NEAR)
    code, out, _ = call("rehearse plan.json --scene far.yaml --how kinematic")
    assert code == 0
    first, last = out.splitlines()
    assert first.startswith("step 1: pick red cube: holds red cube, ")
    assert last.startswith("it would work (kinematic, ")


def test_the_command_says_why_a_plan_fails_and_fails_too(there: Path) -> None:
    write(there, FAR)
    code, out, _ = call("rehearse plan.json --scene far.yaml --json")
    said = json.loads(out)
    assert code == 1
    assert (said["ok"], said["step"], said["kind"]) == (False, 1, "physics")
    assert said["reason"].startswith("pick blue cube: the hand cannot come down on the blue cube")
    code, out, _ = call("rehearse plan.json --scene far.yaml --how symbolic")
    assert (code, out.splitlines()[0]) == (0, "step 1: pick blue cube")


def test_the_command_runs_a_tree_ahead(there: Path) -> None:
    code, out, _ = call("rehearse stack_two --seed 1 --how kinematic")
    assert code == 0, out
    lines = [line.split("s  ")[-1] for line in out.splitlines()]
    assert [line.split(":")[0] for line in lines[2:5]] == ["✗ see", "✓ pick", "✓ place"]
    assert lines[-1].startswith("SUCCESS")
    assert "answers from simulator truth" in out
    assert not list(there.glob("runs"))


SKILL = """\
knothole: 1
tree: show
skill: {about: Hold a thing up, needs: [hand_empty], effects: [holding(thing)]}
inputs:
  thing: {type: text}
root:
  sequence:
    - pick: "${thing}"
    - say: "This is the ${thing}."
"""


def test_a_skill_that_is_a_tree_is_tried_with_all_its_nodes(there: Path) -> None:
    (there / "show.yaml").write_text(SKILL, encoding="utf-8")
    write(there, [{"skill": "show", "args": {"thing": "red cube"}}, {"skill": "show", "args": {"thing": "red cube"}}])
    code, out, err = call("rehearse plan.json --scene far.yaml --how kinematic --skills show --json")
    assert code == 1, err
    said = json.loads(out)
    assert (said["step"], said["kind"]) == (2, "symbolic")
    write(there, [{"skill": "show", "args": {"thing": "red cube"}}])
    code, out, err = call("rehearse plan.json --scene far.yaml --how kinematic --skills show")
    assert code == 0, out + err
    assert out.startswith(("step 1: show red cube: ", "step 1: show thing red cube"))


def test_a_run_on_the_robot_without_physics_tries_plans_in_a_copy_of_its_scene(there: Path) -> None:
    with ExitStack() as stack:
        stage = open_stage(stack, "kinematic", "far.yaml", 0, Config())
        robot = stage.robot
        assert isinstance(robot, KinematicRobot)
        robot.put("red cube", Pose((0.5, 0.2, 0.025)))  # the copy is of now, not of the beginning
        context = Context(robot, now=robot.now())
        props = robot.props
        for plan, ok in ((FAR, False), (NEAR, True)):
            rehearsing = rehearsal_of(context, stage).start(plan, skills(["pick"]))
            assert rehearsing is not None
            verdict = rehearsing.verdict
            assert verdict is not None
            assert (verdict.ok, verdict.kind) == (ok, "kinematic"), verdict
        assert robot.props == props
        state = stage.state()
        assert state is not None
        assert state.bodies[0].xyz == (0.5, 0.2, 0.025)


def test_a_robot_that_is_not_simulated_has_its_plans_gone_through_in_thought() -> None:
    rehearsal = rehearsal_of(Context(), Stage(None))
    rehearsing = rehearsal.start(NEAR, skills(["pick"]), "physics")
    assert rehearsing is not None
    assert rehearsing.verdict is not None
    assert rehearsing.verdict.kind == "symbolic"


USAGE = {
    "rehearse nothing.json": "the plan nothing.json cannot be read: No such file or directory",
    "rehearse order.yaml --how symbolic": "a tree cannot be tried symbolically",
    "rehearse order.yaml --skills pick": "--skills is for a plan, not for a tree",
    "rehearse plan.json --vlm oracle": "--vlm and --set are for trees, not for a plan",
    "rehearse plan.json --skills check": "--skills: 'check' is not a leaf that a plan can use",
    "rehearse plan.json --skills home": "step 1: unknown skill 'pick' (allowed: home)",
    "rehearse bad.json": "bad.json is no JSON",
    "rehearse plan.json --scene nowhere": "unknown scene 'nowhere'",
}


@pytest.mark.parametrize(("line", "said"), USAGE.items())
def test_wrong_usage_is_said_plainly(there: Path, line: str, said: str) -> None:
    write(there, NEAR)
    (there / "bad.json").write_text("[", encoding="utf-8")
    code, out, err = call(line)
    assert code == 2, out
    assert said in err


ORDER_TREE = """\
knothole: 1
tree: order
root:
  plan: {instruction: "Make some order here.", form: tree, rehearse: auto, steps: $steps}
"""
FAR_TREE = {"sequence": [{"if": "Is there a mug?", "then": NEAR[0]}, {"retry": FAR[0], "times": 2}]}
EITHER = {"fallback": [FAR[0], {"sequence": [NEAR[0], {"see": "Is there a mug?", "expect": "no"}]}]}


def test_a_tree_that_fails_goes_back_with_its_node_and_the_next_one_is_accepted(there: Path) -> None:
    (there / "order.yaml").write_text(ORDER_TREE, encoding="utf-8")
    vlm = script(there, FAR_TREE, EITHER)
    result = run(vlm)
    assert result["status"] == "SUCCESS", result["reason"]
    first, second = (message.data for message in read_trace(there / "run.mcap").topic("/plans"))
    assert first["refused"] == [WHY.replace("step 1", "sequence[2]/retry")]
    assert (first["rehearsal"]["kind"], first["rehearsal"]["where"]) == ("physics", "sequence[2]/retry")
    assert (second["accepted"], second["rehearsal"]["finished"]) == (True, True)
    assert second["rehearsal"]["steps"][0].startswith("fallback[1]: pick blue cube: the hand cannot come down")


def test_a_run_is_the_same_with_and_without_a_rehearsal_of_a_tree(there: Path) -> None:
    (there / "order.yaml").write_text(ORDER_TREE, encoding="utf-8")
    vlm = script(there, EITHER)
    digests = {how: run(vlm, f"--rehearse {how}")["digest"] for how in ("never", "kinematic", "physics")}
    assert len(set(digests.values())) == 1, digests


ACHIEVE = """\
knothole: 1
tree: order
root:
  achieve: {{instruction: "Make some order here.", form: {form}, rehearse: kinematic, verify: body}}
"""


@pytest.mark.parametrize(
    ("form", "plans"),
    [("steps", [FAR, NEAR]), pytest.param("tree", [FAR_TREE, EITHER], marks=pytest.mark.long(minutes=0.2))],
)
def test_a_plan_grows_and_is_carried_out_after_it_was_tried(there: Path, form: str, plans: list[object]) -> None:
    (there / "order.yaml").write_text(ACHIEVE.format(form=form), encoding="utf-8")
    result = run(script(there, *plans))
    assert result["status"] == "SUCCESS", result["reason"]
    told = [message.data for message in read_trace(there / "run.mcap").topic("/plans")]
    assert [one["accepted"] for one in told] == [False, True]


def test_invariants_hold_in_a_rehearsal_and_nothing_of_it_is_the_runs(there: Path) -> None:
    (there / "rules.yaml").write_text(
        "knothole_invariants: 1\nrules:\n  - {never: pick, about: nothing is lifted here}\n", encoding="utf-8"
    )
    vlm = script(there, NEAR, [{"skill": "home", "args": {}}])
    result = run(vlm, "--rehearse kinematic --invariants rules.yaml")
    assert result["status"] == "SUCCESS", result["reason"]
    trace = read_trace(there / "run.mcap")
    first, second = (message.data for message in trace.topic("/plans"))
    assert "refused by " in first["refused"][0]
    assert (first["rehearsal"]["ok"], second["rehearsal"]["ok"]) == (False, True)
    assert list(trace.topic("/invariants")) == []


def test_the_command_tries_a_plan_that_is_a_tree(there: Path) -> None:
    write(there, EITHER)
    code, out, err = call("rehearse plan.json --scene far.yaml --how kinematic")
    assert code == 0, out + err
    lines = out.splitlines()
    assert lines[1].startswith("fallback[2]/sequence[1]: pick red cube: holds red cube, ")
    assert lines[2] == "fallback[2]/sequence[2]: see 'Is there a mug?': p(no) = 1.00"
    write(there, FAR_TREE)
    code, out, _ = call("rehearse plan.json --scene far.yaml --json")
    said = json.loads(out)
    assert (code, said["where"], said["step"]) == (1, "sequence[2]/retry", 2)
    write(there, {"sequence": [{"use": "far"}]})
    code, _, err = call("rehearse plan.json --scene far.yaml")
    assert code == 2
    assert "sequence[1]: unknown node 'use'" in err


def test_a_tree_of_skills_that_are_trees_is_tried_with_all_their_nodes(there: Path) -> None:
    (there / "show.yaml").write_text(SKILL, encoding="utf-8")
    shows = [{"skill": "show", "args": {"thing": thing}} for thing in ("blue cube", "red cube")]
    write(there, {"fallback": shows})
    code, out, err = call("rehearse plan.json --scene far.yaml --how kinematic --skills show")
    assert code == 0, out + err
    assert [line.split(":")[0] for line in out.splitlines()[:2]] == ["fallback[1]", "fallback[2]"]
