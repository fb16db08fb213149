"""The page about testing says what is true: its files check, its commands run, its test passes, its failure is real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knothole.app.testing.expect_reader import KEYS
from knothole.app.testing.reader import _CASE_KEYS, _FILE_KEYS
from knothole.app.testing.runner import TreeRunner
from knothole.tests.calling import call
from knothole.trees.loader import load
from knothole.trees.mocking.apply import apply_profile
from knothole.trees.mocking.profile import _KEYS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "testing.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tree, mocks, things, test = blocks("yaml")
    for name, text in (("serve", tree), ("serve_mocks", mocks), ("things", things), ("serve_test", test)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_commands_run(folder: Path) -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        code, out, err = call(command.removeprefix("knothole "))
        assert code == 0, f"{command}\n{out}{err}"
    for made in ("report.html", "covered.svg", "junit.xml"):
        assert (folder / made).stat().st_size > 500


def test_the_profile_of_things_fits_a_tree_of_the_library(folder: Path) -> None:
    assert apply_profile(load("tidy_table"), "things.yaml").name == "tidy_table"


def test_the_failure_that_is_shown_is_what_is_printed(folder: Path) -> None:
    (shown,) = blocks("text")
    file = folder / "serve_test.yaml"
    text = file.read_text(encoding="utf-8")
    wrong = text.replace("      status: failure\n", "      status: success\n")
    file.write_text(wrong, encoding="utf-8")
    code, out, _ = call("test serve_test.yaml")
    assert code == 1
    assert shown.strip() in out


def test_the_test_in_python_passes(folder: Path) -> None:
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(code, "testing.md", "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    test(TreeRunner())  # type: ignore[operator]


def test_every_code_is_explained_and_has_its_golden_text() -> None:
    root = PAGE.parents[1]
    files = [file for room in ("trees/mocking", "app/testing") for file in root.joinpath(room).glob("*.py")]
    used = {code for file in files for code in re.findall(r'"(K2\d\d)"', file.read_text(encoding="utf-8"))}
    golden = (root / "tests" / "testing_errors.txt").read_text(encoding="utf-8")
    assert len(used) == 14
    assert [code for code in sorted(used) if f"error {code}: " not in golden] == []
    assert [code for code in sorted(used) if not re.search(rf"^\| .*{code}.* \|", TEXT, flags=re.M)] == []


def test_every_key_is_explained() -> None:
    assert [key for key in (*_KEYS, *KEYS, *_CASE_KEYS, *_FILE_KEYS[1:]) if f"`{key}`" not in TEXT] == []
