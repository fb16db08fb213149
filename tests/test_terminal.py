"""What a user sees of a run: the live tree of a terminal ends with how the run ended."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from knothole.app.running.terminal import LiveTree, watch
from knothole.behaviors.context import Context
from knothole.robots.kinematic import KinematicRobot
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop

TREE = "knothole: 1\ntree: t\nroot:\n  sequence:\n    - wait: 1s\n    - say: done\n"


def test_the_last_picture_of_the_live_tree_shows_how_it_ended() -> None:
    """Ticks follow each other faster than pictures, so most of them, and the last one, are not drawn."""
    out = io.StringIO()
    watcher = LiveTree(Console(force_terminal=True, file=out, width=80, height=40))
    tree = build(load_text(TREE, "t.yaml"), Context(robot=KinematicRobot()), {})
    watcher.begin(tree, "t")
    Loop(tree, listeners=[watcher.ticked]).run()
    watcher.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    last = plain[plain.rindex("✓ sequence") :]
    lines = [" ".join(line.split()) for line in last.splitlines()[:4]]
    assert lines == ["✓ sequence", "✓ wait", "✓ say", "now –"]


def test_what_no_output_can_write_is_shown_as_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with io.TextIOWrapper(out, encoding="utf-8", write_through=True) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with watch() as watcher:
            watcher.say("half a smile: \ud83d")
        assert out.getvalue().decode() == "robot: half a smile: ?\n"
