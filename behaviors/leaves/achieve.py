"""The leaf that carries an instruction out: plan, act, verify, repair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Final

from py_trees.common import Status

from ..acting.goal import Confirming
from ..acting.left import NOTHING_LEFT, is_done, moved_again, nothing_left, only_says, told, worked
from ..acting.proposing import proposal, propose
from ..acting.repairing import (
    AGAIN,
    SKIP,
    STOP,
    Attempt,
    clarified,
    done_steps,
    remaining,
    same_again,
    told_repair,
    ways_out,
    without_step,
)
from ..acting.verifying import WAYS
from ..acting.writing import steps_text, tree_text
from ..growing import Grower, GrowError
from ..human import Asked
from ..means.effects import Fact
from ..means.skills import Step, skills
from ..means.surroundings import Held
from ..node import SUCCESS, behavior
from ..planning.planning import Outcome, Planning
from ..planning.rules import PLANNING_PORTS, REHEARSE, PlanningLeaf, Rules
from ..ports import Port

CLARIFICATIONS: Final = 3
"""How often the human is asked what an instruction means."""
TRIES: Final = 3
"""How many answers a human may give that are none of the options."""
PATIENCE: Final = 60.0
"""How long a human has to answer where `patience` does not say it, [s]."""


@behavior("achieve")
class Achieve(Grower, PlanningLeaf):
    """Carry an instruction out: plan, act, look whether each step did what it should, and repair what failed.

    The plan grows below this leaf as a tree of its own, and stands in the trace with all its nodes. A step whose needs
    are known to be untrue, by what the hand feels, is not begun: that is a failure as any other. After each step the
    robot feels, and a model is asked about one picture, whether what the step should bring about is so. After a
    failure the hand is emptied and the arm goes home, and the reason, a new picture and what was tried go into a new
    plan; what was done is not done again. When the same plan would be run that failed before while everything looked
    as it does now, the human is asked what to do. When the instruction is ambiguous the human is asked what it means.

    Ports:
        *PLANNING_PORTS
        rehearse (in, text, default never): How a plan is tried before it is accepted, where a simulator is at hand:
            ``auto``, ``never``, ``symbolic``, ``kinematic`` or ``physics``.
        repairs (in, int, default 3): How many further plans may be made after failures.
        verify (in, text, default both): Who is asked after each step: ``body``, ``see``, ``both``, or ``none``.
        done_when (in, text, default none): A yes/no question that confirms the goal at the end; a confident no is a
            failure like that of a step.
        until_done (in, bool, default false): Ask for a plan once more when all steps are done, and carry out what is
            left, until nothing is. Each time counts as a repair. There is one answer, and a success stays one whatever
            it is: nothing is left where the model says why it cannot or only says something, asks back, gives no valid
            plan, or one that is the same again or moves again what was moved. The reason tells which.
        proposal (in, text, default the leaf's name): File name for what worked in the end, where it had to be repaired
            and the run has a folder for proposals.
        plan (out, list): The steps of the last plan, each ``{skill, args}``.
        repaired (out, int): How many repairs there were.

    Status:
        RUNNING: Planning, acting, looking, or waiting for a human.
        SUCCESS: All steps are done, nothing speaks against their effects, and the goal is confirmed where that is
            asked for; or the model says that it is done already.
        FAILURE: No plan, or the last allowed one failed: the reason says which step and why. Nobody answered what an
            ambiguous instruction means. The same plan failed again in the same situation, and the human said stop,
            said nothing, or is not there.

    Halt:
        Halts what grew, which leaves the robot still, and drops all questions.
    """

    recovers = "anew"
    visual = True
    skills = frozenset({"arm", "gripper"})
    limb: ClassVar[str] = "arm"
    ports = (
        *PLANNING_PORTS,
        REHEARSE,
        Port("repairs", "int", "how many further plans may be made after failures", default=3, minimum=0),
        Port("verify", "text", "who is asked after each step whether it is so", default="both", choices=WAYS),
        Port("done_when", "text", "a yes/no question that confirms the goal at the end", default=""),
        Port("until_done", "bool", "plan again until nothing is left to do", default=False),
        Port("proposal", "text", "file name for what worked in the end", default=""),
        Port("plan", "list", "the steps of the last plan", direction="out", default=None),
        Port("repaired", "int", "how many repairs there were", direction="out", default=None),
    )

    _planning: Planning | None = None
    _confirming: Confirming | None = None
    _asked: Asked | None = None
    _then: Callable[[], Status]

    def start(self) -> None:
        """Ask for the first plan."""
        self._rules: Rules = self.rules()
        self._instruction = str(self.get("instruction"))
        self._attempts: list[Attempt] = []
        self._repairs = self._clarified = 0
        self._left = False
        self._drop()
        self._first_held = self._held()
        self._plan_now()

    def step(self) -> Status:
        """Go on where it stands."""
        return self._then()

    # Planning

    def _plan_now(self, left: bool = False) -> None:
        """Have a plan made; ``left`` where all steps are done, and it is about what is left."""
        self._left = left
        tried = [*self._list("tried"), *(each.for_model() for each in self._attempts if each.reason)]
        rules = replace(self._rules, attempts=1) if left else self._rules  # a second best answer might undo something
        more = told(self._attempts) if left else [NOTHING_LEFT]
        self._planning = Planning(self, rules, self._instruction, tried, told=more)
        self._then = self._plans

    def _plans(self) -> Status:
        planning = self._planning
        assert planning is not None
        outcome = planning.poll()
        if outcome is None:
            return self.running(planning.doing)
        self._planning = None
        if self._left and (why := nothing_left(outcome, self._attempts, self._rules.skills, self._held())):
            return self._finish(f"all steps are done; {why}")
        if outcome.kind == "accepted":
            again = moved_again(outcome.steps, worked(self._attempts), self._rules.skills, self._held())
            return self._repair(f"the plan moves {again} again") if again else self._accepted(outcome)
        if outcome.kind == "ask":
            return self._unclear(outcome)
        if outcome.kind == "cannot" and is_done(outcome.words):
            return self._finish(outcome.words)
        if outcome.kind == "refused" and self._attempts:
            return self._repair(f"no plan for what is left: {outcome.words}")
        return self._fail_with(outcome.words)

    def _accepted(self, outcome: Outcome) -> Status:
        rules, number = self._rules, len(self._attempts) + 1
        verify = str(self.get("verify"))
        if outcome.form == "steps":
            text = steps_text("plan", outcome.steps, rules.skills, verify, self._held(), wary=True)
        else:
            text = tree_text("plan", outcome.data, rules.skills, verify)
        robot = self.context.robot
        sees = robot is not None and bool(robot.capabilities.cameras)
        picture = self.context.look(rules.camera).rgb if sees else None
        plan = Attempt(number, outcome.steps, text, outcome.answer, picture, self._held(), outcome.form == "steps")
        old = same_again(self._attempts, plan)
        if old is not None and self._left:
            return self._finish("all steps are done; what the model would do next has failed before")
        self.put("plan", [dict(step) for step in outcome.steps])
        return self._act(plan) if old is None else self._stuck(plan, old)

    def _unclear(self, outcome: Outcome) -> Status:
        """Ask the human what the instruction means."""
        self._clarified += 1
        if self._clarified > CLARIFICATIONS:
            return self._fail_with(f"still unclear after {CLARIFICATIONS} questions: {outcome.words}")
        asked = self._put_question(outcome.words, outcome.options, "")

        def heard() -> Status:
            said = asked.answer
            if said is None:
                if not asked.late:
                    return self.running(f"asks the human: {outcome.words}")
                return self._fail_with(f"the instruction is ambiguous, and {asked.over}: {outcome.words}")
            self._asked = None
            self._instruction = clarified(self._instruction, outcome.words, said)
            self._plan_now()
            return self.running(f"planning again: {self._instruction}")

        self._then = heard
        return heard()

    # Acting

    def _act(self, plan: Attempt) -> Status:
        keep = not plan.straight and bool(self._attempts) and bool(self._attempts[-1].reason)
        self._attempts.append(plan)
        return self._growing(plan.text, keep, self._ended)

    def _growing(self, text: str, keep: bool, then: Callable[[bool, str], Status]) -> Status:
        """Let a text grow, wait for its end, and go on with what becomes of it."""
        try:
            self.grow(text, keep)
        except GrowError as error:
            return then(False, f"the plan cannot be run: {error}")

        def acts() -> Status:
            try:
                branch = self.branch()
            except GrowError as error:
                return then(False, f"the plan cannot be run: {error}")
            if branch is None:
                return self.running(self.acting() or "begins")
            if branch.status is SUCCESS or branch.skipped:
                return then(True, "")
            return then(False, branch.feedback_message or f"{branch.name} failed")

        self._then = acts
        return self.running("begins")

    def _ended(self, well: bool, reason: str) -> Status:
        plan = self._attempts[-1]
        root = self.grown.plan if self.grown is not None else None
        plan.done = len(plan.steps) if well else done_steps(root, plan.steps) if plan.straight else 0
        if not well:
            plan.reason = reason
            return self._repair(f"{plan.failed_step}: {reason}" if plan.failed_step else reason)
        return self._confirm()

    # Whether the goal is reached

    def _confirm(self) -> Status:
        question = str(self.get("done_when")).strip()
        if not question:
            return self._more()
        self._confirming = Confirming(self, question, self._rules.camera)
        self._then = self._confirms
        return self.running(f"looking whether the goal is reached: {question}")

    def _confirms(self) -> Status:
        assert self._confirming is not None
        found = self._confirming.verdict
        if found is None:
            return self.running("looking whether the goal is reached")
        self._confirming = None
        if found.against:
            self._attempts[-1].reason = found.against
            return self._repair(found.against)
        self._note = found.note
        return self._more()

    def _more(self) -> Status:
        """Look whether anything is left to do, where that is wanted."""
        if self.get("until_done") is not True or self._repairs >= self._most or only_says(self._attempts[-1].steps):
            return self._finish("all steps are done")
        self._repairs += 1
        self._tell_repair("all steps are done: looking for what is left", "")
        self._plan_now(left=True)
        return self.running("looking for what is left to do")

    # Repair

    @property
    def _most(self) -> int:
        return int(str(self.get("repairs")))

    def _repair(self, reason: str) -> Status:
        """Make a new plan, if that is allowed once more."""
        if self._repairs >= self._most:
            again = f" (after {self._repairs} {'repair' if self._repairs == 1 else 'repairs'})" if self._repairs else ""
            return self._fail_with(f"{reason}{again}")
        self._repairs += 1
        last = self._attempts[-1] if self._attempts else None
        self._tell_repair(reason, remaining(last) if last is not None else "")
        return self._to_rest()

    def _to_rest(self) -> Status:
        """Empty the hand and bring the arm out of the camera's way, where they are not so; then plan."""
        robot = self.context.robot
        steps: list[Step] = []
        if robot is not None and {"arm", "gripper"} <= robot.capabilities.skills:
            away = float(abs(robot.state().q - robot.arm.home).max()) > 0.02
            steps = [Step(skill="put_back", args={})] if robot.state().holding else []
            steps += [Step(skill="home", args={})] if away and not steps else []
        if not steps:
            self._plan_now()
            return self.running("planning again")

        def rested(well: bool, reason: str) -> Status:
            if not well:
                return self._fail_with(f"could not go on after a failure: {reason}")
            self._plan_now()
            return self.running("planning again")

        return self._growing(steps_text("rest", steps, skills(step["skill"] for step in steps), "none"), False, rested)

    def _stuck(self, plan: Attempt, old: Attempt) -> Status:
        """Ask the human what to do with a plan that failed before while everything looked the same."""
        why = f"{old.failed_step}: {old.reason}" if old.failed_step else old.reason
        words = f"The same plan failed before and nothing has changed since ({why}). What shall I do?"
        asked = self._put_question(words, ways_out(old), STOP)
        self.context.emit("plans", {"path": self.path, "repair": self._repairs, "loop": plan.number, "reason": why})

        def heard() -> Status:
            said = asked.answer
            if said is None and not asked.late:
                return self.running(f"asks the human: {words}")
            self._asked = None
            if said == AGAIN:
                return self._act(plan)
            left = without_step(old.steps, old.done, self._rules.skills, self._known()) if said == SKIP else []
            if said == SKIP and not left:
                return self._finish(f"the human said to skip {old.failed_step}; nothing else was left")
            if said == SKIP:
                verify = str(self.get("verify"))
                text = steps_text("plan", left, self._rules.skills, verify, self._held(), wary=True)
                return self._act(Attempt(plan.number, tuple(left), text, "", plan.picture, plan.held))
            by = asked.over or "the human said stop"
            return self._fail_with(f"{why}; the same plan would fail again, and {by}")

        self._then = heard
        return heard()

    # The end

    def _finish(self, words: str) -> Status:
        self.put("repaired", self._repairs)
        note = f"{words}; {self._note}" if self._note else words
        failed = len(self._attempts) - len(worked(self._attempts))
        if failed:
            note = f"{note}, after {failed} {'plan' if failed == 1 else 'plans'} that failed"
            note += self._propose()
        return self.succeed(note)

    def _propose(self) -> str:
        """Write what worked in the end as a proposal; return what there is to say of that."""
        if self._rules.form != "steps":
            return ""
        verify, first = str(self.get("verify")), self._first_held
        text = proposal("repaired", self._instruction, self._attempts, self._rules.skills, verify, first)
        return propose(self, str(self.get("proposal")).strip(), text)

    def _fail_with(self, words: str) -> Status:
        self.put("repaired", self._repairs)
        return self.fail(words)

    _note = ""

    def _tell_repair(self, reason: str, left: str) -> None:
        last = self._attempts[-1] if self._attempts else None
        self.context.emit("plans", {"path": self.path, **told_repair(self._repairs, reason, last, left)})

    def _held(self) -> str:
        robot, held = self.context.robot, self.context.notes.get("held")
        there = robot is not None and "gripper" in robot.capabilities.skills and robot.state().holding
        return held.label if there and isinstance(held, Held) else ""

    def _known(self) -> list[Fact]:
        held = self._held()
        return [Fact("holding", (held,))] if held else [Fact("hand_empty")]

    def _put_question(self, words: str, options: tuple[str, ...], default: str) -> Asked:
        patience = self._rules.patience if self._rules.patience is not None else PATIENCE
        self._asked = Asked(self, words, options, default, patience, TRIES)
        return self._asked

    def _drop(self) -> None:
        if self._planning is not None:
            self._planning.drop()
        if self._confirming is not None:
            self._confirming.drop()
        if self._asked is not None:
            self._asked.withdraw()
        self._planning, self._confirming, self._asked, self._note = None, None, None, ""

    def halt(self) -> None:
        """Drop all questions; what grew is halted by what stands around this leaf."""
        self._drop()

    def pause(self) -> None:
        """Stop the clock of the human."""
        self._paused = self.context.now
        if self._planning is not None:
            self._planning.pause()

    def resume(self) -> None:
        """Let the clock of the human go on."""
        if self._planning is not None:
            self._planning.resume()
        if self._asked is not None:
            self._asked.postpone(self.context.now - self._paused)
