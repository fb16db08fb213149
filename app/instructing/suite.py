"""Run the suite of instructions: the command ``knothole eval instructions``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..authoring.inspect import project
from ..running.crew import each_seed
from ..running.options import RunOptions
from ..running.session import Session
from .act_report import ActReport
from .acting import Acted, acting
from .drawing import KINDS
from .options import SuiteOptions
from .plan_report import PlanReport
from .plans import plan_all
from .results import Results

Progress = Callable[[str], None]


def plans_only(options: SuiteOptions, seeds: Sequence[int], progress: Progress, checked: bool = True) -> PlanReport:
    """Have the instructions of all seeds planned, and judge that without moving anything; see ``plan_all``."""
    vlm = options.backends or project().vlm
    return PlanReport(vlm, checked, tuple(plan_all(options, seeds, KINDS, checked, progress)))


def carried_out(
    options: SuiteOptions,
    seeds: Sequence[int],
    progress: Progress,
    workers: int = 1,
    results: Path | None = None,
    traces: Path | None = None,
) -> ActReport:
    """Carry out the instructions of all seeds in physics.

    Args:
        options: How.
        seeds: Seeds, each below 100000.
        progress: Called with one line per finished seed.
        workers: Processes.
        results: File that results go to as they come; what it has already is not done again.
        traces: Folder for a trace of each seed, ``TREE-seedN.mcap``; None records nothing.

    Raises:
        KnotholeError: The runs cannot be started.
        ResultsError: The file is of other runs.
    """
    given = {**options.inputs, "instruction": "Tidy up."}
    Session(RunOptions(tree=options.tree, vlm=options.backends, robot=options.robot, inputs=given)).close()
    kept = Results(results, options) if results is not None else None
    done: dict[int, Acted] = dict(kept.known) if kept is not None else {}
    missing = [seed for seed in seeds if seed not in done]
    for seed, one in each_seed(partial(acting, options, traces), missing, workers):
        done[seed] = one
        progress(str(one))
        if kept is not None:
            kept.add(one)
    return ActReport(options, tuple(done[seed] for seed in seeds))
