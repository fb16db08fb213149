"""A recorded run is ticked again bit for bit; what is otherwise shows at its tick, and as far as the recording goes."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knothole.app.humans.scripted_human import ScriptedHuman
from knothole.app.recorded.replay import ReplayOptions, Report, replay_run
from knothole.app.running.run import RunOptions
from knothole.app.running.session import run_tree
from knothole.behaviors.bt.manual_selector import CHOOSER
from knothole.behaviors.context import Context
from knothole.behaviors.step import RUNNING
from knothole.robots.contract import RobotState
from knothole.robots.pose import Pose
from knothole.tests.calling import call
from knothole.tests.recorded_runs import Planned, planned
from knothole.tests.script_nodes import Script
from knothole.trees.builder import BuiltTree, build
from knothole.trees.changing.checkpoint import Checkpoint
from knothole.trees.invariants.enforcing import Enforcer
from knothole.trees.invariants.reader import read_invariants_text
from knothole.trees.loader import load_text
from knothole.trees.replaying.changing import Wishes, wish_of
from knothole.trees.replaying.comparing import compare, first_difference
from knothole.trees.replaying.replay import follow, replay
from knothole.trees.replaying.tape import ReplayError, Tape
from knothole.trees.ticking.loop import Loop, LoopResult, Outcome
from knothole.trees.tracing.recording import Message, Recording
from knothole.trees.tracing.trace import TraceWriter, read_trace

HEAD = "knothole: 1\ntree: t\nparams: {n: 0}\nroot:\n"
ANSWERS = '"Is it free?": yes\n"Which color?": {red: 0.9, blue: 0.1}\n'
GUARDED = """\
knothole: 1
tree: guarded
params: {n: 0}
root:
  guard:
    check:
      see: {question: "Is it free?", max_age: 1s}
    child:
      sequence:
        - wait: 1s
        - set: {name: $n, to: "$n + 1"}
        - open_gripper
        - say: "done ${n}"
"""


def equal(tape: Tape, digest: str) -> None:
    """Replay a tape and make sure that it is the same to the last bit."""
    assert tape.story.hexdigest() == digest
    played, _ = replay(tape)
    assert compare(tape, played) == (None, False)
    assert played.stopped is None
    assert played.result.digest == digest


def runs(seeds: range, folder: Path) -> list[tuple[Planned, LoopResult, Tape]]:
    """Record random runs."""
    made = []
    for seed in seeds:
        plan = planned(seed, folder)
        if plan is not None:
            result = plan.record(folder / f"{seed}.mcap")
            made.append((plan, result, Tape.of(read_trace(folder / f"{seed}.mcap"))))
    return made


def test_random_runs_replay_to_the_last_bit(tmp_path: Path) -> None:
    made = runs(range(24), tmp_path)
    assert len(made) >= 10
    for _, result, tape in made:
        equal(tape, result.digest)


@pytest.mark.long
def test_a_hundred_random_runs_replay_to_the_last_bit(tmp_path: Path) -> None:
    count, changed, faults = 0, 0, 0
    for seed in range(1000, 1400):
        for _, result, tape in runs(range(seed, seed + 1), tmp_path):
            equal(tape, result.digest)
            count += 1
            changed += len(tape.trees) > 1
            faults += result.outcome is Outcome.FAULT
        if count >= 100:
            break
    assert count >= 100
    assert changed >= 10
    assert faults >= 2


def altered(tape: Tape, rng: random.Random) -> tuple[Recording, int] | None:
    """Return a recording in which one result of one recorded leaf is another one, and its tick."""
    messages = list(tape.recording.messages)
    leaves = {
        index
        for tree in tape.trees[:1]
        for index, path in enumerate(tree.paths)
        if path in tree.leaves and tree.leaves[path].way == "recorded"
    }
    change = next((n for n, m in enumerate(messages) if m.data.get("event") == "reload"), len(messages))
    places = [
        (n, k)
        for n, message in enumerate(messages[:change])
        if message.topic == "/status"
        for k, each in enumerate(message.data["changes"])
        if each["node"] in leaves and each["status"] in ("SUCCESS", "FAILURE")
    ]
    if not places:
        return None
    n, k = rng.choice(places)
    changes = [dict(each) for each in messages[n].data["changes"]]
    changes[k]["status"] = "FAILURE" if changes[k]["status"] == "SUCCESS" else "SUCCESS"
    messages[n] = Message("/status", messages[n].time, {**messages[n].data, "changes": changes})
    return Recording(tuple(messages), True), int(messages[n].data["tick"])


def test_one_altered_leaf_result_is_reported_at_its_tick(tmp_path: Path) -> None:
    rng, seen = random.Random(1), 0
    for _, _, tape in runs(range(24, 48), tmp_path):
        made = altered(tape, rng)
        if made is None:
            continue
        other = Tape.of(made[0])
        difference, _ = compare(other, replay(other)[0])
        assert difference is not None
        assert difference.tick == made[1]
        seen += 1
    assert seen >= 6


def test_one_leaf_result_set_by_a_wish_parts_at_its_tick(tmp_path: Path) -> None:
    rng, seen = random.Random(2), 0
    for _, _, tape in runs(range(48, 88), tmp_path):
        first, log = replay(tape)
        ticked = [
            (path, tape.segments[number].tick, calls.steps[0].said.status)
            for (path, number), calls in log.items()
            if len(calls.steps) == 1 and calls.steps[0].said.status in ("SUCCESS", "FAILURE")
        ]
        if not ticked or len(tape.trees) > 1:
            continue
        path, tick, status = rng.choice(ticked)
        wishes = Wishes((wish_of("status", f"{path}={'FAILURE' if status == 'SUCCESS' else 'SUCCESS'}@{tick}", tape),))
        played = follow(tape, log, TraceWriter(tmp_path / "what_if.mcap"), wishes)
        made = Tape.of(read_trace(tmp_path / "what_if.mcap"))
        assert compare(made, replay(made)[0])[0] is None
        difference = first_difference(first.story.lines, played.story.lines, prefer=[path])
        assert difference is not None
        assert (difference.tick, difference.node, difference.now) == (
            tick, path, f"{'FAILURE' if status == 'SUCCESS' else 'SUCCESS'}: set by --status",
        )  # fmt: skip
        seen += 1
    assert seen >= 4


def test_nothing_otherwise_follows_the_recording_to_the_end(tmp_path: Path) -> None:
    for _, result, tape in runs(range(76, 90), tmp_path):
        _, log = replay(tape)
        played = follow(tape, log)
        assert played.stopped is None
        assert played.result.digest == result.digest


def test_a_trace_of_a_killed_writer_replays_as_far_as_it_goes(tmp_path: Path) -> None:
    rng, seen = random.Random(3), 0
    for plan, _, tape in runs(range(72, 90), tmp_path):
        path = tmp_path / f"{plan.seed}.mcap"
        messages = tape.recording.messages
        for _ in range(6):
            cut = rng.randint(len(messages) // 3, len(messages) - 2)
            try:
                part = Tape.of(Recording(messages[:cut], False))
            except ReplayError:
                continue  # killed before the first ticks were written
            played, _ = replay(part)
            assert compare(part, played) == (None, True), (path, cut)
            assert part.last_tick <= tape.last_tick
            seen += part.last_tick > 0
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - 40])
        whole = Tape.of(read_trace(path))
        assert compare(whole, replay(whole)[0])[0] is None
    assert seen >= 10


def record(
    path: Path, text: str, ticks: int = 0, before: Callable[[BuiltTree], None] = lambda tree: None, **leaves: Any
) -> LoopResult:
    """Run a tree of a text, for some ticks or to its end; ``leaves`` are letters by the last part of a path."""
    spec = load_text(text, "t.yaml")
    plain = build(spec, Context())
    overrides = {
        built.path: lambda w, letters=leaves[end]: Script(letters, w.name, w.context)
        for built in plain.nodes
        if (end := built.path.rpartition("/")[2]) in leaves
    }
    tree = build(spec, Context(), overrides=overrides)
    before(tree)
    loop = Loop(tree, trace=TraceWriter(path), max_time=10)
    if not ticks:
        return loop.run()
    for _ in range(ticks):
        loop.tick()
    return loop.close()


def test_a_leaf_that_fails_twice_alike_in_one_tick_is_told_apart(tmp_path: Path) -> None:
    text = (
        HEAD
        + "  sequence:\n    - bt.RetryUntilSuccessful: {num_attempts: 4, child: {check: '$n < 5'}}\n    - wait: 1s\n"
    )
    for letters in ("FFS", "FFFF", "FS", "S", "KKFS", "FRFS"):
        result = record(tmp_path / "t.mcap", text, 3 if letters != "FFFF" else 0, check=letters)
        equal(Tape.of(read_trace(tmp_path / "t.mcap")), result.digest)


def test_a_leaf_that_is_skipped_without_a_word_is_in_the_trace(tmp_path: Path) -> None:
    record(tmp_path / "t.mcap", HEAD + "  sequence:\n    - home\n    - wait: 1s\n", 2, home="K")
    recording = read_trace(tmp_path / "t.mcap")
    assert recording.statuses(1)[1] == ("SKIPPED", "")


def test_entries_that_are_set_from_outside_come_in_again(tmp_path: Path) -> None:
    def before(tree: BuiltTree) -> None:
        tree.blackboard["n"] = 0.123456789
        tree.blackboard["mine"] = [1, (2, 3)]

    text = HEAD + "  sequence:\n    - check: '$n > 0.12345678'\n    - check: '$n < 0.1234568'\n    - wait: 100ms\n"
    result = record(tmp_path / "t.mcap", text, before=before)
    assert result.outcome is Outcome.SUCCESS
    equal(Tape.of(read_trace(tmp_path / "t.mcap")), result.digest)


def test_a_value_that_a_trace_does_not_keep_is_named_where_it_is_read(tmp_path: Path) -> None:
    class Odd(Script):
        def step(self) -> Any:
            self.wiring.board.cell("n").set(object(), self.path)
            return super().step()

    def odd(wiring: Any) -> Odd:
        made = Odd("S", wiring.name, wiring.context)
        made.wiring, made.path = wiring, wiring.path
        return made

    text = HEAD + "  sequence:\n    - home\n    - set: {name: $m, to: '$n'}\n    - wait: 100ms\n"
    tree = build(load_text(text, "t.yaml"), Context(), overrides={"t/sequence/home": odd})
    result = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap")).run()
    tape = Tape.of(read_trace(tmp_path / "t.mcap"))
    played, _ = replay(tape)
    difference, _ = compare(tape, played)
    assert result.outcome is Outcome.SUCCESS
    assert difference is not None
    assert difference.node == "t/sequence/set"
    assert "a value that was not recorded" in difference.now


def test_a_fault_from_outside_of_the_tree_is_compared_up_to_the_tick_before(tmp_path: Path) -> None:
    class Broken(Script):
        def update(self) -> Any:  # py_trees' own hook: what it raises is told to nobody
            raise OSError("the cable is out")

    text = HEAD + "  sequence:\n    - wait: 200ms\n    - home\n"
    overrides = {"t/sequence/home": lambda w: Broken("S", w.name, w.context)}
    tree = build(load_text(text, "t.yaml"), Context(), overrides=overrides)
    result = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert result.outcome is Outcome.FAULT
    tape = Tape.of(read_trace(tmp_path / "t.mcap"))
    assert compare(tape, replay(tape)[0]) == (None, True)


def test_a_trace_of_an_older_version_says_what_it_lacks(tmp_path: Path) -> None:
    record(tmp_path / "t.mcap", HEAD + "  wait: 100ms\n")
    recording = read_trace(tmp_path / "t.mcap")
    old = replace(recording, messages=tuple(m for m in recording.messages if m.topic != "/replay"))
    with pytest.raises(
        ReplayError, match="the trace does not hold what a replay needs\n  why:  it was recorded by an older"
    ):
        Tape.of(old)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tree, its answers, and a trace of a run of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guarded.yaml").write_text(GUARDED, encoding="utf-8")
    (tmp_path / "answers.yaml").write_text(ANSWERS, encoding="utf-8")
    done = run_tree(RunOptions("guarded.yaml", vlm="scripted:answers.yaml", robot="kinematic", trace=Path("run.mcap")))
    assert done.status == "SUCCESS", done.reason
    return tmp_path


def asked(**options: Any) -> Report:
    return replay_run(ReplayOptions(Path("run.mcap"), **options))


def test_the_command_replays_a_run_and_asks_what_if(project: Path) -> None:
    code, out, err = call("replay run.mcap")
    assert (code, err) == (0, "")
    assert out.startswith("guarded: equal, ")
    last = asked().ticks
    code, out, _ = call("replay run.mcap --answer see=no@15")
    assert code == 1
    assert "first difference in tick 15 at guarded/guard/see\n  recorded  SUCCESS, as before\n" in out
    assert "now       FAILURE: 'Is it free?': p(yes) = 0.00\n" in out
    assert f"the recording says no more at tick {last + 1}: guarded/guard\n" in out
    code, out, _ = call("replay run.mcap --status open_gripper=FAILURE@22 --json")
    data = json.loads(out)
    assert code == 1
    assert data["difference"]["node"] == "guarded/guard/sequence/open_gripper"
    assert data["ends"]["outcome"] == "FAILURE"
    assert data["stopped"] is None


def test_an_answer_is_taken_at_a_time_too_and_its_hysteresis_counts(project: Path) -> None:
    assert asked(answers=("see=0.75@0.5s",)).follows == ()  # a standing yes is sticky down to 0.7
    found = asked(answers=("see=0.6@0.5s",))
    assert found.difference is not None
    assert (found.difference.tick, found.difference.now) == (11, "RUNNING: unsure: p(yes) = 0.60")


def test_an_edited_tree_shows_where_it_parts(project: Path) -> None:
    (project / "edited.yaml").write_text(GUARDED.replace("wait: 1s", "wait: 500ms"), encoding="utf-8")
    found = asked(tree="edited.yaml")
    assert found.difference is not None
    assert found.difference.node == "guarded/guard/sequence/wait"
    assert found.stopped is not None
    assert found.stopped.node == "guarded/guard/sequence/open_gripper"
    assert found.stopped.why == "it was not ticked here in the recorded run"
    (project / "same.yaml").write_text(f"# the same\n{GUARDED}", encoding="utf-8")
    assert asked(tree="same.yaml").exit_code == 0
    (project / "other.yaml").write_text(GUARDED.replace("- open_gripper", "- close_gripper"), encoding="utf-8")
    stopped = asked(tree="other.yaml").stopped
    assert stopped is not None
    assert stopped.why == "the recording has no such leaf, so nothing is known of it"


def test_the_simulated_world_goes_on_where_the_recording_ends(project: Path) -> None:
    found = asked(statuses=("open_gripper=RUNNING@22",), go_on=True)
    assert found.stopped is None
    assert found.difference is not None
    assert found.difference.tick == 22
    assert found.ends[0] == "SUCCESS"
    assert found.ticks > asked().ticks
    alone = asked(statuses=("open_gripper=RUNNING@22",))
    assert alone.stopped is not None
    assert alone.stopped.tick == 23


def test_a_replayed_run_is_recorded_as_a_trace_of_its_own(project: Path) -> None:
    found = asked(answers=("see=no@15",), output=Path("what_if.mcap"))
    assert found.output == Path("what_if.mcap")
    code, out, _ = call("why what_if.mcap")
    assert code == 0
    assert "guarded/guard/see" in out
    plain = asked(output=Path("again.mcap"))
    assert read_trace("again.mcap").end["digest"] == plain.recorded
    code, out, _ = call("replay again.mcap")
    assert (code, out) == (0, f"guarded: equal, {plain.ticks} ticks, digest {plain.recorded}\n")


def test_a_file_is_replaced_on_request_only_and_not_by_a_replay_that_is_refused(project: Path) -> None:
    whole = (project / "run.mcap").read_bytes()
    (project / "mine.mcap").write_bytes(whole)
    code, _, err = call("replay run.mcap -o mine.mcap")
    assert (code, err) == (
        2, "error: mine.mcap is there already\n  fix:  name another file, or give --force\n",
    )  # fmt: skip
    assert call("replay run.mcap --answer see=purple@15 -o mine.mcap --force")[0] == 2
    assert call("replay run.mcap --status say=FAILURE@3 -o other.mcap")[0] == 2
    assert (project / "mine.mcap").read_bytes() == whole
    assert call("replay run.mcap -o mine.mcap --force")[0] == 0
    assert (project / "mine.mcap").read_bytes() != whole
    assert call("replay mine.mcap")[0] == 0
    assert call("replay run.mcap --status open_gripper=RUNNING@22 --continue -o again.mcap")[0] == 1
    assert call("replay again.mcap")[0] == 0
    assert sorted(file.name for file in project.iterdir()) == [
        "again.mcap", "answers.yaml", "guarded.yaml", "mine.mcap", "run.mcap",
    ]  # fmt: skip


REFUSED = """\
  parallel:
    children:
      - sequence:
          - wait: 300ms
          - set: {name: $near, to: true}
          - wait: 300ms
          - set: {name: $near, to: false}
          - wait: 300ms
      - repeat:
          times: 20
          child:
            selector:
              - sequence: [{home: {}}, {say: there}]
                name: work
              - {NAPS}
"""
RULES = [
    "never: say while $near", "never: home while $near", "never: {name: work}\n    while: $near",
    "never: selector while $near", "never: [say, home, wait]\n    while: $near",
]  # fmt: skip


@pytest.mark.parametrize("never", RULES)
@pytest.mark.parametrize("naps", ["wait: 50ms", "check: 'true'", "wait: 0ms"])
def test_what_rules_refused_is_refused_again(tmp_path: Path, never: str, naps: str) -> None:
    head = HEAD.replace("params: {n: 0}", "inputs: {near: {type: bool, default: false}}")
    text = f"knothole_invariants: 1\nrules:\n  - {never}\n"
    spec = load_text(head + REFUSED.replace("{NAPS}", naps), "t.yaml")
    for letters in ("RS", "S", "RRRS", "F", "RF"):
        context = Context()
        context.invariants = enforcer = Enforcer(read_invariants_text(text, "never.yaml"), context)
        (path,) = (node.path for node in spec.walk() if node.type == "home")
        tree = build(spec, context, overrides={path: lambda w, letters=letters: Script(letters, w.name, w.context)})
        result = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"), max_time=3).run()
        assert enforcer.refused or (letters.endswith("F") and "say" in never)
        tape = Tape.of(read_trace(tmp_path / "t.mcap"))
        played, log = replay(tape, TraceWriter(tmp_path / "again.mcap"))
        assert compare(tape, played) == (None, False)
        assert played.result.digest == result.digest
        assert follow(tape, log).result.digest == result.digest
        again = Tape.of(read_trace(tmp_path / "again.mcap"))
        assert again.recording.topic("/invariants") == tape.recording.topic("/invariants")
        equal(again, result.digest)


def test_a_replay_does_not_guess_what_rules_would_have_said(project: Path) -> None:
    text = "  sequence:\n    - wait: 1s\n    - say: forbidden words\n"
    Path("t.yaml").write_text(HEAD + text, encoding="utf-8")
    Path("never.yaml").write_text("knothole_invariants: 1\nrules:\n  - never: say\n", encoding="utf-8")
    run_tree(RunOptions("t.yaml", robot="none", invariants=Path("never.yaml"), trace=Path("run.mcap")))
    assert call("replay run.mcap")[0] == 0
    found = asked(statuses=("wait=SUCCESS@3",)).stopped
    assert found is not None
    assert (found.tick, found.node) == (3, "t/sequence/say")
    assert found.why == "a rule is about it, and whether that allows it here was not recorded"


def test_rules_hold_when_the_world_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(HEAD + "  sequence:\n    - wait: 1s\n    - say: forbidden words\n", encoding="utf-8")
    Path("never.yaml").write_text("knothole_invariants: 1\nrules:\n  - never: say\n", encoding="utf-8")
    options = RunOptions("t.yaml", robot="none", max_time=0.5, invariants=Path("never.yaml"), trace=Path("run.mcap"))
    assert run_tree(options).exit_code == 4
    found = asked(statuses=("wait=SUCCESS@3",), go_on=True)
    assert found.ends == ("FAILURE", "refused by never.yaml:3:5: never say")


def test_the_trace_of_a_what_if_says_what_is_true(project: Path) -> None:
    last = asked(answers=("see=no@15",), output=Path("what_if.mcap")).ticks
    _, out, _ = call("why what_if.mcap")
    end = f"in tick {last} ({(last - 1) * 0.05:.2f} s)"
    assert out.startswith(f"UNRECORDED  guarded was still running where the replayed recording says no more, {end}\n")
    assert "asked  'Is it free?': yes 0.00, no 1.00\n" in out
    assert read_trace("what_if.mcap").end["status"] == "RUNNING"
    asked(statuses=("open_gripper=RUNNING@22",), output=Path("broke.mcap"))
    assert read_trace("broke.mcap").end["outcome"] == "UNRECORDED"  # within a tick
    assert call("why broke.mcap")[1].startswith("UNRECORDED")


WHAT_IF = [
    ("--answer see=no@15", "equal, 23 ticks"),
    ("--answer see=0.6@0.5s --answer see=no@10", "equal, 23 ticks"),
    ("--status open_gripper=FAILURE@22", "equal, 22 ticks"),
    ("--status open_gripper=RUNNING@22", "equal as far as the trace goes, 22 ticks"),
    ("--status wait=SKIPPED@5", "equal as far as the trace goes, 4 ticks"),
    ("--answer see=no@15 --continue", "equal, "),
    ("--status open_gripper=RUNNING@22 --continue", "equal, "),
    ("--tree edited.yaml", "equal"),
]


@pytest.mark.parametrize(("options", "said"), WHAT_IF, ids=[options for options, _ in WHAT_IF])
def test_the_trace_of_a_what_if_is_replayed_as_often_as_wanted(project: Path, options: str, said: str) -> None:
    (project / "edited.yaml").write_text(GUARDED.replace("wait: 1s", "wait: 500ms"), encoding="utf-8")
    code, _, err = call(f"replay run.mcap {options} -o a.mcap")
    assert (code, err) == (1, "")
    code, out, err = call("replay a.mcap -o b.mcap")
    assert (code, err, out.startswith(f"guarded: {said}")) == (0, "", True), out
    code, out, _ = call("replay b.mcap")
    assert (code, out.startswith("guarded: equal")) == (0, True), out


def test_a_what_if_of_a_what_if_goes_before_it(project: Path) -> None:
    asked(answers=("see=no@15",), output=Path("a.mcap"))
    code, out, _ = call("replay a.mcap --answer see=yes@15 -o b.mcap")
    assert code == 1
    assert "  tick    15  guarded/guard/see  FAILURE → SUCCESS: p(yes) = 1.00\n" in out
    tape = Tape.of(read_trace("b.mcap"))
    assert [str(wish) for wish in tape.wishes] == ["--answer guarded/guard/see=yes@15"]
    assert call("replay b.mcap")[0] == 0
    asked(statuses=("wait=SUCCESS@21",), output=Path("c.mcap"))
    both = replay_run(ReplayOptions(Path("c.mcap"), answers=("see=no@15",), output=Path("d.mcap")))
    assert both.difference is not None
    assert both.difference.tick == 15
    assert call("replay d.mcap")[0] == 0


def test_a_replay_of_a_steered_run_is_a_trace_that_replays(tmp_path: Path) -> None:
    control = pytest.importorskip("knothole.trees.debugging.control").Control()
    tree = build(load_text(HEAD + "  sequence:\n    - wait: 100ms\n    - wait: 10s\n"), Context())
    loop = Loop(tree, trace=TraceWriter(tmp_path / "a.mcap"), control=control)
    for tick in range(8):
        if tick == 5:
            assert control.command({"do": "force", "node": "t/sequence/wait[2]", "status": "SUCCESS"})["ok"]
        if loop.tick() is not RUNNING:
            break
    loop.close()
    for before, after in (("a", "b"), ("b", "c")):
        tape = Tape.of(read_trace(tmp_path / f"{before}.mcap"))
        played, _ = replay(tape, TraceWriter(tmp_path / f"{after}.mcap"))
        assert compare(tape, played) == (None, False)


def test_what_the_human_said_is_heard_again_and_may_be_otherwise(project: Path) -> None:
    text = (
        "knothole: 1\ntree: talk\nroot:\n  sequence:\n    - wait: 200ms\n"
        "    - ask_human: {question: Which cup?, options: [red, blue], expect: [red], answer: $cup}\n"
        "    - say: the ${cup} one\n"
    )
    (project / "talk.yaml").write_text(text, encoding="utf-8")
    human = ScriptedHuman({"Which cup?": ["red"]})
    done = run_tree(RunOptions("talk.yaml", robot="none", trace=Path("run.mcap")), human=human)
    assert done.status == "SUCCESS"
    tick = done.ticks
    assert asked().exit_code == 0
    found = asked(answers=(f"ask_human=blue@{tick}",))
    assert found.difference is not None
    assert found.difference.now == "FAILURE: 'Which cup?': blue, not red"
    assert found.ends == ("FAILURE", "'Which cup?': blue, not red")
    asked(answers=(f"ask_human=blue@{tick}",), output=Path("other.mcap"))
    assert call("replay other.mcap")[0] == 0
    for answer, message in (
        (f"ask_human=blau@{tick}", "did you mean:  blue"),
        ("ask_human=blue@2", "was not ticked in tick 2"),
    ):
        with pytest.raises(ReplayError, match=message):
            asked(answers=(answer,))


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "replay.md").read_text(encoding="utf-8")
    tree, answers = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.M | re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guarded.yaml").write_text(tree, encoding="utf-8")
    (tmp_path / "answers.yaml").write_text(answers, encoding="utf-8")
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", page, flags=re.M | re.S) for line in block.splitlines()]
    codes = [call(line.removeprefix("knothole "))[0] for line in lines if "RUN.mcap" not in line]
    assert codes == [0, 0, 1, 1, 1, 0]


def test_pictures_that_are_not_to_be_kept_are_not_in_what_leaves_wrote(project: Path) -> None:
    (project / "look.yaml").write_text("knothole: 1\ntree: look\nroot:\n  photo: $before\n", encoding="utf-8")
    for frames in ("keep", "drop"):
        options = RunOptions("look.yaml", robot="kinematic", frames=frames, trace=Path(f"{frames}.mcap"))
        assert run_tree(options).status == "SUCCESS"
        rows = json.dumps([m.data for m in read_trace(f"{frames}.mcap").topic("/replay")])
        assert ("pictures are not kept in this trace" in rows) == (frames == "drop")
        assert replay_run(ReplayOptions(Path(f"{frames}.mcap"))).exit_code == 0


WRONG = [
    ("gone.mcap", "there is no trace gone.mcap\n  fix:  "),
    ("guarded.yaml", "guarded.yaml is no trace\n  fix:  "),
    ("run.mcap --answer sea=no@15", "unknown node 'sea'\n"),
    ("run.mcap --answer guarded/guard/sea=no@15", "did you mean:  guarded/guard/see"),
    ("run.mcap --answer see=maybe@15", "'maybe' is no answer to 'Is it free?'\n  fix:  give one of yes, no, or a"),
    ("run.mcap --answer see=no@999", "there is no tick 999\n  fix:  the recorded run has ticks 1 to "),
    ("run.mcap --answer see=no@99s", "99s is beyond the recorded run\n  fix:  it ended "),
    ("run.mcap --answer see=no", "'see=no' is not understood\n  fix:  write NODE=VALUE@MOMENT, such as see=no@12.4s"),
    ("run.mcap --answer open_gripper=no@22", "cannot be given another answer"),
    ("run.mcap --status see=FAILUR@15", "'FAILUR' is no status\n  did you mean:  FAILURE\n"),
    ("run.mcap --status say=FAILURE@3", "say was not ticked in tick 3\n  why:  it was ticked in "),
    ("run.mcap --continue", "nothing is otherwise, so nothing goes on\n  fix:  add --answer"),
    ("run.mcap -o run.mcap", "the replayed run would replace run.mcap\n  fix:  name another file"),
    ("run.mcap --tree gone.yaml", "gone.yaml"),
]


def test_what_makes_no_sense_is_refused_with_a_way_out(project: Path) -> None:
    for line, message in WRONG:
        code, out, err = call(f"replay {line}")
        assert (code, out) == (2, ""), line
        assert message in err, line
        assert "\n  fix:  " in err, line


@pytest.mark.long(minutes=0.1)
@pytest.mark.parametrize("tree", ["stack_two", "tidy_table"])
def test_a_tree_of_the_library_in_physics_replays_to_the_last_bit(tmp_path: Path, tree: str) -> None:
    done = run_tree(RunOptions(tree, vlm="oracle", trace=tmp_path / "run.mcap"))
    assert done.status == "SUCCESS", done.reason
    equal(Tape.of(read_trace(tmp_path / "run.mcap")), done.digest)


def test_a_run_without_ticks_and_one_that_is_left_replay(tmp_path: Path) -> None:
    tree = build(load_text(HEAD + "  wait: 1s\n"), Context())
    loop = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"))
    for _ in range(3):
        assert loop.tick() is RUNNING
    loop.request_stop(Outcome.INTERRUPTED)
    result = loop.close()
    equal(Tape.of(read_trace(tmp_path / "t.mcap")), result.digest)


def test_a_run_that_was_resumed_replays_from_where_it_went_on(tmp_path: Path) -> None:
    text = (
        HEAD + "  sequence:\n    - wait: 400ms\n    - set: {name: $n, to: '$n + 0.1'}\n    - home\n    - wait: 300ms\n"
        "    - check: '$n > 0'\n  timeout: 5s\n"
    )
    record(tmp_path / "a.mcap", text, 5, home="RRS")
    checkpoint = Checkpoint.of(read_trace(tmp_path / "a.mcap"))
    overrides = {"t/sequence/home": lambda w: Script("RRRS", w.name, w.context)}
    tree = build(load_text(text, "t.yaml"), Context(), overrides=overrides)
    result = Loop(tree, trace=TraceWriter(tmp_path / "b.mcap"), resume=checkpoint, max_time=10).run()
    assert result.outcome is Outcome.SUCCESS
    tape = Tape.of(read_trace(tmp_path / "b.mcap"))
    equal(tape, result.digest)
    later = Tape.of(replace(tape.recording, messages=tape.recording.messages))
    assert follow(later, replay(later)[1]).result.digest == result.digest
    old = tuple(m for m in tape.recording.messages if m.topic != "/checkpoint")
    with pytest.raises(ReplayError, match="the run was resumed after tick 5, and its state then is not in this trace"):
        Tape.of(replace(tape.recording, messages=old))


def test_a_run_that_was_steered_is_replayed(tmp_path: Path) -> None:
    control_of = pytest.importorskip("knothole.trees.debugging.control").Control
    rng, forced = random.Random(5), 0
    for seed in range(12):
        plan = planned(seed, tmp_path)
        if plan is None:
            continue
        tree, control = plan.build(), control_of()
        paths = [built.path for built in tree.nodes]
        loop = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"), control=control)
        for tick in range(30):
            if tick and rng.random() < 0.3:
                status, once = rng.choice(("SUCCESS", "FAILURE", "RUNNING")), rng.random() < 0.5
                order = {"do": "force", "node": rng.choice(paths), "status": status, "once": once}
                forced += control.command(order)["ok"]
            for each in control.command({"do": "state"})["state"]["forced"]:
                if rng.random() < 0.3:
                    control.command({"do": "release", "node": each["node"]})
            if loop.tick() is not RUNNING:
                break
        result = loop.close()
        equal(Tape.of(read_trace(tmp_path / "t.mcap")), result.digest)
    assert forced > 10


class Walker:
    """A robot that goes along x at 1 m/s; nothing else of it is asked for."""

    stepped = True

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def advance(self, until: float) -> None:
        self._now = until

    def state(self) -> RobotState:
        base = Pose((self._now, 1.0, 0.0))
        return RobotState(self._now, np.zeros(0), np.zeros(0), base, world_from_base=base)

    def stop(self) -> None:
        pass


OUTSIDE = [
    ("nav2.DistanceController: {distance: 0.2, child: {wait: 50ms}}", "each 0.2 m"),
    ("nav2.SpeedController: {min_rate: 2, max_rate: 10, min_speed: 0, max_speed: 2, child: {wait: 50ms}}", "by speed"),
    ("bt.ManualSelector: [{wait: 100ms}, {say: two}]", "by hand"),
]


@pytest.mark.parametrize("node", [node for node, _ in OUTSIDE], ids=[name for _, name in OUTSIDE])
def test_what_a_node_saw_outside_of_the_tree_is_given_to_it_again(node: str, tmp_path: Path) -> None:
    context, chosen = Context(), random.Random(3)
    context.robot = Walker()  # type: ignore[assignment]
    context.notes[CHOOSER] = lambda path, names: chosen.choice([0, 1, "FAILURE", "RUNNING"])
    text = f"{HEAD}  repeat:\n    times: 100\n    child:\n      bt.ForceSuccess: {{child: {{{node}}}}}\n"
    result = Loop(build(load_text(text), context), trace=TraceWriter(tmp_path / "t.mcap"), max_time=3.0).run()
    recording = read_trace(tmp_path / "t.mcap")
    assert result.outcome is Outcome.TIME_LIMIT
    assert len(recording.topic("/status")) > 5
    equal(Tape.of(recording), result.digest)


def test_what_a_node_saw_outside_is_asked_for_where_the_trace_lacks_it(tmp_path: Path) -> None:
    context = Context(notes={CHOOSER: lambda path, names: 0})
    text = f"{HEAD}  bt.ManualSelector: [{{wait: 100ms}}]\n"
    Loop(build(load_text(text), context), trace=TraceWriter(tmp_path / "t.mcap")).run()
    recording = read_trace(tmp_path / "t.mcap")
    bare = [
        m._replace(data={**m.data, "segments": [row[:5] for row in m.data["segments"]]}) if "segments" in m.data else m
        for m in recording.messages
    ]
    played, _ = replay(Tape.of(Recording(tuple(bare), True)))
    assert played.stopped is not None
    assert (played.stopped.tick, played.stopped.node) == (1, "t/bt.ManualSelector")
    assert "what it saw was not recorded" in played.stopped.why
