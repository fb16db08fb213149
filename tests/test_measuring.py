"""Measuring a backend: what counts as right, what it is confused with, and calibration of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole._base import KnotholeError
from knothole.app.models.measuring import CALIBRATION_SEEDS, calibrate, cleared, measure, paired, pictures
from knothole.app.models.training import HELD_OUT_SEEDS
from knothole.vlm.calibration import FEWEST, FEWEST_OF_KIND, Calibration, fit, topic
from knothole.vlm.contract import BackendError
from knothole.vlm.facts import UNSEEN_PAIRS, FrameFacts, ObjectFact
from knothole.vlm.language.grammar import Meaning, Thing, Verdict, judge, phrases
from knothole.vlm.measuring import ALL_YES_NO, UNSEEN, Tally, as_question, calibration_error, pairs, summaries
from knothole.vlm.questions import Answer, Question, Region
from knothole.vlm.qwen import plan_prompt
from knothole.vlm.training.export import random_checkpoint
from knothole.vlm.training.questions import Asked, kind_of

RED, BLUE = (0.1, 0.1, 0.3, 0.3), (0.5, 0.5, 0.7, 0.8)


def thing(shape: str, color: str, box: tuple[float, float, float, float]) -> ObjectFact:
    return ObjectFact(shape, color, box, 1.0, 900, 1.0, (0.5, box[0], 0.0), (0.05,) * 3)


FACTS = FrameFacts((thing("cube", "red", RED), thing("can", "blue", BLUE)))


def asked(meaning: Meaning) -> Asked:
    verdict = judge(meaning, FACTS)
    assert verdict is not None
    return Asked(kind_of(meaning, verdict), meaning, phrases(meaning)[0], verdict.text, verdict)


def said(*answers: tuple[Meaning, Answer]) -> Tally:
    tally = Tally()
    for meaning, answer in answers:
        tally.add(asked(meaning), answer, FACTS)
    return tally


def typed(yes: float, no: float) -> Answer:
    return Answer("yes_no", probabilities={"yes": yes, "no": no})


def boxes(*found: tuple[float, float, float, float]) -> Answer:
    return Answer("ground", regions=tuple(Region(box, "thing") for box in found))


IS_RED, IS_GREEN = (Meaning("exists", Thing(color, "cube")) for color in ("red", "green"))


def test_yes_and_no_count_alike_however_often_they_are_true() -> None:
    score = said(*[(IS_GREEN, typed(0.1, 0.9))] * 9, (IS_RED, typed(0.4, 0.5))).score()
    assert score.accuracy == 0.5
    assert score.n == 10
    assert score.confusion == {"no": {"no": 9}, "yes": {"no": 1}}
    assert score.unsure == 0.1
    assert score.iou is None


def test_an_answer_with_a_problem_is_wrong() -> None:
    score = said((IS_RED, Answer("yes_no", problem="unreadable"))).score()
    assert score.accuracy == 0
    assert score.confusion == {"yes": {"nothing": 1}}


@pytest.mark.parametrize(
    ("answer", "right", "word", "recall", "precision"),
    [
        (boxes(RED, BLUE), True, "2", 1.0, 1.0),
        (boxes(BLUE, RED), True, "2", 1.0, 1.0),
        (boxes(RED), False, "1", 0.5, 1.0),
        (boxes(RED, RED), False, "elsewhere", 0.5, 0.5),
        (boxes(RED, BLUE, (0.8, 0.8, 0.9, 0.9)), False, "3", 1.0, 2 / 3),
        (Answer("ground", problem="unreadable"), False, "unreadable", 0.0, None),
    ],
)
def test_a_grounding_is_right_with_one_box_for_each_thing(
    answer: Answer, right: bool, word: str, recall: float, precision: float | None
) -> None:
    score = said((Meaning("ground", Thing(every=True)), answer)).score()
    assert (score.accuracy, score.confusion) == (float(right), {"2": {word: 1}})
    assert (score.recall, score.precision) == (recall, precision)
    assert score.iou == pytest.approx(recall)
    assert score.center is None if recall == 0 else score.center == 0


def test_what_is_absent_gets_no_box() -> None:
    absent = Meaning("ground", Thing("green", "cube"))
    assert said((absent, boxes())).score().accuracy == 1
    score = said((absent, boxes(RED))).score()
    assert (score.accuracy, score.confusion, score.precision) == (0, {"0": {"1": 1}}, 0)


def test_how_far_a_box_is_off_is_told_in_pixels() -> None:
    shifted = tuple(v + 1 / 224 * (i % 2 == 0) for i, v in enumerate(RED))
    score = said((Meaning("ground", Thing("red", "cube")), boxes(shifted))).score()  # type: ignore[arg-type]
    assert score.center == pytest.approx(1.0)
    assert score.iou is not None
    assert 0.9 < score.iou < 1


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A red cube and a blue can.", "exact"),
        ("A blue can left of a Red cube.", "exact"),
        ("A red cube.", "missing"),
        ("A red cube, a blue can and a green ball.", "invented"),
        ("A red can and a blue can.", "missing and invented"),
        ("", "missing"),
    ],
)
def test_a_description_names_exactly_what_is_there(text: str, word: str) -> None:
    score = said((Meaning("describe"), Answer("describe", text=text))).score()
    assert score.confusion == {"exact": {word: 1}}
    assert score.accuracy == float(word == "exact")


def test_a_count_and_a_color_are_chosen_among_all() -> None:
    count = asked(Meaning("count", Thing()))
    assert as_question(count).choices[2] == count.answer == "2"
    color = asked(Meaning("attribute", Thing("", "cube"), word="color"))
    assert {"red", "blue"} < set(as_question(color).choices)
    score = said((count.meaning, Answer("choice", probabilities={"1": 0.6, "2": 0.3}))).score()
    assert (score.accuracy, score.confusion, score.unsure) == (0, {"2": {"1": 1}}, 1)


def test_pairs_left_out_of_training_are_counted_for_themselves() -> None:
    names = set(summaries(asked(Meaning("exists", Thing("orange", "mug"))), FACTS))
    assert {"exists", ALL_YES_NO, UNSEEN, "yes/no, table"} <= names
    assert UNSEEN not in set(summaries(asked(IS_RED), FACTS))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_error_is_a_share(bets: list[tuple[float, bool]]) -> None:
    assert 0 <= calibration_error(bets) <= 1


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    honest = [(0.8, True)] * 8 + [(0.8, False)] * 2
    assert calibration_error(honest) == pytest.approx(0)
    assert calibration_error([(0.9, False)] * 5) == pytest.approx(0.9)
    mixed = [*honest, *[(1.0, False)] * 10]
    assert calibration_error(mixed) == pytest.approx(0.5)


def test_boxes_are_matched_one_to_one_best_first() -> None:
    near = (0.12, 0.1, 0.32, 0.3)
    assert pairs([RED], [near, RED]) == [(0, 1)]
    assert sorted(pairs([RED, BLUE], [BLUE, near])) == [(0, 1), (1, 0)]
    assert pairs([RED], [BLUE]) == []


def test_a_topic_gets_a_temperature_of_its_own_once_it_has_enough_cases() -> None:
    left, right = (Question("yes_no", f"Is the red cube {side} of the blue can?") for side in ("left", "right"))
    assert [topic(q) for q in (left, right)] == ["yes_no/left", "yes_no/right"]
    assert topic(Question("yes_no", "Is it raining?")) == "yes_no"
    sure = {"yes": 0.97, "no": 0.03}
    cases = [(left, sure, "yes" if i % 3 else "no") for i in range(FEWEST)]
    cases += [(right, sure, "yes" if i % 30 else "no") for i in range(FEWEST)]
    found = fit(cases)
    assert set(found) == {"yes_no", "yes_no/left"}
    assert found["yes_no/left"] > found["yes_no"] > 1
    calibration = Calibration("m@1", "1", (1, 2), found)
    own, shared = (calibration.apply(question, sure)["yes"] for question in (left, right))
    assert own == pytest.approx(2 / 3, abs=0.01)
    assert own < shared < sure["yes"]


@pytest.mark.long(minutes=0.3)
def test_a_checkpoint_is_calibrated_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = random_checkpoint(tmp_path / "tiny")
    block = "[backends.embedded]\nfirewall = true\nconcurrency = 2\npatience = 20\n"
    (tmp_path / "knothole.toml").write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    file, answers = calibrate(f"embedded:{folder}", 20)
    kept = json.loads(file.read_text())
    assert file == folder / "calibration.json"
    assert answers > 30
    assert {"yes_no", "choice"} <= set(kept["temperature"])
    report = measure(f"embedded:{folder}", 2)
    assert report.model == kept["model"]
    assert {ALL_YES_NO, "hand", "ground every loose"} & set(report.scores)
    assert all(0 <= score.accuracy <= 1 for score in report.scores.values())
    told = str(report)
    assert all(kind in told for kind in report.scores)


def test_temperatures_are_not_fitted_to_a_handful_of_answers(tmp_path: Path) -> None:
    question, words = Question("choice", "How many cups are there?", ("1", "2")), {"1": 0.9, "2": 0.1}
    cases = [(question, words, "2" if i % 10 == 0 else "1") for i in range(FEWEST_OF_KIND)]
    assert fit(cases)["choice"] == pytest.approx(1.0, abs=0.05)
    with pytest.raises(BackendError, match="cannot be fitted to so few answers: 2 to choice\n  why:  each kind"):
        fit(cases[:2])
    with pytest.raises(BackendError, match="so few answers: none"):
        fit([])
    folder = random_checkpoint(tmp_path / "tiny")
    (folder / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BackendError, match="cannot be fitted to so few answers: 24 to yes_no"):
        calibrate(f"embedded:{folder}", 1)
    assert (folder / "calibration.json").read_text(encoding="utf-8") == "{}"


def test_only_a_checkpoint_can_be_calibrated() -> None:
    with pytest.raises(BackendError, match="backend 'oracle' has no weights here"):
        calibrate("oracle", 1)


@pytest.mark.long(minutes=0.2)
def test_a_calibration_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "tiny")
    (folder / "calibration.json").mkdir()
    with pytest.raises(KnotholeError, match=r"cannot be written: .*calibration\.json"):
        calibrate(f"embedded:{folder}", 20)


def test_pictures_show_what_is_asked_for() -> None:
    for _, facts in pictures(HELD_OUT_SEEDS, 6, ["pairs"]):
        assert {(o.color, o.shape) for o in facts.objects} & UNSEEN_PAIRS
    for _, facts in pictures(HELD_OUT_SEEDS, 6):
        assert not {(o.color, o.shape) for o in facts.objects} & UNSEEN_PAIRS


def test_pairs_of_pictures_are_of_one_camera_and_say_what_was_before() -> None:
    for unseen in ((), ("pairs",)):
        shown = list(paired(HELD_OUT_SEEDS, 5, unseen))
        assert len({frame.id for frame, _, _ in shown}) == 5
        for frame, facts, before in shown:
            assert [one.rgb.shape for one in frame.earlier] == [frame.rgb.shape]
            assert frame.digest() != frame.earlier[0].digest()
            assert len(facts.same) == len(facts.objects)
            assert max(facts.same, default=-1) < len(before.objects)
            names = {(o.color, o.shape) for o in (*facts.objects, *before.objects)}
            assert bool(names & UNSEEN_PAIRS) == bool(unseen)


def test_cleared_scenes_are_those_of_the_pictures_without_their_objects() -> None:
    for (before, full), (frame, facts) in zip(pictures(HELD_OUT_SEEDS, 4), cleared(HELD_OUT_SEEDS, 4), strict=True):
        assert frame.id == f"{before.id}, cleared"
        assert frame.digest() != before.digest()
        assert full.objects
        assert not facts.objects
        assert facts.setting == full.setting


def test_comparisons_count_among_all_yes_no_questions() -> None:
    report = measure("oracle", 12)
    compared = {"moved", "stayed", "same arrangement", "anything moved", "appeared", "disappeared"}
    assert len(compared & set(report.scores)) >= 4
    assert all(report.scores[kind].accuracy == 1.0 for kind in compared & set(report.scores))
    assert report.scores["table_empty"].confusion["yes"] == {"yes": 1}, "a scene was cleared to ask about it"
    shipped = measure("embedded", 4)
    assert not set(shipped.refused) & compared
    assert set(shipped.scores) & compared


def test_no_picture_is_both_for_fitting_and_for_measuring() -> None:
    (measured, _), (fitted, _) = (next(pictures(seed, 1)) for seed in (HELD_OUT_SEEDS, CALIBRATION_SEEDS))
    assert measured.id != fitted.id
    assert measured.digest() != fitted.digest()


def test_a_plan_counts_by_what_it_does_and_doubt_by_being_unsure() -> None:
    red, blue = (
        [{"skill": "pick", "args": {"object": f"the {name}"}}, {"skill": "place", "args": {"into": "the white tray"}}]
        for name in ("red cube", "blue can")
    )
    wanted = json.dumps(red + blue)
    plan = Asked("plan steps", Meaning("plan"), plan_prompt("Tidy up."), wanted, Verdict("plan", text=wanted))
    doubt = Asked("unsure word", Meaning("unsure"), "Is there a unicorn?", "Unsure", Verdict("unsure", text="Unsure"))
    assert as_question(plan) == Question("plan", "Tidy up.")
    assert as_question(doubt) == Question("yes_no", "Is there a unicorn?")
    tally = Tally()
    for data in (blue + red, red, {"ask": "Which?"}):
        tally.add(plan, Answer("plan", data=data), FACTS)
    tally.add(plan, Answer("plan", problem="no JSON"), FACTS)
    for answer in (typed(0.5, 0.3), typed(0.9, 0.0), Answer("yes_no", problem="unknown")):
        tally.add(doubt, answer, FACTS)
    assert tally.score().confusion == {
        "steps": {"steps": 1, "another": 1, "ask": 1, "unreadable": 1},
        "unsure": {"unsure": 2, "sure": 1},
    }
    assert not {ALL_YES_NO} & {*summaries(plan, FACTS), *summaries(doubt, FACTS)}


def test_a_question_that_names_its_answers_is_asked_as_a_choice() -> None:
    meaning = Meaning("which_color", Thing("", "cube"), choices=("green", "red"))
    one = asked(meaning)
    assert as_question(one) == Question("choice", "What color is the cube: green or red?", ("green", "red"))
    chances = Answer("choice", probabilities={"green": 0.1, "red": 0.9})
    assert said((meaning, chances)).score().accuracy == 1.0
