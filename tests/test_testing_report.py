"""What `knothole test` gives: text, JSON, JUnit, a page, a drawing with marks, exit codes; and what coverage counts."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from knothole.app.testing.coverage import Coverage, NodeCoverage, TreeCoverage
from knothole.app.testing.report import find_suites
from knothole.app.testing.runner import TreeRunner
from knothole.behaviors.node import NODES
from knothole.tests.calling import call

TREE = """\
knothole: 1
tree: door
inputs:
  hurry: {type: bool, default: false}
root:
  sequence:
    - selector:
        - see: "Is the door open?"
        - home
      on_failure: {say: no way}
    - wait: 1s
      skip_if: $hurry
    - say: through
"""
TEST = """\
knothole_test: 1
tree: door
mocks: {see: success, home: success}
cases:
  open: {expect: {status: success, order: [see, wait, door/sequence/say]}}
  shut: {mocks: {see: failure}, expect: {status: success, order: [see, home]}}
  wrong: {mocks: {see: failure}, expect: {status: failure, never: [home]}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "door.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "door_test.yaml").write_text(TEST, encoding="utf-8")
    return tmp_path


def test_ctrl_c_keeps_what_was_told(folder: Path) -> None:
    (folder / "stop.py").write_text(
        "import os, signal\nfrom knothole import Leaf, behavior\n\n\n"
        '@behavior("stop_here")\nclass Stop(Leaf):\n    """Press Ctrl-C."""\n\n'
        "    def step(self):\n        os.kill(os.getpid(), signal.SIGINT)\n        return self.running('stopping')\n",
        encoding="utf-8",
    )
    (folder / "knothole.toml").write_text('behaviors = ["stop.py"]\n', encoding="utf-8")
    (folder / "stop.yaml").write_text("knothole: 1\ntree: stop\nroot: stop_here\n", encoding="utf-8")
    (folder / "stop_test.yaml").write_text(
        "knothole_test: 1\ntree: stop\ncases: {halt: {expect: success}}\n", encoding="utf-8"
    )
    try:
        code, out, err = call("test door_test.yaml stop_test.yaml --html report.html")
    finally:
        NODES._things.pop("stop_here", None)
    assert (code, err) == (130, "interrupted\n")
    assert [line[:2] for line in out.splitlines()] == ["✓ ", "✓ ", "✗ "]
    assert not (folder / "report.html").exists()


def test_hidden_folders_are_not_looked_through(folder: Path) -> None:
    (folder / ".venv").mkdir()
    (folder / ".venv" / "other_test.yaml").write_text(TEST, encoding="utf-8")
    assert find_suites([folder]) == [folder / "door_test.yaml"]
    assert find_suites([folder / ".venv"]) == [folder / ".venv" / "other_test.yaml"]


def test_text_names_each_case_and_explains_what_failed(folder: Path) -> None:
    code, out, err = call("test door_test.yaml")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "✓ door_test.yaml::open  (21 ticks, 1s)",
        "✓ door_test.yaml::shut  (21 ticks, 1s)",
        "✗ door_test.yaml::wrong  (21 ticks, 1s)",
    ]
    assert "door_test.yaml:7:51: failed: the tree ended with SUCCESS, not FAILURE" in out
    assert lines[-1] == "2 passed, 1 failed, 63 ticks"


def test_words_choose_and_the_exit_code_follows(folder: Path) -> None:
    assert call("test . -k open")[0] == 0
    assert call("test -k wrong")[0] == 1
    code, _, err = call("test . -k nothing")
    assert code == 2
    assert "no case has the words 'nothing'" in err


def test_mistakes_end_with_2_and_a_list(folder: Path) -> None:
    (folder / "door_test.yaml").write_text(TEST.replace("see: success", "saw: success"), encoding="utf-8")
    code, out, _ = call("test door_test.yaml --json")
    assert code == 2
    assert [(row["code"], row["line"], row["column"]) for row in json.loads(out)] == [("K234", 3, 9)]


def test_json_has_cases_and_coverage(folder: Path) -> None:
    code, out, _ = call("test door_test.yaml --json --coverage")
    data = json.loads(out)
    assert (code, data["passed"], data["failed"]) == (1, 2, 1)
    assert [case["case"] for case in data["cases"]] == ["open", "shut", "wrong"]
    assert [failure["line"] for failure in data["cases"][2]["failures"]] == [7, 7]
    (tree,) = data["coverage"]
    assert (tree["tree"], tree["nodes"], tree["branches"]) == ("door", [6, 7], [3, 6])


def test_junit_has_one_suite_a_file(folder: Path) -> None:
    assert call("test door_test.yaml --junit out/junit.xml")[0] == 1
    root = ET.parse(folder / "out" / "junit.xml").getroot()
    (suite,) = root
    assert (root.get("tests"), root.get("failures"), suite.get("name")) == ("3", "1", "door_test.yaml")
    assert [case.get("name") for case in suite] == ["open", "shut", "wrong"]
    assert "expected:  FAILURE" in (suite[2][0].text or "")


class _Tags(HTMLParser):
    VOID = ("meta", "br", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_nothing_else_and_knows_the_dark(folder: Path) -> None:
    (folder / "door.yaml").write_text(TREE.replace("through", "a < b & c"), encoding="utf-8")
    assert call("test door_test.yaml --html report.html")[0] == 1
    text = (folder / "report.html").read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(text)
    tags.close()
    assert (tags.open, tags.links) == ([], [])
    assert "prefers-color-scheme: dark" in text
    assert 'data-path="door/sequence/say" data-mark="covered"' in text
    assert 'data-path="door/sequence/selector/home" data-mark="partly"' in text
    assert "never: [home]" in text
    assert "a &lt; b &amp; c" in text


def test_the_drawing_has_marks_and_a_legend(folder: Path) -> None:
    assert call("test door_test.yaml --draw cover.svg")[0] == 1
    svg = (folder / "cover.svg").read_text(encoding="utf-8")
    assert svg.count("data-mark=") == 7
    assert "never ticked</text>" in svg
    assert call("test door_test.yaml --draw cover.png")[0] == 1
    assert (folder / "cover.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = call("test door_test.yaml --draw cover.gif")
    assert (code, "no picture format" in err) == (2, True)


def test_several_trees_get_a_drawing_each(folder: Path) -> None:
    other = "knothole_test: 1\ntree: put_away\ninputs: {thing: {label: cup}, container: box}\n"
    other += "mocks: {pick: success, place: success}\ncases: {it: {expect: success}}\n"
    (folder / "other_test.yaml").write_text(other, encoding="utf-8")
    assert call("test . --draw cover.txt")[0] == 1
    assert (folder / "cover-door.txt").read_text(encoding="utf-8").startswith("door\n")
    assert (folder / "cover-put_away.txt").exists()


def covered(folder: Path, *runs: dict[str, object]) -> tuple[TreeCoverage, dict[str, NodeCoverage]]:
    runner = TreeRunner()
    for each in runs:
        given = {"home": "success", "see": "success", **each}
        hurry = given.pop("hurry", False)
        runner("door", mocks=given, inputs={"hurry": hurry})
    (tree,) = runner.coverage.results()
    return tree, {node.path.removeprefix("door/sequence/"): node for node in tree.nodes}


def test_a_node_is_covered_when_all_it_can_do_was_seen(folder: Path) -> None:
    _, nodes = covered(folder, {})
    assert {path: node.mark for path, node in nodes.items()} == {
        "door/sequence": "covered",
        "selector": "partly",
        "selector/see": "partly",
        "selector/home": "never",
        "say": "covered",
        "wait": "partly",
        "selector#on_failure/say": "never",
    }
    assert nodes["selector/see"].missing == ["FAILURE", "unsure: hold"]
    assert nodes["selector"].missing == ["child 2 home", "on_failure"]
    assert nodes["wait"].missing == ["skip_if: held back"]


def test_branches_are_taken_one_by_one(folder: Path) -> None:
    tree, nodes = covered(folder, {}, {"see": "failure"}, {"see": "failure", "home": "failure"}, {"hurry": True})
    assert nodes["selector"].missing == []
    assert nodes["wait"].missing == []
    assert nodes["selector/home"].mark == "covered"
    assert tree.totals["nodes"] == (7, 7)
    assert tree.totals["branches"] == (5, 6)


def test_unsure_and_halted_are_seen(folder: Path) -> None:
    runner = TreeRunner()
    runner("door", mocks={"home": "success"}, answers={"Is the door open?": 0.5}, max_ticks=20)
    (tree,) = runner.coverage.results()
    see = next(node for node in tree.nodes if node.spec.type == "see")
    assert see.branches == {"unsure: hold": True}
    timed = "knothole: 1\ntree: late\nroot:\n  wait: 5s\n  timeout: 1s\n"
    (folder / "late.yaml").write_text(timed, encoding="utf-8")
    runner("late")
    wait = runner.coverage.results()[1].nodes[0]
    assert (wait.counts["HALTED"], wait.counts["SUCCESS"], wait.counts["RUNNING"]) == (1, 0, 22)


def test_what_processes_collected_adds_up(folder: Path) -> None:
    first, second, both = TreeRunner(), TreeRunner(), TreeRunner()
    for runner in (first, both):
        runner("door", mocks={"see": "success", "home": "success"})
    for runner in (second, both):
        runner("door", mocks={"see": "failure", "home": "success"})
    total = Coverage()
    total.absorb(json.loads(json.dumps(first.coverage.dump())))
    total.absorb(json.loads(json.dumps(second.coverage.dump())))
    assert [tree.to_json() for tree in total.results()] == [tree.to_json() for tree in both.coverage.results()]
