"""The contract suite over all nodes that come with the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from knothole.behaviors.means.grounded import GroundedObject
from knothole.behaviors.node import NODES, Leaf
from knothole.robots.pose import Pose
from knothole.tests.contracts.behaviors import LeafContract, NodeContract, Sample
from knothole.vlm.hearing.sound import RATE, Sound

PICKED = (("pick", {"object": "the red cube"}),)
STEPS = [{"skill": "home", "args": {}}, {"skill": "wait", "args": {"duration": 0.1}}]
THING = GroundedObject(
    "teapot",
    (0.4, 0.4, 0.5, 0.5),
    (0.5, 0.0, 0.05),
    (0.1, 0.1, 0.1),
    0.0,
    Pose((0.5, 0.0, 0.05)),
    0.1,
    0.0,
    "table",
    "table#1",
    0.0,
)

SOUND: dict[str, str] = {}
"""The WAV file that is listened to; the scripted backend says what is said in it."""

SAMPLES = [
    Sample("achieve", {"instruction": "Tidy up."}, {"Tidy up.": {"cannot": "There is nothing."}}),
    Sample("ask_human", {"question": "Go on?", "options": ["yes", "no"], "default": "yes"}),
    Sample("bt.AlwaysFailure"),
    Sample("bt.AlwaysSuccess"),
    Sample("bt.PopFromQueue"),
    Sample("bt.QueueSize"),
    Sample("bt.Script", {"code": 3}),
    Sample("bt.ScriptCondition", {"code": 0.0}),
    Sample("bt.SetBlackboard", {"value": "red", "output_key": "color"}),
    Sample("bt.Sleep", {"msec": 2000}),
    Sample("bt.TestNode", {"return_status": "FAILURE", "async_delay": 2000}),
    Sample("bt.UnsetBlackboard", {"key": "color"}),
    Sample("bt.WasEntryUpdated", {"entry": "color"}),
    Sample("chat", {"message": "Hello"}, {"Hello": "Hi!"}),
    Sample("check", {"expression": True}),
    Sample("clear_of", {"alarms": "hand, stop_word"}, {"Is a hand inside the workspace?": "no"}),
    Sample("close_gripper"),
    Sample("compare", {"expect": "no"}),
    Sample("count", {"things": "cubes"}, {"How many cubes are there?": "2"}),
    Sample("describe", script={"Describe the image.": "A table."}),
    Sample("ground", {"query": "every loose object", "all": True}),
    Sample("hand_over", {"patience": 2.0}, {"Is a hand inside the workspace?": "yes"}, before=PICKED),
    Sample("home"),
    Sample("imagine", {"prompt": "a tidy table"}, {"a tidy table": {"problem": "refused"}}),
    Sample("listen", {"from": lambda: SOUND["file"], "expect": ["yes", "no"]}, {"Which one is said: yes, no?": "yes"}),
    Sample("look_at", {"object": "the red cube"}),
    Sample("move_to", {"above": "the red cube"}),
    Sample("nav2.AreErrorCodesPresent"),
    Sample("nav2.ArePosesNear", {"ref_pose": [0.0, 0.0], "target_pose": [0.3, 0.4]}),
    Sample("nav2.DistanceTraveled"),
    Sample("nav2.GlobalUpdatedGoal"),
    Sample("nav2.GoalReached", {"goal": [0.0, 0.0]}),
    Sample("nav2.GoalUpdated"),
    Sample("nav2.InitialPoseReceived"),
    Sample("nav2.IsBatteryCharging"),
    Sample("nav2.IsBatteryLow"),
    Sample("nav2.IsGoalNearby"),
    Sample("nav2.IsWithinPathTrackingBounds"),
    Sample("nav2.PathExpiringTimer"),
    Sample("nav2.TimeExpired"),
    Sample("nav2.WouldAControllerRecoveryHelp"),
    Sample("nav2.WouldAPlannerRecoveryHelp"),
    Sample("nav2.WouldARouteRecoveryHelp"),
    Sample("nav2.WouldASmootherRecoveryHelp"),
    Sample("needs", {"facts": ["hand_empty", "not holding(the red cube)"]}),
    Sample("open_gripper", {"width": 0.03}),
    Sample("photo"),
    Sample("pick", {"object": "the red cube"}),
    Sample("place", {"object": "the red cube", "into": "the blue tray"}, before=PICKED),
    Sample("plan", {"instruction": "tidy up"}, {"tidy up": STEPS}),
    Sample("put_back", before=PICKED),
    Sample("read_text", {"by": "model"}, {"What text *": "EXIT"}),
    Sample("report", {"of": 2, "doing": "looking for the red can"}),
    Sample("run_step", {"step": STEPS[0]}),
    Sample("say", {"text": "hello"}),
    Sample("score", {"question": "How full?", "levels": ["empty", "full"]}, {"How full?": "full"}),
    Sample("see", {"question": "Is a hand inside the workspace?", "expect": "no"}),
    Sample("set", {"to": 3}),
    Sample("track", {"object": THING, "lost_after": 1.0}),
    Sample("verify", {"facts": ["hand_empty"]}),
    Sample("wait", {"duration": 2.0}),
    Sample("watch", {"question": "Did something fall?", "expect": "no"}),
    Sample("which", {"question": "What color?", "options": ["red", "blue"]}, {"What color?": "red"}),
]
_OURS = {name: cls for name, cls in NODES.items().items() if cls.__module__.startswith("knothole.behaviors.")}


@pytest.fixture(scope="module", autouse=True)
def _sound(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("sound") / "said.wav"
    file.write_bytes(Sound(np.zeros(RATE, np.float32)).wav())
    SOUND["file"] = str(file)


def test_every_leaf_of_the_package_has_a_sample_here() -> None:
    leaves = sorted(name for name, cls in _OURS.items() if issubclass(cls, Leaf))
    assert sorted(sample.name for sample in SAMPLES) == leaves


def _suites() -> dict[str, Any]:
    suites: dict[str, Any] = {}
    leaves = {sample.name: sample for sample in SAMPLES}
    for name in _OURS:
        base = LeafContract if name in leaves else NodeContract
        title = "Test" + "".join(word.capitalize() for word in name.split("_"))
        suites[title] = type(title, (base,), {"sample": leaves.get(name, Sample(name)), "__module__": __name__})
    return suites


globals().update(_suites())
