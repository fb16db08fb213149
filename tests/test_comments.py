"""Every comment of a YAML file is found once and hangs on the item it stands at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.tests.messy_yaml import Messy, told
from knothole.trees.editing.comments import find_comments
from knothole.trees.problems import TreeError
from knothole.trees.reading.document import Comments, Documents, Item, Items, Pairs, Scalar
from knothole.trees.reading.reader import read_text


def hung(text: str) -> dict[str, object]:
    """Return the comments of a text by the path of their item: ``a`` a key, ``a=`` its value, ``a[0]`` an element."""
    documents = read_text(text)
    comments = find_comments(documents)
    paths: dict[int, str] = {}
    for number, root in enumerate(documents.roots):
        name_items(root, "" if len(documents.roots) == 1 else f"{number}:", paths)
    found: dict[str, object] = {}
    for where in ("above", "beside", "below"):
        for item, words in getattr(comments, where).items():
            found[f"{where} {paths[item]}".strip()] = words
    if comments.first:
        found["first"] = comments.first
    if comments.last:
        found["last"] = comments.last
    return found


def name_items(item: Item, path: str, paths: dict[int, str]) -> None:
    if id(item) not in paths:
        paths[id(item)] = path if isinstance(item, Scalar) and path.endswith("]") else f"{path}="
    if isinstance(item, Items):
        for number, each in enumerate(item.items):
            paths[id(each)] = f"{path}[{number}]"
            name_items(each, f"{path}[{number}]", paths)
    elif isinstance(item, Pairs):
        for key, value in item:
            name = f"{path}.{key.text}" if path and not path.endswith(":") else f"{path}{key.text}"
            paths[id(key)] = name
            name_items(value, name, paths)


CASES: dict[str, tuple[str, dict[str, object]]] = {
    "above a key": ("# one\n# two\n\n# three\na: 1\n", {"above a": ["one\ntwo", "three"]}),
    "above an element, not its first key": ("# x\n- a: 1\n  # y\n  b: 2\n", {"above [0]": ["x"], "above [0].b": ["y"]}),
    "beside a scalar": ("a: 1 # x\n", {"beside a=": "x"}),
    "beside a key with a block below": ("a: # x\n  b: 1\n", {"beside a": "x"}),
    "beside a key with braces": ("a: {b: 1} # x\n", {"beside a": "x"}),
    "beside the dash": ("- # x\n  a: 1\n", {"beside [0]": "x"}),
    "beside an element": ("- 1 # x\n- {a: 1} # y\n", {"beside [0]": "x", "beside [1]": "y"}),
    "behind a dash, above what is in it": ("- # x\n  # y\n  a: 1\n", {"beside [0]": "x", "above [0].a": ["y"]}),
    "between a key and its value": ("a: # x\n  # y\n  1 # z\n", {"beside a": "x", "above a=": ["y"], "beside a=": "z"}),
    "between a key and its block": ("a:\n  # x\n  - b: 1\n", {"above a[0]": ["x"]}),
    "below a list, by its column": ("a:\n  - 1\n  # x\nb: 2\n", {"below a=": ["x"]}),
    "above the next key, by its column": ("a:\n  - 1\n# x\nb: 2\n", {"above b": ["x"]}),
    "below the inner, then the outer": (
        "a:\n  b:\n    c: 1\n    # x\n  # y\n# z\nd: 2\n",
        {"below a.b=": ["x"], "below a=": ["y"], "above d": ["z"]},
    ),
    "behind the header of a block scalar": ("a: | # x\n  # no comment\nb: 1\n", {"beside a=": "x"}),
    "after a block scalar": ("a: |\n  text\n\n# x\nb: 1\n", {"above b": ["x"]}),
    "in quotes is none": ("a: \"b # c\" # x\nd: 'e # f'\n", {"beside a=": "x"}),
    "in plain text is none": ("a: b#c\nd: e # x\n", {"beside d=": "x"}),
    "in braces over several lines": (
        "a: { # w\n  b: 1, # x\n  # y\n  c: 2\n  # z\n  }\n",
        {"above a.b": ["w"], "beside a.b=": "x", "above a.c": ["y"], "below a=": ["z"]},
    ),
    "after braces that hold one": ("a: [1, # x\n  2] # y\n", {"beside a[0]": "x", "below a=": ["y"]}),
    "before and after braces": ("a:\n  # x\n  [1] # y\nb: 2\n", {"above a[0]": ["x"], "below a=": ["y"]}),
    "in empty braces": ("a: { # x\n  } # y\n", {"above a=": ["x"], "beside a=": "y"}),
    "beside an alias": (
        "- &n {a: 1} # x\n- *n # y\n# z\n- *n\n",
        {"beside [0]": "x", "beside [1]": "y", "above [2]": ["z"]},
    ),
    "behind an anchor": ("a: &n # x\n  b: 1\nc: *n\n", {"beside a": "x"}),
    "before the first document": ("# x\n---\n# y\na: 1\n", {"first": ["x"], "above a": ["y"]}),
    "between documents": (
        "a: 1\n# x\n--- # y\n# z\nb: 2\n# end\n",
        {"below 0:=": ["x"], "above 1:b": ["y\nz"], "last": ["end"]},
    ),
    "at the end": ("a:\n  - 1\n  # x\n# y\n\n# z\n", {"below a=": ["x"], "last": ["y", "z"]}),
    "with carriage returns": (
        "# x\r\na: 1 # y\r\n\r\n# z\r\nb: 2\r\n",
        {"above a": ["x"], "beside a=": "y", "above b": ["z"]},
    ),
    "beside nothing": ("a: # x\nb: # y\n", {"beside a=": "x", "beside b=": "y"}),
    "of a scalar alone": ("# x\ntext # y\n# z\n", {"above =": ["x"], "beside =": "y", "last": ["z"]}),
    "more than one sign": ("#: a\n## b\n#\n#c\na: 1\n", {"above a": [": a\n# b\n\nc"]}),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_comments_hang_where_they_stand(text: str, expected: dict[str, object]) -> None:
    assert hung(text) == expected


def test_blank_lines_are_noted() -> None:
    documents = read_text("# license\n\na: 1\n\n# about b\nb: |\n  text\n\n\nc: 3\nd: 4\n")
    comments = find_comments(documents)
    root = documents.roots[0]
    assert isinstance(root, Pairs)
    assert [key.text for key, _ in root if id(key) in comments.spaced] == ["b", "c"]
    assert [key.text for key, _ in root if id(key) in comments.apart] == ["a"]


def test_a_file_that_is_not_wholly_read_has_no_comments() -> None:
    with pytest.raises(TreeError, match="stands twice"):
        find_comments(read_text("a: 1 # x\na: 2\n"))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_no_comment_is_lost_or_doubled(seed: int, returns: bool) -> None:
    messy = Messy(seed, returns)
    documents = readable(messy.text)
    if documents is not None:
        assert sorted(told(find_comments(documents))) == sorted(note.strip() for note in messy.notes)


def readable(text: str) -> Documents | None:
    try:
        documents = read_text(text)
    except TreeError:
        return None
    return None if documents.problems else documents


def test_the_messy_texts_are_mostly_yaml_and_full_of_comments() -> None:
    made = [Messy(seed) for seed in range(200)]
    good = [messy for messy in made if readable(messy.text) is not None]
    assert len(good) > 150
    assert sum(len(messy.notes) for messy in good) > 1000
    assert isinstance(find_comments(read_text(good[0].text)), Comments)
