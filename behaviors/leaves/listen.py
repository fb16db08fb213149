"""The leaf that hears what somebody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from py_trees.common import Status

from ...vlm.language.instructions import parse_instruction
from ...vlm.questions import Answer, Question
from ...vlm.tickets import Ticket
from ..hearing import Recording
from ..means.understanding import understand
from ..node import Leaf, NodeFault, behavior
from ..ports import Port
from .which import words_of

_TIE = 1e-9
_LARGEST = 16 * 1024 * 1024
MICROPHONE = "microphone"
_EXPECTS = ("instruction", "anything")


@behavior("listen")
class Listen(Leaf):
    """Listen to somebody, from the microphone or from a WAV file, and write what was said.

    What is heard is never guessed: what was not expected, or is not sure, counts as unheard. Then the microphone is
    listened to again, ``attempts`` times in all; a file is not.

    Ports:
        from (in, text, main, default ``microphone``): ``microphone``, or the path of a WAV file.
        expect (in, any, default ``instruction``): ``instruction``: an order in the language of instructions;
            ``anything``: free speech, which pocketsphinx does not hear; or the list of options, one of which is said.
        min_confidence (in, number, default 0.5): What is heard with less counts as unheard.
        attempts (in, int, default 2): How often the microphone is listened to.
        deadline (in, duration, default 20s): How long all of it may take, run clock, [s].
        text (out, text): What was said; with options the option.
        chosen (out, any): The chosen element of the options; without options the text.
        confidence (out, number): How sure the recognizer is, in [0, 1]; 1 where it does not say.

    Status:
        RUNNING: Until something is heard.
        SUCCESS: ``text`` is written.
        FAILURE: Nothing that was expected was heard in time, or there is nothing to hear it with; the reason says why.

    Halt:
        Stops listening; nothing moves.
    """

    recovers = "anew"
    asks = True
    hears = True
    ports = (
        Port("from", "text", "microphone, or a WAV file", main=True, default=MICROPHONE),
        Port("expect", "any", "instruction, anything, or options", default="instruction", takes=("text", "list")),
        Port("min_confidence", "number", "less is unheard", default=0.5, minimum=0.0, maximum=1.0),
        Port("attempts", "int", "how often the microphone is listened to", default=2, minimum=1),
        Port("deadline", "duration", "how long all of it may take", default=20.0, minimum=0.0),
        Port("text", "text", "what was said", direction="out", default=None),
        Port("chosen", "any", "the chosen element of the options", direction="out", default=None),
        Port("confidence", "number", "how sure the recognizer is", direction="out", default=None),
    )

    @classmethod
    def mistake_in_plan(cls, args: Mapping[str, object]) -> str:
        """Say what is wrong with the arguments of a planned step; a model names no files and no options."""
        if args.get("from", MICROPHONE) != MICROPHONE:
            return f"argument 'from' of listen must be {MICROPHONE}: a plan reads no files"
        if args.get("expect", _EXPECTS[0]) not in _EXPECTS:
            return f"argument 'expect' of listen must be {' or '.join(_EXPECTS)}"
        return ""

    _ticket: Ticket | None = None
    _recording: Recording | None = None
    _paused = 0.0

    def start(self) -> None:
        """Read the file, or begin to listen."""
        if self.context.broker is None:
            raise NodeFault(f"{self.path}: this run has nothing to hear with\n  fix:  give --ears pocketsphinx")
        expect = self.get("expect")
        self._options = list(expect) if isinstance(expect, Sequence) and not isinstance(expect, str) else []
        self._expect = "" if self._options else str(expect)
        if not self._options and self._expect not in _EXPECTS:
            raise NodeFault(
                f"{self.path}: expect is {self._expect!r}\n  fix:  write instruction, anything, or a list of options"
            )
        self._left = int(str(self.get("attempts")))
        self._why = ""
        self._until = self.context.now + float(str(self.get("deadline")))
        self._begin()

    def _begin(self) -> None:
        self._left -= 1
        source = str(self.get("from"))
        if source != MICROPHONE:
            self._left = 0
            self._why = self._read(Path(source))
            return
        if self.context.microphone is None:
            self._left, self._why = 0, "this run has no microphone; name a WAV file"
            return
        self._recording = self.context.microphone.listen(max(0.0, self._until - self.context.now))

    def _read(self, file: Path) -> str:
        """Hand over the sound of a file; return what is in the way."""
        try:
            if file.exists() and not file.is_file():  # such as a pipe, which might be waited for
                return f"{file} is no file"
            if file.stat().st_size > _LARGEST:
                return f"{file} is larger than {_LARGEST // 2**20} MiB"
            self._ask(file.read_bytes())
        except OSError as error:
            return f"cannot read {file}: {error.strerror or error}"
        return ""

    def _ask(self, sound: bytes) -> None:
        assert self.context.broker is not None
        choices = tuple(words_of(option) for option in self._options)
        words = "What is said?" if not choices else f"Which one is said: {', '.join(choices)}?"
        question = Question("transcribe", words, choices, context=self._expect, audio=sound)
        self._ticket = self.context.broker.ask(question, None, self.context.now, self.path)

    def step(self) -> Status:
        """Wait for the sound, then for its words."""
        recording = self._recording
        if recording is not None and recording.sound is not None:
            self._recording = None
            self._ask(recording.sound)
        elif recording is not None and recording.problem:
            self._left, self._why = 0, recording.problem
            self._stop()
        if self._ticket is not None and self._ticket.answer is not None:
            answer, self._ticket = self._ticket.answer, None
            self._why = self._take(answer)
            if not self._why:
                return self.succeed(str(self._heard))
        if self._ticket is None and self._recording is None:
            if self._left <= 0:
                return self.fail(f"unheard: {self._why}")
            self._begin()
        if self.context.now >= self._until - _TIE:
            self._stop()
            return self.fail(f"unheard within {self.get('deadline')} s{f': {self._why}' if self._why else ''}")
        return self.running("listens" if self._ticket is None else "makes out what was said")

    def _take(self, answer: Answer) -> str:
        """Write what was said, or return why it counts as unheard."""
        if answer.problem:
            return answer.problem
        sure = answer.p("heard") if answer.probabilities else 1.0
        text = answer.text.strip()
        if sure < float(str(self.get("min_confidence"))):
            return f"{text!r} is not sure (confidence {sure:.2f})"
        chosen: object = text
        if self._options:
            words = [words_of(option) for option in self._options]
            meant = understand(text, words)
            if meant is None:
                return f"{text!r} is none of {', '.join(words)}"
            text, chosen = meant, self._options[words.index(meant)]
        elif self._expect == "instruction" and parse_instruction(text) is None:
            return f"{text!r} is no instruction that is understood"
        self._heard = text
        self.put("text", text)
        self.put("chosen", chosen)
        self.put("confidence", sure)
        self.context.emit("heard", {"path": self.path, "text": text, "confidence": round(sure, 3)})
        return ""

    def _stop(self) -> None:
        if self._recording is not None:
            self._recording.stop()
        if self._ticket is not None and self.context.broker is not None:
            self.context.broker.drop(self._ticket, self.context.now, self.path)
        self._recording = self._ticket = None

    def halt(self) -> None:
        """Stop listening."""
        self._stop()

    def pause(self) -> None:
        """Stop the clock of the deadline."""
        self._paused = self.context.now

    def resume(self) -> None:
        """Let the clock of the deadline go on."""
        self._until += self.context.now - self._paused
