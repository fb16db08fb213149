"""``convert --modern``: what becomes an expression means the same, what might not stays a script."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from knothole._base import KnotholeError
from knothole.behaviors.blackboard import UNSET
from knothole.behaviors.context import Context
from knothole.trees.builder import build
from knothole.trees.editing.modern import modernise
from knothole.trees.editing.printer import print_yaml
from knothole.trees.loader import Loader, load_text
from knothole.trees.reading.reader import read_text
from knothole.trees.xml.reader import read_xml

HEAD = "knothole: 1\ntree: t\ndialect: bt\nroot:\n  bt.Sequence:\n"


def modern(text: str) -> tuple[str, list[str]]:
    """Return the text without its scripts, and why others stay."""
    documents, notes = modernise(read_text(text))
    return print_yaml(documents), [note.why for note in notes]


def body(text: str) -> str:
    return text.partition("root:\n")[2]


CHANGES = [
    ("- bt.Script: {code: 'x := 1'}", '- set: {name: $x, to: "1"}'),
    ("- bt.Script: 'x := 1'", '- set: {name: $x, to: "1"}'),
    ("- bt.Script: {code: \"x := 'it'\"}", "- set: {name: $x, to: \"'it'\"}"),
    ("- bt.Script: {code: 'x := 1 + 2'}", '- set: {name: $x, to: "1.0 + 2.0"}'),
    ("- bt.Script: {code: 'x := 1 < 2'}", '- set: {name: $x, to: "1.0 if 1 < 2 else 0.0"}'),
    ("- bt.Script: {code: '@g := true'}", '- set: {name: $@g, to: "1.0"}'),
    (
        "- bt.Script: {code: 'x := 1; x += 2; x = x * 3'}",
        '- sequence:\n        - set: {name: $x, to: "1"}\n        - set: {name: $x, to: "$x + 2"}\n'
        '        - set: {name: $x, to: "$x * 3"}',
    ),
]


@pytest.mark.parametrize(("node", "new"), CHANGES, ids=[node for node, _ in CHANGES])
def test_a_script_becomes_set(node: str, new: str) -> None:
    text, notes = modern(f"{HEAD}    {node}\n")
    assert (body(text), notes) == (f"  bt.Sequence:\n    {new}\n", [])
    load_text(text)


CONDITIONS = [
    ("x == 1", "$x == 1"),
    ("!(x > 1) ", "not $x > 1"),
    ("(x > 1 || x < 0) && !false", "($x > 1 or $x < 0) and not false"),
    ("x - 1 - (2 - x) >= 3", "$x - 1 - (2 - $x) >= 3"),
    ("1 < x < 5", "1 < $x < 5"),
    ("s == 'it' ", "$s == 'it'"),
    ("f < -2.5 * x", "$f < -2.5 * $x"),
    ("flag", "$flag != 0"),
]


@pytest.mark.parametrize(("script", "expression"), CONDITIONS, ids=[s for s, _ in CONDITIONS])
def test_a_scripted_condition_becomes_an_expression(script: str, expression: str) -> None:
    start = "    - bt.Script: {code: \"x := 1; s := 'a'; f := 2.5; flag := true\"}\n"
    text, notes = modern(f'{HEAD}{start}    - bt.ScriptCondition: {{code: "{script}"}}\n')
    assert body(text).splitlines()[-1] == f'    - check: "{expression}"'
    assert notes == []
    text, notes = modern(f'{HEAD}{start}    - bt.AlwaysSuccess:\n      skip_if: {{script: "{script}"}}\n')
    assert body(text).splitlines()[-1] == f'      skip_if: "{expression}"'
    load_text(text)


STAYS = [
    ("x = 1", "= is a fault where x does not exist, set makes it"),
    ("x := RED", "RED is written nowhere in this file; it may be the name of a constant"),
    ("x := 1; x := 'a'", "x is given values of different types"),
    ("x := 6 / y; y := 2", "a division by zero is infinity in a script and a fault in an expression"),
    ("x := 5 & 3", "this has no counterpart in expressions"),
    ("x := 1; x", "a statement of it assigns nothing"),
    ("x := (y := 1)", "it assigns inside an expression"),
    ("x := 1; y := x == 1.5", "a script takes numbers for equal that differ by less than 2**-23"),
    ("x := 1; s := 'a'; y := s < x", "a script compares a text with a number by reading the text as one"),
    ("x := 1; y := 2; z := x > 1 && y > 1", "a script looks at y even where the left side of && decides"),
    ("x := ", "it is not a script that can be read"),
]


@pytest.mark.parametrize(("script", "why"), STAYS, ids=[script for script, _ in STAYS])
def test_what_might_differ_stays_a_script(script: str, why: str) -> None:
    text = f'{HEAD}    - bt.Script: {{code: "{script}"}}\n'
    assert modern(text) == (text.replace("root:", "\nroot:"), [why])


def test_entries_that_others_write_stay_scripts() -> None:
    text, notes = modern(f"{HEAD}    - bt.SetBlackboard: {{value: 5, output_key: x}}\n    - bt.Script: 'x := 1'\n")
    assert "bt.Script" in text
    assert notes == ["x is also bound to bt.SetBlackboard, and a script keeps the type that an entry has"]
    text, notes = modern(f"{HEAD}    - bt.Sleep: {{msec: $x}}\n    - bt.Script: \"x := '5'\"\n")
    assert len(notes) == 1


def test_names_are_followed_through_subtrees() -> None:
    xml = """<root BTCPP_format="4" main_tree_to_execute="M">
      <BehaviorTree ID="M"><Sequence><Script code="x := 1"/><SubTree ID="S" p="{x}"/></Sequence></BehaviorTree>
      <BehaviorTree ID="S"><Script code="p := 'text'"/></BehaviorTree></root>"""
    _, notes = modernise(read_xml(xml))
    assert [note.why for note in notes] == [
        "x is given values of different types",
        "p is given values of different types",
    ]
    assert str(notes[0].place) == "<text>:2:52"
    _, notes = modernise(read_xml(xml.replace("'text'", "2")))
    assert notes == []
    _, notes = modernise(read_xml(xml.replace('ID="S" p="{x}"', 'ID="S" _autoremap="true"').replace("p :=", "x :=")))
    assert len(notes) == 2
    _, notes = modernise(read_xml(xml.replace('p="{x}"', 'p="{@x}"')))
    assert len(notes) == 2
    _, notes = modernise(read_xml(xml.replace('p="{x}"', 'q="{x}"')))
    assert notes == []


def test_comments_stay() -> None:
    xml = """<root BTCPP_format="4"><BehaviorTree ID="M"><Sequence>
      <!-- above -->
      <Script code="x := 1; x += 1"/> <!-- behind -->
    </Sequence></BehaviorTree></root>"""
    documents, _ = modernise(read_xml(xml))
    text = print_yaml(documents)
    assert "# above\n    - sequence:" in text
    assert "# behind" in text


class Random:
    """Random trees of scripts whose entries mostly keep one type."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def tree(self) -> str:
        start = "a := 1; b := 2.5; s := 'a'; f := true; g := 1 < 2"
        nodes = [f'    - bt.Script: {{code: "{start}"}}\n', *(self.node() for _ in range(self.rng.randint(1, 4)))]
        return HEAD + "".join(nodes)

    def node(self) -> str:
        rng = self.rng
        if rng.random() < 0.5:
            return f'    - bt.Script: {{code: "{"; ".join(self.assignment() for _ in range(rng.randint(1, 2)))}"}}\n'
        if rng.random() < 0.5:
            return f'    - bt.ForceSuccess: {{child: {{bt.ScriptCondition: {{code: "{self.truth(2)}"}}}}}}\n'
        key = rng.choice(("skip_if", "success_if", "failure_if", "while", "when"))
        node = f'{{bt.Script: {{code: "{self.assignment()}"}}, {key}: {{script: "{self.truth(2)}"}}}}'
        return f"    - bt.ForceSuccess: {{child: {node}}}\n"

    def assignment(self) -> str:
        rng = self.rng
        return rng.choice(
            (
                f"a := {rng.randint(0, 9)}", f"a += {rng.randint(-3, 3)}", f"a := a * 2 - {self.number(1)}",
                f"b := {self.number(2)}", f"b -= {self.number(1)}", f"b := {self.number(2)} / 4", "a := a + 1",
                "s := 'b'", "s := s + 'c'", "s += s .. 'd'", f"f := {self.truth(2)}", f"g := {self.truth(1)}", "b /= 2",
                f"new{rng.randint(0, 2)} := {self.number(1)}", "a := b", f"b := f ? {self.number(1)} : 2.0",
            )
        )  # fmt: skip

    def number(self, depth: int) -> str:
        rng = self.rng
        if depth == 0 or rng.random() < 0.4:
            return rng.choice(("a", "a", "b", "1", "2", "3", "0.5", "-1", "f", "(-a)"))
        return f"({self.number(depth - 1)} {rng.choice('+-*')} {self.number(depth - 1)})"

    def truth(self, depth: int) -> str:
        rng = self.rng
        if depth == 0 or rng.random() < 0.4:
            sign = rng.choice(("<", ">", "<=", ">=", "==", "!="))
            return rng.choice(
                (f"{self.number(1)} {sign} {self.number(1)}", f"s {sign} 'ab'", "f", "g", f"a {sign} 3", "true")
            )
        if rng.random() < 0.3:
            return f"!({self.truth(depth - 1)})"
        return f"({self.truth(depth - 1)}) {rng.choice(('&&', '||'))} ({self.truth(depth - 1)})"


def ran(text: str) -> tuple[list[str], dict[str, object]]:
    """Tick a tree four times; return its statuses (``fault`` for a fault) and what its entries hold."""
    tree = build(load_text(text), Context())
    said: list[str] = []
    for _ in range(4):
        try:
            tree.tick()
        except KnotholeError:
            said.append("fault")
            tree.halt()
            break
        said.append(str(tree.root.status))
    return said, {cell.name: cell.value for cell in tree.blackboard if cell.value is not UNSET}


@pytest.mark.parametrize("block", range(3))
def test_modern_trees_do_what_the_scripts_did(block: int) -> None:
    changed = stayed = 0
    for seed in range(block * 200, (block + 1) * 200):
        text = Random(seed).tree()
        new, notes = modern(text)
        assert ran(new) == ran(text), f"seed {seed}\n{text}\n{new}"
        kept = new.count("bt.Script") + new.count("{script:")
        assert kept == len(notes), new
        stayed += kept
        changed += text.count("bt.Script") + text.count("{script:") - kept
    assert changed > 100
    assert stayed > 100


CORPUS = sorted((Path(__file__).resolve().parents[2] / "shared" / "corpus").rglob("*.xml"))


@pytest.mark.long(minutes=0.3)
@pytest.mark.skipif(not CORPUS, reason="the corpus of XML trees is not here")
def test_the_corpus_is_as_right_after_as_before() -> None:
    scripts = stayed = 0
    for path in CORPUS:
        documents = read_xml(path.read_text(errors="replace"), str(path))
        new, notes = modernise(documents)
        text, newer = print_yaml(documents), print_yaml(new)
        before, after = Loader(), Loader()
        for loader, each in ((before, text), (after, newer)) if newer != text else ():
            loader.documents(read_text(each, str(path.with_suffix(".yaml"))))
        errors = [[p.code for p in each.problems if p.severity == "error"] for each in (before, after)]
        assert errors[0] == errors[1], path
        scripts += text.count("bt.Script") + text.count("script:")
        stayed += len(notes)
    assert stayed < scripts
