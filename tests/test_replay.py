"""A run that was recorded and is run again is the same run; what is not recorded is said, or asked elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import knothole
from knothole.app.running.stage import open_runner
from knothole.app.settings.config import Config
from knothole.tests.test_run import REACH, answers
from knothole.trees.tracing.trace import read_trace
from knothole.vlm.broker import Broker, open_backend
from knothole.vlm.broking.breaker import Rest
from knothole.vlm.cassette import read_cassette
from knothole.vlm.cassette_writer import CassetteWriter
from knothole.vlm.contract import BackendError, BackendOptions
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.recorded import question_data
from knothole.vlm.recorded_trace import read_recorded
from knothole.vlm.replay import Replay, make_replay, open_replay
from knothole.vlm.runner import Reply
from knothole.vlm.scripted import Scripted

CUP, MUG = Question("yes_no", "Is there a cup?"), Question("yes_no", "Is there a mug?")


def frame(value: int, name: str = "table#1") -> Frame:
    return Frame(name, 0.5, np.full((40, 60, 3), value, np.uint8))


def cassette(path: Path, *rows: tuple[int, Question, str], delay: float = 0.3) -> Path:
    writer = CassetteWriter(path, "embedded", {"vlm": "embedded"}, "drop")
    for value, question, said in rows:
        writer.write(frame(value).digest(), question_data(question), sure(said), delay)
    writer.close()
    return path


def sure(said: str) -> Answer:
    return Answer("yes_no", probabilities={"yes": float(said == "yes"), "no": float(said == "no")}, model="tiny")


def said(backend: Replay, value: int, question: Question = CUP) -> str:
    (answer,) = backend.ask(frame(value), [question])
    return answer.problem or max(answer.probabilities, key=answer.probabilities.__getitem__)


def open_strict(path: Path, mark: str = "") -> Replay:
    return open_replay(BackendOptions(f"{path}{mark}"))


def test_answers_are_found_by_picture_and_question_whatever_the_frame_is_called(tmp_path: Path) -> None:
    backend = open_strict(cassette(tmp_path / "c.jsonl", (10, CUP, "yes"), (20, CUP, "no"), (10, MUG, "no")))
    assert [said(backend, 10), said(backend, 20), said(backend, 10, MUG)] == ["yes", "no", "no"]
    (answer,) = backend.ask(frame(10, "wrist#77"), [CUP])
    assert (answer.frame_id, answer.frame_stamp, answer.model) == ("wrist#77", 0.5, "tiny")
    assert backend.latency == 0.3


def test_a_question_asked_several_times_gets_its_answers_in_order(tmp_path: Path) -> None:
    backend = open_strict(cassette(tmp_path / "c.jsonl", (10, CUP, "no"), (10, CUP, "yes")))
    assert [said(backend, 10) for _ in range(3)] == ["no", "yes", "yes"]


def test_of_several_runs_the_newest_that_has_an_answer_counts(tmp_path: Path) -> None:
    cassette(tmp_path / "c.jsonl", (10, CUP, "no"), (10, CUP, "no"), (20, CUP, "no"))
    backend = open_strict(cassette(tmp_path / "c.jsonl", (10, CUP, "yes")))
    assert [said(backend, 10), said(backend, 20)] == ["yes", "no"]


def test_what_is_not_recorded_names_what_is_nearest(tmp_path: Path) -> None:
    path = cassette(tmp_path / "c.jsonl", (10, CUP, "yes"), (20, CUP, "yes"), (10, Question("describe", "What?"), "no"))
    backend = open_strict(path, "+strict")
    what = f"is recorded in {path}"
    digest = frame(30).digest()[:8]
    assert said(backend, 30) == (
        f"no answer to yes_no 'Is there a cup?' {what} for this picture ({digest}…): "
        "the picture differs, it was asked about 2 other pictures"
    )
    assert said(backend, 10, Question("yes_no", "Is there a cap?")) == (
        f"no answer to yes_no 'Is there a cap?' {what}; the nearest recorded question is 'Is there a cup?'"
    )
    assert said(backend, 10, Question("describe", "Is there a cup?")) == (
        f"no answer to describe 'Is there a cup?' {what}; these words were asked as yes_no"
    )
    assert said(backend, 10, Question("yes_no", "Is there a cup?", context="Hurry.")) == (
        f"no answer to yes_no 'Is there a cup?' {what}; it was asked with other choices, context or schema"
    )
    (answer,) = backend.ask(None, [CUP])
    assert answer.problem.startswith(f"no answer to yes_no 'Is there a cup?' {what} for no picture")
    assert not answer.supported


def test_the_rest_goes_to_another_backend_and_is_added(tmp_path: Path) -> None:
    path = cassette(tmp_path / "c.jsonl", (10, CUP, "yes"))
    (tmp_path / "a.yaml").write_text('"*": no\n', encoding="utf-8")
    settings = {"then": f"scripted:{tmp_path / 'a.yaml'}", "record": True}
    backend = open_replay(BackendOptions(str(path), settings))
    first, second = backend.ask(frame(10), [CUP, MUG])
    assert (first.p("yes"), second.p("no"), second.model) == (1.0, 1.0, "a")
    backend.close()
    strict = open_strict(path)
    assert [said(strict, 10), said(strict, 10, MUG)] == ["yes", "no"]
    forced = open_replay(BackendOptions(f"{path}+strict", settings))
    assert "the picture differs" in said(forced, 99)


class Slow:
    """A runner whose replies are let through by hand."""

    name, latency, remote = "slow", 0.0, True

    def __init__(self) -> None:
        self.asked: list[tuple[Question, ...]] = []
        self.ready: list[Any] = []

    def submit(self, frame: Frame | None, questions: Any) -> int:
        self.asked.append(tuple(questions))
        return len(self.asked) - 1

    def poll(self, timeout: float) -> list[Any]:
        ready, self.ready = self.ready, []
        return ready

    def fileno(self) -> None:
        return None

    def close(self) -> None:
        self.asked.clear()


def test_a_tick_never_waits_for_the_other_backend_and_requests_stay_in_order(tmp_path: Path) -> None:
    path, slow = cassette(tmp_path / "c.jsonl", (10, CUP, "yes")), Slow()
    backend = make_replay(BackendOptions(str(path), {"then": "slow"}), lambda spec, settings: slow)
    broker = Broker(backend, stepped=False)
    unknown, known = broker.ask(MUG, frame(10), 0.0), broker.ask(CUP, frame(10, "table#2"), 0.0)
    broker.flush(0.0)
    assert broker.collect(0.05) == []
    assert slow.asked == [(MUG,)]
    slow.ready.append(Reply(0, (sure("no"),), 1.5))
    assert broker.collect(0.1) == [unknown, known]
    assert (known.answer is not None and known.answer.p("yes"), backend.remote) == (1.0, True)


class Moody(Slow):
    """One that loads until it is told otherwise, and hangs then."""

    ready = False  # type: ignore[assignment]

    def __init__(self) -> None:
        self.asked, self.replies, self.closed = [], list[Reply](), 0

    def poll(self, timeout: float) -> list[Reply]:
        replies, self.replies = self.replies, []
        return replies

    def close(self) -> None:
        self.closed += 1


def test_a_backend_behind_a_replay_may_load_for_long_and_is_opened_again_when_it_hangs(tmp_path: Path) -> None:
    path, opened = cassette(tmp_path / "c.jsonl", (10, CUP, "yes"), (10, CUP, "no")), list[Moody]()

    def opener(spec: str, settings: Any) -> Moody:
        opened.append(Moody())
        return opened[-1]

    settings = {"then": "slow", "record": True, "patience": 20, "concurrency": 2}
    replay = make_replay(BackendOptions(str(path), settings), opener)
    assert replay.concurrency == 2
    with Broker(replay, stepped=False, rest=Rest(5, 5.0)) as broker:
        known, unknown = broker.ask(CUP, frame(10), 0.0), broker.ask(MUG, frame(10, "table#2"), 0.0)
        broker.flush(0.0)
        assert broker.collect(0.1) == [known]
        assert broker.collect(1000.0) == []  # it loads
        opened[0].ready = True  # type: ignore[assignment]
        assert broker.collect(1001.0) == []
        assert broker.collect(1020.0) == []
        assert broker.collect(1022.0) == [unknown]
        assert unknown.answer is not None
        assert unknown.answer.problem == "replay gave no answer within 20 s"
        now = 1026.9
        while not (known.done and known.answer is not None and not known.answer.problem and known.asked_at > 1000.0):
            now += 0.1
            known = broker.ask(CUP, frame(10, f"table#{now:.1f}"), now)
            broker.flush(now)
            broker.collect(now)
        assert known.answer.p("no") == 1.0  # the recording goes on where it was
        assert [one.closed for one in opened] == [1, 0]
        unknown = broker.ask(MUG, frame(10), now)
        broker.flush(now)
        opened[1].replies.append(Reply(0, (sure("no"),), 1.0))
        assert broker.collect(now) == [unknown]
    assert opened[1].closed >= 1
    assert [entry.text for entry in read_cassette(path).entries][2:] == [MUG.text]


def test_a_replay_takes_what_its_other_backend_says_of_patience_and_concurrency(tmp_path: Path) -> None:
    path = cassette(tmp_path / "c.jsonl", (10, CUP, "yes"))
    (tmp_path / "a.yaml").write_text('"*": no\n', encoding="utf-8")
    then = f"scripted:{tmp_path / 'a.yaml'}"
    blocks = {"replay": {"then": then, "concurrency": 3}, "scripted": {"patience": 7, "concurrency": 2}}
    runner: Any = open_runner(f"replay:{path}", Config(backends=blocks), None)
    assert (runner.patience, runner.concurrency, runner.ready) == (7.0, 3, True)
    again = runner.reopen()
    assert (again.patience, again.concurrency) == (7.0, 3)
    for each in (runner, again):
        each.close()
    with pytest.raises(BackendError, match="setting 'patience' of backend 'replay' is 0, must be a number of seconds"):
        open_runner(f"replay:{path}", Config(backends={"replay": {"patience": 0}}), None)


def test_a_failure_is_not_kept_and_one_that_was_recorded_is_asked_about_again(tmp_path: Path) -> None:
    path = cassette(tmp_path / "c.jsonl", (10, CUP, "yes"))
    script, settings = tmp_path / "a.yaml", {"then": f"scripted:{tmp_path / 'a.yaml'}", "record": True}
    script.write_text('"*": {problem: the server answers 503}\n', encoding="utf-8")
    backend = open_replay(BackendOptions(str(path), settings))
    assert said(backend, 10, MUG) == "the server answers 503"
    backend.close()
    assert [entry.answer.problem for entry in read_cassette(path).entries] == [""]
    writer = CassetteWriter(path, "embedded", {}, "drop")
    writer.write(frame(10).digest(), question_data(MUG), Answer("yes_no", problem="no answer within 3 s"))
    writer.write(frame(10).digest(), question_data(CUP), Answer("yes_no", problem="no answer within 3 s"))
    writer.close()
    assert said(open_strict(path), 10, MUG) == "no answer within 3 s"
    script.write_text('"*": no\n', encoding="utf-8")
    backend = open_replay(BackendOptions(str(path), settings))
    assert [said(backend, 10, MUG), said(backend, 10, CUP)] == ["no", "yes"]
    backend.close()
    assert said(open_strict(path), 10, MUG) == "no"


@pytest.mark.parametrize(
    ("argument", "settings", "message"),
    [
        ("", {}, "the replay backend needs a recording"),
        ("gone.jsonl", {}, "cannot read the recording gone.jsonl: No such file"),
        ("c.jsonl", {"stritc": True}, "the replay backend has no setting 'stritc'\n  did you mean:  strict"),
        ("c.jsonl", {"strict": True, "then": "embedded"}, "a strict replay asks no other backend"),
        ("c.jsonl", {"strict": False}, 'asks another backend\n  fix:  add then = "embedded"'),
        ("c.jsonl", {"strict": "no"}, "'strict' and 'record' true or false"),
        ("c.jsonl", {"record": True}, "a strict replay has nothing to record"),
        ("c.jsonl", {"then": "replay:c.jsonl"}, "a replay cannot fall through to a replay"),
        ("c.jsonl", {"then": "embeded"}, "unknown backend 'embeded'"),
        ("notes.txt", {}, "notes.txt is no cassette"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_before_a_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, settings: dict[str, object], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    cassette(Path("c.jsonl"), (10, CUP, "yes"))
    Path("notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(knothole.KnotholeError) as caught:
        open_backend(f"replay:{argument}", settings)
    assert message in str(caught.value)


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knothole: Any) -> Call:
    """Run the tree ``reach`` as a process, and return what it prints as JSON."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reach.yaml").write_text(REACH, encoding="utf-8")

    def call(*args: str) -> dict[str, Any]:
        done = knothole("run", "reach.yaml", "--scene", "tidy_table", "--json", *args)
        assert done.returncode in (0, 1, 4), done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return call


@pytest.mark.parametrize("vlm", ["oracle", pytest.param("embedded", marks=pytest.mark.long(minutes=0.3))])
def test_a_run_in_physics_is_the_same_run_from_its_cassette_and_from_its_trace(run: Call, vlm: str) -> None:
    first = run("--vlm", vlm, "--cassette", "c.jsonl", "--seed", "3")
    assert first["questions"] >= 2
    assert len(read_cassette(Path("c.jsonl")).entries) == len(read_recorded(Path(first["trace"])).entries)
    for source in ("c.jsonl", f"{first['trace']}+strict"):
        again = run("--vlm", f"replay:{source}", "--seed", "3")
        assert again["digest"] == first["digest"], source
        assert again["model_calls"] == first["model_calls"]
    other = run("--vlm", "replay:c.jsonl", "--seed", "4", "--max-time", "3")
    assert other["digest"] != first["digest"]


def test_a_run_that_was_killed_is_replayed_as_far_as_it_got(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reach.yaml").write_text(REACH, encoding="utf-8")
    tree = knothole.load("reach.yaml")
    tree.bind(robot="kinematic", scene="tidy_table", vlm=answers(), trace="t.mcap").run()
    whole = Path("t.mcap").read_bytes()
    Path("cut.mcap").write_bytes(whole[: len(whole) // 2])
    recorded, full = read_recorded(Path("cut.mcap")), read_recorded(Path("t.mcap"))
    assert not recorded.complete
    assert full.complete
    assert recorded.entries == full.entries[: len(recorded.entries)]


def test_an_older_trace_says_that_it_cannot_be_replayed(tmp_path: Path) -> None:
    from knothole.trees.tracing.trace import TraceWriter

    writer = TraceWriter(tmp_path / "old.mcap")
    writer.put("/answers", 0.5, {"kind": "yes_no", "question": "Is there a cup?", "frame": "table#1"})
    writer.close()
    with pytest.raises(BackendError) as caught:
        open_strict(tmp_path / "old.mcap")
    assert "does not say which pictures its answers are about" in str(caught.value)


def test_a_trace_cannot_be_added_to(tmp_path: Path) -> None:
    from knothole.trees.tracing.trace import TraceWriter

    TraceWriter(tmp_path / "t.mcap").close()
    with pytest.raises(BackendError, match="answers cannot be added to the trace"):
        open_replay(BackendOptions(str(tmp_path / "t.mcap"), {"then": "embedded", "record": True}))


@pytest.mark.parametrize("frames", ["keep", "blur", "drop"])
def test_a_run_keeps_of_its_pictures_what_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reach.yaml").write_text(REACH, encoding="utf-8")
    Path("knothole.toml").write_text(
        f'cassette = "c.jsonl"\n[privacy]\nframes = "{frames}"\n[backends.scripted]\napi_key = "sk-very-secret"\n',
        encoding="utf-8",
    )
    result = (
        knothole.load("reach.yaml").bind(robot="kinematic", scene="tidy_table", vlm=answers(), trace="t.mcap").run()
    )
    trace = read_trace("t.mcap")
    hashes = {m.data["frame_hash"] for m in trace.topic("/questions")}
    written = trace.topic("/frames_dropped" if frames == "drop" else "/frames")
    assert bool(trace.topic("/frames")) == (frames != "drop")
    assert hashes <= {m.data["hash"] for m in written}
    assert trace.start["frames"] == frames
    again = knothole.load("reach.yaml").bind(robot="kinematic", scene="tidy_table", vlm="replay:t.mcap").run()
    assert again.digest == result.digest
    for file in ("t.mcap", "c.jsonl"):
        assert b"sk-very-secret" not in Path(file).read_bytes()
    assert "sk-very-secret" not in str(trace.messages)
    assert trace.start["config"]["backends"] == {"scripted": {"api_key": "…"}}


def test_scripted_runs_are_recorded_too(tmp_path: Path) -> None:
    broker_says = Scripted({"*": "yes"})
    writer = CassetteWriter(tmp_path / "c.jsonl", "scripted", frames="drop")
    broker = Broker(broker_says, stepped=True, listener=writer.heard)
    broker.ask(CUP, None, 0.0)
    broker.flush(0.0)
    broker.collect(0.0)
    writer.close()
    (answer,) = open_strict(tmp_path / "c.jsonl").ask(None, [CUP])
    assert answer.p("yes") == 1.0
