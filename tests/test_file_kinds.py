"""What is wrong with a file as a whole is said of the file that was meant: its kind, and what to write in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.tests.calling import call

TREE = "knothole: 1\ntree: t\nroot: {say: hi}\n"
KINDS = {
    "check t.yaml --invariants": (
        "an invariants file",
        "write `knothole_invariants: 1`, and below it `rules:` with a list of them",
        "invariants.yaml",
    ),
    "run t.yaml --robot none --human": ("a file of human answers", 'write  "QUESTION": ANSWER  a line', "answers.yaml"),
    "run t.yaml --robot none --params": (
        "a file of parameters",
        "write `NAME: VALUE` for each parameter",
        "params.yaml",
    ),
    "run t.yaml --robot none --mock": (
        "a mock profile",
        "write `knothole_mocks: 1`, and below it `mocks:` with what replaces which node",
        "mocks.yaml",
    ),
    "check": ("a tree file", "write a tree, or start from `knothole new tree NAME`", "tree.yaml"),
}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "t.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "latin.yaml").write_bytes("a: Käse\n".encode("latin-1"))
    (tmp_path / "deep.yaml").write_text("[" * 2100, encoding="utf-8")
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "what", "start", "example"), [(line, *kind) for line, kind in KINDS.items()])
def test_a_file_that_is_none_is_told_by_what_was_meant(
    there: Path, line: str, what: str, start: str, example: str
) -> None:
    said = {name: call(f"{line} {name}.yaml") for name in ("empty", "folder", "latin", "deep")}
    assert {code for code, _, _ in said.values()} == {2}
    told = {name: err or out for name, (_, out, err) in said.items()}
    assert f"empty.yaml:1:1: error K005: the file is empty\n  fix:  {start}\n" in told["empty"]
    assert (
        f"folder.yaml:1:1: error K002: this is a directory, not {what}\n"
        f"  fix:  name a file in it, such as folder.yaml/{example}\n"
    ) in told["folder"]
    assert f"  why:  {what} is UTF-8 text\n" in told["latin"]
    about_trees = "subtrees" in told["deep"]
    assert about_trees == (what == "a tree file")


def test_an_empty_test_file_is_told_how_to_begin(there: Path) -> None:
    code, _, err = call("test empty.yaml")
    assert code == 2
    assert "the file is empty\n  fix:  write `knothole_test: 1`, `tree:` and `cases:`" in err
