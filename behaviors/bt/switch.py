"""BehaviorTree.CPP's switches: one child for each case and one for all others."""

from __future__ import annotations

from typing import ClassVar

from ..blackboard import UnsetError
from ..node import Wiring, behavior
from ..ports import Port
from ..step import INVALID, RUNNING
from .stepwise import CHILDREN, Control, Tick, reset
from .values import equal

_DOC = """Run the child whose case is the value of a variable, the last child if there is none.

    They are compared as text, then as whole numbers, then as numbers. They are compared again in every tick: when
    another child is chosen, the one that was running is halted.

    Ports:
        variable (in, any, default none): The value, such as ``$color``. Without one the last child is run.
{cases}
        children (in, nodes): {children} children, one a case in order, and the one for everything else.

    Status:
        RUNNING, SUCCESS, FAILURE, SKIPPED: As the chosen child.

    Halt:
        Halts the running child.

    Source: ``switch_node.h`` and ``switch_node.cpp`` of 4.10.0.
    """


class Switch(Control):
    """Base of Switch2 to Switch6."""

    flow = "switch"
    cases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Forget which child is running."""
        self._running: int | None = None

    def run(self) -> Tick:
        """Tick the chosen child."""
        chosen = self._choose()
        if self._running is not None and self._running != chosen:
            reset(self.children[self._running])
        status = yield self.children[chosen]
        self._running = chosen if status is RUNNING else None
        if status is not RUNNING and status is not INVALID:
            self.reset_children()
        return status

    def _choose(self) -> int:
        value = self._value("variable")
        if value is not None:
            for index, case in enumerate(self.cases):
                text = self._value(case)
                if text is not None and equal(value, text):
                    return index
        return len(self.cases)

    def _value(self, port: str) -> object:
        """Return what a port gives, None where it is not given or its entry is not set."""
        try:
            return self.wiring.inputs[port]() if port in self.wiring.inputs else None
        except UnsetError:
            return None


def _switch(count: int) -> type[Switch]:
    names = tuple(f"case_{number}" for number in range(1, count + 1))
    words = ("Two", "Three", "Four", "Five", "Six", "Seven")
    listed = "\n".join(f"        {name} (in, any, default none): Value for child {k}." for k, name in enumerate(names))
    body = {
        "__doc__": _DOC.format(cases=listed, children=words[count - 1]),
        "__module__": __name__,
        "cases": names,
        "least": count + 1,
        "most": count + 1,
        "ports": (
            Port("variable", "any", "the value to compare, such as $color", default=None),
            *(Port(name, "any", f"value for child {k}", default=None) for k, name in enumerate(names)),
            CHILDREN,
        ),
    }
    cls = type(f"Switch{count}", (Switch,), body)
    return behavior(f"bt.Switch{count}")(cls)


Switch2, Switch3, Switch4, Switch5, Switch6 = (_switch(count) for count in range(2, 7))
