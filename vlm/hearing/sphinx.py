"""Recognize speech with pocketsphinx, held to what is expected."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..._base import import_needed
from ..language.instructions import parse_instruction
from ..questions import Answer, Frame, Kind, Question
from .jsgf import INSTRUCTION, instruction_grammar, option_of, options_grammar, spoken, words_of
from .ngrams import instruction_model
from .sound import RATE, SoundError, read_wav
from .voice_activity import MARGIN, speech

_SILENCE = 0.3
"""Silence around what is decoded, [s]."""
_BEST = 60
"""So many ways to read a sound are looked at for one that is understood."""
_KEPT = 8
SLOWEST = 0.22
"""Longest time that a speech sound takes on average where an option was really said, [s]."""
VOWELS = frozenset(("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"))


class Sphinx:
    """Answer ``transcribe`` with what was said, if it was expected.

    ``Question.context`` is ``instruction`` where one is expected: then how likely words follow each other in
    instructions leads the search, and the likeliest reading that is understood counts. With ``choices`` a grammar holds
    the search to them. Anything else is refused: this recognizer would guess.
    """

    name = "pocketsphinx"
    model = "pocketsphinx en-us"
    kinds: frozenset[Kind] = frozenset(("transcribe",))
    remote = False

    def __init__(self) -> None:
        self._sphinx: Any = import_needed("pocketsphinx", "hearing with pocketsphinx", "speech")
        self._decoders: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Listen to each sound."""
        return [self._one(question) for question in questions]

    def close(self) -> None:
        """Let go of the decoders."""
        self._decoders.clear()

    def _one(self, question: Question) -> Answer:
        kind = question.kind
        if kind != "transcribe":
            return Answer(kind, problem=f"pocketsphinx takes no {kind}", supported=False)
        if not question.choices and question.context != INSTRUCTION:
            why = "pocketsphinx hears instructions and options, not free speech; whisper does"
            return Answer(kind, problem=why, supported=False)
        try:
            sound = speech(read_wav(question.audio))
            if sound is None:
                return Answer(kind, problem="nobody spoke", model=self.model)
            decoder = self._decoder(question.choices)
        except SoundError as error:
            return Answer(kind, problem=str(error).splitlines()[0], model=self.model)
        decoder.start_utt()
        decoder.process_raw(sound.padded(_SILENCE).dithered().pcm(), full_utt=True)
        decoder.end_utt()
        readings = list(_readings(decoder))
        if question.choices and readings:  # a grammar fits its options to any sound
            length = len(" ".join(decoder.lookup_word(word) or "" for word in readings[0].split()).split())
            if sound.seconds - 2 * MARGIN > SLOWEST * length:
                why = f"{sound.seconds:.1f} s were said, which is no {' or '.join(question.choices)}"
                return Answer(kind, problem=why, model=self.model)
        return self._heard(question, readings)

    def _heard(self, question: Question, readings: Sequence[str]) -> Answer:
        """Take the likeliest reading that was expected; how early it comes is how sure it is."""
        for place, heard in enumerate(readings):
            text = option_of(heard, question.choices) if question.choices else heard
            if text is not None and (question.choices or parse_instruction(text) is not None):
                sure = 1.0 / (1.0 + 0.1 * place)
                return Answer("transcribe", {"heard": sure}, neither=1.0 - sure, text=text, model=self.model)
        what = f"{readings[0]!r} was heard, which was not expected" if readings else "no words were heard"
        return Answer("transcribe", problem=what, model=self.model)

    def _decoder(self, choices: tuple[str, ...]) -> Any:
        """Return the decoder for what is expected.

        Raises:
            SoundError: A word of the options has no known pronunciation, or an option has no word.
        """
        mute = next((choice for choice in choices if not spoken(choice)), None)
        if mute is not None:
            raise SoundError(f"pocketsphinx does not know how {mute!r} is said")
        if choices not in self._decoders:
            self._decoders[choices] = self._open(choices)
            while len(self._decoders) > _KEPT:
                self._decoders.popitem(last=False)
        self._decoders.move_to_end(choices)
        return self._decoders[choices]

    def _open(self, choices: tuple[str, ...]) -> Any:
        quiet = {"loglevel": "FATAL", "samprate": RATE}
        grammar = options_grammar(choices) if choices else instruction_grammar()
        decoder = self._sphinx.Decoder(lm=None, **quiet)
        lines = list(_dictionary(words_of(grammar), decoder))
        with tempfile.TemporaryDirectory() as folder:
            words, model = Path(folder) / "words.dict", Path(folder) / "model.arpa"
            words.write_text("\n".join([*lines, ""]), encoding="utf-8")
            if choices:
                decoder = self._sphinx.Decoder(lm=None, dict=str(words), **quiet)
                decoder.add_jsgf_string("expected", grammar)
                decoder.activate_search("expected")
                return decoder
            model.write_text(instruction_model(), encoding="utf-8")
            return self._sphinx.Decoder(lm=str(model), dict=str(words), **quiet)


def _readings(decoder: Any) -> Iterator[str]:
    """Yield how a sound can be read, the likeliest first, each once."""
    best = decoder.hyp()
    if best is None or not best.hypstr:
        return
    seen = {best.hypstr}
    yield best.hypstr
    for number, other in enumerate(decoder.nbest()):
        if other is None or number >= _BEST:
            return
        if other.hypstr and other.hypstr not in seen:
            seen.add(other.hypstr)
            yield other.hypstr


def _dictionary(words: Sequence[str], decoder: Any) -> Iterator[str]:
    """Yield lines of a dictionary: how each word is said in America, and in England.

    Raises:
        SoundError: Nobody knows how a word is said.
    """
    for word in words:
        sounds = decoder.lookup_word(word) or _joined(word, decoder)
        if not sounds:
            raise SoundError(f"pocketsphinx does not know how {word!r} is said")
        ways = [sounds]
        number = 2
        while more := decoder.lookup_word(f"{word}({number})"):
            ways.append(more)
            number += 1
        ways += [british(way) for way in ways]
        for place, way in enumerate(dict.fromkeys(ways), start=1):
            yield f"{word}{f'({place})' if place > 1 else ''} {way}"


def british(sounds: str) -> str:
    """Return how a word with an American pronunciation is said in England: no r before a consonant, other vowels.

    >>> british("K AA R")
    'K AA'
    >>> british("P AE S")
    'P AA S'
    """
    phones = sounds.split()
    said: list[str] = []
    for phone, after in zip(phones, [*phones[1:], ""], strict=True):
        if phone == "R" and after not in VOWELS and said and said[-1] in VOWELS:
            continue
        if phone == "ER":
            said += ["AH", "R"] if after in VOWELS else ["AH"]
        elif phone == "AA" and after != "R":
            said.append("AO")
        elif phone == "AE" and after in ("S", "F", "TH"):
            said.append("AA")
        else:
            said.append(phone)
    return " ".join(said)


def _joined(word: str, decoder: Any) -> str:
    """Return how a word is said that is a plural, or made of two known ones; empty otherwise."""
    if word.endswith("s") and (stem := decoder.lookup_word(word[:-1])):
        return f"{stem} Z"
    for cut in range(len(word) - 2, 1, -1):
        first, second = decoder.lookup_word(word[:cut]), decoder.lookup_word(word[cut:])
        if first and second:
            return f"{first} {second}"
    numbers = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return decoder.lookup_word(numbers[int(word) - 1]) or "" if word in "123456789" and len(word) == 1 else ""
