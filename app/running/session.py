"""Runs of one tree over several seeds: what stays the same is read and opened once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...behaviors.human import Human
from ...trees.changing.checkpoint import Checkpoint
from ...trees.changing.watching import Watch
from ...trees.debugging.control import Control
from ...trees.language.params import read_params
from ...trees.mocking.apply import apply_profile
from ...trees.spec import TreeSpec
from ..authoring.inspect import asks, load_tree, project, with_ears
from ..authoring.invariants import rule_files
from .inputs import read_inputs
from .options import RunOptions
from .result import RunResult
from .resume import resumed
from .run import Judge, Run
from .stage import Kept, check_names, keep_open, scene_of
from .terminal import Watcher

if TYPE_CHECKING:
    from ...viewer.groot.ports import Ports
    from .live import LiveView


class Session:
    """Runs of one tree over several seeds: what stays the same is read and opened once.

    Args:
        options: The run; its seed is replaced for each run.
        kept: Backends that are open already and stay so; None opens them with the first run.

    Raises:
        KnotholeError: The tree has mistakes, an input does not fit, or backend or driver are unknown.
    """

    def __init__(self, options: RunOptions, kept: dict[str, Kept] | None = None) -> None:
        self.config = project()
        self._checkpoint: Checkpoint | None = None
        if options.resume is not None:
            options, self._checkpoint = resumed(options)
        self.options = options
        params = read_params(options.params) if options.params is not None else {}
        self.tree = self._read(params)
        given = {entry.name: params[entry.name] for entry in self.tree.inputs if entry.name in params}
        self.inputs = read_inputs(self.tree, {**given, **options.inputs})
        self._params = params
        self.robot = options.robot or self.config.robot
        self.vlm = with_ears(options.vlm or self.config.vlm, options.ears, self.tree, options.spoken)
        check_names(self.vlm, self.robot, scene_of(self.tree.name, options.scene, self.robot), options.seed)
        self._kept, self._lent = kept, kept is not None

    def _read(self, params: Mapping[str, Any]) -> TreeSpec:
        """Read the tree, with the mocks and entries that this run was asked to give it."""
        tree = load_tree(self.options.tree, self.config)
        if self.options.mock is not None:
            tree = apply_profile(tree, self.options.mock)
        declared = {entry.name for entry in tree.inputs}
        entries = {name: value for name, value in params.items() if name not in declared}
        return replace(tree, params={**tree.params, **entries})

    def bind(
        self,
        seed: int,
        watcher: Watcher | None = None,
        stuck: Callable[[str], None] | None = None,
        human: Human | None = None,
        trace: Path | None = None,
        control: Control | None = None,
        judge: Judge | None = None,
    ) -> Run:
        """Return a run with this seed.

        Args:
            seed: Seed of the run.
            watcher: Shows what happens.
            stuck: As for ``Loop``.
            human: As in ``Context``.
            trace: Where the trace goes, instead of what the options say.
            control: As for ``Loop``.
            judge: Says what is not as it should be afterwards, in place of the goal of the scene.
        """
        if self._kept is None and asks(self.tree):
            self._kept = keep_open(self.vlm, self.config, self.options.firewall)
        options = replace(self.options, seed=seed, vlm=self.vlm, robot=self.robot, trace=trace or self.options.trace)
        watch = None
        if options.watch:
            mocks = [options.mock] if options.mock is not None else []
            rules = rule_files(self.tree, options.invariants, self.config)
            watch = Watch(self.tree, lambda: self._read(self._params), [*mocks, *rules])
        return Run(
            self.tree,
            options,
            self.config,
            robot=self.robot,
            vlm=self.vlm,
            inputs=self.inputs,
            kept=self._kept,
            watcher=watcher,
            watch=watch,
            stuck=stuck,
            checkpoint=self._checkpoint,
            human=human,
            control=control,
            judge=judge,
        )

    def run(
        self,
        seed: int,
        watcher: Watcher | None = None,
        stuck: Callable[[str], None] | None = None,
        human: Human | None = None,
        trace: Path | None = None,
        judge: Judge | None = None,
    ) -> RunResult:
        """Run the tree once; arguments as for ``bind``."""
        return self.bind(seed, watcher, stuck, human, trace, judge=judge).run()

    def close(self) -> None:
        """Release the backend. Idempotent."""
        for kept in ({} if self._lent else self._kept or {}).values():
            kept.release()
        self._kept = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_tree(
    options: RunOptions,
    watcher: Watcher | None = None,
    stuck: Callable[[str], None] | None = None,
    human: Human | None = None,
    control: Control | None = None,
    view: LiveView | None = None,
    ports: Ports | None = None,
) -> RunResult:
    """Run a tree once; arguments as for ``Session.bind``. A view shows it while it goes on, monitors watch at ports.

    Raises:
        KnotholeError: The run cannot be started. What happens while it runs is in the result.
    """
    with Session(options) as session:
        run = session.bind(session.options.seed, watcher, stuck, human, control=control)
        if view is not None and run.loop.trace is not None:
            view.follow(run.loop.trace)
        if ports is None:
            return run.run()
        from ...viewer.groot.server import GrootServer

        with run, GrootServer(run.loop, ports, control):
            if watcher is not None:
                hooks = "" if control is not None else "; hooks need --control"
                watcher.tell(f"Groot2 protocol at 127.0.0.1, ports {ports.port} and {ports.port + 1}{hooks}")
            return run.run()
