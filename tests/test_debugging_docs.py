"""What the page on debugging says is true: its program runs, and its commands are commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from knothole.trees.debugging.commands import COMMANDS, read_command

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "debugging.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)
    return str(found)


def test_the_program_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "count.yaml").write_text(block("yaml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "debugging.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out == "3 3\n12\n"


def test_the_page_shows_every_command_as_it_is() -> None:
    shown = json.loads(block("json"))
    assert {read_command(each)["do"] for each in shown} == set(COMMANDS)
    described = {name for row in re.findall(r"^\| (`.*?) \|", PAGE, flags=re.M) for name in re.findall(r"`(\w+)`", row)}
    assert set(COMMANDS) - {"state", "unbreak", "release"} <= described
