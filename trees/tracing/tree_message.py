"""The tree of a run as its trace tells it: texts, nodes, and what the author gave them."""

from __future__ import annotations

from collections.abc import Mapping

from ..builder import BuiltNode, BuiltTree
from ..changing.comparing import fingerprint
from ..spec import Literal
from .given import entries_read, ports_given


def _mock_of(built: BuiltNode) -> str:
    """Say what a mocked node does; empty for any other."""
    does = built.spec.values.get("mock.does") if "#" not in built.path.rpartition("/")[2] else None
    return str(does.value) if isinstance(does, Literal) else ""


def tree_message(tree: BuiltTree) -> Mapping[str, object]:
    """Return the message of ``/tree``: the texts of a tree and its nodes."""
    nodes = [
        {
            "index": built.index,
            "path": built.path,
            "type": built.type,
            "name": built.name,
            "kind": built.kind,
            "flow": str(getattr(built.node, "flow", "")),
            "parent": built.parent,
            "own": fingerprint(built.spec),
            "file": built.place.file,
            "line": built.place.line,
            "column": built.place.column,
            "mocked": _mock_of(built),
            "ports": ports_given(built),
            "reads": entries_read(built),
        }
        for built in tree.nodes
    ]
    files = {**tree.spec.texts, tree.spec.file: tree.spec.text}
    for built in tree.nodes:
        if built.spec.uses is not None:
            files.setdefault(built.spec.uses.file, built.spec.uses.text)
    return {"name": tree.spec.name, "file": tree.spec.file, "text": tree.spec.text, "files": files, "nodes": nodes}
