"""Whether spoken commands are understood: sentences of the language of instructions, said by espeak-ng, then heard.

``python benchmarks/spoken.py --sentences 50 --seed 70000``

Each sentence is a meaning drawn at random, in one of its wordings drawn at random, said by one voice after the other.
It counts where the instruction that was heard is the one that was said: the act, and both things. Seeds from 70,000 on
are for measuring; whoever changes the grammar or the recognizer looks at others.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.facts import COLORS, LOOSE_SHAPES
from knothole.vlm.hearing.sound import Sound, read_wav
from knothole.vlm.language.instructions import ACTS, THEM, Instruction, parse_instruction, phrase_instruction
from knothole.vlm.language.matching import HOLDERS
from knothole.vlm.language.phrases import EVERY_LOOSE, Thing
from knothole.vlm.questions import Question

VOICES = ("en-us", "en-us+f3", "en-gb")
SPEED = 140
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
        text, voice = phrase_instruction(meant, rng), VOICES[number % len(VOICES)]
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--seed", type=int, default=70_000)
    parser.add_argument("--ears", default="pocketsphinx")
    args = parser.parse_args()
    found = measure(args.sentences, args.seed, args.ears)
    print("\n".join(found.wrong))
    by = ", ".join(f"{voice} {found.right[voice]} of {found.all[voice]}" for voice in VOICES if found.all[voice])
    print(f"understood: {found.right.total()} of {found.all.total()} ({by})")
    print(
        f"heard as another instruction: {found.mistaken}; {found.seconds / args.sentences:.2f} s of CPU time a sentence"
    )
