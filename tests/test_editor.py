"""What the language server knows of a tree file: what fits at the cursor, what stands there, who mentions an entry."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole._base import KnotholeError
from knothole.app.editor.completion import Suggestion, complete
from knothole.app.editor.navigation import definition, explain, outline, references, rename
from knothole.app.editor.text import Position, Text
from knothole.app.editor.workspace import Analysis, Open, Workspace
from knothole.behaviors.node import NODES
from knothole.behaviors.ports import COMMON_KEYS
from knothole.tests.messy_yaml import Messy
from knothole.trees.language.tree_header import HEADER
from knothole.trees.loader import library

HEAD = "knothole: 1\ntree: t\ninputs:\n  thing: {type: object}\nroot:\n  sequence:\n"
ROWS = HEAD.count("\n")
GOOD = HEAD + '    - ground: {query: "a cup", object: $cup}\n    - pick: $cup\n'


def suggested(nodes: str, head: str = HEAD, good: str | None = None) -> dict[str, Suggestion]:
    """Return what is offered at ``§`` of a text; the checker saw ``good`` before, if anything."""
    text = head + nodes
    index = text.index("§")
    found = complete(text.replace("§", ""), index, analysed(good) if good is not None else None)
    return {each.label: each for each in found}


def analysed(text: str, name: str = "t.yaml") -> Analysis:
    workspace = Workspace(opened={"x": Open(name, text, 1)})
    found = workspace.current("x")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("nodes", "some", "none"),
    [
        ("    - §", {"see", "home", "bt.Sequence", "for", "if"}, {"question", "root"}),
        ("    - se§", {"see", "sequence"}, set()),
        ("    - see: {§", {"question", "expect", "max_age"}, {"see", "retry"}),
        ("    - see: {question: a, exp§", {"expect"}, {"question"}),
        ("    - see:\n        §", {"question", "expect"}, {"see", "when"}),
        ("    - see:\n        question: a\n        §\n        expect: no", {"accept"}, {"question", "expect"}),
        ("    - see:\n        question: a\n      §", {"retry", "when", "on_success"}, {"question", "see", "home"}),
        ("    - see: {question: a, expect: §", {"yes", "no"}, {"hold"}),
        ("    - see: {question: a, on_unsure: §}", {"hold", "failure"}, {"yes"}),
        ("    - ground: {query: a, all: §", {"true", "false"}, set()),
        ("    - guard:\n        check: §", {"see", "home"}, {"question"}),
        ("    - guard:\n        check:\n          §", {"see", "home"}, {"question"}),
        ("    - guard:\n        §", {"check", "child", "give_up_after"}, {"see"}),
        ("    - home:\n      on_failure: §", {"say", "home"}, set()),
        ("    - selector:\n        - home\n        - §", {"see"}, set()),
        ("    - retry:\n        §", {"child", "attempts"}, set()),
        ("    - for: {§", {"item", "in", "do"}, set()),
        ("    - see: {question: [broken\n    - gr§", {"ground", "guard"}, set()),
        ('    - say: "unclosed\n    - gr§', {"ground"}, set()),
        ("    - pick: $§", {"$thing"}, set()),
    ],
)
def test_nodes_ports_and_choices(nodes: str, some: set[str], none: set[str]) -> None:
    found = suggested(nodes)
    labels = set(found) | {f"${each.label}" for each in found.values() if each.kind == "entry"}
    assert some <= labels
    assert not none & set(found)


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("§", set(HEADER)),
        ("knothole: 1\ntree: t\n§", set(HEADER) - {"knothole", "tree"}),
        ("knothole: 1\ntree: t\nroot: home\n---\n§", set(HEADER)),
        ("inputs:\n  a: {§", {"type", "default", "about"}),
        ("inputs:\n  a: {type: §", {"text", "number", "list[pose]"}),
        ("inputs:\n  a:\n    type: §", {"text"}),
        ("outputs:\n  a:\n    §", {"type", "about"}),
        ("nodes:\n  A: {kind: §", {"action", "control"}),
        ("nodes:\n  A:\n    ports:\n      p: {direction: §", {"in", "out", "inout"}),
        ("include:\n  - {§", {"path", "ros_pkg"}),
        ("dialect: §", {"bt"}),
        ("root: §", {"sequence", "home"}),
        ("root:\n  §", {"sequence", "home"}),
    ],
)
def test_header_keys(text: str, some: set[str]) -> None:
    assert set(suggested(text, head="")) == some or some < set(suggested(text, head=""))


def test_all_nodes_and_common_keys_are_offered() -> None:
    assert set(NODES) <= set(suggested("    - §"))
    assert set(COMMON_KEYS) <= set(suggested("    - home:\n      §"))


@pytest.mark.parametrize("nodes", ["    - home # §", "    # pick: $§"])
def test_nothing_is_offered_in_comments(nodes: str) -> None:
    assert suggested(nodes) == {}


@pytest.mark.parametrize(
    "nodes",
    [
        "    - pick: $§",
        "    - pick: {object: $§",
        '    - say: "take ${§',
        "    - say: >\n        take ${§",
        "    - check: $done and $§",
        "    - home:\n      when: $§",
        "    - use: {tree: x, inputs: {a: $§",
    ],
)
def test_entries_of_the_tree_are_offered(nodes: str) -> None:
    text = HEAD + '    - ground: {query: "a", object: $cup}\n'
    found = suggested(nodes, head=text)
    assert {"cup", "thing"} <= {label.lstrip("$") for label in found}


def test_an_entry_that_is_being_typed_is_not_offered_as_known() -> None:
    assert "th" not in suggested("    - pick: $th§")
    assert "thing" in suggested("    - pick: $th§")
    assert "other" not in suggested("    - pick: $§\n---\nknothole: 1\ntree: o\nroot:\n  pick: $other\n")


def test_entries_have_their_types_and_braces_are_closed() -> None:
    found = suggested('    - say: "the ${th§', good=GOOD)
    assert found["thing"].insert == "thing}"
    assert found["thing"].detail == "object"


def test_what_a_node_needs_is_written_with_it() -> None:
    found = suggested("    - §")
    assert found["say"].insert == 'say: "$1"'
    assert found["home"].insert == "home"
    assert found["sequence"].insert == "sequence:\n  - $1"
    assert found["set"].insert == 'set: {name: \\$${1:name}, to: "$2"}'
    assert found["for_each"].insert.startswith("for_each:\n  item: \\$${1:item}\n")
    assert suggested("    - guard:\n        check: §")["say"].insert == '\n          say: "$1"'


def test_trees_are_offered_where_one_is_used() -> None:
    assert {"tidy_table", "put_away"} <= set(suggested("    - use: §", good=GOOD))
    assert "put_away" in suggested("    - use: {tree: §", good=GOOD)
    assert set(suggested("    - use: {tree: put_away, inputs: {§", good=GOOD)) == {"thing", "container"}
    assert set(suggested("    - use: {tree: put_away, inputs: {thing: $cup, §", good=GOOD)) == {"container"}


def test_names_are_offered_in_scripts() -> None:
    text = "knothole: 1\ntree: t\ndialect: bt\nroot:\n  bt.Sequence:\n    - bt.Sleep: {msec: $pause}\n"
    assert "pause" in suggested('    - bt.Script: {code: "x := pa§', head=text)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from(["", "$", "{", "\n- ", ": ", "'"]))
def test_any_text_and_place_is_answered(seed: int, share: float, typed: str) -> None:
    """Half of the texts are trees of the library in which somebody types, the others any YAML."""
    trees = sorted(library().glob("*.yaml"))
    text = "knothole: 1\n---\n" + Messy(seed).text if seed % 2 else trees[seed % len(trees)].read_text(encoding="utf-8")
    index = round(share * len(text))
    text = text[:index] + typed + text[index + seed % 3 :]
    workspace = Workspace(opened={"x": Open("t.yaml", text, 1)})
    for each in complete(text, index + len(typed), workspace.last("x")):
        assert each.start <= index + len(typed)
    analysis = workspace.current("x")
    if analysis is not None:
        explain(analysis, index)
        definition(workspace, analysis, "t.yaml", index)
        references(analysis, "t.yaml", index)
        outline(analysis)


def renamed(text: str, name: str = "new") -> str:
    """Return a text in which the entry at ``§`` is renamed."""
    index = text.index("§")
    text = text.replace("§", "")
    for start, end, words in sorted(rename(analysed(text), index, name), reverse=True):
        text = text[:start] + words + text[end:]
    return text


MANY = """\
knothole: 1
tree: t
about: $cup in words stays
inputs:
  cup: {type: object}
outputs:
  cup: {type: object}
root:
  sequence:
    - say: "the ${cup.label} costs $$cup, ${ cup.label }"  # $cup
    - say: >
        a ${cup.label}
        and ${cups}
    - check: $§cup.label == '$cup' or "$cup" == $cup.label and len($cups) > 0
    - check: "$cup.label in ['$cup', \\"x\\"]"
    - set: {name: $cups, to: "[$cup]"}
    - ground: {query: 'it''s "${cup.label}"', object: $cup}
    - home:
      name: $cup
      when: $@cup == $cup.label
    - use: {tree: u, inputs: {cup: $cup}, outputs: {cup: $cup}}
    - for_each: {item: $cup, in: $cups, child: {pick: $cup}}
"""


def test_rename_finds_every_mention_and_nothing_else() -> None:
    made = renamed(MANY)
    expected = MANY.replace("§", "")
    for old, new in [
        ("  cup: {type", "  new: {type"),
        ("${cup.label} costs $$cup, ${ cup.", "${new.label} costs $$cup, ${ new."),
        ("a ${cup.label}", "a ${new.label}"),
        ("check: $cup.label ==", "check: $new.label =="),
        ("== $cup.label and", "== $new.label and"),
        ('"$cup.label in', '"$new.label in'),
        ('"[$cup]"', '"[$new]"'),
        ('"${cup.label}"\', object: $cup', '"${new.label}"\', object: $new'),
        ("$@cup == $cup.", "$@cup == $new."),
        ("{cup: $cup}", "{cup: $new}"),
        ("item: $cup, in: $cups, child: {pick: $cup}", "item: $new, in: $cups, child: {pick: $new}"),
    ]:
        assert old in expected
        expected = expected.replace(old, new)
    assert made == expected


def test_rename_goes_into_scripts_and_leaves_texts() -> None:
    text = """\
knothole: 1
tree: t
dialect: bt
root:
  bt.Sequence:
    - bt.Script: {code: "x := 1; y = x + xx; z := 'x'"}
    - bt.Script:
        code: |
          x += 2
          ; @x := x
    - bt.Sleep: {msec: $§x}
      when: {script: "x > 1"}
    - bt.SetBlackboard: {value: "costs $x", output_key: $x}
    - bt.SubTree: {ID: u, x: $=, y: $x}
---
knothole: 1
tree: u
dialect: bt
root:
  bt.Script: {code: "x := 1"}
"""
    made = renamed(text)
    expected = (
        text.replace("§", "")
        .replace("\"x := 1; y = x + xx; z := 'x'\"", "\"new := 1; y = new + xx; z := 'x'\"")
        .replace("x += 2\n          ; @x := x\n", "new += 2\n          ; @x := new\n")
        .replace("msec: $x", "msec: $new")
        .replace('"x > 1"', '"new > 1"')
        .replace("output_key: $x", "output_key: $new")
        .replace("x: $=, y: $x", "x: $new, y: $new")
    )
    assert made == expected


def test_rename_of_an_input_goes_into_the_uses_of_the_same_file() -> None:
    text = """\
knothole: 1
tree: main
root:
  use: {tree: look, inputs: {what: "a cup"}}
---
knothole: 1
tree: look
inputs:
  wh§at: {type: text}
root:
  see: "Is there ${what}?"
"""
    assert renamed(text) == text.replace("§", "").replace("what", "new")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (HEAD + "    - pick: $th§ing\n", "1a", "is no name"),
        (HEAD + "    - ho§me\n    - pick: $thing\n", "a", "only an entry"),
        (HEAD + '    - ground: {query: "a", object: $cup}\n    - pick: $th§ing\n', "cup", "has an entry $cup already"),
    ],
)
def test_a_rename_that_cannot_be_is_refused(text: str, name: str, words: str) -> None:
    with pytest.raises(KnotholeError, match=words.replace("$", r"\$")):
        renamed(text, name)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ("    - se§e: {question: a}", ["**see** (leaf)", "| `question` * | in | text |"]),
        ("    - see: {quest§ion: a}", ["**question**", "yes/no question"]),
        ("    - home:\n      ret§ry: 3", ["attempts in all"]),
        ("    - home:\n      on_su§ccess: home", ["has succeeded"]),
        ("    - ho§me", ["**home**"]),
        ("    - use: put_§away", ["**put_away**", "`container`: text"]),
        ("    - use: {tree: put_§away}", ["**put_away**"]),
        (
            '    - ground: {query: "a", object: $cup}\n    - pick: $c§up',
            ["**$cup**: object", f"set by ground (line {ROWS + 1})", f"read by pick (line {ROWS + 2})"],
        ),
        ("    - pick: $th§ing", ["**$thing**: object", "set by input (line 4)"]),
    ],
)
def test_pages(nodes: str, words: list[str]) -> None:
    text = HEAD + nodes + "\n"
    page = explain(analysed(text.replace("§", "")), text.index("§"))
    assert page is not None
    assert [each for each in words if each not in page.words] == []
    assert page.start <= text.index("§") <= page.end


def test_header_keys_are_explained() -> None:
    page = explain(analysed(GOOD), 2)
    assert page is not None
    assert "version of the language" in page.words


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\r")),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_places_of_an_editor_are_indices_and_back(words: str, encoding: str) -> None:
    text = Text(words, encoding)
    for index in range(len(words) + 1):
        if index and words[index - 1 : index + 1] == "\r\n":
            continue  # no place between the two
        assert text.index(text.position(index)) == index
    for index in range(len(words)):
        assert text.index_of(*text.place_of(index)) == index
    assert text.index(Position(10**6, 0)) == len(words)


def test_lines_are_those_of_the_editor() -> None:
    text = Text("a\u2028b\nc")
    assert text.position(4) == Position(1, 0)
    assert text.index_of(3, 1) == 4


def test_completion_does_not_wait_for_a_check_of_each_key() -> None:
    workspace = Workspace(opened={"x": Open("t.yaml", "knothole: 1\ntree: t\nroot: home\n", 1)})
    checked = workspace.last("x")
    assert checked is not None
    workspace.opened["x"].text = "knothole: 1\ntree: t\nroot: hom\n"
    assert workspace.last("x") is checked
    assert workspace.current("x") is not checked
