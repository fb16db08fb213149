"""The leaf that runs one step of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from py_trees.common import Status

from ..means.skills import DEFAULT_SKILLS, mistakes, skills
from ..node import INVALID, NODES, RUNNING, SUCCESS, Leaf, Wiring, behavior
from ..ports import Port


@behavior("run_step")
class RunStep(Leaf):
    """Run one planned step: the registered leaf it names, with its arguments.

    Ports:
        step (in, mapping, main): The step, ``{skill, args}``, as ``plan`` writes it.
        skills (in, list, default the motion leaves, say and wait): Names of the leaves that a step may name.

    Status:
        RUNNING: While the leaf is.
        SUCCESS: The leaf succeeded.
        FAILURE: It failed, or the step is not one that may be run.

    Halt:
        Halts the leaf, which leaves the robot still.
    """

    why_not = "only the leaf of the step knows how far it is"
    ports = (
        Port("step", "mapping", "the step to run, {skill, args}", main=True),
        Port("skills", "list", "leaves that a step may name", default=DEFAULT_SKILLS),
    )
    limb = "arm"

    _leaf: Leaf | None = None
    _refused = ""

    def start(self) -> None:
        """Build the leaf."""
        self._leaf, self._refused = None, ""
        step, names = self.get("step"), self.get("skills")
        assert isinstance(names, list | tuple)
        wrong = mistakes([step], skills(str(name) for name in names), 1)
        if wrong:
            self._refused = wrong[0].removeprefix("step 1: ")
            return
        assert isinstance(step, Mapping)
        name, args = str(step["skill"]), dict(step.get("args", {}))
        cls = cast(Callable[[Wiring], Leaf], NODES.get(name))
        ports: tuple[Port, ...] = getattr(cls, "ports", ())
        values = {port.name: args.get(port.name, port.default) for port in ports if port.direction == "in"}
        inputs = {port: _constant(value) for port, value in values.items()}
        wiring = Wiring(name, f"{self.path}/{name}", self.wiring.place, inputs, context=self.context)
        self._leaf = cls(wiring)

    def step(self) -> Status:
        """Tick the leaf."""
        leaf = self._leaf
        if leaf is None:
            return self.fail(f"the step cannot be run: {self._refused}")
        status = leaf._t()
        said = leaf.feedback_message
        if status is SUCCESS or leaf.skipped:
            return self.succeed(f"{leaf.name}: {said}" if said else leaf.name)
        if status is RUNNING:
            return self.running(f"{leaf.name}: {said}" if said else leaf.name)
        return self.fail(f"{leaf.name}: {said}")

    def halt(self) -> None:
        """Halt the leaf."""
        if self._leaf is not None:
            self._leaf._x(INVALID)

    def pause(self) -> None:
        """Pause the leaf."""
        if self._leaf is not None:
            self._leaf.pause()

    def resume(self) -> None:
        """Let the leaf go on."""
        if self._leaf is not None:
            self._leaf.resume()


def _constant(value: object) -> Callable[[], object]:
    return lambda: value
