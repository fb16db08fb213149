"""Constants, ``for`` and ``if``: what a file is written out to when it is read."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knothole.trees.language.generate import expand
from knothole.trees.loader import check_text, load_text
from knothole.trees.problems import TreeError
from knothole.trees.reading.reader import read_text
from knothole.trees.spec import Literal, TreeSpec

HEAD = """knothole: 1
tree: t
constants:
  sides: [left, right]
  n: 2
  times: {short: 5s, long: [10s, 20s]}
  hello: "hello $(sides[0])"
  dry: true
root:
  sequence:
"""


def tree(*nodes: str) -> TreeSpec:
    return load_text(HEAD + "".join(f"    - {node}\n" for node in nodes) + ALL)


ALL = "    - home\n    - say: '$(n) $(times.short) $(hello) $(dry) $(sides[0])'\n"


def nodes_of(spec: TreeSpec) -> list[str]:
    def shown(node: object) -> str:
        values = [str(value.value) for value in node.values.values() if isinstance(value, Literal)]  # type: ignore[attr-defined]
        return " ".join([node.type, *values])  # type: ignore[attr-defined]

    return [shown(node) for node in spec.root.children[:-2]]


def codes(*nodes: str) -> list[str]:
    text = HEAD + "".join(f"    - {node}\n" for node in nodes) + ALL
    return [f"{p.place.line}:{p.place.column} {p.code}" for p in check_text(text) if p.code < "K2"]


@pytest.mark.parametrize(
    ("node", "made"),
    [
        (
            "for: {item: side, in: $(sides), do: [{say: go $(side)}, home]}",
            ["say go left", "home", "say go right", "home"],
        ),
        ("for: {item: i, in: 1..$(n), do: {say: n $(i)}}", ["say n 1", "say n 2"]),
        ("for: {item: i, in: 3..1, do: {say: $(i)}}", ["say 3", "say 2", "say 1"]),
        ("for: {item: i, in: [], do: {say: $(i)}}", []),
        ("for: {item: a, in: [{x: 1, y: [p]}], do: {say: '$(a.x)$(a.y[0])'}}", ["say 1p"]),
        (
            "for: {item: a, in: 1..2, do: [{for: {item: b, in: [x, y], do: {say: $(a)$(b)}}}]}",
            ["say 1x", "say 1y", "say 2x", "say 2y"],
        ),
        ("for: {item: n, in: [7], do: {say: $(n)}}", ["say 7"]),
        (
            "for: {item: i, in: 1..3, do: [{if: {is: $i == 2, then: home, else: {say: $(i)}}}]}",
            ["say 1", "home", "say 3"],
        ),
        ("if: {is: $dry, then: [home, {say: dry}], else: home}", ["home", "say dry"]),
        ("if: {is: not $dry, then: home}", []),
        ("if: {is: '$n > 1 and $sides[1] == ''right''', then: home}", ["home"]),
        ("if: {is: \"'left' in $sides\", then: home}", ["home"]),
        ("if: {is: $(n) == 2, then: home}", ["home"]),
        ("wait: $(times.long[1])", ["wait 20.0"]),
        ("say: $(hello)", ["say hello left"]),
        ("say: costs $$(n)", ["say costs $(n)"]),
        ("$(kinds.say): hi", ["say hi"]),
    ],
)
def test_templates_are_written_out(node: str, made: list[str]) -> None:
    text = HEAD.replace("  n: 2\n", "  n: 2\n  kinds: {say: say}\n") + f"    - {node}\n{ALL}"
    assert nodes_of(load_text(text)) == made


def test_siblings_from_a_loop_are_numbered_and_names_are_filled() -> None:
    spec = tree("for: {item: i, in: 1..2, do: [{home: , name: round $(i), retry: $(n)}]}")
    assert [(node.path, node.name) for node in spec.root.children[:2]] == [
        ("t/sequence/home[1]", "round 1"),
        ("t/sequence/home[2]", "round 2"),
    ]
    retry = spec.root.children[0].common["retry"]
    assert isinstance(retry, Literal)
    assert retry.value == 2


def test_where_one_node_is_wanted_if_gives_one() -> None:
    text = (
        "constants: {fast: false}\nroot:\n  if:\n    is: $fast\n    then: home\n"
        "    else: {inverter: {child: {if: {is: not $fast, then: {say: slow}}}}}\n"
    )
    spec = load_text(f"knothole: 1\ntree: t\n{text}")
    assert [node.type for node in spec.walk()] == ["inverter", "say"]


def test_a_constant_can_be_a_whole_node_or_the_children() -> None:
    text = "constants:\n  wave: {say: hello}\n  both: [home, $(wave)]\nroot:\n  sequence: $(both)\n"
    spec = load_text(f"knothole: 1\ntree: t\n{text}")
    assert [node.type for node in spec.walk()] == ["sequence", "home", "say"]
    assert {node.place.line for node in spec.root.children} == {7}


def test_header_values_are_filled_too() -> None:
    text = (
        "constants: {what: cup}\nabout: Find the $(what).\ninputs: {it: {type: text, default: $(what)}}\n"
        "root: {say: $it}\n"
    )
    spec = load_text(f"knothole: 1\ntree: t\n{text}")
    assert spec.about == "Find the cup."
    assert spec.inputs[0].default is not None
    assert spec.inputs[0].default.value == "cup"


def test_a_mistake_in_a_loop_is_told_at_the_template_once() -> None:
    assert codes("for: {item: i, in: 1..3, do: [{wait: soon}]}") == ["11:44 K105"]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("say: go $(sid)", ["11:15 K140"]),
        ("wait: $(tims.short)", ["11:13 K140"]),
        ("wait: $(times.shor)", ["11:13 K140"]),
        ("wait: $(times.long[5])", ["11:13 K140"]),
        ("say: 'all $(sides)'", ["11:17 K140"]),
        ("say: $(5)", ["11:12 K140"]),
        ("say: $(n", ["11:12 K140"]),
        ("for: {item: i, in: $(sids), do: home}", ["11:26 K140"]),
        ("for: {item: i, in: several, do: home}", ["11:26 K143"]),
        ("for: {item: i, on: $(sides), do: home}", ["11:22 K143"]),
        ("for: {item: i, do: home}", ["11:7 K143"]),
        ("for: {item: 5, in: $(sides), do: home}", ["11:19 K143"]),
        ("{for: {item: i, in: $(sides), do: home}, name: x}", ["11:48 K143"]),
        ("if: {is: $m > 1, then: home}", ["11:16 K140"]),
        ("if: {is: $n > > 1, then: home}", ["11:21 K119"]),
        ("if: {is: $n > 'a', then: home}", ["11:19 K119"]),
        ("if: {is: $times.x, then: home}", ["11:16 K144"]),
        ("if: {is: [a], then: home}", ["11:16 K144"]),
        ("if: {is: $(sides), then: home}", ["11:16 K144"]),
        ("if: {iff: $n, then: home}", ["11:12 K144"]),
        ("if: {is: $n}", ["11:7 K144"]),
        ("inverter: {child: {if: {is: $n == 1, then: home}}}", ["11:26 K144"]),
        ("inverter: {child: {if: {is: $n == 2, then: [home, home]}}}", ["11:26 K144"]),
        ("inverter: {child: {for: {item: i, in: $(sides), do: home}}}", ["11:26 K143"]),
    ],
)
def test_a_mistake_is_told_where_it_stands(node: str, expected: list[str]) -> None:
    assert codes(node) == expected


def test_an_unknown_constant_is_guessed() -> None:
    text = HEAD + "    - say: $(sids)\n" + ALL
    assert [p.guess for p in check_text(text) if p.code == "K140"] == [("$(sides)",)]


def test_a_bracket_after_a_dollar_without_constants_is_explained() -> None:
    problems = check_text("knothole: 1\ntree: t\nroot:\n  say: x $(n)\n")
    assert [(p.code, p.place.column, p.guess) for p in problems] == [("K141", 10, ("${n}",))]


def test_a_constant_that_nothing_uses_is_a_warning() -> None:
    problems = check_text("knothole: 1\ntree: t\nconstants: {a: 1, b: 2}\nroot: {say: $(b)}\n")
    assert [(p.code, p.place.column, p.severity) for p in problems] == [("K145", 13, "warning")]


@pytest.mark.parametrize(
    "text",
    [
        "root:\n  sequence:\n    - for: {item: i, in: 1..9999999, do: []}\n",
        "root:\n  sequence:\n    - for: {item: i, in: 1..9999, do: [{for: {item: j, in: 1..9999, do: home}}]}\n",
        "constants:\n  a0: xxxxxxxxxx\n"
        + "".join(f'  a{n + 1}: "$(a{n})$(a{n})"\n' for n in range(60))
        + "root: home\n",
        "constants:\n  a0: [x]\n" + "".join(f"  a{n + 1}: [$(a{n}), $(a{n})]\n" for n in range(60)) + "root: home\n",
    ],
)
def test_what_is_made_is_bounded(text: str) -> None:
    with pytest.raises(TreeError, match="K007: constants and loops make more than"):
        load_text(f"knothole: 1\ntree: t\n{text}")


def test_a_file_without_any_is_left_as_it_is() -> None:
    for text in ("root: home\n", "root:\n  say: x\n  success_if: 1 < 2\n", "root: {say: 'what for: it'}\n"):
        documents = read_text(f"knothole: 1\ntree: t\n{text}")
        assert expand(documents).roots[0] is documents.roots[0]


PIECES = (
    "$(a)", "$(b.c[0])", "$(", ")", "$$(", "$a", "for: ", "if: ", "item: x", "in: ", "1..3", "do: ", "is: ", "then: ",
    "else: ", "[", "]", "{", "}", ", ", "home", "say: hi", "\n    - ", "\n      ", "constants: ", "a: 1", "'", "x",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_there_is_read_or_explained(text: str, known: bool) -> None:
    head = "constants: {a: [1, x], b: {c: [2]}}\n" if known else ""
    for problem in check_text(f"knothole: 1\ntree: t\n{head}root:\n  sequence:\n    - {text}\n"):
        assert problem.fix


def test_a_range_that_is_none_and_a_field_that_is_missing_are_told_once() -> None:
    head = "knothole: 1\ntree: t\nconstants: {arm: {left: {z: 1}}}\nroot:\n  sequence:\n"
    text = head + "    - for: {item: i, in: 1..99999999999, do: home}\n    - say: $(arm.lefd.z)\n"
    found = check_text(text)
    assert [problem.code for problem in found] == ["K143", "K140"]
    assert found[1].guess == ("$(arm.left.z)",)
