"""An error without words, as plug-ins raise them, says what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from knothole._base import KnotholeError, headline

NOD = """\
from knothole.behaviors.means.motion import Failed, MotionLeaf, Script
from knothole.behaviors.node import behavior


@behavior("nod")
class Nod(MotionLeaf):
    \"\"\"Fail, and say nothing.\"\"\"

    def script(self) -> Script:
        raise Failed
        yield
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("first\nsecond"), "first"),
        (ValueError("\n\nlater"), "later"),
        (ValueError(), "ValueError"),
        (KnotholeError("  \n"), "KnotholeError"),
    ],
)
def test_the_headline_of_an_error_is_its_first_line_or_its_kind(error: Exception, said: str) -> None:
    assert headline(error) == said


def test_a_leaf_that_fails_without_a_word_fails_and_is_no_fault(
    tmp_path: Path, knothole: Callable[..., CompletedProcess[str]]
) -> None:
    (tmp_path / "nod.py").write_text(NOD, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text('behaviors = ["nod.py"]\n', encoding="utf-8")
    (tmp_path / "t.yaml").write_text("knothole: 1\ntree: t\nroot: nod\n", encoding="utf-8")
    done = knothole("run", "t.yaml", "--robot", "kinematic", "--vlm", "oracle")
    assert done.returncode == 1, done.stderr
    assert "FAILURE: Failed" in knothole("why").stdout
