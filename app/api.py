"""The Python API: ``knothole.load(path).bind(robot=…, vlm=…).run()``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..behaviors.human import Human
from ..behaviors.rehearsing import Mode
from ..robots.contract import Robot
from ..trees.debugging.control import Control
from ..trees.mocking.apply import apply_profile
from ..trees.spec import TreeSpec
from ..trees.ticking.timing import Overrun
from ..vlm.contract import Backend
from .authoring.inspect import load_tree, project
from .running.inputs import read_inputs
from .running.options import RunOptions
from .running.result import RunResult
from .running.run import Run
from .settings.config import Config

__all__ = ["Run", "RunResult", "Tree", "load"]


@dataclass(frozen=True)
class Tree:
    """A checked tree.

    Attributes:
        spec: Its immutable description.
    """

    spec: TreeSpec
    _config: Config

    @property
    def name(self) -> str:
        """Name of the tree."""
        return self.spec.name

    def bind(
        self,
        *,
        robot: str | Robot = "",
        vlm: str | Backend = "",
        scene: str = "",
        seed: int = 0,
        inputs: Mapping[str, object] | None = None,
        rate: float = 20.0,
        max_time: float | None = 600.0,
        trace: str | Path | None = None,
        gui: bool = False,
        mock: str | Path | None = None,
        overrun: Overrun = "skip",
        watchdog: float | None = None,
        realtime: bool = False,
        mirror: str = "",
        human: Human | None = None,
        control: Control | None = None,
        rehearse: Mode | Literal[""] = "",
    ) -> Run:
        """Join the tree with a robot and a backend.

        Args:
            robot: Driver by name, as for ``--robot``, or a robot that is open already (and stays so).
            vlm: Backend by name, as for ``--vlm``, or an opened backend that answers at once, such as ``Scripted``.
            scene: Scene by name or file, for simulated robots.
            seed: Seed of scene and run.
            inputs: Values of the tree's inputs; texts are converted to the declared type.
            rate: Ticks per second.
            max_time: Time limit on the run clock, [s]; None for none.
            trace: Where to record; None records nothing.
            gui: Open the simulator's window.
            mock: Profile of mocks that replace nodes of the tree.
            overrun: What happens to ticks that an earlier one left no time for, on a real clock: ``skip`` leaves them
                out, ``warn`` also says so, ``catch_up`` makes them one after another.
            watchdog: Longest wall time for a tick, and on a real clock between two, before the robot is stopped, [s]; 0
                for no watchdog, None for 2 s on a real clock and 60 s in simulation.
            realtime: Ask the system to prefer the thread that ticks.
            mirror: Show the entries of the run on py_trees' own Blackboard while it lasts, as ``/MIRROR/ENTRY``.
            human: Whom the tree may ask, such as a ``ScriptedHuman``; None for nobody.
            control: Lets another thread pause the run, step it, change it and answer its questions; see ``Control``.
            rehearse: How plans are tried before they are carried out: ``never``, ``symbolic``, ``kinematic`` or
                ``physics``; empty for as the tree says.

        Returns:
            A run with ``tick()`` and ``run()``.

        Raises:
            KnotholeError: An input does not fit, something cannot be opened, or the robot lacks what the tree needs.
        """
        spec = self.spec if mock is None else apply_profile(self.spec, mock)
        values = read_inputs(spec, inputs or {})
        wanted = vlm or self._config.vlm
        options = RunOptions(
            tree=self.name,
            scene=scene,
            vlm=wanted if isinstance(wanted, str) else wanted.name,
            seed=seed,
            rate=rate,
            max_time=max_time,
            gui=gui,
            trace=Path(trace) if trace is not None else None,
            record=trace is not None,
            mock=Path(mock) if mock is not None else None,
            overrun=overrun,
            watchdog=watchdog,
            realtime=realtime,
            mirror=mirror,
            rehearse=rehearse,
        )
        return Run(
            spec,
            options,
            self._config,
            robot=robot or self._config.robot,
            vlm=wanted,
            inputs=values,
            human=human,
            control=control,
        )


def load(path: str | Path) -> Tree:
    """Read and check a tree; ``knothole.toml`` of the current folder counts.

    Args:
        path: A file, or the name of a tree.

    Raises:
        TreeError: There is no such tree, or it has mistakes; all of them are in the error.
    """
    config = project()
    return Tree(load_tree(str(path), config), config)
