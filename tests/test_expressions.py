"""Expressions compute what Python computes, know their errors, and do no harm with any text."""

from __future__ import annotations

import contextlib
import re
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knothole.trees.formulas.expressions import MAX_DEPTH, MAX_LENGTH, Expression
from knothole.trees.formulas.operators import MAX_TEXT, MAX_VALUES, ExpressionError
from knothole.trees.formulas.references import FollowError

ENTRIES = {
    "battery": 0.5,
    "held": False,
    "count": 3,
    "name": "red cube",
    "loose": ["a", "b"],
    "none": None,
    "thing": SimpleNamespace(xyz=(0.4, 0.1, 0.2), label="cup", move=lambda: None, _secret=1),
    "map": {"a": {"b": [10, 20]}},
    "big": 2**64,
}

VALUES = [
    ("1 + 2 * 3", 7),
    ("7 // 2 * 2 + 7 % 2", 7),
    ("-7 // 2", -4),
    ("+2 - -+3", 5),
    ("1 if $held else 2 if $battery > 1 else 3", 3),
    ("1 + 2 if true else 0", 3),
    ("(1 if true else 2) + 1", 2),
    ("$loose[9] if false else 1", 1),
    ("min(3, 1, 2) + max([4, 5])", 6),
    ("abs(-2.5)", 2.5),
    ("round(2.5)", 2),
    ("round(2.567, 1)", 2.6),
    ("[1 if true else 2, true or false]", [1, True]),
    ("[true] == [1]", False),
    ("[1, [2, 'a']] == [1, [2, 'a']]", True),
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
    ("9" * 19 + "0", 1, "the number is too large"),
    ("1e999", 1, "the number is too large"),
    ("1 if 2", 7, "'else' is missing here"),
    ("len()", 1, "len() needs one value"),
    ("min()", 1, "min() needs a number"),
    ("2 ** 3", 4, "a value is missing before '*'"),
    ("pow(2, 3)", 1, "'pow' is no word of expressions"),
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
        ("9223372036854775807 + 1", "the number is too large"),
        ("$big - 1", "the number is too large"),
        ("1e300 * 1e300 - 1e300 * 1e300 == 0", False),
        ("round(1e300 * 1e300)", "round() cannot round inf"),
        ("round(1e300)", "the number is too large"),
        ("round(1, 0.5)", "the digits of round() must be a whole number from -30 to 30"),
        ("min([])", "min() needs at least one number"),
        ("abs(1, 2)", "abs() takes one number"),
        ("7 // 0", "division by zero"),
        ("len($count)", "len() needs a list or a text, this is a int"),
        ("1 in $count", "'in' needs a list or a text, this is a int"),
        ("1 in $name", "only a text can be in a text, not a int"),
    ],
)
def test_values_that_do_not_fit(source: str, message: str | bool | None) -> None:
    if not isinstance(message, str):
        assert Expression(source).evaluate(ENTRIES) is not True
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
        st.tuples(inner, st.sampled_from(["+", "-", "*", "+", "-", "/", "//", "%"]), inner).map(" ".join)
        | inner.map(lambda x: f"({x})")
        | inner.map(lambda x: f"-{x}")
        | st.tuples(inner, inner).map(lambda pair: f"max({pair[0]}, {pair[1]})")
    ),
    max_leaves=8,
)
comparisons = st.tuples(
    arithmetic, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), arithmetic, st.sampled_from(["", "< 3", "!= 0.5"])
).map(" ".join)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join)
        | inner.map(lambda x: f"({x})")
        | inner.map(lambda x: f"not {x}")
        | st.tuples(inner, inner, inner).map(lambda three: f"{three[0]} if ({three[1]}) else {three[2]}")
    ),
    max_leaves=8,
)
choices = st.tuples(arithmetic, conditions, arithmetic).map(lambda three: f"{three[0]} if ({three[1]}) else {three[2]}")


def said_by_python(source: str) -> object:
    """Compute an expression without references in Python; ``None`` for a division by zero or a huge number."""
    try:
        value = eval(source, {"__builtins__": {}, "true": True, "false": False, "max": max})
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(value, int) and abs(value) >= 2**63 else value


@given(conditions | arithmetic | choices)
@settings(max_examples=400, deadline=None)
def test_precedence_is_that_of_python(source: str) -> None:
    expected = said_by_python(source)
    try:
        value = Expression(source).evaluate({})
    except ExpressionError as error:
        assert expected is None or str(error) == "the number is too large"  # noqa: PT017  on the way to a small one
    else:
        assert value == expected or (value != value and expected != expected)


PIECES = "1 2 0.5 + - * / // % < <= == and or not not if else true false ( )"
pieces = st.sampled_from(PIECES.split(" "))


@given(st.lists(pieces, min_size=1, max_size=14).map(" ".join))
@settings(max_examples=600, deadline=None)
def test_what_python_refuses_is_refused_and_the_rest_means_the_same(source: str) -> None:
    """Token soup: brackets behind a value would be a call in Python, and ``()`` a value."""
    assume(re.search(r"[0-9e)] \(|\( \)", source) is None)
    try:
        compile(source, "soup", "eval")
    except SyntaxError:
        with pytest.raises(ExpressionError):
            Expression(source)
        return
    bools = re.search(
        r"(true|false|not|and|or|<|==).*([-+*/%<]|==)|([-+*/%<]|==).*(true|false|not|and|or|<|==)", source
    )
    assume(bools is None and not re.search(r"\b(and|or)\b", source))  # they give true or false here, and are no numbers
    expected = said_by_python(source)
    with contextlib.nullcontext() if expected is not None else pytest.raises(ExpressionError):
        assert Expression(source).evaluate({}) == expected


WORDS = (
    "1 2.5 1e308 99999999 5cm 'a' \"b\" true none $a $b.c $d[0] "
    "( ) [ ] , + - * / % == < in not and or if else len max round // $ && \\ ' é \n"
)
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


def test_the_deepest_nesting_is_read_and_computed_with_the_usual_stack() -> None:
    inner = "1"
    for k in range(MAX_DEPTH):
        inner = ("not (1 < 2 + 3 * -({}) or false)", "[max({}, 1), 2][0]", "(1 if {} else 2)")[2 * (k % 2)].format(
            inner
        )
    with contextlib.suppress(ExpressionError):
        Expression(inner).evaluate({})
    lists = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert Expression(f"{lists} == {lists}").evaluate({}) is True


GROWING = [
    ("$a + $a", "ab", f"the text has more than {MAX_TEXT} characters"),
    ("[$a, $a]", 1, f"the list holds more than {MAX_VALUES} values"),
    ("[$a]", 1, "the list is nested deeper than 40 levels"),
    ("$a * $a", 3, "the number is too large"),
    ("$a + $a + 1", 1, "the number is too large"),
]


@pytest.mark.parametrize(("source", "start", "message"), GROWING, ids=[source for source, _, _ in GROWING])
def test_a_value_that_grows_with_each_tick_is_stopped(source: str, start: object, message: str) -> None:
    entries = {"a": start}
    expression = Expression(source)

    def tick_for_ever() -> None:
        for _ in range(10_000):
            entries["a"] = expression.evaluate(entries)

    with pytest.raises(ExpressionError, match=message):
        tick_for_ever()


class Counted:
    """A value that counts how often it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    def __eq__(self, other: object) -> bool:
        self.looks += 1
        return False

    __hash__ = None  # type: ignore[assignment]


def test_time_is_bounded_by_the_length_of_the_text_and_the_values_it_makes() -> None:
    thing = Counted()
    big = [thing] * 1000
    longest = " and ".join(["not $t in $b"] * 200)
    assert len(longest) <= MAX_LENGTH
    assert Expression(longest).evaluate({"t": 0, "b": big}) is True
    assert thing.looks == 200 * 1000
    reads = 0

    def look(entry: object) -> object:
        nonlocal reads
        reads += 1
        return 1

    Expression("+".join(["$a"] * 1300)).evaluate(look)
    assert reads == 1300


def test_odd_values_of_other_classes_do_no_harm() -> None:
    class Odd:
        @property
        def broken(self) -> object:
            raise OSError("no")

        def __eq__(self, other: object) -> bool:
            raise ValueError("not comparable")

        def __len__(self) -> int:
            raise ValueError("no length")

        __hash__ = None  # type: ignore[assignment]

    entries = {"odd": Odd(), "nan": float("nan"), "inf": float("inf")}
    assert Expression("$odd == 1 or $odd == $odd").evaluate(entries) is True
    assert Expression("not $odd").evaluate(entries) is False
    with pytest.raises(FollowError, match="'broken' of a Odd cannot be read: no"):
        Expression("$odd.broken").evaluate(entries)
    assert Expression("$nan == $nan or $nan < 1 or $inf - $inf == 0 or $inf % 2 == 0").evaluate(entries) is False
    assert Expression("$inf > 1 and -$inf < $nan").evaluate(entries) is False
