"""The leaf that runs one step of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from py_trees.common import Status

from ..acting.verifying import WAYS, Verifying
from ..acting.writing import expected, steps_text
from ..growing import Grower, GrowError
from ..means.effects import Fact, State
from ..means.skills import DEFAULT_SKILLS, Skill, Step, mistakes, skills
from ..means.surroundings import Held
from ..node import INVALID, NODES, RUNNING, SUCCESS, Leaf, Wiring, behavior
from ..planning.ready import Ready
from ..planning.telling import needs_of, unmet
from ..ports import Port


@behavior("run_step")
class RunStep(Grower, Leaf):
    """Run one planned step: the skill it names, with its arguments, and look whether it did what it should.

    A step that needs ``clear(…)`` is begun after a look at a fresh picture, where there are a camera with depth and a
    backend: it is refused where something lies on the thing.
    A skill that is a leaf is run inside this one. A skill that is a tree grows below it and stands in the trace with
    all its nodes.

    Ports:
        step (in, mapping, main): The step, ``{skill, args}``, as ``plan`` writes it.
        skills (in, list, default the motion leaves, say and wait): Names of the skills that a step may name.
        verify (in, text, default none): Who is asked afterwards whether the effects of the skill are there: ``body``
            (what the robot feels), ``see`` (a question about a picture), ``both``, or ``none``.

    Status:
        RUNNING: While the skill is, or while it is looked whether it may begin, or did what it should.
        SUCCESS: The skill succeeded, and nothing speaks against its effects.
        FAILURE: It failed, the step is not one that may be run, or what it should have brought about is not so.

    Halt:
        Halts the skill, which leaves the robot still.
    """

    why_not = "only the leaf of the step knows how far it is"
    ports = (
        Port("step", "mapping", "the step to run, {skill, args}", main=True),
        Port("skills", "list", "skills that a step may name", default=DEFAULT_SKILLS, lists="skills"),
        Port("verify", "text", "who is asked whether it did what it should", default="none", choices=WAYS),
    )
    limb = "arm"
    looks: ClassVar[bool] = True
    """Whether a picture is looked at before a step that needs it."""

    _leaf: Any = None
    _grows = False
    _refused = ""
    _done = ""
    _verifying: Verifying | None = None
    _ready: Ready | None = None
    _skill: Skill

    def start(self) -> None:
        """Build the leaf of the step, or let its tree grow."""
        self._leaf, self._verifying, self._ready = None, None, None
        self._grows, self._refused, self._done = False, "", ""
        step, names = self.get("step"), self.get("skills")
        assert isinstance(names, list | tuple)
        allowed = skills((str(name) for name in names), self.context.skill_of)
        wrong = mistakes([step], allowed, 1)
        if wrong:
            self._refused = wrong[0].removeprefix("step 1: ")
            return
        assert isinstance(step, Mapping)
        self._step = Step(skill=str(step["skill"]), args=dict(step.get("args", {})))
        if unready := self.unready(self._step, allowed):
            self._refused = unready
            return
        skill = allowed[self._step["skill"]]
        held = self.context.notes.get("held")
        known = State([Fact("holding", (held.label,))] if isinstance(held, Held) else [])
        self._facts = expected(self._step, skill, known)
        self._skill, self._ready = skill, Ready(self, needs_of(self._step, skill), self.looks)
        self._may_begin()

    def _may_begin(self) -> bool:
        """Begin once nothing speaks against it; False while it is looked whether anything does."""
        ready = self._ready
        if ready is None:
            return True
        wrong = ready.verdict
        if wrong is None:
            return False
        ready.drop()
        self._ready = None
        if wrong:
            self._refused = f"{self._skill.name} needs that {wrong}"
        else:
            self._begin(self._skill)
        return True

    def unready(self, step: Step, allowed: Mapping[str, Skill]) -> str:
        """Say why a step may not begin now; empty when it may."""
        return next(iter(unmet(self, step, allowed)), "")

    def _begin(self, skill: Skill) -> None:
        if skill.tree:
            try:
                self.grow(steps_text("step", [self._step], {skill.name: skill}, "none"))
            except GrowError as error:
                self._refused = str(error)
            self._grows = True
            return
        name, args = self._step["skill"], self._step["args"]
        cls = cast(Callable[[Wiring], Leaf], NODES.get(name))
        ports: tuple[Port, ...] = getattr(cls, "ports", ())
        values = {port.name: args.get(port.name, port.default) for port in ports if port.direction == "in"}
        inputs = {port: _constant(value) for port, value in values.items()}
        wiring = Wiring(name, f"{self.path}/{name}", self.wiring.place, inputs, context=self.context)
        self._leaf = cls(wiring)

    def step(self) -> Status:
        """Tick the leaf of the step, or see how far its tree is; then look whether it is so."""
        if not self._may_begin():
            return self.running(f"{self._step['skill']}: looking whether it may begin")
        if self._refused:
            return self.fail(f"the step cannot be run: {self._refused}")
        if self._verifying is not None:
            return self._verified(self._verifying)
        if not self._grows:
            return self._after(self._leaf, self._leaf._t())
        try:
            branch = self.branch()
        except GrowError as error:
            return self.fail(f"the step cannot be run: {error}")
        if branch is None:
            return self.running(self.acting() or f"{self._step['skill']} begins")
        return self._after(branch, branch.status)

    def _after(self, node: Any, status: Status) -> Status:
        name, said = self._step["skill"], node.feedback_message
        words = f"{name}: {said}" if said else name
        if status is RUNNING:
            return self.running(words)
        if status is not SUCCESS and not node.skipped:
            return self.fail(f"{name}: {said}")
        by = str(self.get("verify"))
        if by == "none" or not self._facts:
            return self.succeed(words)
        self._done = words
        self._verifying = Verifying(self, self._facts, by)
        return self._verified(self._verifying)

    def _verified(self, verifying: Verifying) -> Status:
        found = verifying.verdict
        if found is None:
            return self.running(f"{self._step['skill']}: looking whether it did what it should")
        against = found.contradiction
        self.context.emit("verified", {"path": self.path, "said": list(found.said), "against": against})
        if against:
            return self.fail(f"{self._step['skill']}: {against}")
        return self.succeed(f"{self._done}; {found.note}" if found.note else self._done)

    def halt(self) -> None:
        """Halt the leaf, and drop what was asked. What grew is halted by what stands around this one."""
        if self._ready is not None:
            self._ready.drop()
            self._ready = None
        if self._verifying is not None:
            self._verifying.drop()
            self._verifying = None
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
