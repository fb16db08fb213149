"""The human who answers by speech: questions are spoken, and what is said is held to their answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from ..._base import KnotholeError, headline
from ...behaviors.hearing import Microphone, Recording
from ...behaviors.means.calls import Calls
from ...behaviors.means.understanding import understand
from ...behaviors.stop_sign import means_stop
from ...vlm.hearing import NOBODY_SPOKE
from ...vlm.questions import Answer, Question
from ...vlm.runner import Runner
from ..running.terminal import Watcher
from .recorded_sound import Silence
from .voice import Voice

CONSENT: Final = ("yes", "no")
"""What is expected where there are no options and the default is one of these: somebody is asked to agree."""
REPEATS: Final = 2
"""So often a question is spoken again after an answer that was not understood."""
PATIENCE: Final = 60.0
"""Longest wait for ears that make out a sound, and for a voice that speaks, wall clock, [s]."""
_STOPS: Final = ("stop", "halt")
_SURE = 0.5
_SLICE = 0.05


def expected(options: Sequence[str], default: str = "") -> tuple[str, ...]:
    """Return what somebody may say to a question; nothing for free speech.

    >>> expected(["tea", "coffee"])
    ('tea', 'coffee', 'stop', 'halt')
    """
    wanted = tuple(options) or (CONSENT if default in CONSENT else ())
    return (*wanted, *(word for word in _STOPS if word not in wanted)) if wanted else ()


class SpokenInquiry:
    """One question that is answered by speech.

    Attributes:
        said: The answer, None while there is none.
        refused: How many answers were not understood.
        until: When its time is over, wall clock, [s]; it begins when the robot has stopped speaking.
        spoken: Whether it was put already.
        unheard: Whether the ears cannot make out answers to it.
    """

    def __init__(
        self, human: SpokenHuman, prompt: str, options: tuple[str, ...], default: str, deadline: float | None
    ) -> None:
        self._human = human
        self.prompt, self.options, self.default, self.deadline = prompt, options, default, deadline
        self.said: str | None = None
        self.refused, self.until, self.spoken, self.unheard = 0, float("inf"), False, False
        self.words: list[str] = []

    @property
    def answer(self) -> str | None:
        """What was said, None while nothing was understood."""
        self._human.step()
        return self.said

    @property
    def heard(self) -> tuple[str, ...]:
        """What was made out so far, word for word, also what is no answer."""
        return tuple(self.words)

    @property
    def gone(self) -> bool:
        """True once no answer can be heard any more."""
        return self.said is None and (self.unheard or self._human.is_deaf_for(self))

    def withdraw(self) -> None:
        """Take the question back."""
        self._human.withdraw(self)

    def understand(self, text: str) -> str | None:
        """Return the answer that somebody means who said this; None where it is none."""
        return understand(text, self.options) if self.options else text


class SpokenHuman:
    """Ask whoever is near enough to be heard. Nothing here waits but ``wait``, which simulated runs call between ticks.

    Questions are put one after the other: one is spoken, and when the robot is silent the human is listened to.

    Args:
        microphone: Where sound comes from.
        ears: Makes out what was said; closed with this.
        watcher: Shows questions, and what was heard.

    Attributes:
        lost: Why nobody can be heard any more; empty while somebody can.
    """

    def __init__(self, microphone: Microphone, ears: Runner, watcher: Watcher) -> None:
        self._microphone, self._ears, self._watcher = microphone, ears, watcher
        self._voice: Voice | None = None
        self._open: list[SpokenInquiry] = []
        self._recording: Recording | None = None
        self._sound: bytes | None = None
        self._about: SpokenInquiry | None = None
        self._busy, self._since, self._spoke = False, 0.0, 0.0
        self._calls = Calls()
        self.lost = ""

    def meet(self, voice: Voice | None) -> None:
        """Take the voice that speaks the questions; None shows them only."""
        self._voice = voice

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> SpokenInquiry:
        """Put a question; it is spoken once those before it are over."""
        inquiry = SpokenInquiry(self, prompt, tuple(options), default, deadline)
        self._open.append(inquiry)
        self.step()
        return inquiry

    def overheard(self) -> list[str]:
        """Return what was said while a question was open and tells the robot to stop, or to go on; each once."""
        self.step()
        return self._calls.overheard()

    @property
    def called(self) -> bool:
        """True while there is something that ``overheard`` would return."""
        return self._calls.waiting

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Give time to answer, and to make out what was said in time; see ``Human.wait``."""
        while self._open and not self.lost and not self.called and not stopped():
            self.step(_SLICE)
            if isinstance(self._recording, Silence):
                return
            if self._busy or self._sound is not None:
                continue
            if self._open and all(time.monotonic() >= one.until for one in self._open if one.spoken):
                return

    def is_deaf_for(self, inquiry: SpokenInquiry) -> bool:
        """Tell whether nobody will answer: nothing can be heard, or nothing comes any more and there is no deadline."""
        silent = isinstance(self._recording, Silence) and inquiry.deadline is None
        return bool(self.lost) or (silent and self._open[:1] == [inquiry])

    def withdraw(self, inquiry: SpokenInquiry) -> None:
        """Forget a question."""
        if inquiry in self._open:
            if self._open[0] is inquiry:
                self._leave()
            self._open.remove(inquiry)

    def close(self) -> None:
        """Stop listening, and end the ears."""
        self._leave()
        self._open.clear()
        self._ears.close()

    def step(self, timeout: float = 0.0) -> None:
        """Go on with the first question, waiting at most ``timeout`` [s] for news."""
        self._receive(timeout if self._busy else 0.0)
        if not self._open or self.lost:
            return
        first = self._open[0]
        if not first.spoken:
            first.spoken = True
            self._show(first)
            self._speak(aloud(first.prompt, first.options))
        if self._busy or self._is_speaking:
            pass
        elif self._sound is not None:
            self._hand_over(first, self._sound)
        elif self._recording is None:
            if first.deadline is not None and first.until == float("inf"):
                first.until = time.monotonic() + first.deadline
            self._recording = self._microphone.listen()
        elif self._recording.sound is not None:
            self._sound, self._recording = self._recording.sound, None
            self._since = time.monotonic()
            return
        elif self._recording.problem:
            self._lose(self._recording.problem)
        if timeout and not self._busy and not isinstance(self._recording, Silence):
            time.sleep(timeout)

    @property
    def _is_speaking(self) -> bool:
        """Tell whether the robot speaks; a voice that gets stuck is not waited for."""
        stuck = time.monotonic() - self._spoke > PATIENCE
        return self._voice is not None and self._voice.is_speaking and not stuck

    def _hand_over(self, inquiry: SpokenInquiry, sound: bytes) -> None:
        """Have a sound made out, once the ears are there: a pipe that nobody reads would hold up the tick."""
        if not getattr(self._ears, "ready", True):
            if time.monotonic() - self._since > PATIENCE:
                self._lose("the ears are not ready")
            return
        choices = expected(inquiry.options, inquiry.default)
        words = f"Which one is said: {', '.join(inquiry.options)}?" if inquiry.options else "What is said?"
        context = "" if choices else "anything"
        self._ears.submit(None, [Question("transcribe", words, choices, context=context, audio=sound)])
        self._busy, self._about, self._sound, self._since = True, inquiry, None, time.monotonic()

    def _receive(self, timeout: float) -> None:
        """Take what the ears made out."""
        if self.lost:
            return
        try:
            replies = self._ears.poll(timeout)
        except KnotholeError as error:
            self._lose(headline(error))
            return
        for reply in replies:
            inquiry, self._about, self._busy = self._about, None, False
            if inquiry is not None and inquiry.said is None:
                self._take(inquiry, reply.answers[0])
        if self._busy and time.monotonic() - self._since > PATIENCE:
            self._lose(f"the ears were silent for {PATIENCE:g} s")

    def _take(self, inquiry: SpokenInquiry, answer: Answer) -> None:
        if not answer.supported:
            inquiry.unheard = True
            self._watcher.tell(f"no answer can be heard to {inquiry.prompt!r}: {answer.problem}")
            self.withdraw(inquiry)
            return
        text = "" if answer.problem else answer.text.strip()
        if answer.problem == NOBODY_SPOKE or not (text or answer.problem):
            return
        inquiry.words.append(text or answer.problem)
        unsure = answer.probabilities and answer.p("heard") < _SURE
        meant = None if unsure or not text else inquiry.understand(text)
        if (means_stop(text) or not unsure) and self._calls.take(text, None if unsure else inquiry.options):
            self._watcher.tell(f"heard: {text}")
        elif meant is None:
            self._refuse(inquiry, repr(text) if text else answer.problem)
        else:
            self._watcher.tell(f"heard: {text}")
            inquiry.said = meant
            self._open.remove(inquiry)

    def _refuse(self, inquiry: SpokenInquiry, heard: str) -> None:
        """Ask again, aloud only so often."""
        inquiry.refused += 1
        self._watcher.tell(f"not understood: {heard}")
        if inquiry.refused <= REPEATS:
            self._speak(f"I did not understand. {aloud(inquiry.prompt, inquiry.options)}")

    def _lose(self, why: str) -> None:
        self.lost = why
        self._leave()
        self._watcher.tell(f"nobody can be heard any more: {why}")

    def _leave(self) -> None:
        """Stop listening to an answer."""
        if self._recording is not None:
            self._recording.stop()
        self._recording = self._sound = self._about = None

    def _show(self, inquiry: SpokenInquiry) -> None:
        choices = f"  {' | '.join(inquiry.options)}" if inquiry.options else ""
        rest = [f"{inquiry.deadline:g} s" if inquiry.deadline is not None else ""]
        rest.append(f"else {inquiry.default}" if inquiry.default else "")
        limit = ", ".join(part for part in rest if part)
        self._watcher.tell(f"robot asks aloud: {inquiry.prompt}{choices}{f'  ({limit})' if limit else ''}")

    def _speak(self, text: str) -> None:
        self._spoke = time.monotonic()
        if self._voice is not None:
            self._voice.say(text)


def aloud(prompt: str, options: Sequence[str] = ()) -> str:
    """Return a question as it is spoken: without marks, with its options.

    >>> aloud("Which drink?", ["tea", "coffee"])
    'Which drink? tea, or coffee?'
    """
    lines = (" ".join(re.sub(r"[^\w\s.,;:?!'-]", " ", line).split()) for line in prompt.splitlines())
    plain = " ".join(line if line[-1] in ".,;:?!" else f"{line}." for line in lines if line)
    more = [option for option in options if option.casefold() not in plain.casefold()]
    if not more:
        return plain
    return f"{plain} {', '.join(options[:-1])}{', or ' if len(options) > 1 else ''}{options[-1]}?"
