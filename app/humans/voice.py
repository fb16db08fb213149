"""The robot's voice: sentences are spoken one after the other beside the run, by espeak-ng or piper."""

from __future__ import annotations

import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..._base import KnotholeError

_WAITING = 20
"""Sentences that wait to be spoken; of more the oldest are left out, since nobody wants to hear them by then."""
_END = ""
PATIENCE = 30.0
"""How long a run that has ended lets its voice speak on, [s]."""


class VoiceError(KnotholeError):
    """There is no such voice, or what speaks it is not installed."""


class Voice:
    """Speak sentences without keeping anybody waiting. Close it, or use it as a context manager.

    Args:
        commands: Gives the commands that speak a text, run one after the other, each with the text on its input.
        tell: Told once, when a command fails. Whatever fails, the next sentence is tried.
        folder: Where the commands put sound; removed with the voice.
    """

    def __init__(
        self,
        commands: Callable[[str], Sequence[Sequence[str]]],
        tell: Callable[[str], None],
        folder: Path | None = None,
    ) -> None:
        self._commands, self._tell, self._folder = commands, tell, folder
        self._texts: queue.Queue[str] = queue.Queue(_WAITING)
        self._speaking: subprocess.Popen[bytes] | None = None
        self._closed, self._told = threading.Event(), False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._speak_all, name="voice", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Speak a sentence after those before it. Never waits."""
        plain = " ".join(text.split())
        while plain and not self._closed.is_set():
            try:
                self._texts.put_nowait(plain)
                return
            except queue.Full:
                self._drop_oldest()

    @property
    def is_speaking(self) -> bool:
        """True until all that was to be said was said."""
        return self._texts.unfinished_tasks > 0 and not self._closed.is_set()

    def finish(self, seconds: float) -> None:
        """Wait until all is said, at most some seconds, and close."""
        until = time.monotonic() + seconds
        try:
            if not self._closed.is_set():
                with suppress(queue.Full):
                    self._texts.put(_END, timeout=seconds)
                self._thread.join(max(0.0, until - time.monotonic()))
        finally:  # Ctrl-C ends the voice too
            self.close()

    def close(self) -> None:
        """Be silent at once. Idempotent."""
        self._closed.set()
        with self._lock:
            if self._speaking is not None and self._speaking.poll() is None:
                self._speaking.kill()
        self._drop_oldest()
        with suppress(queue.Full):
            self._texts.put_nowait(_END)
        self._thread.join(5.0)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Voice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish(PATIENCE)
        else:
            self.close()

    def _drop_oldest(self) -> None:
        with suppress(queue.Empty):
            self._texts.get_nowait()
            self._texts.task_done()

    def _speak_all(self) -> None:
        while not self._closed.is_set():
            text = self._texts.get()
            if text == _END:
                return
            try:
                for command in self._commands(text):
                    if self._closed.is_set() or not self._run(command, text):
                        break
            except Exception as error:  # a thread that ends would leave all that is to be said for ever unsaid
                self._fail(f"the voice cannot be heard: {type(error).__name__}: {error}")
            finally:
                self._texts.task_done()

    def _run(self, command: Sequence[str], text: str) -> bool:
        """Run a command to its end; tell, once, when it fails."""
        try:
            with self._lock:
                if self._closed.is_set():
                    return False
                self._speaking = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the run, which closes the voice
                )
            _, said = self._speaking.communicate(text.encode(errors="replace"))
        except OSError as error:
            said, code = str(error).encode(), 1
        else:
            code = self._speaking.returncode
        if code:
            why = said.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            self._fail(f"the voice cannot be heard: {command[0]} ended with {code} ({why[0]})")
        return not code

    def _fail(self, why: str) -> None:
        if not self._closed.is_set() and not self._told:
            self._told = True
            with suppress(Exception):  # who is told may be gone
                self._tell(why)


def open_voice(spec: str, tell: Callable[[str], None]) -> Voice | None:
    """Open a voice as ``--voice`` says it.

    Args:
        spec: ``none`` or empty, ``espeak-ng``, ``espeak-ng:VOICE`` such as ``espeak-ng:en-gb+f3``, or ``piper:FILE``.
        tell: Told when it cannot be heard.

    Raises:
        VoiceError: There is none of this name, its program is not installed, or its file is not there.
    """
    name, _, argument = spec.partition(":")
    if name in ("", "none"):
        return None
    if name == "espeak-ng":
        _need("espeak-ng", "apt-get install espeak-ng")
        options = ["-v", argument] if argument else []
        return Voice(lambda text: [["espeak-ng", *options, "--stdin"]], tell)
    if name == "piper":
        if not Path(argument).is_file():
            raise VoiceError(
                f"there is no voice file {argument!r}\n  fix:  write piper:FILE, with the .onnx file of a piper voice"
            )
        _need("piper", "pip install piper-tts")
        _need("aplay", "apt-get install alsa-utils")
        folder = Path(tempfile.mkdtemp(prefix="knothole-voice-"))
        make = ["piper", "--model", argument, "--output_file", str(folder / "said.wav")]
        return Voice(lambda text: [make, ["aplay", "-q", str(folder / "said.wav")]], tell, folder)
    raise VoiceError(f"there is no voice {spec!r}\n  fix:  write espeak-ng, espeak-ng:VOICE, piper:FILE or none")


def _need(program: str, how: str) -> None:
    if shutil.which(program) is None:
        raise VoiceError(f"the voice needs the program {program}, which is not installed\n  fix:  {how}")
