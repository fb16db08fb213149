"""What is ticked when a node has ended: the common keys ``on_success on_failure on_halt post finally``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from .bt.stepwise import keeps, resumes, stored
from .inner import Decorator
from .node import Wiring
from .ports import HOOK_KEYS, Port
from .step import FAILURE, FAULTS, INVALID, RUNNING, SUCCESS, Status, adopt


class Hooks(Decorator):
    """Tick further nodes when the child has ended. They never change what the child said, nor its reason.

    After SUCCESS ``on_success``, then ``post``; after FAILURE ``on_failure``, then ``post``; last of all ``finally``,
    each until it has ended. When the child is left while RUNNING, ``on_halt`` and then ``finally`` are ticked once,
    after the child was halted, and then halted themselves; ``while`` becoming false counts as that. ``finally`` is
    also ticked once when the child raised, after it was halted. A child that was skipped at once has no hooks; one that
    is skipped after it was RUNNING has ``finally``.

    Ports:
        on_success (in, node, default none): Ticked after the child succeeded.
        on_failure (in, node, default none): Ticked after the child failed.
        on_halt (in, node, default none): Ticked once after the child was halted.
        post (in, node, default none): Ticked after the child succeeded or failed.
        finally (in, node, default none): Ticked after the child ended in whatever way.
        child (in, node): The node.

    Status:
        RUNNING: The child is, or a hook after it.
        SUCCESS: The child succeeded and its hooks have ended.
        FAILURE: The child failed and its hooks have ended; the child's reason is passed up.
        SKIPPED: The child was skipped.

    Halt:
        Halts the child, or the hook that is RUNNING; see above.
    """

    flow = "any"
    ports: ClassVar[tuple[Port, ...]] = (
        *(Port(key, "node", "see above", default=None) for key in HOOK_KEYS),
        Port("child", "node", "the node"),
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._hooks = {key: adopt(wiring.parts[key]) for key in HOOK_KEYS if key in wiring.parts}
        for hook in self._hooks.values():
            hook.parent = self
            self.children.append(hook)
        self._forget()

    def _forget(self) -> None:
        self._began = self._failed = False
        self._outcome: Status | None = None
        self._left: list[str] = []

    @property
    def stored(self) -> Status:
        """The status that BehaviorTree.CPP would keep; it has no hook that takes time."""
        return RUNNING if self._outcome is not None else stored(self.decorated)

    @property
    def keeps_status(self) -> bool:
        """Whether a child that ended counts as ended until the parent resets it: as the parent says."""
        return keeps(self.parent)

    @property
    def resumes_skipped(self) -> bool:
        """Whether a child that was skipped while it was RUNNING goes on: as the parent says."""
        return resumes(self.parent)

    def _steps(self) -> Iterator[Any]:
        """Yield what is to be ticked next; ends when this tick does."""
        if self._outcome is None:
            yield self.decorated
            status: Status = self.decorated.status
            self.feedback_message = self.decorated.feedback_message
            if status is RUNNING:
                self._began = True
                return
            if status is INVALID:
                self._begin_skipped()
            else:
                self._left = ["on_success" if status is SUCCESS else "on_failure", "post", "finally"]
            self._outcome = status
        while self._left:
            hook = self._hooks.get(self._left[0])
            if hook is not None:
                yield hook
                if hook.status is RUNNING:
                    return
            del self._left[0]

    def _begin_skipped(self) -> None:
        if self._began and getattr(self.decorated, "broke_off", False):
            self._began, faults = False, list[BaseException]()
            self._tick_once("on_halt", faults)
            self._tick_once("finally", faults)
            if faults:
                raise faults[0]
        elif self._began:
            self._left = ["finally"]

    def _t(self) -> Status:
        old = self._start()
        for node in self._steps():
            try:
                node._t()
            except BaseException:
                self._clean_up()
                raise
        return self._end(old)

    def _ticks(self) -> Iterator[Any]:
        old = self._start()
        for node in self._steps():
            try:
                yield from node.tick()
            except GeneratorExit:
                raise
            except BaseException:
                self._clean_up()
                raise
        self._end(old)
        yield self

    def _start(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self._forget()
            self.skipped = False
            self.feedback_message = ""
            for hook in self._hooks.values():
                if hook.status is not INVALID:
                    hook._x(INVALID)
        return old

    def _end(self, old: Status) -> Status:
        outcome = self._outcome
        if outcome is None or self._left:
            if self._left:
                self.feedback_message = self._hooks[self._left[0]].feedback_message
            return self._runs(old)
        self._forget()
        self.skipped = outcome is INVALID
        child = self.decorated
        self.feedback_message = child.feedback_message
        if outcome is FAILURE:
            self.feedback_message = child.feedback_message or f"{child.name} failed"
        self._close(outcome)
        return outcome

    def _close(self, new: Status) -> None:
        changed = new is not self.status
        self.status = new
        if self._log is not None and (changed or new is not SUCCESS):
            self._log(self)

    def _tick_once(self, key: str, faults: list[BaseException]) -> None:
        hook = self._hooks.get(key)
        if hook is None:
            return
        try:
            if hook.status is not RUNNING:
                hook._t()
        except FAULTS as error:
            faults.append(error)
        try:
            if hook.status is RUNNING:
                hook._x(INVALID)
        except FAULTS as error:
            faults.append(error)

    def _clean_up(self) -> None:
        """A node below raised: halt it and tick ``finally``. What these raise is lost, the first fault counts."""
        self._failed = True
        if "finally" not in self._hooks:
            return
        lost: list[BaseException] = []
        running = [child for child in self.children if child.status is RUNNING]
        for child in running:
            try:
                child._x(INVALID)
            except FAULTS as error:
                lost.append(error)
        if self._hooks["finally"] not in running:
            self._tick_once("finally", lost)
        self._began = False
        self._close(INVALID)

    def _x(self, new: Status) -> None:
        faults: list[BaseException] = []
        if new is INVALID:
            self._halt(faults)
            self.feedback_message = ""
        self._close(new)
        if faults:
            raise faults[0]

    def _halt(self, faults: list[BaseException]) -> None:
        child, outcome = self.decorated, self._outcome
        active = outcome is None and (child.status is RUNNING or stored(child) is RUNNING) and not self._failed
        due = active or (outcome is not None and "finally" in self._left)
        for node in (child, *self._hooks.values()):
            try:
                if node is child or (node.status is RUNNING and node is not self._hooks.get("finally")):
                    node._x(INVALID)
            except FAULTS as error:
                faults.append(error)
        if active:
            self._tick_once("on_halt", faults)
        if due:
            self._tick_once("finally", faults)
        self._forget()
