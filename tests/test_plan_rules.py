"""What is asked of a plan before it is accepted: things that are there, facts that hold, what may never be, a human."""

from __future__ import annotations

import json

import pytest

from knothole.app.humans.scripted_human import ScriptedHuman
from knothole.behaviors.means.effects import State, parse_fact
from knothole.behaviors.means.skills import DEFAULT_SKILLS, skills
from knothole.behaviors.planning.never import NeverError, read_never
from knothole.behaviors.planning.sayings import options_in
from knothole.behaviors.planning.symbolic import Thought
from knothole.behaviors.planning.telling import diff
from knothole.behaviors.planning.tree_form import tree_schema, tree_yaml
from knothole.behaviors.planning.yaml_text import document
from knothole.behaviors.rehearsing import RehearsalVerdict
from knothole.behaviors.step import FAILURE, SUCCESS, NodeFault
from knothole.tests.rig import Bench, region
from knothole.trees.loader import check_text
from knothole.vlm.decoding.grammar import json_grammar

ALLOWED = skills(DEFAULT_SKILLS)
PICK = {"skill": "pick", "args": {"object": "the red cube"}}
PLACE = {"skill": "place", "args": {"into": "the blue tray"}}
CAN = {"skill": "pick", "args": {"object": "the green can"}}


class Rig(Bench):
    """A bench that keeps what was asked and what went into the trace."""

    def __init__(self, answer: object, **script: object) -> None:
        robot = Bench().robot
        things = {f"the {name}": region(robot, name) for name in ("red cube", "blue tray", "green can", "yellow ball")}
        super().__init__({**things, "go": answer, **script, "*": []}, robot)
        self.asked: list[str] = []
        self.refused: list[tuple[str, ...]] = []
        self.told: list[dict[str, object]] = []
        self.broker.listener = self._heard
        self.context.emit = lambda channel, data: self.told.append(dict(data)) if channel == "plans" else None

    def _heard(self, event) -> None:
        if event.what == "asked" and event.ticket.question.kind == "plan":
            self.asked.append(event.ticket.question.context)
            self.refused.append(event.ticket.question.refused)

    def plan(self, instruction: str = "go", **ports: object):
        leaf = self.leaf("plan", instruction=instruction, **ports)
        return self.run(leaf), leaf.feedback_message


def test_a_plan_about_what_is_not_there_goes_back_with_its_words_and_another_is_asked_for():
    ghost = [{"skill": "pick", "args": {"object": "the black mug"}}]
    rig = Rig({"calls": [ghost, [PICK]]})
    status, why = rig.plan()
    assert (status, why) == (SUCCESS, "pick the red cube")
    assert rig.asked[1].endswith("The last plan was refused:\nnothing is found for 'the black mug'")
    assert rig.refused == [(), ('"the black mug"', json.dumps(ghost))]


def test_what_the_instruction_itself_names_is_not_replaced_by_another_thing():
    ghost = [{"skill": "pick", "args": {"object": "the black mug"}}]
    rig = Rig("", **{"take the black mug": ghost})
    status, why = rig.plan("take the black mug", attempts=2)
    assert (status, why) == (FAILURE, "no valid plan: nothing is found for 'the black mug'")
    assert rig.refused == [(), ()]


def test_words_that_fit_two_things_end_in_the_question_which():
    rig = Rig([{"skill": "pick", "args": {"object": "the thing"}}])
    boxes = [region(rig.robot, "red cube"), region(rig.robot, "green can")]
    rig = Rig([{"skill": "pick", "args": {"object": "the thing"}}], **{"the thing": boxes})
    leaf = rig.leaf("plan", instruction="go")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "Which thing: the red one or the green one?"
    assert rig.out("ask") == leaf.feedback_message
    assert rig.out("options") == ["the red one", "the green one"]
    assert len(rig.asked) == 2
    assert "could be any of several: the red one, the green one" in rig.asked[1]


def test_words_that_fit_two_things_may_stand_for_both_of_them():
    each = {"skill": "pick", "args": {"object": "the thing not in the tray"}}
    rig = Rig([])
    boxes = [region(rig.robot, "red cube"), region(rig.robot, "green can")]
    rig = Rig([each, PLACE, each, PLACE], **{"the thing not in the tray": boxes})
    assert rig.plan()[0] is SUCCESS


@pytest.mark.parametrize(
    ("never", "said"),
    [
        (["place"], "step 2: place is forbidden here"),
        (["inside(_, blue tray)"], "step 2: it may never be that something is in blue tray"),
        (["inside(_, the crate)"], "step 2: it may never be that something is in the crate"),
        (["inside(red cube, _)"], "step 2: it may never be that red cube is in something"),
        (["holding(the red cube)"], "step 1: it may never be that the hand holds the red cube"),
        (["not hand_empty"], "step 1: it may never be that the hand holds something"),
    ],
)
def test_what_may_never_happen_is_refused_in_whatever_words(never, said):
    rig = Rig([])
    rig = Rig(
        [PICK, PLACE], **{"the crate": region(rig.robot, "blue tray"), "blue tray": region(rig.robot, "blue tray")}
    )
    status, why = rig.plan(never=never, attempts=1)
    assert (status, why) == (FAILURE, f"no valid plan: {said}")
    assert f"Forbidden: {'no ' if never == ['place'] else 'not: '}" in rig.asked[0]


def test_what_is_forbidden_of_another_thing_is_no_matter():
    assert Rig([PICK, PLACE]).plan(never=["inside(_, green can)", "holding(green can)", "move_to"])[0] is SUCCESS


def test_a_text_that_forbids_nothing_is_a_fault_that_says_what_to_write():
    with pytest.raises(NodeFault, match="'plase' forbids nothing: it is no skill, and no fact"):
        Rig([PICK]).plan(never=["plase"])
    with pytest.raises(NeverError, match="did you mean:  inside"):
        read_never(["insid(a, b)"])


def test_the_start_is_what_the_hand_feels():
    rig = Rig([CAN])
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    assert rig.plan(attempts=1) == (
        FAILURE,
        "no valid plan: step 1: pick needs that the hand is empty, but the hand holds red cube",
    )
    assert "Now: the hand holds something; the hand holds red cube." in rig.asked[0]
    rig = Rig([PLACE])
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    assert rig.plan()[0] is SUCCESS


def test_either_way_of_a_tree_is_gone_through():
    thought = Thought(ALLOWED, State([parse_fact("hand_empty")]))
    one, other = thought.branch(), thought.branch()
    one.step("a", "pick", {"object": "can"})
    thought.join(one, other)
    assert thought.state.holds(parse_fact("hand_empty")) is None
    assert thought.state.held == ""


def test_what_was_tried_before_is_told_to_the_model():
    rig = Rig([PICK])
    tried = ["nothing worked", {"steps": [PICK, PLACE], "reason": "it slipped"}]
    assert rig.plan(tried=tried)[0] is SUCCESS
    assert rig.asked[0].endswith(
        "Tried before:\n- nothing worked\n- pick the red cube → place the blue tray: it slipped"
    )


def test_the_model_is_told_what_skills_need_and_bring_about():
    rig = Rig([PICK])
    rig.plan()
    assert (
        "place(object?, into?, onto?, at?): Put down what the hand holds: into a container, onto another thing, or at "
        "a point. Give exactly one of into, onto, at. Needs: the hand holds something, the hand holds object, nothing "
        "lies on onto. Then: the hand is empty, object is in into, object is on onto." in rig.asked[0]
    )


def test_a_plan_goes_into_the_trace_with_what_became_other():
    rig = Rig({"calls": [[PICK, PLACE], [CAN, PLACE]]})
    leaf = rig.leaf("plan", instruction="go")
    assert rig.run(leaf) is SUCCESS
    assert rig.run(leaf) is SUCCESS
    first, second = rig.told
    assert first["steps"] == [PICK, PLACE]
    assert (first["path"], first["attempt"], first["accepted"], first["refused"]) == ("plan", 1, True, None)
    assert (first["diff"], first["rehearsal"], first["confirmed_by"]) == ([], None, "")
    assert second["diff"] == [
        '-     - pick: {object: "the red cube"}',
        '+     - pick: {object: "the green can"}',
    ]
    assert json.dumps(rig.told)


def test_a_refused_plan_is_in_the_trace_with_why():
    rig = Rig({"calls": [[PLACE], [PICK]]})
    rig.plan()
    assert [one["accepted"] for one in rig.told] == [False, True]
    assert rig.told[0]["refused"] == ["step 1: place needs that the hand holds something, but the hand is empty"]


def ask(rig: Rig, **said: object) -> Rig:
    rig.context.human = ScriptedHuman({"*Shall I do this?*": said.get("says", ["yes"])})  # type: ignore[dict-item]
    return rig


def test_a_plan_is_shown_to_the_human_and_done_on_a_yes():
    rig = ask(Rig([PICK]))
    rig.context.outline = lambda text: "drawn"
    prompts = []
    asked = rig.context.human.ask
    rig.context.human.ask = lambda prompt, *more: (prompts.append(prompt), asked(prompt, *more))[1]
    assert rig.plan(confirm="ask")[0] is SUCCESS
    assert prompts == ["go\ndrawn\nShall I do this? (yes, or what is wrong)"]
    assert rig.told[0]["confirmed_by"] == "human"


def test_what_the_human_says_against_a_plan_goes_back_to_the_model():
    rig = ask(Rig({"calls": [[PICK], [CAN]]}), says=["No, the green one.", "ok"])
    assert rig.plan(confirm="ask") == (SUCCESS, "pick the green can")
    assert rig.asked[1].endswith("The last plan was refused:\nthe human refused the plan: No, the green one")


@pytest.mark.parametrize("said", ["Yes, please.", "yes, do it", "yeah", "OK!", "go ahead", "y"])
def test_a_plan_is_done_on_a_yes_in_whatever_words(said):
    assert ask(Rig([PICK]), says=[said]).plan(confirm="ask")[0] is SUCCESS


@pytest.mark.parametrize("said", ["yes, but into the bowl", "yes, the green one", "wait"])
def test_a_yes_with_more_to_it_goes_back_to_the_model(said):
    rig = ask(Rig({"calls": [[PICK], [CAN]]}), says=[said, "yes"])
    assert rig.plan(confirm="ask") == (SUCCESS, "pick the green can")
    assert rig.asked[1].endswith(f"the human refused the plan: {said}")


@pytest.mark.parametrize("said", ["stop", "Stop!"])
def test_a_stop_ends_the_planning(said):
    rig = ask(Rig([PICK]), says=[said, "yes"])
    assert rig.plan(confirm="ask") == (FAILURE, "the human said stop")
    assert len(rig.asked) == 1
    assert not rig.told[-1]["accepted"]


@pytest.mark.parametrize(("human", "why"), [(False, "nobody is there to confirm the plan"), (True, None)])
def test_a_plan_that_nobody_confirms_is_not_done(human, why):
    rig = Rig([PICK])
    if human:
        rig.context.human = ScriptedHuman({})
    assert rig.plan(confirm="ask", patience=1.0) == (FAILURE, why or "no human confirmed the plan in time")
    assert not rig.told[-1]["accepted"]


HALF = "\\ud83d"


@pytest.mark.parametrize(
    "answer",
    [f'[{{"skill": "say", "args": {{"text": "hi {HALF}"}}}}]', f'{{"ask": "{HALF}?"}}', f'{{"cannot": "No {HALF}."}}'],
    ids=["say", "ask", "cannot"],
)
def test_what_is_no_text_is_refused(answer):
    rig = Rig({"calls": [answer, [{"skill": "say", "args": {"text": "hi \U0001f600"}}]]})
    assert rig.plan() == (SUCCESS, "say hi \U0001f600")
    assert rig.asked[1].endswith("refused:\nthe answer has half a surrogate pair, which is no text")


def test_the_run_may_want_every_plan_to_be_confirmed():
    rig = Rig([PICK])
    rig.context.confirm = True
    assert rig.plan() == (FAILURE, "nobody is there to confirm the plan")


class Rehearsed:
    """Rehearses at once and says what it is told to say."""

    def __init__(self, *verdicts: RehearsalVerdict) -> None:
        self.verdicts, self.modes = list(verdicts), []

    def start(self, steps, allowed, mode="auto"):
        self.modes.append(mode)
        return self

    @property
    def verdict(self):
        return self.verdicts.pop(0)

    def drop(self) -> None:
        """Nothing to drop."""


def test_a_plan_that_fails_when_it_is_tried_goes_back_with_the_reason():
    rig = Rig({"calls": [[PICK, PLACE], [CAN, PLACE]]})
    bad = RehearsalVerdict(False, "it slips", 1, 3.0, "physics")
    rig.context.rehearsal = Rehearsed(bad, RehearsalVerdict(True, kind="physics"))
    assert rig.plan(rehearse="physics")[0] is SUCCESS
    assert rig.asked[1].endswith("The last plan was refused:\nstep 1 failed when it was tried: it slips")
    assert [one["rehearsal"]["ok"] for one in rig.told] == [False, True]


def test_where_nobody_can_try_a_plan_the_trace_says_so():
    rig = Rig([PICK])
    assert rig.plan(rehearse="auto")[0] is SUCCESS
    assert rig.told[0]["rehearsal"]["kind"] == "symbolic"
    assert rig.told[0]["rehearsal"]["reason"] == "nobody can try it here: it was gone through in thought"


def test_a_question_of_the_model_offers_its_options():
    rig = Rig({"ask": "Which cup: the red one, the blue one or the one in the bowl?"})
    assert rig.plan()[0] is FAILURE
    assert rig.out("options") == ["the red one", "the blue one", "the one in the bowl"]
    assert options_in("Which cup?") == ()


def test_a_halted_plan_waits_for_nothing():
    rig = Rig([PICK])
    leaf = rig.leaf("plan", instruction="go")
    rig.tick(leaf)
    rig.halt(leaf)
    assert rig.told == []


def test_a_tree_becomes_yaml_that_the_checker_takes():
    tree = {
        "sequence": [
            {"if": "Is there a cup?", "then": {"retry": PICK, "times": 3}, "else": {"skill": "home", "args": {}}},
            {"fallback": [{"see": "Is it $5?", "expect": "no"}, {"skill": "wait", "args": {"duration": 0.5}}]},
            {"skill": "move_to", "args": {"point": [0.5, -0.1, 0.3], "speed": 0.2}},
            {"skill": "close_gripper", "args": {"must_hold": True}},
        ]
    }
    text = document(tree_yaml(tree, ALLOWED), "planned", 'Do: it, "now" # at once')
    assert [str(problem) for problem in check_text(text) if problem.severity == "error"] == []
    decides = "accept: 0.5, reject: 0.49, on_unsure: failure"
    assert f'- see: {{question: "Is it $$5?", expect: "no", {decides}}}' in text
    assert "- move_to: {point: [0.5m, -0.1m, 0.3m], speed: 0.2}" in text
    assert "- wait: {duration: 0.5s}" in text


def test_the_schema_of_a_tree_can_be_enforced_while_a_model_writes():
    assert json_grammar(tree_schema(ALLOWED, 30))


def test_a_diff_tells_lines():
    assert diff("", "a\n") == []
    assert diff("a\nb\n", "a\nc\n") == ["- b", "+ c"]


def test_a_step_whose_needs_fail_when_it_is_due_is_not_begun():
    rig = Rig([])
    leaf = rig.leaf("run_step", step=PLACE)
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == (
        "the step cannot be run: place needs that the hand holds something, but the hand is empty"
    )
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    leaf = rig.leaf("run_step", step=CAN)
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.endswith("pick needs that the hand is empty, but the hand holds red cube")
    assert rig.robot.held == "red cube"


def test_a_question_back_that_cannot_be_one_is_refused():
    rig = Rig({"calls": [{"ask": "Which cube: the red one or the red one?"}, [PICK]]})
    assert rig.plan()[0] is SUCCESS
    assert "offers the same thing twice" in rig.asked[1]


WHICH = {"ask": "Which cube: the red one or the blue one?"}


def among(answer: object, *things: str, **script: object) -> Rig:
    """Return a rig in which the words "every cube" fit some things."""
    robot = Rig("").robot
    return Rig(answer, **{"every cube": [region(robot, name) for name in things], **script})


def test_a_question_back_that_offers_one_thing_twice_beside_another_offers_it_once():
    rig = Rig({"ask": "Which cup: the red one, the blue one or the red one?"})
    assert rig.plan()[0] is FAILURE
    assert rig.out("options") == ["the red one", "the blue one"]


def test_a_question_back_about_the_only_thing_there_is_needless():
    rig = among({"calls": [WHICH, [PICK]]}, "red cube")
    assert rig.plan() == (SUCCESS, "pick the red cube")
    assert rig.asked[1].endswith(f"the question {WHICH['ask']!r} is needless: only one cube is found")
    assert rig.refused[1] == ('"Which cube:', json.dumps(WHICH))


def test_a_reason_that_the_picture_contradicts_goes_back():
    reason = {"cannot": "There is no cube."}
    rig = among({"calls": [reason, [PICK]]}, "red cube")
    assert rig.plan() == (SUCCESS, "pick the red cube")
    assert rig.asked[1].endswith("cube is found")
    assert among(reason).plan() == (FAILURE, "There is no cube.")
    assert rig.plan(attempts=1)[0] is SUCCESS


def test_nothing_is_put_on_itself():
    onto = {"skill": "place", "args": {"onto": "the red cube"}}
    rig = Rig({"calls": [[PICK, onto], [PICK]]})
    assert rig.plan() == (SUCCESS, "pick the red cube")
    assert rig.asked[1].endswith("step 2: the red cube cannot be put on itself")


def test_a_question_back_names_what_is_there():
    rig = among(WHICH, "red cube", "green can", "yellow ball")
    assert rig.plan() == (FAILURE, "Which cube: the red one, the green one or the yellow one?")
    assert rig.out("ask") == "Which cube: the red one, the green one or the yellow one?"
    assert rig.out("options") == ["the red one", "the green one", "the yellow one"]


def test_a_question_back_leaves_out_what_the_instruction_names_beside():
    words, question = "Put the cube on the yellow ball", "Which cube: the red one or the green one?"
    rig = among("", "red cube", "yellow ball", "green can", **{words: {"ask": question}})
    assert rig.plan(words) == (FAILURE, question)


def test_a_plan_that_picks_one_of_several_by_itself_ends_in_the_question_which():
    names = "red cube", "green can"
    words = "Put the cube into the blue tray."
    rig = among("", *names, **{words: [PICK, PLACE]})
    assert rig.plan(words) == (FAILURE, "Which cube: the red one or the green one?")
    assert rig.asked[1].endswith("'the cube' could be any of several: the red one, the green one; say which, or ask")
    exact = "Put the red cube into the blue tray."
    rig = among("", *names, **{exact: [PICK, PLACE]})
    assert rig.plan(exact)[0] is SUCCESS


def test_of_a_question_with_enough_other_options_one_that_is_named_beside_is_dropped():
    words = "Put the cube on the yellow ball"
    names = ("red cube", "yellow ball", "green can")
    asked = "Which ball: the red one, the green one or the yellow one?"
    rig = Rig("")
    rig = Rig("", **{"every ball": [region(rig.robot, name) for name in names], words: {"ask": asked}})
    assert rig.plan(words) == (FAILURE, "Which ball: the red one or the green one?")


@pytest.mark.parametrize("answer", [WHICH, {"ask": "Shall I?"}], ids=str)
def test_a_question_back_about_nothing_that_is_found_stays_as_it_is(answer):
    assert Rig(answer).plan() == (FAILURE, answer["ask"])


def test_the_last_question_back_is_put_to_the_human_whatever_is_found():
    rig = among(WHICH, "red cube")
    assert rig.plan(attempts=2) == (FAILURE, WHICH["ask"])
    assert len(rig.asked) == 2
