"""The pytest plugin: cases become items, the fixture plays trees, coverage is reported, nothing is loaded early."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "knothole.app.testing.plugin"
TREE = "knothole: 1\ntree: hello\nroot:\n  sequence:\n    - home\n    - say: hello\n"
CASES = """\
knothole_test: 1
tree: hello
mocks: {home: success}
cases:
  it speaks: {expect: {status: success, said: [hello]}}
  it fails: {expect: failure}
"""
PYTHON = """\
import pytest


@pytest.mark.parametrize("status", ["success", "failure"])
def test_home(tree_runner, status):
    run = tree_runner("hello.yaml", mocks={"home": status})
    assert run.status == status.upper()
    assert run.order == ["home", "say"][: 2 if status == "success" else 1]
    assert run.last("home").startswith(status.upper())
"""

Pytest = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pytester_run(tmp_path: Path) -> Pytest:
    """Run pytest as a process in an empty folder, warnings as errors."""
    (tmp_path / "hello.yaml").write_text(TREE, encoding="utf-8")
    installed = any(point.value == PLUGIN for point in importlib.metadata.entry_points(group="pytest11"))

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        named = [] if installed else ["-p", PLUGIN]
        command = [sys.executable, "-W", "error", "-m", "pytest", *named, "-p", "no:cacheprovider", *args]
        environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

    return run


def test_cases_are_items_and_failures_explain_themselves(tmp_path: Path, pytester_run: Pytest) -> None:
    (tmp_path / "hello_test.yaml").write_text(CASES, encoding="utf-8")
    (tmp_path / "test_data.yaml").write_text("a: [1, 2\n", encoding="utf-8")
    (tmp_path / "tree_test.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(CASES, encoding="utf-8")
    done = pytester_run("-v")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "collected 2 items" in done.stdout
    assert "hello_test.yaml::it speaks PASSED" in done.stdout
    assert "hello_test.yaml::it fails FAILED" in done.stdout
    assert (
        "hello_test.yaml:6:22: failed: the tree ended with SUCCESS, not FAILURE\n"
        "    6 |   it fails: {expect: failure}\n"
        "      |                      ^^^^^^^\n"
        "  expected:  FAILURE\n"
        "  got:       SUCCESS\n"
    ) in done.stdout
    assert "Traceback" not in done.stdout


def test_a_wrong_file_is_an_error_with_its_places(tmp_path: Path, pytester_run: Pytest) -> None:
    (tmp_path / "test_hello.yaml").write_text(CASES.replace("home: success", "hom: success"), encoding="utf-8")
    done = pytester_run()
    assert done.returncode == 2, done.stdout + done.stderr
    assert "test_hello.yaml:3:9: error K234: 'hom' is no node of this tree\n" in done.stdout
    assert "did you mean:  home" in done.stdout


def test_the_fixture_plays_trees_and_coverage_adds_up(tmp_path: Path, pytester_run: Pytest) -> None:
    (tmp_path / "hello_test.yaml").write_text(CASES.replace("  it fails: {expect: failure}\n", ""), encoding="utf-8")
    (tmp_path / "test_hello.py").write_text(PYTHON, encoding="utf-8")
    done = pytester_run("--knothole-coverage", "--knothole-report=cover.json", "-n", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "coverage of hello (hello.yaml): nodes 3 of 3" in done.stdout
    (tree,) = json.loads((tmp_path / "cover.json").read_text(encoding="utf-8"))
    assert (tree["tree"], tree["nodes"]) == ("hello", [3, 3])
    counts = {node["path"]: node["counts"] for node in tree["each"]}
    assert counts["hello/sequence/home"] == {"SUCCESS": 2, "FAILURE": 1}


@pytest.mark.long(minutes=0.3)
def test_trees_of_a_projects_own_leaves_and_folders_are_counted_over_processes(
    tmp_path: Path, pytester_run: Pytest
) -> None:
    (tmp_path / "knothole.toml").write_text('behaviors = ["mine.py"]\ntrees = ["trees"]\n', encoding="utf-8")
    (tmp_path / "mine.py").write_text(
        "from knothole import Leaf, behavior\n\n\n"
        '@behavior("wave")\nclass Wave(Leaf):\n    """Wave."""\n\n'
        "    def step(self):\n        return self.succeed()\n",
        encoding="utf-8",
    )
    (tmp_path / "trees").mkdir()
    (tmp_path / "trees" / "inner.yaml").write_text("knothole: 1\ntree: inner\nroot: wave\n", encoding="utf-8")
    (tmp_path / "outer.yaml").write_text("knothole: 1\ntree: outer\nroot: {use: inner}\n", encoding="utf-8")
    (tmp_path / "test_outer.py").write_text(
        'def test_it(tree_runner):\n    assert tree_runner("outer.yaml").status == "SUCCESS"\n\n\n'
        "def test_gone(tree_runner, tmp_path):\n    tree = tmp_path / 'gone.yaml'\n"
        "    tree.write_text('knothole: 1\\ntree: gone\\nroot: wave\\n')\n"
        "    assert tree_runner(tree).status == 'SUCCESS'\n    tree.unlink()\n",
        encoding="utf-8",
    )
    done = pytester_run("--knothole-coverage", "--knothole-report=pages/cover.html", "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "coverage of outer (outer.yaml): nodes 2 of 2" in done.stdout
    assert "gone.yaml: not counted" in done.stdout
    assert "Coverage of outer" in (tmp_path / "pages" / "cover.html").read_text(encoding="utf-8")


def test_the_distribution_announces_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"knothole": PLUGIN}


def test_the_plugin_costs_nothing_where_no_tree_is_tested(tmp_path: Path) -> None:
    (tmp_path / "test_data.yaml").write_text("a: 1\n", encoding="utf-8")
    code = (
        f"import sys, pytest, pathlib, {PLUGIN} as plugin\n"
        "assert plugin.pytest_collect_file(pathlib.Path('test_data.yaml'), None) is None\n"
        "heavy = ('numpy', 'torch', 'yaml', 'py_trees', 'pybullet', 'PIL', 'knothole.trees', 'knothole.behaviors')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"
