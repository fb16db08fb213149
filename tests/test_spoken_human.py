"""Answering by speech: what is said is held to the question, what is not understood is asked again, silence ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from knothole.app.humans.company import HumanError, humans_from, spoken_to, voice_beside
from knothole.app.humans.inbox import Inbox
from knothole.app.humans.recorded_sound import RecordedMicrophone, RecordedSoundError, recorded_sound
from knothole.app.humans.several_humans import SeveralHumans
from knothole.app.humans.speech import open_speech
from knothole.app.humans.spoken_human import SpokenHuman, aloud, expected
from knothole.app.humans.voice import Voice
from knothole.app.running.terminal import Watcher
from knothole.app.settings.config import Config
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS
from knothole.tests.calling import call
from knothole.tests.rig import Bench
from knothole.tests.test_listen import SPEAKS, say, tone
from knothole.tests.test_plan_rules import PICK, Rig
from knothole.trees.tracing.recording import read_trace
from knothole.vlm.broker import open_backend
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.hearing.sound import RATE, Sound
from knothole.vlm.runner import InLoop

WHICH = "Which cube?"
OPTIONS = ["the red one", "the left one", "the one in the bowl"]
SILENCE = Sound(np.zeros(RATE, np.float32)).wav()
LONG = "I am not quite sure about that, my friend."
TREE = """\
knothole: 1
tree: polite
root:
  sequence:
    - ask_human: {question: "Which one?", options: ["the red one", "the left one"], deadline: 60s, answer: $which}
    - ask_human: {question: "Shall I take it?", default: no, expect: yes, deadline: 60s}
    - say: "I take ${which}."
"""


@pytest.fixture(scope="module")
def ears() -> InLoop:
    pytest.importorskip("pocketsphinx")
    return InLoop(BACKENDS.get("pocketsphinx").open(BackendOptions()))


def human(ears: InLoop, *sounds: bytes) -> SpokenHuman:
    return SpokenHuman(RecordedMicrophone(sounds), ears, Watcher(Console(quiet=True)))


def asking(who: object, **ports: object) -> tuple[Bench, object]:
    rig = Bench()
    rig.context.human = who  # type: ignore[assignment]
    return rig, rig.leaf("ask_human", question=WHICH, **{"options": OPTIONS, **ports})


def test_what_may_be_said_is_an_option_or_stop():
    assert expected(["go on", "stop"]) == ("go on", "stop", "halt")
    assert expected([], "no") == ("yes", "no", "stop", "halt")
    assert expected([], "tea") == expected([]) == ()


def test_a_question_is_spoken_without_marks_and_with_the_options_that_it_does_not_name():
    assert aloud("Tea or coffee?", ["tea", "coffee"]) == "Tea or coffee?"
    plan = "Tidy.\n├─ pick 'the red cube'\n└─ home\nShall I do this? (yes, or what is wrong)"
    assert aloud(plan) == "Tidy. pick 'the red cube'. home. Shall I do this? yes, or what is wrong."


@SPEAKS
@pytest.mark.parametrize(
    ("said", "voice", "option"),
    [
        ("the red one", "en-us", "the red one"),
        ("left", "en-gb", "the left one"),
        ("The one in the bowl.", "en-us+f3", "the one in the bowl"),
    ],
)
def test_an_option_is_heard(ears: InLoop, said: str, voice: str, option: str):
    rig, leaf = asking(human(ears, say(said, voice)))
    told: list[object] = []
    rig.context.emit = lambda channel, data: told.append(dict(data)) if channel == "human" else None
    assert rig.run(leaf) is SUCCESS
    assert rig.out("answer") == option
    assert {"answer": option, "late": False} == {key: told[-1][key] for key in ("answer", "late")}  # type: ignore[index]
    assert len(told[-1]["heard"]) == 1  # type: ignore[index]


@SPEAKS
def test_what_is_not_understood_is_asked_again_aloud_a_few_times_and_counts_as_refused(ears: InLoop, tmp_path: Path):
    wrong = say(LONG)
    who, file = human(ears, *[wrong] * 5, say("the left one")), tmp_path / "said"
    with Voice(lambda text: [["sh", "-c", f"cat >> {file}; echo >> {file}"]], print) as voice:
        who.meet(voice)
        inquiry = who.ask(WHICH, OPTIONS)
        who.wait(lambda: False)
        assert (inquiry.answer, inquiry.refused) == ("the left one", 5)
        assert len(inquiry.heard) == 6
    spoken = file.read_text(encoding="utf-8").splitlines()
    assert spoken[0] == "Which cube? the red one, the left one, or the one in the bowl?"
    assert spoken[1:] == [f"I did not understand. {spoken[0]}"] * 2


@SPEAKS
@pytest.mark.parametrize(("default", "status"), [("the red one", SUCCESS), ("", FAILURE)])
def test_sound_that_is_no_answer_ends_in_the_default(ears: InLoop, default: str, status: object):
    rng = np.random.default_rng(3)
    noise = Sound(rng.normal(0.0, 0.1, 2 * RATE).astype(np.float32)).wav()
    sounds = (say(LONG), noise, tone(0.5, 0.5).wav(), say("Good morning to everybody in the house."))
    rig, leaf = asking(human(ears, *sounds), default=default, deadline=2.0, tries=2)
    assert rig.run(leaf) is status
    assert rig.out("answer") == default if default else "and no default" in leaf.feedback_message


@pytest.mark.parametrize("sounds", [(), (SILENCE,), (SILENCE,) * 3])
def test_silence_ends_in_the_default_at_the_deadline_on_the_run_clock(ears: InLoop, sounds: tuple[bytes, ...]):
    rig, leaf = asking(human(ears, *sounds), default="the red one", deadline=2.0)
    assert rig.run(leaf) is SUCCESS
    assert leaf.feedback_message == "the red one, by default"
    assert rig.context.now == pytest.approx(2.0, abs=0.06)


def test_after_the_last_recording_a_question_without_a_deadline_is_over(ears: InLoop):
    rig, leaf = asking(human(ears, SILENCE))
    rig.run(leaf)
    assert leaf.feedback_message == "'Which cube?': nobody is there any more to answer, and no default"


@SPEAKS
def test_stop_is_no_option_and_is_heard_by_the_guards(ears: InLoop):
    who = human(ears, say("Stop!"), say("the red one"))
    inquiry = who.ask(WHICH, OPTIONS)
    who.wait(lambda: False)
    assert (inquiry.answer, who.overheard(), who.overheard()) == (None, ["stop"], [])
    who.wait(lambda: False)
    assert (inquiry.answer, inquiry.refused) == ("the red one", 0)


@SPEAKS
@pytest.mark.parametrize("question", [{"options": OPTIONS}, {"default": "yes"}, {"default": "no"}])
def test_a_spoken_stop_is_heard_by_a_guard_and_agrees_to_nothing(ears: InLoop, question: dict[str, object]):
    rig = Bench()
    rig.context.human = human(ears, say("Stop!"))
    inquiry = rig.context.human.ask("Shall I go on?", **question)  # type: ignore[arg-type]
    alarm = rig.leaf("clear_of", alarms=["stop_word"])
    rig.ticks(alarm, 3)
    assert (alarm.status, inquiry.answer) == (FAILURE, None)


@SPEAKS
def test_questions_are_answered_one_after_the_other_and_a_withdrawn_one_takes_no_sound(ears: InLoop):
    who = human(ears, say("left"), say("tea"))
    first, second = who.ask(WHICH, OPTIONS), who.ask("Which drink?", ["tea", "coffee"])
    third = who.ask("What?", ["this", "that"])
    third.withdraw()
    who.wait(lambda: False)
    assert (first.answer, second.answer, third.answer) == ("the left one", "tea", None)


@SPEAKS
@pytest.mark.parametrize(("said", "status"), [("Yes.", SUCCESS), ("No!", FAILURE)])
def test_a_plan_is_agreed_to_by_voice(ears: InLoop, said: str, status: object):
    rig = Rig([PICK])
    rig.context.human = human(ears, say(said))
    assert rig.plan(confirm="ask", attempts=1, patience=5.0)[0] is status


def test_free_speech_is_not_for_pocketsphinx_and_the_question_is_over(ears: InLoop):
    rig, leaf = asking(human(ears, tone(1.0, 0.5).wav()), options=[], default="tea")
    assert rig.run(leaf) is SUCCESS
    assert leaf.feedback_message == "tea, by default"
    assert rig.tick(rig.leaf("clear_of", alarms=["stop_word"])) is SUCCESS


def test_nobody_is_listened_to_while_the_robot_speaks(ears: InLoop, tmp_path: Path):
    os.mkfifo(tmp_path / "mouth")
    who = human(ears, SILENCE)
    with Voice(lambda text: [["cat", str(tmp_path / "mouth")]], print) as voice:
        who.meet(voice)
        who.ask(WHICH, OPTIONS)
        for _ in range(5):
            who.step()
        assert who._recording is None
        (tmp_path / "mouth").write_text("done", encoding="utf-8")
        voice._texts.join()
        who.step()
        assert who._recording is not None


@SPEAKS
def test_a_sound_waits_for_ears_that_are_not_ready_and_no_tick_waits_for_either():
    pytest.importorskip("pocketsphinx")
    who = SpokenHuman(RecordedMicrophone([say("left")]), open_backend("pocketsphinx"), Watcher(Console(quiet=True)))
    try:
        inquiry = who.ask(WHICH, OPTIONS)
        assert [inquiry.answer for _ in range(3)] == [None] * 3
        assert who._sound is not None
        assert not who._busy
        who.wait(lambda: False)
        assert inquiry.answer == "the left one"
    finally:
        who.close()


class Grave:
    """A microphone that was unplugged."""

    sound, problem = None, "it was unplugged"

    def listen(self) -> Grave:
        return self

    def wait(self, stopped: object) -> None: ...

    def stop(self) -> None: ...


@pytest.mark.parametrize("broken", ["microphone", "ears"])
def test_whatever_breaks_ends_the_question(ears: InLoop, broken: str):
    worker = open_backend("pocketsphinx")
    who = SpokenHuman(RecordedMicrophone([SILENCE]), worker, Watcher(Console(quiet=True)))
    if broken == "microphone":
        who = SpokenHuman(Grave(), worker, Watcher(Console(quiet=True)))  # type: ignore[arg-type]
    else:
        worker.close()
    rig, leaf = asking(who)
    assert rig.run(leaf) is FAILURE
    assert "nobody is there any more" in leaf.feedback_message
    who.close()


@SPEAKS
def test_who_answers_first_counts_where_several_may(ears: InLoop, tmp_path: Path):
    box = Inbox(tmp_path / "inbox")
    both = SeveralHumans([human(ears, SILENCE, say("left")), box])
    inquiry = both.ask(WHICH, OPTIONS)
    both.wait(lambda: False)
    assert inquiry.answer == "the left one"
    assert '"over": "withdrawn"' in box.outbox.read_text(encoding="utf-8")
    typed = both.ask(WHICH, OPTIONS, deadline=60.0)
    box.inbox.write_text("red\n", encoding="utf-8")
    both.wait(lambda: False)
    assert (typed.answer, typed.gone) == ("the red one", False)
    both.ask("Still there?", deadline=0.0)
    both.wait(lambda: False)


SOUNDS = {"silence": SILENCE, "tone": tone(0.5, 0.5).wav(), "left": b"", "wrong": b""}
DOINGS = st.lists(
    st.tuples(st.integers(0, 25), st.sampled_from(["pause", "resume", "type", "garbage", "unlink", "break", "halt"])),
    max_size=5,
)


@pytest.fixture(scope="module")
def spoken() -> dict[str, bytes]:
    return {**SOUNDS, "left": say("left"), "wrong": say(LONG)}


@SPEAKS
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(sorted(SOUNDS)), max_size=4),
    DOINGS,
    st.sampled_from(["", "the red one"]),
    st.integers(1, 3),
    st.floats(0.1, 1.0),
    st.booleans(),
)
def test_whatever_happens_and_when_a_question_ends_by_its_deadline(
    ears, spoken, tmp_path_factory, heard, doings, default, tries, deadline, several
):
    who = human(ears, *[spoken[name] for name in heard])
    box = Inbox(tmp_path_factory.mktemp("box") / "inbox")
    rig, leaf = asking(SeveralHumans([who, box]) if several else who, default=default, tries=tries, deadline=deadline)
    paused, began, left, status = False, 0.0, deadline, RUNNING
    for tick in range(120):
        for doing in [what for at, what in doings if at == tick and leaf.status is RUNNING]:
            if doing == "halt":
                rig.halt(leaf)
                assert who._open == []
                assert not several or box._open == []
                return
            if doing == "pause" and not paused:
                leaf.pause()
                paused, left = True, left - (rig.context.now - began)
            elif doing == "resume" and paused:
                leaf.resume()
                paused, began = False, rig.context.now
            elif doing == "break":
                who._lose("it was cut off")
            elif doing == "unlink":
                box.inbox.unlink(missing_ok=True)
            elif doing in ("type", "garbage") and box.inbox.exists():
                with box.inbox.open("a", encoding="utf-8") as file:
                    file.write("left\n" if doing == "type" else "\x00?\n")
        if paused and tick < 60:
            rig.robot.advance(rig.context.now + 0.05)
            rig.context.now = rig.robot.now()
            continue
        if paused:
            leaf.resume()
            paused, began = False, rig.context.now
        status = rig.tick(leaf)
        if status is not RUNNING:
            break
    assert status in (SUCCESS, FAILURE)
    assert rig.context.now - began <= left + 0.2
    assert (status is SUCCESS) == (rig.out("answer") in OPTIONS)
    assert default == "" or status is SUCCESS


def test_what_cannot_be_heard_is_told_before_the_run(tmp_path: Path):
    with pytest.raises(RecordedSoundError, match="there is no WAV file in the folder"):
        recorded_sound(tmp_path)
    (tmp_path / "a.wav").write_text("hello", encoding="utf-8")
    with pytest.raises(RecordedSoundError, match="this is no WAV file"):
        recorded_sound(tmp_path)
    with pytest.raises(RecordedSoundError) as caught:
        recorded_sound(tmp_path / "b.wav")
    assert str(caught.value) == (
        f"cannot read the sound {tmp_path / 'b.wav'}: No such file or directory\n"
        "  fix:  write speech:PATH, with a WAV file or a folder of them; speech alone is the microphone"
    )


def test_files_are_heard_in_the_order_of_their_names(tmp_path: Path):
    for name, level in (("2.WAV", 0.2), ("1.wav", 0.1), ("note.txt", 0.3)):
        (tmp_path / name).write_bytes(tone(0.1, level).wav())
    found = recorded_sound(tmp_path)
    heard = [found.listen().sound for _ in range(3)]
    assert heard == [tone(0.1, 0.1).wav(), tone(0.1, 0.2).wav(), None]


@pytest.mark.parametrize(("module", "path"), [("sounddevice", ""), ("pocketsphinx", "a.wav")])
def test_a_missing_part_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, path: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.wav").write_bytes(SILENCE)
    (tmp_path / "polite.yaml").write_text(TREE, encoding="utf-8")
    monkeypatch.setitem(sys.modules, module, None)
    spec = f"speech:{path}" if path else "speech"
    code, out, err = call(f"run polite.yaml --robot none --human {spec} --voice none")
    assert code == 2, out + err
    assert "pip install 'knothole[speech]'" in err
    assert not list(tmp_path.glob("runs/*"))


def test_who_answers_is_named_once_and_nobody_beside_nobody(tmp_path: Path):
    def speech(path: str, watcher: Watcher) -> SpokenHuman:
        return open_speech(path, watcher, "", "", Config())

    watcher = Watcher(Console(quiet=True))
    with ExitStack() as stack:
        for specs, why in ((["none", "terminal"], "none stands beside others"), (["a", "a"], "a is given twice")):
            with pytest.raises(HumanError, match=why):
                humans_from(specs, watcher, stack, speech)
        box = f"file:{tmp_path / 'inbox'}"
        assert isinstance(humans_from([box], watcher, stack, speech), Inbox)
        assert humans_from(["none"], watcher, stack, speech) is None
        assert spoken_to(humans_from([box, str(answers(tmp_path))], watcher, stack, speech)) == ()


def answers(folder: Path) -> Path:
    file = folder / "answers.yaml"
    file.write_text('"Which one?": "the red one"\n', encoding="utf-8")
    return file


def test_a_question_at_the_microphone_is_spoken_unless_another_voice_is_wanted():
    assert voice_beside(["speech"], "none") == "none"
    assert voice_beside(["speech:a.wav"], "") == voice_beside([], "") == ""


@SPEAKS
@pytest.mark.long
def test_two_questions_are_answered_by_speech_on_the_command_line(tmp_path: Path):
    pytest.importorskip("pocketsphinx")
    (tmp_path / "polite.yaml").write_text(TREE, encoding="utf-8")
    folder = tmp_path / "answers"
    folder.mkdir()
    for number, text in enumerate((LONG, "The left one.", "Yes.")):
        (folder / f"{number}.wav").write_bytes(say(text))
    command = "run polite.yaml --robot none --human speech:answers --json --trace"
    digests = []
    for trace in ("a.mcap", "b.mcap"):
        args = [sys.executable, "-m", "knothole.cli", *command.split(), trace]
        done = subprocess.run(args, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "robot: I take the left one." in done.stderr
        result = json.loads(done.stdout.splitlines()[-1])
        assert result["sim_time_s"] < 1.0
        digests.append(result["digest"])
        told = [each.data for each in read_trace(tmp_path / trace).topic("/human") if "answer" in each.data]
        assert [(each["answer"], each["late"], len(each["heard"])) for each in told] == [
            ("the left one", False, 2),
            ("yes", False, 1),
        ]
    assert digests[0] == digests[1]
