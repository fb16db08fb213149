"""A run that is left and resumed goes on as if it had not been left; what cannot go on says so at load."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knothole._base import KnotholeError
from knothole.app.running.options import RunOptions
from knothole.app.running.resume import resumed
from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf
from knothole.behaviors.step import RUNNING, Status
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.tests.script_nodes import Script
from knothole.trees.builder import BuiltTree, build
from knothole.trees.changing.checkpoint import Checkpoint, ResumeError
from knothole.trees.changing.taking import Checkpoints
from knothole.trees.loader import load_text
from knothole.trees.problems import TreeError
from knothole.trees.recorded import cutting
from knothole.trees.recorded.raw import RawTrace
from knothole.trees.spec import TreeSpec
from knothole.trees.ticking.loop import Loop, Outcome, Ticked
from knothole.trees.tracing.amount import Amount
from knothole.trees.tracing.recording import Recording
from knothole.trees.tracing.trace import TraceWriter, read_trace
from knothole.trees.tracing.trace_file import TraceFile
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]


class Kept(Script):
    """A scripted leaf that goes on where it was."""

    recovers = "state"

    def step(self) -> Status:
        self.context.rng.random()
        return super().step()


COMPOSITES = (
    *("sequence", "selector", "parallel", "reactive_sequence", "reactive_selector", "reactive_parallel"),
    *("bt.Sequence", "bt.Fallback", "bt.SequenceWithMemory", "bt.ReactiveFallback", "bt.TryCatch", "bt.ParallelAll"),
    *("nav2.PipelineSequence", "nav2.RoundRobin", "pt.Sequence", "pt.Selector"),
)
DECORATORS: dict[str, dict[str, object]] = {
    "inverter": {},
    "retry": {"attempts": 3},
    "repeat": {"times": 2},
    "timeout": {"duration": "350ms"},
    "for_each": {"item": "$each", "in": [1, "two", [3]]},
    "bt.RetryUntilSuccessful": {"num_attempts": 2},
    "bt.Repeat": {"num_cycles": 2},
    "bt.Timeout": {"msec": 300},
    "bt.Delay": {"delay_msec": 120},
    "bt.RunOnce": {},
    "bt.KeepRunningUntilFailure": {},
    "nav2.RateController": {"hz": 8},
    "nav2.SingleTrigger": {},
}
KEYS: dict[str, object] = {
    "retry": 2,
    "repeat": 2,
    "timeout": "400ms",
    "while": "$n < 8",
    "skip_if": "$n > 9",
    "on_failure": {"set": {"name": "$n", "to": "$n + 1"}},
    "on_halt": {"set": {"name": "$m", "to": "$m + 1"}},
    "finally": {"set": {"name": "$m", "to": "$m + 1"}},
}


def leaf(rng: random.Random) -> dict[str, object]:
    return rng.choice(
        (
            {"check": "$n < 5"},
            {"check": "$n < 5"},
            {"wait": rng.choice(("100ms", "250ms"))},
            {"set": {"name": "$n", "to": "$n + 1"}},
            {"bt.Sleep": 150},
        )
    )


def grown(rng: random.Random, depth: int) -> dict[str, object]:
    if depth == 0 or rng.random() < 0.15:
        return leaf(rng)
    kind = rng.choice(("composite", "composite", "decorator", "keys", "guard"))
    if kind == "composite":
        return {rng.choice(COMPOSITES): [grown(rng, depth - 1) for _ in range(rng.randint(2, 4))]}
    child = grown(rng, depth - 1)
    if kind == "guard":
        return {"guard": {"check": {"check": "$n < 5"}, "child": child, "give_up_after": "600ms"}}
    if kind == "keys":
        return {"sequence": [child, leaf(rng)], **{key: KEYS[key] for key in rng.sample(sorted(KEYS), 2)}}
    name = rng.choice(sorted(DECORATORS))
    return {name: {**DECORATORS[name], "child": child}}


def random_spec(seed: int) -> tuple[TreeSpec, dict[str, str]] | None:
    """Return a tree, and scripts for its checks that are no condition of a key; None for one with mistakes."""
    rng = random.Random(seed)
    head = {"knothole": 1, "tree": "t", "params": {"n": 0, "m": 0}}
    try:
        spec = load_text(json.dumps({**head, "root": grown(rng, 4)}))
        built = build(spec, Context())
    except TreeError:
        return None
    checks = [node.path for node in built.nodes if node.type == "check"]
    return spec, {path: "".join(rng.choices("RRRSSFK", k=8)) for path in checks}


def planted(spec: TreeSpec, scripts: dict[str, str]) -> BuiltTree:
    overrides: dict[str, Any] = {
        path: lambda w, letters=letters: Kept(letters, w.name, w.context) for path, letters in scripts.items()
    }
    return build(spec, Context(rng=np.random.default_rng(7)), overrides=overrides)


def state(tree: BuiltTree) -> list[tuple[str, str, bool, str]]:
    return [
        (b.path, b.node.status.name, bool(b.node.skipped), b.node.feedback_message if b.node.status is RUNNING else "")
        for b in tree.nodes
    ]


def entries(tree: BuiltTree) -> dict[str, tuple[object, int, str]]:
    return {cell.name: (cell.value, cell.version, cell.writer) for cell in tree.blackboard}


def noting(tree: BuiltTree, states: list[Any]) -> Callable[[Ticked], None]:
    return lambda at: states.append((at.tick, round(at.now, 6), state(tree)))


@pytest.mark.parametrize("block", range(6))
def test_a_run_that_is_resumed_goes_on_as_if_it_had_not_been_left(tmp_path: Path, block: int) -> None:
    resumed = 0
    for seed in range(block * 60, (block + 1) * 60):
        made = random_spec(seed)
        if made is None:
            continue
        whole: list[Any] = []
        tree = planted(*made)
        loop = Loop(tree, max_time=2.5)
        loop.listeners.append(noting(tree, whole))
        result = loop.run()
        if result.outcome is Outcome.FAULT:
            continue
        rng = random.Random(seed)
        for cut in sorted({rng.randint(1, max(1, result.ticks - 1)) for _ in range(2)}):
            first = planted(*made)
            left = Loop(first, trace=TraceWriter(tmp_path / "t.mcap"))
            for _ in range(cut):
                left.tick()
            left.close()
            if left.result is None or left.result.outcome is not Outcome.TIME_LIMIT:
                continue
            resumed += 1
            again = planted(*made)
            loop = Loop(again, resume=Checkpoint.of(read_trace(tmp_path / "t.mcap")), max_time=2.5 - 0.05 * (cut - 1))
            assert (loop.anew, again.context.tick) == ((), cut)
            seen: list[Any] = []
            loop.listeners.append(
                lambda at, tree=again, seen=seen: seen.append((at.tick, round(at.now, 6), state(tree)))
            )
            loop.run()
            where = f"seed {seed}, left after tick {cut}"
            for expected, found in zip(whole[cut:], seen, strict=True):
                assert found == expected, where
            assert entries(again) == entries(tree), where
            assert again.context.rng.random() == planted_rng(tree), where
    assert resumed > 20


def planted_rng(tree: BuiltTree) -> float:
    rng = np.random.default_rng()
    rng.bit_generator.state = tree.context.rng.bit_generator.state
    return float(rng.random())


HEAD = "knothole: 1\ntree: t\nparams: {n: 0}\nroot:\n"


def left(path: Path, text: str, ticks: int, context: Context | None = None, **overrides: Any) -> Checkpoint:
    """Run a tree for some ticks, leave it, and return its checkpoint."""
    tree = build(load_text(text, "t.yaml"), context or Context(), overrides=overrides or None)
    loop = Loop(tree, trace=TraceWriter(path))
    for _ in range(ticks):
        assert loop.tick() is RUNNING
    loop.close()
    return Checkpoint.of(read_trace(path))


class Mover(Leaf):
    """Is RUNNING."""

    def step(self) -> Status:
        return self.running("moving")


class Restarts(Mover):
    """Begins anew."""

    recovers = "anew"


class Holds(Mover):
    """Remembers what nobody can keep."""

    recovers = "state"

    def start(self) -> None:
        self.way = iter(())


def test_leaves_that_cannot_go_on_are_all_named_at_load_with_their_places(tmp_path: Path) -> None:
    text = HEAD + "  parallel:\n    - wait: 1s\n    - say: hi\n    - wait: 2s\n    - wait: 3s\n"
    kinds = {"t/parallel/wait[1]": Mover, "t/parallel/wait[2]": Restarts, "t/parallel/wait[3]": Holds}
    checkpoint = left(tmp_path / "t.mcap", text, 3, **kinds)
    tree = build(load_text(text, "t.yaml"), Context(), overrides=dict(kinds))  # type: ignore[arg-type]
    with pytest.raises(TreeError) as caught:
        Loop(tree, resume=checkpoint)
    assert str(caught.value).splitlines() == [
        "t.yaml:6:7: error K405: 'wait[1]' was RUNNING when the run was left, and cannot go on in another one",
        "  why:  its class does not say how: `recovers` is no",
        "  fix:  take it out of the tree, or start a new run",
        "",
        "t.yaml:9:7: error K405: 'wait[3]' was RUNNING when the run was left, and what it remembers is not kept",
        "  why:  way is a tuple_iterator",
        "  fix:  take it out of the tree, or start a new run",
    ]
    assert {built.node.status.name for built in tree.nodes} == {"INVALID"}, "nothing was restored"
    assert tree.context.tick == 0


def test_a_leaf_that_begins_anew_is_started_again_and_named(tmp_path: Path) -> None:
    text = HEAD + "  sequence: [{wait: 1s}, {say: done}]\n"
    checkpoint = left(tmp_path / "t.mcap", text, 3, **{"t/sequence/wait": Restarts})
    starts: list[int] = []

    class Again(Restarts):
        """Takes note of its starts."""

        def start(self) -> None:
            starts.append(self.context.tick)

        def resume(self) -> None:
            raise AssertionError("it was not paused")

        def step(self) -> Status:
            return self.succeed() if self.context.tick > 5 else self.running()

    loop = Loop(build(load_text(text), Context(), overrides={"t/sequence/wait": Again}), resume=checkpoint)
    assert loop.anew == ("t/sequence/wait",)
    result = loop.run()
    assert (result.outcome, result.ticks, starts) == (Outcome.SUCCESS, 6, [4])


@pytest.mark.parametrize(
    ("edit", "anew", "said"),
    [
        (("wait: 150ms", "wait: 50ms"), ("t/sequence/wait",), ["hi", "there"]),
        (("    - say: there", "    - say: here\n    - say: there"), (), ["hi", "here", "there"]),
        (("    - say: hi\n", "    - say: ha\n"), (), ["hi", "there"]),
        (("    - wait: 150ms\n", ""), ("t/sequence",), ["hi", "hi", "there"]),
        (("  sequence:", "  bt.Sequence:"), ("t/bt.Sequence",), ["hi", "hi", "there"]),
        (
            ("    - wait: 150ms\n", "    - sequence: [{wait: 150ms}, {say: more}]\n"),
            ("t/sequence",),
            ["hi", "hi", "more", "there"],
        ),
    ],
)
def test_what_was_edited_begins_anew(
    tmp_path: Path, edit: tuple[str, str], anew: tuple[str, ...], said: list[str]
) -> None:
    text = HEAD + "  sequence:\n    - say: hi\n    - wait: 150ms\n    - say: there\n"
    heard: list[str] = []
    checkpoint = left(tmp_path / "t.mcap", text, 3, Context(say=heard.append))
    loop = Loop(build(load_text(text.replace(*edit)), Context(say=heard.append)), resume=checkpoint)
    assert loop.anew == tuple(path for path in anew if path != "t/bt.Sequence")
    assert loop.run().outcome is Outcome.SUCCESS
    assert heard == said


def test_what_was_not_running_may_be_edited(tmp_path: Path) -> None:
    text = HEAD + "  sequence:\n    - say: hi\n    - wait: 200ms\n    - say: old\n"
    checkpoint = left(tmp_path / "t.mcap", text, 3)
    said: list[str] = []
    context = Context(say=said.append)
    assert Loop(build(load_text(text.replace("old", "new")), context), resume=checkpoint).run().ticks == 5
    assert said == ["new"]


def test_values_that_cannot_be_kept_are_unset_and_named(tmp_path: Path) -> None:
    text = HEAD + "  wait: 1h\n"
    tree = build(load_text(text), Context())
    loop = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"))
    loop.tick()
    tree.blackboard["n"] = open
    loop.tick()
    loop.close()
    checkpoint = Checkpoint.of(read_trace(tmp_path / "t.mcap"))
    assert checkpoint.lost == ("$n (a builtin_function_or_method)",)
    again = build(load_text(text), Context())
    Loop(again, resume=checkpoint)
    assert "n" not in again.blackboard


def test_a_tree_that_was_changed_while_it_ran_is_resumed_as_it_was_last(tmp_path: Path) -> None:
    old = HEAD + "  sequence:\n    - wait: 200ms\n    - repeat: {times: 6, child: {wait: 100ms}}\n"
    new = old + "    - say: more\n"
    whole = Loop(build(load_text(old), Context()), trace=TraceWriter(tmp_path / "t.mcap"))
    for tick in range(8):
        if tick == 6:
            whole.reload(load_text(new))
        whole.tick()
    whole.close()
    said: list[str] = []
    tree = build(load_text(new), Context(say=said.append))
    result = Loop(tree, resume=Checkpoint.of(read_trace(tmp_path / "t.mcap"))).run()
    straight = Loop(build(load_text(new), Context())).run()
    assert (result.ticks, said) == (straight.ticks, ["more"])


def test_pictures_of_a_resumed_run_are_as_old_as_they_are(tmp_path: Path) -> None:
    text = HEAD + ("  guard:\n    check: {see: {question: Is there a cup?, max_age: 500ms}}\n    child: {wait: 6s}\n")

    def context() -> Context:
        broker = Broker(Scripted({"*": "yes"}), stepped=True, latency=0.1)
        return Context(DRIVERS.get("kinematic")(DriverOptions()), broker)

    checkpoint = left(tmp_path / "t.mcap", text, 101, context())
    assert checkpoint.now == pytest.approx(5.0)
    loop = Loop(build(load_text(text), context()), resume=checkpoint, max_time=10.0)
    result = loop.run()
    assert result.outcome is Outcome.SUCCESS
    assert result.time == pytest.approx(6.2, abs=0.2)


def test_pictures_are_no_part_of_a_checkpoint(tmp_path: Path) -> None:
    robot = DRIVERS.get("kinematic")(DriverOptions())
    context = Context(robot=robot, broker=Broker(Scripted({"*": "yes"}), stepped=True))
    tree = build(load_text(HEAD + "  guard: {check: {see: is it there}, child: {wait: 1h}}\n"), context)
    Loop(tree, trace=TraceWriter(tmp_path / "a.mcap"), max_time=3.0).run()
    found = read_trace(tmp_path / "a.mcap").topic("/checkpoint")
    assert found
    assert max(len(json.dumps(message.data)) for message in found) < 10_000


def test_nodes_of_py_trees_that_were_ticked_are_refused(tmp_path: Path) -> None:
    text = HEAD + "  sequence:\n    - pt.OneShot: {policy: ON_COMPLETION, child: {say: once}}\n    - wait: 1h\n"
    checkpoint = left(tmp_path / "t.mcap", text, 3)
    with pytest.raises(TreeError, match=r"'pt\.OneShot' was ticked, and keeps what it remembers in an object"):
        Loop(build(load_text(text), Context()), resume=checkpoint)


def test_a_trace_without_a_checkpoint_and_one_of_a_run_that_ended_say_so(tmp_path: Path) -> None:
    Loop(build(load_text(HEAD + "  say: hi\n"), Context()), trace=TraceWriter(tmp_path / "t.mcap")).run()
    with pytest.raises(ResumeError, match="the run has ended with SUCCESS: nothing is left to do"):
        Checkpoint.of(read_trace(tmp_path / "t.mcap"))
    TraceWriter(tmp_path / "e.mcap").close()
    with pytest.raises(ResumeError, match="the trace holds no checkpoint\n  why: "):
        Checkpoint.of(read_trace(tmp_path / "e.mcap"))


COUNTS = """\
knothole: 1
tree: counts
params: {n: 0}
root:
  sequence:
    - wait: 100ms
    - set: {name: $n, to: $n + 1}
    - say: "number ${n}"
  repeat: 300
"""


def test_a_killed_run_is_resumed_by_the_command_line(tmp_path: Path, knothole: Knothole) -> None:
    (tmp_path / "counts.yaml").write_text(COUNTS, encoding="utf-8")
    program = (
        "import sys; from knothole.trees.ticking import clock; from knothole.cli import main; import time\n"
        "wait = clock.SteppedClock.wait_until\n"
        "clock.SteppedClock.wait_until = lambda *a: (time.sleep(0.002), wait(*a))[1]\n"
        "sys.exit(main(['run', 'counts.yaml', '--robot', 'none', '--trace', 'a.mcap']))\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-u", "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "number 150" in line:
            break
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert not read_trace(tmp_path / "a.mcap").complete
    done = knothole("run", "--resume", "a.mcap", "--trace", "b.mcap")
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = [int(number) for number in re.findall(r"number (\d+)", done.stdout)]
    assert numbers == list(range(numbers[0], 301))
    assert 1 < numbers[0] <= 151
    told = re.search(r"resumed a.mcap after tick (\d+) ", done.stdout)
    assert told is not None
    start = read_trace(tmp_path / "b.mcap").start
    assert start["resumed"]["tick"] == int(told[1])
    for args, said in [
        (["--seed", "3"], "--seed cannot be given with --resume"),
        (["--trace", "a.mcap"], "the new trace would replace a.mcap"),
        (["--set", "n=3", "--rate", "5"], "--rate, --set cannot be given with --resume"),
    ]:
        wrong = knothole("run", "--resume", "a.mcap", *args)
        assert (wrong.returncode, said in wrong.stderr) == (2, True), wrong.stderr


TALKS = """\
knothole: 1
tree: talks
root:
  sequence:
    - wait: 1s
    - say: forbidden words
"""


def test_rules_and_all_that_holds_a_run_back_hold_when_it_is_resumed(tmp_path: Path, knothole: Knothole) -> None:
    (tmp_path / "talks.yaml").write_text(TALKS, encoding="utf-8")
    (tmp_path / "never.yaml").write_text("knothole_invariants: 1\nrules:\n  - never: say\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("knothole_invariants: 1\nrules:\n  - never: home\n", encoding="utf-8")
    first = ("run", "talks.yaml", "--robot", "none", "--invariants", "never.yaml", "--max-time", "0.5")
    held = ("--confirm", "--rehearse", "symbolic")
    assert knothole(*first, *held, "--trace", "a.mcap").returncode == 4
    done = knothole("run", "--resume", "a.mcap", "--trace", "b.mcap")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "forbidden words" not in done.stdout
    assert "refused by never.yaml:3:5: never say" in done.stdout
    given = [read_trace(tmp_path / name).start["given"] for name in ("a.mcap", "b.mcap")]
    assert [(g["invariants"], g["confirm"], g["rehearse"]) for g in given] == [("never.yaml", True, "symbolic")] * 2
    anew = knothole("run", "--resume", "a.mcap", "--invariants", "other.yaml", "--trace", "c.mcap")
    assert anew.returncode == 0, anew.stdout + anew.stderr
    (tmp_path / "never.yaml").unlink()
    gone = knothole("run", "--resume", "a.mcap", "--trace", "d.mcap")
    assert (gone.returncode, "never.yaml" in gone.stderr) == (2, True)


def test_a_disturbed_world_is_disturbed_again(tmp_path: Path) -> None:
    loop = Loop(
        build(load_text(HEAD + "  wait: 9s\n"), Context()),
        trace=TraceWriter(tmp_path / "a.mcap"),
        max_time=0.5,
        start={"given": {"tree": "t", "disturb": 3, "scene": "table"}},
    )
    loop.run()

    def again(robot: str = "", disturb: int = 0) -> tuple[int, str]:
        options = RunOptions("", robot=robot, disturb=disturb, resume=tmp_path / "a.mcap")
        filled = resumed(options)[0]
        return filled.disturb, filled.scene

    assert again() == (3, "table")
    assert again(disturb=5) == (5, "table")
    assert again("kinematic") == (0, "table")
    assert again("none") == (0, "")


OWN = """\
from knothole import Leaf, behavior


@behavior("grip_on")
class GripOn(Leaf):
    \"\"\"Holds on.\"\"\"

    def step(self):
        return self.running("holding")
"""


def test_a_leaf_that_cannot_go_on_is_refused_before_anything_is_written(tmp_path: Path, knothole: Knothole) -> None:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text('behaviors = ["own.py"]\n', encoding="utf-8")
    (tmp_path / "grips.yaml").write_text(
        "knothole: 1\ntree: grips\nroot:\n  sequence:\n    - home\n    - grip_on\n", encoding="utf-8"
    )
    first = knothole("run", "grips.yaml", "--robot", "kinematic", "--trace", "a.mcap", "--max-time", "9s")
    assert first.returncode == 4, first.stdout + first.stderr
    assert "next       knothole run --resume a.mcap, or knothole why a.mcap" in first.stdout
    done = knothole("run", "--resume", "a.mcap", "--trace", "b.mcap")
    assert done.returncode == 2
    assert "grips.yaml:6:7: error K405: 'grip_on' was RUNNING when the run was left, and cannot go on" in done.stderr
    assert not (tmp_path / "b.mcap").exists()


@pytest.mark.long(minutes=0.2)
def test_a_table_that_was_left_half_tidy_is_tidied_in_the_end(tmp_path: Path, knothole: Knothole) -> None:
    """The simulated world begins anew, so that the second run has all of it to do, from the middle of its tree."""
    left = knothole("run", "tidy_table", "--vlm", "oracle", "--trace", "a.mcap", "--max-time", "10s")
    assert left.returncode == 4, left.stdout
    done = knothole("run", "--resume", "a.mcap", "--trace", "b.mcap")
    assert "resumed a.mcap after tick 201 (10.00 s); begun anew: " in done.stdout
    assert (done.returncode, "goal       met" in done.stdout) == (0, True), done.stdout


def test_a_piece_of_a_trace_and_a_ring_hold_the_whole_state(tmp_path: Path) -> None:
    text = f'{HEAD}  for_each: {{item: $x, in: $n, child: {{sequence: [{{wait: 2s}}, {{say: "${{x}}"}}]}}}}\n'
    text = text.replace("{n: 0}", "{n: [a, b, c, d]}")
    tree = build(load_text(text), Context(notes={"early": np.arange(4.0)}))
    amounts = {"whole": None, "ring": Amount(seconds=1.0)}
    traces = [TraceWriter(tmp_path / f"{name}.mcap", amount=amount) for name, amount in amounts.items()]
    takers = [Checkpoints(tree, trace) for trace in traces]
    for trace in traces:
        trace.put("/run", 0.0, {"event": "start"})
        trace.tree(0.0, tree)
    with Loop(tree) as loop:
        for tick in range(120):
            loop.tick()
            for trace, taker in zip(traces, takers, strict=True):
                trace.log(tree.context.now, "tick")
                if tick % 12 == 11:
                    taker.take(tree.context.now, 0.0, tick + 1)
    for trace in traces:
        trace.close()
    piece = TraceFile(tmp_path / "piece.mcap")
    for raw in cutting.cut(RawTrace(tmp_path / "whole.mcap"), 5_000_000_000, None):
        piece.add(raw.topic, raw.time_ns, raw.text)
    piece.finish()
    piece.close()
    whole = read_trace(tmp_path / "whole.mcap").topic("/checkpoint")
    assert [[name for name, *_ in m.data["cells"] if name == "n"] for m in whole] == [["n"], *[[]] * 9]
    assert [len(note) for m in whole for note in m.data["notes"]] == [3, *[1] * 9], "it is written once"
    for name in ("whole", "ring", "piece"):
        recording = read_trace(tmp_path / f"{name}.mcap")
        assert (len(recording.topic("/checkpoint")) == 10) is (name == "whole")
        said: list[str] = []
        again = build(load_text(text), Context(say=said.append))
        assert Loop(again, resume=Checkpoint.of(recording)).run().outcome is Outcome.SUCCESS
        assert said == ["c", "d"]
        assert again.context.notes["early"].tolist() == [0.0, 1.0, 2.0, 3.0]  # type: ignore[attr-defined]


def test_a_trace_that_lost_its_beginning_says_so(tmp_path: Path) -> None:
    tree = build(load_text(HEAD + "  wait: 1h\n"), Context(notes={"early": 1}))
    trace = TraceWriter(tmp_path / "t.mcap")
    taker = Checkpoints(tree, trace)
    trace.tree(0.0, tree)
    with Loop(tree) as loop:
        for tick in range(2):
            loop.tick()
            taker.take(tree.context.now, 0.0, tick + 1)
    trace.close()
    messages = read_trace(tmp_path / "t.mcap").messages
    first = next(number for number, message in enumerate(messages) if message.topic == "/checkpoint")
    with pytest.raises(KnotholeError, match="leaves '_since' to one before, which the trace does not hold"):
        Checkpoint.of(Recording(messages[:first] + messages[first + 1 :], True))
