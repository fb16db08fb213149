"""Mistakes of typing for ``test_mistakes.py``: one slip in one word of a good tree. Nothing else sees this file.

A *word* is what the language looks up or reads by rule:

====  ==================================================================  =====================
kind  where                                                               meant
====  ==================================================================  =====================
node  a node without a colon, in a list                                   the node
key   any key: of a node (its type), a port, a common key, of the         the key
      header, of an input, the inputs and outputs that a ``use`` gives
name  ``$name`` and ``${name}``: alone, in texts, in expressions          the name with its ``$``
unit  the unit of a duration, a length or an angle                        number and unit
====  ==================================================================  =====================

A slip is one letter left out, added, replaced, or swapped with its neighbour, each as likely; the words of all trees
are drawn with the same chance. Letters that come in are ``a`` to ``z``, and ``_`` in words that have one.

What is *not* a mistake is drawn again: a slip that gives a word with a meaning in the same place (another port of the
node, another entry that is set there, ``m`` for ``mm``), so that nothing at all is wrong with the file; no checker can
know what was meant. So is a slip that takes all letters of a word, since the word is then missing and not mistyped.

Not touched are free text (questions, names, ``about``), numbers, values that are words (choices, types, names of trees)
and the names of inputs and outputs where they are declared: there nothing in the file says what was meant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORD = re.compile(r"[A-Za-z_]+")
_KEY = re.compile(r"(?:^|(?<=[\s{,]))(?P<word>[a-z_]+)(?=:(?:\s|$))")
_BARE = re.compile(r"^\s*- (?P<word>[a-z_]+)\s*$")
_NAME = re.compile(r"\$\{?(?P<word>[a-z_]+)")
_UNIT = re.compile(r"(?<=[\s{,:])(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<word>ms|min|mm|cm|km|deg|rad|s|m|h)(?=[\s,}]|$)")
_FREE = ("about", "name")


@dataclass(frozen=True)
class Word:
    """A word of a file.

    Attributes:
        file: The tree.
        kind: See above.
        text: The letters that can be mistyped.
        meant: What a message shall offer: the word; a name with its dollar, a unit with its number.
        line: From 1.
        column: Where ``meant`` begins, from 1.
        at: Where the letters begin in the text, from 0.
    """

    file: Path
    kind: str
    text: str
    meant: str
    line: int
    column: int
    at: int


@dataclass(frozen=True)
class Mistake:
    """A word that was mistyped, and the whole text with it."""

    word: Word
    written: str
    text: str

    def __str__(self) -> str:
        word = self.word
        return f"{word.file.stem}:{word.line}:{word.column} {word.kind} {word.text} -> {self.written}"


def words_of(file: Path) -> list[Word]:
    """Return the words of a tree that can be mistyped, in order."""
    found: list[Word] = []
    text = file.read_text(encoding="utf-8")
    start = 0
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        top = re.match(r"([a-z_]+):", line)
        section = top[1] if top else section
        masked = _masked(line)
        if section in ("inputs", "outputs") and not top:
            masked = re.sub(r"^(\s+)([a-z_]+)(?=:)", lambda m: m[1] + "#" * len(m[2]), masked)
        if not line.lstrip().startswith("#"):
            for kind, pattern, where in (
                ("key", _KEY, masked), ("node", _BARE, masked), ("name", _NAME, line), ("unit", _UNIT, masked),
            ):  # fmt: skip
                for match in pattern.finditer(where):
                    meant = {"name": f"${match['word']}", "unit": match[0]}.get(kind, match["word"])
                    begin = match.start("word") if kind in ("key", "node") else match.start()
                    at = start + match.start("word")
                    found.append(Word(file, kind, match["word"], meant, number, begin + 1, at))
        start += len(line) + 1
    return [word for word in found if not _is_free(word, text)]


def _masked(line: str) -> str:
    """Blank out what is quoted, and the free text after ``about:`` and ``name:``."""
    quoted = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'", lambda m: "#" * len(m[0]), line)
    return re.sub(r"(?<=\babout: )[^#].*|(?<=\bname: )[^{},\n]*", lambda m: "#" * len(m[0]), quoted)


def _is_free(word: Word, text: str) -> bool:
    line = text.split("\n")[word.line - 1]
    about = re.match(r"\s*(?:about|name): ", line)
    return about is not None and word.column > about.end()


def slip(word: str, random: random.Random) -> str:
    """Return a word with one slip."""
    letters = LETTERS + ("_" if "_" in word else "")
    at = random.randrange(len(word))
    kind = random.choice(("left out", "added", "replaced", "swapped"))
    if kind == "left out":
        return word[:at] + word[at + 1 :]
    if kind == "added":
        at = random.randrange(len(word) + 1)
        return word[:at] + random.choice(letters) + word[at:]
    if kind == "replaced":
        return word[:at] + random.choice(letters) + word[at + 1 :]
    return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]


def mistakes(files: list[Path], count: int, seed: int, is_valid: Callable[[str, Path], bool]) -> list[Mistake]:
    """Return ``count`` mistakes in the words of some good trees.

    Args:
        files: The trees.
        count: How many.
        seed: Of the draws.
        is_valid: Tells whether a text in place of a file is a valid tree.
    """
    draws = random.Random(seed)
    words = [word for file in files for word in words_of(file)]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    made: list[Mistake] = []
    while len(made) < count:
        word = draws.choice(words)
        written = slip(word.text, draws)
        text = texts[word.file]
        changed = text[: word.at] + written + text[word.at + len(word.text) :]
        if written and written != word.text and not is_valid(changed, word.file):
            made.append(Mistake(word, written, changed))
    return made
