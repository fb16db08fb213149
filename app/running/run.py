"""Run a tree: joins it with a world or robot, a backend and a trace, and says how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from py_trees.common import Status
from rich.console import Console

from ..._base import KnotholeError
from ...behaviors.blackboard import Blackboard
from ...behaviors.context import Context
from ...behaviors.human import Human
from ...robots.contract import Robot
from ...trees.builder import BuiltTree, build
from ...trees.changing.checkpoint import Checkpoint
from ...trees.changing.matching import moved
from ...trees.changing.watching import Watch
from ...trees.debugging.control import Control
from ...trees.growing.garden import Garden
from ...trees.growing.proposals import ProposalFolder
from ...trees.invariants.enforcing import Enforcer
from ...trees.problems import Problem, TreeError
from ...trees.requirements import check_capabilities, check_latency
from ...trees.spec import TreeSpec
from ...trees.ticking.loop import Listener, Loop, LoopResult, Outcome, Ticked
from ...trees.ticking.watchdog import STEPPED
from ...trees.tracing.trace import TraceWriter
from ...vlm.broker import Broker, chain_of
from ...vlm.contract import Backend
from ...vlm.runner import Runner
from ..authoring.inspect import asks
from ..authoring.invariants import check_kept, check_same, rules_of
from ..humans.company import spoken_to
from ..humans.microphone import LiveMicrophone
from ..humans.voice import PATIENCE, Voice, open_voice
from ..rehearsing.rehearsal import rehearsal_of
from ..settings.config import Config
from .about import About, open_trace
from .keeping import Keeper
from .options import RunOptions
from .result import RunResult
from .stage import Kept, Stage, is_guarded, open_runners, open_stage, rests, scene_of, split
from .terminal import Watcher

if TYPE_CHECKING:
    from .missed import MissedChanges

__all__ = ["Judge", "Run", "RunOptions"]

Judge = Callable[[Stage], Callable[[], Sequence[str]]]
"""Looks at a stage before anything moves, and returns what says afterwards what is not as it should be."""

_INTERRUPTED = 130
"""Exit codes from here on mean that somebody wants to be done."""


class Run:
    """One run of a tree, ready to be ticked. Use it once; close it, or use it as a context manager.

    Attributes:
        robot: The driver, None for a run without one.
        blackboard: The values of the run.
        tree: The tree as it is ticked.
        about: Which run it is.
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
        control: Control | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._judge = judge
        self._watch, self._stuck, self._checkpoint, self._human = watch, stuck, checkpoint, human
        self.options, self._spec, self._watcher = options, tree, watcher or Watcher(Console(quiet=True))
        self._vlm = options.vlm or (vlm if isinstance(vlm, str) else vlm.name)
        self._kept, self._control = kept, control
        self._voice: Voice | None = None
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
        if options.voice:
            self._voice = open_voice(options.voice, self._watcher.tell)
            self._stack.callback(self._hush)
        for spoken in spoken_to(self._human):
            spoken.meet(self._voice)
        scene = scene_of(tree.name, options.scene, robot)
        self.stage: Stage = open_stage(self._stack, robot, scene, options.seed, config, options.gui, options.disturb)
        self.robot: Robot | None = self.stage.robot
        chain = chain_of(vlm) if isinstance(vlm, str) else ()
        self.about = About(
            options,
            tree.name,
            self.stage.scene.name if self.stage.scene else "",
            self.stage.robot_name,
            self._vlm,
            options.frames or config.frames,
            any(is_guarded(one, config, options.firewall) for one in chain),
        )
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
        microphone = LiveMicrophone()
        self._stack.callback(microphone.close)
        self.garden = Garden(config.trees, lambda grown: self._grown_problems(grown, broker))
        context = Context(
            robot=self.robot,
            broker=broker,
            rng=np.random.default_rng(options.seed),
            say=self._say,
            human=self._human,
            microphone=microphone,
            confirm=options.confirm,
            arranger=self.stage.arranger,
            grow=self.garden,
            proposals=ProposalFolder(options.proposals) if options.proposals is not None else None,
        )
        context.rehearsal = rehearsal_of(context, self.stage, options.rehearse or None)
        self._config, self._rules = config, rules_of(tree, options.invariants, config)
        if self._rules:
            context.invariants = Enforcer(self._rules, context)
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
            keeper.keep(cassette, split(self._vlm)[0], self.about.which(), self.about.frames)
        trace = self._open_trace(config)
        self.loop = Loop(
            self.tree,
            rate=options.rate,
            max_time=options.max_time,
            trace=trace,
            start=self.about.start(config, self._checkpoint),
            listeners=[self._ticked, *self._watching(trace)],
            poses=self.stage.poses,
            resume=self._checkpoint,
            overrun=options.overrun,
            watchdog=(STEPPED if self.stage.stepped else None) if options.watchdog is None else options.watchdog,
            realtime=options.realtime,
            mirror=options.mirror,
            tell=self._watcher.tell,
            stuck=self._stuck,
            control=self._control,
        )

    def _check(self, tree: TreeSpec, broker: Broker | None) -> None:
        """Make sure that robot and backend can do what a tree asks of them."""
        problems = self._problems(tree, broker)
        if any(problem.severity == "error" for problem in problems):
            raise TreeError(problems)

    def _problems(self, tree: TreeSpec, broker: Broker | None) -> list[Problem]:
        """Return what robot and backend cannot do of a tree."""
        problems = check_capabilities(tree, self.stage.capabilities)
        return problems + (check_latency(tree, broker.latency) if broker is not None else [])

    def _grown_problems(self, grown: TreeSpec, broker: Broker | None) -> list[Problem]:
        """Return what robot and backend cannot do of a tree that is to grow into the run.

        Raises:
            KnotholeError: It has rules that the run does not keep.
        """
        check_kept(self._rules, grown, self._config)
        return self._problems(grown, broker)

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
            check_same(self._rules, rules_of(edited, self.options.invariants, self._config))
            edited = self.garden.carried(edited)
            done = self.loop.reload(edited, moved(edited.root, self.tree.spec.root))
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

    def _hush(self) -> None:
        """Let the voice finish its sentences, unless somebody wants to be done."""
        if self._voice is not None and self._result is not None and self._result.exit_code < _INTERRUPTED:
            self._voice.finish(PATIENCE)
        elif self._voice is not None:
            self._voice.close()

    def _say(self, text: str) -> None:
        """Show a sentence of the robot, and speak it."""
        self._watcher.say(text)
        if self._voice is not None:
            self._voice.say(text)

    def _call_referee(self) -> Callable[[], Sequence[str]] | None:
        if self._judge is not None:
            return self._judge(self.stage)
        if self.stage.world is None or self.stage.scene is None or self.stage.scene.goal is None:
            return None
        from ...sim.goals import Referee

        referee = Referee(self.stage.world)
        return lambda: referee.verdict().missing

    def _open_trace(self, config: Config) -> TraceWriter | None:
        if not self.options.record:
            return None
        writer, self._picture = open_trace(self.about, config, self.stage.world is not None)
        self._stack.callback(writer.close)
        return writer

    def _watching(self, trace: TraceWriter | None) -> list[Listener]:
        """Return what files in a trace where the things of a simulated world are."""
        if trace is None or self.stage.world is None:
            return []
        from .simulated import SimulatedPoses

        return [SimulatedPoses(self.stage.world, trace)]

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
        try:
            self._watcher.begin(self.tree, self.title)
            self._tell_resumed()
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
        return self.about.title

    def _finish(self, result: LoopResult) -> RunResult:
        if self._result is None:
            interrupted = result.outcome in (Outcome.INTERRUPTED, Outcome.TERMINATED)
            picture, problems = self._snapshot(), list(result.problems)
            missed = None
            if self._referee is not None and not interrupted:
                try:
                    missed = "; ".join(self._referee())
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
                scene=self.about.scene,
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
                interventions=result.interventions,
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
