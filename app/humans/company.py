"""Who answers the questions of a run, as ``--human`` says it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..._base import KnotholeError
from ...behaviors.human import Human
from ..running.terminal import Watcher
from .human import human_at
from .inbox import Inbox
from .scripted_human import human_of
from .several_humans import SeveralHumans
from .spoken_human import SpokenHuman

NOBODY = "none"
TERMINAL = "terminal"
SPEECH = "speech"


class HumanError(KnotholeError):
    """Those who shall answer do not go together."""


def humans_from(
    specs: Sequence[str], watcher: Watcher, stack: ExitStack, speech: Callable[[str, Watcher], SpokenHuman]
) -> Human | None:
    """Return the human of a run; several where more than one may answer.

    Args:
        specs: ``speech`` for whoever speaks at the microphone, ``speech:PATH`` for recorded answers, ``terminal`` for
            whoever sits there, ``file:PATH`` for lines of a file, ``none`` for nobody, any other path for a script;
            without any, whoever sits at the terminal.
        watcher: Shows what happens.
        stack: Closes what was opened.
        speech: Opens who is heard, from what stands behind ``speech:``.

    Raises:
        KnotholeError: A file cannot be read, or something that hearing needs is missing.
    """
    if NOBODY in specs and len(specs) > 1:
        raise HumanError("--human none stands beside others\n  fix:  leave out --human none, or the others")
    twice = next((spec for spec in specs if specs.count(spec) > 1), "")
    if twice:
        raise HumanError(f"--human {twice} is given twice\n  fix:  name each once")
    found: list[Human] = []
    for spec in specs or (TERMINAL,):
        one = _human_from(spec, watcher, stack, speech)
        if one is not None:
            found.append(one)
    return SeveralHumans(found) if len(found) > 1 else found[0] if found else None


def _human_from(
    spec: str, watcher: Watcher, stack: ExitStack, speech: Callable[[str, Watcher], SpokenHuman]
) -> Human | None:
    name, _, argument = spec.partition(":")
    if spec == NOBODY:
        return None
    if spec == TERMINAL:
        return human_at(watcher)
    if name == SPEECH:
        spoken = speech(argument, watcher)
        stack.callback(spoken.close)
        return spoken
    if name == "file":
        inbox = Inbox(Path(argument), tell=watcher.tell)
        watcher.tell(f"questions go to {inbox.outbox}, answers are read from {inbox.inbox}")
        return inbox
    return human_of(Path(spec))


def voice_beside(specs: Sequence[str], voice: str) -> str:
    """Return what speaks in a run: as wanted, else espeak-ng where it is installed and somebody answers by speech."""
    return voice or ("espeak-ng" if SPEECH in specs and shutil.which("espeak-ng") is not None else "")


def spoken_to(human: Human | None) -> tuple[SpokenHuman, ...]:
    """Return those of a human, or of several, to whom questions are spoken."""
    each = human.humans if isinstance(human, SeveralHumans) else (human,)
    return tuple(one for one in each if isinstance(one, SpokenHuman))
