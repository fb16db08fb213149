"""Each mistake in XML is told whole, with its place; hostile files are refused quickly and with a word."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.tests.xml_trees import XmlMaker
from knothole.trees.editing.comments import find_comments
from knothole.trees.problems import TreeError
from knothole.trees.reading.reader import read_text
from knothole.trees.xml.elements import MAX_DEPTH, MAX_ELEMENTS
from knothole.trees.xml.reader import read_xml, read_xml_file
from knothole.trees.xml.writer import write_xml

MISTAKES = {
    "K040 wrong closing tag": (
        '<root BTCPP_format="4">\n  <BehaviorTree ID="t">\n  </BehaviorTre>\n</root>',
        "t.xml:3:5: error K040: </BehaviorTre> closes <BehaviorTree>\n"
        "    3 |   </BehaviorTre>\n"
        "      |     ^^^^^^^^^^^\n"
        "  why:  <BehaviorTree> was opened in line 2, column 3\n"
        "  fix:  write </BehaviorTree> before it, or correct the name",
    ),
    "K040 not closed": (
        "<root>\n  <a>\n",
        "t.xml:2:4: error K040: <a> is not closed\n"
        "    2 |   <a>\n"
        "      |    ^\n"
        "  fix:  close what was opened; a tree file holds one <root>",
    ),
    "K040 a quote that is not closed": (
        '<root a="x <a b="3"/>',
        "t.xml:1:12: error K040: '<' stands inside a tag or a value\n"
        '    1 | <root a="x <a b="3"/>\n'
        "      |            ^\n"
        "  why:  it begins a tag\n"
        "  fix:  write &lt; for the character, or close the quote or the tag before it",
    ),
    "K040 ampersand in a broken tag": (
        '<root a="x && y" b=1/>',
        "t.xml:1:12: error K040: '&' stands alone\n"
        '    1 | <root a="x && y" b=1/>\n'
        "      |            ^\n"
        "  why:  it begins a reference such as &lt;\n"
        "  fix:  write &amp; for the character",
    ),
    "K057 bare characters that BehaviorTree.CPP reads": (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><Script code="a < 1 &amp;& b"/></BehaviorTree></root>',
        "t.xml:1:61: warning K057: '<' stands bare where XML wants &lt;\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><Script code="a < 1 &amp;& b"/></BehaviorTree></root>\n'
        "      |                                                             ^\n"
        "  why:  BehaviorTree.CPP reads it; other programs refuse the file\n"
        "  fix:  write &lt;, as a conversion does\n\n"
        "t.xml:1:70: warning K057: '&' stands bare where XML wants &amp;\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><Script code="a < 1 &amp;& b"/></BehaviorTree></root>\n'
        "      |                                                                      ^\n"
        "  why:  BehaviorTree.CPP reads it; other programs refuse the file\n"
        "  fix:  write &amp;, as a conversion does",
    ),
    "K040 dashes": (
        "<root><!-- a -- b --></root>",
        "t.xml:1:16: error K040: '--' stands inside a comment\n"
        "    1 | <root><!-- a -- b --></root>\n"
        "      |                ^\n"
        "  why:  two dashes may only end it\n"
        "  fix:  write one dash, or a space between",
    ),
    "K040 no quotes": (
        "<root a=1/>",
        "t.xml:1:9: error K040: a value without quotes\n"
        "    1 | <root a=1/>\n"
        "      |         ^\n"
        "  why:  XML quotes every value\n"
        '  fix:  write name="value"',
    ),
    "K040 two roots": (
        "<root/><root/>",
        "t.xml:1:8: error K040: something stands behind the outermost element\n"
        "    1 | <root/><root/>\n"
        "      |        ^\n"
        "  fix:  put all of it into one <root>",
    ),
    "K041 attribute twice": (
        '<root>\n  <Größe a="1"\n    b="2" a="3"/></root>',
        "t.xml:3:11: error K041: the attribute 'a' stands twice in this tag\n"
        '    3 |     b="2" a="3"/></root>\n'
        "      |           ^\n"
        "  why:  only one of them could count\n"
        "  fix:  delete one of them",
    ),
    "K042 document type": (
        '<!DOCTYPE root [<!ENTITY a "aaaa">]><root>&a;</root>',
        "t.xml:1:1: error K042: document types and entities are refused\n"
        '    1 | <!DOCTYPE root [<!ENTITY a "aaaa">]><root>&a;</root>\n'
        "      | ^\n"
        "  why:  a file could make the reader expand text without end, or read other files\n"
        "  fix:  delete <!DOCTYPE …>, and write out what its entities stand for",
    ),
    "K042 unknown entity": (
        "<root a='&nbsp;'/>",
        "t.xml:1:10: error K042: this entity is not known\n"
        "    1 | <root a='&nbsp;'/>\n"
        "      |          ^\n"
        "  why:  XML knows &lt; &gt; &amp; &quot; &apos; and numbers such as &#176;\n"
        "  fix:  write the character itself",
    ),
    "K044 another root": (
        "<robot/>",
        "t.xml:1:2: error K044: the outermost element is <robot>, not <root>\n"
        "    1 | <robot/>\n"
        "      |  ^^^^^\n"
        '  why:  a file of BehaviorTree.CPP version 4 holds one <root BTCPP_format="4">\n'
        "  fix:  convert files of trees; models and trees stand inside <root>",
    ),
    "K045 version 3": (
        '<root BTCPP_format="3"/>',
        "t.xml:1:21: error K045: BTCPP_format is '3', only version 4 is read here\n"
        '    1 | <root BTCPP_format="3"/>\n'
        "      |                     ^\n"
        "  why:  in version 3 some nodes have other names and meanings, and <SubTreePlus> remaps by itself\n"
        '  fix:  bring the tree to version 4 and write BTCPP_format="4"',
    ),
    "K045 no version": (
        '<root><BehaviorTree ID="t"><AlwaysSuccess/></BehaviorTree></root>',
        "t.xml:1:2: warning K045: <root> does not say for which version it is written\n"
        '    1 | <root><BehaviorTree ID="t"><AlwaysSuccess/></BehaviorTree></root>\n'
        "      |  ^^^^\n"
        "  why:  files of version 3 look alike and mean other things\n"
        '  fix:  write <root BTCPP_format="4"> if it is for version 4',
    ),
    "K046 unknown element": (
        '<root BTCPP_format="4"><BehaviourTree/></root>',
        "t.xml:1:25: warning K046: <BehaviourTree> does not belong in <root>\n"
        '    1 | <root BTCPP_format="4"><BehaviourTree/></root>\n'
        "      |                         ^^^^^^^^^^^^^\n"
        "  why:  BehaviorTree.CPP passes over it\n"
        "  fix:  delete it, or correct its name",
    ),
    "K047 no ID": (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><Action name="a"/></BehaviorTree></root>',
        "t.xml:1:46: error K047: <Action> has no ID\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><Action name="a"/></BehaviorTree></root>\n'
        "      |                                              ^^^^^^\n"
        "  why:  <Action> only says what kind of node this is; which one, its ID says\n"
        '  fix:  write <Action ID="NAME" …>',
    ),
    "K048 a decorator with two children": (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><Inverter><A/><B/></Inverter></BehaviorTree></root>',
        "t.xml:1:60: error K048: 'bt.Inverter' takes one child\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><Inverter><A/><B/></Inverter></BehaviorTree></root>\n'
        "      |                                                            ^\n"
        "  why:  this is one too many\n"
        "  fix:  put them below a <Sequence>, or take one out",
    ),
    "K048 a leaf with a child": (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><AlwaysSuccess><A/></AlwaysSuccess></BehaviorTree></root>',
        "t.xml:1:61: error K048: 'bt.AlwaysSuccess' takes no children\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><AlwaysSuccess><A/></AlwaysSuccess>'
        "</BehaviorTree></root>\n"
        "      |                                                             ^\n"
        "  why:  this is one too many\n"
        "  fix:  move them out, behind it",
    ),
    "K048 a tree with two roots": (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><A/><B/></BehaviorTree></root>',
        "t.xml:1:50: error K048: a <BehaviorTree> has exactly one node\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><A/><B/></BehaviorTree></root>\n'
        "      |                                                  ^\n"
        "  why:  this is one too many\n"
        "  fix:  put them below a <Sequence>",
    ),
    "K050 a processing instruction": (
        '<root BTCPP_format="4"><?php echo?></root>',
        "t.xml:1:24: error K050: the processing instruction <?php?> stands inside or after <root>\n"
        '    1 | <root BTCPP_format="4"><?php echo?></root>\n'
        "      |                        ^^^^^\n"
        "  why:  only those before <root> can be kept in YAML\n"
        "  fix:  move it above <root>, or delete it",
    ),
    "K051 text": (
        '<root BTCPP_format="4">\n  <BehaviorTree ID="t">go\n    <A/></BehaviorTree></root>',
        "t.xml:2:24: error K051: text stands in <BehaviorTree>\n"
        '    2 |   <BehaviorTree ID="t">go\n'
        "      |                        ^\n"
        "  why:  attributes say everything here; BehaviorTree.CPP passes over this text\n"
        "  fix:  delete it, or make it a comment <!-- … -->",
    ),
    "K052 a value of our own": (
        '<root knothole="1"><BehaviorTree ID="t"><Action ID="see" question="[a"/></BehaviorTree></root>',
        "t.xml:1:68: error K052: the value of 'question' cannot be read: "
        "a ',' or the closing ']' is missing before this\n"
        '    1 | <root knothole="1"><BehaviorTree ID="t"><Action ID="see" question="[a"/></BehaviorTree></root>\n'
        "      |                                                                    ^^\n"
        "  why:  a value that begins with [, { or a quote is YAML on one line\n"
        '  fix:  correct it; a text that begins so stands in quotes, "…"',
    ),
    "K054 an include of nothing": (
        '<root BTCPP_format="4"><include ros_pkg="p"/></root>',
        "t.xml:1:25: error K054: <include> has no path\n"
        '    1 | <root BTCPP_format="4"><include ros_pkg="p"/></root>\n'
        "      |                         ^^^^^^^\n"
        '  fix:  write <include path="FILE.xml"/>',
    ),
    "K055 an ID too many": (
        '<root BTCPP_format="4"><BehaviorTree ID="t"><A ID="B"/></BehaviorTree></root>',
        "t.xml:1:48: error K055: an element that is named after its node takes no ID\n"
        '    1 | <root BTCPP_format="4"><BehaviorTree ID="t"><A ID="B"/></BehaviorTree></root>\n'
        "      |                                                ^^\n"
        "  fix:  delete it; an instance is named with `name`",
    ),
}
REFUSED = {
    "K060 a node of ours": ("retry: {attempts: 3, child: A}", "BehaviorTree.CPP has no node 'retry'"),
    "K060 a common key": ("{A: , retry: 3}", "BehaviorTree.CPP has no 'retry'"),
    "K060 load time": ("bt.Sequence: [{if: {is: 'true', then: A}}]", "BehaviorTree.CPP has no node 'if'"),
    "K061 no name of an attribute": ("A: {two words: 1}", "'two words' cannot name an attribute of XML"),
    "K061 twice": ("{A: {name: x}, name: y}", "the attribute 'name' would stand twice in <A>"),
    "K061 a form": ("{A: , meta: {xml: Thing}}", "'xml' of 'meta' says how a node is written"),
    "K061 a character": ('{A: {x: "a\\0b"}}', "the character U+0000 cannot stand in XML"),
    "K062 a list": ("A: {x: [1, 2]}", "text is needed here, this is a list"),
    "K062 no main port": ("A: 5", "'A' has no main port that this could be the value of"),
    "K062 no value": ("A: {x: }", "the port 'x' has no value"),
    "K060 no such node": ("bt.Scrip: {code: 1}", "BehaviorTree.CPP has no node 'bt.Scrip'"),
    "K063 an expression": ("{A: , skip_if: $x > 1}", "'skip_if' must be a script here"),
    "K063 a hook": ("{A: , on_success: B}", "'on_success' must be a bt.Script here"),
    "K064 two types": ("{A: , B: }", "this is no node"),
    "K064 children": ("bt.Sequence: {children: A}", "'children' holds nodes"),
}


def told(text: str) -> str:
    try:
        problems = read_xml(text, "t.xml").problems
    except TreeError as error:
        return str(error)
    return "\n\n".join(str(each) for each in problems)


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistake(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_xml_cannot_say_is_refused_with_its_place(name: str) -> None:
    node, message = REFUSED[name]
    documents = read_text(f"knothole: 1\ntree: t\ndialect: bt\nroot:\n  {node}\n", "t.yaml")
    with pytest.raises(TreeError) as caught:
        write_xml(documents, find_comments(documents))
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == (name.split()[0], message)
    assert problem.fix
    assert problem.place.line == 5


def test_all_mistakes_are_told_at_once() -> None:
    text = '<root BTCPP_format="4"><BehaviorTree ID="t">\n<Inverter>x<A/><B/></Inverter></BehaviorTree><?a?></root>'
    with pytest.raises(TreeError) as caught:
        read_xml(text)
    assert [each.code for each in caught.value.problems] == ["K050"]
    with pytest.raises(TreeError) as caught:
        read_xml(text.replace("<?a?>", "<Odd/>"))
    assert [each.code for each in caught.value.problems] == ["K051", "K048", "K046"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<a>" * 10_000_000, "K043"),
        ('<root BTCPP_format="4"><BehaviorTree ID="t">' + "<Inverter>" * (MAX_DEPTH + 5), "K043"),
        ("<root>" + "<a/>" * (MAX_ELEMENTS + 5) + "</root>", "K043"),
        ("<root" + "".join(f' a{n}="1"' for n in range(MAX_ELEMENTS + 5)) + "/>", "K043"),
        ('<root BTCPP_format="4">' + "x<a/>" * 10_000 + "</root>", "K051"),
        ("<root " + "a" * 5_000_000, "K040"),
        ("<root>" + "<" * 100_000, "K040"),
        ('<!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><root>&c;</root>', "K042"),
        ('<!DOCTYPE r SYSTEM "file:///etc/hostname"><root/>', "K042"),
        ('<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/hostname">%p;]><root/>', "K042"),
        ('<root BTCPP_format="4"><TreeNodesModel/><TreeNodesModel/></root>', "K046"),
        ("", "K005"),
        (" \n ", "K005"),
        ("\0", "K040"),
        ("knothole: 1", "K040"),
        ("<root a='\ud800'/>", "K040"),
    ],
    ids=["open", "deep", "wide", "attributes", "text", "tag", "brackets", "bomb", "external", "parameter", "models",
         "empty", "blank", "null", "yaml", "surrogate"],
)  # fmt: skip
def test_hostile_files_are_refused(text: str, code: str) -> None:
    with pytest.raises(TreeError) as caught:
        read_xml(text, "t.xml")
    assert caught.value.problems[0].code == code
    assert len(str(caught.value.problems[0])) < 1000


def test_a_tree_of_the_greatest_depth_is_read() -> None:
    depth = MAX_DEPTH - 3
    text = '<root BTCPP_format="4"><BehaviorTree ID="t">' + "<Inverter>" * depth + "<A/>" + "</Inverter>" * depth
    found = read_xml(text + "</BehaviorTree></root>")
    assert found.problems == []
    assert write_xml(found, find_comments(read_text("a: 1"))).count("<Inverter>") == depth


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.xml").write_bytes("<root>\n<!-- Käse --></root>".encode("latin-1"))
    (tmp_path / "odd.xml").write_bytes(b'<?xml version="1.0" encoding="utf-7"?><root/>')
    (tmp_path / "folder.xml").mkdir()
    codes = {}
    for name in ("latin.xml", "odd.xml", "folder.xml", "missing.xml", "a\0b.xml"):
        with pytest.raises(TreeError) as caught:
            read_xml_file(tmp_path / name)
        codes[name] = caught.value.problems[0].code
        place = caught.value.problems[0].place
        if name == "latin.xml":
            assert (place.line, place.column) == (2, 7)
    assert list(codes.values()) == ["K053", "K053", "K002", "K001", "K003"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "t.xml"
    file.write_bytes(raw)
    with pytest.raises(TreeError):
        read_xml_file(file)


@pytest.mark.parametrize("seed", range(40))
def test_broken_files_are_read_or_refused(seed: int) -> None:
    """Characters of real files are dropped, doubled, swapped: nothing but the project's own error comes of it."""
    chance = random.Random(seed)
    text = XmlMaker(seed).file()
    for _ in range(30):
        at = chance.randrange(len(text))
        piece = chance.choice(("", text[at] * 2, "<", ">", '"', "&", "--", "]]>", "\0", "é", " ", text[:at][-20:]))
        broken = text[:at] + piece + text[at + 1 :]
        try:
            found = read_xml(broken, "t.xml", keep=True)
            write_xml(found, found.comments or find_comments(read_text("a: 1")))
        except TreeError as error:
            told = error.problems
        else:
            told = ()
        assert all(each.message and each.place.line >= 1 for each in told)
