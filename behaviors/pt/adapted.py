"""Behaviors, decorators and composites of py_trees as nodes: each has an instance of the class it stands for.

The instance is not changed and not derived from, so whatever attributes it has cannot be in the way. It is made with
the arguments that the ports give, has the children of the node, and is set up before its first tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Literal, cast

import py_trees
from py_trees.ports import PortsMixin

from ..node import Wiring
from ..ports import Port
from ..step import FAILURE, FAULTS, INVALID, RUNNING, Status, Steps, adopt, raise_fault
from .arguments import Argument, same
from .connection import Connection
from .insides import own_nodes, reason_of
from .lending import Lending, key_of
from .signature import DeclaredPort, taken_by

CHILD = Port("child", "node", "the node it decorates")
CHILDREN = Port("children", "nodes", "the child nodes, in order")


class Adapted(Steps, py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """Base of nodes that stand for an instance of a py_trees class.

    A subclass says which class with ``origin`` and what its constructor takes with ``arguments``. If the value of a
    port moves (``$name``) and the argument does not follow by itself, the instance is made anew when an execution
    starts and the value is another one than before.
    """

    kind: ClassVar[Literal["leaf", "composite", "decorator"]] = "leaf"
    origin: ClassVar[Callable[..., Any]]
    arguments: ClassVar[tuple[Argument, ...]] = ()
    declared: ClassVar[tuple[tuple[DeclaredPort, ...], tuple[DeclaredPort, ...]]] = ((), ())
    """Inputs and outputs that the class declares with ``py_trees.ports``."""
    ports: ClassVar[tuple[Port, ...]] = ()
    structure: ClassVar[tuple[Port, ...]] = ()
    """Ports of nodes, after all others."""
    borrows: ClassVar[bool] = True
    """False where the class looks at neither blackboard nor clock, so that nothing needs to be lent to it."""
    flow: ClassVar[str] = ""
    reactive: ClassVar[bool] = False
    open_ports: ClassVar[bool] = False
    visual: ClassVar[bool] = False
    skills: ClassVar[frozenset[str]] = frozenset()
    limb: ClassVar[str] = ""
    replays: ClassVar[Literal["recorded", "ticked"]] = "recorded"
    """As for ``Leaf``."""
    _ticks_of: ClassVar[Any] = py_trees.behaviour.Behaviour.tick
    """The tick that is done without a generator; any other one is run as it is."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        inputs, outputs = cls.declared
        cls.ports = (
            *(port for argument in cls.arguments for port in argument.ports),
            *(each.port for each in (*inputs, *outputs)),
            *cls.structure,
        )

    def __init__(self, wiring: Wiring) -> None:
        self._parent: Any = None
        self.inner: Any = None
        super().__init__(wiring.name)
        self._unlogged()
        self.wiring, self.context = wiring, wiring.context
        self.path, self.place = wiring.path, wiring.place
        self._below = [adopt(child) for child in self._nodes()]
        self.children = list(self._below)
        for child in self._below:
            child.parent = self
        self._lending = Lending(wiring.context, wiring.board, self.origin, wiring.path)
        self._lent: AbstractContextManager[object] = self._lending if self.borrows else nullcontext()
        self._connection = Connection(wiring, *self.declared)
        self._ready = False
        self._values: dict[str, object] = {}
        self._moves = any(
            port.name in wiring.moving for argument in self.arguments if not argument.live for port in argument.ports
        )
        if not self._moves:
            try:
                with self._lent:
                    self._make(self._given())
            except FAULTS as error:
                raise_fault(self, error)

    def _nodes(self) -> list[Any]:
        return list(self.wiring.children)

    @property
    def parent(self) -> Any:
        """The node above, None at the root."""
        return self._parent

    @parent.setter
    def parent(self, node: Any) -> None:
        self._parent = node
        if self.inner is not None:
            self.inner.parent = node

    def get(self, port: str) -> object:
        """Return the present value of an input port, converted to its declared type."""
        return self.wiring.inputs[port]()

    def key(self, port: str) -> str:
        """Return py_trees' key of the entry, or field of one, that a port names; else of the port's default."""
        cell = self.wiring.outputs.get(port)
        if cell is None:
            return self.key_in_scope(str(self.get(port)))
        fields = cast("tuple[str, ...]", self.wiring.options.get(f"fields.{port}", ()))
        return ".".join((key_of(cell.name)[1:], *fields))

    def key_in_scope(self, name: str) -> str:
        """Return py_trees' key of an entry of this tree; a name that begins with ``/`` is a key already."""
        if name.startswith("/"):
            return name
        return key_of(f"{self.wiring.scope}/{name}" if self.wiring.scope else name)[1:]

    def _given(self) -> dict[str, object]:
        return {argument.name: argument.make(self) for argument in self.arguments}

    def _make(self, values: dict[str, object]) -> None:
        for child in self._below:
            child.parent = None
        self.inner = inner = self._construct(values)
        self.inner.parent = self._parent
        self._ready = False
        for node in own_nodes(inner):
            if node is not inner:
                adopt(node)
        self._plain = type(inner).tick is type(self)._ticks_of
        if isinstance(inner, PortsMixin):
            self._connection.connect(inner)

    def _construct(self, values: dict[str, object]) -> Any:
        return self.origin(**self._named(), **values)

    def _named(self) -> dict[str, str]:
        return {"name": self.wiring.name} if "name" in taken_by(self.origin) else {}

    def _renew(self) -> None:
        """Make the instance anew if its arguments changed; called at the start of an execution."""
        values = self._given()
        fixed = {argument.name: values[argument.name] for argument in self.arguments if not argument.live}
        if self.inner is None or not same(fixed, self._values):
            if self._ready:
                self.shutdown()
            self._make(values)
            self._values = fixed

    def _begin(self) -> Any:
        """Prepare for a tick and return the instance."""
        if self.status is not RUNNING:
            self.skipped = False
        if self._ready and not self._moves and not self.declared[0]:
            return self.inner
        try:
            with self._lent:
                if self._moves and self.status is not RUNNING:
                    self._renew()
                if not self._ready:
                    self._set_up({})
                if self.declared[0]:
                    self._connection.feed(self._lending.state.storage)
        except FAULTS as error:
            self._broke(error)
        return self.inner

    def _set_up(self, options: dict[str, Any]) -> None:
        self._ready = True
        for node in own_nodes(self.inner):
            node.setup(**options)

    def setup(self, **options: Any) -> None:
        """Set the instance up (py_trees' name); a node that nobody set up does it before its first tick."""
        with self._lent:
            if self.inner is not None:
                self._set_up(options)

    def shutdown(self) -> None:
        """Undo the setup, if there was one (py_trees' name)."""
        if self._ready:
            self._ready = False
            with self._lent:
                for node in own_nodes(self.inner):
                    node.shutdown()

    def _t(self) -> Status:
        inner = self._begin()
        if self._plain:
            return self._go(inner)
        for _ in self._steps(inner):
            pass
        return self._settle()

    def _ticks(self) -> Iterator[Any]:
        inner = self._begin()
        if self._plain:
            self._go(inner)
        else:
            yield from self._steps(inner)
            self._settle()
        yield self

    def _go(self, inner: Any) -> Status:
        try:
            with self._lent:
                if inner.status is not RUNNING:
                    inner.initialise()
                self._end(inner)
        except FAULTS as error:
            self._broke(error)
        return self._show()

    def _end(self, inner: Any) -> None:
        """Let the instance decide, after whatever is below was ticked."""
        status = inner.update()
        if not isinstance(status, Status) or status is INVALID:
            shown = "nothing" if status is None else str(status)
            raise TypeError(f"update() of {type(inner).__name__} returned {shown}, which is no status")
        if status is not RUNNING:
            inner.stop(status)
        inner.status = status

    def _steps(self, inner: Any) -> Iterator[Any]:
        """Run the generator of the instance; its globals are lent step by step."""
        steps = inner.tick()
        while True:
            try:
                with self._lent:
                    node = next(steps)
            except StopIteration:
                return
            except FAULTS as error:
                self._broke(error)
            if node is not inner:
                yield node

    def _settle(self) -> Status:
        """Take over the status after the generator has ended."""
        if self.inner.status is INVALID:
            if any(getattr(node, "skipped", False) and node.status is INVALID for node in self.inner.iterate()):
                return self._skip()
            self._broke(TypeError(f"the tick of {type(self.inner).__name__} gave no status"))
        return self._show()

    def _show(self) -> Status:
        """Show the instance's status and message as those of the node."""
        inner = self.inner
        self.status = status = inner.status
        self.feedback_message = self._reason() if status is FAILURE else inner.feedback_message
        if self._log is not None and (status is not self._noted or self.feedback_message != self._said):
            self._log(self)
        return status

    def _reason(self) -> str:
        """Return what the instance says, and why the child failed that decided."""
        return reason_of(self.inner) or f"{self.name} failed"

    def _broke(self, error: BaseException) -> None:
        """Leave the node RUNNING, so that it is halted, and raise."""
        self.status = RUNNING
        if self.inner is not None:
            self.inner.status = RUNNING
        self.feedback_message = f"fault: {error}"
        if self._log is not None:
            self._log(self)
        raise_fault(self, error)

    def _x(self, new: Status) -> None:
        old = self.status
        try:
            if self.inner is not None:
                with self._lent:
                    self.inner.stop(new)
                self.feedback_message = self.inner.feedback_message
        except FAULTS as error:
            raise_fault(self, error)
        finally:
            self.status = new
            if new is not old and self._log is not None:
                self._log(self)

    def _pause(self) -> None:
        self._lending.clock.pause()
        super()._pause()

    def _resume(self) -> None:
        self._lending.clock.resume()
        super()._resume()

    def update(self) -> Status:
        """Return the present status (py_trees' hook; the instance has its own)."""
        return self.status

    def tip(self) -> Any:
        """Return the deepest node that was ticked last (py_trees' name)."""
        tip = self.inner.tip() if self.inner is not None else None
        return self if tip is self.inner and tip is not None else tip


class AdaptedDecorator(Adapted):
    """Base of nodes that stand for a decorator. A skipped child makes it skipped."""

    kind = "decorator"
    flow = "any"
    structure = (CHILD,)
    _ticks_of = py_trees.decorators.Decorator.tick

    def _construct(self, values: dict[str, object]) -> Any:
        return self.origin(**self._named(), child=self._below[0], **values)

    def _t(self) -> Status:
        inner = self._begin()
        if not self._plain:
            return super()._t()
        self._initialise(inner)
        self._below[0]._t()
        return self._decide(inner)

    def _ticks(self) -> Iterator[Any]:
        inner = self._begin()
        if not self._plain:
            yield from super()._ticks()
            return
        self._initialise(inner)
        yield from self._below[0].tick()
        self._decide(inner)
        yield self

    def _initialise(self, inner: Any) -> None:
        if inner.status is not RUNNING:
            try:
                with self._lent:
                    inner.initialise()
            except FAULTS as error:
                self._broke(error)

    def _decide(self, inner: Any) -> Status:
        if self._below[0].status is INVALID:
            return self._skip()
        try:
            with self._lent:
                self._end(inner)
        except FAULTS as error:
            self._broke(error)
        return self._show()


class AdaptedComposite(Adapted):
    """Base of nodes that stand for a composite."""

    kind = "composite"
    flow = "any"
    structure = (CHILDREN,)
    _ticks_of = None

    def _make(self, values: dict[str, object]) -> None:
        super()._make(values)
        self.children = self.inner.children

    def _construct(self, values: dict[str, object]) -> Any:
        children = list(self._below)
        if "children" in taken_by(self.origin):
            return self.origin(**self._named(), children=children, **values)
        inner = self.origin(**self._named(), **values)
        inner.add_children(children)
        return inner

    @property
    def current_child(self) -> Any:
        """The child that decided last."""
        return self.inner.current_child if self.inner is not None else None
