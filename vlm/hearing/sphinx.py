"""Recognize speech with pocketsphinx, held to what is expected."""

from __future__ import annotations

import math
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..._base import headline, import_needed
from ..language.instructions import parse_instruction
from ..questions import Answer, Frame, Kind, Question
from . import NOBODY_SPOKE
from .jsgf import INSTRUCTION, instruction_grammar, option_of, options_grammar, spoken, words_of
from .ngrams import instruction_model
from .sound import RATE, SoundError, read_wav
from .voice_activity import MARGIN, speech

_SILENCE = 0.3
"""Silence around what is decoded, [s]."""
_BEST = 60
"""So many ways to read a sound are looked at for one that is understood."""
_KEPT = 8
_FRAMES = 100
"""Frames that a decoder looks at in a second."""
SLOWEST = 0.22
"""Longest time that a speech sound takes on average where an option was really said, [s]."""
FASTEST = 0.055
"""Shortest such time, [s]."""
SHORT = 0.6
"""What may be said in so short a time is never too long, [s]."""
COVERED = 0.7
"""Least part of what was said that the words of an option account for."""
LIKE = -4.2
"""Least mean likeness of the sound to an option, as the logarithm of how much likelier the best speech sounds are, in
each 10 ms. Of 60 options that espeak-ng said 59 were above it, of 46 other words that were taken for one 21."""
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
            sound = speech(read_wav(question.audio).padded(MARGIN))  # what begins at once has its margin too
            if sound is None:
                return Answer(kind, problem=NOBODY_SPOKE, model=self.model)
            decoder = self._decoder(question.choices)
        except SoundError as error:
            return Answer(kind, problem=headline(error), model=self.model)
        decoder.start_utt()
        decoder.process_raw(sound.padded(_SILENCE).dithered().pcm(), full_utt=True)
        decoder.end_utt()
        fit = _fit(decoder)
        readings = list(_readings(decoder))
        if question.choices and readings:  # a grammar fits its options to any sound
            why = self._misfit(decoder, readings[0], fit, sound.seconds - 2 * MARGIN, question.choices)
            if why:
                return Answer(kind, problem=why, model=self.model)
        return self._heard(question, readings)

    def _misfit(
        self, decoder: Any, reading: str, fit: tuple[float, float], seconds: float, choices: Sequence[str]
    ) -> str:
        """Say why a sound is not what its best reading says; empty where it may be."""
        likeness, covered = fit
        length = len(" ".join(decoder.lookup_word(word) or "" for word in reading.split()).split())
        in_time = FASTEST * length <= seconds <= max(SHORT, SLOWEST * length)
        if not in_time or covered < COVERED * seconds:
            return f"{seconds:.1f} s were said, which is no {' or '.join(choices)}"
        return f"what was said is not enough like {reading!r}" if likeness < LIKE else ""

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


def _fit(decoder: Any) -> tuple[float, float]:
    """Return how like its sound the words of the best reading are, and how long they took, [s]."""
    words = [part for part in decoder.seg() or () if part.word[0] not in "<([+"]
    frames = sum(part.end_frame - part.start_frame + 1 for part in words)
    likeness = sum(math.log(max(part.ascore, 1e-300)) for part in words)
    return likeness / max(frames, 1), frames / _FRAMES


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
        ways += [said for way in ways for said in british(way)]
        for place, way in enumerate(dict.fromkeys(ways), start=1):
            yield f"{word}{f'({place})' if place > 1 else ''} {way}"


_OPEN = {"AE": "AH", "OW": "AH UW"}
"""Vowels that England says more openly than the recognizer's America: its model hears those on the right in them."""


def british(sounds: str) -> tuple[str, ...]:
    """Return how a word with an American pronunciation is said in England: no r before a consonant, other vowels.

    >>> british("K AA R"), british("P AE S"), british("B OW L"), british("DH EH R")
    (('K AA',), ('P AA S',), ('B OW L', 'B AH UW L'), ('DH EH', 'DH EH AH'))
    """
    phones = sounds.split()
    plain: list[str] = []
    openly: list[str] = []
    for before, phone, after in zip(["", *phones], phones, [*phones[1:], ""], strict=False):
        if phone == "R" and after not in VOWELS and before in VOWELS:
            openly += ["AH"] if before == "EH" else []
            continue
        if phone == "ER":
            said = "AH R" if after in VOWELS else "AH"
        elif phone == "AA" and after != "R":
            said = "AO"
        elif phone == "AE" and after in ("S", "F", "TH"):
            said = "AA"
        else:
            said = phone
        plain.append(said)
        openly.append(_OPEN.get(said, said))
    return tuple(dict.fromkeys((" ".join(plain), " ".join(openly))))


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
