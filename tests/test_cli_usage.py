"""The command line as a user meets it: help, bad input, exit codes. Each process does as much as it sensibly can."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from knothole.tests.calling import call

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]

COMMANDS = (
    "run",
    "why",
    "replay",
    "view",
    "trace info",
    "trace export",
    "trace cut",
    "trace diff",
    "trace verify",
    "check",
    "nodes",
    "draw",
    "ask",
    "eval",
    "vlm train",
    "vlm data",
    "vlm eval",
    "vlm serve",
    "vlm probe",
    "new",
    "doctor",
    "runs",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_shows_an_example(command: str) -> None:
    code, out, _ = call(f"{command} --help")
    assert code == 0
    assert f"example:  knothole {command}" in out


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file for each thing that can be wrong with a tree."""
    monkeypatch.chdir(tmp_path)
    head = "knothole: 1\ntree: t\nroot:\n"
    files = {
        "good": head + "  say: hello\n",
        "empty": "",
        "tabs": head + "\tsay: hello\n",
        "unknown_node": head + "  sya: hello\n",
        "unknown_port": head + "  say: {text: hello, txet: hello}\n",
        "misspelled_key": "knothole: 1\ntere: t\nroot:\n  say: hello\n",
        "wrong_type": head + "  repeat: {times: many, child: home}\n",
        "wrong_unit": head + "  wait: 5cm\n",
        "no_unit": head + "  wait: 5\n",
        "duplicate_key": head + "  say: hello\n  say: hello\n",
        "includes_itself": head + "  use: {tree: t}\n",
        "never_set": head + "  say: $nobody\n",
        "cut_by_comma": head + "  see: {question: Is it red, or blue?}\n",
        "cut_by_comment": head + "  see: {question: Is it number #1?}\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "not_utf8.yaml").write_bytes(head.encode() + b"  say: caf\xe9\n")
    (tmp_path / "nested.yaml").write_text("[" * 10_000_000, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "torn.yaml").write_text("scene: torn\nobjects: [a, b: }\n", encoding="utf-8")
    (tmp_path / "odd.yaml").write_text("scene: odd\nobjects:\n- obejct: x\n", encoding="utf-8")
    (tmp_path / "broken.urdf").write_text("<robot><link></robot>", encoding="utf-8")
    (tmp_path / "duck.urdf").write_text("<robot name='duck'><link name='duck'/></robot>", encoding="utf-8")
    (tmp_path / "notes.mcap").write_text("notes", encoding="utf-8")
    (tmp_path / "full.mcap").symlink_to("/dev/full")
    (tmp_path / "picture.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "list.yaml").write_text("[a, b]", encoding="utf-8")
    (tmp_path / "text_lr.yaml").write_text("lr: abc", encoding="utf-8")
    (tmp_path / "stage_foo.yaml").write_text("stage: foo", encoding="utf-8")
    return tmp_path


BAD_TREES = [
    ("missing_file.yaml", "missing_file.yaml:1:1: error K"),
    ("folder", "folder:1:1: error K"),
    ("empty.yaml", "empty.yaml:1:1: error K"),
    ("tabs.yaml", "tabs.yaml:4:1: error K"),
    ("unknown_node.yaml", "unknown_node.yaml:4:3: error K101: unknown node 'sya'"),
    ("unknown_port.yaml", "unknown_port.yaml:4:22: error K102"),
    ("misspelled_key.yaml", "misspelled_key.yaml:2:1: error K"),
    ("wrong_type.yaml", "wrong_type.yaml:4:19: error K105"),
    ("wrong_unit.yaml", "wrong_unit.yaml:4:9: error K106"),
    ("no_unit.yaml", "no_unit.yaml:4:9: error K106"),
    ("duplicate_key.yaml", "duplicate_key.yaml:5:3: error K"),
    ("includes_itself.yaml", "includes_itself.yaml:4:15: error K118"),
    ("never_set.yaml", "never_set.yaml:4:8: error K"),
    ("cut_by_comma.yaml", "cut_by_comma.yaml:4:"),
    ("cut_by_comment.yaml", "cut_by_comment.yaml:4:"),
    ("not_utf8.yaml", "not_utf8.yaml:4:11: error K"),
    ("nested.yaml", "nested.yaml:1:"),
]


@pytest.mark.parametrize(("tree", "place"), BAD_TREES, ids=[tree for tree, _ in BAD_TREES])
def test_a_bad_tree_is_refused_with_place_and_fix_by_every_command(project: Path, tree: str, place: str) -> None:
    code, out, err = call(f"check {tree}")
    assert (code, out) == (2, "")
    assert place in err
    assert "\n  fix:  " in err
    assert "Traceback" not in err
    run_code, run_out, run_err = call(f"run {tree} --robot kinematic")
    assert (run_code, run_out) == (2, "")
    assert err.startswith(run_err.strip())
    json_code, json_out, _ = call(f"check {tree} --json")
    rows = json.loads(json_out)
    assert json_code == 2
    assert set(rows[0]) == {"file", "line", "column", "severity", "code", "message", "hint"}
    assert any(place.startswith(f"{row['file']}:{row['line']}:") for row in rows)


BAD_CALLS = [
    ("rnu good.yaml", "did you mean:  run"),
    ("run", "required: TREE"),
    ("run good.yaml --sede 3", "did you mean:  --seed"),
    ("run good.yaml --seed -1", "'-1' is no seed, write a whole number from 0 to 99999"),
    ("run good.yaml --seed 1000000", "'1000000' is no seed"),
    ("run good.yaml --rate 0", "'0' is no tick rate"),
    ("run good.yaml --rate fast", "'fast' is no tick rate"),
    ("run good.yaml --max-time -3", "'-3' is no time"),
    ("run good.yaml --set greeting", "'greeting' is no setting, write NAME=VALUE"),
    ("run tidy_table --set contaner=x", "did you mean:  container"),
    ("run good.yaml --set a=1 --set a=2", "--set gives an input twice"),
    ("run good.yaml --vlm embeded", "unknown backend 'embeded'\n  did you mean:  embedded"),
    ("run tidy_table --vlm scripted:gone.yaml --robot kinematic", "gone.yaml"),
    ("run good.yaml --robot pandas", "unknown robot 'pandas'\n  did you mean:  panda"),
    ("run good.yaml --scene tabel", "unknown scene 'tabel'\n  did you mean:  table"),
    ("run good.yaml --scene gone.urdf", "unknown scene 'gone.urdf'"),
    ("run good.yaml --scene folder/", ""),
    ("run good.yaml --robot kinematic --gui", "no simulator window"),
    ("run good.yaml --robot none --scene table", "the scene 'table' is not shown: there is no robot"),
    ("run good.yaml --robot none --disturb 3", "nothing can be disturbed: the robot 'none' is in no simulated world"),
    ("run good.yaml --robot kinematic --disturb 3", "nothing can be disturbed: the robot 'kinematic' is in no"),
    ("draw good.yaml --layout dot", "dot lays out no text\n  fix:  name a file with -o"),
    ("replay notes.mcap --force", "--force replaces a file, and -o names none"),
    ("run good.yaml --scene torn.yaml", "torn.yaml:2:17: error: no valid YAML"),
    ("run good.yaml --scene nested.yaml", "nested.yaml:1:1: error: nested too deep"),
    ("run tidy_table --robot kinematic --vlm scripted:nested.yaml", "nested.yaml:1:1: error: nested too deep"),
    ("run good.yaml --scene odd.yaml", "odd.yaml:3:3: error: unknown key 'obejct'\n    3 | - obejct: x\n"),
    ("run good.yaml --scene broken.urdf", "broken.urdf:1:16: error: no valid XML: mismatched tag\n"),
    ("run good.yaml --scene duck.urdf --robot kinematic", "'kinematic' cannot show duck.urdf\n  why:  "),
    ("run good.yaml --robot kinematic --trace folder", "cannot write the trace folder"),
    ("run good.yaml --robot kinematic --trace good.yaml", "good.yaml: its name does not end in .mcap"),
    ("run good.yaml --robot kinematic --trace /dev/full", "/dev/full: its name does not end in .mcap"),
    ("run good.yaml --robot kinematic --trace full.mcap", "full.mcap: it is no ordinary file"),
    ("run good.yaml --robot kinematic --trace notes.mcap", "a file that is no trace is there already"),
    ("run good.yaml --robot kinematic --trace good.yaml/a.mcap", "cannot write the trace good.yaml/a.mcap"),
    ("run good.yaml --trace picture.mcap", "the picture beside the trace would replace picture.png"),
    ("run tidy_table --robot kinematic --vlm oracle", "the oracle needs a simulated world"),
    ("eval tidy_table --seeds 9-3", "the range 9-3 runs backwards\n  fix:  write 3-9"),
    ("eval tidy_table --seeds x", "'x' is no range of seeds"),
    ("eval tidy_table --seeds 0-1000000", "is too large"),
    ("eval tidy_table --workers 0", "'0' is no count"),
    ("eval good.yaml --scene table --vlm oracle", "success cannot be judged"),
    ("ask gone.png 'Is it red?'", "there is no file gone.png"),
    ("ask folder 'Is it red?'", "folder is a directory"),
    ("ask gone.png 'Did it move?' --before folder", "there is no file gone.png"),
    ("ask picture.png 'Is it red?'", "picture.png is no picture"),
    ("nodes pik", "unknown node 'pik'\n  did you mean:  pick"),
    ("draw good.yaml -o good.jpg", "no picture format 'jpg'"),
    ("draw good.yaml --heat time", "--heat needs a recorded run"),
    ("draw good.yaml -o gone/good.svg", "gone"),
    ("new tree Good-Name", "did you mean:  good_name"),
    ("new tree good", "good.yaml is there already"),
    ("new leaf class", "'class' is not a name"),
    ("replay", "there is no run in runs/"),
    ("replay good.yaml", "good.yaml is no trace"),
    ("replay gone.mcap", "there is no trace gone.mcap"),
    ("vlm", "required: WHAT"),
    ("vlm serve --port 99999", "'99999' is no port"),
    ("vlm serve --host 0.0.0.0", "--host 0.0.0.0 is reachable from other machines"),
    ("vlm serve --vlm embeded", "unknown backend 'embeded'\n  did you mean:  embedded"),
    ("vlm serve --vlm qwen:gone", "there is no checkpoint folder 'gone'"),
    ("vlm probe embeded", "unknown backend 'embeded'\n  did you mean:  embedded"),
    ("vlm probe oracle", "the oracle answers from the simulator's truth"),
    ("vlm probe transformers:gone", "there is no checkpoint folder 'gone'"),
    ("vlm train gone", "no training configuration 'gone'"),
    ("new leaf pick", "there is a node 'pick' already"),
    ("new tree tidy_table", "knothole has a tree 'tidy_table' already"),
    ("vlm train folder", "no training configuration 'folder'"),
    ("vlm train tabs.yaml", "tabs.yaml: not valid YAML"),
    ("vlm train not_utf8.yaml", "not_utf8.yaml: not valid YAML"),
    ("vlm train nested.yaml", "nested.yaml: nested too deeply"),
    ("vlm train list.yaml", "list.yaml: holds no settings but a list"),
    ("vlm train text_lr.yaml", "text_lr.yaml: lr is 'abc'\n  fix:  write a number"),
    ("vlm train stage_foo.yaml", "stage is 'foo'\n  fix:  write one of oracle, vision, joint"),
    ("vlm train oracle --data gone", "there are no pictures in gone/"),
    ("vlm data --seed 5", "is no range for training"),
    ("vlm data --pairs 2", "'2' is no share, write a number from 0 to 1"),
    ("vlm data --count 1 --out good.yaml", "good.yaml is no folder that can be written"),
    ("vlm data --count 1 --out good.yaml/below", "good.yaml/below is no folder that can be written"),
    ("ask picture.png ''", "the question '' asks nothing"),
    ("ask picture.png '  ?'", "the question '  ?' asks nothing"),
    (
        "run good.yaml --scene moon",
        "unknown scene 'moon'\n  fix:  name a scene of the project or give the path of a "
        "file; there is clean_up, clear_plate, fetch_and_hand_over, set_the_table, sort_by_color, sort_on_request, "
        "stack_two, table, tidy_table, watch_and_stop",
    ),
    ("run good.yaml --robot kinematic:foo", "kinematic takes no argument, not 'foo'"),
    ("runs prune --keep none", "'none' is no count"),
    ("runs prune --folder good.yaml", "good.yaml is no folder"),
    ("runs list --folder good.yaml", "good.yaml is no folder"),
]


@pytest.mark.parametrize(("line", "message"), BAD_CALLS, ids=[line for line, _ in BAD_CALLS])
def test_a_bad_call_says_what_to_do(project: Path, line: str, message: str) -> None:
    code, out, err = call(line)
    assert code == 2
    assert out == ""
    assert message in err
    assert "fix:  " in err
    assert "Traceback" not in err
    assert not re.match(r"error: \S+:\d+:\d+: ", err)
    assert (project / "good.yaml").read_text(encoding="utf-8").startswith("knothole: 1")
    assert (project / "notes.mcap").read_text(encoding="utf-8") == "notes"
    assert (project / "picture.png").read_text(encoding="utf-8") == "no picture"
    if line != "run":
        json_code, json_out, _ = call(f"{line} --json")
        assert json_code == 2
        (row, *_) = json.loads(json_out)
        assert row["severity"] == "error"
        assert row["message"]


def test_runs_as_a_process_with_the_documented_exit_codes(tmp_path: Path, knothole: Knothole) -> None:
    """One process for each exit code that needs no signal."""
    head = "knothole: 1\ntree: t\nroot:\n"
    (tmp_path / "good.yaml").write_text(head + "  say: hello\n", encoding="utf-8")
    (tmp_path / "failing.yaml").write_text(head + '  check: "1 > 2"\n', encoding="utf-8")
    (tmp_path / "endless.yaml").write_text(head + "  repeat: {times: -1, child: {wait: 1s}}\n", encoding="utf-8")
    leaf = (
        "from knothole import Leaf, behavior\n\n\n@behavior('burst')\nclass Burst(Leaf):\n"
        '    """Raise."""\n\n    def step(self):\n        raise ValueError("the pipe broke")\n'
    )
    (tmp_path / "leaves.py").write_text(leaf, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text('robot = "kinematic"\nbehaviors = ["leaves.py"]\n', encoding="utf-8")
    (tmp_path / "bursting.yaml").write_text(head + "  sequence:\n    - burst\n", encoding="utf-8")

    good = knothole("run", "good.yaml")
    assert (good.returncode, good.stderr) == (0, "")
    assert "robot: hello\n" in good.stdout
    assert "SUCCESS  t" in good.stdout

    failing = knothole("run", "failing.yaml", "--json")
    assert failing.returncode == 1
    assert json.loads(failing.stdout)["status"] == "FAILURE"

    endless = knothole("run", "endless.yaml", "--max-time", "2s", "--json")
    row = json.loads(endless.stdout)
    assert (endless.returncode, row["status"], row["sim_time_s"], row["ticks"]) == (4, "RUNNING", 2.0, 41)

    bursting = knothole("run", "bursting.yaml")
    assert bursting.returncode == 3
    assert "the pipe broke" in bursting.stdout + bursting.stderr
    assert "t/sequence/burst" in bursting.stdout + bursting.stderr
    assert "Traceback" not in bursting.stdout + bursting.stderr
    debug = knothole("run", "bursting.yaml", "--debug")
    assert debug.returncode != 0
    assert "Traceback" in debug.stderr
    assert "ValueError: the pipe broke" in debug.stderr


def test_new_files_check_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("new tree my_task")[0] == 0
    assert call("new leaf count_sheep")[0] == 0
    (tmp_path / "knothole.toml").write_text('robot = "kinematic"\nbehaviors = ["count_sheep.py"]\n', encoding="utf-8")
    code, out, err = call("check my_task.yaml")
    assert (code, out.partition(";")[0].strip(), err) == (0, "my_task.yaml: ok", "")
    (tmp_path / "sleep.yaml").write_text("knothole: 1\ntree: sleep\nroot:\n  count_sheep: 4\n", encoding="utf-8")
    code, out, err = call("run sleep.yaml --json")
    assert (code, err) == (0, "")
    assert json.loads(out)["ticks"] == 4
    assert "How many ticks it takes" in call("nodes count_sheep")[1] or "ticks" in call("nodes count_sheep")[1]


def test_runs_are_listed_and_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("runs list")[1].startswith("no runs in runs/")
    (tmp_path / "hi.yaml").write_text("knothole: 1\ntree: hi\nroot:\n  say: hi\n", encoding="utf-8")
    for seed in range(3):
        assert call(f"run hi.yaml --robot kinematic --seed {seed}")[0] == 0
    (tmp_path / "runs" / "notes.txt").write_text("mine", encoding="utf-8")
    listed = call("runs list")[1].splitlines()
    assert [line.split()[3] for line in listed[1:]] == ["2", "1", "0"]
    rows = json.loads(call("runs list --json")[1])
    assert [(row["tree"], row["seed"], row["trace"]) for row in rows] == [
        ("hi", 2 - number, line.split()[-1]) for number, line in enumerate(listed[1:])
    ]
    assert json.loads(call("runs prune --keep 2 --json")[1]) == {
        "removed": [rows[2]["trace"]], "bytes": rows[2]["bytes"], "keep": 2,
    }  # fmt: skip
    assert json.loads(call("runs list --folder empty --json")[1]) == []
    assert call("runs prune --keep 1")[1].startswith("removed 1 runs, ")
    assert sorted(f.suffix for f in (tmp_path / "runs").iterdir()) == [".mcap", ".txt"]


def test_a_drawing_is_given_as_data_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = call("draw tidy_table")[1].rstrip("\n")
    assert json.loads(call("draw tidy_table --json")[1]) == {"tree": "tidy_table", "file": None, "text": text}
    data = json.loads(call("draw tidy_table -o t.svg --json")[1])
    assert data == {"tree": "tidy_table", "file": "t.svg", "text": None}


def test_what_is_no_run_in_the_folder_of_runs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hi.yaml").write_text("knothole: 1\ntree: hi\nroot:\n  say: hi\n", encoding="utf-8")
    assert call("run hi.yaml --robot none")[0] == 0
    (trace,) = (tmp_path / "runs").glob("*.mcap")
    (tmp_path / "runs" / "20991231-000000-gone-seed1.mcap").symlink_to("nothing.mcap")
    (tmp_path / "runs" / "20259999-000000-never-seed1.mcap").write_bytes(trace.read_bytes())
    (tmp_path / "runs" / "20991231-000000-folder-seed1.mcap").mkdir()
    trace.with_suffix(".png").symlink_to("nothing.png")
    assert [line.split()[2] for line in call("runs list")[1].splitlines()[1:]] == ["hi"]
    assert call("why")[1].startswith(f"runs/{trace.name}\nSUCCESS  hi succeeded")
    assert call("run hi.yaml --robot none --seed 1")[0] == 0
    assert call("runs prune --keep 1")[1].startswith("removed 1 runs, ")
    assert [line.split()[3] for line in call("runs list")[1].splitlines()[1:]] == ["1"]


def test_a_trace_that_was_named_is_explained_whatever_the_folder_of_runs_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hi.yaml").write_text("knothole: 1\ntree: hi\nroot:\n  say: hi\n", encoding="utf-8")
    assert call("run hi.yaml --robot none --trace o.mcap")[0] == 0
    (tmp_path / "runs").write_text("no folder", encoding="utf-8")
    assert call("why o.mcap")[0] == 0
    assert call("why gone.mcap")[2].startswith("error: there is no trace gone.mcap\n")
    assert "runs is no folder" in call("why")[2]


def test_doctor_names_what_is_there() -> None:
    code, out, _ = call("doctor --json")
    rows = {row["what"]: row for row in json.loads(out)}
    assert code == 0
    assert "oracle" in rows["backends"]["detail"]
    assert {"panda", "kinematic"} <= set(rows["robots"]["detail"].split(", "))
    assert "tidy_table" in rows["trees"]["detail"]
    assert {"pick", "sequence"} <= set(rows["nodes"]["detail"].split(", "))


def test_pictures_are_rendered_counted_and_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call("vlm data --count 2 --out here")
    assert (code, err) == (0, "")
    assert "2 labelled pictures in here/\nnext:  knothole vlm train CONFIG --data here" in out
    code, out, _ = call("vlm data --count 2 --seed 2000000 --out here")
    assert code == 0
    assert "2 labelled pictures in here/, 2 of them from before, whatever their seed" in out
    code, out, err = call("vlm data --count 3 --out here")
    assert (code, out) == (2, "")
    assert "facts_00000.jsonl has 2 pictures, not 3" in err


def test_a_backend_is_measured_on_new_pictures() -> None:
    # nothing is hidden in this picture: of what is, the oracle knows more than an eye
    code, out, err = call("vlm eval --count 1 --seed 1 --vlm oracle --json")
    report = json.loads(out)
    assert (code, err, report["vlm"], report["pictures"]) == (0, "", "oracle", 1)
    assert report["scores"]["all yes/no"]["n"] > 0
    assert all(row["accuracy"] == 1 for row in report["scores"].values())


def test_an_unfit_backend_is_told_before_it_is_calibrated() -> None:
    code, out, err = call("vlm eval --count 1 --vlm oracle --calibrate")
    assert (code, out) == (2, "")
    assert "backend 'oracle' has no weights here that a calibration could lie beside" in err
