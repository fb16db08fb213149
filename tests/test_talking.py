"""The page about talking says what is true; the voice keeps nobody waiting; a report is made of what was done."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knothole.app.humans.voice import Voice, VoiceError, open_voice
from knothole.app.recorded.progress import report_run
from knothole.behaviors.means.progress import Doing, note, progress
from knothole.behaviors.step import SUCCESS
from knothole.tests.calling import call
from knothole.tests.rig import Bench
from knothole.tests.test_listen import SPEAKS, say
from knothole.trees.loader import load

PAGE = Path(__file__).resolve().parents[1] / "docs" / "talking.md"
TEXT = PAGE.read_text(encoding="utf-8")
SLIP = Doing("pick", False, "green ball", reason="lost green ball: the fingers feel 0.0 N at 40.0 mm")
DONE = [Doing("pick", True, "red cube"), Doing("place", True, "red cube", "in the blue tray"), SLIP, SLIP]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for text in blocks("yaml")[:2]:
        name = re.search(r"^tree: (\w+)", text, flags=re.M)
        assert name is not None
        (tmp_path / f"{name[1]}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_trees_of_the_page_are_sound(folder: Path) -> None:
    assert [load(folder / f"{name}.yaml").name for name in ("serve", "obey")] == ["serve", "obey"]


def test_the_default_counts_where_nobody_is(folder: Path) -> None:
    (command,) = [line for line in blocks("sh") if "--voice" in line]
    code, out, err = call(command.strip().removeprefix("knothole "))
    assert code == 0, out + err
    assert "robot: I bring the tea." in out


def test_a_program_answers_through_the_file(folder: Path) -> None:
    (command,) = [line for line in blocks("sh") if "--human file" in line]
    (shown,) = blocks("json")
    args = [sys.executable, "-m", "knothole.cli", *command.strip().removeprefix("knothole ").split()]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "answers are read from inbox" in line:
                break
        (folder / "inbox").write_text('coffee please\n{"id": 1, "answer": "coffee"}\n', encoding="utf-8")
        rest = run.stdout.read()
    assert "robot: I bring the coffee." in rest
    asked = json.loads((folder / "inbox.out").read_text(encoding="utf-8").splitlines()[0])
    assert asked == {**json.loads(shown), "id": asked["id"]}


@SPEAKS
@pytest.mark.long
def test_the_spoken_order_of_the_page_is_obeyed(folder: Path) -> None:
    pytest.importorskip("pocketsphinx")
    (folder / "order.wav").write_bytes(say("Put the red cube into the bowl."))
    (command,) = [line for line in blocks("sh") if "order.wav" in line]
    code, out, err = call(command.strip().removeprefix("knothole "))
    assert code == 0, out + err
    assert "robot: You said: put the red cube into the bowl." in out


@SPEAKS
@pytest.mark.long
def test_the_question_of_the_page_is_answered_by_speech(folder: Path) -> None:
    pytest.importorskip("pocketsphinx")
    (folder / "answer.wav").write_bytes(say("Coffee."))
    (command,) = [line for line in blocks("sh") if "speech:" in line]
    code, out, err = call(command.strip().removeprefix("knothole "))
    assert code == 0, out + err
    assert "robot: I bring the coffee." in out


def test_a_report_is_made_of_what_was_done() -> None:
    assert progress([]) == "I have not moved anything yet."
    assert progress(DONE, 5, "looking for the red can") == (
        "I have put 1 of 5 things in the blue tray: the red cube. The green ball slipped twice. "
        "Now I am looking for the red can."
    )
    assert progress([DONE[0]]) == "I hold the red cube."
    assert progress([], 3) == "I have put none of 3 things away yet."
    failed = Doing("place", False, reason="no place in the bowl")
    assert progress([failed]) == "I failed once to place: no place in the bowl."


def test_the_leaf_reports_aloud_what_motion_leaves_did() -> None:
    rig = Bench()
    note(rig.leaf("place", into="the tray"), True, "red cube is in blue tray")
    leaf = rig.leaf("report", of=["a", "b"])
    assert rig.tick(leaf) is SUCCESS
    assert rig.said == ["I have put 1 of 2 things in the blue tray: the red cube."]
    assert rig.out("text") == rig.said[0]


@pytest.mark.long
def test_a_recorded_run_is_reported(tmp_path: Path) -> None:
    trace = tmp_path / "a.mcap"
    code, out, err = call(f"run stack_two --vlm oracle --seed 1 --trace {trace}")
    assert code == 0, out + err
    said = report_run(trace)
    assert said.startswith("I have put 1 thing on the ")
    assert said.endswith("Everything was done.")
    code, out, _ = call(f"report {trace}")
    assert (code, out.strip()) == (0, said)


@pytest.mark.parametrize(
    ("spec", "why"),
    [("loud", "there is no voice 'loud'"), ("piper:nowhere.onnx", "there is no voice file 'nowhere.onnx'")],
)
def test_a_voice_that_is_not_there_is_told(spec: str, why: str) -> None:
    with pytest.raises(VoiceError, match=why):
        open_voice(spec, print)


def test_no_voice_is_no_voice() -> None:
    assert open_voice("none", print) is None
    assert open_voice("", print) is None


def test_the_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(VoiceError, match="fix:  apt-get install espeak-ng"):
        open_voice("espeak-ng", print)


def test_sentences_are_spoken_in_their_order_and_a_closed_voice_is_silent(tmp_path: Path) -> None:
    file = tmp_path / "said"
    with Voice(lambda text: [["sh", "-c", f"cat >> {file}; echo >> {file}"]], print) as voice:
        for text in ("one", "two  words", ""):
            voice.say(text)
    assert file.read_text(encoding="utf-8") == "one\ntwo words\n"
    voice.say("three")
    voice.close()
    assert "three" not in file.read_text(encoding="utf-8")


def test_closing_ends_what_is_being_spoken() -> None:
    voice = Voice(lambda text: [["sleep", "1000"]], print)
    voice.say("a long speech")
    while voice._speaking is None:
        os.sched_yield()
    voice.close()
    assert voice._speaking.poll() is not None
    assert not voice._thread.is_alive()


def test_a_voice_that_is_stuck_with_a_full_queue_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "sound"
    folder.mkdir()
    voice = Voice(lambda text: [["sleep", "1000"]], print, folder)
    for number in range(40):
        voice.say(f"sentence {number}")
    voice.finish(0.1)
    assert not voice._thread.is_alive()
    assert not folder.exists()


def test_a_voice_that_cannot_be_heard_is_told_once() -> None:
    told: list[str] = []
    with Voice(lambda text: [["sh", "-c", "echo no sound card >&2; exit 3"]], told.append) as voice:
        voice.say("one")
        voice.say("two")
    assert told == ["the voice cannot be heard: sh ended with 3 (no sound card)"]


@SPEAKS
def test_espeak_ng_speaks_what_it_is_given(tmp_path: Path) -> None:
    assert shutil.which("espeak-ng") is not None
    file = tmp_path / "said.wav"
    with Voice(lambda text: [["espeak-ng", "-w", str(file), "--stdin"]], print) as voice:
        voice.say("Hello.")
    assert file.stat().st_size > 5000


def test_the_voice_outlives_any_text_and_any_speaker_and_tells_it_once(tmp_path: Path):
    told: list[str] = []
    file = tmp_path / "said"

    def commands(text: str) -> list[list[str]]:
        if text == "broken":
            raise RuntimeError("no such tongue")
        return [["\0"]] if text == "null" else [["sh", "-c", f"cat >> {file}; echo >> {file}"]]

    def tell(text: str) -> None:
        told.append(text)
        raise OSError("the terminal is gone")

    with Voice(commands, tell) as voice:
        for text in ("hi \ud83d", "broken", "null", "bye"):
            voice.say(text)
    assert file.read_text(encoding="utf-8").splitlines() == ["hi ?", "bye"]
    assert told == ["the voice cannot be heard: RuntimeError: no such tongue"]
    assert not voice.is_speaking
