"""A large objective of MoveIt Pro, put together from the real ones where they are at hand."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus" / "moveit_pro"
PARTS: Final = (
    "Move Flasks to Burners",
    "Compliant Grasp RAFTI VFC",
    "Move Boxes to Loading Zone Start from Waypoint",
)
"""Objectives that are run one after the other."""


def write_objective(folder: Path) -> Path:
    """Write one objective of some 300 nodes, its subtrees counted as often as they are used."""
    known: dict[str, ET.Element] = {}
    for path in sorted(CORPUS.glob("*.xml")):
        for tree in ET.parse(path).getroot().iter("BehaviorTree"):
            known.setdefault(str(tree.get("ID")), tree)
    root = ET.Element("root", BTCPP_format="4", main_tree_to_execute="Everything")
    sequence = ET.SubElement(ET.SubElement(root, "BehaviorTree", ID="Everything"), "Sequence")
    for part in PARTS:
        ET.SubElement(sequence, "SubTree", ID=part)
    waiting, written = list(PARTS), set()
    while waiting:
        name = waiting.pop(0)
        if name in known and name not in written:
            written.add(name)
            root.append(copy.deepcopy(known[name]))
            waiting += [str(used.get("ID")) for used in known[name].iter("SubTree")]
    path = folder / "everything.xml"
    ET.ElementTree(root).write(path)
    return path
