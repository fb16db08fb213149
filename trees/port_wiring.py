"""From what an author gave to the ports of a node to functions that read it and cells that are written."""

from __future__ import annotations

from collections.abc import Iterable

from ..behaviors.blackboard import Cell
from ..behaviors.ports import Port
from .formulas.operators import truth
from .formulas.scripts import as_condition
from .limits import limited
from .node_types import BT_TEXT, COMMON_PORTS
from .spec import Computed, Literal, NodeSpec, Program, Reference, Value
from .values import Getter, Scope, from_bt, moves, typed

_NODE_TYPES = ("node", "nodes")


def ports_of(spec: NodeSpec) -> list[Port]:
    """Return the ports of a node, with those that are not declared but given."""
    ports = spec.kind.ports
    more = spec.values.keys() - ports.keys() if spec.kind.open else ()
    return [*ports.values(), *(Port(name, "any", "", "inout", None) for name in sorted(more))]


def readers(spec: NodeSpec, ports: Iterable[Port], scope: Scope, path: str) -> dict[str, Getter]:
    """Return port → function that gives its value, for those that a node reads.

    What is not known before the run is held to the range and the choices of its port each time it is read; nodes of
    BehaviorTree.CPP make of it what they make of it there.
    """
    found: dict[str, Getter] = {}
    convert = from_bt if spec.kind.dialect in BT_TEXT else typed
    for port in ports:
        if port.direction == "out" or port.type in _NODE_TYPES or (spec.uses is not None and port.type == "mapping"):
            continue
        value = spec.values.get(port.name)
        if isinstance(value, Reference) and convert is from_bt:
            scope.cell(value.name, root=value.root).declared = True
        if isinstance(value, Literal) and not moves(value):
            found[port.name] = constant(value.value)  # it has the type of the port already
        elif isinstance(value, Program):
            found[port.name] = scope.script(value, path)
        elif value is not None:
            get = convert(scope.getter(value), port.type, port.name)
            found[port.name] = get if convert is from_bt else limited(get, port, port.name)
        elif not port.required:
            found[port.name] = constant(port.default)
    return found


def cells(spec: NodeSpec, ports: Iterable[Port], scope: Scope) -> dict[str, Cell]:
    """Return port → cell, for those that a node writes."""
    found: dict[str, Cell] = {}
    for port in ports:
        value = spec.values.get(port.name)
        named = port.type == "variable"
        if isinstance(value, Reference) and (named or (port.direction != "in" and not value.accessors)):
            cell = scope.cell(value.name, "any" if named else port.type, value.root)
            cell.declared = cell.declared or spec.kind.dialect in BT_TEXT
            found[port.name] = cell
    return found


def common(key: str, value: Value, scope: Scope, path: str) -> Getter:
    """Return the function that gives the value of a common key; conditions are true or false."""
    if isinstance(value, Program):
        run = scope.script(value, path)
        return lambda: as_condition(run())
    get = scope.getter(value)
    if isinstance(value, Computed):
        return lambda: truth(get())
    port = COMMON_PORTS[key]
    return get if isinstance(value, Literal) else limited(typed(get, port.type, key), port, key)


def constant(value: object) -> Getter:
    """Return a function that gives a value."""
    return lambda: value
