"""The page about plans says what is true: its trees check, its commands run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knothole.behaviors.means.effects import FACTS
from knothole.tests.calling import call

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "planning.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, flags=re.M | re.S)
TREES = {tree[1]: block for block in BLOCKS if (tree := re.search(r"^tree: (\w+)$", block, flags=re.M))}
DESK, ANSWERS, HUMAN = (block for block in BLOCKS if not block.startswith("knothole: 1"))
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", TEXT, flags=re.M | re.S) for line in block.splitlines()]
SAYS = {
    "errand": "place: going home",
    "with_a_tree": "SUCCESS",
    "which_one": "robot: You mean the green one.",
    "as_a_tree": "- bt.IfThenElse:",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("desk", DESK), ("answers", ANSWERS), ("human", HUMAN), *TREES.items()):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_the_page_checks(name: str, folder: Path) -> None:
    code, out, err = call(f"check {name}.yaml")
    assert code == 0, out + err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[2])
def test_a_command_of_the_page_works(command: str, folder: Path) -> None:
    code, out, err = call(command.removeprefix("knothole "))
    assert code == 0, out + err
    assert SAYS[command.split()[2].removesuffix(".yaml")] in out + err


def test_the_table_has_all_facts() -> None:
    assert re.findall(r"^\| `(\w+)[(`]", TEXT, flags=re.M) == list(FACTS)
