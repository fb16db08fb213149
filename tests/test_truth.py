"""Truth crosses from the simulator to the words of questions, and the oracle's pictures are those of the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from knothole.app.models.oracle import Oracle
from knothole.app.models.truth import SceneTruth
from knothole.behaviors.context import as_question_frame
from knothole.sim.draw import load_scene
from knothole.sim.panda import PandaSim
from knothole.sim.world import World
from knothole.vlm.questions import Frame, Question


@pytest.mark.parametrize("camera", ["table", "wrist"])
def test_boxes_of_truth_lie_on_the_pixels_of_the_picture(camera: str) -> None:
    with World(load_scene("tidy_table", 3)) as world:
        robot = PandaSim(world)
        truth = SceneTruth(world, robot)
        frame = robot.capture(camera)
        truth.saw(frame)
        found = truth(as_question_frame(frame))
    assert found is not None
    assert [o.name for o in found.objects] == [body.spec.name for body in world.objects]
    tray = next(o for o in found.objects if o.shape == "tray")
    assert tray.color == "blue"
    if tray.pixels > 500:
        x1, y1, x2, y2 = (round(v * 256) for v in tray.box_xyxy)
        patch = frame.rgb[y1:y2, x1:x2].reshape(-1, 3).astype(int)
        blue = (patch[:, 2] > patch[:, 0] + 30) & (patch[:, 2] > patch[:, 1] + 30)
        assert blue.sum() >= 0.5 * tray.pixels
    else:
        assert camera == "wrist"


def test_truth_of_a_picture_stays_and_an_unseen_moment_has_none() -> None:
    with World(load_scene("tidy_table", 3)) as world:
        robot = PandaSim(world)
        truth = SceneTruth(world, robot)
        seen, unseen = robot.capture("table"), robot.capture("wrist")
        truth.saw(seen)
        before = truth(as_question_frame(seen))
        truth.saw(unseen)
        robot.advance(0.1)
        assert truth(as_question_frame(seen)) == before
        assert truth(as_question_frame(unseen)) is None
        again = robot.capture("table")
        assert np.array_equal(again.rgb.shape, seen.rgb.shape)
        assert robot.picture(seen) is None
        assert robot.picture(again) is not None


def test_earlier_pictures_are_recalled_for_one_that_is_compared_with_them() -> None:
    with World(load_scene("tidy_table", 3)) as world:
        robot = PandaSim(world)
        truth = SceneTruth(world, robot)
        oracle = Oracle(truth)
        cube = next(k for k, body in enumerate(world.objects) if body.spec.loose)
        name = world.objects[cube].spec.name
        first = robot.capture("table")
        truth.saw(first)
        robot.advance(0.1)
        x, y, z = world.pose(cube)[0]
        world.put(cube, (x + 0.08, y, z))
        last = robot.capture("table")
        truth.saw(last)
        both = replace(as_question_frame(last), id=f"{first.id}+{last.id}", earlier=(as_question_frame(first),))
        texts = (f"Did the {name} move?", "Are the things arranged the same in both images?", "Did something appear?")
        answers = oracle.ask(both, [Question("yes_no", text) for text in texts])
        assert [(answer.problem, answer.p("yes")) for answer in answers] == [("", 1.0), ("", 0.0), ("", 0.0)]
        unknown = replace(both, id="x", earlier=(Frame("nowhere", 0.0, first.rgb),))
        (answer,) = oracle.ask(unknown, [Question("yes_no", texts[0])])
        assert answer.problem == "the oracle does not know what was true of the earlier picture"
        robot.advance(0.2)
        (answer,) = oracle.ask(replace(both, id="late"), [Question("yes_no", texts[0])])
        assert answer.problem == "the world has changed since the picture was taken"
