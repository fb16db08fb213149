"""The tree as XML, as the protocol wants it: numbers on nodes, paths on subtrees, a model of each node type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ...behaviors.node import NODES
from ...behaviors.ports import CONDITION_KEYS, REQUIRED, Port
from ...trees.node_types import COMMON_PORTS, NodeType, describe
from ...trees.spec import TreeSpec
from ...trees.subtree import SUBTREE
from ...trees.xml.models import cpp_of
from ...trees.xml.names import PORTS, category, id_of
from .shown import ShownNode, ShownTree, is_wrapper
from .texts import clean, port_attribute, text_of

_INDENT: Final = "    "
_PORT_TAGS: Final = {direction: tag for tag, direction in PORTS.items()}
_TYPES: Final = {"script": "text", "expression": "text", "variable": "text"}
"""What programs that do not know our types take these for."""
_AUTOREMAP: Final = Port("_autoremap", "bool", "entries of the same name are one", default=False)


def write_tree(shown: ShownTree) -> bytes:
    """Return the XML of a tree, in UTF-8."""
    lines = ['<root BTCPP_format="4">']
    for uses, nodes in shown.blocks():
        name = shown.tree.spec.name if uses is None else _tree_used(shown, uses).name
        path = "" if uses is None else uses.path
        lines.append(f"{_INDENT}<BehaviorTree{_attributes(('ID', name), ('_fullpath', path))}>")
        lines.extend(_elements(shown, nodes))
        lines.append(f"{_INDENT}</BehaviorTree>")
    lines.append(f"{_INDENT}<TreeNodesModel>")
    for tag, id, ports in sorted(_models(shown), key=lambda model: (model[1], model[0])):
        lines.extend(_model(tag, id, ports))
    lines += [f"{_INDENT}</TreeNodesModel>", "</root>", ""]
    return "\n".join(lines).encode()


def _tree_used(shown: ShownTree, node: ShownNode) -> TreeSpec:
    uses = shown.built(node).spec.uses
    assert uses is not None, "a node is shown as a subtree for using a tree"
    return uses


def _attributes(*pairs: tuple[str, str]) -> str:
    return "".join(f" {name}={quoteattr(clean(text))}" for name, text in pairs)


def _elements(shown: ShownTree, nodes: list[ShownNode]) -> Iterator[str]:
    """Yield the lines of the nodes of one tree; of any depth, so without recursion."""
    here = {node.uid for node in nodes}
    parents = {node.parent for node in nodes}
    open_: list[ShownNode] = []
    for node in nodes:
        while open_ and open_[-1].uid != node.parent:
            yield f"{_INDENT * (len(open_) + 1)}</{open_.pop().tag}>"
        indent = _INDENT * (len(open_) + 2)
        has_children = node.uid in parents and node.uid in here
        yield f"{indent}<{node.tag}{_attributes(*_all_attributes(shown, node))}{'' if has_children else '/'}>"
        if has_children:
            open_.append(node)
    while open_:
        yield f"{_INDENT * (len(open_) + 1)}</{open_.pop().tag}>"


def _all_attributes(shown: ShownTree, node: ShownNode) -> tuple[tuple[str, str], ...]:
    number = ("_uid", str(node.uid))
    if node.category == "SubTree":
        return (("ID", _tree_used(shown, node).name), ("_fullpath", node.path), number, *node.attributes)
    built = shown.built(node)
    named = is_wrapper(built) or built.name != built.type
    return (("name", built.name if named else node.tag), number, *node.attributes)


def _models(shown: ShownTree) -> Iterator[tuple[str, str, tuple[Port, ...]]]:
    """Yield category, ID and ports: of all nodes of BehaviorTree.CPP, and of the others that the tree has."""
    known: set[str] = set()
    categories = {node.tag: node for node in shown.nodes if node.category != "SubTree"}
    for tag, kind in shown.kinds.items():
        known.add(tag)
        yield categories[tag].category, tag, _ports(shown, tag, kind)
    for name, cls in NODES.items().items():
        if name.startswith("bt.") and id_of(name) not in known:
            kind = describe(name, cls)
            ports = (_AUTOREMAP,) if name == SUBTREE else tuple(kind.ports.values())
            yield category(kind), id_of(name), ports
    yield from _subtree_models(shown)


def _subtree_models(shown: ShownTree) -> Iterator[tuple[str, str, tuple[Port, ...]]]:
    """Yield what subtrees of ours take and give; those of BehaviorTree.CPP declare nothing."""
    used = {}
    for node in shown.nodes:
        if node.category == "SubTree" and shown.built(node).type != SUBTREE:
            spec = _tree_used(shown, node)
            used[spec.name] = spec
    for name, spec in used.items():
        inputs = [entry.port for entry in spec.inputs]
        outputs = [Port(entry.name, entry.type, entry.about, "out", None) for entry in spec.outputs]
        given = {port.name for port in outputs}
        yield "SubTree", name, (*(port for port in inputs if port.name not in given), *outputs)


def _ports(shown: ShownTree, tag: str, kind: NodeType | None) -> tuple[Port, ...]:
    if kind is None:
        return _wrapper_ports(tag)
    declared = {port_attribute(name): port for name, port in kind.ports.items()}
    if not kind.open:
        return tuple(declared.values())
    given = [name for node in shown.nodes if node.tag == tag for name, _ in node.attributes]
    more = {name: Port(name, "any", "", "inout", None) for name in given if name not in declared and name[0] != "_"}
    return (*declared.values(), *more.values())


def _wrapper_ports(tag: str) -> tuple[Port, ...]:
    key = tag.strip("_").partition("_decorator")[0]
    if key in ("repeat", "timeout", "retry"):
        return (COMMON_PORTS[key],)
    if key in CONDITION_KEYS:
        return tuple(Port(each, "expression", COMMON_PORTS[each].about, "in", None) for each in CONDITION_KEYS)
    return ()


def _model(tag: str, id: str, ports: Mapping[str, Port] | tuple[Port, ...]) -> Iterator[str]:
    indent = _INDENT * 2
    shown = [port for port in (ports.values() if isinstance(ports, Mapping) else ports) if _is_shown(port)]
    if not shown:
        yield f"{indent}<{tag}{_attributes(('ID', id))}/>"
        return
    yield f"{indent}<{tag}{_attributes(('ID', id))}>"
    for port in shown:
        name = port.name if port is _AUTOREMAP else port_attribute(port.name)
        given = [("name", name), ("type", cpp_of(_TYPES.get(port.type, port.type)))]
        if port.default is not REQUIRED and isinstance(port.default, str | int | float | bool):
            given.append(("default", text_of(port.default)))
        element = _PORT_TAGS[port.direction]
        end = f">{escape(clean(port.about))}</{element}>" if port.about else "/>"
        yield f"{indent}{_INDENT}<{element}{_attributes(*given)}{end}"
    yield f"{indent}</{tag}>"


def _is_shown(port: Port) -> bool:
    return port.type not in ("node", "nodes") and not (port.name == "ID" and port.type == "text")
