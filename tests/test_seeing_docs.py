"""The page about the leaves that look: each of its trees checks and runs, with the command that stands below it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knothole.behaviors.node import NODES
from knothole.tests.calling import call
from knothole.trees.loader import check_text
from knothole.vlm.script_file import read_script

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "seeing-leaves.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, flags=re.M | re.S)
TREES = {tree[1]: block for block in BLOCKS if (tree := re.search(r"^tree: (\w+)$", block, flags=re.M))}
ANSWERS, MOVES, HUMAN = (block for block in BLOCKS if not block.startswith("knothole: 1"))
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", TEXT, flags=re.M | re.S) for line in block.splitlines()]


@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_the_page_checks_without_a_word(name: str) -> None:
    assert [str(problem) for problem in check_text(TREES[name])] == []


def test_each_tree_has_its_command() -> None:
    assert sorted(command.split()[2] for command in COMMANDS) == sorted(f"{name}.yaml" for name in TREES)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[2])
def test_a_command_of_the_page_works(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("answers", ANSWERS), ("moves", MOVES), ("human", HUMAN), *TREES.items()):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    read_script(tmp_path / "answers.yaml")
    code, out, err = call(command.removeprefix("knothole "))
    assert code == 0, out + err
    assert "robot: " in out


@pytest.mark.parametrize("name", re.findall(r"`(\w+)`", " ".join(re.findall(r"^## (`.*)$", TEXT, flags=re.M))))
def test_a_headline_names_a_leaf(name: str) -> None:
    assert NODES.get(name).kind == "leaf"
