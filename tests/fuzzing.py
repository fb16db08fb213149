"""Hostile texts for the readers of the tree language: targets, seeds, mutations, and one guarded attempt.

``tests/test_fuzz.py`` runs a bounded number of attempts, ``benchmarks/fuzz.py`` as many as fit into a time.
"""

from __future__ import annotations

import contextlib
import random
import re
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from knothole._base import KnotholeError
from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.context import Context
from knothole.tests.fuzz_seeds import EXPRESSIONS, SCRIPTS, WORDS, XML, YAML
from knothole.trees.builder import build
from knothole.trees.editing.comments import find_comments
from knothole.trees.editing.modern import modernise
from knothole.trees.editing.printer import print_yaml
from knothole.trees.formulas.expressions import Expression
from knothole.trees.formulas.operators import MAX_TEXT, MAX_VALUES
from knothole.trees.formulas.scripts import Script
from knothole.trees.loader import Loader, load_text
from knothole.trees.reading.reader import read_text
from knothole.trees.values import Scope, as_text
from knothole.trees.xml.reader import read_xml
from knothole.trees.xml.writer import write_xml

ROOT: Final = Path(__file__).resolve().parents[1]
LIMIT: Final = 10.0
"""CPU seconds that one text may take."""
MAX_LENGTH: Final = 20_000


class TooSlow(BaseException):
    """A text took more CPU time than it may; no target can swallow it."""


def _reader(text: str) -> None:
    """Load it; tick what was loaded three times."""
    tree = build(load_text(text, "fuzz.yaml"), Context())
    try:
        for _ in range(3):
            tree.tick()
    finally:
        tree.halt()


def _xml(text: str) -> None:
    """Read it, check it, and print it, as it is and without scripts; what was printed is read and written as XML."""
    documents = read_xml(text, "fuzz.xml")
    Loader().documents(documents)
    read_text(print_yaml(modernise(documents)[0]), "fuzz.yaml")
    again = read_text(print_yaml(documents), "fuzz.yaml")
    write_xml(again, find_comments(again))


ODD: Final[Mapping[str, object]] = {
    "a": 1, "b": 2.5, "c": "text", "d": ["x", [1, 2], {"k": None}], "e": None, "f": True, "g": float("nan"),
    "h": float("inf"), "i": 2**62, "j": 2**90, "x": 0, "y": {"z": [1, 2, 3]}, "battery": 0.5, "held": False,
}  # fmt: skip


def _expressions(text: str) -> None:
    """Evaluate it some times with its own result, as a loop of ticks could."""
    expression = Expression(text)
    entries = {entry.name: ODD.get(entry.name, 3) for entry in expression.references}
    for _ in range(4):
        value = expression.evaluate(entries)
        if len(as_text(value)) > (MAX_TEXT + 10) * MAX_VALUES:
            raise MemoryError("the value of an expression grows without end")
        if not entries:
            break
        entries[next(iter(entries))] = value


def _scripts(text: str) -> None:
    script, board = Script(text, {"RED": 1, "BLUE": 3}), Blackboard()
    scope = Scope(board)
    for name, value in ODD.items():
        scope.cell(name).set(value)
    run = script.bind(scope)
    for _ in range(4):
        run()


TARGETS: Final[Mapping[str, Callable[[str], None]]] = {
    "reader": _reader, "expressions": _expressions, "scripts": _scripts, "xml": _xml,
}  # fmt: skip


def seeds(target: str, corpus: bool = True) -> list[str]:
    """Return the texts that a target starts from: library trees, examples of the docs, the corpus where it is."""
    pages = [page.read_text() for page in sorted((ROOT / "docs").glob("*.md"))]
    if target == "reader":
        found = [path.read_text() for path in sorted((ROOT / "trees" / "library").glob("*.yaml"))]
        examples = [block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
        return found + [block if "root:" in block else _in_a_tree(block) for block in examples] + YAML
    if target == "xml":
        files = sorted((ROOT.parent / "shared" / "corpus").rglob("*.xml")) if corpus else ()
        found = [text for path in files if len(text := path.read_text(errors="replace")) <= MAX_LENGTH]
        return found + [block for page in pages for block in re.findall(r"```xml\n(.*?)```", page, re.S)] + XML
    return EXPRESSIONS if target == "expressions" else SCRIPTS


def _in_a_tree(block: str) -> str:
    """Return a list of nodes, as the docs have them, as the children of a tree with the inputs they read."""
    types = {"thing": "object", "things": "objects", "count": "number", "done": "bool", "container": "text"}
    inputs = "".join(f"  {name}: {{type: {type}}}\n" for name, type in types.items())
    nodes = "".join(f"    {line}\n" for line in block.splitlines())
    return f"knothole: 1\ntree: t\ninputs:\n{inputs}root:\n  sequence:\n{nodes}"


def mutated(rng: random.Random, texts: list[str]) -> str:
    """Return one of the texts, changed in one to eight places."""
    text = rng.choice(texts)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        text = rng.choice(_MUTATIONS)(rng, text, texts)
    return text[:MAX_LENGTH]


def _span(rng: random.Random, text: str, longest: int) -> tuple[int, int]:
    start = rng.randint(0, len(text))
    return start, min(len(text), start + rng.randint(0, longest))


_WORD: Final = re.compile(r"[$@{]*\w[\w.}-]*|[-+*/<>=&|!:]+")


def _delete(rng: random.Random, text: str, texts: list[str]) -> str:
    start, end = _span(rng, text, 12)
    return text[:start] + text[end:]


def _insert(rng: random.Random, text: str, texts: list[str]) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(WORDS) + text[at:]


def _replace(rng: random.Random, text: str, texts: list[str]) -> str:
    start, end = _span(rng, text, 8)
    return text[:start] + rng.choice(WORDS) + text[end:]


def _repeat(rng: random.Random, text: str, texts: list[str]) -> str:
    start, end = _span(rng, text, 20)
    piece = text[start:end] or rng.choice(WORDS)
    return text[:start] + piece * rng.choice((2, 10, 200, 3000)) + text[end:]


def _splice(rng: random.Random, text: str, texts: list[str]) -> str:
    other = rng.choice(texts)
    start, end = _span(rng, other, 300)
    at = rng.randint(0, len(text))
    return text[:at] + other[start:end] + text[at:]


def _token(rng: random.Random, text: str, texts: list[str]) -> str:
    """Put a word of another text in the place of one word: the structure stays, the meaning does not."""
    places, words = list(_WORD.finditer(text)), _WORD.findall(rng.choice(texts))
    if not places or not words:
        return text
    place = rng.choice(places)
    return text[: place.start()] + rng.choice(words) + text[place.end() :]


def _rename(rng: random.Random, text: str, texts: list[str]) -> str:
    """Put a word of another text in the place of a word wherever it stands, so that tags still match."""
    here, words = _WORD.findall(text), _WORD.findall(rng.choice(texts))
    return text.replace(rng.choice(here), rng.choice(words)) if here and words else text


def _lines(rng: random.Random, text: str, texts: list[str]) -> str:
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        lines[i], lines[j] = lines[j], lines[i]
    elif way == 1:
        lines.insert(j, lines[i])
    elif way == 2:
        lines[i] = " " * rng.randint(0, 8) + lines[i].lstrip()
    else:
        del lines[i]
    return "\n".join(lines)


def _nest(rng: random.Random, text: str, texts: list[str]) -> str:
    opening, closing = rng.choice(
        (("[", "]"), ("{a: ", "}"), ("(", ")"), ("- ", ""), ("<Sequence>", "</Sequence>"), ("not ", ""))
    )
    depth = rng.choice((5, 50, 600, 2500))
    at = rng.randint(0, len(text))
    return text[:at] + opening * depth + rng.choice(("", "1", "$a")) + closing * depth + text[at:]


_MUTATIONS: Final[list[Callable[[random.Random, str, list[str]], str]]] = [
    *(_delete, _insert, _replace, _repeat, _splice, _lines, _lines, _nest),
    *(_token, _token, _rename) * 4,
]


@contextlib.contextmanager
def watchdog(seconds: float = LIMIT) -> Iterator[None]:
    """Raise ``TooSlow`` when the block takes more CPU time than that."""

    def bark(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:g} s of CPU time")

    old = signal.signal(signal.SIGVTALRM, bark)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, old)


def attempt(target: str, text: str) -> str | None:
    """Feed a text to a target; return where it broke the rules, None when it was read or refused as it should."""
    try:
        with watchdog():
            TARGETS[target](text)
    except KnotholeError:
        return None
    except (Exception, TooSlow) as error:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "knothole" in f.filename or str(ROOT) in f.filename
        ]
        last = frames[-1] if frames else None
        where = f"{Path(last.filename).name}:{last.lineno} {last.name}" if last is not None else "?"
        return f"{type(error).__name__} in {where}: {str(error)[:120]}"
    return None
