"""The recorded tree as XML of BehaviorTree.CPP with a ``_uid`` at each node, as its log files want it.

It shows the shape of the tree: which nodes there are, how they are called and what they hold. Ports are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from ..subtree import SUBTREE
from ..tracing.history import Node
from ..xml.names import TAGS

_SAME: Final = {
    "sequence": "Sequence",
    "selector": "Fallback",
    "reactive_sequence": "ReactiveSequence",
    "reactive_selector": "ReactiveFallback",
}
"""Types that BehaviorTree.CPP has under another name."""
_KINDS: Final = {"composite": "control", "decorator": "decorator", "leaf": "action"}
_UNFIT: Final = re.compile(r"[^\x09\x0a\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BUILT_IN: Final = "bt."


def uid(index: int) -> int:
    """Return the ``_uid`` of a node; they begin at 1."""
    return index + 1


def groot_xml(tree: Mapping[str, Any], nodes: tuple[Node, ...]) -> str:
    """Return the XML.

    Args:
        tree: The message of the tree.
        nodes: Its nodes.
    """
    name = _text(str(tree.get("name", "tree")))
    root = ET.Element("root", {"BTCPP_format": "4", "main_tree_to_execute": name})
    top = ET.SubElement(root, "BehaviorTree", {"ID": name, "_fullpath": ""})
    kinds = {int(row["index"]): str(row.get("kind", "")) for row in tree["nodes"]}
    models: dict[str, str] = {}
    made: dict[int, ET.Element] = {-1: top}
    blocks = {-1: ""}
    for node in nodes:
        if node.type == SUBTREE and len(node.children) == 1:
            used = _text(nodes[node.children[0]].path.removeprefix(f"{node.path}/").partition("/")[0])
            path = _full_path(blocks[node.parent], node, used)
            shown = {"ID": used, "name": _text(node.name), "_fullpath": path, "_uid": str(uid(node.index))}
            ET.SubElement(made[node.parent], "SubTree", shown)
            made[node.index] = ET.SubElement(root, "BehaviorTree", {"ID": used, "_fullpath": path})
            blocks[node.index] = path
            continue
        blocks[node.index] = blocks[node.parent]
        tag, id = _element(node, kinds.get(node.index, ""), models)
        shown = {"name": _text(node.name), "_uid": str(uid(node.index))}
        made[node.index] = ET.SubElement(made[node.parent], tag, {**({"ID": id} if id else {}), **shown})
    model = ET.SubElement(root, "TreeNodesModel")
    for id, tag in sorted(models.items()):
        ET.SubElement(model, tag, {"ID": id})
    ET.indent(root, "    ")
    return ET.tostring(root, encoding="unicode") + "\n"


def _full_path(above: str, node: Node, used: str) -> str:
    """Return the names of the subtrees from the root to one, as BehaviorTree.CPP joins them."""
    name = _text(node.name) if node.name not in ("", node.type) else f"{used}::{uid(node.index)}"
    return f"{above}/{name}" if above else name


def _element(node: Node, kind: str, models: dict[str, str]) -> tuple[str, str]:
    """Return tag and ID of a node, and note the model of one that BehaviorTree.CPP does not have."""
    if node.type in _SAME:
        return _SAME[node.type], ""
    if node.type.startswith(_BUILT_IN) and node.type.count(".") == 1 and node.type != SUBTREE:
        return node.type.removeprefix(_BUILT_IN), ""
    category = _KINDS.get(kind, "action")
    if category == "action" and node.children:
        category = "control" if len(node.children) > 1 else "decorator"
    elif category == "decorator" and len(node.children) > 1:
        category = "control"
    tag, id = TAGS[category], re.sub(r"\W", "_", node.type)
    models[id] = tag
    return tag, id


def _text(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return _UNFIT.sub("\ufffd", text)
