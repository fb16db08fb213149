"""``bt.SubTree``: a scope of its own, remaps, ``_autoremap``, private and root entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.step import Status
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import check_text, load_text

INNER = """
---
knothole: 1
tree: Look at table
dialect: bt
root:
  bt.Sequence:
"""


def ran(node: str, *scripts: str, before: str = "a := 3; b := 'x'", head: str = "") -> BuiltTree:
    """Tick a tree that runs a script, then the subtree once, with scripts as its nodes."""
    below = "".join(f'    - bt.Script: {{code: "{script}"}}\n' for script in scripts)
    text = f'{head}root:\n  bt.Sequence:\n    - bt.Script: {{code: "{before}"}}\n    - {node}\n{INNER}{below}'
    tree = build(load_text(f"knothole: 1\ntree: main\ndialect: bt\n{text}"), Context())
    tree.tick()
    assert tree.root.status is Status.SUCCESS
    return tree


def values(tree: BuiltTree) -> dict[str, object]:
    return {cell.name.replace("main/bt.Sequence/bt.SubTree/", ">"): cell.value for cell in tree.blackboard}


def test_an_entry_is_another_name_and_a_text_an_entry_of_its_own() -> None:
    tree = ran('bt.SubTree: {ID: Look at table, n: $a, lit: "7", word: hi}', "n = n + lit; own := word")
    assert values(tree) == {"a": 10, "b": "x", ">lit": 7, ">word": "hi", ">own": "hi"}


def test_without_autoremap_names_are_its_own_and_with_it_the_parents_but_for_private_ones() -> None:
    assert values(ran("bt.SubTree: {ID: Look at table}", "a := 5"))[">a"] == 5
    tree = ran('bt.SubTree: {ID: Look at table, _autoremap: true, b: "mine"}', "a = a + 1; new := b; _p := 1")
    assert values(tree) == {"a": 4, "b": "x", "new": "mine", ">b": "mine", ">_p": 1}


def test_autoremap_reaches_through_levels_and_respects_remaps_between() -> None:
    text = """knothole: 1
tree: main
dialect: bt
root:
  bt.Sequence:
    - bt.Script: {code: "a := 1"}
    - bt.SubTree: {ID: middle, _autoremap: true, c: $a}
---
knothole: 1
tree: middle
dialect: bt
root:
  bt.SubTree: {ID: inner, _autoremap: "1", d: $c}
---
knothole: 1
tree: inner
dialect: bt
root:
  bt.Script: {code: "d = d + 1; c = c + 1; a = a + 1; e := 9"}
"""
    tree = build(load_text(text), Context())
    tree.tick()
    assert {cell.name: cell.value for cell in tree.blackboard} == {"a": 4, "e": 9}


def test_the_root_scope_is_the_outermost_tree() -> None:
    tree = ran("bt.SubTree: {ID: Look at table, n: $@a}", "n = n * 2; @b := 'y'", "got := n")
    assert values(tree) == {"a": 6, "b": "y", ">got": 6}


def test_the_same_name_is_written_short() -> None:
    assert values(ran("bt.SubTree: {ID: Look at table, a: $=}", "a = 8")) == {"a": 8, "b": "x"}


def test_a_declared_subtree_gives_defaults_to_what_is_not_remapped() -> None:
    head = 'nodes: {Look at table: {kind: subtree, ports: {n: {default: "$a"}, m: {default: "2"}}}}\n'
    assert values(ran("bt.SubTree: Look at table", "n = n + m", head=head)) == {"a": 5, "b": "x", ">m": 2}
    auto = ran("bt.SubTree: {ID: Look at table, _autoremap: true}", "got := a", head=head)
    assert values(auto) == {"a": 3, "b": "x", "got": 3}


def test_a_typed_input_takes_the_text_in_its_type() -> None:
    text = """knothole: 1
tree: main
root:
  bt.SubTree: {ID: other, speed: "0.5", names: a;b}
---
knothole: 1
tree: other
inputs:
  speed: {type: number}
  names: {type: "list[text]"}
  times: {type: int, default: 2}
root:
  check: $speed == 0.5 and $names[1] == 'b' and $times == 2
"""
    tree = build(load_text(text), Context())
    tree.tick()
    assert tree.root.status is Status.SUCCESS


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ("bt.SubTree: {ID: gone}", "K117"),
        ("bt.SubTree: gone", "K117"),
        ("bt.SubTree: {ID: t}", "K118"),
        ("bt.SubTree: {pose: $thing}", "K104"),
        ("bt.SubTree: {ID: other, pose: $thing.pose}", "K137"),
        ("bt.SubTree: {ID: other, 'a b': $thing}", "K137"),
        ("bt.SubTree: {ID: other, _autoremap: perhaps}", "K105"),
        ("bt.SubTree: {ID: other, _autoremap: $thing}", "K105"),
        ("bt.SubTree: {ID: other, pose: [1]}", "K105"),
        ("bt.SubTree: {ID: other, speed: fast}", "K105"),
    ],
)
def test_a_wrong_subtree_is_reported(node: str, code: str) -> None:
    other = "---\nknothole: 1\ntree: other\ninputs: {speed: {type: number, default: 1}}\nroot: home\n"
    text = f"knothole: 1\ntree: t\ninputs: {{thing: {{type: object}}}}\nroot:\n  sequence:\n    - {node}\n{other}"
    assert [p.code for p in check_text(text) if p.severity == "error" and p.code < "K200"] == [code]


def test_an_input_of_the_subtree_that_nothing_gives_is_missing() -> None:
    other = "---\nknothole: 1\ntree: other\ninputs: {what: {type: text}}\nroot: {say: $what}\n"
    for ports, expected in (("ID: other", ["K104"]), ("ID: other, what: x", []), ("ID: other, _autoremap: true", [])):
        text = f"knothole: 1\ntree: t\ndialect: bt\nroot:\n  bt.SubTree: {{{ports}}}\n{other}"
        assert [p.code for p in check_text(text) if p.severity == "error" and p.code < "K200"] == expected


def test_a_subtree_that_an_xml_file_lacks_is_a_warning_and_a_stub(tmp_path: Path) -> None:
    from knothole.trees.loader import check, load

    path = tmp_path / "a.xml"
    path.write_text('<root BTCPP_format="4"><BehaviorTree ID="x"><SubTree ID="gone"/></BehaviorTree></root>', "utf-8")
    assert [(p.code, p.severity) for p in check(path)] == [("K117", "warning")]
    tree = build(load(path), Context())
    assert type(tree.root).__name__ == "StubSubtree"
