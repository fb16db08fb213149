"""Printed YAML is read back as what was printed, and printing it again changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.tests.messy_yaml import Messy, told
from knothole.trees.editing.comments import find_comments
from knothole.trees.editing.printer import WIDTH, print_yaml
from knothole.trees.language.constants import text_of
from knothole.trees.literals import core_value
from knothole.trees.loader import library
from knothole.trees.problems import TreeError
from knothole.trees.reading.document import Comments, Documents, Item, Items, Pairs, Scalar, Source
from knothole.trees.reading.reader import read_text


def printed(text: str) -> str:
    documents = read_text(text)
    return print_yaml(documents, find_comments(documents))


def meaning(documents: Documents) -> list[object]:
    """What a file says: texts, what an untyped port would read, structure, anchors and aliases."""
    return [meant(root, documents) for root in documents.roots]


def meant(item: Item, documents: Documents) -> object:
    name = documents.anchors.get(id(item), "")
    if name.startswith("*"):
        return name
    if isinstance(item, Scalar):
        text = text_of(item)
        value = core_value(text) if item.style == "plain" else text
        return name, text, type(value).__name__
    if isinstance(item, Items):
        return name, [meant(each, documents) for each in item.items]
    return name, [(meant(key, documents), meant(value, documents)) for key, value in item]


HEAD = "knothole: 1\ntree: t\n"
CASES = {
    "short ports go into braces": (
        "root:\n    sequence:\n    -   see:\n            question: Is it red?\n            expect: no\n    - home\n",
        'root:\n  sequence:\n    - see: {question: "Is it red?", expect: no}\n    - home\n',
    ),
    "long ports go below": (
        "root: {use: {tree: put_into, inputs: {query: every object on the white plate, container: blue tray,"
        " question: Is there anything on it?, expect: 'no'}}}\n",
        "root:\n  use:\n    tree: put_into\n    inputs:\n"
        '      query: "every object on the white plate"\n      container: "blue tray"\n'
        '      question: "Is there anything on it?"\n      expect: "no"\n',
    ),
    "nodes stand on their own": (
        "root: {timeout: {duration: 20s, child: {pick: $thing}}}\n",
        "root:\n  timeout:\n    duration: 20s\n    child:\n      pick: $thing\n",
    ),
    "a bare node may stay in braces": (
        "root:\n  timeout:\n    duration: 20s\n    child: home\n",
        "root:\n  timeout: {duration: 20s, child: home}\n",
    ),
    "comments keep braces open": (
        "root:\n  see: {question: 'Is it?', # why\n    expect: no}\n",
        'root:\n  see:\n    question: "Is it?"  # why\n    expect: no\n',
    ),
    "expressions are quoted": (
        "root:\n  check: $a > 0 and $b == 'x'\n  when: $c == \"y\"\n  skip_if: $d\n",
        "root:\n  check: \"$a > 0 and $b == 'x'\"\n  when: '$c == \"y\"'\n  skip_if: $d\n",
    ),
    "words for people stay bare": (
        "about: Put it away; then stop.\nroot:\n  home:\n  name: go home\n",
        "about: Put it away; then stop.\n\nroot:\n  home:\n  name: go home\n",
    ),
    "sections are parted by blank lines": (
        "tree: t\ninputs: {a: {type: text}}\noutputs:\n  b: {type: bool}\ninclude: [a.yaml]\nroot: home\n",
        "tree: t\n\ninputs:\n  a: {type: text}\n\noutputs:\n  b: {type: bool}\n\ninclude: [a.yaml]\n\nroot: home\n",
    ),
    "declared nodes": (
        "nodes: {A: {kind: action, ports: {p: {direction: in, type: text}}}, B: {kind: condition}}\n",
        "nodes:\n  A:\n    kind: action\n    ports:\n      p: {direction: in, type: text}\n  B: {kind: condition}\n",
    ),
    "hooks hold nodes": (
        "root: {home: , on_success: {bt.Script: {code: x := 1}}, meta: {collapsed: 'true'}}\n",
        'root:\n  home:\n  on_success:\n    bt.Script: {code: "x := 1"}\n  meta: {collapsed: "true"}\n',
    ),
    "anchors and aliases": (
        "root:\n  sequence:\n    - &look {see: 'Is it open?'}\n    - *look # again\n",
        'root:\n  sequence:\n    - &look {see: "Is it open?"}\n    - *look  # again\n',
    ),
    "one blank line stays": ("a: 1\n\n\n\nb: 2\nc:\n\n  - 1\n", "a: 1\n\nb: 2\nc: [1]\n"),
    "documents": ("--- {tree: a}\n--- # b\ntree: b\n...\n", "tree: a\n---\n# b\ntree: b\n"),
    "texts of several lines": (
        'a: "x = 1\\ny = 2"\nb: >\n  one\n  two\nc: |\n  if:\n    then\n',
        "a: |-\n  x = 1\n  y = 2\nb: >\n  one two\nc: |\n  if:\n    then\n",
    ),
    "a comment beside a dash goes to the first line": (
        "root:\n  sequence:\n    - # x\n      see: a\n",
        "root:\n  sequence:\n    - see: a  # x\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_the_canonical_form(text: str, expected: str) -> None:
    assert printed(text) == expected
    assert printed(expected) == expected
    assert meaning(read_text(text)) == meaning(read_text(expected))


def test_a_long_text_is_folded_and_reads_the_same() -> None:
    words = " ".join(f"word{number}," for number in range(40))
    made = printed(f'about: "{words}"\n')
    assert made.startswith("about: >-\n  word0, ")
    assert max(map(len, made.splitlines())) <= WIDTH
    assert meaning(read_text(made)) == [("", [(("", "about", "str"), ("", words, "str"))])]


def test_a_text_that_cannot_be_folded_is_quoted() -> None:
    words = "two  spaces " * 20 + "end"
    assert printed(f'a: "{words}"\n') == f'a: "{words}"\n'


@pytest.mark.parametrize("path", sorted(library().glob("*.yaml")), ids=lambda path: path.stem)
def test_the_library_is_printed_as_it_is(path: Path) -> None:
    assert printed(path.read_text(encoding="utf-8")) == path.read_text(encoding="utf-8")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_messy_texts_keep_their_meaning_and_comments(seed: int, returns: bool) -> None:
    messy = Messy(seed, returns)
    try:
        documents = read_text(messy.text)
    except TreeError:
        return
    if documents.problems:
        return
    made = print_yaml(documents, find_comments(documents))
    again = read_text(made)
    assert again.problems == []
    assert meaning(again) == meaning(documents)
    wanted = [note.strip() for note in messy.notes]
    assert sorted(told(find_comments(again))) == sorted(wanted)
    places = [re.search(rf"# +{re.escape(note)}$", made, re.M) for note in wanted]
    starts = [found.start() for found in places if found is not None]
    assert starts == sorted(starts)
    assert len(starts) == len(wanted)
    assert print_yaml(again, find_comments(again)) == made


# What YAML itself can hold; the reader refuses control characters, whatever the style.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]) | st.sampled_from("\n\t \"'#:-{}[]&*!|>%@$"))


def scalar(text: str, style: str = "quoted") -> Scalar:
    return Scalar(text, style, 1, 1, 1, 1)  # type: ignore[arg-type]


ITEM: st.SearchStrategy[Item] = st.recursive(
    st.builds(scalar, TEXT, st.sampled_from(["plain", "quoted"])),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: Items(tuple(items), 1, 1))
        | st.lists(st.tuples(TEXT.map(scalar), inner), max_size=4, unique_by=lambda pair: pair[0].text).map(
            lambda pairs: Pairs(tuple(pairs), 1, 1)
        )
    ),
    max_leaves=12,
)


def texts(item: Item) -> object:
    if isinstance(item, Scalar):
        return text_of(item)
    if isinstance(item, Items):
        return [texts(each) for each in item.items]
    return [(text_of(key), texts(value)) for key, value in item]


@settings(max_examples=300, deadline=None)
@given(ITEM, TEXT)
def test_any_made_document_is_read_back(root: Item, note: str) -> None:
    """As from XML: texts of any kind, no places; a comment of any text."""
    comments = Comments(last=[note]) if note.strip() else Comments()
    made = print_yaml(Documents(Source("made", ""), (root,)), comments)
    again = read_text(made)
    assert [texts(each) for each in again.roots] == [texts(root)]
    assert print_yaml(again, find_comments(again)) == made


def test_printing_leaves_the_comments_as_they_are() -> None:
    documents = read_text("- # x\n  see: a\n")
    comments = find_comments(documents)
    before = dict(comments.beside)
    print_yaml(documents, comments)
    assert comments.beside == before
