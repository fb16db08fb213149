"""What the page on rehearsal says is true: its commands and its program print what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knothole.app.settings.arguments import REHEARSALS
from knothole.behaviors.rehearsing import MODES
from knothole.tests.calling import call
from knothole.trees.loader import check_text

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "rehearsal.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return [str(found) for found in re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)]


SCENE, TREE = blocks("yaml")
SAID, TREE_SAID, PRINTED = blocks("text")
COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "far.yaml").write_text(SCENE, encoding="utf-8")
    for name, text in zip(("plan.json", "tree.json"), blocks("json"), strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def timeless(text: str) -> str:
    """Return a text without the time on the wall clock."""
    return re.sub(r"in [\d.]+ s", "in some time", text)


def test_the_plan_of_the_page_is_rejected_as_it_says(page: Path) -> None:
    code, out, _ = call(COMMANDS[0].removeprefix("knothole "))
    assert code == 1
    assert timeless(out) == timeless(SAID)


def test_the_plan_of_the_page_that_is_a_tree_is_rejected_as_it_says(page: Path) -> None:
    code, out, _ = call(COMMANDS[1].removeprefix("knothole "))
    assert code == 1
    assert timeless(out) == timeless(TREE_SAID)


def test_a_tree_is_tried_as_the_page_says(page: Path) -> None:
    code, out, _ = call(COMMANDS[2].removeprefix("knothole "))
    assert code == 0
    assert out.splitlines()[-1].startswith("SUCCESS")


def test_the_program_of_the_page_prints_what_it_says(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(blocks("python")[0], "rehearsal.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out == PRINTED


def test_the_tree_of_the_page_checks() -> None:
    assert [str(problem) for problem in check_text(TREE) if problem.severity == "error"] == []


def test_the_page_tells_every_way() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.M)) - {"rehearse"} == set(MODES)
    assert REHEARSALS == MODES
