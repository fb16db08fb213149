"""The report tells, per node and question, what was asked, what it cost, and how right it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from knothole.app.reporting.collecting import ReportError, gather, p95, reliability
from knothole.app.reporting.command import report_on
from knothole.app.reporting.judging import is_right, is_unsure
from knothole.app.reporting.plots import answers_bar, latency_plot, reliability_plot
from knothole.app.running.keeping import Keeper, NoTruthError
from knothole.app.settings.secrets import without_secrets
from knothole.behaviors.context import Context
from knothole.tests.calling import call
from knothole.tests.test_run import REACH
from knothole.trees.tracing.trace import TraceWriter
from knothole.vlm.scene_text.comparing import HANGS

Trace = Callable[..., Path]
HOSTILE = "Is <script>alert(1)</script> & \"this\" 'safe'?"


def asked(asker: str, text: str = "Is there a cup?", frame: str = "table#1", **more: object) -> dict[str, object]:
    base = {"tick": 1, "asker": asker, "kind": "yes_no", "text": text, "key": text, "frame": frame, "shared": False}
    return {**base, **more}


def answered(p: float, text: str = "Is there a cup?", frame: str = "table#1", **more: object) -> dict[str, object]:
    base = {"tick": 3, "kind": "yes_no", "question": text, "key": text, "frame": frame, "asked_at": 0.0}
    said = {"probabilities": {"yes": p, "no": 1 - p}, "neither": 0.0, "latency": 0.2, "cost": 0.01, "tokens": 50}
    return {**base, **said, "problem": "", **more}


def true(yes: bool, text: str = "Is there a cup?", frame: str = "table#1") -> dict[str, object]:
    chances = {"yes": float(yes), "no": float(not yes)}
    return {"tick": 1, "kind": "yes_no", "question": text, "key": text, "frame": frame, "probabilities": chances}


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    def write(name: str, *messages: tuple[str, float, dict[str, object]]) -> Path:
        writer = TraceWriter(tmp_path / name)
        writer.put("/run", 0.0, {"event": "start", "tree": "tidy", "scene": "table", "seed": 1, "vlm": "embedded"})
        for topic, now, data in messages:
            writer.put(topic, now, data)
        writer.put("/run", 9.0, {"event": "end", "status": "SUCCESS"})
        writer.close()
        return tmp_path / name

    return write


def test_rows_count_what_was_asked_shared_answered_and_paid(trace: Trace) -> None:
    path = trace(
        "a.mcap",
        ("/questions", 0.0, asked("tidy/see")),
        ("/truth", 0.0, true(True)),
        ("/questions", 0.0, asked("tidy/see", "Is it red?")),
        ("/questions", 0.0, asked("tidy/guard", shared=True)),
        ("/answers", 0.3, answered(0.9)),
        ("/answers", 0.3, answered(0.5, "Is it red?", latency=0.4)),
        ("/questions", 0.5, asked("tidy/late", shared=True)),
        ("/questions", 0.5, asked("tidy/see", frame="table#2", tick=4)),
    )
    data: Any = report_on([path]).to_json()
    rows = {(row["node"], row["question"]): row for row in data["questions"]}
    cup = rows["tidy/see", "Is there a cup?"]
    assert (cup["asked"], cup["shared"], cup["answered"], cup["calls"]) == (2, 0, 1, 2)
    assert (cup["latency_median_s"], cup["delay_median_s"], cup["cost_usd"], cup["tokens"]) == (0.2, 0.3, 0.01, 50)
    assert (cup["said"], cup["accuracy"], cup["known"]) == ({"yes": 1}, 1.0, 1)
    shared = rows["tidy/guard", "Is there a cup?"]
    assert (shared["asked"], shared["shared"], shared["answered"], shared["calls"], shared["cost_usd"]) == (
        1,
        1,
        1,
        0,
        0,
    )
    assert rows["tidy/late", "Is there a cup?"]["answered"] == 1
    red = rows["tidy/see", "Is it red?"]
    assert (red["unsure"], red["accuracy"], red["said"]) == (1.0, None, {"unsure": 1})
    total = data["total"]
    assert (total["asked"], total["shared"], total["answered"], total["calls"]) == (5, 2, 2, 2)
    assert total["cost_usd"] == pytest.approx(0.02)
    assert total["latency_p95_s"] == 0.4
    assert data["traces"][0]["tree"] == "tidy"


@pytest.mark.parametrize(
    ("answer", "truth", "right"),
    [
        ({"kind": "yes_no", "probabilities": {"yes": 0.6}}, {"probabilities": {"yes": 1.0, "no": 0.0}}, True),
        ({"kind": "yes_no", "probabilities": {"yes": 0.6}}, {"probabilities": {"yes": 0.0, "no": 1.0}}, False),
        ({"kind": "yes_no", "problem": "refused"}, {"probabilities": {"yes": 1.0}}, None),
        ({"kind": "choice", "probabilities": {"a": 0.9}}, {"probabilities": {"a": 0.0}, "neither": 1.0}, None),
        ({"kind": "ground", "regions": [{"box_xyxy": [0, 0, 0.5, 0.5]}]},
         {"regions": [{"box_xyxy": [0, 0, 0.5, 0.45]}]}, True),
        ({"kind": "ground", "regions": []}, {}, True),
        ({"kind": "ground", "regions": [{"box_xyxy": [0, 0, 0.5, 0.5]}]}, {}, False),
        ({"kind": "plan", "data": [1]}, {"data": [1]}, True),
        ({"kind": "plan", "data": [1]}, {"data": [2]}, False),
        ({"kind": "describe", "text": "a"}, {"text": "b"}, None),
    ],
)  # fmt: skip
def test_an_answer_is_right_wrong_or_nobody_knows(answer: Any, truth: Any, right: bool | None) -> None:
    assert is_right(answer, truth) is right
    assert is_unsure({"kind": "yes_no", "probabilities": {"yes": 0.79}})
    assert not is_unsure({"kind": "ground"})


def test_calibration_is_told_where_truth_is_known(trace: Trace) -> None:
    messages: list[tuple[str, float, dict[str, object]]] = []
    for number in range(20):
        frame = f"table#{number}"
        messages += [
            ("/questions", 0.0, asked("t/see", frame=frame)),
            ("/truth", 0.0, true(number % 4 != 0, frame=frame)),
            ("/answers", 0.1, answered(0.95, frame=frame)),
        ]
    total: Any = report_on([trace("a.mcap", *messages)]).to_json()["total"]
    assert total["accuracy"] == 0.75
    assert total["calibration_error"] == pytest.approx(0.2)
    assert reliability([(0.95, True), (0.95, False), (0.1, True)]) == [(0.1, 1.0, 1), (0.95, 0.5, 2)]
    assert (p95([]), p95([1.0]), p95([float(n) for n in range(100)])) == (None, 1.0, 94.0)


def test_several_traces_and_folders_add_up_and_bad_ones_among_them_are_said(trace: Trace, tmp_path: Path) -> None:
    messages = (("/questions", 0.0, asked("t/see")), ("/answers", 0.1, answered(0.9)))
    first = trace("a.mcap", *messages)
    trace("b.mcap", *messages)
    whole = first.read_bytes()
    (tmp_path / "c.mcap").write_bytes(whole[: len(whole) - 40])
    (tmp_path / "d.mcap").write_text("hello", encoding="utf-8")
    report = report_on([tmp_path])
    assert [source.path.name for source in report.gathered.sources] == ["a.mcap", "b.mcap", "c.mcap", "d.mcap"]
    assert report.gathered.total.asked >= 2
    notes = "\n".join(report.notes)
    assert f"{tmp_path / 'c.mcap'} ends in the middle: the report is about what is in it" in notes
    assert f"{tmp_path / 'd.mcap'} was left out: {tmp_path / 'd.mcap'} is no trace (no MCAP file)" in notes


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.mcap", None, "cannot read the trace gone.mcap: No such file"),
        ("x.mcap", b"", "x.mcap is no trace (no MCAP file)"),
        ("x.mcap", b"hello", "x.mcap is no trace (no MCAP file)"),
        ("folder", b"", "there is no trace in folder\n  fix:  name a trace, or a folder of them"),
    ],
)
def test_what_is_no_trace_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "folder":
        Path(name).mkdir()
    elif content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(ReportError) as caught:
        gather([Path(name)])
    assert message in str(caught.value)
    assert call(f"vlm report {name}")[0] == 2


def test_a_trace_without_questions_says_so(trace: Trace, tmp_path: Path) -> None:
    report = report_on([trace("a.mcap")], tmp_path / "out" / "r.html")
    assert report.notes == ["no question was asked"]
    assert "no question was asked" in (tmp_path / "out" / "r.html").read_text(encoding="utf-8")


def test_a_trace_cut_anywhere_gives_a_partial_report(trace: Trace, tmp_path: Path) -> None:
    rows = [(("/questions", 0.0, asked("t/see", frame=f"f{n}")), ("/answers", 0.1, answered(0.9, frame=f"f{n}")))
            for n in range(20)]  # fmt: skip
    whole = trace("a.mcap", *(message for pair in rows for message in pair)).read_bytes()
    for size in range(8, len(whole), len(whole) // 40):
        (tmp_path / "cut.mcap").write_bytes(whole[:size])
        report = report_on([tmp_path / "cut.mcap"])
        assert "ends in the middle" in report.notes[0]
        assert report.gathered.orphans == 0


class _Strict(HTMLParser):
    """Collects tags, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def test_the_page_has_plots_asks_for_nothing_and_escapes_everything(trace: Trace, tmp_path: Path) -> None:
    path = trace(
        "a.mcap",
        ("/questions", 0.0, asked(HOSTILE, HOSTILE)),
        ("/truth", 0.0, true(True, HOSTILE)),
        ("/answers", 0.3, answered(0.9, HOSTILE, probabilities={HOSTILE: 0.9, "no": 0.1})),
        ("/questions", 0.0, asked("t/see", frame="f")),
        ("/truth", 0.0, true(True, frame="f")),
        ("/answers", 0.3, answered(0.9, frame="f", problem=f"{HANGS}, 'yes': …")),
    )
    out = tmp_path / "r.html"
    code, text, _ = call(f"vlm report {path} --html {out}")
    assert code == 0
    assert "note: unsure because they hang on words in the picture: 1" in text
    page = out.read_text(encoding="utf-8")
    strict = _Strict()
    strict.feed(page)
    assert strict.tags.count("svg") == 4  # two plots, and a bar of each question
    assert "script" not in strict.tags
    assert strict.fetched == []
    assert not re.search(r"https?:|url\(|@import", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in page


def test_json_is_the_same_report(trace: Trace) -> None:
    path = trace("a.mcap", ("/questions", 0.0, asked("t/see")), ("/answers", 0.1, answered(0.9)))
    code, text, _ = call(f"vlm report {path} --json")
    assert code == 0
    assert json.loads(text) == json.loads(json.dumps(report_on([path]).to_json()))


def test_plots_take_odd_numbers() -> None:
    for values in ([], [0.0], [0.0, 0.0], [1e-9, 1e9], [0.1], [1.0]):
        assert latency_plot(values).endswith("</svg>")
    assert reliability_plot([]).endswith("</svg>")
    assert answers_bar({}) == ""
    assert "unsure" in answers_bar({"yes": 1, "unsure": 3})


def test_a_page_that_cannot_be_written_says_so(trace: Trace, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot write the report"):
        report_on([trace("a.mcap")], tmp_path)


@pytest.mark.long(minutes=0.3)
def test_truth_is_noted_in_simulation_and_the_report_knows_how_right_the_model_was(
    tmp_path: Path, knothole: Any
) -> None:
    (tmp_path / "reach.yaml").write_text(REACH, encoding="utf-8")
    line = ("run", "reach.yaml", "--scene", "tidy_table", "--truth", "--trace", "t.mcap", "--cassette", "c.jsonl")
    plain = knothole(*line[:4], "--vlm", "embedded", "--json", "--max-time", "3", cwd=tmp_path)
    done = knothole(*line, "--vlm", "embedded", "--json", "--max-time", "3", cwd=tmp_path)
    assert json.loads(done.stdout)["digest"] == json.loads(plain.stdout)["digest"]
    data: Any = report_on([tmp_path / "t.mcap"]).to_json()
    assert data["total"]["known"] >= 2
    assert 0 <= data["total"]["accuracy"] <= 1
    assert {row["node"] for row in data["questions"]} == {"reach/sequence/see", "reach/sequence/move_to"}


def test_without_a_simulated_world_there_is_no_truth() -> None:
    with pytest.raises(NoTruthError, match="there is no truth to note"):
        Keeper(lambda event: None).tell_truth(None, Context())


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"api_key": "sk-1", "token": "t", "password": "p", "max_tokens": 9}, {"max_tokens": 9}),
        ({"headers": {"X-Any": "v"}, "Authorization": "Bearer x"}, {}),
        ({"api_key_env": "A_KEY", "key_file": "~/.key"}, {"api_key_env": "A_KEY", "key_file": "~/.key"}),
        ({"base_url": "https://me:pw@host/v1?api_key=abc&n=1"}, {"base_url": "https://…@host/v1?api_key=…&n=1"}),
        ({"chain": [{"key": "secret"}]}, {"chain": [{"key": "…"}]}),
    ],
)  # fmt: skip
def test_no_secret_is_written_down(settings: dict[str, Any], shown: dict[str, Any]) -> None:
    found = without_secrets(settings)
    assert {name: value for name, value in found.items() if name in shown} == shown
    assert all(value == "…" or value == {"X-Any": "…"} for name, value in found.items() if name not in shown)
