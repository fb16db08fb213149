"""XML to YAML and back says the same, comments included; and what was YAML first comes back as it was."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from knothole.tests.xml_edits import Editor, agrees, changes
from knothole.tests.xml_trees import XmlMaker, difference, shape_of
from knothole.trees.editing.comments import find_comments
from knothole.trees.editing.printer import print_yaml
from knothole.trees.loader import check, library, load
from knothole.trees.problems import TreeError
from knothole.trees.reading.document import Comments
from knothole.trees.reading.reader import read_text
from knothole.trees.xml.layout import comment_text
from knothole.trees.xml.reader import read_xml
from knothole.trees.xml.writer import write_xml


def to_yaml(xml: str) -> str:
    return print_yaml(read_xml(xml, "t.xml", keep=True))


def to_xml(yaml: str) -> str:
    documents = read_text(yaml, "t.yaml")
    return write_xml(documents, find_comments(documents))


@cache
def made(seed: int) -> tuple[str, str, str]:
    """Return a random file, its YAML, and the XML that this becomes."""
    xml = XmlMaker(seed).file()
    yaml = to_yaml(xml)
    return xml, yaml, to_xml(yaml)


@pytest.mark.parametrize(
    "start", [*range(0, 120, 20), *(pytest.param(start, marks=pytest.mark.long) for start in range(120, 1000, 20))]
)
def test_xml_to_yaml_to_xml_to_yaml(start: int) -> None:
    for seed in range(start, start + 20):
        xml, yaml, again = made(seed)
        assert difference(shape_of(xml), shape_of(again)) == "", seed
        assert to_yaml(again) == yaml, seed


def test_the_generator_makes_every_form() -> None:
    text = "".join(made(seed)[0] for seed in range(120))
    for form in ("<include", "<TreeNodesModel", "bidirectional_port", "<MetadataFields", "<!--", "CDATA", "SubTreePlus",
                 "_autoremap", "_skipIf", "_onHalted", "<Control ID=", "<Condition ID=", "<Sequence", "xml-model",
                 "main_tree_to_execute", "_description", "\u2028", "&#10;"):  # fmt: skip
        assert form in text, form


@pytest.mark.parametrize("start", range(0, 120, 10))
def test_an_edit_of_the_yaml_is_that_edit_of_the_xml(start: int) -> None:
    for seed in range(start, start + 10):
        _, yaml, again = made(seed)
        before = shape_of(again)
        for number in range(3):
            documents = read_text(yaml, "t.yaml")
            comments = find_comments(documents)
            edit = Editor(documents, comments, 10 * seed + number).edit()
            if edit is None:
                continue
            kind, wanted = edit
            found = changes(before, shape_of(to_xml(print_yaml(documents, comments))))
            assert agrees(found, wanted), (seed, kind, found, wanted)


def test_every_kind_of_edit_is_made() -> None:
    kinds = set()
    for seed in range(0, 100, 2):
        documents = read_text(made(seed)[1], "t.yaml")
        edit = Editor(documents, find_comments(documents), seed).edit()
        kinds |= {edit[0]} if edit is not None else set()
    assert kinds >= {
        "port",
        "rename_port",
        "name",
        "meta",
        "comment",
        "new_comment",
        "insert",
        "condition",
        "hook",
        "declared",
    }


def test_the_yaml_holds_no_xml() -> None:
    for seed in range(40):
        maker = XmlMaker(seed)
        maker.noise = 0.0  # comments and values may hold anything
        yaml = to_yaml(maker.file())
        for mark in ("</", "/>", "<Sequence ", "<Action ", "<root", "<!--"):
            assert mark not in yaml, (seed, mark)


@pytest.mark.parametrize(
    "text",
    ["a -- b", "--", "---", "-", "ends --", "-&#45;", "-&#38;#45;", "--&#45;", "<!-- a -->", "é -- 🙂", "a\n--\nb"],
)
def test_any_comment_of_the_yaml_is_one_in_xml(text: str) -> None:
    yaml = to_yaml('<root BTCPP_format="4"><BehaviorTree ID="t"><Sequence><A/></Sequence></BehaviorTree></root>')
    lines = "".join(f"    # {line}\n" for line in text.split("\n"))
    edited = yaml.replace("    - A\n", lines + "    - A\n")
    xml = to_xml(edited)
    (note,) = (line for line in [xml.partition("<Sequence>")[2].partition("<A/>")[0]])
    assert "--" not in note.strip().removeprefix("<!--").removesuffix("-->")
    assert to_yaml(xml) == edited
    assert "--" not in comment_text(text)


@pytest.mark.parametrize(
    "place", ["knothole", "xml", "tree", "dialect", "root", "bt.Sequence", "- A", "x", "meta", "uid", "code"]
)
def test_a_comment_anywhere_in_the_yaml_comes_back(place: str) -> None:
    yaml = to_yaml(
        '<root BTCPP_format="4"><BehaviorTree ID="t"><Sequence><A x="1" y="2" _uid="3" _post="b:=1"/><B/>'
        "</Sequence></BehaviorTree></root>"
    )
    lines = yaml.split("\n")
    number = next(
        n
        for n, line in enumerate(lines)
        if line.strip().lstrip("- ").startswith(place.removeprefix("- ")) or f"{{{place}:" in line
    )
    for edited in (
        [*lines[:number], " " * (len(lines[number]) - len(lines[number].lstrip())) + "# a word", *lines[number:]],
        [*lines[:number], lines[number] + "  # a word", *lines[number + 1 :]],
    ):
        text = "\n".join(edited)
        xml = to_xml(text)
        assert xml.count("a word") == 1
        back = to_yaml(xml)
        assert back.count("# a word") == 1 or back.count(": a word") == 1
        assert to_xml(back) == xml


def test_comments_at_ports_stay_at_their_ports() -> None:
    yaml = """\
knothole: 1
xml: {form: compact, BTCPP_format: 4}
tree: t
dialect: bt

root:
  bt.Sequence:
    # of the node
    - A:
        # how fast
        # it goes
        speed: 1  # in m/s
        goal: $goal  # of the mission
      name: first  # the name
---
knothole: 1

nodes:
  A: {kind: action, inferred: true, open: true}
"""
    assert "<!-- speed: in m/s -->" in to_xml(yaml)
    assert to_yaml(to_xml(yaml)) == yaml


def test_a_file_whose_nodes_stand_with_its_tree_comes_back_as_one_document() -> None:
    yaml = """\
knothole: 1
xml: {form: verbose, BTCPP_format: 4}
nodes:
  Foo:
    kind: condition
    ports:
      x: {direction: in, type: number}

tree: t
dialect: bt
root: Foo
"""
    xml = to_xml(yaml)
    assert xml.index("<TreeNodesModel>") < xml.index("<BehaviorTree")
    assert '<input_port name="x" type="double"/>' in xml
    documents = read_xml(xml)
    assert len(documents.roots) == 1
    assert to_xml(print_yaml(documents)) == xml


# our own trees -------------------------------------------------------------------------------------------------------
OWN = """\
# before all
knothole: 1
tree: busy  # beside
about: A tree of ours with everything in it.
inputs:
  speed: {type: number, default: 0.5}
constants: {sides: [left, right]}

root:
  guard:
    # first this
    check:
      see: {question: "Is it safe?", expect: no, max_age: 1s}
    give_up_after: 60s
    child:
      sequence:
        - home
        - name: before the type
          wait: 5s  # a while
        # each side
        - for:
            item: side
            in: $(sides)
            do:
              - say: $(side)
              - if: {is: "true", then: [home], else: []}
        - retry: {attempts: 3, child: home}
          timeout: 20s
          when: "$speed > 0.1"
        - set: {name: $x, to: "1 + 1"}
        - selector:
            children:
              - check: "$x == 2"
              - say: "5"
          finally:
            say: {text: done}
          meta: {note: "two words", xml: odd}
        # at the end
      retry: 2
      on_success:
        say: yes
# after all
"""


@pytest.mark.parametrize("name", [*sorted(path.stem for path in library().glob("*.yaml")), "busy"])
def test_our_own_trees_travel_through_xml(name: str, tmp_path: Path) -> None:
    text = OWN.replace(", else: []", "") if name == "busy" else (library() / f"{name}.yaml").read_text(encoding="utf-8")
    documents = read_text(text)
    yaml = print_yaml(documents, find_comments(documents))
    xml = to_xml(yaml)
    assert 'knothole="1"' in xml
    assert to_yaml(xml) == yaml
    (tmp_path / "t.xml").write_text(xml, encoding="utf-8")
    if name != "busy":
        mine, its = load(name), load(tmp_path / "t.xml")
        assert [(n.type, n.path, n.name) for n in mine.walk()] == [(n.type, n.path, n.name) for n in its.walk()]
        assert [p for p in check(tmp_path / "t.xml") if p.severity == "error"] == []


def test_an_empty_list_of_nodes_is_refused() -> None:
    with pytest.raises(TreeError, match="K064"):
        to_xml(OWN)


def test_trees_of_both_languages_share_a_file() -> None:
    yaml = """\
knothole: 1
tree: ours
root:
  sequence:
    - use: theirs
    - wait: 5s
---
knothole: 1
tree: theirs
dialect: bt

root:
  bt.Sequence:
    - bt.AlwaysSuccess
    - Foo: {x: $y}
---
knothole: 1

nodes:
  Foo: {kind: action, inferred: true, open: true}
"""
    xml = to_xml(yaml)
    assert '<Foo x="{y}"/>' in xml
    documents = read_text(yaml)
    assert to_yaml(xml) == print_yaml(documents, Comments())


@pytest.mark.parametrize(
    "value", ["5", '"5"', "true", '"true"', "~", '""', '"~"', "no", "[1, two, \"3\"]", "{a: [b, {c: d}], e: \"f, g\"}",
              '"[a]"', "\"'\"", "'say \"hi\"'", '"a\\nb"', '"${x}"', "$x", "1.50", "0x1F", '"a: b # c"', "é"],
)  # fmt: skip
def test_values_of_our_own_trees_keep_what_they_are(value: str) -> None:
    documents = read_text(f"knothole: 1\ntree: t\nroot:\n  Thing: {{x: {value}}}\n")
    yaml = print_yaml(documents, Comments())
    assert to_yaml(to_xml(yaml)) == yaml


def test_random_trees_of_ours_come_back() -> None:
    chance = random.Random(7)

    def node(depth: int) -> str:
        kind = chance.choice(("sequence", "selector", "inverter", "repeat", "say", "home", "wait"))
        if depth > 6 or kind in ("say", "home", "wait"):
            return chance.choice(
                ["home", '{say: "a b"}', "{wait: 2s}", f"{{wait: 1s, name: n{depth}}}", "{name: x, home: }"]
            )
        if kind in ("sequence", "selector"):
            return f"{{{kind}: [{', '.join(node(depth + 1) for _ in range(chance.randint(1, 3)))}]}}"
        ports = chance.choice(["times: 3, ", ""]) if kind == "repeat" else ""
        common = chance.choice([", retry: 3", ", finally: home", ""])
        return f"{{{kind}: {{{ports}child: {node(depth + 1)}}}{common}}}"

    for _ in range(60):
        documents = read_text(f"knothole: 1\ntree: t\nroot: {node(1)}\n")
        yaml = print_yaml(documents, find_comments(documents))
        assert to_yaml(to_xml(yaml)) == yaml
