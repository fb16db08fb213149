"""Whatever text a reader is given, it reads it or says what is wrong: no crash, no hang, bounded memory."""

from __future__ import annotations

import itertools
import random
import resource

import pytest

from knothole._base import KnotholeError
from knothole.tests import fuzzing
from knothole.trees.loader import load_text
from knothole.trees.xml.reader import read_xml

ATTEMPTS = {"reader": 3000, "expressions": 4000, "scripts": 4000, "xml": 200}
"""Attempts of one block, three to four seconds each."""
BLOCKS = [0, *(pytest.param(block, marks=pytest.mark.long) for block in range(1, 4))]


@pytest.mark.parametrize("target", fuzzing.TARGETS)
def test_the_seeds_are_read_or_refused(target: str) -> None:
    texts = fuzzing.seeds(target, corpus=False)  # which has a test of its own, test_corpus.py
    assert texts
    assert [found for text in texts if (found := fuzzing.attempt(target, text)) is not None] == []


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("target", fuzzing.TARGETS)
def test_hostile_texts_only_give_told_mistakes(target: str, block: int) -> None:
    rng, texts = random.Random(1000 + block), fuzzing.seeds(target)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, str] = {}
    for _ in range(ATTEMPTS[target]):
        text = fuzzing.mutated(rng, texts)
        finding = fuzzing.attempt(target, text)
        if finding is not None:
            found.setdefault(finding, text[:2000])
    assert found == {}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20, "more than 1 GB was needed"


def test_the_watchdog_barks() -> None:
    with pytest.raises(fuzzing.TooSlow), fuzzing.watchdog(0.05):
        sum(1 for _ in itertools.count())


def test_a_crash_is_a_finding() -> None:
    assert fuzzing.attempt("no such target", "x") == f"KeyError in fuzzing.py:{LINE} attempt: 'no such target'"


LINE = next(
    number
    for number, line in enumerate((fuzzing.ROOT / "tests" / "fuzzing.py").read_text().splitlines(), 1)
    if "TARGETS[target](text)" in line
)

ENTITIES = [
    '<!DOCTYPE r [<!ENTITY x "y">]><root BTCPP_format="4"><BehaviorTree ID="&x;"><A/></BehaviorTree></root>',
    '<!DOCTYPE r SYSTEM "file:///etc/passwd"><root BTCPP_format="4"/>',
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><root BTCPP_format="4"><!-- &x; --></root>',
    '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]><root BTCPP_format="4"/>',
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><root BTCPP_format="4">&b;</root>',
]


@pytest.mark.parametrize("text", ENTITIES)
def test_xml_entities_and_external_references_are_refused(text: str) -> None:
    with pytest.raises(KnotholeError) as caught:
        read_xml(text, "hostile.xml")
    assert "root:x:0" not in str(caught.value)


GROWING = [
    "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c, *c]\ne: &e [*d, *d, *d, *d]\n"
    "f: &f [*e, *e, *e, *e]\ng: &g [*f, *f, *f, *f]\nh: &h [*g, *g, *g, *g]\ni: &i [*h, *h, *h, *h]\n",
    "tree: t\nroot:\n  sequence:\n    - for: {item: i, in: 1..999999999, do: [home]}\n",
    "tree: t\nroot:\n  sequence:\n"
    + "".join(f"{'  ' * k}    - for: {{item: i{k}, in: 1..100, do: [\n" for k in range(6))
    + "home"
    + "]}\n" * 6,
    "tree: t\nroot: {say: '" + "${x}" * 20_000 + "'}\n",
    "tree: t\nroot:\n" + "".join(f"{' ' * k}inverter:\n{' ' * k} child:\n" for k in range(2, 1800, 2)),
    "include: [/dev/zero]\ntree: t\nroot: home\n",
    "tree: t\nroot: {use: {tree: t}}\n",
]


@pytest.mark.parametrize("text", GROWING, ids=range(len(GROWING)))
def test_a_text_that_asks_for_much_is_refused_soon(text: str) -> None:
    with fuzzing.watchdog(), pytest.raises(KnotholeError):
        load_text(text, "hostile.yaml")
