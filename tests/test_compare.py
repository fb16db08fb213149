"""Leaves over several pictures, ``photo``, ``compare``, ``watch``: what the model is shown, when, and what it costs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from knothole.behaviors.means.picture import Picture, PictureError, as_picture
from knothole.behaviors.step import FAILURE, SUCCESS, NodeFault
from knothole.robots.pose import Pose
from knothole.tests.rig import Bench
from knothole.vlm.broker import Broker
from knothole.vlm.questions import Frame
from knothole.vlm.runner import InLoop
from knothole.vlm.scripted import Scripted

MOVED, FELL = "Has anything moved?", "Did something fall?"


class Shown(Bench):
    """A bench that keeps the frames of all questions."""

    def __init__(self, script: dict[str, object], latency: float = 0.0) -> None:
        super().__init__(script, latency=latency)
        self.frames: list[Frame] = []
        self.questions: list[Any] = []
        self.broker.listener = self._heard

    def _heard(self, event: Any) -> None:
        if event.what == "asked":
            self.frames.append(event.frame)
            self.questions.append(event.ticket.question)

    def move(self, x: float = 0.55) -> None:
        self.robot.put("red cube", Pose((x, -0.05, 0.025)))


def test_a_photo_is_a_picture_of_this_moment():
    bench = Shown({})
    assert bench.run(bench.leaf("photo")) is SUCCESS
    picture = bench.out("image")
    assert isinstance(picture, Picture)
    assert (picture.id, picture.origin, str(picture)) == ("table#1", "camera table", "camera table (table#1)")
    assert np.array_equal(picture.rgb, bench.robot.capture("table").rgb)
    kept = picture.to_json()
    assert (kept["picture"], kept["width"], kept["height"]) == ("table#1", 128, 128)
    assert len(str(kept["sha256"])) == 16


@pytest.mark.parametrize(
    ("answer", "ports", "status"),
    [
        ("yes", {}, SUCCESS),
        ("no", {}, FAILURE),
        ("no", {"expect": "no"}, SUCCESS),
        (0.5, {"on_unsure": "failure"}, FAILURE),
        ({"problem": "one picture only"}, {"on_unsure": "failure"}, FAILURE),
    ],
    ids=str,
)
def test_compare_is_a_condition_on_two_pictures(answer, ports, status):
    bench = Shown({MOVED: answer})
    assert bench.run(bench.leaf("compare", **ports)) is status
    assert [len(frame.earlier) for frame in bench.frames] == [1]


def test_compare_with_an_entry_shows_it_before_the_present_picture():
    bench = Shown({MOVED: "yes"})
    assert bench.run(bench.leaf("photo")) is SUCCESS
    before = bench.out("image")
    bench.move()
    assert bench.run(bench.leaf("compare", to=before)) is SUCCESS
    (frame,) = bench.frames
    assert frame.earlier[0].id == "table#1"
    assert np.array_equal(frame.earlier[0].rgb, before.rgb)
    assert frame.id == "table#1+table#2"
    assert not np.array_equal(frame.rgb, before.rgb)


def test_compare_with_the_start_keeps_the_first_picture_of_the_run():
    bench = Shown({MOVED: {"calls": ["no", "yes"]}})
    leaf = bench.leaf("compare")
    assert bench.run(leaf) is FAILURE
    bench.move()
    assert bench.run(leaf) is SUCCESS
    assert [frame.earlier[0].id for frame in bench.frames] == ["table#1", "table#1"]


def test_compare_with_the_last_goes_on_from_picture_to_picture():
    bench = Shown({MOVED: "no"})
    leaf = bench.leaf("compare", to="last", expect="no", rate=5.0)
    bench.ticks(leaf, 20)
    pairs = [(frame.earlier[0].id, frame.id.rpartition("+")[2]) for frame in bench.frames]
    assert pairs[0] == ("table#1", "table#1")
    assert len(pairs) > 3
    assert all(old == new for (_, old), (new, _) in pairwise(pairs))


def test_compare_with_a_time_ago_waits_until_it_has_a_picture_of_it_and_moves_on():
    bench = Shown({MOVED: {"calls": ["no", "yes", "no"]}})
    leaf = bench.leaf("compare", to="1s", expect="no", max_age=0.5)
    assert bench.tick(leaf).name == "RUNNING"
    assert leaf.feedback_message == "keeping pictures: 0.0 of 1 s"
    statuses = bench.ticks(leaf, 30)
    assert statuses[:19] == ["R"] * 19
    assert set(statuses[22:]) == {"S"}
    assert bench.broker.counters.model_calls == 1
    bench.move()
    later = bench.ticks(leaf, 40)
    assert "F" in later, "it moved within the last second"
    assert later[-1] == "S", "and a second later it has not"
    for frame in bench.frames:
        assert frame.stamp - frame.earlier[0].stamp == pytest.approx(1.0, abs=0.25)


def test_no_time_ago_is_a_fault():
    bench = Shown({MOVED: "no"})
    with pytest.raises(NodeFault, match="'0s' is no time ago"):
        bench.tick(bench.leaf("compare", to="0s"))


def test_a_watch_against_the_start_costs_one_call_while_nothing_changes():
    bench = Shown({MOVED: "no"})
    leaf = bench.leaf("compare", expect="no", max_age=0.5)
    assert set(bench.ticks(leaf, 40)[1:]) == {"S"}
    assert bench.broker.counters.model_calls == 1
    bench.move()
    bench.ticks(leaf, 20)
    assert bench.broker.counters.model_calls == 2


def test_compare_with_a_file_reads_it_once_and_files_it(tmp_path: Path):
    rgb = np.full((20, 30, 3), 90, np.uint8)
    Image.fromarray(rgb).save(tmp_path / "goal.png")
    bench = Shown({"*": "yes"})
    leaf = bench.leaf("compare", question="Is it as in the first picture?", to=str(tmp_path / "goal.png"), max_age=0.3)
    bench.ticks(leaf, 3)
    bench.move()
    bench.ticks(leaf, 20)
    assert len(bench.frames) > 1
    assert {frame.earlier[0].id for frame in bench.frames} == {"file#1"}
    assert np.array_equal(bench.frames[0].earlier[0].rgb, rgb)
    assert bench.pictures.count("file#1") == 1


@pytest.mark.parametrize(
    ("content", "words"), [(None, "there is no picture file"), (b"no picture", "is no picture: cannot identify")]
)
def test_a_file_that_is_no_picture_is_a_fault_of_the_tree(tmp_path: Path, content: bytes | None, words: str):
    if content is not None:
        (tmp_path / "goal.png").write_bytes(content)
    bench = Shown({"*": "yes"})
    with pytest.raises(NodeFault, match=words):
        bench.tick(bench.leaf("compare", to=str(tmp_path / "goal.png")))


def test_an_entry_that_holds_no_picture_is_a_fault_of_the_tree():
    bench = Shown({"*": "yes"})
    with pytest.raises(NodeFault, match="3 is no picture"):
        bench.tick(bench.leaf("compare", to=3))
    with pytest.raises(PictureError, match="bind an entry that `photo` or `imagine` wrote"):
        as_picture("no")


def test_watch_shows_the_last_seconds_with_their_times():
    bench = Shown({FELL: "yes"})
    leaf = bench.leaf("watch", question=FELL, span=1.5, frames=4)
    assert bench.tick(leaf).name == "RUNNING"
    assert leaf.feedback_message == "watching: 0.0 of 1.5 s"
    assert bench.run(leaf) is SUCCESS
    (frame,) = bench.frames
    stamps = [each.stamp for each in (*frame.earlier, frame)]
    assert stamps == pytest.approx([0.0, 0.5, 1.0, 1.5])
    said = "The 4 pictures were taken 0.50 s after one another, the last one now."
    assert bench.questions[0].context == said
    assert len(set(bench.pictures)) == 4


def test_watch_does_not_ask_again_while_nothing_moves_and_does_when_it_did():
    bench = Shown({FELL: {"calls": ["no", "yes"]}})
    leaf = bench.leaf("watch", question=FELL, expect="no", span=1.0, frames=3, max_age=1.0)
    statuses = bench.ticks(leaf, 60)
    assert statuses[:20] == ["R"] * 20
    assert set(statuses[25:]) == {"S"}
    assert bench.broker.counters.model_calls == 1
    bench.move()
    assert "F" in bench.ticks(leaf, 30)
    moved = bench.frames[1]
    assert not np.array_equal(moved.earlier[0].rgb, moved.rgb)


def test_watch_begins_anew_after_a_gap():
    bench = Shown({FELL: "no"})
    leaf = bench.leaf("watch", question=FELL, expect="no", span=1.0, frames=3)
    bench.ticks(leaf, 15)
    bench.halt(leaf)
    bench.run(bench.leaf("wait", duration=5.0))
    since = bench.context.now
    assert bench.run(leaf) is SUCCESS
    assert bench.frames[0].earlier[0].stamp > since


def test_watch_that_is_sure_neither_way_asks_the_human_like_any_decision():
    bench = Shown({FELL: 0.5})
    leaf = bench.leaf("watch", question=FELL, span=0.2, frames=2, on_unsure="ask_human")
    assert set(bench.ticks(leaf, 10)) == {"R"}
    assert leaf.feedback_message == "unsure, and there is no human to ask: p(yes) = 0.50"


def test_a_question_that_waits_for_a_busy_backend_is_about_newer_pictures_and_keeps_the_other_one():
    bench = Shown({MOVED: "yes", "Is it dark?": "no"})
    runner: Any = InLoop(Scripted({MOVED: "yes", "Is it dark?": "no"}), latency=2.0)
    runner.concurrency = 1
    bench.broker = bench.context.broker = Broker(runner, stepped=True, listener=bench._heard)
    busy, leaf = bench.leaf("see", question="Is it dark?"), bench.leaf("compare")
    bench.tick(busy)
    for _ in range(24):
        bench.tick(leaf)
    asked = [f for f, q in zip(bench.frames, bench.questions, strict=True) if q.text == MOVED]
    assert len(asked) > 1, "the question was renewed"
    assert [frame.earlier[0].id for frame in asked] == [asked[0].earlier[0].id] * len(asked)
    assert asked[-1].stamp > asked[0].stamp
    bench.halt(leaf)
    assert bench.broker.pending == 1
