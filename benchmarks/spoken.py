"""Whether spoken commands are understood: sentences of the language of instructions, said by espeak-ng, then heard.

``python benchmarks/spoken.py --sentences 50 --seed 70000``

Each sentence is a meaning drawn at random, in one of its common wordings (the usual one in four of ten), said by one
voice after the other. It counts where the instruction that was heard is the one that was said: the act, and both
things. Seeds from 70,000 on are for measuring; whoever changes the grammar or the recognizer looks at others.

``python benchmarks/spoken.py --answers 30 --seed 70000``

says one of the options of a question, whole or without its article, and hears it as ``ask_human`` does. For each such
answer it also says one that belongs to another question: that must count as not understood.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from knothole.app.humans.spoken_human import expected
from knothole.behaviors.means.understanding import understand
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.facts import COLORS, LOOSE_SHAPES
from knothole.vlm.hearing.sound import Sound, read_wav
from knothole.vlm.language.instructions import ACTS, THEM, Instruction, parse_instruction, phrase_instruction
from knothole.vlm.language.matching import HOLDERS
from knothole.vlm.language.phrases import EVERY_LOOSE, Thing
from knothole.vlm.language.wordings import common
from knothole.vlm.questions import Question

VOICES = ("en-us", "en-us+f3", "en-gb")
SPEED = 140
QUESTIONS = (
    ("the red one", "the blue one", "the green one"),
    ("the left one", "the middle one", "the right one"),
    ("the blue cube", "the red ball", "the green can", "the yellow bowl"),
    ("the one in the bowl", "the one on the table"),
    ("the large one", "the small one"),
    ("the red cube", "the red ball"),
    ("yes", "no"),
    ("go on", "stop"),
    ("tea", "coffee", "water"),
    ("the kitchen", "the living room", "the bathroom"),
)
NOISE = 10 ** (-50 / 20)
"""Loudness of the noise that is added, relative to full scale."""


@dataclass
class Tally:
    """Sentences that were understood, of all; by voice; and those that were not."""

    right: Counter[str] = field(default_factory=Counter)
    all: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    mistaken: int = 0
    seconds: float = 0.0


def meaning(rng: random.Random) -> Instruction:
    """Draw what is to be done."""
    act = rng.choice(ACTS)
    loose = Thing(rng.choice(COLORS) if rng.random() < 0.75 else "", rng.choice(LOOSE_SHAPES))
    holder = Thing(rng.choice(COLORS) if rng.random() < 0.6 else "", rng.choice(HOLDERS))
    if act == "put":
        many = Thing(rng.choice(("", *COLORS)), rng.choice(LOOSE_SHAPES), every=True)
        a = rng.choice((loose, loose, many, EVERY_LOOSE))
        on = not a.every and rng.random() < 0.3
        return Instruction("put", a, Thing(rng.choice(COLORS), rng.choice(("cube", "can"))) if on else holder)
    if act == "stack":
        kind = Thing(rng.choice(COLORS) if rng.random() < 0.5 else "", rng.choice(("cube", "can")), every=True)
        return Instruction("stack", rng.choice((THEM, kind)))
    if act in ("fetch", "look"):
        if rng.random() < 0.2:
            loose = Thing(loose.color, loose.shape, where="in", place=holder)
        return Instruction(act, loose if act == "fetch" else rng.choice((loose, holder)))
    return Instruction(act, None, holder) if act == "empty" else Instruction(act)


def say(text: str, voice: str, rng: np.random.Generator) -> Sound:
    """Return a sentence as a microphone in a room would have it: with silence and noise around it."""
    command = ["espeak-ng", "-v", voice, "-s", str(SPEED), "--stdout", text]
    said = read_wav(subprocess.run(command, capture_output=True, check=True).stdout).padded(0.4)
    noise = rng.normal(0.0, NOISE, len(said.samples))
    return Sound((0.6 * said.samples + noise).astype(np.float32), said.rate)


def measure(sentences: int, seed: int, ears: str) -> Tally:
    """Say and hear a number of sentences."""
    name, _, argument = ears.partition(":")
    backend = BACKENDS.get(name).open(BackendOptions(argument, {}))
    tally, rng = Tally(), random.Random(seed)
    for number in range(sentences):
        meant = meaning(rng)
        text, voice = phrase_instruction(meant, rng, 0.4, common), VOICES[number % len(VOICES)]
        sound = say(text, voice, np.random.default_rng(seed + number))
        began = time.process_time()
        (answer,) = backend.ask(
            None, [Question("transcribe", "What is said?", context="instruction", audio=sound.wav())]
        )
        tally.seconds += time.process_time() - began
        heard = None if answer.problem else parse_instruction(answer.text)
        tally.all[voice] += 1
        tally.right[voice] += heard == meant
        tally.mistaken += heard not in (None, meant)
        if heard != meant:
            tally.wrong.append(f"{voice}: {text!r} was heard as {answer.problem or repr(answer.text)}")
    backend.close()
    return tally


@dataclass
class Answers:
    """Answers that were heard right, and wrong ones that were refused, of so many; and those that were not."""

    all: int = 0
    right: int = 0
    mistaken: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    right_by: Counter[str] = field(default_factory=Counter)


def measure_answers(number: int, seed: int, ears: str) -> Answers:
    """Say and hear a number of answers, and as many that answer nothing."""
    name, _, argument = ears.partition(":")
    backend = BACKENDS.get(name).open(BackendOptions(argument, {}))
    found, rng = Answers(), random.Random(seed)

    def heard(text: str, options: tuple[str, ...], voice: str) -> tuple[str | None, str]:
        sound = say(text, voice, np.random.default_rng(rng.randrange(2**32)))
        (answer,) = backend.ask(None, [Question("transcribe", "Which?", expected(options), audio=sound.wav())])
        return (None if answer.problem else understand(answer.text, options)), answer.problem or repr(answer.text)

    for turn in range(number):
        options, voice = QUESTIONS[turn % len(QUESTIONS)], VOICES[turn // len(QUESTIONS) % len(VOICES)]
        option = rng.choice(options)
        said = option if rng.random() < 0.5 else option.removeprefix("the ").removesuffix(" one")
        meant, what = heard(said, options, voice)
        found.all += 1
        found.right += meant == option
        found.right_by[voice] += meant == option
        found.mistaken += meant not in (None, option)
        if meant != option:
            found.wrong.append(f"{voice}: {said!r} was heard as {what}")
        alien = rng.choice([each for other in QUESTIONS for each in other if understand(each, options) is None])
        meant, what = heard(alien, options, voice)
        found.refused += meant is None
        if meant is not None:
            found.wrong.append(f"{voice}: {alien!r}, to {', '.join(options)}, was heard as {what}")
    backend.close()
    return found


def main_answers(number: int, seed: int, ears: str) -> None:
    """Measure answers and print what was found."""
    found = measure_answers(number, seed, ears)
    print("\n".join(found.wrong))
    by = ", ".join(f"{voice} {right}" for voice, right in found.right_by.items())
    print(f"answers heard right: {found.right} of {found.all} ({by}); as another option: {found.mistaken}")
    print(f"what is no answer was refused: {found.refused} of {found.all}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--answers", type=int, default=0, help="measure so many answers to questions instead")
    parser.add_argument("--seed", type=int, default=70_000)
    parser.add_argument("--ears", default="pocketsphinx")
    args = parser.parse_args()
    if args.answers:
        main_answers(args.answers, args.seed, args.ears)
        raise SystemExit
    found = measure(args.sentences, args.seed, args.ears)
    print("\n".join(found.wrong))
    by = ", ".join(f"{voice} {found.right[voice]} of {found.all[voice]}" for voice in VOICES if found.all[voice])
    print(f"understood: {found.right.total()} of {found.all.total()} ({by})")
    print(
        f"heard as another instruction: {found.mistaken}; {found.seconds / args.sentences:.2f} s of CPU time a sentence"
    )
