"""What would have had to be different: a row for each kind of node, and runs that prove what is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import knothole as kh
from knothole.behaviors.blackboard import Blackboard
from knothole.tests.calling import call
from knothole.tests.steering import Steered
from knothole.tests.test_why import recorded, why
from knothole.trees.explaining.expressions import Written, changes_needed
from knothole.trees.explaining.pictures import NoPictureError, frame_picture, write_picture
from knothole.trees.formulas.clauses import clauses
from knothole.trees.tracing.history import History
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.why import Explanation, Moment, WhyError, explain
from knothole.trees.tracing.why import why as explain_history
from knothole.vlm.scripted import Scripted


def needed(found: Explanation) -> list[str]:
    return [f"{link.path.rpartition('/')[2]}: {line}" for link in reversed(found.links) for line in link.needed]


def box(label: str, box_xyxy: tuple[float, ...], confidence: float) -> dict[str, object]:
    """Return a scripted answer of `ground`."""
    return {"box": list(box_xyxy), "label": label, "confidence": confidence}


UNSURE = "see: above 0.20 it would have been unsure: RUNNING"
ROWS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "see": (
        '  sequence: [see: "Is it there?", say: hi]\n',
        {"answers": {"*": {"yes": 0.12, "no": 0.88}}},
        [
            "see: it would have succeeded with p(yes) of at least 0.80; it was 0.12",
            UNSURE,
            "sequence: had see succeeded, say would have been ticked next",
        ],
    ),
    "see that expects no": (
        '  see: {question: "Is a hand there?", expect: no, accept: 0.9, reject: 0.3, debounce: 2}\n',
        {"answers": {"*": {"yes": 0.8, "no": 0.2}}},
        [
            "see: it would have succeeded with p(no) of at least 0.90 (confirm: 1, debounce: 2); it was 0.20",
            "see: above 0.30 it would have been unsure: RUNNING",
        ],
    ),
    "see that is unsure": (
        '  see: {question: "Is it there?", on_unsure: failure}\n',
        {"answers": {"*": {"yes": 0.5, "no": 0.5}}},
        ["see: it would have succeeded with p(yes) of at least 0.80; it was 0.50"],
    ),
    "see that holds": (
        '  see: "Is it there?"\n',
        {"answers": {"*": {"yes": 0.5, "no": 0.5}}, "max_time": 0.3},
        ["see: it succeeds with p(yes) of at least 0.80, and fails with p(yes) of at most 0.20; it was 0.50"],
    ),
    "see that succeeded": (
        '  see: "Is it there?"\n',
        {"answers": {"*": {"yes": 0.9, "no": 0.1}}},
        ["see: it would have failed with p(yes) of at most 0.20; it was 0.90"],
    ),
    "see without an answer": (
        '  see: "Is it there?"\n',
        {"answers": {"*": {"problem": "no light"}}, "max_time": 0.2},
        ["see: there would have had to be an answer; the backend said: no light"],
    ),
    "count": (
        "  count: {things: cups, at_least: 3}\n",
        {"answers": {"*": {"1": 0.9, "3": 0.1}}},
        [
            "count: it would have succeeded with p(at least 3) of at least 0.60; it was 0.10",
            "count: above 0.20 it would have been unsure: RUNNING",
        ],
    ),
    "which": (
        '  which: {question: "What?", options: [red, green], expect: red}\n',
        {"answers": {"*": {"red": 0.1, "green": 0.9}}},
        [
            "which: it would have had to choose 'red': a probability of at least 0.50 that lies at least 0.20 above "
            "the next one"
        ],
    ),
    "ground that finds nothing": (
        "  ground: {query: cup, objects: $o}\n",
        {"answers": {"*": []}},
        ["ground: at least one box would have had to be found; there was none"],
    ),
    "ground that is not sure": (
        "  ground: {query: cup, objects: $o, min_confidence: 0.6}\n",
        {"answers": {"*": [box("cup", (0.4, 0.4, 0.6, 0.6), 0.31)]}},
        ["ground: at least one box would have had to be found with a confidence of at least 0.60; the best had 0.31"],
    ),
    "check": (
        '  sequence:\n    - set: {name: $n, to: "7"}\n    - check: "$n < 3"\n',
        {},
        [
            "check: $n would have had to be below 3; it was 7 (written by t/sequence/set in tick 1)",
            "sequence: had check succeeded, it would have succeeded",
        ],
    ),
    "check of two entries": (
        '  sequence:\n    - set: {name: $m, to: "2"}\n    - check: "$n > 3 or $m in [3, 4]"\n',
        {},
        [
            "check: $n would have had to be above 3; it was 0 (from input), or $m would have had to be one of [3, 4]; "
            "it was 2 (written by t/sequence/set in tick 1)",
            "sequence: had check succeeded, it would have succeeded",
        ],
    ),
    "check that was read before it was written again": (
        '  reactive_sequence:\n    - check: "$n < 1"\n    - set: {name: $n, to: "$n + 1"}\n    - wait: 5s\n',
        {},
        [
            "check: $n would have had to be below 1; it was 1 (written by t/reactive_sequence/set in tick 1)",
            "reactive_sequence: had check succeeded, set would have been ticked next",
        ],
    ),
    "failure_if": (
        '  sequence:\n    - set: {name: $m, to: "1"}\n    - say: hi\n      failure_if: $m > 0\n',
        {},
        [
            "say#failure_if: failure_if: $m would have had to be at most 0; it was 1 (written by t/sequence/set in "
            "tick 1)",
            "sequence: had say succeeded, it would have succeeded",
        ],
    ),
    "selector": (
        '  selector:\n    - check: "$n > 1"\n    - say: hi\n      when: "$n == 5"\n    - check: "$n > 2"\n',
        {},
        [
            "check[2]: $n would have had to be above 2; it was 0 (from input)",
            "selector: one of its 2 alternatives would have had to succeed",
            "selector: say was skipped: when: $n would have had to be 5; it was 0 (from input)",
        ],
    ),
    "selector that succeeded": (
        '  selector: [check: "$n < 1", say: hi]\n',
        {},
        [
            "check: $n would have had to be at least 1; it was 0 (from input)",
            "selector: had check failed, say would have been tried",
        ],
    ),
    "parallel": (
        '  parallel:\n    success: "2"\n    children: [wait: 1s, say: hi, check: "$n > 1"]\n',
        {},
        [
            "check: $n would have had to be above 1; it was 0 (from input)",
            "parallel: none of its children may fail: check would have had to succeed, or to go on running; 1 of the 2 "
            "successes that it needs were there",
        ],
    ),
    "parallel that runs": (
        "  parallel: [wait: 9s, wait: 100ms, wait: 8s]\n",
        {"max_time": 0.5},
        ["parallel: it needs 3 successes, and had 1"],
    ),
    "parallel with too few": (
        '  parallel:\n    success: "2"\n    children:\n      - wait: 1s\n      - say: x\n        when: "$n > 1"\n',
        {},
        ["parallel: 1 more child would have had to be ticked instead of skipped"],
    ),
    "bt.Parallel": (
        "  bt.Parallel:\n    success_count: 2\n    failure_count: 2\n"
        '    children: [check: "$n > 1", check: "$n > 2", wait: 1s]\n',
        {},
        [
            "check[2]: $n would have had to be above 2; it was 0 (from input)",
            "bt.Parallel: fewer than 2 of its children would have had to fail; check[1] and check[2] did; 0 of the 2 "
            "successes that it needs were there",
        ],
    ),
    "retry": (
        '  check: "$n > 1"\n  retry: 3\n',
        {},
        [
            "check: $n would have had to be above 1; it was 0 (from input)",
            "check#retry: check would have had to succeed in one of its 3 attempts",
        ],
    ),
    "repeat": (
        '  sequence: [set: {name: $n, to: "$n + 1"}, check: "$n < 3"]\n  repeat: 5\n',
        {},
        [
            "check: $n would have had to be below 3; it was 3 (written by t/sequence/set in tick 3)",
            "sequence: had check succeeded, it would have succeeded",
            "sequence#repeat: sequence would have had to succeed 5 times",
        ],
    ),
    "timeout": (
        "  wait: 1s\n  timeout: 300ms\n",
        {},
        [
            "wait#timeout: wait would have had to be done within 0.3 s; it ran from 0.00 s to 0.30 s",
            "wait#timeout: wait alone would have taken 0.7 s more",
        ],
    ),
    "guard that gave up": (
        '  guard: {check: {check: "$n > 1"}, child: {wait: 9s}, give_up_after: 200ms}\n',
        {},
        [
            "check: $n would have had to be above 1; it was 0 (from input)",
            "guard: check would have had to succeed again by tick 5 (0.20 s)",
        ],
    ),
    "guard that pauses": (
        '  guard: {check: {check: "$n > 1"}, child: {wait: 9s}, give_up_after: 20s}\n',
        {"max_time": 0.3},
        [
            "check: $n would have had to be above 1; it was 0 (from input)",
            "guard: check would have to succeed; it gives up after a pause of 20 s",
        ],
    ),
    "inverter": (
        '  inverter: {child: {check: "$n < 1"}}\n',
        {},
        [
            "check: $n would have had to be at least 1; it was 0 (from input)",
            "inverter: check would have had to fail",
        ],
    ),
    "for_each": (
        '  for_each: {item: $i, in: [1, 2, 3], child: {check: "$i < 2"}}\n',
        {},
        [
            "check: $i would have had to be below 2; it was 2 (written by t/for_each in tick 1)",
            "for_each: check would have had to succeed for element 2 of 3; 1 more was to come",
        ],
    ),
    "bt.ForceFailure": (
        '  bt.ForceFailure: {child: {check: "$n < 1"}}\n',
        {},
        ["bt.ForceFailure: nothing below it: it fails whatever its child does"],
    ),
    "bt.IfThenElse": (
        '  bt.IfThenElse: [check: "$n > 1", say: yes]\n',
        {},
        [
            "check: $n would have had to be above 1; it was 0 (from input)",
            "bt.IfThenElse: its condition check would have had to succeed",
        ],
    ),
    "bt.IfThenElse, the branch": (
        '  bt.IfThenElse: [check: "$n > 1", say: yes, check: "$n > 2"]\n',
        {},
        [
            "check[2]: $n would have had to be above 2; it was 0 (from input)",
            "bt.IfThenElse: had check[1] succeeded, check[2] would not have been ticked; say would have been ticked "
            "instead",
        ],
    ),
    "in a tree that is used": (
        "  use: {tree: inner, inputs: {limit: 4}}\n",
        {},
        ["check: $limit would have had to be below 3; it was 4 (written by t/use in tick 1)"],
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_what_would_have_had_to_be_different_is_said(tmp_path: Path, case: str) -> None:
    root, more, lines = ROWS[case]
    inner = "knothole: 1\ntree: inner\ninputs: {limit: {type: number}}\nroot:\n  check: $limit < 3\n"
    (tmp_path / "inner.yaml").write_text(inner, encoding="utf-8")
    assert needed(why(tmp_path, root, **more)) == lines


def test_the_closing_lines_begin_with_what_decided(tmp_path: Path) -> None:
    root, more, lines = ROWS["check"]
    told = str(why(tmp_path, root, **more)).partition("what would have had to be different:\n")[2]
    assert told.splitlines() == [f"    {line}" for line in lines]


CHANGES = {
    "$n < 3": True, "$n >= 3 and not $held": True, "$n == 3": False, "$word == 'cup'": True, "$word in ['box', 'mug']":
    True, "0 < $n < 2.5": True, "$held or $n > 10": False, "$n != 3": True, "not ($n > 1 and $held)": True,
    "$n not in [3, 4]": True, "$n > 3 and $n != 4 and $word == 'box'": True,
}  # fmt: skip
VALUES = {"$n": Written(3, "t/a", 2), "$held": Written(True, "t/b", 1), "$word": Written("can", "t/c", 5)}


@pytest.mark.parametrize(("source", "wanted"), CHANGES.items())
def test_each_entry_that_is_named_is_one_that_matters(source: str, wanted: bool) -> None:
    said = changes_needed(source, wanted, VALUES)
    assert " would have had to be " in said
    assert "; it was " in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("$n > 5 and $n < 4", "$n > 5 and $n < 4 would have had to be true"),
        ("1 > 2", "nothing could have made it so: 1 > 2 is false whatever happens"),
        ("$gone > 2", "$gone > 2 would have had to be true; $gone had no value that is known"),
        ("$n < 9", "$n < 9 would have had to be true"),
        ("$n > 9 if $held else $n > 5", "$n > 9 if $held else $n > 5 would have had to be true; it was false "
         "($n written by t/a in tick 2, $held written by t/b in tick 1)"),
    ],
)  # fmt: skip
def test_nothing_is_claimed_that_was_not_tried(source: str, said: str) -> None:
    """The last but one is true already with the values of the trace: those are not what was computed with."""
    assert changes_needed(source, True, VALUES) == said


def test_an_expression_is_taken_apart_where_its_words_join_it() -> None:
    found = clauses("($a > 1 and not $b) or len([1, 2]) == $c or 0 < $d <= 4 or ($x if $y else $z)")
    assert (found.kind, [part.kind for part in found.parts]) == ("any", ["all", "compare", "all", "plain"])
    assert [part.text for part in found.parts[2].parts] == ["0 < $d", "$d <= 4"]
    assert clauses("$a not in [1, 2]").sign == "not in"
    assert clauses("'a or b' == $c").parts[0].text == "'a or b'"


def run_again(folder: Path, root: str, n: float) -> str:
    """Run a tree whose input n has a value, and return the outcome."""
    file = folder / "again.yaml"
    file.write_text(f"knothole: 1\ntree: t\ninputs: {{n: {{type: number, default: {n}}}}}\nroot:\n{root}", "utf-8")
    return str(kh.load(file).bind(robot="none", vlm=Scripted({})).run().status)


def test_a_run_with_the_value_that_was_named_comes_out_otherwise(tmp_path: Path) -> None:
    root = '  sequence: [check: "$n >= 2.5 and $n < 9", say: hi]\n'
    assert needed(why(tmp_path, root))[0].startswith("check: $n would have had to be at least 2.5; it was 0")
    assert (run_again(tmp_path, root, 2.5), run_again(tmp_path, root, 2.49)) == ("SUCCESS", "FAILURE")


ABSENT: dict[str, tuple[str, str, int | None, str]] = {
    "after a failure": (
        '  sequence: [check: "$n > 1", say: hi]\n', "say", None, "t/sequence did not come to it: check failed before",
    ),
    "after a success": (
        '  selector: [check: "$n < 1", say: hi]\n', "say", None,
        "t/selector did not come to it: check succeeded before",
    ),
    "its condition": ('  say: hi\n  when: "$n > 1"\n', "say", None, "t/say#when was passed over"),
    "paused from the start": (
        '  guard: {check: {check: "$n > 1"}, child: {say: hi}}\n', "say", None,
        "t/guard did not come to it: check failed before",
    ),
    "a hook": (
        "  say: hi\n  on_failure: {say: ho}\n", "on_failure", None,
        "on_failure: nothing called for it, t/say was SUCCESS",
    ),
    "below what was not ticked": (
        '  sequence: [check: "$n > 1", sequence: [sequence: [say: hi]]]\n', "say", None,
        "t/sequence did not come to it: check failed before",
    ),
    "halted by a reactive sequence": (
        '  reactive_sequence:\n    - check: "$n < 2"\n    - parallel:\n        - wait: 9s\n'
        '        - sequence: [wait: 100ms, set: {name: $n, to: "5"}, wait: 5s]\n', "parallel/wait", 4,
        "it was halted in tick 4 (0.15 s) by t/reactive_sequence: the earlier child check was FAILURE again",
    ),
    "halted by a parallel": (
        "  sequence:\n    - parallel: {success: one, children: [wait: 9s, wait: 200ms]}\n    - wait: 5s\n",
        "wait[1]", 9,
        "it was halted in tick 5 (0.20 s) by t/sequence/parallel, which ended: its child wait[2] was SUCCESS",
    ),
    "halted by a timeout": (
        "  selector:\n    - sequence: [wait: 9s]\n      timeout: 200ms\n    - wait: 5s\n", "sequence/wait", 9,
        "it was halted in tick 6 (0.25 s) by t/selector/sequence#timeout: it ended with FAILURE: not done within 0.2 s",
    ),
    "halted by its while": (
        '  parallel:\n    - wait: 9s\n      while: "$n < 1"\n    - sequence: [wait: 100ms, set: {name: $n, to: "5"}, '
        "wait: 5s]\n", "wait#while/", 9, "",
    ),
    "ended and reset": (
        "  repeat: {times: 3, child: {sequence: [say: hi, wait: 200ms]}}\n", "wait", 5,
        "it was reset after its SUCCESS in tick 5, and not ticked again since",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", [case for case in ABSENT if case not in ("halted by its while", "ended and reset")])
def test_why_a_node_has_no_status_is_said(tmp_path: Path, case: str) -> None:
    root, node, tick, said = ABSENT[case]
    found = explain(recorded(tmp_path, root), node, Moment(tick=tick) if tick else None)
    assert found.headline.startswith("NOT TICKED")
    assert found.links[0].says.startswith(said)


def test_a_node_whose_while_turned_false_was_halted_by_it(tmp_path: Path) -> None:
    root = ABSENT["halted by its while"][0]
    found = explain(recorded(tmp_path, root), "t/parallel/wait", Moment(tick=6))
    assert "halted in tick" in found.links[0].says
    assert "by t/parallel/wait#while: a condition turned against it" in found.links[0].says
    assert needed(found)[0] == (
        "wait#while: while: $n would have had to be below 1; it was 5 (written by t/parallel/sequence/set in tick 3)"
    )


def test_why_nothing_was_ticked_yet_is_answered_too(tmp_path: Path) -> None:
    trace = recorded(tmp_path, '  sequence: [wait: 200ms, check: "$n > 1"]\n')
    assert explain(trace, "check", Moment(tick=0)).headline.endswith("nothing had been ticked yet")


def test_a_node_is_found_by_a_part_of_its_name(tmp_path: Path) -> None:
    trace = recorded(tmp_path, '  sequence: [{say: a, name: greet the guest}, {say: b, name: part}, check: "$n > 1"]\n')
    assert explain(trace, "GUEST").node == "t/sequence/say[1]"
    assert explain(trace, "say[2]").node == "t/sequence/say[2]"
    with pytest.raises(WhyError, match="'say' is 2 nodes"):
        explain(trace, "say")


def test_the_data_for_a_viewer_hold_answer_thresholds_and_what_was_needed(tmp_path: Path) -> None:
    history = History(recorded(tmp_path, ROWS["see"][0], answers={"*": {"yes": 0.12, "no": 0.88}}))
    found = explain_history(history, "see", Moment(tick=2)).to_json()
    (link,) = json.loads(json.dumps(found))["chain"]
    assert link["answer"]["probabilities"] == {"yes": 0.12, "no": 0.88}
    assert (link["answer"]["frame"], link["answer"]["frame_age_s"]) == ("table#1", 0.05)
    assert found["needed"][0] == {"path": "t/sequence/see", "text": link["needed"][0]}  # type: ignore[index]
    assert history.nodes[1].ports["accept"] == 0.8


def boxed(folder: Path, answers: Mapping[str, object] | None = None) -> Path:
    """Record a run whose last failure saw two boxes."""
    answers = answers or {"*": [box("<cup>", (0.25, 0.25, 0.5, 0.75), 0.4), box("can", (0.6, 0.1, 0.9, 0.3), 0.3)]}
    recorded(folder, "  ground: {query: cup, all: true, objects: $o, min_confidence: 0.6}\n", answers=answers)
    return folder / "t.mcap"


def test_the_picture_that_decided_is_written_with_its_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trace = boxed(tmp_path)
    assert call(f"why {trace.name} --frame seen.png")[0] == 0
    seen = Image.open(tmp_path / "seen.png")
    plain = frame_picture(read_trace(trace), "table#1")
    assert seen.size == plain.size
    width, height = seen.size
    assert seen.getpixel((width // 4, height // 2)) == (0xE6, 0x19, 0x4B)
    assert seen.getpixel((round(width * 0.75), round(height * 0.3))) == (0x0B, 0x57, 0xD0)
    assert plain.getpixel((width // 4, height // 2)) != (0xE6, 0x19, 0x4B)


@pytest.mark.parametrize(
    ("root", "file", "said"),
    [
        ('  check: "$n > 1"\n', "x.png", "no picture decided this"),
        (ROWS["see"][0], "x.gif", "no picture format '.gif'"),
        (ROWS["see"][0], "gone/x.png", "cannot be written"),
    ],
)
def test_a_picture_that_cannot_be_had_says_why(tmp_path: Path, root: str, file: str, said: str) -> None:
    recording = recorded(tmp_path, root)
    with pytest.raises(NoPictureError, match=said):
        write_picture(recording, explain(recording).evidence, tmp_path / file)


def test_a_picture_that_was_dropped_is_missed_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "knothole.toml").write_text('[privacy]\nframes = "drop"\n', encoding="utf-8")
    recording = recorded(tmp_path, ROWS["see"][0], answers={"*": "no"})
    with pytest.raises(NoPictureError, match="recorded with frames: drop"):
        frame_picture(recording, "table#1")


def test_a_status_that_was_forced_by_hand_is_not_put_on_the_node(tmp_path: Path) -> None:
    text = 'knothole: 1\ntree: t\nroot:\n  sequence: [check: "1 > 0", say: hi]\n'
    assert needed(forced(text, "t/sequence/check", tmp_path))[0] == (
        "check: nothing below it: it was forced to FAILURE by hand since tick 0"
    )


def test_a_status_that_was_forced_once_is_not_blamed_for_one_that_a_node_gave_itself_later(tmp_path: Path) -> None:
    text = 'knothole: 1\ntree: t\nparams: {n: 0}\nroot: {retry: {attempts: 2, child: {check: "$n > 3"}}}\n'
    found = needed(forced(text, "t/retry/check", tmp_path))
    assert found[0] == "check: $n would have had to be above 3; it was 0 (from params)"


def forced(text: str, node: str, folder: Path) -> Explanation:
    """Run a tree of which one node is forced to FAILURE once, and explain how it ended."""
    with Steered(text, folder) as run:
        run.send("force", node=node, status="FAILURE", once=True)
        run.send("resume")
        run.join()
    return explain(read_trace(folder / "run.mcap"))


def test_the_trace_tells_what_a_node_was_given_and_which_entries_it_reads(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "knothole: 1\ntree: inner\ninputs: {m: {type: number}}\nroot:\n  check: $m < 3\n  retry: 2\n", encoding="utf-8"
    )
    rows = recorded(tmp_path, "  sequence: [use: {tree: inner, inputs: {m: $n}}, wait: 1s]\n").tree["nodes"]
    given = {row["path"]: (row["ports"], row["reads"]) for row in rows}
    assert given["t/sequence/use/inner/check"] == ({"expression": {"expression": "$m < 3"}}, {"$m": "n"})
    assert given["t/sequence/use/inner/check#retry"] == ({"attempts": 2}, {})
    assert given["t/sequence/wait"] == ({"duration": 1.0}, {})


def test_asking_what_a_name_means_makes_no_entry() -> None:
    board = Blackboard()
    board.alias("t/use/m", board.cell("n"))
    assert (board.meaning("t/use/m"), board.meaning("gone")) == ("n", "gone")
    assert [cell.name for cell in board] == ["n"]
