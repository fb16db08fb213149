"""Steps whose arguments fit their ports and are wrong all the same go back to the planner, and are no fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from knothole.behaviors.means.skills import skills, step_mistakes
from knothole.behaviors.step import FAILURE
from knothole.tests.rig import Bench
from knothole.trees.tracing.trace import read_trace

TREE = """\
knothole: 1
tree: order
root:
  sequence:
    - plan: {instruction: "Be careful.", skills: [listen, clear_of, say], steps: $steps}
    - for_each:
        item: $step
        in: $steps
        child:
          run_step: {step: $step, skills: [listen, clear_of, say], verify: none}
"""
HAND = (
    "argument 'alarms' of clear_of: there is no alarm 'hnad'; did you mean:  hand; "
    "fix:  write one of hand, person, falling, stop_word, or a yes/no question that ends with a question mark"
)
AGO = "argument 'to' of compare must be start, last, or how long ago, such as 5s: a plan reads no files"
LISTENS = "argument 'expect' of listen must be instruction or anything"
WRONG = [
    ("clear_of", {"alarms": "hnad"}, HAND),
    ("listen", {"expect": "whatever"}, LISTENS),
    ("listen", {"from": "/etc/passwd"}, "argument 'from' of listen must be microphone: a plan reads no files"),
    ("compare", {"to": "secret.png"}, AGO),
    ("compare", {"to": "0s"}, AGO),
    ("see", {"question": "Is it?", "accept": 0.2, "reject": 0.9}, "reject (0.9) must be below accept (0.2)"),
    ("watch", {"question": "Is it?", "accept": 0.1}, "reject (0.2) must be below accept (0.1)"),
    ("imagine", {}, "imagine takes exactly one of prompt, object, not none"),
]


@pytest.mark.parametrize(("name", "args", "said"), WRONG)
def test_a_wrong_step_is_told_what_is_wrong(name: str, args: dict[str, object], said: str) -> None:
    assert step_mistakes({"skill": name, "args": args}, skills([name])) == [said]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("clear_of", {"alarms": "hand, stop_word"}),
        ("clear_of", {"alarms": "Is a cat near?"}),
        ("listen", {}),
        ("listen", {"from": "microphone", "expect": "anything"}),
        ("compare", {"to": "5s"}),
        ("see", {"question": "Is it?"}),
        ("imagine", {"prompt": "a red cube"}),
    ],
)
def test_a_right_step_is_accepted(name: str, args: dict[str, object]) -> None:
    assert step_mistakes({"skill": name, "args": args}, skills([name])) == []


def test_a_wrong_plan_goes_back_with_the_message_and_the_next_one_is_run(
    tmp_path: Path, knothole: Callable[..., CompletedProcess[str]]
) -> None:
    plans = [
        [{"skill": "clear_of", "args": {"alarms": "hnad"}}],
        [{"skill": "listen", "args": {"expect": "whatever"}}],
        [{"skill": "say", "args": {"text": "I am careful."}}],
    ]
    (tmp_path / "order.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "script.yaml").write_text(json.dumps({"Be careful.": {"plan": {"calls": plans}}}), encoding="utf-8")
    done = knothole("run", "order.yaml", "--vlm", "scripted:script.yaml", "--robot", "kinematic", "--trace", "run.mcap")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "robot: I am careful." in done.stdout
    refused = [message.data["refused"] for message in read_trace(tmp_path / "run.mcap").topic("/plans")]
    assert refused[:2] == [[f"step 1: {HAND}"], [f"step 1: {LISTENS}"]]


@pytest.mark.parametrize("leaf", ["plan", "achieve"])
def test_without_an_instruction_nothing_is_planned_and_the_reason_says_so(leaf: str) -> None:
    rig = Bench({"*": "no"})
    planner = rig.leaf(leaf, instruction=" ")
    assert rig.run(planner) is FAILURE
    assert "there is no instruction" in planner.feedback_message
