"""``knothole trace``: what is in a file, pieces of it, where two differ, whether it is whole, and its other forms."""

from __future__ import annotations

import csv
import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from PIL import Image

from knothole.app.recorded.traces import cut_trace, export
from knothole.tests.calling import call
from knothole.tests.traced import PLAIN, plain_run, seen_run
from knothole.trees.recorded.differing import difference
from knothole.trees.recorded.raw import RawTrace
from knothole.trees.recorded.steps import recomputed
from knothole.trees.recorded.verifying import verify
from knothole.trees.tracing.history import History
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.trace_file import TraceFile
from knothole.trees.tracing.why import Moment, explain

HOSTILE = '<script>alert("x")</script><img src=//evil.example/x onerror=y> & "\' =1+1'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of runs with and without pictures; nobody changes them."""
    found = tmp_path_factory.mktemp("traces")
    seen_run(found / "seen.mcap")
    seen_run(found / "same.mcap")
    seen_run(found / "other.mcap", says="yes")
    plain_run(found / "plain.mcap", "RRRRRRF")
    plain_run(found / "later.mcap", "RRRRRRRS", who="mug")
    return found


def test_info_tells_what_is_in_it(folder: Path) -> None:
    code, out, _ = call(f"trace info {folder / 'seen.mcap'}")
    assert code == 0
    first, *lines = out.splitlines()
    assert re.fullmatch(r".*seen\.mcap: [\d.]+ [kM]B, complete", first)
    assert "  run        seed 7" in lines
    assert "  ended      SUCCESS" in lines
    assert "  pictures   jpeg" in lines
    found = json.loads(call(f"trace info {folder / 'seen.mcap'} --json")[1])
    trace = read_trace(folder / "seen.mcap")
    assert (found["ticks"], found["nodes"]) == (trace.end["ticks"], len(trace.tree["nodes"]))
    assert found["messages"] == len(trace.messages) == sum(row["messages"] for row in found["channels"].values())
    assert found["channels"]["/annotations"]["messages"] == 2
    assert found["bytes"] == (folder / "seen.mcap").stat().st_size


def test_info_and_verify_take_the_newest_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("trace info")[0] == 2
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "20260101-000000-t-seed7.mcap").write_bytes((folder / "plain.mcap").read_bytes())
    for command in ("info", "verify"):
        code, out, _ = call(f"trace {command}")
        assert (code, out.partition(":")[0]) == (0, "runs/20260101-000000-t-seed7.mcap")


@pytest.mark.parametrize("name", ["seen", "other", "plain"])
def test_a_trace_that_was_ended_in_order_is_whole_and_its_digest_is_found_again(name: str, folder: Path) -> None:
    found = verify(folder / f"{name}.mcap")
    assert found.whole
    assert all(finding.what == "note" for finding in found.findings)
    trace = read_trace(folder / f"{name}.mcap")
    assert recomputed(trace) == trace.end["digest"]
    assert call(f"trace verify {folder / f'{name}.mcap'}")[0] == 0


@pytest.mark.parametrize("name", ["seen", "plain"])
def test_the_mcap_library_reads_it_strictly_by_its_index(name: str, folder: Path) -> None:
    with (folder / f"{name}.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        times = [message.log_time for _, _, message in reader.iter_messages()]
        assert len(times) == summary.statistics.message_count
        assert times == sorted(times)


def rewritten(source: Path, target: Path, change: Any) -> Path:
    """Write a trace anew with other messages: a function returns data, or None for a message to leave out."""
    file = TraceFile(target)
    for message in read_trace(source).messages:
        data = change(message.topic, json.loads(json.dumps(dict(message.data))))
        if data is not None:
            file.add(message.topic, round(message.time * 1e9), json.dumps(data).encode())
    file.finish()
    file.close()
    return target


def test_a_changed_value_is_found_by_the_digest(folder: Path, tmp_path: Path) -> None:
    def change(topic: str, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "value": 3} if topic == "/blackboard" and data["name"] == "n" else data

    found = verify(rewritten(folder / "plain.mcap", tmp_path / "x.mcap", change))
    assert [f.text for f in found.findings if f.what == "wrong"] == [
        "the digest of what is in the trace is not the one that the run reported"
    ]
    code, out, _ = call(f"trace verify {tmp_path / 'x.mcap'} --json")
    assert (code, json.loads(out)["whole"]) == (1, False)


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("/tree", "the tree (/tree)"),
        ("/frames", "pictures that were asked about: table#1"),
        ("/questions", "answers are to questions that nobody asked"),
    ],
)
def test_what_is_missing_is_named(topic: str, said: str, folder: Path, tmp_path: Path) -> None:
    target = rewritten(folder / "seen.mcap", tmp_path / "x.mcap", lambda t, d: None if t == topic else d)
    assert any(said in finding.text for finding in verify(target).findings)


def test_statuses_of_nodes_that_are_not_in_the_tree_are_found(folder: Path, tmp_path: Path) -> None:
    def change(topic: str, data: dict[str, Any]) -> dict[str, Any]:
        if topic == "/status":
            data["changes"][0]["node"] = 400
        return data

    found = verify(rewritten(folder / "plain.mcap", tmp_path / "x.mcap", change))
    assert "2 changes are of nodes that the tree does not have" in [finding.text for finding in found.findings]


def test_every_flipped_byte_of_the_data_is_found(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "plain.mcap").read_bytes()
    for at in range(60, len(whole) - 20, max(1, len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        (tmp_path / "x.mcap").write_bytes(damaged)
        assert not verify(tmp_path / "x.mcap").whole, at


def test_a_file_cut_anywhere_is_told_as_such_and_exported_whole(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "seen.mcap").read_bytes()
    full = len(read_trace(folder / "seen.mcap").messages)
    for size in range(40, len(whole), max(1, len(whole) // 12)):
        cut = tmp_path / "x.mcap"
        cut.write_bytes(whole[:size])
        found = verify(cut)
        assert not found.whole
        assert any("the file ends in the middle" in finding.text for finding in found.findings), size
        code, out, err = call(f"trace export {cut} -o {tmp_path / 'y.mcap'} --force")
        assert code == 0, err
        assert "this one has an index" in out
        assert cut.read_bytes() == whole[:size]
        again = read_trace(tmp_path / "y.mcap")
        assert again.complete
        assert again.messages == read_trace(cut).messages
        assert len(again.messages) <= full
        assert not any("index and summary" in finding.text for finding in verify(tmp_path / "y.mcap").findings)


def test_equal_runs_do_not_differ_and_exit_with_0(folder: Path) -> None:
    code, out, _ = call(f"trace diff {folder / 'seen.mcap'} {folder / 'same.mcap'}")
    assert code == 0
    assert re.fullmatch(r"the same: \d+ steps\n", out)


def test_the_first_answer_that_differs_is_told(folder: Path) -> None:
    code, out, _ = call(f"trace diff {folder / 'seen.mcap'} {folder / 'other.mcap'}")
    assert code == 1
    assert "'Is the arm there?' was answered: probabilities {'yes': 0.0, 'no': 1.0}" in out
    found = json.loads(call(f"trace diff {folder / 'seen.mcap'} {folder / 'other.mcap'} --json")[1])
    answers = [read_trace(folder / f"{name}.mcap").topic("/answers")[-1].data for name in ("seen", "other")]
    assert found["tick"] == answers[0]["tick"] == answers[1]["tick"]
    assert [found[side]["what"][0] for side in ("first", "second")] == ["answer", "answer"]


def test_what_runs_were_started_with_is_compared(folder: Path) -> None:
    found = difference(read_trace(folder / "plain.mcap"), read_trace(folder / "later.mcap"))
    assert found.starts == {"inputs": ({"who": "cup"}, {"who": "mug"})}
    assert found.tick == 0
    assert "input wrote who = 'cup'" in str(found)


def test_a_trace_without_an_end_differs_from_none_that_goes_on(folder: Path, tmp_path: Path) -> None:
    target = rewritten(
        folder / "plain.mcap",
        tmp_path / "x.mcap",
        lambda t, d: None if t == "/run" and d["event"] == "end" else d,
    )
    found = difference(read_trace(folder / "plain.mcap"), read_trace(target))
    assert (found.differs, found.short) == (False, True)


def piece(folder: Path, target: Path, begin: str, end: str) -> Any:
    code, _, err = call(f"trace cut {folder / 'seen.mcap'} {begin} {end} -o {target} --force")
    assert code == 0, err
    return read_trace(target)


def test_every_piece_of_a_run_is_a_whole_trace_with_the_state_at_its_end(folder: Path, tmp_path: Path) -> None:
    full = read_trace(folder / "seen.mcap")
    last = full.last_tick
    for begin in range(1, last, max(1, last // 6)):
        for end in range(begin, last, max(1, last // 6)):
            part = piece(folder, tmp_path / "p.mcap", f"--from {begin}", f"--to {end}")
            assert part.complete
            assert part.statuses() == full.statuses(end), (begin, end)
            assert part.blackboard() == full.blackboard(end)
            assert part.tree == full.tree
            found = verify(tmp_path / "p.mcap")
            assert found.whole, (begin, end, found)
            window = [m for m in part.messages if begin <= int(m.data.get("tick", 0)) <= end]
            assert window == [m for m in full.messages if begin <= int(m.data.get("tick", 0)) <= end]


def test_a_piece_that_lacks_only_the_begin_explains_the_same_end(folder: Path, tmp_path: Path) -> None:
    whole = explain(read_trace(folder / "plain.mcap"))
    cut_trace(folder / "plain.mcap", tmp_path / "p.mcap", Moment(tick=5), None)
    part = explain(read_trace(tmp_path / "p.mcap"))
    assert str(part) == str(whole)
    assert verify(tmp_path / "p.mcap").whole


def test_a_piece_by_times_says_where_it_is_from(folder: Path, tmp_path: Path) -> None:
    part = piece(folder, tmp_path / "p.mcap", "--from 0.3s", "--to 0.8s")
    assert part.start["cut"] == {"from": 0.3, "to": 0.8}
    assert max(m.time for m in part.messages) <= 0.8
    assert "which ends there" in str(explain(part))
    out = call(f"trace info {tmp_path / 'p.mcap'}")[1]
    assert "a piece of the run from 0.30 s to 0.80 s" in out
    again = tmp_path / "q.mcap"
    cut_trace(tmp_path / "p.mcap", again, None, Moment(time=0.5))
    assert read_trace(again).start["cut"] == {"from": 0.3, "to": 0.5}


@pytest.mark.parametrize(
    ("begin", "end"), [("--from 0.3s", ""), ("--from 7", ""), ("--from 3", "--to 9"), ("", "--to 9")]
)
def test_a_piece_does_not_differ_from_the_run_that_it_is_of(begin: str, end: str, folder: Path, tmp_path: Path) -> None:
    whole, part = read_trace(folder / "seen.mcap"), piece(folder, tmp_path / "p.mcap", begin, end)
    for found in (difference(whole, part), difference(part, whole)):
        assert (found.differs, found.since > 0, found.short) == (False, bool(begin), bool(end)), found
        assert found.equal > 1
        assert (f"what came before tick {found.since} is not compared" in str(found)) is bool(begin)
    other = difference(read_trace(folder / "other.mcap"), part)
    assert other.differs is not bool(end), "they differ only in their last answer"


BEGAN = 2733.5
"""What the clock of a machine may show when a run begins, [s]."""


def since_switched_on(source: Path, target: Path) -> Path:
    """Copy a trace as it would be on a robot, whose clock began long before the run."""
    file = TraceFile(target)
    for raw in RawTrace(source):
        file.add(raw.topic, raw.time_ns + round(BEGAN * 1e9), raw.text)
    file.finish()
    file.close()
    return target


def test_times_are_told_since_the_run_began_whatever_its_clock_shows(folder: Path, tmp_path: Path) -> None:
    late = since_switched_on(folder / "seen.mcap", tmp_path / "late.mcap")
    end = read_trace(folder / "seen.mcap").messages[-1].time
    refused = call(f"trace cut {late} --from 99s -o {tmp_path / 'p.mcap'}")[2]
    assert f"the trace ends before 99 s: at {end:.2f} s" in refused
    assert call(f"trace cut {late} --from 0.3s --to 0.8s -o {tmp_path / 'p.mcap'}")[0] == 0
    assert "a piece of the run from 0.30 s to 0.80 s" in call(f"trace info {tmp_path / 'p.mcap'}")[1]
    assert "a piece of a run, from 0.30 s to 0.80 s" in call(f"trace verify {tmp_path / 'p.mcap'}")[1]
    for name in ("html", "csv"):
        texts = []
        for trace in (folder / "seen.mcap", late):
            export(trace, tmp_path / f"x.{name}", force=True)
            texts.append((tmp_path / f"x.{name}").read_text(encoding="utf-8").replace("late.mcap", "seen.mcap"))
        assert texts[0] == texts[1]
    said = [
        str(difference(read_trace(each), read_trace(folder / "other.mcap"))) for each in (folder / "seen.mcap", late)
    ]
    assert said[0] == said[1]


def test_open_questions_and_their_pictures_come_along(folder: Path, tmp_path: Path) -> None:
    full = read_trace(folder / "seen.mcap")
    asked = full.topic("/questions")[0]
    (answer,) = [m for m in full.topic("/answers") if m.data["key"] == asked.data["key"]]
    tick = int(answer.data["tick"])
    part = piece(folder, tmp_path / "p.mcap", f"--from {tick}", f"--to {tick}")
    assert asked in part.messages
    assert answer in part.messages
    assert asked.data["frame"] in [m.data["frame_id"] for m in part.topic("/frames")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--from 9 --to 3 -o p.mcap", "there is nothing from tick 9 to tick 3"),
        ("--from 99min -o p.mcap", "the trace ends before 5940 s"),
        ("--from 99999 -o p.mcap", "the trace ends before tick 99999"),
        ("--from x -o p.mcap", "'x' is no moment"),
        ("-o p.zip", "p.zip does not end in .mcap"),
        ("-o seen.mcap", "seen.mcap is the trace itself"),
        ("-o same.mcap", "same.mcap is there already"),
        ("-o seen.mcap/x/p.mcap", "cannot write seen.mcap/x/p.mcap"),
    ],
)
def test_a_piece_that_cannot_be_cut_is_refused(
    words: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(file.name for file in folder.iterdir())
    code, _, err = call(f"trace cut seen.mcap {words}")
    assert code == 2
    assert said in err
    assert sorted(file.name for file in folder.iterdir()) == before


def test_lines_hold_every_message(folder: Path, tmp_path: Path) -> None:
    assert call(f"trace export {folder / 'seen.mcap'} -o {tmp_path / 'x.jsonl'}")[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines()]
    messages = read_trace(folder / "seen.mcap").messages
    assert [(row["topic"], row["time_ns"] * 1e-9, row["data"]) for row in rows] == [tuple(m) for m in messages]


def test_the_table_has_statuses_entries_answers_and_joints(folder: Path, tmp_path: Path) -> None:
    assert call(f"trace export {folder / 'seen.mcap'} -o {tmp_path / 'x.csv'}")[0] == 0
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    trace = read_trace(folder / "seen.mcap")
    statuses = [(row["what"], row["value"]) for row in rows if row["channel"] == "status"]
    names = [node.path for node in History(trace).nodes]
    assert statuses == [(names[c["node"]], c["status"]) for m in trace.topic("/status") for c in m.data["changes"]]
    answers = [(row["what"], row["value"], row["more"]) for row in rows if row["channel"] == "answers"]
    assert ("Is there a cup?", "yes", "p 1.000") in answers
    assert ("every loose object", "2 found: red cube, green can", "") in answers
    joint = [float(row["value"]) for row in rows if row["what"] == "panda_joint1"]
    assert joint == [m.data["q"][0] for m in trace.topic("/joints")]
    assert [json.loads(row["value"]) for row in rows if row["what"] == "n"] == [2]


def test_a_cell_is_no_formula(tmp_path: Path) -> None:
    plain_run(tmp_path / "x.mcap", "S", who="=HYPERLINK(1)")
    call(f"trace export {tmp_path / 'x.mcap'} -o {tmp_path / 'x.csv'}")
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_the_sheet_shows_the_pictures_that_were_asked_about(folder: Path, tmp_path: Path) -> None:
    code, out, _ = call(f"trace export {folder / 'seen.mcap'} -o {tmp_path / 'x.png'}")
    assert code == 0
    assert out == f"{tmp_path / 'x.png'}: {len(read_trace(folder / 'seen.mcap').topic('/frames'))} pictures\n"
    sheet = Image.open(tmp_path / "x.png").convert("RGB")
    assert sheet.width > 320
    colors = {color for _, color in sheet.getcolors(1 << 24) or ()}
    assert (0x19, 0xBF, 0xFF) in colors, "no box is drawn"
    assert call(f"trace export {folder / 'plain.mcap'} -o {tmp_path / 'y.png'}")[0] == 2


class Page(HTMLParser):
    """What a browser would make of a page: its tags, what they point to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.points_to: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.points_to += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_one_file_that_asks_for_no_other(folder: Path, tmp_path: Path) -> None:
    assert call(f"trace export {folder / 'seen.mcap'} -o {tmp_path / 'x.html'}")[0] == 0
    page = Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert page.points_to
    assert all(target.startswith("data:image/jpeg;base64,") for target in page.points_to)
    assert "script" not in page.tags
    assert page.tags.count("figure") == len(read_trace(folder / "seen.mcap").topic("/frames")) > 0
    assert page.tags.count("rect") > 10
    assert "looks succeeded" in page.text
    assert "every loose object → 2 found: red cube, green can" in page.text


def test_whatever_stands_in_a_trace_is_only_text_in_the_report(tmp_path: Path) -> None:
    for number, path in enumerate((tmp_path / "a.mcap", tmp_path / "b.mcap")):
        if number:
            plain_run(path, "F", PLAIN.replace("- home", f"- home:\n      name: {json.dumps(HOSTILE)}"), who=HOSTILE)
        else:
            seen_run(path, label=HOSTILE)
        code, _, err = call(f"trace export {path} -o {path.with_suffix('.html')}")
        assert code == 0, err
        page = Page(path.with_suffix(".html").read_text(encoding="utf-8"))
        assert "script" not in page.tags
        assert page.handlers == []
        assert all(target.startswith("data:image/") for target in page.points_to)
        assert "<script>alert(" in page.text


def test_a_picture_that_is_none_is_left_out_of_the_report(folder: Path, tmp_path: Path) -> None:
    def change(topic: str, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "data": "' onload='alert(1)"} if topic == "/frames" else data

    rewritten(folder / "seen.mcap", tmp_path / "x.mcap", change)
    assert call(f"trace export {tmp_path / 'x.mcap'} -o {tmp_path / 'x.html'}")[0] == 0
    page = Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert page.points_to == []
    assert page.handlers == []


@pytest.mark.parametrize("command", ["info", "verify", "export -o x.html", "cut -o x.mcap", "diff good.mcap"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x89MCAP0\r\n", b"\x89PNG\r\n\x1a\n", None])
def test_what_is_no_trace_is_refused_or_told_as_empty(
    command: str, content: bytes | None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.mcap").write_bytes((folder / "plain.mcap").read_bytes())
    if content is not None:
        (tmp_path / "bad.mcap").write_bytes(content)
    name, *rest = command.split()
    code, out, err = call(f"trace {name} bad.mcap {' '.join(rest)}")
    if content == b"\x89MCAP0\r\n" and name != "export":
        assert code in (0, 1), err
        return
    assert code == 2
    assert out == ""
    assert "fix:" in err
    assert not (tmp_path / "x.html").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_form_that_is_unknown_and_a_file_that_is_there_are_refused(folder: Path, tmp_path: Path) -> None:
    trace = folder / "plain.mcap"
    code, _, err = call(f"trace export {trace} -o {tmp_path / 'x.pdf'}")
    assert (code, "tells no form to write" in err) == (2, True)
    (tmp_path / "x.csv").write_text("mine")
    code, _, err = call(f"trace export {trace} -o {tmp_path / 'x.csv'}")
    assert (code, "is there already" in err) == (2, True)
    assert (tmp_path / "x.csv").read_text() == "mine"
    assert call(f"trace export {trace} -o {tmp_path / 'x.pdf'} --to jsonl")[0] == 0


def test_a_length_that_is_a_lie_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_bytes(b"\x89MCAP0\r\n" + struct.pack("<BQ", 6, 1 << 40) + b"x" * 100)
    found = verify(tmp_path / "x.mcap")
    assert any("109 bytes of a record" in finding.text for finding in found.findings)


@pytest.mark.parametrize("data", [{}, {"tick": "x"}, {"nodes": 3, "changes": [1], "event": "reload", "tick": 1}, [], 7])
@pytest.mark.parametrize(
    "command", ["info", "verify", "export -o x.html", "export -o x.csv", "cut -o x.mcap", "diff y"]
)
def test_what_another_program_wrote_is_refused_or_told_as_wrong(
    command: str, data: object, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = TraceFile(tmp_path / "x")
    for topic in ("/run", "/tree", "/status", "/blackboard", "/questions", "/answers", "/frames", "/joints", "/log"):
        file.add(topic, 0, json.dumps(data).encode())
    file.finish()
    file.close()
    (tmp_path / "y").write_bytes((folder / "plain.mcap").read_bytes())
    name, *rest = command.split()
    code, _, err = call(f"trace {name} x {' '.join(rest)}")
    assert code in (0, 1, 2), err
    assert "fault:" not in err
    assert (code == 2) == ("fix:" in err)
    assert name != "verify" or code == 1


def test_a_piece_says_where_it_begins_when_it_is_asked_for_what_was_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cut_trace(folder / "plain.mcap", Path("p.mcap"), Moment(tick=5), None)
    for command in ("why p.mcap --at", "draw p.mcap --at"):
        for moment, said in (("4", "tick 4"), ("0.1s", "0.1 s")):
            code, out, err = call(f"{command} {moment}")
            assert (code, out) == (2, "")
            assert f"there is no {said}: this piece begins at 0.2 s / tick 5\n  fix:  ask for a later one" in err
        assert call(f"{command} 5")[0] == call(f"{command} 0.2s")[0] == 0
        assert call(f"{command.replace('p.mcap', str(folder / 'plain.mcap'))} 4")[0] == 0
    code, _, err = call("replay p.mcap")
    assert code == 2
    assert "a piece of a trace cannot be replayed: this piece begins at 0.2 s / tick 5\n  why:  a replay begins" in err
    assert "killed" not in err
    cut_trace(Path("p.mcap"), Path("q.mcap"), Moment(time=0.05), None)  # a piece of a piece begins where that began
    assert read_trace(Path("q.mcap")).start["cut"]["from"] == 0.2


def foreign(path: Path, *messages: tuple[str, object]) -> Path:
    file = TraceFile(path)
    for number, (topic, data) in enumerate(messages):
        file.add(topic, number * 10**9, json.dumps(data).encode())
    file.finish()
    file.close()
    return path


@pytest.mark.parametrize(
    ("command", "code"),
    [
        *[(name, 2) for name in ("why F", "draw F", "replay F", "run --resume F", "trace export F -o x.html")],
        *[("report F", 0), ("trace info F", 0), ("trace verify F", 1), ("trace cut F --from 0s -o y.mcap", 2)],
        ("trace diff F good.mcap", 1),
    ],
)
def test_messages_of_others_that_are_no_objects_do_no_harm(
    command: str, code: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    foreign(Path("F"), ("/imu", [1, 2, 3]), ("/run", [1]), ("/tree", "x")).rename("F.mcap")
    (tmp_path / "good.mcap").write_bytes((folder / "plain.mcap").read_bytes())
    found, _, err = call(command.replace("F", "F.mcap"))
    assert (found, "fault" in err) == (code, False), err


def test_a_trace_that_holds_nothing_is_the_same_as_no_other(folder: Path, tmp_path: Path) -> None:
    nothing = foreign(tmp_path / "x.mcap", ("/log", {"message": "hi"}))
    code, out, _ = call(f"trace diff {nothing} {folder / 'plain.mcap'}")
    assert (code, out.splitlines()[0]) == (1, "nothing was compared: a trace holds nothing that its run did")
    assert json.loads(call(f"trace diff {nothing} {nothing} --json")[1])["compared"] is False
