"""Files nested up to a hundred thousand levels deep: each command says so and exits with 2, whichever file it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from knothole._base import parse_json
from knothole.tests.calling import call
from knothole.trees.tracing.trace_file import TraceFile
from knothole.vlm.calibration import Calibration
from knothole.vlm.contract import BackendError
from knothole.vlm.learned import Knowledge

LEVELS = 100_000
DEEP = "[" * LEVELS + "]" * LEVELS
YAML = "[" * 3000 + "]" * 3000
TREE = 'knothole: 1\ntree: t\nroot: {see: {question: "Is a hand there?"}}\n'
CASSETTE = '{"knothole_cassette":1}\n'


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {
        "tree.yaml": TREE,
        "deep.json": DEEP,
        "deep.yaml": YAML,
        "steep.yaml": "[" * 600 + "]" * 600,
        "deep.xml": f'<root BTCPP_format="4">{"<Sequence>" * LEVELS}{"</Sequence>" * LEVELS}</root>',
        "head.jsonl": f"{DEEP}\n{DEEP}\n",
        "row.jsonl": f"{CASSETTE}{DEEP}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    trace = TraceFile(tmp_path / "deep.mcap")
    trace.add("/run", 0, json.dumps({"event": "start", "tree": "t"}).encode())
    trace.add("/log", 1, DEEP.encode())
    trace.finish()
    trace.close()
    return tmp_path


COMMANDS = {
    "check deep.yaml": "nested deeper",
    "run deep.yaml --robot none": "nested deeper",
    "draw deep.yaml": "nested deeper",
    "fmt deep.yaml": "nested deeper",
    "test deep.yaml": "nested deeper",
    "rehearse deep.json": "deep.json is no JSON: nested too deep",
    "convert deep.xml": "nested deeper",
    "check tree.yaml --invariants deep.yaml": "nested deeper",
    "run tree.yaml --human deep.yaml": "nested deeper",
    "run tree.yaml --params deep.yaml": "nested deeper",
    "run tree.yaml --mock deep.yaml": "nested deeper",
    "run tree.yaml --scene steep.yaml": "nested too deep",
    "run tree.yaml --vlm scripted:steep.yaml": "nested too deep",
    "run tree.yaml --vlm replay:head.jsonl": "head.jsonl is no cassette",
    "run tree.yaml --vlm replay:row.jsonl": "no JSON: nested too deep",
    "trace cut deep.mcap --from 0s -o cut.mcap": "the message of /log at 0.00 s cannot be read: nested too deep",
    "vlm train steep.yaml": "nested too deep",
}


@pytest.mark.parametrize(("line", "said"), COMMANDS.items())
def test_a_file_nested_too_deep_is_a_mistake_of_its_author(there: Path, line: str, said: str) -> None:
    code, out, err = call(line)
    assert said in err
    assert "fix:" in err
    assert code == 2, out


def test_a_trace_with_a_message_nested_too_deep_is_read_as_far_as_it_goes(there: Path) -> None:
    for command in ("trace info", "trace verify", "why", "report", "replay"):
        code, out, err = call(f"{command} deep.mcap")
        assert "fault" not in out + err, command
        assert code in (0, 1, 2), command


def test_a_configuration_nested_too_deep_is_refused(there: Path) -> None:
    (there / "knothole.toml").write_text(f"vlm = {DEEP}\n", encoding="utf-8")
    code, _, err = call("check tidy_table")
    assert code == 2
    assert err == f"error: {there / 'knothole.toml'}: nested too deep\n  fix:  close each bracket, and nest less\n"


def test_a_plan_nested_too_deep_is_refused(there: Path, knothole: Callable[..., CompletedProcess[str]]) -> None:
    done = knothole("rehearse", str(there / "deep.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: {there / 'deep.json'} is no JSON: nested too deep\n"
        "  fix:  write a list of steps, each {skill, args}\n"
    )


def test_files_beside_weights_that_are_nested_too_deep_are_refused(tmp_path: Path) -> None:
    for name, read in (("calibration.json", Calibration.read), ("learned.json", Knowledge.read)):
        (tmp_path / name).write_text(DEEP, encoding="utf-8")
        with pytest.raises(BackendError, match="nested too deep"):
            read(tmp_path)


def test_json_from_outside_is_read_or_is_a_value_error() -> None:
    assert parse_json('{"a": [1]}') == {"a": [1]}
    for text, said in (("[", "Expecting value"), (DEEP, "nested too deep"), (b"\xff\xfe\xfd", "decode")):
        with pytest.raises(ValueError, match=said):
            parse_json(text)
