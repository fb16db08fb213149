"""Declared nodes, included files, files without a tree, the main tree, and where trees are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import NodeFault
from knothole.trees.builder import build
from knothole.trees.loader import Loader, check, check_text, load, load_text
from knothole.trees.problems import TreeError

NODES = """knothole: 1
nodes:
  ClearSnapshot:
    kind: action
    about: Forget the snapshot.
    ports:
      image: {direction: in, type: text, about: which one}
      count: {direction: out, type: int}
      speed: {direction: in, type: number, default: 0.5}
      goal: {direction: in, default: "$=" }
  IsReady: {kind: condition}
  Again: {kind: decorator, ports: {times: {direction: in, type: int}}}
  Any: {kind: control, open: true}
  stub.Sequence: {kind: control, id: Sequence}
  Gone: {kind: subtree}
"""
MAIN = (
    NODES
    + """tree: main
dialect: bt
root:
  Any:
    mode: fast
    children:
      - ClearSnapshot: {image: $picture, count: $n}
      - Again: {times: 3, child: IsReady}
      - stub.Sequence: [IsReady]
      - bt.SubTree: Gone
"""
)


def codes(text: str) -> list[str]:
    return [f"{p.place.line}:{p.place.column} {p.code}" for p in check_text(text) if p.severity == "error"]


def test_declared_nodes_are_types_with_ports() -> None:
    tree = load_text(MAIN)
    kinds = {node.type: node.kind for node in tree.walk()}
    assert {name: (kind.kind, kind.model, kind.dialect) for name, kind in kinds.items() if kind.dialect == "stub"} == {
        "Any": ("composite", "control", "stub"),
        "ClearSnapshot": ("leaf", "action", "stub"),
        "Again": ("decorator", "decorator", "stub"),
        "IsReady": ("leaf", "condition", "stub"),
        "stub.Sequence": ("composite", "control", "stub"),
    }
    clear = next(node for node in tree.walk() if node.type == "ClearSnapshot")
    assert clear.kind.ports["count"].direction == "out"
    assert clear.kind.ports["speed"].default == 0.5
    assert {name: str(value) for name, value in clear.values.items()} == {
        "image": "$picture",
        "count": "$n",
        "goal": "$goal",
    }
    assert tree.root.values["mode"].value == "fast"  # type: ignore[union-attr]


def test_a_tree_of_declared_nodes_is_built_and_its_tick_names_the_stub() -> None:
    tree = build(
        load_text(MAIN.replace("  Any:\n    mode: fast\n    children:", "  bt.Sequence:\n    children:")), Context()
    )
    with pytest.raises(NodeFault, match="action ClearSnapshot is only declared"):
        tree.tick()


@pytest.mark.parametrize(
    ("declaration", "code"),
    [
        ("X: 3", "4:6 K130"),
        ("X: {}", "4:3 K130"),
        ("X: {kind: acton}", "4:13 K130"),
        ("X: {kind: action, prots: {}}", "4:21 K103"),
        ("X: {kind: action, ports: 3}", "4:28 K130"),
        ("X: {kind: action, ports: {a: {type: string}}}", "4:39 K130"),
        ("X: {kind: action, ports: {a: {direction: input}}}", "4:44 K130"),
        ("X: {kind: action, ports: {a: {typ: text}}}", "4:33 K103"),
        ("X: {kind: action, ports: {a: {type: int, default: many}}}", "4:53 K105"),
        ("X: {kind: action, ports: {child: {type: int}}}", "4:29 K130"),
        ("X: {kind: action, open: yes}", "4:27 K130"),
        ("X: {kind: action, metadata: a}", "4:31 K130"),
        ("home: {kind: action}", "4:3 K131"),
        ("when: {kind: action}", "4:3 K131"),
    ],
)
def test_a_wrong_declaration_is_reported_where_it_is(declaration: str, code: str) -> None:
    found = codes(f"knothole: 1\ntree: t\nnodes:\n  {declaration}\nroot: home\n")
    assert found == [code]


def test_an_undeclared_port_is_an_error_with_a_guess_unless_the_node_is_open() -> None:
    text = MAIN.replace("image: $picture", "imgae: $picture")
    problem = next(p for p in check_text(text) if p.code == "K102")
    assert problem.guess == ("image",)
    assert codes(MAIN.replace("mode: fast", "moed: fast")) == []


def test_a_misspelt_declared_node_is_guessed() -> None:
    problem = next(p for p in check_text(MAIN.replace("- ClearSnapshot", "- ClearSnapsot")) if p.code == "K101")
    assert problem.guess[0] == "ClearSnapshot"


def test_included_files_bring_trees_and_nodes(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(NODES, encoding="utf-8")
    (tmp_path / "more.yaml").write_text(
        "knothole: 1\ninclude: [nodes.yaml, main.yaml]\n---\nknothole: 1\ntree: Wave twice\nroot: IsReady\n", "utf-8"
    )
    main = tmp_path / "main.yaml"
    main.write_text(
        "knothole: 1\ninclude: [{path: more.yaml}]\ntree: main\nroot:\n  sequence:\n    - bt.SubTree: Wave twice\n"
        "    - use: Wave twice\n    - IsReady\n",
        "utf-8",
    )
    assert [p for p in check(main) if p.severity == "error"] == []
    assert [node.uses.name for node in load(main).walk() if node.uses is not None] == ["Wave twice"] * 2


def test_an_xml_file_can_be_included_and_used(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        '<root BTCPP_format="4"><BehaviorTree ID="Look &amp; wait"><AlwaysSuccess/></BehaviorTree></root>', "utf-8"
    )
    main = tmp_path / "main.yaml"
    for header in ("include: [a.xml]\n", ""):
        main.write_text(f"knothole: 1\n{header}tree: main\nroot:\n  bt.SubTree: Look & wait\n", "utf-8")
        assert check(main) == []
    main.write_text("knothole: 1\ntree: main\nroot:\n  use: a.xml\n", "utf-8")
    assert load(main).root.uses is not None
    assert load(tmp_path / "a.xml").name == "Look & wait"


def test_a_missing_include_is_an_error_and_of_a_ros_package_a_warning(tmp_path: Path) -> None:
    text = "knothole: 1\ninclude:\n  - gone.yaml\n  - {path: gone.xml, ros_pkg: pkg}\ntree: t\nroot: home\n"
    found = [(p.place.line, p.place.column, p.code, p.severity) for p in check_text(text, str(tmp_path / "t.yaml"))]
    assert found == [(3, 5, "K132", "error"), (4, 12, "K132", "warning")]
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "gone.xml").write_text(
        '<root BTCPP_format="4"><BehaviorTree ID="x"><AlwaysSuccess/></BehaviorTree></root>', "utf-8"
    )
    assert [p.place.line for p in check_text(text, str(tmp_path / "t.yaml"))] == [3]


def test_trees_are_found_in_files_of_the_folder_that_declare_them(tmp_path: Path) -> None:
    (tmp_path / "parts.yaml").write_text(
        'knothole: 1\ntree: first\nroot: home\n---\nknothole: 1\ntree: "Look at table"\nroot: home\n', "utf-8"
    )
    main = tmp_path / "main.yaml"
    main.write_text("knothole: 1\ntree: main\nroot: {use: Look at table}\n", "utf-8")
    used = load(main).root.uses
    assert used is not None
    assert (used.name, Path(used.file).name) == ("Look at table", "parts.yaml")
    main.write_text("knothole: 1\ntree: main\nroot: {use: Look at tabel}\n", "utf-8")
    assert [p.guess for p in check(main)] == [("Look at table",)]


def test_a_tree_is_found_in_the_file_of_the_same_package(tmp_path: Path) -> None:
    for package in ("a", "b"):
        (tmp_path / f"{package}__look.yaml").write_text("knothole: 1\ntree: Look\nroot: home\n", "utf-8")
        (tmp_path / f"{package}__main.yaml").write_text("knothole: 1\ntree: main\nroot: {use: Look}\n", "utf-8")
    for package in ("a", "b"):
        used = load(tmp_path / f"{package}__main.yaml").root.uses
        assert used is not None
        assert Path(used.file).name == f"{package}__look.yaml"
    (tmp_path / "c__main.yaml").write_text("knothole: 1\ntree: main\nroot: {use: Look}\n", "utf-8")
    assert [p.code for p in check(tmp_path / "c__main.yaml")] == ["K117"]


def test_main_names_the_tree_that_is_run() -> None:
    text = "knothole: 1\nmain: second\ntree: first\nroot: home\n---\nknothole: 1\ntree: second\nroot: home\n"
    assert load_text(text).name == "second"
    assert load_text(text.replace("main: second\n", "")).name == "first"
    assert codes(text.replace("main: second", "main: secnd")) == ["2:7 K135"]
    assert codes(text.replace("main: second\n", "").replace("tree: second", "tree: second\nmain: first")) == [
        "7:1 K135"
    ]


def test_a_file_without_a_tree_can_be_checked_but_not_run() -> None:
    assert check_text(NODES) == []
    with pytest.raises(TreeError, match="K138: this file has no tree to run"):
        load_text(NODES)
    assert load_text(f"{NODES}---\nknothole: 1\ntree: t\nroot: home\n").name == "t"
    assert Loader().text(NODES, "t.yaml") == [None]


@pytest.mark.parametrize(
    ("name", "path"),
    [("Look at table", "Look at table/home"), ("a/b", "a_b/home"), ("größer", "größer/home"), ("2nd", "2nd/home")],
)
def test_a_tree_has_any_name_of_one_line(name: str, path: str) -> None:
    tree = load_text(f'knothole: 1\ntree: "{name}"\nroot: home\n')
    assert (tree.name, tree.root.path) == (name, path)


@pytest.mark.parametrize("name", ['""', '" "', '"a\\nb"', "[a]"])
def test_a_name_of_no_line_or_several_is_refused(name: str) -> None:
    assert codes(f"knothole: 1\ntree: {name}\nroot: home\n") == ["2:7 K114"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("dialect: nav2", "3:10 K134"),
        ("meta: a", "3:7 K134"),
        ("meta: {a: [b]}", "3:11 K134"),
        ("xml: {form: verbos}", "3:13 K134"),
        ("nodse: {}", "3:1 K103"),
        ("include: a.yaml", "3:10 K132"),
        ("include: [{pth: a.yaml}]", "3:11 K132"),
        ("nodes: []", "3:8 K130"),
        ("params: [1]", "3:9 K136"),
        ("params: gone.yaml", "3:9 K136"),
        ("params: {a b: 1}", "3:10 K136"),
        ("constants: [1]", "3:12 K142"),
    ],
)
def test_a_wrong_header_is_reported_where_it_is(header: str, code: str) -> None:
    assert codes(f"knothole: 1\ntree: t\n{header}\nroot: home\n") == [code]


def test_the_header_of_a_tree_from_elsewhere_is_read() -> None:
    text = "knothole: 1\ntree: t\ndialect: bt\nmeta: {a: b}\nxml: {form: compact, BTCPP_format: '4'}\nroot: home\n"
    assert load_text(text).dialect == "bt"
