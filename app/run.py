"""Run a tree: joins it with a world or robot, a backend and a trace, and says how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from py_trees.common import Status
from rich.console import Console

from .. import __version__
from .._base import KnotholeError
from ..behaviors.blackboard import Blackboard
from ..behaviors.context import Context
from ..behaviors.human import Human
from ..robots.contract import Robot
from ..trees.builder import BuiltTree, build
from ..trees.changing.checkpoint import Checkpoint
from ..trees.changing.watching import Watch
from ..trees.problems import TreeError
from ..trees.requirements import check_capabilities, check_latency
from ..trees.spec import TreeSpec
from ..trees.ticking.loop import Loop, LoopResult, Outcome, Ticked
from ..trees.ticking.timing import OVERRUN, Overrun
from ..trees.ticking.watchdog import STEPPED
from ..trees.tracing.amount import Amount
from ..trees.tracing.trace import TraceError, TraceWriter
from ..vlm.broker import Broker, chain_of
from ..vlm.contract import Backend
from ..vlm.privacy import FRAMES, Frames
from ..vlm.runner import Runner
from .arguments import FASTEST, SLOWEST
from .config import Config
from .environment import environment
from .inputs import InputError, is_number
from .inspect import asks
from .keeping import Keeper
from .result import RunResult
from .runs import new_run
from .secrets import without_secrets
from .stage import Kept, Stage, from_truth, is_guarded, open_runners, open_stage, rests, scene_of, split
from .terminal import Watcher
from .trace_settings import amount_of

if TYPE_CHECKING:
    from ..sim.goals import Referee
    from .missed import MissedChanges

RUNS = Path("runs")


@dataclass(frozen=True)
class RunOptions:
    """How to run a tree. Empty texts take the configured or usual value.

    Attributes:
        tree: File, or name of a tree.
        scene: Scene by name or file.
        seed: Seed of the scene and of the run.
        vlm: Backend, ``name`` or ``name:argument``.
        robot: Driver, ``name`` or ``name:argument``; ``none`` for a run without one.
        inputs: Tree input → value as text.
        rate: Ticks per second.
        max_time: Time limit on the run clock, [s]; None for none.
        gui: Open the simulator's window.
        trace: Where to record; None makes a file below ``runs/``.
        record: False records nothing.
        mock: Profile of mocks that replace nodes of the tree.
        params: YAML file of parameters: values of inputs (``inputs`` goes before), and entries of the blackboard.
        watch: Reload the tree while it runs when one of its files is edited.
        overrun: What happens to ticks that an earlier one left no time for, on a real clock; see ``Overrun``.
        watchdog: Longest wall time for a tick, and on a real clock between two, before the robot is stopped, [s]; 0 for
            no watchdog, None for 2 s on a real clock and 60 s in simulation.
        realtime: Ask the system to prefer the thread that ticks.
        mirror: Show the entries of the run on py_trees' own Blackboard under this namespace; empty for no.
        cassette: Where to keep every answer for ``replay``; None takes the configured file, if any.
        frames: What is done with pictures in trace and cassette: ``keep``, ``blur`` or ``drop``.
        firewall: Ask the backend behind a firewall, for which words in pictures are data; None as configured.
        keep: How much of the end of a run its trace keeps, such as ``60s`` or ``200MB``; ``all`` keeps everything.
        pictures: Form of pictures in the trace, ``jpeg`` or ``png``.
        truth: Note in the trace what is true of each picture that was asked about; in simulation.
        resume: Trace of a run to go on with; it says ``scene``, ``seed``, ``inputs``, ``rate``, ``mock``, ``params``,
            and where they are empty ``tree``, ``robot``, ``vlm``, ``frames``, ``firewall``.
    """

    tree: str
    scene: str = ""
    seed: int = 0
    vlm: str = ""
    robot: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    rate: float = 20.0
    max_time: float | None = 600.0
    gui: bool = False
    trace: Path | None = None
    record: bool = True
    mock: Path | None = None
    params: Path | None = None
    watch: bool = False
    overrun: Overrun = "skip"
    watchdog: float | None = None
    realtime: bool = False
    mirror: str = ""
    cassette: Path | None = None
    frames: Frames | Literal[""] = ""
    firewall: bool | None = None
    keep: str = ""
    pictures: str = ""
    truth: bool = False
    resume: Path | None = None

    def __post_init__(self) -> None:
        if not is_number(self.rate) or not SLOWEST <= self.rate <= FASTEST:
            raise InputError(f"rate is {self.rate!r}\n  fix:  give a number from {SLOWEST:g} to {FASTEST:g} [Hz]")
        if self.max_time is not None and not (is_number(self.max_time) and self.max_time > 0):
            raise InputError(f"max_time is {self.max_time!r}\n  fix:  give a time above 0 [s], or None for no limit")
        if self.overrun not in OVERRUN:
            raise InputError(f"overrun is {self.overrun!r}\n  fix:  give one of {', '.join(OVERRUN)}")
        if self.watchdog is not None and not (is_number(self.watchdog) and self.watchdog >= 0):
            raise InputError(f"watchdog is {self.watchdog!r}\n  fix:  give a time [s], or 0 for no watchdog")
        if self.frames and self.frames not in FRAMES:
            raise InputError(f"frames is {self.frames!r}\n  fix:  give one of {', '.join(FRAMES)}")
        try:
            amount_of(Amount(), self.keep, self.pictures)
        except ValueError as error:
            raise InputError(f"keep or pictures: {error}") from error


class Run:
    """One run of a tree, ready to be ticked. Use it once; close it, or use it as a context manager.

    Attributes:
        robot: The driver, None for a run without one.
        blackboard: The values of the run.
        tree: The tree as it is ticked.
    """

    def __init__(
        self,
        tree: TreeSpec,
        options: RunOptions,
        config: Config,
        *,
        robot: str | Robot,
        vlm: str | Backend | Runner,
        inputs: Mapping[str, object],
        watcher: Watcher | None = None,
        watch: Watch | None = None,
        stuck: Callable[[str], None] | None = None,
        checkpoint: Checkpoint | None = None,
        human: Human | None = None,
        kept: Mapping[str, Kept] | None = None,
    ) -> None:
        self._watch, self._stuck, self._checkpoint, self._human = watch, stuck, checkpoint, human
        self.options, self._spec, self._watcher = options, tree, watcher or Watcher(Console(quiet=True))
        self._vlm = options.vlm or (vlm if isinstance(vlm, str) else vlm.name)
        self._truth, self._kept = from_truth(self._vlm), kept
        self._frames: Frames = options.frames or config.frames
        chain = chain_of(vlm) if isinstance(vlm, str) else ()
        self._guarded = any(is_guarded(one, config, options.firewall) for one in chain)
        self._stack = ExitStack()
        self._result: RunResult | None = None
        self._picture: Path | None = None
        try:
            self._open(config, robot, vlm, inputs)
        except BaseException:
            self._stack.close()
            raise

    def _open(
        self, config: Config, robot: str | Robot, vlm: str | Backend | Runner, inputs: Mapping[str, object]
    ) -> None:
        options, tree = self.options, self._spec
        scene = scene_of(tree.name, options.scene)
        self.stage: Stage = open_stage(self._stack, robot, scene, options.seed, config, options.gui)
        self.robot: Robot | None = self.stage.robot
        broker, keeper = None, Keeper(self._watcher.asked)
        if asks(tree):
            broker = Broker(
                open_runners(vlm, config, self.stage.truth, self._kept, options.firewall),
                stepped=self.stage.stepped,
                listener=keeper.heard,
                budget=config.budget,
                rest=config.rest if rests(self._vlm) else None,
            )
            self._stack.callback(broker.close)
        self._check(tree, broker)
        context = Context(
            robot=self.robot,
            broker=broker,
            rng=np.random.default_rng(options.seed),
            say=self._watcher.say,
            human=self._human,
            arranger=self.stage.arranger,
        )
        self._missed: MissedChanges | None = None
        if self.stage.truth is not None and broker is not None:
            from .missed import MissedChanges

            self._missed = MissedChanges(self.stage.truth, broker.latency)
            context.frames, context.glances = self.stage.truth.saw, self._missed.glance
        if options.truth:
            keeper.tell_truth(self.stage.truth, context)
        self._keeper = keeper
        self.tree: BuiltTree = build(tree, context, inputs)
        if self._checkpoint is not None:
            self._checkpoint.check(self.tree)
        self._referee = self._call_referee()
        cassette = options.cassette or config.cassette
        if broker is not None and cassette is not None:
            self._stack.callback(keeper.close)
            keeper.keep(cassette, split(self._vlm)[0], self._about(), self._frames)
        self.loop = Loop(
            self.tree,
            rate=options.rate,
            max_time=options.max_time,
            trace=self._open_trace(config),
            start=self._start(config),
            listeners=[self._ticked],
            poses=self.stage.poses,
            resume=self._checkpoint,
            overrun=options.overrun,
            watchdog=(STEPPED if self.stage.stepped else None) if options.watchdog is None else options.watchdog,
            realtime=options.realtime,
            mirror=options.mirror,
            tell=self._watcher.tell,
            stuck=self._stuck,
        )

    def _check(self, tree: TreeSpec, broker: Broker | None) -> None:
        """Make sure that robot and backend can do what a tree asks of them."""
        problems = check_capabilities(tree, self.stage.capabilities)
        problems += check_latency(tree, broker.latency) if broker is not None else []
        if any(problem.severity == "error" for problem in problems):
            raise TreeError(problems)

    def _look(self, watch: Watch) -> None:
        """Reload the tree when its file was edited; one with mistakes is shown, and the old one goes on."""
        edited: TreeSpec | None = None
        try:
            edited = watch.look()
            if edited is None:
                return
            broker = self.tree.context.broker
            if broker is None and asks(edited):
                raise KnotholeError("the edited tree asks a model, and this run has none\n  fix:  start the run again")
            self._check(edited, broker)
            done = self.loop.reload(edited)
        except KnotholeError as error:
            if self.tree.spec is edited:
                raise  # a node that is gone broke when it was halted
            self._watcher.tell(f"{error}\nthe edit was not taken, the tree goes on as it was")
        else:
            halted = f", halted {', '.join(done.halted)}" if done.halted else ""
            self._watcher.tell(
                f"reloaded: {len(done.kept)} nodes kept, {len(done.replaced)} replaced, {len(done.added)} added, "
                f"{len(done.removed)} removed{halted}"
            )

    def _call_referee(self) -> Referee | None:
        if self.stage.world is None or self.stage.scene is None or self.stage.scene.goal is None:
            return None
        from ..sim.goals import Referee

        return Referee(self.stage.world)

    def _open_trace(self, config: Config) -> TraceWriter | None:
        if not self.options.record:
            return None
        path = self.options.trace or new_run(RUNS, self._spec.name, self.options.seed, datetime.now())
        shown = self.stage.world is not None and path.suffix == ".mcap" and self._frames == "keep"
        picture = path.with_suffix(".png") if shown else None
        if picture is not None and picture.exists() and not (path.exists() and _is_png(picture)):
            raise TraceError(
                f"the picture beside the trace would replace {picture}\n  fix:  name another trace, or move that file"
            )
        writer = TraceWriter(path, self._frames, amount_of(config.trace, self.options.keep, self.options.pictures))
        self._stack.callback(writer.close)
        self._picture = picture
        return writer

    def _about(self) -> dict[str, object]:
        """Say which run this is; without settings, which may hold secrets."""
        return {
            "knothole": __version__,
            "tree": self._spec.name,
            "scene": self.stage.scene.name if self.stage.scene else "",
            "seed": self.options.seed,
            "robot": self.stage.robot_name,
            "vlm": self._vlm,
        }

    def _start(self, config: Config) -> dict[str, object]:
        """Say what a replay would need to know."""
        options = self.options
        settings = {"backends": without_secrets(config.backends), "robots": without_secrets(config.robots)}
        return {
            **self._about(),
            **environment(config.file.parent if config.file is not None else Path()),
            "answers_from_truth": self._truth,
            "frames": self._frames,
            "firewall": self._guarded,
            "mock": str(options.mock or ""),
            "params": str(options.params or ""),
            "rate": options.rate,
            "max_time": options.max_time,
            "given": {
                "tree": options.tree,
                "scene": options.scene,
                "robot": options.robot,
                "vlm": options.vlm,
                "inputs": {name: str(value) for name, value in options.inputs.items()},
            },
            **self._resumed(),
            "config": json.loads(json.dumps(settings, default=str)),
        }

    def _resumed(self) -> dict[str, object]:
        checkpoint = self._checkpoint
        if checkpoint is None:
            return {}
        return {"resumed": {"trace": str(self.options.resume), "tick": checkpoint.tick, "time": checkpoint.now}}

    def _tell_resumed(self) -> None:
        checkpoint = self._checkpoint
        if checkpoint is None:
            return
        anew = f"; begun anew: {', '.join(self.loop.anew)}" if self.loop.anew else ""
        self._watcher.tell(f"resumed {self.options.resume} after tick {checkpoint.tick} ({checkpoint.now:.2f} s){anew}")
        if checkpoint.lost:
            self._watcher.tell(f"not kept, and unset now: {', '.join(checkpoint.lost)}")
        if self.stage.scene is not None:
            self._watcher.tell("the simulated world is no part of a checkpoint: it stands as at its beginning")

    def _ticked(self, ticked: Ticked) -> None:
        self._watcher.ticked(ticked)
        if self._watch is not None and ticked.status is Status.RUNNING:
            self._look(self._watch)

    @property
    def blackboard(self) -> Blackboard:
        """The values of the run."""
        return self.tree.blackboard

    def tick(self) -> Status:
        """Tick once and return the root's status. ``close`` afterwards; it stops the robot.

        Raises:
            KnotholeError: A node, the driver or the backend has a fault.
        """
        return self.loop.tick()

    def run(self) -> RunResult:
        """Tick until the tree ends, its time is over, something is raised, or Ctrl-C or SIGTERM comes."""
        self._watcher.begin(self.tree, self.title)
        self._tell_resumed()
        try:
            return self._finish(self.loop.run())
        finally:
            self._watcher.close()
            self._stack.close()

    def close(self) -> RunResult:
        """Stop the robot, close trace, backend and world, and say how it ended. Idempotent."""
        try:
            return self._finish(self.loop.close())
        finally:
            self._stack.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        self.loop.close(error)
        self.close()

    @property
    def title(self) -> str:
        """One line: tree, scene, seed, backend, robot."""
        scene = f"scene {self.stage.scene.name}, seed {self.options.seed}, " if self.stage.scene else ""
        truth = " (answers from simulator truth)" if self._truth else ""
        mocked = f", mocks of {self.options.mock}" if self.options.mock is not None else ""
        wall = " behind a firewall" if self._guarded else ""
        return f"{self._spec.name}: {scene}robot {self.stage.robot_name}, backend {self._vlm}{truth}{wall}{mocked}"

    def _finish(self, result: LoopResult) -> RunResult:
        if self._result is None:
            interrupted = result.outcome in (Outcome.INTERRUPTED, Outcome.TERMINATED)
            picture, problems = self._snapshot(), list(result.problems)
            missed = None
            if self._referee is not None and not interrupted:
                try:
                    missed = "; ".join(self._referee.verdict().missing)
                except (KnotholeError, ValueError) as error:
                    problems.append(f"judging the goal: {error}")
            problems += filter(None, [self._keeper.problem])
            if self.loop.trace is not None and self.loop.trace.problem:
                problems.append(self.loop.trace.problem)
            if self.loop.trace is not None and self.loop.trace.left_out:
                problems.append(f"the disk was too slow: {self.loop.trace.left_out} pictures are not in the trace")
            self._result = RunResult(
                tree=self._spec.name,
                status=result.status,
                exit_code=int(result.outcome),
                reason=result.reason,
                ticks=result.ticks,
                sim_time_s=result.time,
                wall_s=result.wall,
                questions=result.questions,
                model_calls=result.model_calls,
                vlm=self._vlm,
                robot=self.stage.robot_name,
                scene=self.stage.scene.name if self.stage.scene else "",
                seed=self.options.seed,
                digest=result.digest,
                missed=missed,
                trace=self.loop.trace.path if self.loop.trace is not None else None,
                picture=picture,
                fault=result.fault,
                problems=tuple(problems),
                timing=result.timing,
                given=self.options.tree,
                asking=self._asking(result),
            )
        return self._result

    def _asking(self, result: LoopResult) -> dict[str, object]:
        """Return what was asked, with what the gate missed where truth is known."""
        return {**result.asking, **({"gate": self._missed.to_json()} if self._missed is not None else {})}

    def _snapshot(self) -> Path | None:
        if self._picture is None or self.stage.world is None:
            return None
        try:
            self.stage.world.snapshot(self._picture)
        except OSError:
            return None
        return self._picture


def _is_png(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"\x89PNG")
