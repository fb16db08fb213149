"""BehaviorTree.CPP's nodes that take elements from a queue.

A queue is text (``1;2;3``), a list or a ``collections.deque``. A deque is shared: taking an element takes it from
everybody who has the queue. A loop reads a list or a text once and leaves the entry as it is.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from ..blackboard import UNSET, Cell
from ..node import Leaf, Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from .stepwise import CHILD, BTDecorator, Tick, reset
from .values import real, status_of, truth, whole

_STATUS_CHOICES = ("SUCCESS", "FAILURE", "SKIPPED", "RUNNING")

_DOC = """Run the child once for each element of a queue of {elements}, until it fails.

    The next element is taken in the tick after the child has ended. The queue is read when an execution begins; a
    shared queue (a deque) is looked at again for each element.

    Ports:
        queue (inout, list[{type}]): The elements, such as ``{sample}`` or ``$queue``.
        if_empty (in, text, default SUCCESS): Status when no element is left: SUCCESS, FAILURE, SKIPPED or RUNNING.
        value (out, {type}, default none): The present element.
        child (in, node): The node to run.

    Status:
        RUNNING: The child is, succeeded or was skipped; then the next element follows.
        SUCCESS, SKIPPED: No element is left; see ``if_empty``.
        FAILURE: The child failed (its reason is passed up), or ``if_empty`` says so.

    Halt:
        Halts the child; the next execution begins with the first element again, unless the queue is shared.

    Source: ``loop_node.h`` of 4.10.0.
    """


class Loop(BTDecorator):
    """Base of LoopInt, LoopBool, LoopDouble and LoopString."""

    flow = "for_each"
    element: ClassVar[str] = "text"

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._queue: deque[object] | None = None
        self._busy = False

    def run(self) -> Tick:
        """Take an element if the child has ended, and tick the child."""
        if self.stored is INVALID:
            self._busy = False
            self._queue = self._elements(self.get("queue")) if "queue" not in self.wiring.outputs else None
        if not self._busy:
            self._read()
            if not self._queue:
                self._why = "the queue is empty"
                return status_of(self, "if_empty")
            cell = self.wiring.outputs.get("value")
            value = self._element(self._queue.popleft())
            if cell is not None:
                cell.set(value, self.path)
        self.stored = RUNNING
        status = yield self.decorated
        self._busy = status is RUNNING
        return FAILURE if status is FAILURE else RUNNING

    def _read(self) -> None:
        cell = self.wiring.outputs.get("queue")
        if cell is None:
            return
        if isinstance(cell.value, deque):
            self._queue = cell.value
        elif self._queue is None:
            if cell.value is UNSET:
                self.refuse(f"${cell.name.rpartition('/')[2]} is not set", "set the queue first, such as '1;2;3'")
            self._queue = self._elements(cell.value)

    def _elements(self, value: object) -> deque[object]:
        if isinstance(value, str):
            return deque(value.removesuffix(";").split(";") if value else ())
        if not isinstance(value, list | tuple | deque):
            self.refuse(f"queue is {value!r}", "give a list, or text with ; between the elements")
            raise AssertionError
        return deque(value)

    def _element(self, value: object) -> object:
        if not isinstance(value, str) or self.element == "text":
            return value
        read = {"int": whole, "number": real, "bool": truth}[self.element](value)
        if read is None:
            self.refuse(f"the element {value!r} is no {self.element}", "write numbers alone")
        return read


def _loop(name: str, element: str, elements: str, sample: str) -> type[Loop]:
    body = {
        "__doc__": _DOC.format(elements=elements, type=element, sample=sample),
        "__module__": __name__,
        "element": element,
        "ports": (
            Port("queue", f"list[{element}]", "the elements, with ; between them, or an entry", direction="inout"),
            Port("if_empty", "text", "status when no element is left", default="SUCCESS", choices=_STATUS_CHOICES),
            Port("value", element, "the present element", direction="out", default=None),
            CHILD,
        ),
    }
    return behavior(f"bt.{name}")(type(name, (Loop,), body))


LoopInt = _loop("LoopInt", "int", "whole numbers", "1;2;3")
LoopBool = _loop("LoopBool", "bool", "truth values", "true;false")
LoopDouble = _loop("LoopDouble", "number", "numbers", "0.5;1.5")
LoopString = _loop("LoopString", "text", "texts", "red;green")


def _take(cell: Cell, writer: str) -> object:
    """Take the first element of a queue; a list is replaced by a shorter one."""
    items: Any = cell.value
    if isinstance(items, deque):
        return items.popleft()
    first, *rest = items
    cell.set(rest, writer)
    return first


def _filled(cell: Cell | None) -> bool:
    return cell is not None and isinstance(cell.value, list | tuple | deque) and bool(cell.value)


_QUEUE = Port("queue", "list", "the queue, an entry", direction="inout")
_POPPED = Port("popped_item", "any", "the element that was taken", direction="out", default=None)


@behavior("bt.ConsumeQueue")
class ConsumeQueue(BTDecorator):
    """Run the child once for each element of a queue, all in one tick where the child allows it.

    Ports:
        queue (inout, list): The queue, an entry; elements are taken from it.
        popped_item (out, any, default none): The present element.
        child (in, node): The node to run.

    Status:
        RUNNING: The child is.
        SUCCESS: The queue is empty; also if it was so from the start.
        FAILURE: The child failed; its reason is passed up.
        SKIPPED: The child was skipped for the last element.

    Halt:
        Halts the child; its element is not put back.

    Source: ``consume_queue.h`` of 4.10.0.
    """

    flow = "for_each"
    ports = (_QUEUE, _POPPED, CHILD)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._busy = False

    def run(self) -> Tick:
        """Tick the child for one element after the other."""
        child, status = self.decorated, SUCCESS
        if self._busy:
            status = yield child
            self._busy = status is RUNNING
            if self._busy:
                return RUNNING
            reset(child)
        queue = self.wiring.outputs.get("queue")
        popped = self.wiring.outputs.get("popped_item")
        while queue is not None and _filled(queue):
            self.stored = RUNNING
            item = _take(queue, self.path)
            if popped is not None:
                popped.set(item, self.path)
            status = yield child
            self._busy = status is RUNNING
            if self._busy:
                return RUNNING
            reset(child)
            if status is FAILURE:
                return FAILURE
        return status


@behavior("bt.PopFromQueue")
class PopFromQueue(Leaf):
    """Take the first element of a queue.

    Ports:
        queue (inout, list): The queue, an entry.
        popped_item (out, any, default none): The element that was taken.

    Status:
        SUCCESS: An element was taken.
        FAILURE: The queue is empty or not set.

    Halt:
        Nothing to halt.

    Source: ``pop_from_queue.hpp`` of 4.10.0.
    """

    replays = "ticked"
    ports = (_QUEUE, _POPPED)

    def step(self) -> Status:
        """Take it."""
        queue = self.wiring.outputs.get("queue")
        if queue is None or not _filled(queue):
            return self.fail("the queue is empty or not set")
        self.put("popped_item", _take(queue, self.path))
        return self.succeed()


@behavior("bt.QueueSize")
class QueueSize(Leaf):
    """Count the elements of a queue.

    Ports:
        queue (inout, list): The queue, an entry.
        size (out, int, default none): How many elements it has.

    Status:
        SUCCESS: It has at least one.
        FAILURE: The queue is empty or not set; ``size`` is not written.

    Halt:
        Nothing to halt.

    Source: ``pop_from_queue.hpp`` of 4.10.0.
    """

    replays = "ticked"
    ports = (_QUEUE, Port("size", "int", "how many elements it has", direction="out", default=None))

    def step(self) -> Status:
        """Count them."""
        queue = self.wiring.outputs.get("queue")
        if queue is None or not _filled(queue):
            return self.fail("the queue is empty or not set")
        items: Any = queue.value
        self.put("size", len(items))
        return self.succeed(f"{len(items)} elements")
