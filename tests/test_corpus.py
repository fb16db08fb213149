"""Real trees of others, where the folder with them is at hand: every one loads, checks, draws and comes back whole."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import behaviortreepy as real
import pytest

from knothole import load
from knothole.behaviors.node import NodeFault
from knothole.tests.xml_edits import Editor, agrees, changes
from knothole.tests.xml_trees import difference, shape_of
from knothole.trees.draw import draw
from knothole.trees.editing.comments import find_comments
from knothole.trees.editing.printer import print_yaml
from knothole.trees.loader import Loader, check
from knothole.trees.reading.reader import read_text
from knothole.trees.xml.reader import read_xml, read_xml_file
from knothole.trees.xml.writer import write_xml

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
MODELS = CORPUS / "nav2" / "nav2_tree_nodes.xml"
FILES = sorted(path for path in CORPUS.glob("*/*.xml") if path != MODELS)
EDITS = 3
"""Random edits of each file."""

pytestmark = pytest.mark.skipif(not FILES, reason="the folder ../shared/corpus with trees of others is not here")
each_file = pytest.mark.parametrize("path", FILES or [CORPUS], ids=[path.stem for path in FILES] or ["none"])


def to_xml(yaml: str) -> str:
    documents = read_text(yaml, "t.yaml")
    return write_xml(documents, find_comments(documents))


@cache
def yaml_of(path: Path) -> str:
    return print_yaml(read_xml_file(path, keep=True))


@cache
def again(path: Path) -> str:
    return to_xml(yaml_of(path))


def test_all_files_are_here() -> None:
    assert len(FILES) == 158


@each_file
def test_it_loads_checks_and_draws(path: Path, tmp_path: Path) -> None:
    loader = Loader()
    tree = loader.main(loader.file(path))
    assert {each.code for each in loader.problems} <= {"K045", "K117", "K305", "K311"}  # all of them warnings
    assert tree.dialect == "bt"
    draw(tree, tmp_path / "t.svg", expand=True)
    picture = (tmp_path / "t.svg").read_text(encoding="utf-8")
    assert picture.count("<g") + picture.count("<rect") > len(list(tree.walk())) / 2


@each_file
def test_its_yaml_checks_and_ticks_with_one_mock(path: Path, tmp_path: Path) -> None:
    """The YAML stands in another folder than the XML, so that nothing but its own declarations helps."""
    file = tmp_path / f"{path.stem}.yaml"
    file.write_text(yaml_of(path), encoding="utf-8")
    assert [str(each) for each in check(file) if each.severity == "error"] == []
    mocks = tmp_path / "mocks.yaml"
    mocks.write_text('knothole_mocks: 1\nmocks:\n  "is:stub": {children: run}\n', encoding="utf-8")
    run = load(file).bind(robot="none", mock=mocks)
    try:
        said = str(run.tick())
    except NodeFault as fault:
        said = str(fault)  # a value that a tree around it gives, or a node that is a stub here
    finally:
        run.close()
    assert re.search("SUCCESS|FAILURE|RUNNING|is read before it is set|\\(not set\\)", said), said


@each_file
def test_it_comes_back_whole(path: Path) -> None:
    assert difference(shape_of(path.read_text(encoding="utf-8")), shape_of(again(path))) == ""
    yaml = yaml_of(path)
    assert print_yaml(read_xml(again(path), str(path), keep=True)) == yaml
    without = re.sub(r"^\s*#.*$", "", yaml, flags=re.MULTILINE)
    assert not re.search(r"</|/>|<\w+ \w+=|<root|<!--", without)


@each_file
def test_an_edit_of_its_yaml_is_that_edit_of_the_xml(path: Path) -> None:
    yaml = yaml_of(path)
    before = shape_of(again(path))
    for seed in range(EDITS):
        documents = read_text(yaml, "t.yaml")
        comments = find_comments(documents)
        made = Editor(documents, comments, 1000 * seed + FILES.index(path)).edit()
        assert made is not None
        found = changes(before, shape_of(to_xml(print_yaml(documents, comments))))
        assert agrees(found, made[1]), (made[0], found, made[1])


def engine_says(xml: str) -> str:
    """Return what BehaviorTree.CPP's own parser says of a file: nothing, where every unknown node can be a leaf."""
    factory = real.BehaviorTreeFactory()
    while True:
        try:
            factory.register_behavior_tree_from_text(xml)
        except RuntimeError as error:
            unknown = re.search(r"Node not recognized: (\S+)", str(error))
            if unknown is None:
                return re.sub(r"line \d+", "", str(error))
            factory.register_simple_action(unknown[1], lambda _: real.NodeStatus.SUCCESS)
        else:
            return ""


def test_the_engine_reads_what_is_written_as_it_reads_the_original() -> None:
    said = [(engine_says(path.read_text(encoding="utf-8")), engine_says(again(path))) for path in FILES]
    assert [each for each in said if each[0] != each[1]] == []
    assert sum(each == ("", "") for each in said) > 120  # the others hold controls of other packages


def test_the_models_of_nav2_come_back_and_declare_what_its_trees_use() -> None:
    text = MODELS.read_text(encoding="utf-8")
    yaml = print_yaml(read_xml(text, str(MODELS), keep=True))
    assert difference(shape_of(text), shape_of(to_xml(yaml))) == ""
    for path in FILES:
        if path.parent != MODELS.parent:
            continue
        documents = read_xml_file(path, models=[MODELS], keep=True)
        declared = print_yaml(documents)
        assert difference(shape_of(path.read_text(encoding="utf-8")), shape_of(to_xml(declared))) == ""
        loader = Loader()
        loader.documents(documents)
        assert [str(each) for each in loader.problems if each.severity == "error"] == []
