"""Every mistake an author can make is told whole: place, snippet, reason, guess and fix, compared to the letter.

``errors.txt`` holds the cases: ``=== name``, the tree, ``---->``, and what is printed. After a change on purpose,
``python tests/test_errors.py`` writes it anew; read the difference.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knothole.trees.loader import check, check_text, load, load_text
from knothole.trees.problems import TreeError
from knothole.trees.reading.reader import MAX_DEPTH

CASES = Path(__file__).with_name("errors.txt")
FIRST = "knothole: 1\ntree: t\n"


def cases() -> list[tuple[str, str, str]]:
    found = []
    for block in CASES.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, rest = block.partition("\n")
        tree, _, printed = rest.partition("---->\n")
        found.append((name, tree.replace("\\x07", "\x07"), printed.rstrip("\n")))
    return found


def printed(tree: str) -> str:
    return "\n\n".join(str(problem) for problem in check_text(tree, "t.yaml"))


@pytest.mark.parametrize(("tree", "expected"), [case[1:] for case in cases()], ids=[case[0] for case in cases()])
def test_mistake(tree: str, expected: str) -> None:
    assert printed(tree) == expected


@pytest.mark.parametrize(
    "value",
    [
        "see: {question: a, accept: hello}",
        "see: {question: a, accept: 05}",
        "see: {question: a, accept: 1e999}",
        "see: {question: a, accept: [1]}",
        "ground: {query: a, all: maybe, objects: $b}",
        "ground: {query: a, object: $a.b}",
        "ground: {query: a, object: [b]}",
        "repeat: {times: many, child: home}",
        "repeat: {times: {a: 1}, child: home}",
        "wait: 5 s",
        "wait: a while",
        "wait: 1e999s",
        "wait: [5s]",
        "say: {text: [a]}",
        'wait: "${a}"',
        "use: {tree: [a]}",
        "use: {tree: a, inputs: 3}",
        "check: 1 +",
        "check: (1",
        "check: 1 ? 2",
        "check: 1 + true",
        "check: {a: 1}",
        "{home: , name: [a]}",
        "{home: , timeout: soon}",
    ],
)
def test_a_wrong_value_comes_with_a_fix(value: str) -> None:
    problems = check_text(FIRST + f"root:\n  sequence:\n    - {value}\n")
    assert [p for p in problems if p.severity == "error"]
    assert [str(p) for p in problems if not p.fix] == []


def test_every_mistake_of_the_golden_texts_comes_with_a_fix() -> None:
    assert [name for name, _, text in cases() if text.count(": error K") > text.count("\n  fix:  ")] == []


def test_the_sample_of_the_style_guide() -> None:
    tree = FIRST + "about: sample\n" + "root:\n  sequence:\n    - sequence:\n" + "        # a comment\n" * 6
    tree += "        - pik: {object: $cup}\n"
    assert printed(tree) == (
        "t.yaml:13:11: error K101: unknown node 'pik'\n"
        "   13 |         - pik: {object: $cup}\n"
        "      |           ^^^\n"
        "  why:  no node, decorator or subtree has this name\n"
        "  did you mean:  pick\n"
        "  fix:  correct the name, or list what exists with `knothole nodes`"
    )


def test_all_mistakes_are_told_at_once_top_to_bottom() -> None:
    tree = FIRST + (
        "inputs:\n  n: {type: int, default: many}\n"
        "root:\n  sequence:\n    - wait: 5\n    - grond: cups\n    - pick: $cup\n    - see: {question: a, acept: 1}\n"
    )
    problems = check_text(tree, "t.yaml")
    assert [(p.place.line, p.place.column, p.code) for p in problems] == [
        (4, 27, "K105"), (7, 13, "K106"), (8, 7, "K101"), (9, 13, "K201"), (10, 26, "K102"),
    ]  # fmt: skip
    with pytest.raises(TreeError) as caught:
        load_text(tree, "t.yaml")
    assert caught.value.problems == tuple(problems)
    assert str(caught.value) == printed(tree)


def test_a_syntax_error_is_told_alone() -> None:
    tree = FIRST + "root:\n  sequence:\n    - grond: cups\n    - see: a: b\n"
    assert [p.code for p in check_text(tree)] == ["K014"]


def test_json_form() -> None:
    (problem,) = check_text(FIRST + "root:\n  grond: cups\n", "t.yaml")
    assert json.loads(json.dumps(problem.to_json())) == {
        "file": "t.yaml",
        "line": 4,
        "column": 3,
        "severity": "error",
        "code": "K101",
        "message": "unknown node 'grond'",
        "hint": "ground, guard; correct the name, or list what exists with `knothole nodes`",
    }


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latin.yaml").write_bytes(FIRST.encode() + "about: Käse\n".encode("latin-1"))
    (tmp_path / "utf16.yaml").write_bytes((FIRST + "root: home\n").encode("utf-16"))
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    assert (
        str(check("missing.yaml")[0]) == "missing.yaml:1:1: error K001: there is no such file\n  fix:  correct the path"
    )
    assert str(check("folder.yaml")[0]) == (
        "folder.yaml:1:1: error K002: this is a directory, not a tree file\n"
        "  fix:  name a file in it, such as folder.yaml/tree.yaml"
    )
    assert str(check("latin.yaml")[0]) == (
        "latin.yaml:3:9: error K004: the byte 0xE4 is not UTF-8\n"
        "    3 | about: K?se\n"
        "      |         ^\n"
        "  why:  a tree file is UTF-8 text\n"
        "  fix:  save the file as UTF-8"
    )
    assert [problem.code for problem in check("utf16.yaml")] == ["K004"]
    assert str(check("tidy_tabel")[0]) == (
        "tidy_tabel:1:1: error K001: there is no tree 'tidy_tabel'\n"
        "  why:  it is no file, and no folder of trees has it\n"
        "  did you mean:  tidy_table\n"
        "  fix:  correct the name, or give the path of a file"
    )
    assert [problem.code for problem in check("a\0b.yaml")] == ["K003"]
    with pytest.raises(TreeError, match="K002"):
        load(tmp_path)


def test_ten_megabytes_of_lists_are_told_quickly_and_shown_short() -> None:
    (problem,) = check_text("[" * 10_000_000, "t.yaml")
    assert (problem.code, problem.place.column) == ("K006", MAX_DEPTH + 1)
    assert len(str(problem)) < 700


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    problems = check_text(FIRST + 'root:\n  sequence:\n    - "gr\\e[31mond": "\x85"\n', "t.yaml")
    assert problems
    assert all(line.isprintable() for problem in problems for line in str(problem).split("\n"))


if __name__ == "__main__":
    made = [f"=== {name}\n{tree}---->\n{printed(tree)}\n".replace("\x07", "\\x07") for name, tree, _ in cases()]
    CASES.write_text("".join(made), encoding="utf-8")
