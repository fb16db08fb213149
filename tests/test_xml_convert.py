"""``convert``: files become files, never half, never over another one, and never with something lost in silence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from knothole.app.convert import ConvertError, convert, declare_nodes
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
    for seed in range(40):
        text = XmlMaker(seed).file()
        (tmp_path / "a.xml").write_text(text, encoding="utf-8")
        convert(tmp_path / "a.xml", tmp_path / "b.yaml", force=True)
        assert difference(shape_of(text), shape_of(convert(tmp_path / "b.yaml", None))) == "", seed


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
    (tmp_path / "t.xml").write_text(XML.replace("<Foo", "<Used"), encoding="utf-8")
    out = io.StringIO()
    declare_nodes([tmp_path / "a.xml", tmp_path / "b.xml", tmp_path / "t.xml"], out)
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
