"""Write the first version of a tree or a leaf, ready to run and to change."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from ..._base import KnotholeError
from ...behaviors.node import NODES
from ..settings.names import tree_names


class ScaffoldError(KnotholeError):
    """The name cannot be used or is taken, or the file is there already."""


TREE = """\
knothole: 1
tree: {name}
about: Look for a loose object and put it into the tray.

inputs:
  container: {{type: text, default: "tray"}}

root:
  sequence:
    - home
    - see: {{question: "Is there a loose object left on the table?"}}
    - ground: {{query: "the loose object nearest to the camera", object: $thing}}
    - pick: $thing
    - place: {{object: $thing, into: "${{container}}"}}
"""

LEAF = '''\
"""{title}: say what it does in one sentence."""

from __future__ import annotations

from py_trees.common import Status

from knothole import Leaf, Port, behavior


@behavior("{name}")
class {cls}(Leaf):
    """Count ticks up to a number.

    Ports:
        ticks: in, int, default 3: how many ticks it takes.

    Status:
        RUNNING until the ticks have passed, then SUCCESS.

    Halt:
        Forgets the count; the robot was never moved.
    """

    ports = (Port("ticks", "int", "How many ticks it takes.", default=3, main=True, minimum=1),)

    def start(self) -> None:
        """Begin at zero."""
        self.count = 0

    def step(self) -> Status:
        """Count one tick."""
        self.count += 1
        if self.count < int(str(self.get("ticks"))):
            return self.running(f"tick {{self.count}}")
        return self.succeed(f"{{self.count}} ticks")
'''


def check_name(name: str) -> str:
    """Return ``name`` if a tree or a leaf can be called so.

    Raises:
        ScaffoldError: It is not lower-case words joined by underscores, or a Python keyword.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        lower = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        guess = f"\n  did you mean:  {lower}" if re.match(r"[a-z]", lower) and not keyword.iskeyword(lower) else ""
        raise ScaffoldError(f"{name!r} is not a name{guess}\n  fix:  use lower-case words joined by underscores")
    return name


def _write(path: Path, text: str) -> Path:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ScaffoldError(f"{path} is there already\n  fix:  choose another name, or remove the file") from None
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be written: {error.strerror}") from error
    return path


def new_tree(name: str, folder: Path) -> Path:
    """Write ``folder/NAME.yaml`` and return its path.

    Raises:
        ScaffoldError: The name cannot be used or is taken, or the file is there already.
    """
    if check_name(name) in tree_names():
        raise ScaffoldError(f"knothole has a tree {name!r} already\n  fix:  choose another name")
    return _write(folder / f"{name}.yaml", TREE.format(name=name))


def new_leaf(name: str, folder: Path) -> Path:
    """Write ``folder/NAME.py`` with one leaf and return its path.

    Raises:
        ScaffoldError: The name cannot be used or is taken, or the file is there already.
    """
    words = check_name(name).split("_")
    if name in NODES:
        raise ScaffoldError(f"there is a node {name!r} already\n  fix:  choose another name, see `knothole nodes`")
    text = LEAF.format(name=name, cls="".join(word.capitalize() for word in words), title=" ".join(words).capitalize())
    return _write(folder / f"{name}.py", text)
