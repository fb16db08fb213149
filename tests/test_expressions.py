"""Expressions compute what Python computes, know their errors, and do no harm with any text."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.trees.expressions import MAX_DEPTH, MAX_LENGTH, Expression
from knothole.trees.operators import ExpressionError
from knothole.trees.references import FollowError

ENTRIES = {
    "battery": 0.5,
    "held": False,
    "count": 3,
    "name": "red cube",
    "loose": ["a", "b"],
    "none": None,
    "thing": SimpleNamespace(xyz=(0.4, 0.1, 0.2), label="cup", move=lambda: None, _secret=1),
    "map": {"a": {"b": [10, 20]}},
}

VALUES = [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("7 % 4 - 2 / 4", 2.5),
    ("-2 * -3", 6),
    ("- - 2", 2),
    ("10 - 2 - 3", 5),
    ("not true or true", True),
    ("not (true or true)", False),
    ("not not 1", True),
    ("true or false and false", True),
    ("1 < 2 < 3", True),
    ("1 < 3 < 2", False),
    ("1 == 1.0", True),
    ("true == 1", False),
    ("none == none", True),
    ("'a' != \"a\"", False),
    ("'it\\'s'", "it's"),
    ("'a' + 'b'", "ab"),
    ("'a' < 'b'", True),
    ("2 in [1, 2, 3]", True),
    ("2 not in [1, 2, 3]", False),
    ("'ed c' in $name", True),
    ("'a' in $map", True),
    ("[]", []),
    ("[1, 'a', true,]", [1, "a", True]),
    ("len($loose) == 2", True),
    ("len('four')", 4),
    ("5cm", 0.05),
    ("500ms + 2s", 2.5),
    ("2min > 100s", True),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("$battery > 0.2 and not $held", True),
    ("$loose[0] == 'a' and $loose[-1] == 'b'", True),
    ("$thing.xyz[2] > 10cm", True),
    ("$map.a.b[1]", 20),
    ("$none or $count", True),
    ("false and $thing.nothing", False),
]


@pytest.mark.parametrize(("source", "value"), VALUES, ids=[source for source, _ in VALUES])
def test_value(source: str, value: object) -> None:
    assert Expression(source).evaluate(ENTRIES) == value


MISTAKES = [
    ("", 1, "the expression is empty"),
    ("   ", 1, "the expression is empty"),
    ("1 +", 4, "the expression ends too early"),
    ("* 2", 1, "a value is missing before '*'"),
    ("battery > 1", 1, "'battery' is no word of expressions"),
    ("1 && 2", 3, "'&&' is no word of expressions"),
    ("$a = 2", 4, "'=' is no word of expressions"),
    ("5 sec", 3, "'sec' does not belong here"),
    ("5sec", 1, "unknown unit 'sec'"),
    ("'open", 1, "this text has no closing quote"),
    ("2 # 3", 3, "the character '#' has no meaning in an expression"),
    ("$", 1, "a name must follow the dollar"),
    ("$a.__class__", 3, "the character '.' has no meaning in an expression"),
    ("(1", 3, "')' is missing here"),
    ("1 2", 3, "'2' does not belong here"),
    ("true + 1", 6, "'+' does not fit bool and number"),
    ("'a' * 3", 5, "'*' does not fit number and text"),
    ("9" * 31, 1, "this number has more than 30 characters"),
    ("x" * (MAX_LENGTH + 1), 1, f"this expression has {MAX_LENGTH + 1} characters, {MAX_LENGTH} are allowed"),
    ("(" * (MAX_DEPTH + 1) + "1", MAX_DEPTH + 2, f"nested deeper than {MAX_DEPTH} levels"),
]


@pytest.mark.parametrize(("source", "column", "message"), MISTAKES, ids=[source[:20] for source, _, _ in MISTAKES])
def test_mistake_is_told_with_its_column(source: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(source)
    assert (str(caught.value), caught.value.column) == (message, column)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("$name < 3", "'<' needs numbers, this is the text 'red cube'"),
        ("$held + 1", "'+' needs numbers, this is false"),
        ("$count / 0", "division by zero"),
        ("1e300 * 1e300 % 1", None),
        ("len($count)", "len() needs a list or a text, this is a int"),
        ("1 in $count", "'in' needs a list or a text, this is a int"),
        ("1 in $name", "only a text can be in a text, not a int"),
    ],
)
def test_values_that_do_not_fit(source: str, message: str | None) -> None:
    if message is None:
        assert Expression(source).evaluate(ENTRIES) != 0
        return
    with pytest.raises(ExpressionError) as caught:
        Expression(source).evaluate(ENTRIES)
    assert str(caught.value) == message


@pytest.mark.parametrize("source", ["$thing.move", "$thing.nothing", "$loose[9]", "$count[0]", "$map.z", "$name.upper"])
def test_only_fields_and_elements_can_be_reached(source: str) -> None:
    with pytest.raises(FollowError):
        Expression(source).evaluate(ENTRIES)


def test_bound_expressions_read_entries_anew_and_only_when_needed() -> None:
    entries: dict[str, object] = {"a": 1}
    get = Expression("$a > 1 or $b").bind(lambda entry: lambda: entries[entry.name])
    with pytest.raises(KeyError):
        get()
    entries["a"] = 2
    assert get() is True


def test_types_of_entries_decide_the_type_of_the_result() -> None:
    assert Expression("$n + 1", {"n": "int"}).type == "number"
    assert Expression("$n + 1").type == "any"
    assert Expression("$n > 1").type == "bool"
    with pytest.raises(ExpressionError, match="does not fit"):
        Expression("$n + 1", {"n": "text"})


numbers = st.integers(-50, 50).map(lambda n: f"({n})") | st.sampled_from(["0.5", "2", "7"])
arithmetic = st.recursive(
    numbers,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(" ".join)
        | inner.map(lambda x: f"({x})")
        | inner.map(lambda x: f"-{x}")
    ),
    max_leaves=8,
)
comparisons = st.tuples(arithmetic, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), arithmetic).map(" ".join)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join)
        | inner.map(lambda x: f"({x})")
        | inner.map(lambda x: f"not {x}")
    ),
    max_leaves=8,
)


@given(conditions | arithmetic)
@settings(max_examples=200, deadline=None)
def test_precedence_is_that_of_python(source: str) -> None:
    expected = eval(source, {"__builtins__": {}})
    assert Expression(source).evaluate({}) == expected


WORDS = "1 2.5 5cm 'a' \"b\" true none $a $b.c $d[0] ( ) [ ] , + - * / % == < in not and or len $ && \\ ' é \n"
soup = st.lists(st.sampled_from(WORDS.split(" ")), max_size=30).map(" ".join)
things = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=3)
)


@given(soup | st.text(max_size=40), st.dictionaries(st.sampled_from("abd"), things))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_value_or_a_told_mistake(source: str, entries: dict[str, object]) -> None:
    with contextlib.suppress(ExpressionError, FollowError):
        Expression(source).evaluate({"a": 1, "b": 2, "d": 3, **entries})


def test_long_chains_do_not_deepen() -> None:
    assert Expression("+".join(["1"] * 1900)).evaluate({}) == 1900
    assert Expression(" or ".join(["false"] * 400)).evaluate({}) is False
    assert Expression("-" * 3000 + "1").evaluate({}) == 1
    assert Expression("not " * 900 + "true").evaluate({}) is True
