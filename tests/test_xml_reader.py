"""XML of BehaviorTree.CPP becomes documents of the tree language: what stands where, and under which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.trees.editing.printer import print_yaml
from knothole.trees.loader import check, load
from knothole.trees.reading.document import Item, Items, Pairs, Scalar
from knothole.trees.xml.elements import decode
from knothole.trees.xml.reader import read_xml, read_xml_file

HEAD = '<root BTCPP_format="4"><BehaviorTree ID="t">'
TAIL = "</BehaviorTree></root>"


def plain(item: Item | None) -> object:
    if isinstance(item, Scalar):
        return item.text
    if isinstance(item, Items):
        return [plain(each) for each in item.items]
    return {key.text: plain(value) for key, value in item} if item is not None else None


def documents(text: str) -> list[object]:
    return [plain(root) for root in read_xml(text).roots]


def node(text: str) -> object:
    """Return the root node of a tree that is one element."""
    root = read_xml(HEAD + text + TAIL).roots[0]
    assert isinstance(root, Pairs)
    return plain(root.get("root"))


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<AlwaysSuccess/>", "bt.AlwaysSuccess"),
        ('<Action ID="AlwaysSuccess"/>', "bt.AlwaysSuccess"),
        ("<PickObject/>", "PickObject"),
        ("<inverter><A/></inverter>", {"stub.inverter": {"child": "A"}}),
        ("<name/>", "stub.name"),
        ("<if/>", "stub.if"),
        ("<Sequence><A/></Sequence>", {"bt.Sequence": ["A"]}),
        ('<Parallel failure_count="2"><A/></Parallel>', {"bt.Parallel": {"failure_count": "2", "children": ["A"]}}),
        ("<Inverter><A/></Inverter>", {"bt.Inverter": {"child": "A"}}),
        ("<RecoveryNode number_of_retries=\"2\"><A/><B/></RecoveryNode>",
         {"nav2.RecoveryNode": {"number_of_retries": "2", "children": ["A", "B"]}}),
        ('<SubTree ID="Look at table"/>', {"bt.SubTree": "Look at table"}),
        ('<SubTree ID="s" goal="{goal}" _autoremap="true"/>',
         {"bt.SubTree": {"ID": "s", "goal": "$goal", "_autoremap": "true"}}),
        ('<A x="{a}" y="{@b}" z="{=}" n="1;2" d="$5" p=" {a} " q="{a.b}" e=""/>',
         {"A": {"x": "$a", "y": "$@b", "z": "$=", "n": "1;2", "d": "$$5", "p": " {a} ", "q": "{a.b}", "e": ""}}),
        ('<A name="first"/>', {"A": "", "name": "first"}),
        ('<A _description="d" _skipIf="x == 1" _onSuccess="y := 2" _collapsed="true"/>',
         {"A": "", "about": "d", "skip_if": {"script": "x == 1"}, "on_success": {"bt.Script": {"code": "y := 2"}},
          "meta": {"collapsed": "true"}}),
        ('<A _xml="1" _x="2" __y="3" child="{c}"/>',
         {"A": "", "meta": {"xml._xml": "1", "x": "2", "_y": "3", "xml.child": "{c}"}}),
        ('<Script code="price := $x"/>', {"bt.Script": {"code": "price := $x"}}),
        ('<A note="one&#10;two" _post="a:=1&#10;b:=2"/>',
         {"A": {"note": "one\ntwo"}, "post": {"bt.Script": {"code": "a:=1\nb:=2"}}}),
    ],
)  # fmt: skip
def test_an_element_becomes_a_node(element: str, expected: object) -> None:
    assert node(element) == expected


def test_what_differs_from_the_form_of_the_file_says_so() -> None:
    mixed = '<Sequence><A/><B/><Condition ID="C"/><SubTree ID="s"/></Sequence>'
    assert node(mixed) == {"bt.Sequence": ["A", "B", {"C": "", "meta": {"xml": "Condition"}}, {"bt.SubTree": "s"}]}
    verbose = '<Control ID="Sequence"><A/><Action ID="B"/><Condition ID="B"/></Control>'
    assert node(verbose) == {
        "bt.Sequence": [{"A": "", "meta": {"xml": "compact"}}, "B", {"B": "", "meta": {"xml": "Condition"}}]
    }


def test_each_child_of_the_root_is_a_document() -> None:
    text = (
        '<root BTCPP_format="4" main_tree_to_execute="b" project_name="p">'
        '<include path="a.xml"/><include path="b.xml" ros_pkg="pkg"/>'
        '<BehaviorTree ID="a" _favorite="true" speed="1"><SubTree ID="b"/></BehaviorTree>'
        '<TreeNodesModel><Action ID="Foo"><input_port name="x" type="int" default="3">What x is.</input_port>'
        '<bidirectional_port name="y" type="geometry_msgs::msg::Pose"/>'
        '<MetadataFields><Metadata m="1"/></MetadataFields></Action></TreeNodesModel>'
        '<BehaviorTree ID="b"><Foo/></BehaviorTree></root>'
    )
    assert documents(text) == [
        {
            "knothole": "1",
            "xml": {"form": "compact", "BTCPP_format": "4", "project_name": "p"},
            "main": "b",
            "include": ["a.xml", {"path": "b.xml", "ros_pkg": "pkg"}],
            "tree": "a",
            "dialect": "bt",
            "meta": {"favorite": "true", "xml.speed": "1"},
            "root": {"bt.SubTree": "b"},
        },
        {
            "knothole": "1",
            "nodes": {
                "Foo": {
                    "kind": "action",
                    "ports": {
                        "x": {"direction": "in", "type": "int", "default": "3", "about": "What x is."},
                        "y": {
                            "direction": "inout",
                            "type": "any",
                            "meta": {"xml": "bidirectional_port", "xml.type": "geometry_msgs::msg::Pose"},
                        },
                    },
                    "metadata": [{"m": "1"}],
                }
            },
        },
        {"knothole": "1", "tree": "b", "dialect": "bt", "root": "Foo"},
    ]


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        ("<Foo/>", "action"),
        ("<Foo><A/></Foo>", "decorator"),
        ("<Foo><A/><A/></Foo>", "control"),
        ("<Sequence><Foo/><Foo><A/></Foo></Sequence>", "decorator"),
        ("<Sequence><Foo><A/><A/></Foo><Foo><A/></Foo></Sequence>", "control"),
        ('<Condition ID="Foo"/>', "condition"),
        ('<Control ID="Foo"><A/></Control>', "control"),
        ('<Decorator ID="Foo"><A/></Decorator>', "decorator"),
    ],
)
def test_use_tells_the_kind_of_a_node_that_nobody_declares(element: str, kind: str) -> None:
    last = documents(HEAD + element + TAIL)[-1]
    assert isinstance(last, dict)
    assert last["nodes"]["Foo"] == {"kind": kind, "inferred": "true", "open": "true"}


def test_models_of_other_files_declare_what_is_used(tmp_path: Path) -> None:
    model = (
        '<root BTCPP_format="4"><TreeNodesModel><Control ID="Foo"><input_port name="x"/></Control>'
        '<Action ID="Bar"/></TreeNodesModel></root>'
    )
    (tmp_path / "models.xml").write_text(model, encoding="utf-8")
    body = "<Sequence><Foo><A/></Foo></Sequence>"
    included = HEAD.replace("><", '><include path="models.xml"/><', 1) + body + TAIL
    (tmp_path / "including.xml").write_text(included, encoding="utf-8")
    (tmp_path / "plain.xml").write_text(HEAD + body + TAIL, encoding="utf-8")
    for found in (
        read_xml_file(tmp_path / "including.xml"),
        read_xml_file(tmp_path / "plain.xml", models=[tmp_path / "models.xml"]),
    ):
        first, last = (plain(root) for root in found.roots)
        assert first["root"] == {"bt.Sequence": [{"Foo": ["A"]}]}  # type: ignore[index]
        assert last["nodes"] == {  # type: ignore[index]
            "Foo": {"kind": "control", "inferred": "true", "ports": {"x": {"direction": "in"}}},
            "A": {"kind": "action", "inferred": "true", "open": "true"},
        }


def test_a_node_of_nav2_that_a_file_declares_otherwise_is_its_own() -> None:
    own = '<TreeNodesModel><Decorator ID="RateController"><input_port name="warp"/></Decorator></TreeNodesModel>'
    use = '<BehaviorTree ID="t"><RateController warp="9"><A/></RateController></BehaviorTree>'
    assert documents(f'<root BTCPP_format="4">{own}{use}</root>')[1]["root"] == {  # type: ignore[index]
        "RateController": {"warp": "9", "child": "A"}
    }


def test_every_name_and_value_stands_where_the_xml_has_it() -> None:
    text = '<root BTCPP_format="4">\n  <BehaviorTree ID="Größe">\n    <Foo goal="{x}"\n         süß="1"/>\n'
    found = read_xml(text + "  </BehaviorTree>\n</root>\n", "t.xml")
    (root, _) = found.roots
    assert isinstance(root, Pairs)
    tree, holder = root.get("tree"), root.get("root")
    assert isinstance(tree, Scalar)
    assert isinstance(holder, Pairs)
    assert (tree.line, tree.column, tree.end_column) == (2, 21, 26)
    ((key, ports),) = holder.pairs
    assert isinstance(ports, Pairs)
    assert (key.text, key.line, key.column) == ("Foo", 3, 6)
    (goal, x), (sweet, one) = ports.pairs
    assert isinstance(x, Scalar)
    assert isinstance(one, Scalar)
    assert (goal.line, goal.column, x.line, x.column, x.end_column) == (3, 10, 3, 16, 19)
    assert (sweet.line, sweet.column, one.line, one.column) == (4, 10, 4, 15)
    assert found.source.line(3)[x.column - 1 : x.end_column - 1] == "{x}"


def test_mistakes_of_the_checker_point_into_the_xml(tmp_path: Path) -> None:
    file = tmp_path / "t.xml"
    file.write_text(
        '<root BTCPP_format="4">\n  <BehaviorTree ID="t">\n    <Repeat num_cycle="3">\n      <AlwaysSuccess/>\n'
        "    </Repeat>\n  </BehaviorTree>\n</root>\n",
        encoding="utf-8",
    )
    problems = [each for each in check(file) if each.severity == "error"]
    assert [(each.code, each.place.line, each.place.column, each.guess) for each in problems][:1] == [
        ("K102", 3, 13, ("num_cycles",))
    ]
    assert problems[0].snippet == '    <Repeat num_cycle="3">'


def test_an_xml_file_loads_like_any_tree(tmp_path: Path) -> None:
    file = tmp_path / "t.xml"
    text = (
        '<root BTCPP_format="4" main_tree_to_execute="b"><BehaviorTree ID="a"><AlwaysSuccess/></BehaviorTree>'
        '<BehaviorTree ID="b"><Sequence name="top"><Foo goal="{goal}"/><SubTree ID="a"/></Sequence>'
        "</BehaviorTree></root>"
    )
    file.write_text(text, encoding="utf-8")
    tree = load(file)
    assert (tree.name, tree.dialect, [each.type for each in tree.walk()]) == (
        "b", "bt", ["bt.Sequence", "Foo", "bt.SubTree"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("latin-1", "ISO-8859-1"), ("cp1252", "windows-1252")],
)
def test_the_encoding_is_what_the_file_says(tmp_path: Path, encoding: str, declared: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    file = tmp_path / "t.xml"
    file.write_bytes((head + HEAD + '<Foo a="Größe"/>' + TAIL).encode(encoding))
    first = read_xml_file(file).roots[0]
    assert isinstance(first, Pairs)
    assert plain(first.get("root")) == {"Foo": {"a": "Größe"}}
    assert decode(b"<root/>", "t.xml") == "<root/>"


def test_cdata_and_references_are_text() -> None:
    model = (
        '<root BTCPP_format="4"><TreeNodesModel><Action ID="A"><input_port name="x" default="&lt;&#65;&#x42;&amp;">'
        "<![CDATA[a < b]]> &gt; c</input_port></Action></TreeNodesModel></root>"
    )
    (found,) = documents(model)
    port = found["nodes"]["A"]["ports"]["x"]  # type: ignore[index]
    assert port == {"direction": "in", "default": "<AB&", "about": "a < b > c"}


def test_comments_hang_on_what_they_stand_at() -> None:
    text = """<!-- before -->
<root BTCPP_format="4">
  <!-- of the tree -->
  <BehaviorTree ID="t"> <!-- beside t -->
    <!-- of the root -->
    <Sequence> <!-- beside -->
      <!-- one -->
      <!--
        two
          lines
      -->
      <A/> <!-- a -->
      <Inverter>
        <!-- child -->
        <B/>
        <!-- after b -->
      </Inverter>
      <!-- speed: in m/s -->
      <C speed="1"/>
      <!-- end of list -->
    </Sequence>
    <!-- end of tree -->
  </BehaviorTree>
  <!-- end of root -->
</root>
<!-- after -->
"""
    assert (
        print_yaml(read_xml(text)).partition("---")[0]
        == """\
# before
knothole: 1
xml: {form: compact, BTCPP_format: 4}
# of the tree
tree: t  # beside t
dialect: bt

# of the root
root:
  bt.Sequence:  # beside
    # one

    # two
    #   lines
    - A  # a
    - bt.Inverter:
        # child
        child: B
        # after b
    - C:
        speed: 1  # in m/s
    # end of list
  # end of tree
# end of root
"""
    )


def test_scripts_may_hold_bare_marks_as_behaviortree_cpp_lets_them() -> None:
    (root, _) = documents(
        HEAD
        + "<Sequence><!-- a && b < c --><Script code=\"x := a < 2 && b > 3 &amp;&amp; '&lt;' == '<'\"/>"
        + "<Foo b='R&D' ü=\"<é & ü>\"/></Sequence>"
        + TAIL
    )
    assert root["root"]["bt.Sequence"] == [  # type: ignore[index]
        {"bt.Script": {"code": "x := a < 2 && b > 3 && '<' == '<'"}},
        {"Foo": {"b": "R&D", "ü": "<é & ü>"}},
    ]
    model = '<root BTCPP_format="4"><TreeNodesModel><Action ID="A"><input_port name="x">a &amp; b & ü</input_port>'
    (found,) = documents(model + "</Action></TreeNodesModel></root>")
    assert found["nodes"]["A"]["ports"]["x"]["about"] == "a & b & ü"  # type: ignore[index]
