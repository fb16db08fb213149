"""A checked tree as plain data and back: what a trace holds of it, so that it is built again without its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final, cast

from ..._base import KnotholeError, Place
from ...behaviors.blackboard import Blackboard
from ...behaviors.ports import REQUIRED, Port
from ..changing.encoding import CannotKeepError, decode, encode
from ..formulas.expressions import Expression
from ..formulas.scripts import Script
from ..mocking.mock import Mock
from ..mocking.mocked import MockedNode, MockedParent
from ..mocking.sites import Selector
from ..node_types import NodeType, node_type
from ..reading.document import Scalar, Source
from ..spec import Computed, InputSpec, Literal, NodeSpec, OutputSpec, Program, Reference, Template, TreeSpec, Value

_TAG: Final = "%"
_PACKAGE: Final = __name__.partition(".")[0]
_MOCK: Final = ("statuses", "again", "after", "success", "reason", "children")
_MOCKED: Final[Mapping[str, type]] = {"mocked": MockedNode, "mocked parent": MockedParent}


class SpecDataError(KnotholeError):
    """Data is no tree that can be built here."""


def tree_data(tree: TreeSpec) -> dict[str, Any]:
    """Return a tree, and all that it uses, as JSON-able data, without the texts of its files."""
    return {
        "name": tree.name,
        "file": tree.file,
        "about": tree.about,
        "others": list(tree.others),
        "dialect": tree.dialect,
        "params": {name: _data(value) for name, value in tree.params.items()},
        "inputs": [_input_data(entry) for entry in tree.inputs],
        "outputs": [[o.name, o.type, o.about, _place(o.place)] for o in tree.outputs],
        "nodes": _nodes_data(tree.root),
    }


def tree_of(data: Mapping[str, Any], texts: Mapping[str, str]) -> TreeSpec:
    """Return the tree that ``tree_data`` made data of.

    Args:
        data: That data.
        texts: File → text, as the trace holds them.

    Raises:
        SpecDataError: It is no such data, or names a node that is not here.
    """
    try:
        return _tree(data, texts)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, CannotKeepError) as error:
        raise SpecDataError(f"the tree in the trace cannot be read: {type(error).__name__}: {error}") from error


def _tree(data: Mapping[str, Any], texts: Mapping[str, str]) -> TreeSpec:
    return TreeSpec(
        data["name"],
        data["file"],
        _nodes(data["nodes"], texts),
        data["about"],
        tuple(_input(each) for each in data["inputs"]),
        tuple(OutputSpec(name, type, _at(place), about) for name, type, about, place in data["outputs"]),
        texts.get(data["file"], ""),
        tuple(data["others"]),
        data["dialect"],
        MappingProxyType({name: _thing(value) for name, value in data["params"].items()}),
    )


def _nodes_data(root: NodeSpec) -> list[dict[str, Any]]:
    """Return a node and all below it as a flat list, for any depth; nodes name those below by their numbers."""
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[NodeSpec, dict[str, Any]]] = []

    def add(node: NodeSpec) -> int:
        rows.append(_node_data(node))
        waiting.append((node, rows[-1]))
        return len(rows) - 1

    add(root)
    while waiting:
        node, row = waiting.pop()
        for key in ("parts", "hooks"):
            nodes: Mapping[str, NodeSpec] = getattr(node, key)
            if nodes:
                row[key] = {name: add(each) for name, each in nodes.items()}
        if node.children:
            row["children"] = [add(child) for child in node.children]
    return rows


def _node_data(node: NodeSpec) -> dict[str, Any]:
    found: dict[str, Any] = {"type": node.type, "at": _place(node.place), "path": node.path, "name": node.name}
    if node.kind.name != node.type or node_type(node.kind.name) != node.kind or _is_foreign(node.kind):
        found["kind"] = _kind_data(node.kind)
    if node.about:
        found["about"] = node.about
    for key in ("values", "common"):
        values: Mapping[str, Value] = getattr(node, key)
        if values:
            found[key] = {name: _data(value) for name, value in values.items()}
    if node.uses is not None:
        found["uses"] = tree_data(node.uses)
    if node.meta:
        found["meta"] = dict(node.meta)
    return found


def _nodes(rows: Sequence[Mapping[str, Any]], texts: Mapping[str, str]) -> NodeSpec:
    """Return the node that ``_nodes_data`` made rows of; those below it have higher numbers."""
    built: dict[int, NodeSpec] = {}
    for number in reversed(range(len(rows))):
        built[number] = _node(rows[number], built, texts)
    return built[0]


def _node(data: Mapping[str, Any], built: Mapping[int, NodeSpec], texts: Mapping[str, str]) -> NodeSpec:
    def nodes(key: str) -> Mapping[str, NodeSpec]:
        return MappingProxyType({name: built[each] for name, each in data.get(key, {}).items()})

    def values(key: str) -> Mapping[str, Value]:
        return MappingProxyType({name: cast(Value, _thing(each)) for name, each in data.get(key, {}).items()})

    return NodeSpec(
        data["type"],
        _kind(data["type"], data.get("kind")),
        _at(data["at"]),
        data["path"],
        data["name"],
        data.get("about", ""),
        values("values"),
        tuple(built[each] for each in data.get("children", ())),
        nodes("parts"),
        values("common"),
        _tree(data["uses"], texts) if "uses" in data else None,
        nodes("hooks"),
        MappingProxyType(dict(data.get("meta", {}))),
    )


def _is_foreign(kind: NodeType) -> bool:
    """Tell whether a class comes from elsewhere, and may not be here when a trace is read."""
    return kind.cls is not None and kind.cls.__module__.partition(".")[0] != _PACKAGE


def _kind_data(kind: NodeType) -> dict[str, Any]:
    mocked = next((name for name, cls in _MOCKED.items() if kind.cls is cls), "")
    plain = {name: getattr(kind, name) for name in ("name", "kind", "visual", "limb", "flow", "reactive", "open")}
    return {
        **plain,
        "dialect": kind.dialect,
        "model": kind.model,
        "asks": kind.asks,
        "skills": sorted(kind.skills),
        "ports": [_port_data(port) for port in kind.ports.values()],
        "cls": mocked or ("stub" if kind.cls is None else "registered"),
    }


def _kind(name: str, data: Mapping[str, Any] | None) -> NodeType:
    known = node_type(name)
    if data is None:
        if known is None:
            raise SpecDataError(f"the node type {name!r} of the recorded tree is not here\n  fix:  name its module")
        return known
    if data["cls"] == "registered" and known is not None:
        return known
    if data["cls"] == "registered" and data["kind"] != "leaf":
        raise SpecDataError(
            f"the {data['kind']} {name!r} of the recorded tree is not here\n"
            "  fix:  name its module in `behaviors` of knothole.toml"
        )
    ports = [_port(each) for each in data["ports"]]
    plain = {key: data[key] for key in ("visual", "limb", "flow", "reactive", "open", "dialect", "model", "asks")}
    return NodeType(
        data["name"],
        data["kind"],
        {port.name: port for port in ports},
        skills=frozenset(data["skills"]),
        cls=_MOCKED.get(data["cls"]),
        **plain,
    )


def _port_data(port: Port) -> dict[str, Any]:
    given = {each.name: getattr(port, each.name) for each in fields(port) if each.name != "default"}
    return {**given, **({} if port.required else {"default": _data(port.default)})}


def _port(data: Mapping[str, Any]) -> Port:
    default = _thing(data["default"]) if "default" in data else REQUIRED
    tuples = {name: tuple(data[name]) for name in ("choices", "takes")}
    return Port(**{**data, **tuples, "default": default})


def _input_data(entry: InputSpec) -> dict[str, Any]:
    plain = {name: getattr(entry, name) for name in ("name", "type", "about", "minimum", "maximum")}
    default = {} if entry.default is None else {"default": _data(entry.default)}
    return {**plain, "at": _place(entry.place), "choices": list(entry.choices), **default}


def _input(data: Mapping[str, Any]) -> InputSpec:
    default = cast("Literal | None", _thing(data["default"])) if "default" in data else None
    span = data["minimum"], data["maximum"]
    return InputSpec(data["name"], data["type"], _at(data["at"]), data["about"], default, tuple(data["choices"]), *span)


def _place(place: Place) -> list[Any]:
    return [place.file, place.line, place.column]


def _at(data: Any) -> Place:
    return Place(str(data[0]), int(data[1]), int(data[2]))


def _data(value: object) -> Any:
    """Return a value of a port as data; constants may hold references."""
    if isinstance(value, Literal):
        return {_TAG: "=", "of": _data(value.value), "at": _place(value.place)}
    if isinstance(value, Reference):
        accessors = list(value.accessors)
        return {_TAG: "$", "of": value.name, "then": accessors, "root": value.root, "at": _place(value.place)}
    if isinstance(value, Template):
        return {_TAG: "text", "of": [_data(part) for part in value.parts], "at": _place(value.place)}
    if isinstance(value, Computed):
        made = value.expression
        return {_TAG: "expression", "of": made.source, "type": made.type, "at": _place(value.place)}
    if isinstance(value, Program):
        constants = dict(value.script.constants)
        return {_TAG: "script", "of": value.script.source, "constants": constants, "at": _place(value.place)}
    if isinstance(value, Mock):
        return {_TAG: "mock", "of": {name: getattr(value, name) for name in _MOCK}}
    if isinstance(value, list | tuple):
        return {_TAG: type(value).__name__, "of": [_data(each) for each in value]}
    if isinstance(value, Mapping):
        return {_TAG: "mapping", "of": [[_data(key), _data(each)] for key, each in value.items()]}
    try:
        return {_TAG: "plain", "of": encode(value)}
    except CannotKeepError as error:
        return {_TAG: "lost", "of": str(error)}


def _thing(data: Mapping[str, Any]) -> object:
    tag, of = data[_TAG], data["of"]
    if tag == "plain":
        return decode(of, lambda path: None, Blackboard())
    if tag == "lost":
        raise SpecDataError(f"the recorded tree holds {of}, which a trace does not keep")
    if tag == "list":
        return [_thing(each) for each in of]
    if tag == "tuple":
        return tuple(_thing(each) for each in of)
    if tag == "mapping":
        return {_thing(key): _thing(each) for key, each in of}
    if tag == "mock":
        at, source = Scalar("*", "plain", 1, 1, 1, 2), Source("<trace>", "*")
        return Mock(Selector("*"), at, source, **{**of, "statuses": tuple(of["statuses"])})
    place = _at(data["at"])
    if tag == "=":
        return Literal(_thing(of), place)
    if tag == "$":
        return Reference(of, place, tuple(data["then"]), data["root"])
    if tag == "text":
        return Template(tuple(cast("str | Reference", _thing(part)) for part in of), place)
    if tag == "script":
        return Program(Script(of, data["constants"]), place)
    if tag != "expression":
        raise SpecDataError(f"the recorded tree holds the value {tag!r}, which is unknown here")
    made = Expression(of)
    made.type = data["type"]
    return Computed(made, place)
