"""``convert``: files become files, never half, never over another one, and never with something lost in silence."""

from __future__ import annotations

import io
from pathlib import Path

import behaviortreepy as real
import pytest

from knothole.app.authoring.convert import ConvertError, convert, declare_nodes
from knothole.tests.xml_trees import XmlMaker, difference, shape_of
from knothole.trees.loader import check, library
from knothole.trees.problems import TreeError
from knothole.trees.xml.elements import parse_text
from knothole.trees.xml.same import first_difference

XML = """<root BTCPP_format="4">
  <!-- what it does -->
  <BehaviorTree ID="t">
    <Sequence>
      <Script code="x := 1"/>
      <Foo goal="{goal}"/>
    </Sequence>
  </BehaviorTree>
</root>
"""


def test_there_and_back_through_files(tmp_path: Path) -> None:
    first, middle, last = tmp_path / "a.xml", tmp_path / "b.yaml", tmp_path / "sub" / "c.xml"
    first.write_text(XML, encoding="utf-8")
    yaml = convert(first, middle)
    assert middle.read_text(encoding="utf-8") == yaml
    assert "- Foo: {goal: $goal}" in yaml
    convert(middle, last)
    assert difference(shape_of(XML), shape_of(last.read_text(encoding="utf-8"))) == ""
    assert convert(last, None) == yaml
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "b.yaml", "sub"]
    assert [each for each in check(middle) if each.severity == "error"] == []


def test_a_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(ConvertError, match="exists"):
        convert(tmp_path / "a.xml", tmp_path / "b.yaml")
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8") == "mine"
    convert(tmp_path / "a.xml", tmp_path / "b.yaml", force=True)
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8").startswith("knothole: 1")


def test_bad_input_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_text(XML.replace("</Sequence>", ""), encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("knothole: 1\ntree: t\ndialect: bt\nroot: {A: , retry: 3}\n", encoding="utf-8")
    (tmp_path / "good.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(TreeError, match="K040"):
        convert(tmp_path / "bad.xml", tmp_path / "good.yaml", force=True)
    assert (tmp_path / "good.yaml").read_text(encoding="utf-8") == "mine"
    with pytest.raises(TreeError, match="K060"):
        convert(tmp_path / "bad.yaml", tmp_path / "new.xml")
    assert not (tmp_path / "new.xml").exists()
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("source", "target", "modern", "message"),
    [
        ("a.txt", "b.yaml", False, "neither XML nor YAML"),
        ("a.xml", "b", False, "does not say which form"),
        ("a.xml", "b.xml", False, "both XML"),
        ("a.yaml", "b.yml", False, "both YAML"),
        ("a.yaml", "b.xml", True, "only YAML has the modern words"),
    ],
)
def test_suffixes_say_what_to_do(tmp_path: Path, source: str, target: str, modern: bool, message: str) -> None:
    with pytest.raises(ConvertError, match=message):
        convert(tmp_path / source, tmp_path / target, modern=modern)


def test_mistakes_in_a_tree_do_not_stop_a_conversion(tmp_path: Path) -> None:
    wrong = (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><Inverter><A/><B/></Inverter></BehaviorTree>'
        '<BehaviorTree ID="t"><Sequence/><AlwaysSuccess><C/></AlwaysSuccess></BehaviorTree>'
        '<BehaviorTree/><BehaviorTree ID="u"><Action/></BehaviorTree><Odd a="1">text</Odd></root>'
    )
    (tmp_path / "a.xml").write_text(wrong, encoding="utf-8")
    convert(tmp_path / "a.xml", tmp_path / "b.yaml")
    convert(tmp_path / "b.yaml", tmp_path / "c.xml")
    assert difference(shape_of(wrong), shape_of((tmp_path / "c.xml").read_text(encoding="utf-8"))) == ""
    assert [each for each in check(tmp_path / "b.yaml") if each.severity == "error"]


def test_modern_words_replace_scripts(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    told: list[str] = []
    yaml = convert(tmp_path / "a.xml", None, modern=True, tell=told.append)
    assert "bt.Script" not in yaml or told
    assert "# what it does" in yaml


def test_the_library_travels(tmp_path: Path) -> None:
    for path in sorted(library().glob("*.yaml")):
        convert(path, tmp_path / f"{path.stem}.xml")
        convert(tmp_path / f"{path.stem}.xml", tmp_path / path.name)
        assert convert(tmp_path / path.name, None) == (tmp_path / f"{path.stem}.xml").read_text(encoding="utf-8")


def test_generated_files_travel(tmp_path: Path) -> None:
    for seed in range(200, 212):
        text = XmlMaker(seed).file()
        (tmp_path / "a.xml").write_text(text, encoding="utf-8")
        convert(tmp_path / "a.xml", tmp_path / "b.yaml", force=True)
        assert difference(shape_of(text), shape_of(convert(tmp_path / "b.yaml", None))) == "", seed


INFERRED = "  Foo: {kind: action, inferred: true, open: true}"


@pytest.mark.parametrize(
    ("declaration", "told"),
    [
        (INFERRED, False),
        (f"{INFERRED}\n  Unused: {{kind: action, inferred: true, open: true}}", False),
        ("  Foo: {kind: action, inferred: true, about: what it does}", True),
        ("  Foo: {kind: condition, inferred: true, open: true}", True),
        ("  Foo: {kind: action, inferred: true, ports: {goal: {direction: in}}}", True),
    ],
)
def test_an_edit_of_what_is_inferred_is_not_lost_in_silence(tmp_path: Path, declaration: str, told: bool) -> None:
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    yaml = convert(tmp_path / "a.xml", None)
    assert INFERRED in yaml
    (tmp_path / "b.yaml").write_text(yaml.replace(INFERRED, declaration), encoding="utf-8")
    notes: list[str] = []
    xml = convert(tmp_path / "b.yaml", None, tell=notes.append)
    assert difference(shape_of(XML), shape_of(xml)) == ""
    assert ["XML does not get what is declared of Foo\n" in each for each in notes] == ([True] if told else [])


def test_what_is_no_more_inferred_joins_the_one_model_of_the_file(tmp_path: Path) -> None:
    model = '<TreeNodesModel><Action ID="Bar"><input_port name="x"/></Action></TreeNodesModel>'
    (tmp_path / "a.xml").write_text(XML.replace("</root>", f"{model}</root>"), encoding="utf-8")
    yaml = convert(tmp_path / "a.xml", None)
    mine = "  # mine\n  Foo: {kind: condition, ports: {goal: {direction: in}}}"
    (tmp_path / "b.yaml").write_text(yaml.replace(INFERRED, mine), encoding="utf-8")
    notes: list[str] = []
    xml = convert(tmp_path / "b.yaml", tmp_path / "c.xml", tell=notes.append) and (tmp_path / "c.xml").read_text()
    assert notes == []
    assert xml.count("<TreeNodesModel>") == 1  # BehaviorTree.CPP takes no second one
    assert xml.index('<Action ID="Bar"') < xml.index("<!-- mine -->") < xml.index('<Condition ID="Foo">')
    again = convert(tmp_path / "c.xml", None)
    assert "inferred" not in again
    assert "  # mine\n  Foo:" in again
    factory = real.BehaviorTreeFactory()
    factory.register_simple_action("Foo", lambda _: real.NodeStatus.SUCCESS)
    factory.register_behavior_tree_from_text(xml)
    assert factory.registered_behavior_trees() == ["t"]


def test_subtrees_of_other_files_are_declared_unless_an_include_has_them(tmp_path: Path) -> None:
    (tmp_path / "other.xml").write_text(
        '<root BTCPP_format="4"><BehaviorTree ID="Near"><AlwaysSuccess/></BehaviorTree></root>', encoding="utf-8"
    )
    text = XML.replace("  <!--", '  <include path="other.xml"/>\n  <!--').replace(
        "<Foo",
        '<SubTree ID="Near"/><SubTree ID="Far away"/><SubTree ID="t"/><SubTree ID="wait"/><SubTree ID="Foo"/><Foo',
    )
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    yaml = convert(tmp_path / "a.xml", tmp_path / "b.yaml")
    assert yaml.partition("\nnodes:\n")[2] == (
        "  Foo: {kind: action, inferred: true, open: true}\n"
        "  Far away: {kind: subtree, inferred: true, open: true}\n"
        "  stub.wait: {id: wait, kind: subtree, inferred: true, open: true}\n"
        "  stub.Foo: {id: Foo, kind: subtree, inferred: true, open: true}\n"
    )
    assert [each.code for each in check(tmp_path / "b.yaml") if each.severity == "error"] == ["K118"]  # t uses t
    assert difference(shape_of(text), shape_of(convert(tmp_path / "b.yaml", None))) == ""


def test_yaml_that_is_no_tree_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("knothole_test: 1\ntree: deliver.yaml\n", encoding="utf-8")
    with pytest.raises(TreeError, match="no document of a tree file"):
        convert(tmp_path / "a.yaml", None)
    (tmp_path / "a.yaml").write_text("knothole: 1\ntre: t\ndialect: bt\nroot: bt.AlwaysSuccess\n", encoding="utf-8")
    with pytest.raises(TreeError, match="unknown key 'tre'"):
        convert(tmp_path / "a.yaml", None)


def test_mistakes_of_the_source_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML.replace(' BTCPP_format="4"', ""), encoding="utf-8")
    told: list[str] = []
    convert(tmp_path / "a.xml", tmp_path / "b.yaml", tell=told.append)
    assert "warning K045" in "".join(told)
    (tmp_path / "a.xml").write_text(XML.replace('"4"', '"3"'), encoding="utf-8")
    with pytest.raises(TreeError, match="only version 4 is read here"):
        convert(tmp_path / "a.xml", None)


@pytest.mark.parametrize(
    ("target", "message"),
    [("a.xml/b.yaml", "is no folder"), ("folder.yaml", "cannot be written"), ("link.yaml", "exists")],
)
def test_targets_that_cannot_be(tmp_path: Path, target: str, message: str) -> None:
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConvertError, match=message):
        convert(tmp_path / "a.xml", tmp_path / target, force=target == "folder.yaml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "folder.yaml", "link.yaml"]


def test_models_given_beside_declare_the_nodes(tmp_path: Path) -> None:
    model = (
        '<root BTCPP_format="4"><TreeNodesModel><Condition ID="Foo"><input_port name="goal" type="int"/></Condition>'
        "</TreeNodesModel></root>"
    )
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    (tmp_path / "m.xml").write_text(model, encoding="utf-8")
    yaml = convert(tmp_path / "a.xml", tmp_path / "b.yaml", models=[tmp_path / "m.xml"])
    assert "kind: condition" in yaml
    assert "goal: {direction: in, type: int}" in yaml
    assert difference(shape_of(XML), shape_of(convert(tmp_path / "b.yaml", None))) == ""


def test_nodes_of_several_models_become_one_document(tmp_path: Path) -> None:
    for name, inside in {
        "a.xml": '<!-- of a --><Action ID="Foo"><input_port name="x" type="int"/></Action><Action ID="Same"/>',
        "b.xml": '<Condition ID="Bar"/><Action ID="Foo"/><Action ID="Same"/>',
    }.items():
        text = f'<root BTCPP_format="4"><TreeNodesModel>{inside}</TreeNodesModel></root>'
        (tmp_path / name).write_text(text, encoding="utf-8")
    text = XML.replace("<Foo", '<SubTree ID="t"/><SubTree ID="near"/><SubTree ID="far"/><Used')
    (tmp_path / "t.xml").write_text(text, encoding="utf-8")
    (tmp_path / "u.xml").write_text(XML.replace('"t"', '"near"').replace("Foo", "Bar"), encoding="utf-8")
    out = io.StringIO()
    declare_nodes([tmp_path / f"{name}.xml" for name in "abtu"], out)
    assert (
        out.getvalue()
        == """\
knothole: 1

nodes:
  # of a

  # b.xml declares Foo another way
  Foo:
    kind: action
    ports:
      x: {direction: in, type: int}
  Same: {kind: action}
  Bar: {kind: condition}
  Used: {kind: action, inferred: true, open: true}
  far: {kind: subtree, inferred: true, open: true}
"""
    )
    tree = "---\nknothole: 1\ntree: t\ndialect: bt\nroot:\n  bt.Sequence:\n    - Foo: {x: 1}\n    - Bar\n"
    (tmp_path / "t.yaml").write_text(out.getvalue() + tree, encoding="utf-8")
    assert [each for each in check(tmp_path / "t.yaml") if each.severity == "error"] == []


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ('<root b="2" a="1"><!-- c  d --><x/></root>', True),
        ('<root a="1" b="2"><!--c d--> <x></x> </root>', True),
        ('<root a="1" b="3"><!--c d--><x/></root>', False),
        ('<root a="1" b="2"><x/><!--c d--></root>', False),
        ('<root a="1" b="2"><!--c d--><y/></root>', False),
        ('<root a="1" b="2"><!--c d--><x/><x/></root>', False),
        ('<root a="1" b="2"><!--c d--><x>t</x></root>', False),
        ('<!-- n --><root a="1" b="2"><!--c d--><x/></root>', False),
        ('<?p?><root a="1" b="2"><!--c d--><x/></root>', False),
    ],
)
def test_what_counts_as_the_same(other: str, same: bool) -> None:
    one = parse_text('<root a="1" b="2"><!-- c d --><x/></root>')
    assert (first_difference(one, parse_text(other)) is None) == same


def test_the_page_shows_what_convert_does(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "xml.md"
    text = page.read_text(encoding="utf-8")
    xml = text.partition("```xml\n")[2].partition("```")[0]
    yaml = text.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "a.xml").write_text(xml, encoding="utf-8")
    assert convert(tmp_path / "a.xml", None) == yaml
    (tmp_path / "b.yaml").write_text(yaml, encoding="utf-8")
    assert difference(shape_of(xml), shape_of(convert(tmp_path / "b.yaml", None))) == ""
