"""A cassette keeps every answer of a run, whatever becomes of the run, and comes back as it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knothole.vlm.broker import Broker
from knothole.vlm.cassette import CassetteError, read_cassette
from knothole.vlm.cassette_writer import CassetteWriter
from knothole.vlm.privacy import FRAMES
from knothole.vlm.questions import Answer, Frame, Question, Region
from knothole.vlm.recorded import RecordedError, answer_data, answer_of, compact, question_data, question_key
from knothole.vlm.scripted import Scripted

ASKED = Question("yes_no", "Is there a cup?")


def frame(value: int, name: str = "table#1") -> Frame:
    return Frame(name, 0.5, np.full((40, 60, 3), value, np.uint8))


def record(path: Path, *values: int, frames: str = "keep") -> None:
    writer = CassetteWriter(path, "scripted", {"tree": "t", "seed": 1}, frames)  # type: ignore[arg-type]
    broker = Broker(Scripted({"*": {"calls": ["no", 0.9]}}), stepped=True, latency=0.1, listener=writer.heard)
    for number, value in enumerate(values):
        broker.ask(ASKED, frame(value, f"table#{number}"), 1.0)
        broker.flush(1.0)
        broker.collect(1.1)
    writer.close()
    writer.close()


FULL = [
    Answer("yes_no", probabilities={"yes": 0.1 + 0.2, "no": 0.6}, neither=0.1, model="m@1", latency=0.5, tokens=9),
    Answer("choice", probabilities={"red": 1.0, "grün": 0.0}, cost=0.25),
    Answer("ground", regions=(Region((0.1, 0.2, 0.3, 0.4), "cup", 0.5, (0.2, 0.3), np.eye(8, dtype=bool)),)),
    Answer("plan", text='[{"skill":"home"}]', data=[{"skill": "home", "args": {}}]),
    Answer("plan", data=[]),
    Answer("describe", text='a "cup"\n\u2028 漢字 \U0001f916 \x00 \udc80'),
    Answer("imagine", image=np.arange(48, dtype=np.uint8).reshape(4, 4, 3)),
    Answer("chat", problem="refused", supported=False),
]


@pytest.mark.parametrize("answer", FULL, ids=lambda a: a.kind)
def test_an_answer_comes_back_with_all_its_fields(tmp_path: Path, answer: Answer) -> None:
    assert answer_of(json.loads(json.dumps(answer_data(answer)))) == answer
    writer = CassetteWriter(tmp_path / "c.jsonl", "b")
    writer.write("ab", question_data(Question(answer.kind, "what?")), answer, 0.1)
    writer.close()
    (entry,) = read_cassette(tmp_path / "c.jsonl").entries
    assert entry.answer == answer
    assert (entry.frame, entry.backend, entry.delay, entry.run) == ("ab", "b", 0.1, 1)
    for region, again in zip(answer.regions, entry.answer.regions, strict=True):
        assert region.mask is not None
        assert np.array_equal(region.mask, again.mask)
    if answer.image is not None:
        assert np.array_equal(answer.image, entry.answer.image)


def test_a_picture_that_is_too_large_is_left_out_and_said_to_be() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)
    data = answer_data(Answer("imagine", image=noise))
    assert (data["image"], data["left_out"]) == ("", ["image"])
    why = "the picture of this answer was not recorded: it was too large, or pictures were to be dropped"
    assert answer_of(data).problem == why


@pytest.mark.parametrize("frames", FRAMES)
def test_a_picture_that_a_model_made_is_kept_as_pictures_may_be(frames: Any) -> None:
    image = np.zeros((96, 96, 3), np.uint8)
    image[::2] = 255
    answer = answer_of(answer_data(Answer("imagine", image=image), frames))
    assert bool(answer.problem) == (frames == "drop")
    if answer.image is not None:
        assert np.array_equal(answer.image, image) == (frames == "keep")
        assert (answer.image.std() < 20) == (frames == "blur")


def test_every_part_of_a_question_counts_for_its_key() -> None:
    others = [
        Question("choice", "Is there a cup?"),
        Question("yes_no", "Is there a mug?"),
        Question("yes_no", "Is there a cup?", choices=("a", "b")),
        Question("yes_no", "Is there a cup?", all=True),
        Question("yes_no", "Is there a cup?", schema="{}"),
        Question("yes_no", "Is there a cup?", context="careful"),
        Question("yes_no", "Is there a cup?", history=(("user", "hi"),)),
        Question("yes_no", "Is there a cup?", audio=b"RIFF"),
    ]
    keys = {question_key(question_data(question)) for question in (ASKED, *others)}
    assert len(keys) == 1 + len(others)
    assert question_key(compact(question_data(ASKED))) == question_key(question_data(ASKED))


def test_what_the_broker_hears_is_kept_with_the_hash_of_the_picture(tmp_path: Path) -> None:
    record(tmp_path / "c.jsonl", 10, 200, 10)
    cassette = read_cassette(tmp_path / "c.jsonl")
    assert cassette.complete
    assert cassette.runs == ({"tree": "t", "seed": 1},)
    assert [e.frame for e in cassette.entries] == [frame(v).digest() for v in (10, 200, 10)]
    assert [e.answer.p("yes") for e in cassette.entries] == [0.0, 0.9, 0.9]
    assert {(e.kind, e.text, e.backend, e.answer.model, e.delay) for e in cassette.entries} == {
        ("yes_no", "Is there a cup?", "scripted", "script", 0.1)
    }


def test_the_file_is_lines_that_a_human_can_read(tmp_path: Path) -> None:
    record(tmp_path / "c.jsonl", 10, frames="drop")
    head, run, answer = (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()
    assert head == '{"knothole_cassette":1}'
    assert run == '{"run":1,"of":{"tree":"t","seed":1}}'
    said = json.loads(answer)
    latency = said["answer"].pop("latency")
    assert latency > 0
    assert said == {
        "run": 1,
        "frame": frame(10).digest(),
        "question": {"kind": "yes_no", "text": "Is there a cup?"},
        "answer": {"kind": "yes_no", "probabilities": {"yes": 0.0, "no": 1.0}, "model": "script"},
        "backend": "scripted",
        "delay": 0.1,
    }


def test_further_runs_are_added_behind_and_numbered(tmp_path: Path) -> None:
    for _ in range(3):
        record(tmp_path / "c.jsonl", 10)
    assert [entry.run for entry in read_cassette(tmp_path / "c.jsonl").entries] == [1, 2, 3]


def test_a_last_line_that_was_cut_anywhere_is_left_out_and_the_next_run_goes_on(tmp_path: Path) -> None:
    record(tmp_path / "whole.jsonl", 10, 200, frames="drop")
    whole = (tmp_path / "whole.jsonl").read_bytes()
    head = whole.index(b"\n") + 1
    for size in range(head, len(whole)):
        cut = tmp_path / "cut.jsonl"
        cut.write_bytes(whole[:size])
        cassette = read_cassette(cut)
        assert cassette.complete == (whole[size - 1 : size] == b"\n")
        assert len(cassette.entries) == max(0, whole[:size].count(b"\n") - 2)
        record(cut, 30, frames="drop")
        assert read_cassette(cut).complete
        assert len(read_cassette(cut).entries) == len(cassette.entries) + 1


def test_a_last_line_that_was_cut_in_the_middle_of_a_letter_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    writer = CassetteWriter(path, "b")
    for text in ("Is the door shut?", "Ist die Tür zu?"):
        writer.write("ab", question_data(Question("yes_no", text)), Answer("yes_no", {"yes": 0.9, "no": 0.1}))
    writer.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index("ü".encode()) + 1])
    cassette = read_cassette(path)
    assert ([entry.text for entry in cassette.entries], cassette.complete) == (["Is the door shut?"], False)
    path.write_bytes(whole.replace("ü".encode(), b"\xc3"))
    with pytest.raises(CassetteError, match=r"c\.jsonl:4:1: error: not a line of a cassette\n  why:  not UTF-8 text"):
        read_cassette(path)


def test_a_head_without_its_end_of_line_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"knothole_cassette":1}', encoding="utf-8")
    record(path, 10, frames="drop")
    assert len(read_cassette(path).entries) == 1


def test_a_killed_run_leaves_all_answers_up_to_the_last(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from knothole.tests.test_cassettes import ASKED, frame
from knothole.vlm.broker import Broker
from knothole.vlm.cassette_writer import CassetteWriter
from knothole.vlm.scripted import Scripted

writer = CassetteWriter(Path({str(tmp_path / "c.jsonl")!r}), "scripted", frames="drop")
broker = Broker(Scripted({{"*": "no"}}), stepped=True, listener=writer.heard)
for number in range(50):
    broker.ask(ASKED, frame(number, f"table#{{number}}"), 1.0)
    broker.flush(1.0)
    broker.collect(1.0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(read_cassette(tmp_path / "c.jsonl").entries) == 50


def test_processes_may_share_a_cassette(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from knothole.tests.test_cassettes import record; "
        f"record(Path({str(tmp_path / 'c.jsonl')!r}), *range(100), frames='drop')"
    )
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    entries = read_cassette(tmp_path / "c.jsonl").entries
    assert sorted(entry.run for entry in entries) == [1] * 100 + [2] * 100
    assert {entry.run: entry.frame for entry in entries if entry.run == 2}[2] == frame(99).digest()


@pytest.mark.parametrize("frames", FRAMES)
def test_pictures_are_kept_blurred_or_dropped(tmp_path: Path, frames: str) -> None:
    record(tmp_path / "c.jsonl", 10, 10, 200, frames=frames)
    rows = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()]
    pictures = [(row["frame"], row.get("blurred", False)) for row in rows if "jpeg" in row]
    shown = [] if frames == "drop" else [(frame(v).digest(), frames == "blur") for v in (10, 200)]
    assert pictures == shown
    assert len(read_cassette(tmp_path / "c.jsonl").entries) == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is no cassette"),
        ("hello\n", "is no cassette"),
        ("[1]\n", "is no cassette"),
        ('{"knothole_cassette":1}', "is no cassette"),
        ('{"knothole_cassette":7}\n', "is a cassette of version 7\n  why:  this knothole reads version 1"),
        ('{"knothole_cassette":1}\n{"run"\n', "c.jsonl:2:1: error: not a line of a cassette\n  why:  no JSON"),
        ('{"knothole_cassette":1}\n3\n', "it is no mapping"),
        ('{"knothole_cassette":1}\n{}\n', "it has neither an answer nor a picture"),
        (
            '{"knothole_cassette":1}\n{"run":1,"frame":"","delay":1e400,'
            '"question":{"kind":"chat","text":"a"},"answer":{}}\n',
            "c.jsonl:2:1: error: not a line of a cassette\n  why:  delay is inf, must be a number >= 0",
        ),
        ('{"knothole_cassette":1}\n{"answer":{},"question":{}}\n', "frame and the text of the question must be text"),
    ],
)
def test_what_is_no_cassette_is_refused_with_its_line(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "c.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(CassetteError) as caught:
        read_cassette(tmp_path / "c.jsonl")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"kind": "maybe"}, "its kind is 'maybe'"),
        ({"kind": "yes_no", "probabilities": {"yes": 3}}, "'yes' is 3, must be a number >= 0 and <= 1"),
        ({"kind": "yes_no", "probabilities": {"yes": float("nan")}}, "the probability of 'yes' is nan"),
        ({"kind": "yes_no", "probabilities": [1]}, "must be a mapping"),
        ({"kind": "yes_no", "text": 3}, "its text is 3, must be text"),
        ({"kind": "ground", "regions": [{"box_xyxy": [1, 2]}]}, "must be four numbers"),
        ({"kind": "ground", "regions": [3]}, "a region is 3"),
        ({"kind": "ground", "regions": 5}, "its regions is 5, must be a list"),
        ({"kind": "ground", "regions": [{"box_xyxy": [0, 0, 1, 1], "point_uv": 5}]}, "the point 5, must be two"),
        ({"kind": "ground", "regions": [{"box_xyxy": [0, 0, 1, 1], "point_uv": {"a": 1, "b": 2}}]}, "must be two"),
        ({"kind": "imagine", "left_out": 5}, "its left_out is 5, must be a list"),
        ({"kind": "chat", "tokens": float("inf")}, "its number of tokens is inf, must be a number >= 0"),
        ({"kind": "imagine", "image": "?"}, "its picture cannot be read"),
        ({"kind": "chat", "cost": True}, "its cost is True, must be a number >= 0"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(answer: dict[str, object], why: str) -> None:
    with pytest.raises(RecordedError) as caught:
        answer_of(answer)
    assert why in str(caught.value)


def test_no_other_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CassetteError, match="is no cassette"):
        CassetteWriter(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    with pytest.raises(CassetteError, match="cannot write the cassette"):
        CassetteWriter(tmp_path)


def test_a_number_that_is_none_becomes_a_problem(tmp_path: Path) -> None:
    writer = CassetteWriter(tmp_path / "c.jsonl")
    writer.write("", question_data(ASKED), Answer("yes_no", probabilities={"yes": float("nan")}))
    writer.close()
    assert read_cassette(tmp_path / "c.jsonl").entries[0].answer.problem == "it held a number that is none"


def test_a_full_disk_ends_the_cassette_and_not_the_run(tmp_path: Path) -> None:
    program = f"""
import resource, signal
from pathlib import Path
from knothole.tests.test_cassettes import ASKED
from knothole.vlm.cassette_writer import CassetteWriter
from knothole.vlm.questions import Answer
from knothole.vlm.recorded import question_data

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
writer = CassetteWriter(Path({str(tmp_path / "c.jsonl")!r}))
for _ in range(9):
    writer.write("", question_data(ASKED), Answer("yes_no", probabilities={{"yes": 1.0, "no": 0.0}}))
print(writer.problem)
writer.close()
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"the cassette {tmp_path / 'c.jsonl'} ends early: ")
    assert 0 < len(read_cassette(tmp_path / "c.jsonl").entries) < 9
