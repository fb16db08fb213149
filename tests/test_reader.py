"""Text becomes documents with the place of every key and value; any tree written as YAML comes back as it was."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knothole.trees.loader import Loader, check_text, load_text
from knothole.trees.problems import TreeError
from knothole.trees.reading.document import Item, Items, Pairs, Scalar
from knothole.trees.reading.reader import MAX_DEPTH, read_file, read_text
from knothole.trees.spec import Literal, NodeSpec, Reference, Template


def walk(item: Item) -> list[Scalar]:
    if isinstance(item, Scalar):
        return [item]
    if isinstance(item, Items):
        return [scalar for each in item.items for scalar in walk(each)]
    return [scalar for key, value in item for scalar in (key, *walk(value))]


def codes(text: str) -> list[str]:
    try:
        return [problem.code for problem in read_text(text).problems]
    except TreeError as error:
        return [problem.code for problem in error.problems]


def test_line_and_column_of_every_key_and_value() -> None:
    text = 'see:\n  question: "Is it é?"\n  list: [a, {b: c}]\nlast: |\n  two\n  lines\n'
    found = [(s.text, s.line, s.column, s.style) for s in walk(read_text(text).roots[0])]
    assert found == [
        ("see", 1, 1, "plain"),
        ("question", 2, 3, "plain"),
        ("Is it é?", 2, 13, "quoted"),
        ("list", 3, 3, "plain"),
        ("a", 3, 10, "plain"),
        ("b", 3, 14, "plain"),
        ("c", 3, 17, "plain"),
        ("last", 4, 1, "plain"),
        ("two\nlines\n", 4, 7, "block"),
    ]


def test_nothing_is_typed() -> None:
    text = "[no, yes, 1:30, 010, 0x1F, 1_000, 2026-01-01, ~, .inf, =, 1e3]"
    assert [s.text for s in walk(read_text(text).roots[0])] == text.strip("[]").split(", ")


def test_places_hold_with_windows_line_ends_a_bom_and_odd_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert [(s.text, s.line, s.column) for s in walk(read_file(path).roots[0])] == [
        ("a", 1, 1), ("1", 1, 4), ("b", 2, 1), ("2", 2, 4),
    ]  # fmt: skip
    documents = read_text("a: 'x\u2028y'\nb: z\n")
    last = walk(documents.roots[0])[-1]
    assert documents.source.line(last.line)[last.column - 1] == "z"


def test_an_alias_is_a_copy_with_the_places_of_what_it_repeats() -> None:
    root = read_text("a: &x [1, 2]\nb: *x\n").roots[0]
    assert isinstance(root, Pairs)
    assert root.get("a") == root.get("b")


def test_several_documents() -> None:
    assert len(read_text("a: 1\n---\nb: 2\n---\nc: 3\n").roots) == 3
    assert codes("a: &x 1\nb: *x\n---\nc: *x\n") == ["K021"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2", ["K017"]),
        ("{a: 1, 'a': 2}", ["K017"]),
        ("<<: {a: 1}", ["K018"]),
        ("a: !x {b: c}", ["K019"]),
        ("a: {b: c, d}", ["K012"]),
        ("a: {b: c, d, e, f: g, h}", ["K012", "K012"]),
        ("a: {b: }", []),
        ("a: {b: c,}", []),
        ('a: {"b":c}', []),
        ("a: {b: [c, d]}", []),
        ("a: b # c", []),
        ("a: *b", ["K021"]),
        ("a: &b c", ["K015"]),
        ("a: &b c\nd: *b", []),
        ("a: &b {c: d}", []),
        ("? a\n: b", []),
        ("%YAML 1.2\n---\na: b", []),
    ],
)
def test_what_the_reader_itself_reports(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


BOMB = "a: &a [" + ", ".join("x" * 10) + "]\n"
BOMB += "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 2_000_000, "K006"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "K006"),
        ("{a: " * 500_000, "K006"),
        ("- " * 500_000, "K006"),
        ("? " * 500_000, "K006"),
        (BOMB, "K007"),
        ("", "K005"),
        ("# only words", "K005"),
        ("a: \x00", "K008"),
        ("a:\n\t- b", "K011"),
    ],
    ids=["lists", "closed lists", "mappings", "block lists", "keys", "aliases", "empty", "comment", "NUL", "tab"],
)
def test_hostile_text_is_one_told_mistake(text: str, code: str) -> None:
    assert codes(text) == [code]


def nested(levels: int) -> str:
    return "knothole: 1\ntree: deep\nroot: " + "{parallel: {children: [" * (levels - 1) + "home" + "]}}" * (levels - 1)


def test_trees_have_at_most_500_levels() -> None:
    limit = sys.getrecursionlimit()
    assert check_text(nested(500)) == []
    assert sum(1 for _ in load_text(nested(500)).walk()) == 500
    assert [problem.code for problem in check_text(nested(501))] == ["K123"]
    assert sys.getrecursionlimit() == limit


def test_without_libyaml_trees_are_read_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: {b: [c, 'd']}\ne: |\n  f\n"
    fast = read_text(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    with pytest.warns(RuntimeWarning, match="no libyaml"):
        slow = read_text(text)
    assert slow.roots == fast.roots


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40).map(
    lambda text: text.replace("\ufeff", "x").replace("\ufffe", "x").replace("\uffff", "x")
)
names = texts.filter(lambda text: text not in ("", "~", "null"))
Data = dict[str, object] | str
leaves: st.SearchStrategy[Data] = st.one_of(
    st.just("home"),
    st.fixed_dictionaries({"say": texts}),
    st.fixed_dictionaries(
        {
            "see": st.fixed_dictionaries(
                {"question": texts}, optional={"accept": st.floats(0.3, 1), "expect": st.just("no")}
            )
        }
    ),
    st.fixed_dictionaries({"say": st.just("$word")}),
    st.fixed_dictionaries(
        {"say": st.lists(texts, min_size=2, max_size=2).map(lambda t: f"{doubled(t[0])}${{word}}{doubled(t[1])}")}
    ),
    st.fixed_dictionaries({"set": st.just({"name": "$word", "to": "'x'"})}),
)


def doubled(text: str) -> str:
    return text.replace("$", "$$")


def common(node: st.SearchStrategy[Data]) -> st.SearchStrategy[Data]:
    extra = st.fixed_dictionaries({}, optional={"name": names, "about": names, "retry": st.integers(1, 9)})
    return st.tuples(node, extra).map(lambda pair: {**pair[0], **pair[1]} if isinstance(pair[0], dict) else pair[0])


trees = st.recursive(
    common(leaves),
    lambda inner: common(
        st.one_of(
            st.lists(inner, min_size=1, max_size=4).map(lambda kids: {"sequence": kids}),
            st.lists(inner, min_size=1, max_size=4).map(lambda kids: {"reactive_selector": {"children": kids}}),
            inner.map(lambda kid: {"inverter": {"child": kid}}),
            st.tuples(inner, inner).map(lambda two: {"guard": {"check": two[0], "child": two[1]}}),
        )
    ),
    max_leaves=12,
)


def written(node: object) -> object:
    """Double the dollars of constant texts, as an author has to."""
    if isinstance(node, dict):
        return {
            key: doubled(value) if key in ("say", "question") and isinstance(value, str) and "word" not in value
            else written(value)
            for key, value in node.items()
        }  # fmt: skip
    return [written(each) for each in node] if isinstance(node, list) else node


def as_data(spec: NodeSpec) -> object:
    """Write a description as the data it came from."""
    ports: dict[str, object] = {}
    for name, value in spec.values.items():
        if isinstance(value, Literal):
            ports[name] = value.value
        elif isinstance(value, Reference):
            ports[name] = str(value)
        elif isinstance(value, Template):
            ports[name] = "".join(doubled(p) if isinstance(p, str) else f"${{{str(p)[1:]}}}" for p in value.parts)
        else:
            ports[name] = value.expression.source
    made: dict[str, object]
    if spec.type == "say":
        made = {"say": ports["text"]}
    elif spec.type == "sequence":
        made = {"sequence": [as_data(child) for child in spec.children]}
    elif spec.type == "reactive_selector":
        made = {"reactive_selector": {"children": [as_data(child) for child in spec.children], **ports}}
    elif spec.type in ("inverter", "guard"):
        parts = {name: as_data(part) for name, part in spec.parts.items()}
        made = {spec.type: {**parts, "child": as_data(spec.children[0])}}
    else:
        made = {spec.type: ports}
    made |= {"name": spec.name} if spec.name != spec.type else {}
    made |= {"about": spec.about} if spec.about else {}
    made |= {key: value.value for key, value in spec.common.items() if isinstance(value, Literal)}
    return "home" if made == {"home": {}} else made


def simplified(node: object) -> object:
    """Drop what says nothing: a name that is the type key."""
    if isinstance(node, list):
        return [simplified(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: simplified(value)
        for key, value in node.items()
        if not (key == "name" and isinstance(value, str) and value in node)
    }


@given(trees, st.sampled_from([True, False, None]), st.sampled_from([20, 80, 4000]))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_written_as_yaml_comes_back(node: Data, flow: bool | None, width: int) -> None:
    head = {"knothole": 1, "tree": "t", "inputs": {"word": {"type": "text", "default": "x"}}}
    data = {**head, "root": written(node)}
    text = yaml.dump(data, Dumper=Plain, default_flow_style=flow, width=width, allow_unicode=True, sort_keys=False)
    tree = Loader().text(text, "<text>")[0]  # trees of this kind may break rules; what they hold is read all the same
    assert tree is not None
    assert as_data(tree.root) == simplified(node)


class Plain(yaml.SafeDumper):
    """Writes no aliases, so that every node has its own place."""

    def ignore_aliases(self, data: object) -> bool:
        return True


PIECES = (
    "knothole: 1\n~tree: t\n~root:\n~  sequence:\n~    - see: ~    - pick: $a\n~{~}~[~]~, ~: ~- ~\t~\n~ #~'~\"~${a}~$a~"
    "|\n~*a~&a ~!x ~? ~use: t~home~retry: 3~---\n~...\n~%~@~`~\\~é~\0~\u2028~inputs:\n~  a: {type: text}\n~<<: ~5s"
)
pieces = st.sampled_from(PIECES.split("~"))


@given(st.lists(pieces, max_size=25).map("".join) | st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_tree_or_told_mistakes(text: str) -> None:
    check_text(text)
    with contextlib.suppress(TreeError):
        load_text(text)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_tree_or_told_mistakes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(data)
    with contextlib.suppress(TreeError):
        read_file(path)
