"""Listening: what is said is understood or counts as unheard; sound comes as it comes; a run's ears are its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from knothole.app.authoring.inspect import with_ears
from knothole.app.humans.microphone import LiveMicrophone, LiveRecording, Utterance
from knothole.behaviors.step import FAILURE, SUCCESS
from knothole.tests.calling import call
from knothole.tests.rig import Bench
from knothole.tests.tiny_whisper import END, tiny_whisper
from knothole.trees.loader import load
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.hearing import voice_activity
from knothole.vlm.hearing.jsgf import instruction_grammar, option_of, options_grammar, words_of
from knothole.vlm.hearing.ngrams import arpa
from knothole.vlm.hearing.sound import RATE, Sound, SoundError, read_wav
from knothole.vlm.hearing.voice_activity import judge, speech
from knothole.vlm.questions import Answer, Question

SPEAKS = pytest.mark.skipif(
    shutil.which("espeak-ng") is None and "espeak-ng" not in os.environ.get("KNOTHOLE_REQUIRES", ""),
    reason="espeak-ng is not installed",
)
OPTIONS = ("the red one", "the one in the bowl")
OBEY = """\
knothole: 1
tree: obey
inputs: {order: {type: text, default: microphone}}
root:
  sequence:
    - listen: {from: $order, text: $said}
    - say: "You said: ${said}."
"""
PLANNED = """\
knothole: 1
tree: planned
root: {plan: {instruction: "Ask what to do.", skills: [listen, say], steps: $steps}}
"""


def say(text: str, voice: str = "en-us") -> bytes:
    command = ["espeak-ng", "-v", voice, "-s", "140", "--stdout", text]
    return subprocess.run(command, capture_output=True, check=True).stdout


def tone(seconds: float, level: float, rate: int = RATE) -> Sound:
    time = np.arange(int(seconds * rate)) / rate
    return Sound((level * np.sin(2 * np.pi * 300 * time)).astype(np.float32), rate)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_another_rate_keeps_tone_and_loudness(rate: int):
    heard = tone(1.0, 0.5, rate).at(RATE)
    assert len(heard.samples) == RATE
    assert int(np.argmax(np.abs(np.fft.rfft(heard.samples)))) == 300
    assert np.std(heard.samples) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_a_wav_file_comes_back_as_it_was():
    sound = tone(0.1, 0.5)
    again = read_wav(sound.wav())
    assert again.rate == RATE
    assert np.abs(again.samples - sound.samples).max() < 1e-3


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no sound at all", tone(0.0, 0.5).wav()])
def test_what_is_no_sound_is_refused(data: bytes):
    with pytest.raises(SoundError):
        read_wav(data)


def test_a_sentence_ends_with_a_pause():
    utterance = Utterance(judge("loudness"))
    quiet, loud = np.full(512, 1e-4, np.float32), tone(0.032, 0.5).samples
    assert [utterance.add(quiet) for _ in range(20)] == [None] * 20
    assert [utterance.add(loud) for _ in range(30)] == [None] * 30
    ends = [utterance.add(quiet) for _ in range(40)]
    said = next(one for one in ends if one is not None)
    assert 1.0 < said.seconds < 2.5


def test_silence_is_no_speech():
    assert speech(Sound(np.zeros(RATE, np.float32)), judge("loudness")) is None


def test_the_grammar_of_options_takes_them_with_and_without_their_article():
    assert "the one in the bowl | in bowl" in options_grammar(OPTIONS)
    assert [option_of(said, OPTIONS) for said in ("red", "i mean the red one please", "one")] == [
        *OPTIONS[:1] * 2,
        None,
    ]


def test_the_grammar_of_instructions_has_all_their_words():
    words = words_of(instruction_grammar())
    assert {"put", "tower", "purple", "bowl", "carefully", "sort"} <= set(words)


def test_a_model_of_words_gives_chances_that_add_up():
    lines = arpa(["put it down", "put it up", "look up"]).splitlines()
    after = [line.split() for line in lines if len(line.split()) >= 3 and line.split()[1] == "put"]
    bigram = next(parts for parts in after if parts[2] == "it" and len(parts) == 4)
    assert 10 ** float(bigram[0]) == pytest.approx(0.75, abs=1e-3)


def rig_with_ears() -> Bench:
    pytest.importorskip("pocketsphinx")
    rig = Bench()
    rig.broker = rig.context.broker = Broker(BACKENDS.get("pocketsphinx").open(BackendOptions()), stepped=True)
    return rig


@SPEAKS
def test_an_instruction_is_heard_from_a_file(tmp_path: Path):
    (tmp_path / "order.wav").write_bytes(say("Put the red cube into the bowl."))
    rig = rig_with_ears()
    leaf = rig.leaf("listen", **{"from": str(tmp_path / "order.wav")})
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert rig.out("text") == "put the red cube into the bowl"
    assert 0.5 <= float(str(rig.out("confidence"))) <= 1.0


@SPEAKS
def test_an_option_is_heard_and_comes_back_as_it_is(tmp_path: Path):
    (tmp_path / "answer.wav").write_bytes(say("The one in the bowl."))
    rig = rig_with_ears()
    leaf = rig.leaf("listen", **{"from": str(tmp_path / "answer.wav"), "expect": list(OPTIONS)})
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert rig.out("chosen") == OPTIONS[1]


@SPEAKS
def test_a_long_sentence_is_not_taken_for_a_short_option(tmp_path: Path):
    (tmp_path / "answer.wav").write_bytes(say("Put the red cube into the bowl."))
    rig = rig_with_ears()
    leaf = rig.leaf("listen", **{"from": str(tmp_path / "answer.wav"), "expect": ["tea", "coffee"]})
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.endswith("which is no tea or coffee")


def test_silence_a_missing_file_and_no_sound_are_failures_with_a_reason(tmp_path: Path):
    rig = rig_with_ears()
    (tmp_path / "silent.wav").write_bytes(Sound(np.zeros(RATE, np.float32)).wav())
    (tmp_path / "text.wav").write_text("hello", encoding="utf-8")
    for name, why in (("silent", "nobody spoke"), ("text", "this is no WAV file"), ("none", "cannot read")):
        leaf = rig.leaf("listen", **{"from": str(tmp_path / f"{name}.wav")})
        assert rig.run(leaf) is FAILURE
        assert leaf.feedback_message.startswith(f"unheard: {why}")
    os.mkfifo(tmp_path / "pipe.wav")
    leaf = rig.leaf("listen", **{"from": str(tmp_path / "pipe.wav")})
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.endswith("pipe.wav is no file")


def test_an_option_without_a_word_is_a_problem_and_no_fault():
    pytest.importorskip("pocketsphinx")
    from knothole.vlm.hearing.sphinx import Sphinx

    with pytest.raises(SoundError, match="does not know how '…' is said"):
        Sphinx()._decoder(("tea", "…"))


def test_free_speech_is_not_for_pocketsphinx(tmp_path: Path):
    rig = rig_with_ears()
    (tmp_path / "a.wav").write_bytes(tone(1.0, 0.5).wav())
    leaf = rig.leaf("listen", **{"from": str(tmp_path / "a.wav"), "expect": "anything"})
    assert rig.run(leaf) is FAILURE
    assert "not free speech; whisper does" in leaf.feedback_message


def test_a_run_without_a_microphone_says_so():
    rig = rig_with_ears()
    leaf = rig.leaf("listen")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "unheard: this run has no microphone; name a WAV file"


class Room:
    """A sound card in a silent room, or one that breaks; what ``LiveRecording`` takes from ``sounddevice``."""

    def __init__(self, breaks: bool = False) -> None:
        self._breaks = breaks

    def InputStream(self, *args: object, **options: object) -> Room:  # noqa: N802
        return self

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *args: object) -> None:
        """Nothing to close."""

    def read(self, count: int) -> tuple[np.ndarray, bool]:
        if self._breaks:
            raise OSError
        return np.zeros((count, 1), np.float32), False


def test_nobody_is_waited_for_beyond_the_deadline():
    microphone, recording = LiveMicrophone(), LiveRecording(Room(), patience=0.05)
    microphone._open.append(recording)
    microphone.wait(lambda: False)
    assert not recording.over
    microphone.close()
    recording.join(60.0)
    assert recording.over
    assert not recording._thread.is_alive()


def test_a_microphone_that_breaks_without_a_word_is_a_problem():
    recording = LiveRecording(Room(breaks=True))
    recording.join(60.0)
    assert recording.problem == "the microphone cannot be listened to: OSError"


def test_a_microphone_keeps_no_recording_that_is_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("knothole.app.humans.microphone.import_needed", lambda *needed: Room(breaks=True))
    microphone = LiveMicrophone()
    for _ in range(5):
        recording = microphone.listen()
        assert isinstance(recording, LiveRecording)
        recording.join(60.0)
    assert len(microphone._open) == 1


def test_ears_stand_at_the_end_of_the_chain_where_a_tree_listens(tmp_path: Path):
    (tmp_path / "obey.yaml").write_text(OBEY, encoding="utf-8")
    (tmp_path / "both.yaml").write_text(OBEY.replace("    - say", '    - see: "Is it?"\n    - say'), encoding="utf-8")
    obey, both = load(tmp_path / "obey.yaml"), load(tmp_path / "both.yaml")
    assert with_ears("embedded", "", obey) == "pocketsphinx"
    assert with_ears("embedded", "", both) == "embedded,pocketsphinx"
    assert with_ears("embedded", "whisper:w", both) == "embedded,whisper:w"
    assert with_ears("openai:gpt", "none", both) == "openai:gpt"
    assert with_ears("embedded", "", load("tidy_table")) == "embedded"
    (tmp_path / "planned.yaml").write_text(PLANNED, encoding="utf-8")
    assert with_ears("embedded", "whisper:w", load(tmp_path / "planned.yaml")) == "embedded,whisper:w"


def test_ears_without_anything_to_hear_are_refused(knothole: Callable[..., CompletedProcess[str]]):
    done = knothole("run", "tidy_table", "--vlm", "oracle", "--ears", "pocketspinks")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: --ears pocketspinks has nothing to hear\n"
        "  why:  nothing in the tree tidy_table listens, and nobody answers by speech\n"
        "  fix:  leave --ears out, or give --human speech\n"
    )
    assert with_ears("oracle", "pocketsphinx", load("tidy_table"), spoken=True) == "oracle"


def test_ears_answer_nothing_but_what_was_said():
    ears = BACKENDS.get("pocketsphinx").open(BackendOptions())
    (answer,) = ears.ask(None, [Question("yes_no", "Is it red?")])
    assert not answer.supported
    with pytest.raises(BackendError, match="there is no Whisper checkpoint"):
        BACKENDS.get("whisper").open(BackendOptions("/nowhere"))


@pytest.fixture
def without_silero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loudness tells where somebody speaks: a tone is speech then."""
    monkeypatch.setattr(voice_activity, "_silero", lambda: None)


@pytest.mark.usefixtures("without_silero")
def test_whisper_says_what_it_does_not_hear_to_the_end(tmp_path: Path):
    """Of two checkpoints without knowledge one writes a letter until there is no room, the other its end at once."""
    pytest.importorskip("transformers")
    beep, asked = tone(0.5, 0.5).samples, Question("transcribe", "What was said?")

    def heard(folder: Path, pause: float) -> Answer:
        silence = np.zeros(int(pause * RATE), np.float32)
        sound = Sound(np.concatenate([silence[:RATE], beep, silence, beep]))
        (answer,) = (
            BACKENDS.get("whisper").open(BackendOptions(str(folder))).ask(None, [replace(asked, audio=sound.wav())])
        )
        return answer

    endless = tiny_whisper(tmp_path / "endless", "a")
    long = heard(endless, 40.0)
    assert long.problem == "the speech is 41 s long, and whisper hears no more than 30 s at once"
    cut = heard(endless, 1.0)
    assert (cut.problem, cut.text) == ("the transcript was cut off by the limit of 224 tokens", "a" * 224)
    assert heard(tiny_whisper(tmp_path / "mute", END), 1.0).problem == "nothing was heard"


@SPEAKS
@pytest.mark.long
def test_a_spoken_order_reaches_a_tree_on_the_command_line(tmp_path: Path):
    pytest.importorskip("pocketsphinx")
    (tmp_path / "obey.yaml").write_text(OBEY, encoding="utf-8")
    (tmp_path / "order.wav").write_bytes(say("Pick up the green ball."))
    tree, order = tmp_path / "obey.yaml", tmp_path / "order.wav"
    seen = []
    for name in ("a", "b"):
        code, out, err = call(f"run {tree} --robot none --set order={order} --trace {tmp_path / name}.mcap --json")
        assert code == 0, out + err
        assert "robot: You said: pick up the green ball." in err
        seen.append(json.loads(out.splitlines()[-1])["digest"])
    assert seen[0] == seen[1]
