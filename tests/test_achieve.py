"""One node that plans, acts, looks whether it is so, and repairs."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from py_trees.common import Status

from knothole.app.recorded.replay import ReplayOptions, replay_run
from knothole.behaviors.acting.repairing import clarified
from knothole.behaviors.means.surroundings import Held
from knothole.behaviors.node import RUNNING, Leaf, behavior
from knothole.behaviors.ports import Port
from knothole.robots.kinematic import KinematicRobot
from knothole.tests.acting import Scene, scene, step
from knothole.trees.changing.checkpoint import Checkpoint
from knothole.trees.loader import check
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.why import explain
from knothole.vlm.language.planning import DONE
from knothole.vlm.local.written import said
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.scripted import Scripted

LOG: list[str] = []
FAILS: list[str] = []


@behavior("try_it")
class TryIt(Leaf):
    """Try something that works, or does not.

    Ports:
        what (in, text, main): What.

    Status:
        RUNNING: For two ticks.
        SUCCESS: It is not the first of those that fail.
        FAILURE: It is.

    Halt:
        Notes it.
    """

    effects = ("visible(what)",)
    ports = (Port("what", "text", "what", main=True),)

    def start(self) -> None:
        self.left = 2
        LOG.append(f"begins {self.get('what')}")

    def step(self) -> Status:
        self.left -= 1
        if self.left > 0:
            return self.running("trying")
        what = str(self.get("what"))
        LOG.append(f"ends {what}")
        if FAILS and FAILS[0] == what:
            FAILS.pop(0)
            return self.fail(f"{what} slipped")
        return self.succeed()

    def halt(self) -> None:
        LOG.append(f"halts {self.get('what')}")


@behavior("set_down")
class SetDown(Leaf):
    """Put something onto the table.

    Ports:
        what (in, text, main): What.

    Status:
        SUCCESS: It is there.

    Halt:
        Nothing to halt.
    """

    effects = ("on_table(what)",)
    ports = (Port("what", "text", "what", main=True),)

    def step(self) -> Status:
        LOG.append(f"sets {self.get('what')} down")
        return self.succeed()


@pytest.fixture(autouse=True)
def _clean() -> None:
    LOG.clear()
    FAILS.clear()


def go(ports: str = "", plans: object = None, **options: object) -> Scene:
    script = {"*": "yes", **(plans if isinstance(plans, dict) else {"do it": plans})}
    text = f"root:\n  achieve: {{instruction: do it, skills: [try_it, say, wait, home]{ports}}}\n"
    return scene(text, script, things="abcde", **options)


def steps(*names: str) -> list[dict[str, object]]:
    return [step("try_it", what=name) for name in names]


def test_a_plan_is_carried_out_step_by_step_below_the_node():
    made = go(plans=steps("a", "b"))
    result = made.run()
    assert (result.status, result.reason) == ("SUCCESS", "all steps are done")
    assert LOG == ["begins a", "ends a", "begins b", "ends b"]
    assert [path for path in made.statuses() if "/sequence/" in path] == [
        "t/achieve/sequence/try_it[1]",
        "t/achieve/sequence/verify[1]",
        "t/achieve/sequence/try_it[2]",
        "t/achieve/sequence/verify[2]",
    ]
    assert set(made.statuses().values()) == {"SUCCESS"}


def test_a_thing_with_commas_and_brackets_in_its_name_is_looked_at_too():
    name = "the red, shiny one (left)"
    text = "root:\n  achieve: {instruction: do it, skills: [try_it]}\n"
    made = scene(text, {"*": "yes", "do it": steps(name)}, things=[name])
    assert made.run().status == "SUCCESS"
    assert made.statuses()["t/achieve/sequence/verify"] == "SUCCESS"


def test_a_failure_leads_to_a_new_plan_that_knows_of_it():
    FAILS.append("b")
    made = go(plans={"do it": {"calls": [steps("a", "b", "c"), steps("b", "c")]}})
    asked = []
    made.loop.context.broker.listener = lambda event: (
        asked.append(event.ticket.question.context)
        if event.what == "asked" and event.ticket.question.kind == "plan"
        else None
    )
    result = made.run()
    assert (result.status, result.reason) == ("SUCCESS", "all steps are done, after 1 plan that failed")
    assert [line for line in LOG if line.startswith("begins")] == ["begins a", "begins b", "begins b", "begins c"]
    assert "step 2 (try it b) failed: b slipped" in asked[1]
    assert "done before that: try_it a" in asked[1]
    [repair] = [data for data in made.told("plans") if "repair" in data]
    assert (repair["repair"], repair["remaining"]) == (1, "try_it b → try_it c")
    assert repair["reason"] == "step 2 (try it b): b slipped"


def test_the_last_repair_ends_with_the_reason():
    FAILS.extend(["a", "b"])
    made = go(", repairs: 1", {"do it": {"calls": [steps("a"), steps("b")]}})
    result = made.run()
    assert (result.status, result.reason) == ("FAILURE", "step 1 (try it b): b slipped (after 1 repair)")


def test_the_same_plan_in_the_same_situation_ends_in_a_question_and_by_default_in_a_failure():
    FAILS.extend(["a"] * 9)
    result = go(plans=steps("a")).run()
    assert result.status == "FAILURE"
    assert result.reason == "step 1 (try it a): a slipped; the same plan would fail again, and there is no human to ask"
    assert LOG.count("begins a") == 1


@pytest.mark.parametrize(
    ("said", "status", "began"),
    [
        ("try again", "SUCCESS", ["a", "b", "a", "b"]),
        ("skip this step", "SUCCESS", ["a", "b"]),
        ("stop", "FAILURE", ["a"]),
        ([], "FAILURE", ["a"]),
    ],
    ids=["again", "skip", "stop", "silence"],
)
def test_a_human_says_how_to_get_out_of_a_loop(said, status, began):
    FAILS.append("a")
    human = {"The same plan failed*": [said] if isinstance(said, str) else said}
    made = go(", patience: 2s", steps("a", "b"), human=human)
    result = made.run()
    assert result.status == status
    begun = [line.removeprefix("begins ") for line in LOG if line.startswith("begins")]
    assert begun == {"try again": ["a", "a", "b"], "skip this step": ["a", "b"]}.get(str(said), ["a"])


def offered(made: Scene) -> list[object]:
    return [data["options"] for data in made.told("human") if data.get("options")]


def test_where_the_goal_alone_is_not_reached_there_is_no_step_to_skip():
    script = {"do it": steps("a"), "Is it done?": "no"}
    made = go(', done_when: "Is it done?"', script, human={"The same plan failed*": ["skip this step"]})
    result = made.run()
    assert (result.status, offered(made)) == ("FAILURE", [["try again", "stop"]])
    assert result.reason.endswith("the same plan would fail again, and 3 answers were none of the options")


def test_an_ambiguous_instruction_is_cleared_up_by_the_human():
    plans = {"do it": {"ask": "Which it: the red it or the blue it?"}, "do the red it": steps("a")}
    made = go(plans=plans, human={"Which it*": ["the red it"]})
    assert made.run().status == "SUCCESS"
    assert LOG == ["begins a", "ends a"]


@pytest.mark.parametrize(
    ("human", "why"),
    [
        (None, "there is no human to ask"),
        ({"Which it*": []}, "no answer within 1 s"),
        ({"Which it*": ["the green it"]}, "3 answers were none of the options"),
    ],
    ids=["absent", "silent", "wrong"],
)
def test_an_ambiguous_instruction_without_an_answer_fails_and_moves_nothing(human, why):
    made = go(", patience: 1s", {"do it": {"ask": "Which it: the red it or the blue it?"}}, human=human)
    result = made.run()
    assert result.status == "FAILURE"
    assert result.reason == f"the instruction is ambiguous, and {why}: Which it: the red it or the blue it?"
    assert LOG == []


def test_what_is_done_already_succeeds_and_what_cannot_be_done_fails():
    assert go(plans={"do it": {"cannot": DONE}}).run().reason == DONE
    assert go(plans={"do it": {"cannot": "That is done already"}}).run().status == "SUCCESS"
    result = go(plans={"do it": {"cannot": "There is no bowl."}}).run()
    assert (result.status, result.reason) == ("FAILURE", "There is no bowl.")


def test_a_camera_that_says_no_is_a_failure_that_names_both_witnesses():
    script = {"do it": steps("a"), "Is there an a in the image?": "no"}
    made = go(", verify: see, repairs: 0", script)
    result = made.run()
    assert result.status == "FAILURE"
    assert result.reason == (
        "step 1 (try it a): it should be that a can be seen; the robot feels nothing that speaks for or against it, "
        "but the camera says no: 'Is there an a in the image?': p(yes) = 0.00"
    )


def test_what_is_unsure_is_told_and_no_contradiction():
    made = go(", verify: see", {"do it": steps("a"), "Is there an a in the image?": 0.5})
    assert made.run().status == "SUCCESS"
    said = made.tree["t/achieve/sequence/verify"].node.feedback_message
    assert said == "unsure: 'Is there an a in the image?': p(yes) = 0.50"


def test_the_goal_is_confirmed_and_a_no_leads_to_a_repair():
    script = {"do it": {"calls": [steps("a"), steps("b")]}, "Is it done?": {"calls": ["no", "yes"]}}
    made = go(', done_when: "Is it done?"', script)
    result = made.run()
    assert (result.status, [line for line in LOG if "begins" in line]) == ("SUCCESS", ["begins a", "begins b"])
    assert "'Is it done?': p(yes) = 1.00" in result.reason


def test_what_is_left_is_done_until_the_model_says_that_nothing_is():
    script = {"do it": {"calls": [steps("a"), steps("b"), {"cannot": DONE}]}}
    made = go(", until_done: true", script)
    assert made.run().status == "SUCCESS"
    assert [line for line in LOG if "begins" in line] == ["begins a", "begins b"]


NONE_LEFT = {
    "done already": ({"cannot": DONE}, f"the model says: {DONE}"),
    "nothing left": ({"cannot": "Nothing is left to do."}, "the model says: Nothing is left to do."),
    "says that it is done": ([step("say", text=DONE)], f"the model says: {DONE}"),
    "only says something": (
        [step("say", text="All clean."), step("say", text="Bye.")],
        "the model says: All clean. Bye.",
    ),
    "the same again": (steps("a"), "the model would do the same again"),
    "a question": (
        {"ask": "Which it: the red it or the blue it?"},
        "about what is left the model asks: Which it: the red it or the blue it?",
    ),
    "no plan": ({"nothing": "at all"}, "whether anything is left is not known: no valid plan: "),
    "a plan that may not be run": ([step("dance")], "whether anything is left is not known: no valid plan: step 1: "),
    "no answer": (
        {"problem": "the server is gone"},
        "whether anything is left is not known: no valid plan: the server",
    ),
}


@pytest.mark.parametrize(("answer", "why"), NONE_LEFT.values(), ids=NONE_LEFT)
def test_whatever_is_said_of_what_is_left_a_success_stays_one(answer, why):
    script = {"do it": {"calls": [steps("a"), answer, steps("b")]}}
    made = go(", until_done: true", script, human={"*": ["the red it"]})
    result = made.run()
    assert result.status == "SUCCESS"
    assert result.reason.startswith(f"all steps are done; {why}")
    assert [line for line in LOG if "begins" in line] == ["begins a"]
    assert (made.said, made.told("human")) == ([], [])


def test_a_proposal_tells_no_failure_of_a_plan_that_worked(tmp_path):
    FAILS.append("b")
    script = {"do it": {"calls": [steps("b"), steps("a"), steps("c"), {"cannot": DONE}]}}
    go(", until_done: true", script, proposals=tmp_path).run()
    [file] = tmp_path.iterdir()
    assert file.read_text().count("failed here") == 1


def test_a_plan_that_only_says_something_leaves_nothing_to_ask_for():
    made = go(", until_done: true", {"do it": [step("say", text=DONE)]})
    assert (made.run().status, made.said, len(made.told("plans"))) == ("SUCCESS", [DONE], 1)


def test_a_plan_for_what_is_left_that_failed_before_is_no_question_to_a_human():
    FAILS.append("b")
    script = {"do it": {"calls": [steps("b"), steps("a"), steps("b")]}}
    made = go(", until_done: true", script, human={"*": ["stop"]})
    result = made.run()
    assert (result.status, made.told("human")) == ("SUCCESS", [])
    assert "what the model would do next has failed before" in result.reason


def test_what_is_left_and_fails_is_a_failure():
    FAILS.append("b")
    made = go(", until_done: true, repairs: 1", {"do it": {"calls": [steps("a"), steps("b")]}})
    result = made.run()
    assert (result.status, result.reason) == ("FAILURE", "step 1 (try it b): b slipped (after 1 repair)")


def test_the_model_is_told_what_was_done_and_how_to_say_that_nothing_is_left():
    made = go(", until_done: true", {"do it": {"calls": [steps("a"), {"cannot": DONE}]}})
    asked = []
    made.loop.context.broker.listener = lambda event: (
        asked.append(event.ticket.question) if event.what == "asked" and event.ticket.question.kind == "plan" else None
    )
    made.run()
    how = 'Where nothing is left to do, answer {"cannot": "That is done already."}.'
    assert [question.context.endswith(how) for question in asked] == [True, True]
    assert "Done so far: try_it a. Plan only what is left of the instruction." in asked[1].context
    assert {question.text for question in asked} == {"do it"}


PICK, INTO = step("pick", object="the red cube"), step("place", into="the red bowl")
UNDONE = {
    "put down": ([PICK], [INTO], "red cube"),
    "let go": ([PICK], [step("open_gripper")], "red cube"),
}


@pytest.mark.parametrize(("first", "then", "held"), UNDONE.values(), ids=UNDONE)
def test_what_was_done_is_not_undone_by_a_plan_for_what_is_left(first, then, held):
    text = "root:\n  achieve: {instruction: do it, verify: none, until_done: true}\n"
    script = {"do it": {"calls": [first, then]}, "*": []}
    made = scene(text, script, things=["the red cube"], bowls=["the red bowl"])
    result = made.run()
    assert (result.status, made.loop.context.robot.held) == ("SUCCESS", held)
    assert result.reason.startswith("all steps are done; what the model would do next ")
    assert sum(data.get("accepted") is True for data in made.told("plans")) == 2


def set_down(*then: dict[str, object], **more: object) -> Scene:
    text = "root:\n  achieve: {instruction: do it, skills: [set_down, try_it], verify: none, until_done: true}\n"
    first = step("set_down", what="a")
    return scene(text, {"do it": {"calls": [[first], *more.values(), [first, *then]]}, "*": []}, things="abc")


def test_what_was_moved_is_not_moved_again():
    made = set_down(*steps("b"))
    result = made.run()
    assert (result.status, LOG) == ("SUCCESS", ["sets a down"])
    assert result.reason == "all steps are done; what the model would do next moves a again"


def test_neither_is_it_by_the_repair_of_what_was_left():
    FAILS.append("b")
    made = set_down(*steps("c"), left=steps("b"))
    result = made.run()
    assert (result.status, LOG) == ("FAILURE", ["sets a down", "begins b", "ends b"])
    assert result.reason == "the plan moves a again (after 3 repairs)"


def test_what_is_left_may_be_a_tree():
    plans = [{"sequence": steps("a")}, {"sequence": steps("b")}, {"cannot": DONE}]
    made = go(", until_done: true, form: tree", {"do it": {"calls": plans}})
    assert made.run().status == "SUCCESS"
    assert [line for line in LOG if "begins" in line] == ["begins a", "begins b"]


def test_halting_halts_the_step_that_runs():
    text = "root:\n  sequence:\n    - achieve: {instruction: do it, skills: [wait]}\n      timeout: 1s\n"
    made = scene(text, {"do it": [step("wait", duration=5.0)]})
    result = made.run()
    assert result.status == "FAILURE"
    assert made.statuses()["t/sequence/achieve/sequence/wait"] == "INVALID"


def test_a_repaired_plan_is_proposed_as_a_tree_that_checks(tmp_path):
    FAILS.append("b")
    made = go(plans={"do it": {"calls": [steps("a", "b"), steps("b", "c")]}}, proposals=tmp_path / "p")
    result = made.run()
    [file] = (tmp_path / "p").iterdir()
    assert result.reason.endswith(f"; proposed as {file}")
    text = file.read_text()
    assert text.startswith("# proposed by knothole: what carried out 'do it' in the end\n")
    assert "# plan 1 failed here: step 2 (try it b): b slipped" in text
    assert "# so that a can be seen" in text
    assert [p for p in check(file) if p.severity == "error"] == []
    assert [line.strip() for line in text.splitlines() if "- try_it" in line] == [
        '- try_it: {what: "a"}',
        '- try_it: {what: "b"}',
        '- try_it: {what: "c"}',
    ]


@pytest.mark.parametrize("then", [{"cannot": DONE}, steps("a")], ids=["done already", "skipped"])
def test_nothing_is_proposed_where_no_step_worked(tmp_path, then):
    FAILS.append("a")
    plans = {"do it": {"calls": [steps("a"), then]}}
    made = go(plans=plans, proposals=tmp_path / "p", human={"The same plan failed*": ["skip this step"]})
    result = made.run()
    assert (result.status, "proposed" in result.reason) == ("SUCCESS", False)
    assert list(tmp_path.rglob("*.yaml")) == []


def test_a_proposal_never_replaces_a_file(tmp_path):
    (tmp_path / "t_achieve.yaml").write_text("mine\n")
    for _ in range(2):
        FAILS.append("a")
        go(plans={"do it": {"calls": [steps("a"), steps("b")]}}, proposals=tmp_path).run()
    assert (tmp_path / "t_achieve.yaml").read_text() == "mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "t_achieve-2.yaml",
        "t_achieve-3.yaml",
        "t_achieve.yaml",
    ]


@pytest.mark.parametrize("name", ["../up.yaml", "/tmp/up.yaml", "a/b.yaml", ".hidden"])
def test_a_proposal_cannot_leave_its_folder(tmp_path, name):
    FAILS.append("a")
    folder = tmp_path / "p"
    made = go(f", proposal: {name}", {"do it": {"calls": [steps("a"), steps("b")]}}, proposals=folder)
    result = made.run()
    assert result.status == "SUCCESS"
    assert "the proposal was not written" in result.reason
    assert not list(tmp_path.rglob("*.yaml"))


def test_why_tells_the_plans_the_step_that_failed_and_the_repair(tmp_path):
    FAILS.extend(["b", "c"])
    made = go(", repairs: 1", {"do it": {"calls": [steps("a", "b"), steps("c")]}}, trace=tmp_path / "t.mcap")
    made.run()
    told = explain(read_trace(tmp_path / "t.mcap"))
    assert told.links[-1].path == "t/achieve/sequence/try_it"
    assert [line.partition("  ")[2] for line in told.story] == [
        "t/achieve plans: try_it a → try_it b",
        "t/achieve repairs for the first time: step 2 (try it b): b slipped; left to do: try_it b",
        "t/achieve plans: try_it c",
    ]
    assert "\nwhat was planned:\n    tick 5  t/achieve plans: try_it a → try_it b\n" in str(told)


@pytest.mark.parametrize("seed", range(8))
def test_random_plans_with_random_failures_leave_nothing_running(seed):
    rng = random.Random(seed)
    names = "abcde"
    plans = [steps(*rng.sample(names, rng.randint(1, 4))) for _ in range(6)]
    FAILS.extend(rng.choice(names) for _ in range(rng.randint(0, 5)))
    made = go(", repairs: 4", {"do it": {"calls": plans}})
    limit = rng.randint(3, 60)
    with made.loop as loop:
        while loop.tree.root.status in (Status.INVALID, RUNNING) and loop.context.tick < limit:
            loop.tick()
    assert "RUNNING" not in made.statuses().values()
    begun = sum(line.startswith("begins") for line in LOG)
    assert begun == sum(line.startswith(("ends", "halts")) for line in LOG)


@pytest.mark.parametrize(
    ("instruction", "question", "answer", "then"),
    [
        ("Put a cube away.", "Which cube: the red cube or the blue cube?", "the blue cube", "Put the blue cube away."),
        ("Bring me the cup", "Which cup?", "the left one", "Bring me the left cup"),
        ("Tidy up.", "Where to?", "into the tray", "Tidy up. I mean into the tray."),
        ("Tidy up", "Where to?", "Into the tray.", "Tidy up. I mean Into the tray."),
        ("Put the cube away.", "Which cube?", "the red one.", "Put the red cube away."),
    ],
    ids=["a", "one", "other", "without a dot", "with a dot"],
)
def test_an_answer_goes_into_the_instruction(instruction, question, answer, then):
    assert clarified(instruction, question, answer) == then


def test_a_run_with_a_repair_is_replayed_bit_for_bit(tmp_path):
    FAILS.append("b")
    trace = tmp_path / "t.mcap"
    go(plans={"do it": {"calls": [steps("a", "b"), steps("b", "c")]}}, trace=trace).run()
    report = replay_run(ReplayOptions(trace))
    assert (report.difference, report.stopped, report.digest) == (None, None, report.recorded)


def test_a_run_that_is_resumed_plans_anew(tmp_path):
    trace = tmp_path / "t.mcap"
    first = go(plans=steps("a", "b", "c"), trace=trace)
    with first.loop as loop:
        while LOG[-1:] != ["begins b"]:
            loop.tick()
    LOG.clear()
    again = go(plans=steps("b", "c"), resume=Checkpoint.of(read_trace(trace)))
    assert "t/achieve" in again.loop.anew
    assert again.run().status == "SUCCESS"
    assert LOG == ["begins b", "ends b", "begins c", "ends c"]


GREET = """knothole: 1
tree: welcome
about: Greet somebody.
skill: {about: "Greet somebody.", effects: ["visible(who)"]}
inputs:
  who: {type: text, about: "whom"}
root:
  sequence:
    - say: "hello ${who}"
    - wait: 200ms
"""


def test_a_tree_is_a_skill_and_grows_with_all_its_nodes(tmp_path):
    (tmp_path / "welcome.yaml").write_text(GREET)
    made = scene(
        "root:\n  achieve: {instruction: do it, skills: [welcome]}\n",
        {"do it": [step("welcome", who="Ann's $5 cat")], "*": "yes"},
        search=[tmp_path],
        things=["Ann's $5 cat"],
    )
    assert made.run().status == "SUCCESS"
    assert made.said == ["hello Ann's $5 cat"]
    assert made.statuses()["t/achieve/sequence/use/welcome/sequence/wait"] == "SUCCESS"


def test_a_step_alone_can_be_a_tree(tmp_path):
    (tmp_path / "welcome.yaml").write_text(GREET)
    made = scene(
        "params: {step: {skill: welcome, args: {who: Bob}}}\n"
        "root:\n  run_step: {step: $step, skills: [welcome, wait], verify: see}\n",
        {"Is there a bob in the image?": "no"},
        search=[tmp_path],
    )
    result = made.run()
    assert made.said == ["hello Bob"]
    assert made.statuses()["t/run_step/sequence/use/welcome/sequence"] == "SUCCESS"
    assert result.reason.endswith("but the camera says no: 'Is there a bob in the image?': p(yes) = 0.00")


def test_a_plan_that_is_a_tree_keeps_what_has_succeeded(tmp_path):
    FAILS.append("b")
    first = {"sequence": [step("try_it", what="a"), {"fallback": [step("try_it", what="b")]}]}
    then = {"sequence": [step("try_it", what="a"), {"fallback": [step("try_it", what="c"), step("try_it", what="b")]}]}
    plans, trace = {"do it": {"calls": [json.dumps(first), json.dumps(then)]}}, tmp_path / "t.mcap"
    made = go(", form: tree, verify: see", plans, trace=trace)
    assert made.run().status == "SUCCESS"
    assert [line for line in LOG if "begins" in line] == ["begins a", "begins b", "begins c"]
    assert "t/achieve/sequence/sequence/sequence/verify" in made.statuses()
    report = replay_run(ReplayOptions(trace))
    assert (report.difference, report.stopped, report.digest) == (None, None, report.recorded)


class Fenced(Scripted):
    """A model that writes its plans as many do: in a fence."""

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        answers = super().ask(frame, questions)
        return [
            said(question, f"```json\n{answer.text}\n```", True) if question.kind == "plan" else answer
            for question, answer in zip(questions, answers, strict=True)
        ]


@pytest.mark.parametrize(("form", "plan"), [("steps", steps("a")), ("tree", {"sequence": steps("a")})])
def test_a_plan_in_a_fence_is_run(form, plan):
    made = go(f", form: {form}", {"do it": plan}, model=Fenced)
    result = made.run()
    assert (result.status, LOG) == ("SUCCESS", ["begins a", "ends a"])


@behavior("snatch")
class Snatch(Leaf):
    """Let the hand be full although no skill says so: somebody puts the cube between its fingers.

    Status:
        RUNNING: The fingers close.
        SUCCESS: They hold it.

    Halt:
        Nothing to halt.
    """

    def start(self) -> None:
        robot = self.context.robot
        assert isinstance(robot, KinematicRobot)
        robot.put("red cube", robot.state().world_from_tcp)
        robot.move_gripper(0.0)

    def step(self) -> Status:
        return self.succeed() if self.context.robot.state().holding else self.running("closing")


@behavior("wave")
class Wave(Leaf):
    """Do something with an empty hand.

    Ports:
        what (in, text, main): What.

    Status:
        SUCCESS: Done.

    Halt:
        Nothing to halt.
    """

    needs = ("hand_empty",)
    ports = (Port("what", "text", "what", main=True),)

    def step(self) -> Status:
        LOG.append(f"waves {self.get('what')} {'full' if self.context.robot.state().holding else 'empty'}")
        return self.succeed()


SNATCHED = [step("wave", what="a"), step("snatch"), step("wave", what="b")]


@pytest.mark.parametrize("form", ["steps", "tree"])
def test_a_step_whose_need_is_known_to_be_untrue_is_never_begun_but_repaired(form):
    first, second = (plan if form == "steps" else {"sequence": plan} for plan in (SNATCHED, [step("wave", what="c")]))
    text = (
        "root:\n  achieve: {instruction: do it, skills: [wave, snatch, open_gripper], verify: none,"
        f" form: {form}, repairs: 1}}\n"
    )
    made = scene(text, {"do it": {"calls": [first, second]}, "*": "yes"}, things=["red cube"])
    result = made.run()
    assert LOG == ["waves a empty", "waves c empty"]  # the hand was emptied before the second plan
    assert (result.status, result.reason) == ("SUCCESS", "all steps are done, after 1 plan that failed")
    [repair] = [data for data in made.told("plans") if "repair" in data]
    assert str(repair["reason"]).endswith("it needs that the hand is empty, but the hand holds something")
    assert str(repair["reason"]).startswith("step 3 (wave b): " if form == "steps" else "it needs that ")
    assert repair["done"] == (2 if form == "steps" else 0)


TREE = {"sequence": [*steps("a"), {"if": "Is it big?", "then": step("try_it", what="c"), "else": steps("d")[0]}]}


def test_of_a_tree_no_step_is_blamed_that_may_not_have_failed():
    FAILS.extend(["c", "c"])
    made = go(", form: tree, repairs: 1", {"do it": {"calls": [TREE, {"sequence": [TREE, *steps("e")]}]}})
    asked = []
    made.loop.context.broker.listener = lambda event: (
        asked.append(event.ticket.question.context)
        if event.what == "asked" and event.ticket.question.kind == "plan"
        else None
    )
    result = made.run()
    assert result.reason == "c slipped (after 1 repair)"
    assert "Tried before:\n- try_it a → try_it c → try_it d: c slipped\n" in asked[1]
    [repair] = [data for data in made.told("plans") if "repair" in data]
    assert (repair["reason"], repair["remaining"]) == ("c slipped", "")


def test_no_step_of_a_tree_can_be_skipped():
    FAILS.append("a")
    made = go(", form: tree", {"do it": TREE}, human={"The same plan failed*": ["try again"]})
    assert made.run().status == "SUCCESS"
    assert offered(made) == [["try again", "stop"]]
    assert [line for line in LOG if "begins" in line] == ["begins a", "begins a", "begins c"]


def test_a_need_that_nobody_can_know_of_stops_nothing():
    made = scene("root:\n  needs: {facts: [visible(cup), clear(cup), not holding(cup), hand_empty]}\n")
    assert made.run().status == "SUCCESS"
    made = scene("root:\n  needs: {facts: [not hand_empty]}\n")
    result = made.run()
    assert (result.status, result.reason) == (
        "FAILURE",
        "it needs that the hand holds something, but the hand is empty",
    )


HOLDS = [
    ("red cube", "the red cube", ""),
    ("cube", "the red cube", ""),
    ("the scarlet thing", "the red cube", ""),
    ("red cube", "my favourite", ""),
    ("red cube", "the green can", "it needs that the hand holds the green can, but the hand holds red cube"),
]


@pytest.mark.parametrize(("label", "words", "why"), HOLDS)
def test_what_is_held_may_have_another_name_but_is_no_other_thing(label, words, why):
    made = scene(f'root:\n  sequence:\n    - snatch\n    - needs: {{facts: ["holding({words})"]}}\n')
    held = Held.unknown(0.05, made.loop.context.robot.state().world_from_tcp)
    made.loop.context.notes["held"] = replace(held, label=label)
    result = made.run()
    assert (result.status, result.reason) == (("FAILURE", why) if why else ("SUCCESS", ""))
