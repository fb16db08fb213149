"""Real trees of others, where the folder with them is at hand: every one loads, checks, draws and comes back whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knothole.tests.xml_edits import Editor, agrees, changes
from knothole.tests.xml_trees import difference, shape_of
from knothole.trees.draw import draw
from knothole.trees.editing.comments import find_comments
from knothole.trees.editing.printer import print_yaml
from knothole.trees.loader import Loader
from knothole.trees.reading.document import Documents, Item, Pairs, Scalar
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


def with_stubs(documents: Documents, names: list[str]) -> Documents:
    """Return the documents of a file with a declaration for subtrees that are nowhere."""
    at = Scalar("", "plain", 1, 1, 1, 1)

    def word(text: str) -> Scalar:
        return at._replace(text=text)

    stub: Item = Pairs(((word("kind"), word("subtree")),), 1, 1)
    nodes = Pairs(tuple((word(name), stub) for name in names), 1, 1)
    extra = Pairs(((word("knothole"), word("1")), (word("nodes"), nodes)), 1, 1)
    return Documents(documents.source, (*documents.roots, extra), documents.problems, comments=documents.comments)


def test_all_files_are_here() -> None:
    assert len(FILES) == 158


@each_file
def test_it_loads_checks_and_draws(path: Path, tmp_path: Path) -> None:
    documents = read_xml_file(path)
    loader = Loader()
    loader.documents(documents)
    nowhere = [each.message for each in loader.problems if each.code == "K117" and each.place.file == str(path)]
    missing = sorted({re.findall("'(.*)'", message)[0] for message in nowhere})
    declared = {key.text for root in documents.roots if isinstance(root, Pairs)
                for nodes in [root.get("nodes")] if isinstance(nodes, Pairs) for key, _ in nodes}  # fmt: skip
    loader = Loader()
    trees = loader.documents(with_stubs(documents, [name for name in missing if name not in declared]))
    mine = [each for each in loader.problems if each.severity == "error" or each.place.file == str(path)]
    assert [str(each) for each in mine if each.severity == "error" or each.code == "K117"] == []
    tree = loader.main(trees)
    assert tree.dialect == "bt"
    draw(tree, tmp_path / "t.svg", expand=True)
    picture = (tmp_path / "t.svg").read_text(encoding="utf-8")
    assert picture.count("<g") + picture.count("<rect") > len(list(tree.walk())) / 2


@each_file
def test_it_comes_back_whole(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    yaml = print_yaml(read_xml(text, str(path), keep=True))
    again = to_xml(yaml)
    assert difference(shape_of(text), shape_of(again)) == ""
    assert print_yaml(read_xml(again, str(path), keep=True)) == yaml
    without = re.sub(r"^\s*#.*$", "", yaml, flags=re.MULTILINE)
    assert not re.search(r"</|/>|<\w+ \w+=|<root|<!--", without)


@each_file
def test_an_edit_of_its_yaml_is_that_edit_of_the_xml(path: Path) -> None:
    yaml = print_yaml(read_xml_file(path, keep=True))
    before = shape_of(to_xml(yaml))
    for seed in range(EDITS):
        documents = read_text(yaml, "t.yaml")
        comments = find_comments(documents)
        made = Editor(documents, comments, 1000 * seed + FILES.index(path)).edit()
        assert made is not None
        found = changes(before, shape_of(to_xml(print_yaml(documents, comments))))
        assert agrees(found, made[1]), (made[0], found, made[1])


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
