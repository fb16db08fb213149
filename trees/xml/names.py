"""The words of BehaviorTree.CPP's XML and what they are called here: categories, IDs and attributes."""

from __future__ import annotations

import re
from typing import Final

from ...behaviors.node import NODES
from ...behaviors.ports import COMMON_KEYS
from ..node_types import NodeType, node_type

CATEGORIES: Final = {
    "Action": "action",
    "Condition": "condition",
    "Control": "control",
    "Decorator": "decorator",
    "SubTree": "subtree",
}
"""Tag of the verbose form → ``kind`` of a declared node."""
TAGS: Final = {kind: tag for tag, kind in CATEGORIES.items()}
SUBTREE_TAGS: Final = ("SubTree", "SubTreePlus")
SUBTREE: Final = "bt.SubTree"
ROOT_KEYS: Final = ("form", "instructions", "element", "elements", "attributes")
"""Keys of the header key ``xml`` that are no attributes of <root>."""
CONDITIONS: Final = {
    "_failureIf": "failure_if",
    "_successIf": "success_if",
    "_skipIf": "skip_if",
    "_while": "while",
}
"""Attribute with a script → common key."""
HOOKS: Final = {
    "_onSuccess": "on_success",
    "_onFailure": "on_failure",
    "_onHalted": "on_halt",
    "_post": "post",
}
"""Attribute with a script → common key of the node that runs it."""
PORTS: Final = {"input_port": "in", "output_port": "out", "inout_port": "inout"}
"""Tag in a model → direction."""
LOAD_TIME: Final = ("for", "if")
STRUCTURE: Final = ("child", "children")
"""Keys among the ports of a node that hold nodes."""
KEEP: Final = "xml."
"""Begins the ``meta`` key of an attribute that has no other place: ``xml.NAME`` is the attribute NAME."""

_CONDITIONS: Final = ("bt.ScriptCondition",)
"""Leaves that are conditions, besides those of Nav2: its actions need a robot, so none is built in."""
_ENTRY = re.compile(r"\{(@?[A-Za-z_][A-Za-z0-9_]*)\}\Z")
_NAME = re.compile(r"\$(@?[A-Za-z_][A-Za-z0-9_]*)\Z")
_XML_NAME = re.compile(r"[:A-Za-z_\u00c0-\u02ff\u0370-\u1fff\u3001-\ud7ff][-:.A-Za-z0-9_\u00b7-\u1fff\u3001-\ud7ff]*\Z")


def registered_key(id: str) -> str:
    """Return the type key of a node of BehaviorTree.CPP or Nav2 that is built in here, empty for another one."""
    return next((key for key in (f"bt.{id}", f"nav2.{id}") if key in NODES), "")


def declared_key(id: str) -> str:
    """Return the type key of a node that is not built in: its ID, behind ``stub.`` where that means something else."""
    taken = id in NODES or id in COMMON_KEYS or id in LOAD_TIME or id.startswith("stub.")
    return f"stub.{id}" if taken else id


def id_of(key: str) -> str:
    """Return the ID that a type key without a declaration stands for."""
    prefix, dot, rest = key.partition(".")
    return rest if dot and prefix in ("bt", "nav2", "stub") else key


def meta_key(attribute: str) -> str:
    """Return the key of ``meta`` for an attribute: ``_x`` is ``x``, any other ``xml.NAME``.

    >>> meta_key("_collapsed"), meta_key("editable"), meta_key("_xml")
    ('collapsed', 'xml.editable', 'xml._xml')
    """
    short = attribute[1:]
    plain = attribute.startswith("_") and short not in ("", "xml") and not short.startswith(KEEP)
    return short if plain else KEEP + attribute


def meta_attribute(key: str) -> str:
    """Return the attribute that a key of ``meta`` stands for; the inverse of ``meta_key``."""
    return key.removeprefix(KEEP) if key.startswith(KEEP) else f"_{key}"


def category(kind: NodeType) -> str:
    """Return the tag that a node type has in the verbose form."""
    if kind.name == SUBTREE:
        return "SubTree"
    if kind.model:
        return TAGS[kind.model]
    if kind.kind == "leaf":
        return "Condition" if kind.name in _CONDITIONS or kind.dialect == "nav2" else "Action"
    return "Control" if kind.kind == "composite" else "Decorator"


def registered(key: str) -> NodeType | None:
    """Return a registered node type, None for any other word."""
    return node_type(key) if key in NODES else None


def is_script(kind: NodeType | None, port: str) -> bool:
    """Tell whether a port of a built-in node takes a script, whose text is the same in YAML and XML."""
    found = kind.ports.get(port) if kind is not None else None
    return found is not None and found.type == "script"


def value_text(text: str) -> str:
    """Return how the text of a port is written in YAML: ``{x}`` is ``$x``, a dollar is doubled."""
    if text == "{=}":
        return "$="
    found = _ENTRY.match(text)
    return f"${found[1]}" if found is not None else text.replace("$", "$$")


def port_text(text: str) -> str:
    """Return what a value of a port in YAML is in XML; the inverse of ``value_text``."""
    if text == "$=":
        return "{=}"
    found = _NAME.match(text)
    return "{" + found[1] + "}" if found is not None else text.replace("$$", "$")


def is_xml_name(text: str) -> bool:
    """Tell whether a text can name an element or attribute."""
    return _XML_NAME.match(text) is not None
