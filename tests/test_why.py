"""Why a run ended as it did: each way to end has its chain of causes, from the root to the node that decided."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import knothole as kh
from knothole._base import UnknownNameError
from knothole.behaviors.context import Context
from knothole.tests.calling import call
from knothole.tests.script_nodes import Script
from knothole.tests.test_reasons import CONTENT, ELSEWHERE, INNER, tree_of
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.problems import TreeError
from knothole.trees.ticking.loop import Loop, Outcome, Ticked
from knothole.trees.tracing.recording import Recording, TraceError, read_trace
from knothole.trees.tracing.trace import TraceWriter
from knothole.trees.tracing.why import Explanation, Moment, explain
from knothole.vlm.scripted import Scripted

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]

SERVE = """\
knothole: 1
tree: serve
root:
  sequence:
    - selector:
        - see: "Is there a cup on the table?"
        - say: "I have to fetch a cup first."
    - pick: "the cup"
      retry: 3
    - say: "Here you are."
"""
SLIPS = {"serve/sequence/pick": {"status": "failure", "after": "500ms", "reason": "slipped"}}


def recorded(
    folder: Path,
    root: str,
    mocks: Mapping[str, object] | None = None,
    answers: Mapping[str, object] | None = None,
    max_time: float = 2.0,
) -> Recording:
    """Run a tree called ``t`` on the kinematic robot and return its trace."""
    file, trace = folder / "t.yaml", folder / "t.mcap"
    file.write_text(f"knothole: 1\ntree: t\ninputs: {{n: {{type: number, default: 0}}}}\nroot:\n{root}", "utf-8")
    mock = folder / "mocks.yaml" if mocks else None
    if mock is not None:
        mock.write_text(json.dumps({"knothole_mocks": 1, "mocks": mocks}), encoding="utf-8")
    kh.load(file).bind(
        robot="kinematic", vlm=Scripted(answers or {"*": "no"}), mock=mock, trace=trace, max_time=max_time
    ).run()
    return read_trace(trace)


def why(folder: Path, root: str, **more: Any) -> Explanation:
    """Run a tree and explain how it ended."""
    return explain(recorded(folder, root, **more))


def steps(found: Explanation) -> list[tuple[str, str, str]]:
    """Return the chain in short: end of the path, status, and what the link says or else its reason."""
    return [(link.path.rpartition("/")[2], link.status, link.says or link.reason) for link in found.links]


def test_a_failed_run_is_explained_by_the_command_line(tmp_path: Path, knothole: Knothole) -> None:
    (tmp_path / "serve.yaml").write_text(SERVE, encoding="utf-8")
    (tmp_path / "mocks.yaml").write_text(json.dumps({"knothole_mocks": 1, "mocks": SLIPS}), encoding="utf-8")
    (tmp_path / "answers.yaml").write_text('"*": {no: 0.9, yes: 0.05}\n', encoding="utf-8")
    line = ("run", "serve.yaml", "--mock", "mocks.yaml", "--vlm", "scripted:answers.yaml", "--robot", "kinematic")
    ran = knothole(*line)
    (trace,) = (tmp_path / "runs").glob("*.mcap")
    name = trace.relative_to(tmp_path)
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[-1] == f"  next       knothole why {name}"
    told = knothole("why")
    assert (told.returncode, told.stderr) == (0, "")
    assert (
        told.stdout
        == f"""\
{name}
FAILURE  serve failed in tick 34 (1.65 s): slipped (attempt 3 of 3)

serve/sequence  serve.yaml:4:3
    its child 2 of 3 failed
serve/sequence/pick#retry  serve.yaml:9:14
    all 3 attempts failed
      tick 12  attempt 1 of 3 failed: slipped
      tick 23  attempt 2 of 3 failed: slipped
      tick 34  attempt 3 of 3 failed: slipped
serve/sequence/pick  serve.yaml:8:7
    FAILURE: slipped

what would have had to be different:
    pick: its mock, which does failure; after 0.5s, would have had to say otherwise
    pick#retry: pick would have had to succeed in one of its 3 attempts
    sequence: had pick succeeded, say would have been ticked next
"""
    )
    see = knothole("why", str(name), "see")
    assert (
        see.stdout
        == """\
FAILURE  serve/sequence/selector/see failed last in tick 2 (0.05 s): 'Is there a cup on the table?': p(yes) = 0.05

serve/sequence/selector/see  serve.yaml:6:11
    FAILURE: 'Is there a cup on the table?': p(yes) = 0.05
      asked  'Is there a cup on the table?': yes 0.05, no 0.90, neither 0.05
      saw    frame table#1, taken at 0.00 s, 0.05 s old then

what would have had to be different:
    see: it would have succeeded with p(yes) of at least 0.80; it was 0.05
    see: above 0.20 it would have been unsure: RUNNING
"""
    )
    row = json.loads(knothole("why", "--json").stdout)
    assert (row["trace"], row["outcome"], row["tree"], row["tick"]) == (str(name), "FAILURE", "serve", 34)
    assert [(link["path"], link["line"], link["status"]) for link in row["chain"]] == [
        ("serve/sequence", 4, "FAILURE"),
        ("serve/sequence/pick#retry", 9, "FAILURE"),
        ("serve/sequence/pick", 8, "FAILURE"),
    ]


SELECTOR = """\
  sequence:
    - say: hello
    - selector:
        - check: "1 > 2"
        - say: never
          when: "1 > 2"
        - sequence: [wait: 100ms, check: "2 > 3"]
        - pick: "the cup"
          name: the last resort
"""


def test_a_selector_names_each_alternative_and_follows_the_last(tmp_path: Path) -> None:
    found = why(tmp_path, SELECTOR, mocks={"**/pick": {"status": "failure", "reason": "no such cup"}})
    file = tmp_path / "t.yaml"
    assert (
        str(found)
        == f"""\
FAILURE  t failed in tick 3 (0.10 s): no such cup

t/sequence  {file}:5:3
    its child 2 of 2 failed
t/sequence/selector  {file}:7:7
    all 3 alternatives failed
      tried  t/sequence/selector/check: 1 > 2 is false
      skipped  t/sequence/selector/say#when
      tried  t/sequence/selector/sequence: 2 > 3 is false
      tried  t/sequence/selector/pick 'the last resort': no such cup
t/sequence/selector/pick 'the last resort'  {file}:12:11
    FAILURE: no such cup

what would have had to be different:
    pick 'the last resort': its mock, which does failure, would have had to say otherwise
    selector: one of its 3 alternatives would have had to succeed
    selector: say was skipped: when: nothing could have made it so: 1 > 2 is false whatever happens
    sequence: had selector succeeded, it would have succeeded"""
    )


FAILURES: dict[str, tuple[str, dict[str, object], list[tuple[str, str, str]]]] = {
    "parallel": (
        '  parallel: [wait: 5s, {sequence: [wait: 100ms, check: "1 > 2"]}]\n',
        {},
        [
            ("parallel", "FAILURE", "its child 2 of 2 failed"),
            ("sequence", "FAILURE", "its child 2 of 2 failed"),
            ("check", "FAILURE", "1 > 2 is false"),
        ],
    ),
    "inverter": (
        '  sequence: [{inverter: {child: {selector: [check: "1 > 2", check: "2 > 1"]}}}]\n',
        {},
        [
            ("sequence", "FAILURE", "its child failed"),
            ("inverter", "FAILURE", "its child succeeded, which it turns into FAILURE"),
            ("selector", "SUCCESS", "its child 2 of 2 succeeded"),
            ("check[2]", "SUCCESS", "2 > 1"),
        ],
    ),
    "timeout": (
        '  sequence:\n    - sequence: [say: hi, pick: "the cup"]\n      timeout: 300ms\n',
        {"**/pick": {"after": "9s"}},
        [
            ("sequence", "FAILURE", "its child failed"),
            ("sequence#timeout", "FAILURE", "not done within 0.3 s, and its child was halted"),
            ("sequence", "RUNNING", "its child 2 of 2 is running"),
            ("pick", "RUNNING", "mocked"),
        ],
    ),
    "failed within a timeout": (
        '  check: "1 > 2"\n  timeout: 1s\n',
        {},
        [("check#timeout", "FAILURE", "its child failed"), ("check", "FAILURE", "1 > 2 is false")],
    ),
    "guard gives up": (
        '  guard: {check: {see: "Is it safe?"}, child: {sequence: [wait: 5s]}, give_up_after: 200ms}\n',
        {"**/see": {"status": ["success", "success", "failure"], "reason": "a hand is there"}},
        [
            ("guard", "FAILURE", "gave up after a pause of 0.2 s"),
            ("see", "FAILURE", "a hand is there"),
        ],
    ),
    "failure in a guard": (
        '  guard: {check: {check: "2 > 1"}, child: {check: "1 > 2"}}\n',
        {},
        [("guard", "FAILURE", "its child failed"), ("check[2]", "FAILURE", "1 > 2 is false")],
    ),
    "failure_if": (
        '  sequence:\n    - set: {name: $m, to: "1"}\n    - say: hi\n      failure_if: $m > 0\n',
        {},
        [
            ("sequence", "FAILURE", "its child 2 of 2 failed"),
            ("say#failure_if", "FAILURE", "failure_if: $m > 0 ($m is 1)"),
        ],
    ),
    "failure_if after an attempt": (
        '  retry:\n    attempts: 2\n    child:\n      sequence: [set: {name: $n, to: "$n + 1"}, check: "1 > 2"]\n'
        "      failure_if: $n > 0\n",
        {},
        [
            ("retry", "FAILURE", "all 2 attempts failed"),
            ("sequence#failure_if", "FAILURE", "failure_if: $n > 0 ($n is 1)"),
        ],
    ),
    "hooks": (
        '  check: "1 > 2"\n  on_failure: {wait: 200ms}\n  finally: {check: "3 > 4"}\n',
        {},
        [("check#hooks", "FAILURE", "the node failed"), ("check", "FAILURE", "1 > 2 is false")],
    ),
    "for_each": (
        '  for_each: {item: $i, in: [1, 2, 3], child: {check: "$i < 2"}}\n',
        {},
        [
            ("for_each", "FAILURE", "its child failed for element 2 of 3"),
            ("check", "FAILURE", "$i < 2 ($i is 2) is false"),
        ],
    ),
    "reactive": (
        '  reactive_sequence:\n    - check: "$n < 3"\n'
        '    - repeat: {times: 9, child: {set: {name: $n, to: "$n + 1"}}}\n',
        {},
        [
            ("reactive_sequence", "FAILURE", "its child 1 of 2 failed"),
            ("check", "FAILURE", "$n < 3 ($n is 3) is false"),
        ],
    ),
    "too few for a parallel": (
        '  parallel:\n    success: "2"\n    children:\n      - wait: 1s\n      - say: x\n        when: "1 > 2"\n',
        {},
        [("parallel", "FAILURE", "only 1 children are not skipped, 2 must succeed")],
    ),
    "BehaviorTree.CPP": (
        '  bt.TryCatch:\n    - bt.Fallback: [bt.AlwaysFailure, check: "1 > 2"]\n    - wait: 200ms\n',
        {},
        [
            ("bt.TryCatch", "FAILURE", "its child 1 of 2 failed"),
            ("bt.Fallback", "FAILURE", "all 2 alternatives failed"),
            ("check", "FAILURE", "1 > 2 is false"),
        ],
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_followed_as_its_node_decides(tmp_path: Path, case: str) -> None:
    root, mocks, chain = FAILURES[case]
    found = why(tmp_path, root, mocks=mocks)
    assert (found.outcome, steps(found)) == ("FAILURE", chain)


def test_what_a_guard_that_gave_up_had_paused_is_said(tmp_path: Path) -> None:
    root, mocks, _ = FAILURES["guard gives up"]
    assert why(tmp_path, root, mocks=mocks).links[0].notes == ("waits  t/guard/sequence/wait: 5.0 s left",)


def test_the_chain_goes_into_the_tree_that_is_used(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text('knothole: 1\ntree: inner\nroot:\n  check: "1 > 2"\n', encoding="utf-8")
    found = why(tmp_path, "  sequence:\n    - use: {tree: inner}\n")
    assert steps(found)[1:] == [
        ("use", "FAILURE", "the tree that it uses failed"),
        ("check", "FAILURE", "1 > 2 is false"),
    ]
    assert [Path(link.place.file).name for link in found.links] == ["t.yaml", "t.yaml", "inner.yaml"]


def test_what_was_running_at_the_time_limit_is_named(tmp_path: Path) -> None:
    found = why(tmp_path, "  parallel: [wait: 100s, {sequence: [wait: 100ms, wait: 100s]}]\n")
    file = tmp_path / "t.yaml"
    assert (
        str(found)
        == f"""\
TIME_LIMIT  t was still running when its time of 2 s was over, in tick 41 (2.00 s)

t/parallel  {file}:5:3
    its child 1 of 2 is running, since tick 1 (0.00 s)
      also running  t/parallel/sequence/wait[2]: 98.1 s left
t/parallel/wait  {file}:5:14
    RUNNING: 98.0 s left

what would have had to be different:
    parallel: it needs 2 successes, and had 0"""
    )


def test_a_guard_that_pauses_at_the_time_limit_says_why(tmp_path: Path) -> None:
    mocks = {"**/see": {"status": ["success"] * 4 + ["failure"], "reason": "a hand is there"}}
    found = why(tmp_path, '  guard: {check: {see: "Is it safe?"}, child: {wait: 9s}}\n', mocks=mocks)
    assert steps(found) == [
        ("guard", "RUNNING", "it pauses its child since tick 5 (0.20 s), as its check does not succeed"),
        ("see", "FAILURE", "a hand is there"),
    ]
    assert found.links[0].notes == ("waits  t/guard/wait: 8.8 s left",)


def test_a_question_without_an_answer_is_shown(tmp_path: Path) -> None:
    found = why(tmp_path, '  see: "Is it safe?"\n', answers={"*": {"problem": "the camera is covered"}}, max_time=0.3)
    assert steps(found) == [("see", "RUNNING", "unsure: the camera is covered")]
    assert found.links[-1].notes[0] == "asked  'Is it safe?': no answer, the camera is covered"
    assert found.links[-1].needed == ("there would have had to be an answer; the backend said: the camera is covered",)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.INTERRUPTED, "INTERRUPTED  t was interrupted (Ctrl-C), in tick 5 (0.20 s)"),
        (Outcome.TERMINATED, "TERMINATED  t was told to end (SIGTERM), in tick 5 (0.20 s)"),
    ],
)
def test_what_was_running_when_a_run_was_stopped_is_named(tmp_path: Path, outcome: Outcome, said: str) -> None:
    path = tmp_path / "t.mcap"
    tree = build(load_text("knothole: 1\ntree: t\nroot:\n  sequence: [say: hi, wait: 9s]\n"), Context())
    loop = Loop(tree, trace=TraceWriter(path))
    loop.listeners.append(lambda ticked: loop.request_stop(outcome) if ticked.tick == 5 else None)
    loop.run()
    found = explain(read_trace(path))
    assert (found.outcome, found.headline) == (outcome.name, said)
    assert steps(found) == [("sequence", "RUNNING", "its child 2 of 2 is running"), ("wait", "RUNNING", "8.8 s left")]


def test_a_fault_names_node_cause_and_place(tmp_path: Path, knothole: Knothole) -> None:
    (tmp_path / "leaves.py").write_text(
        "from knothole import Leaf, behavior\n\n\n@behavior('burst')\nclass Burst(Leaf):\n"
        '    """Raise."""\n\n    def step(self):\n        raise ValueError("the pipe broke")\n',
        encoding="utf-8",
    )
    (tmp_path / "knothole.toml").write_text('robot = "none"\nbehaviors = ["leaves.py"]\n', encoding="utf-8")
    (tmp_path / "t.yaml").write_text(
        "knothole: 1\ntree: t\nroot:\n  sequence:\n    - say: hi\n    - burst\n      \n", encoding="utf-8"
    )
    ran = knothole("run", "t.yaml", "--trace", "a run.mcap")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (3, "  next       knothole why 'a run.mcap'")
    assert (
        knothole("why", "a run.mcap").stdout
        == """\
FAULT  t broke off in tick 1 (0.00 s): t/sequence/burst: ValueError: the pipe broke

t/sequence  t.yaml:4:3
    it ticked its child 2 of 2
t/sequence/burst  t.yaml:6:7
    FAULT: ValueError: the pipe broke
"""
    )


def test_a_success_lists_what_was_recovered_from(tmp_path: Path) -> None:
    root = '  sequence:\n    - pick: "the cup"\n      retry: 3\n    - selector: [check: "1 > 2", say: hi]\n'
    found = why(tmp_path, root, mocks={"**/pick": {"status": ["failure", "success"], "reason": "slipped"}})
    assert (
        str(found).replace(str(tmp_path), "")
        == """\
SUCCESS  t succeeded in tick 2 (0.05 s)

t/sequence  /t.yaml:5:3
    its children succeeded

what would have had to be different:
    sequence: had one of its children failed, it would have failed

on the way these failed:
    tick 1  t/sequence/pick: slipped
    tick 2  t/sequence/selector/check: 1 > 2 is false"""
    )


def test_a_skipped_tree_counts_as_success_and_says_so(tmp_path: Path) -> None:
    found = why(tmp_path, '  say: hi\n  when: "1 > 2"\n')
    assert found.headline == "SUCCESS  t was skipped, which counts as SUCCESS, in tick 1 (0.00 s)"


def test_the_trace_of_a_killed_run_says_how_far_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "killed.mcap"
    program = f"""
import os, signal, threading
from knothole.behaviors.context import Context
from knothole.tests.script_nodes import Script
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.problems import TreeError
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter, read_trace

class Dies(Script):
    def step(self):
        if self.at == 30:
            while not read_trace({str(path)!r}).topic("/status"):
                threading.Event().wait(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step()

tree = build(load_text("knothole: 1\\ntree: t\\nroot:\\n  sequence: [say: hi, home]\\n"), Context(),
             overrides={{"t/sequence/home": lambda w: Dies("R", w.name, w.context)}})
Loop(tree, trace=TraceWriter({str(path)!r})).run()
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    found = explain(read_trace(path))
    assert (found.outcome, found.status) == ("UNFINISHED", "RUNNING")
    assert found.headline == (
        "UNFINISHED  t is known up to tick 1 (0.00 s); its trace has no end: the writer was killed, or is still at work"
    )
    assert steps(found) == [("sequence", "RUNNING", "its child 2 of 2 is running"), ("home", "RUNNING", "home said R")]


def test_a_moment_shows_the_state_then(tmp_path: Path) -> None:
    trace = recorded(tmp_path, '  sequence: [{wait: 200ms, name: first}, {wait: 300ms}, {check: "1 > 2"}]\n')
    by_tick, by_time = explain(trace, at=Moment(tick=3)), explain(trace, at=Moment(time=0.1))
    assert steps(by_tick) == steps(by_time)
    assert by_tick.headline == "RUNNING  t, at tick 3, since tick 1 (0.00 s)"
    assert steps(by_tick)[-1] == ("wait[1]", "RUNNING", "0.1 s left")
    assert steps(explain(trace, "first", Moment(tick=8))) == [("wait[1]", "SUCCESS", "")]
    assert explain(trace, "check", Moment(tick=3)).headline == ("NOT TICKED  t/sequence/check, at tick 3")
    assert explain(trace, "check", Moment(tick=3)).links[0].says == (
        "t/sequence did not come to it: wait[1] 'first' was running before"
    )
    later = explain(trace, "first")
    assert later.headline.startswith("SUCCESS  t/sequence/wait[1] 'first' never failed; it got this status in tick 5")


def test_a_node_that_recovered_says_what_became_of_it(tmp_path: Path) -> None:
    mocks = {"**/pick": {"status": ["failure", "success"], "reason": "slipped"}}
    trace = recorded(tmp_path, '  sequence: [{pick: "the cup", retry: 3}, {check: "1 > 2"}, home]\n', mocks)
    found = explain(trace, "pick")
    assert steps(found) == [("pick", "FAILURE", "slipped")]
    assert found.remarks == ("afterwards it was SUCCESS, in tick 2 (0.05 s)",)
    assert explain(trace, "home").headline == (
        "NOT TICKED  t/sequence/home: the run, which ended with FAILURE, never came to it"
    )


def test_the_halt_at_the_end_hides_nothing(tmp_path: Path) -> None:
    """After the last tick everything that runs is halted; the trace holds that as well."""
    trace = recorded(tmp_path, "  parallel: [wait: 9s, {sequence: [wait: 9s]}]\n")
    assert {status for status, _ in trace.statuses().values()} == {"INVALID"}
    found = explain(trace, "sequence")
    assert steps(found) == [("sequence", "RUNNING", "its child is running"), ("wait", "RUNNING", "7.0 s left")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_cannot_be_explained_says_what_to_do(project: Path) -> None:
    assert call("why") == (
        2,
        "",
        "error: there is no folder runs/\n  fix:  run a tree first, or name a trace: knothole why TRACE\n",
    )
    (project / "runs").mkdir()
    assert call("why")[2].startswith("error: there is no run in runs/\n")
    assert call("why gone.mcap")[2] == (
        "error: there is no trace gone.mcap\n  fix:  name one that `knothole runs list` shows\n"
    )
    (project / "x.mcap").write_text("hello", encoding="utf-8")
    assert call("why x.mcap")[2] == (
        "error: x.mcap is no trace (no MCAP file)\n  fix:  name a file that `knothole run` wrote, ….mcap\n"
    )
    TraceWriter(project / "empty.mcap").close()
    code, out, err = call("why empty.mcap")
    assert (code, out) == (2, "")
    assert err.startswith("error: the trace holds no tree\n  fix:  ")
    recorded(project, '  sequence: [{check: "1 > 2", name: weigh}, {check: "2 > 3"}]\n')
    assert call("why t.mcap check[2]")[0] == 0
    assert call("why t.mcap wiegh") == (
        2,
        "",
        "error: unknown node of the trace 'wiegh'\n  did you mean:  weigh\n"
        "  fix:  give the path or the name of a node\n",
    )
    assert call("why t.mcap --at 99")[2] == (
        "error: there is no tick 99: the run ended in tick 1 (0 s)\n  fix:  ask for an earlier one\n"
    )
    assert "'soon' is no moment, write a tick such as 340, or a time such as 12.4s" in call("why t.mcap --at soon")[2]
    assert json.loads(call("why t.mcap wiegh --json")[1])[0]["message"] == "unknown node of the trace 'wiegh'"


def test_a_name_of_several_nodes_is_refused_with_their_paths(tmp_path: Path) -> None:
    trace = recorded(tmp_path, "  sequence: [{say: a, name: talk}, {say: b, name: talk}]\n")
    with pytest.raises(kh.KnotholeError) as caught:
        explain(trace, "talk")
    assert str(caught.value) == (
        "'talk' is 2 nodes:\n    t/sequence/say[1]\n    t/sequence/say[2]\n  fix:  give the whole path"
    )
    assert explain(trace, "say[2]").node == "t/sequence/say[2]"


def test_a_node_asked_for_in_place_of_the_trace_is_led_to_the_newest_run(project: Path) -> None:
    (project / "hi.yaml").write_text("knothole: 1\ntree: hi\nroot:\n  say: hi\n", encoding="utf-8")
    assert call("run hi.yaml --robot none")[0] == 0
    (trace,) = (project / "runs").glob("*.mcap")
    code, _, err = call("why say")
    assert code == 2
    assert f"for a node of the newest run: knothole why runs/{trace.name} say" in err


def test_a_recording_without_its_tree_is_refused(tmp_path: Path) -> None:
    trace = recorded(tmp_path, "  say: hi\n")
    with pytest.raises(TraceError, match="holds no tree"):
        explain(replace(trace, messages=tuple(m for m in trace.messages if m.topic != "/tree")))


@pytest.mark.parametrize("name", sorted({*INNER} - ELSEWHERE - CONTENT))
def test_the_chain_of_each_node_reaches_the_leaf_that_failed(tmp_path: Path, name: str) -> None:
    tree = build(load_text(json.dumps(tree_of(name))), Context())
    Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"), max_time=1.0).run()
    found = explain(read_trace(tmp_path / "t.mcap"))
    assert (found.outcome, found.links[-1].type, found.links[-1].reason) == ("FAILURE", "check", "1 > 2 is false")


NATIVE = ("sequence", "selector", "parallel", "reactive_sequence", "reactive_selector", "reactive_parallel")
OTHERS = (
    "bt.Sequence",
    "bt.Fallback",
    "bt.ReactiveFallback",
    "bt.TryCatch",
    "nav2.PipelineSequence",
    "nav2.RoundRobin",
)
OWN = ("failure_if", "not done within", "gave up", "only ", "wrap_around is false")
"""What is in the reason of a node that fails for one of its own, not for that of a child."""


def grown(rng: random.Random, depth: int) -> dict[str, object]:
    """Return a random node of everything that passes control on; its leaves are `check`."""
    if depth == 0 or rng.random() < 0.15:
        return {"check": "$n < 5"}
    kind = rng.choice(("composite", "composite", "decorator", "keys", "guard", "hooks"))
    if kind == "composite":
        return {rng.choice(NATIVE + OTHERS): [grown(rng, depth - 1) for _ in range(rng.randint(2, 4))]}
    child = grown(rng, depth - 1)
    if kind == "guard":
        return {"guard": {"check": {"check": "$n < 5"}, "child": child, "give_up_after": "150ms"}}
    if kind == "hooks":
        leaf = {"check": "$n < 5"}
        return {"sequence": [child, leaf], "on_failure": leaf, "finally": leaf}
    if kind == "keys":
        more = {"retry": 2, "timeout": "300ms", "failure_if": "$n > 0", "when": "$n < 2"}
        chosen = rng.sample(sorted(more), rng.randint(1, 2))
        return {"sequence": [child, {"set": {"name": "$n", "to": "$n + 1"}}], **{key: more[key] for key in chosen}}
    ports: dict[str, dict[str, object]] = {
        "inverter": {},
        "retry": {"attempts": 3},
        "repeat": {"times": 2},
        "timeout": {"duration": "200ms"},
        "for_each": {"item": "$each", "in": [1, 2]},
        "bt.RetryUntilSuccessful": {"num_attempts": 2},
        "bt.Timeout": {"msec": 200},
        "pt.Retry": {"num_failures": 2},
        "bt.ForceFailure": {},
    }
    name = rng.choice(sorted(ports))
    return {name: {**ports[name], "child": child}}


@pytest.mark.parametrize("block", [0, 1, *(pytest.param(n, marks=pytest.mark.long(minutes=0.1)) for n in range(2, 6))])
def test_whatever_fails_says_why_down_to_a_node_that_had_a_reason(tmp_path: Path, block: int) -> None:
    failed = 0
    for seed in range(block * 400, (block + 1) * 400):
        rng = random.Random(seed)
        inputs = {"n": {"type": "number", "default": 0}}
        try:
            spec = load_text(json.dumps({"knothole": 1, "tree": "t", "inputs": inputs, "root": grown(rng, 4)}))
        except TreeError:  # a part that can never be reached
            continue
        leaves = [node.path for node in build(spec, Context()).nodes if node.type == "check"]
        scripts = {path: "".join(rng.choices("RRSFFK", k=6)) for path in leaves}
        overrides = {
            path: lambda w, letters=letters: Script(letters, w.name, w.context) for path, letters in scripts.items()
        }
        tree = build(spec, Context(), overrides=overrides)  # type: ignore[arg-type]
        result = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"), max_time=3.0).run()
        found = explain(read_trace(tmp_path / "t.mcap"))
        where = f"seed {seed}: {result.outcome.name}\n{found}"
        assert found.outcome == result.outcome.name, where
        if result.outcome is not Outcome.FAILURE:
            continue
        failed += 1
        kinds = {node.path: node.kind for node in tree.nodes}
        assert found.reason == result.reason != "", where
        assert all(link.reason for link in found.links if link.status == "FAILURE"), where
        last = found.links[-1]
        assert kinds[last.path] == "leaf" or any(own in last.reason for own in OWN) or last.status == "SUCCESS", where
        for above, below in zip(found.links, found.links[1:], strict=False):
            assert tree[below.path].parent == tree[above.path].index, where
            if above.status == below.status == "FAILURE" and not above.says.startswith("gave up"):
                assert below.reason in above.reason, where
    assert failed >= 5


def changed(folder: Path) -> Recording:
    """Record a run whose tree is changed after tick 3: a node comes before all others, one goes."""
    first = {"say": "hi", "name": "greet"}
    pause = {"wait": "200ms", "name": "pause"}
    old, new = (
        load_text(json.dumps({"knothole": 1, "tree": "t", "root": {"sequence": nodes}}))
        for nodes in ([first, pause], [{"say": "ho", "name": "hum"}, pause, {"check": "1 > 2"}])
    )
    tree = build(old, Context())
    loop = Loop(tree, trace=TraceWriter(folder / "t.mcap"))

    def edit(ticked: Ticked) -> None:
        if ticked.tick == 3:
            loop.reload(new)

    loop.listeners.append(edit)
    assert loop.run().outcome is Outcome.FAILURE
    return read_trace(folder / "t.mcap")


def test_a_tree_that_was_changed_is_explained_as_it_was_at_that_moment(tmp_path: Path) -> None:
    trace = changed(tmp_path)
    assert [link.path for link in explain(trace).links] == ["t/sequence", "t/sequence/check"]
    waited = explain(trace, "pause")
    assert (waited.status, waited.links[0].tick) == ("SUCCESS", 5)
    before = explain(trace, "", Moment(tick=3))
    assert (before.status, before.outcome) == ("RUNNING", "FAILURE")
    assert before.links[-1].path == "t/sequence/wait"
    assert explain(trace, "greet", Moment(tick=1)).status == "SUCCESS"
    assert explain(trace, "greet", Moment(time=0.12)).status == "SUCCESS"
    with pytest.raises(UnknownNameError, match="greet"):
        explain(trace, "greet", Moment(tick=4))
    assert explain(trace, "pause", Moment(tick=4)).status == "RUNNING"
    assert explain(trace, "pause", Moment(tick=4)).links[0].tick == 1, "it runs since before the change"
