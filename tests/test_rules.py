"""What the shape of a tree says: limbs, loops, what is never reached, what it costs, what the author looked at."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from knothole.app.authoring.inspect import check_trees
from knothole.tests.checking import codes, tree
from knothole.trees.checking.costs import model_calls
from knothole.trees.loader import check, load, load_text

RULES = [
    ("parallel: [{pick: a}, {say: b}]", []),
    ("parallel: [{pick: a}, {sequence: [{wait: 1s}, home]}]", ["K303"]),
    ("reactive_parallel: [home, home]", ["K303"]),
    ("parallel: [{use: {tree: put_away, inputs: {thing: $thing, container: tray}}}, home]", ["K303"]),
    ("repeat: {times: 3, child: {see: a?}}", ["K301"]),
    ("repeat: {times: 3, child: {see: {question: a?, rate: 2}}}", []),
    ("see: a?\nrepeat: 3", ["K301"]),
    ("for_each: {item: $x, in: $things, child: {sequence: [{see: a?}]}}", ["K301"]),
    ("guard: {check: {see: a?}, child: {see: b?}}", ["K301"]),
    ("guard: {check: {see: {question: a?, max_age: 1s}}, child: {see: b?}}", []),
    ("reactive_sequence: [{see: a?}, {say: b}]", ["K301"]),
    ("reactive_sequence: [{see: {question: a?, max_age: 1s}}, home]", ["K302"]),
    ("reactive_sequence: [home, {see: {question: a?, max_age: 1s}}]", []),
    ("sequence: [{see: a?}, home]", []),
    ("selector: [{say: a}, home]", ["K304"]),
    ("selector: [{say: a, when: $n > 1}, home]", []),  # passed over when skipped
    ("sequence: [{home: , repeat: -1}, {say: a}]", ["K304"]),
    ("sequence: [{repeat: {times: -1, child: home}}, {say: a}]", ["K304"]),
    ("home:\nwhen: 1 < 2", ["K305"]),
    ("sequence: []", ["K111"]),
    ("sequence:", ["K111"]),
    ("parallel: {success: one}", ["K111"]),
    ("inverter:", ["K104"]),
    ("bt.Parallel: [home, {bt.Sequence: [{wait: 1s}, home]}]", ["K303"]),
    ("nav2.PipelineSequence: [{pick: $thing}, {place: {object: $thing, into: tray}}]", ["K303"]),
    ("nav2.PipelineSequence: [{see: {question: a?, max_age: 1s}}, home]", []),  # nothing halts the motion
    ("parallel: [{wait: 1s, on_success: home}, home]", ["K303"]),
    ("bt.ReactiveSequence: [{see: a?}, {say: b}]", ["K301"]),
    ("bt.ReactiveFallback: [{see: {question: a?, max_age: 1s}}, home]", ["K302"]),
    (
        "reactive_sequence: [{use: {tree: put_into, inputs: {query: a, container: b, question: c?}}}, home]",
        ["K301", "K302"],
    ),
    ("bt.KeepRunningUntilFailure: {child: {see: a?}}", ["K301"]),
    ("bt.RetryUntilSuccessful: {num_attempts: 3, child: {see: a?}}", []),
    ("repeat: {times: 3, child: {use: {tree: put_into, inputs: {query: a, container: b, question: c?}}}}", ["K301"]),
    ("home:\non_failure: {see: a?}\nrepeat: 3", ["K301"]),
    ("sequence: [bt.AlwaysFailure, home]", ["K304"]),
    ("selector: [{inverter: {child: bt.AlwaysFailure}}, home]", ["K304"]),
    ("selector: [{bt.ForceSuccess: {child: home}}, home]", ["K304"]),
    ("reactive_sequence: [{home: , repeat: -1}, {say: a}]", ["K304"]),
    ("bt.IfThenElse: [{say: a}, home, home]", ["K304"]),
    ("bt.TryCatch: [{say: a}, home]", ["K304"]),
    ("bt.TryCatch: [home, {say: a}]", []),
    ("say: a\non_failure: home", ["K304"]),
    ("say: a\nfailure_if: $n > 1\non_failure: home", []),
    ("bt.Switch2: {variable: $n, case_1: a, case_2: a, children: [home, home, home]}", ["K304"]),
    ("bt.Switch2: {variable: $n, case_1: a, case_2: b, children: [home, home]}", ["K306"]),
    ("bt.IfThenElse: [home]", ["K306"]),
    ("bt.IfThenElse: [home, home, home, home]", ["K306"]),
    ("parallel: {success: 3, children: [{wait: 1s}, home]}", ["K307"]),
    ("parallel: {success: some, children: [{wait: 1s}, home]}", ["K307"]),
    ("parallel: {success: 2, children: [{wait: 1s}, home]}", []),
    ("bt.Parallel: {failure_count: 3, children: [{wait: 1s}, home]}", ["K307"]),
    ("bt.ParallelAll: {max_failures: -1, children: [{wait: 1s}, home]}", []),
    ("check: 1 < 2", ["K305"]),
    ("home:\nwhile: $n > 1", ["K308"]),
    ("sequence: [{home: , while: $n > 1}, {set: {name: $n, to: '0'}}]", []),
    ("guard: {check: {check: $n > 1}, child: home}", ["K308"]),
    ("guard: {check: {check: $@n > 1}, child: home}", []),
    ("reactive_sequence: [{check: $n > 1}, home]", ["K308"]),
    ("sequence: [{check: $n > 1}, home]", []),
    ("say: a\nrepeat: -1", ["K310"]),
    ("say: a\nrepeat: -1\ntimeout: 5s", []),
    ("check: $n > 1\nrepeat: -1", []),  # watches until it fails
    ("bt.Repeat: {num_cycles: -1, child: {check: $n > 1}}", ["K310"]),
    ("bt.RetryUntilSuccessful: {num_attempts: -1, child: home}", ["K311"]),
    ("timeout: {duration: 5s, child: {bt.RetryUntilSuccessful: {num_attempts: -1, child: home}}}", []),
    ("bt.RetryUntilSuccessful: {num_attempts: $n, child: home}", []),
    ("nav2.RecoveryNode: {number_of_retries: 2, children: [home, home, home]}", ["K306"]),
    ("nav2.RecoveryNode: {number_of_retries: 2, children: [{say: a}, home]}", ["K304"]),
    ("nav2.RecoveryNode: {number_of_retries: -1, children: [home, home]}", ["K311"]),
    ("nav2.PipelineSequence: [{see: a?}, home]", ["K301"]),
    ("bt.KeepRunningUntilFailure: {child: {nav2.RateController: {hz: 1.0, child: {see: a?}}}}", []),
]


@pytest.mark.parametrize(("root", "expected"), RULES, ids=[root for root, _ in RULES])
def test_rules_about_the_shape(root: str, expected: list[str]) -> None:
    assert codes(tree(root)) == expected


CALLS = [
    ("home", "at most 0 a tick, 0 a run"),
    ("sequence: [{see: {question: a?, on_unsure: failure}}, home]", "at most 1 a tick, 1 a run"),
    ("sequence: [{ground: {query: a, object: $x}}, {pick: $x}]", "at most 1 a tick, 1 a run"),
    ("sequence: [{pick: a cup}, {place: {object: $thing, into: a tray}}]", "at most 2 a tick, 2 a run"),
    ("ground: {query: a, object: $x}\nretry: 3", "at most 1 a tick, 3 a run"),
    ("plan: {instruction: a, steps: $s, attempts: 4}", "at most 1 a tick, 4 a run"),
    (
        "see: a?",
        "at most 1 a tick, 1,201 in 600 s, no limit for a longer run (line 8: asked every 0.5 s while it is unsure)",
    ),
    ("see: a?\ntimeout: 10s", "at most 1 a tick, 21 a run"),
    (
        "guard: {check: {see: {question: a?, max_age: 1s, on_unsure: failure}}, child: home}\ntimeout: 10s",
        "at most 1 a tick, 21 a run",
    ),
    (
        "guard: {check: {see: {question: a?, max_age: 1s}}, child: home}",
        "at most 1 a tick, 1,201 in 600 s, no limit for a longer run (line 8: asked every 0.5 s while it is watched)",
    ),
    (
        "for_each: {item: $x, in: $things, child: {ground: {query: a, object: $y}}}",
        "at most 1 a tick, 12,001 in 600 s, no limit for a longer run "
        "(line 8: for each element of a list of unknown length)",
    ),
    (
        "repeat: {times: -1, child: {ground: {query: a, object: $y}}}",
        "at most 1 a tick, 12,001 in 600 s, no limit for a longer run (line 8: repeat without end)",
    ),
    ("repeat: {times: -1, child: {ground: {query: a, object: $y}}}\ntimeout: 1s", "at most 1 a tick, 21 a run"),
    ("bt.IfThenElse: [home, {describe: $a}, {sequence: [{describe: $a}, {describe: $b}]}]",
     "at most 2 a tick, 2 a run"),
    ("retry: {attempts: 2, child: {use: {tree: put_away, inputs: {thing: $thing, container: a}}}}",
     "at most 1 a tick, 4 a run"),
]  # fmt: skip


def test_what_makes_calls_endless_is_named_with_its_file() -> None:
    calls = model_calls(load("clear_plate"))
    assert (calls.per_tick, calls.per_run) == (4, float("inf"))
    assert calls.because is not None
    assert (Path(calls.because.file).name, calls.because.line) == ("clear_plate.yaml", 12)
    outer = load_text(tree("use: {tree: put_into, inputs: {query: a, container: b, question: c?}}"), "t.yaml")
    assert "line 17 of put_into.yaml: for each" in str(model_calls(outer))


@pytest.mark.parametrize(("root", "expected"), CALLS, ids=[root for root, _ in CALLS])
def test_worst_case_of_model_calls(root: str, expected: str) -> None:
    assert str(model_calls(load_text(tree(root)))) == expected


IGNORES = [
    ("- see: a?  # knothole: ignore K301 because it is rare\n  repeat: 3", []),
    ("# knothole: ignore K301 it is rare\n- see: a?\n  repeat: 3", []),
    ("# knothole: ignore K301, K203: rare\n\n# more\n- see: a?\n  repeat: 3", ["K161"]),
    ("- see: a?  # knothole: ignore K301\n  repeat: 3", ["K160"]),
    ("- see: a?  # knothole: ignore because\n  repeat: 3", ["K162", "K301"]),
    ("- see: a?\n  repeat: 3  # knothole: ignore K301 because", ["K160", "K161", "K301"]),
    ("- see: 'a # knothole: ignore K301 because it is rare'\n  repeat: 3", ["K301"]),
    ("- parallel: [{pick: $thing},  # knothole: ignore K303 because two\n    home]  # knothole: ignore K303 because",
     ["K160", "K161"]),
    ("- sea: a?  # knothole: ignore K101 because I like it", ["K101", "K163"]),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "expected"), IGNORES, ids=[nodes for nodes, _ in IGNORES])
def test_problems_that_the_author_has_looked_at(nodes: str, expected: list[str]) -> None:
    assert sorted(codes(tree("sequence:\n" + textwrap.indent(nodes, "  ")))) == expected


def test_comments_of_xml_hide_problems_too(tmp_path: Path) -> None:
    node = '<RetryUntilSuccessful num_attempts="-1"><Action ID="Go"/></RetryUntilSuccessful>'
    head, tail = '<root BTCPP_format="4">\n <BehaviorTree ID="t">\n', "\n </BehaviorTree>\n</root>\n"
    file = tmp_path / "t.xml"
    found = []
    for comment in ("", "<!-- knothole: ignore K311 because the operator stops it -->\n"):
        file.write_text(head + comment + node + tail, encoding="utf-8")
        found.append([problem.code for problem in check(file)])
    assert found == [["K311"], []]


def test_strict_counts_warnings_as_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(tree("see: a?\nrepeat: 3", ""), encoding="utf-8")
    problems, text = check_trees(["t.yaml"])
    assert [problem.severity for problem in problems] == ["warning"]
    assert "t.yaml: ok; model calls: at most 1 a tick" in text
    problems, text = check_trees(["t.yaml"], strict=True)
    assert [problem.severity for problem in problems] == ["error"]
    assert "ok" not in text
    assert text.endswith("1 error, 0 warnings")
