"""The oracle: answers from truth, in the form every backend has, and a plain word where it has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from knothole.app.models.oracle import Oracle, open_oracle
from knothole.vlm.contract import BackendError, BackendOptions
from knothole.vlm.facts import FrameFacts, ObjectFact
from knothole.vlm.questions import Frame, Question

CUBE = ObjectFact("cube", "red", (0.2, 0.4, 0.3, 0.5), 1.0, 400, 0.9, (0.5, 0.0, 0.02), (0.05, 0.05, 0.05))
TRAY = ObjectFact("tray", "blue", (0.5, 0.5, 0.8, 0.7), 0.9, 3000, 0.9, (0.5, 0.25, 0.01), (0.3, 0.2, 0.025))
CAN = ObjectFact(
    "can", "green", (0.6, 0.5, 0.66, 0.6), 1.0, 500, 0.9, (0.5, 0.25, 0.05), (0.06, 0.06, 0.1), relation="in", support=1
)
FRAME = Frame("table#1", 0.5, np.zeros((4, 4, 3), np.uint8))


def oracle() -> Oracle:
    return Oracle(lambda frame: FrameFacts((CUBE, TRAY, CAN), robot_visible=True))


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("Is there a red cube?", 1.0),
        ("Is there a yellow cube?", 0.0),
        ("Is everything inside the blue tray?", 0.0),
        ("Is the green can in the blue tray?", 1.0),
        ("Is a hand inside the workspace?", 0.0),
    ],
)
def test_yes_no_is_certain(text: str, yes: float) -> None:
    (answer,) = oracle().ask(FRAME, [Question("yes_no", text)])
    assert (answer.problem, dict(answer.probabilities)) == ("", {"yes": yes, "no": 1.0 - yes})


def test_ground_gives_the_box_of_every_match_or_of_one() -> None:
    everything = Question("ground", "every loose object", all=True)
    one, none = Question("ground", "the blue tray"), Question("ground", "the purple mug")
    loose, tray, mug = oracle().ask(FRAME, [everything, one, none])
    assert [(r.label, r.box_xyxy) for r in loose.regions] == [("red cube", CUBE.box_xyxy)]
    assert [r.label for r in tray.regions] == ["blue tray"]
    assert (mug.regions, mug.problem) == ((), "")


def test_choice_and_description_come_from_the_same_truth() -> None:
    color = Question("choice", "What color is the cube?", choices=("green", "red"))
    words = Question("describe", "Describe the image.")
    chosen, said = oracle().ask(FRAME, [color, words])
    assert dict(chosen.probabilities) == {"green": 0.0, "red": 1.0}
    assert said.text == "A red cube and a green can in a blue tray."


@pytest.mark.parametrize(
    ("text", "choices", "chosen"),
    [
        ("Which one is in the blue tray: the red cube or the green can?", ("the red cube", "the green can"), 1),
        ("Which one is in the tray: the red cube or the green can?", ("green can", "red cube"), 0),
        ("Is the can upright or tipped over?", ("upright", "tipped over"), 0),
        ("Is the red cube left or right of the tray?", ("left", "right"), 0),
        ("What color is the cube: red, green or blue?", ("red", "green", "blue"), 0),
    ],
)
def test_a_question_that_names_its_answers_gets_one_of_them(text: str, choices: tuple[str, ...], chosen: int) -> None:
    (answer,) = oracle().ask(FRAME, [Question("choice", text, choices=choices)])
    assert answer.problem == ""
    assert [answer.p(choice) for choice in choices] == [float(k == chosen) for k in range(len(choices))]


def test_instructions_become_plans_questions_or_reasons() -> None:
    texts = ("Clean up the table.", "Put the red object on the can.", "Empty the bowl.", "Make coffee.")
    steps, onto, none, strange = oracle().ask(FRAME, [Question("plan", text) for text in texts])
    into_tray = {"skill": "place", "args": {"into": "the blue tray"}}
    assert steps.data == [{"skill": "pick", "args": {"object": "the red cube"}}, into_tray]
    assert onto.data == [steps.data[0], {"skill": "place", "args": {"onto": "the green can"}}]
    assert none.data == {"cannot": "There is no bowl."}
    assert none.text == '{"cannot":"There is no bowl."}'
    assert (strange.problem, strange.supported) == ("the oracle does not understand 'Make coffee.'", False)


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("Did the red cube move?", 1.0),
        ("Is the red cube where it was?", 0.0),
        ("Did the blue tray move?", 0.0),
        ("Did something appear?", 1.0),
        ("Was a green can added?", 1.0),
        ("Is the arrangement the same in both images?", 0.0),
        ("Is there a green can?", 1.0),
    ],
)
def test_two_pictures_are_compared_by_their_truth(text: str, yes: float) -> None:
    before = FrameFacts((replace(CUBE, xyz=(0.5, 0.1, 0.02)), TRAY))
    both = replace(FRAME, earlier=(Frame("table#0", 0.0, FRAME.rgb),))
    facts = {"table#0": before, "table#1": FrameFacts((CUBE, TRAY, CAN))}
    (answer,) = Oracle(lambda frame: facts[frame.id]).ask(both, [Question("yes_no", text)])
    assert (answer.problem, answer.p("yes")) == ("", yes)


def test_a_comparison_needs_two_pictures() -> None:
    (answer,) = oracle().ask(FRAME, [Question("yes_no", "Did anything move?")])
    assert answer.problem == "'Did anything move?' compares two pictures, but was asked about 1"
    assert not answer.supported


def test_what_it_does_not_understand_is_a_problem_and_no_guess() -> None:
    questions = [Question("yes_no", "Is the weather nice?"), Question("ground", "the meaning of life")]
    answers = oracle().ask(FRAME, questions)
    assert [a.problem for a in answers] == [f"the oracle does not understand {q.text!r}" for q in questions]
    assert [a.p("yes") for a in answers] == [0.0, 0.0]


def test_a_picture_older_than_the_world_has_no_answer() -> None:
    (answer,) = Oracle(lambda frame: None).ask(FRAME, [Question("yes_no", "Is there a red cube?")])
    assert answer.problem == "the world has changed since the picture was taken"


def test_without_a_simulated_world_it_says_what_to_do() -> None:
    with pytest.raises(BackendError) as caught:
        open_oracle(BackendOptions())
    assert str(caught.value) == (
        "the oracle needs a simulated world\n"
        "  why:  it answers from the truth of the simulator\n"
        "  fix:  use it with --robot panda, or choose another backend"
    )
