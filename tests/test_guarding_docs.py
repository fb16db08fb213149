"""The page about guarding: its trees check, its rules are read, its commands do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knothole.behaviors.means.alarms import ALARMS
from knothole.tests.calling import call
from knothole.trees.loader import check_text

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "guarding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.M | re.S)
TREES = {tree[1]: block for block in BLOCKS if (tree := re.search(r"^tree: (\w+)$", block, flags=re.M))}
(RULES,) = (block for block in BLOCKS if block.startswith("knothole_invariants: 1"))
CAREFUL, CARELESS = re.findall(r"^```sh\nknothole (.*?)\n```", PAGE, flags=re.M)
(SHOWN,) = (block for block in re.findall(r"^```text\n(.*?)^```", PAGE, flags=re.M | re.S) if "K510" in block)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "never.yaml").write_text(RULES, encoding="utf-8")
    for name, text in TREES.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_trees_of_the_page_check() -> None:
    assert sorted(TREES) == ["careful", "careless"]
    assert [str(problem) for text in TREES.values() for problem in check_text(text)] == []


def test_every_alarm_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?:a |something )", PAGE, flags=re.M) == list(ALARMS)


def test_the_guarded_tree_runs(folder: Path) -> None:
    code, out, err = call(CAREFUL)
    assert code == 0, out + err


def test_the_checker_prints_what_the_page_shows(folder: Path) -> None:
    code, out, _ = call("check careless.yaml")
    assert code == 0
    assert SHOWN.strip() in out
    fixed = TREES["careless"].replace('"red cube"', '"red cube"\n      when: not $hand_near')
    (folder / "careless.yaml").write_text(fixed, encoding="utf-8")
    code, out, _ = call("check careless.yaml")
    assert "K510" not in out
    assert "invariants: 2 hold" in out


def test_the_careless_run_is_refused_and_why_names_the_rule(folder: Path) -> None:
    code, out, err = call(CARELESS)
    assert code == 1, out + err
    code, out, _ = call("why run.mcap")
    assert "refused by never.yaml:3:5: never pick while $hand_near: Hands are soft." in out
