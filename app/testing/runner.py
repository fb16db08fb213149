"""Play trees from a test in Python: one call, one run, everything about it to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...trees.mocking.apply import apply_mocks
from ...trees.mocking.profile import mocks_of, read_profile
from ...trees.mocking.sites import Selector, sites
from ...trees.spec import TreeSpec
from ...vlm.script_file import Script, ScriptError, check_script, read_script
from ..authoring.inspect import load_tree, project
from ..running.inputs import read_inputs
from .coverage import Coverage
from .failure import last_status
from .play import MAX_TICKS, Played, Scenario, play


class TreeRun:
    """A run that was played.

    Args:
        tree: The tree without its mocks.
        played: What came.

    Attributes:
        status: ``SUCCESS``, ``FAILURE``, ``SKIPPED``, ``RUNNING`` when it was stopped, or ``FAULT``.
        reason: Why it failed, or what was raised.
        ticks: Number of ticks.
        time: Run clock, [s].
        said: What ``say`` said.
    """

    def __init__(self, tree: TreeSpec, played: Played) -> None:
        self.tree, self.played = tree, played
        self.status, self.reason = played.status, played.reason
        self.ticks, self.time, self.said = played.ticks, played.time, played.said

    def __getitem__(self, entry: str) -> object:
        """Return the value of a blackboard entry."""
        return self.played.blackboard[entry]

    @property
    def order(self) -> list[str]:
        """Type keys of the leaves in the order they started, each start once."""
        leaves = {site.path: site.spec.type for site in sites(self.tree) if site.spec.is_leaf}
        return [leaves[path] for _, path in self.played.recorder.starts if path in leaves]

    def last(self, node: str) -> str:
        """Return how the nodes that a selector picks went last, in words; see ``Selector``.

        Raises:
            KeyError: It picks nothing.
        """
        found = Selector(node).among(sites(self.tree))
        if not found:
            raise KeyError(node)
        return "; ".join(dict.fromkeys(last_status(self.played, site.path) for site in found))

    def __repr__(self) -> str:
        return (
            f"<{self.status} of {self.tree.name} after {self.ticks} ticks{': ' + self.reason if self.reason else ''}>"
        )


class TreeRunner:
    """Plays trees in virtual time; the fixture ``tree_runner`` is one.

    Args:
        coverage: Collects what the runs cover.
    """

    def __init__(self, coverage: Coverage | None = None) -> None:
        self.coverage = coverage or Coverage()

    def __call__(
        self,
        tree: str | Path,
        *,
        mocks: Mapping[str, object] | str | Path | None = None,
        answers: Mapping[str, object] | str | Path | None = None,
        inputs: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        robot: str = "",
        scene: str = "",
        seed: int = 0,
        rate: float = 20.0,
        max_ticks: int = MAX_TICKS,
    ) -> TreeRun:
        """Play a tree once.

        Args:
            tree: File, or name of a tree.
            mocks: Selector → mock as in a profile, or the file of a profile.
            answers: Question → answer as in a script, or the file of a script.
            inputs: Values of the tree's inputs; texts are converted.
            params: Blackboard entries set before the first tick.
            robot: Driver; ``kinematic``, or none when nothing is left that needs one.
            scene: Scene of the robot.
            seed: Seed of scene and run.
            rate: Ticks per second of run clock.
            max_ticks: The run is stopped after so many; its status is then ``RUNNING``.

        Raises:
            KnotholeError: Something that was given has a mistake, or the run cannot be started.
        """
        config = project()
        spec = load_tree(str(tree), config)
        given = mocks_of(mocks) if isinstance(mocks, Mapping) else read_profile(mocks) if mocks else ()
        scenario = Scenario(
            apply_mocks(spec, given),
            read_inputs(spec, inputs or {}),
            _script(answers),
            params or {},
            robot,
            scene,
            seed,
            rate,
            max_ticks,
        )
        played = play(scenario, config)
        self.coverage.add(spec, played)
        return TreeRun(spec, played)


def _script(answers: Mapping[str, object] | str | Path | None) -> Script:
    if answers is None or isinstance(answers, Mapping):
        script = Script(dict(answers or {}))
        mistakes = check_script(script)
        if mistakes:
            raise ScriptError(mistakes)
        return script
    return read_script(Path(answers))
