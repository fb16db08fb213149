"""The open files of an editor: their unsaved texts, and what the checker made of them last."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..._base import KnotholeError, Place
from ...trees.language.tree_header import is_headed
from ...trees.loader import Loader
from ...trees.problems import Problem, TreeError
from ...trees.reading.document import Documents
from ...trees.reading.reader import read_text
from ...trees.spec import TreeSpec
from ..settings.config import Config, find_config, load_behaviors, read_config
from .text import Text

_LOOKS_LIKE_A_TREE = re.compile(r"^(?:knothole|tree|root)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True)
class Analysis:
    """What the checker made of one text.

    Attributes:
        text: The text.
        documents: What the reader made of it; None where it is no YAML.
        loader: What read it and all that it uses.
        trees: The trees, None for those that cannot be used.
        problems: Everything that is wrong, in this file and in others.
    """

    text: Text
    documents: Documents | None
    loader: Loader
    trees: tuple[TreeSpec | None, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass
class Open:
    """One open file.

    Attributes:
        path: Where it is, or what it is called when it is nowhere.
        text: What stands in the editor.
        version: Counted up by the editor with each change.
        good: What the checker made of the last text that was YAML.
    """

    path: str
    text: str
    version: int
    good: Analysis | None = None


@dataclass
class Workspace:
    """All that is open.

    Attributes:
        config: The project.
        encoding: What the editor counts in a line.
        opened: URI → open file.
    """

    config: Config = field(default_factory=Config)
    encoding: str = "utf-16"
    opened: dict[str, Open] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def configure(self, folder: Path | None) -> str:
        """Read ``knothole.toml`` of a folder and import the leaves it names; return what is wrong with it."""
        try:
            self.config = read_config(find_config(folder))
            load_behaviors(self.config)
        except KnotholeError as error:
            return str(error)
        return ""

    def buffers(self) -> Mapping[str, str]:
        """Return the texts of all open files by their resolved path."""
        return {_resolved(each.path): each.text for each in list(self.opened.values())}

    def analyse(self, uri: str) -> Analysis | None:
        """Check an open file as it stands in the editor; None for what is no tree file."""
        with self.lock:
            file = self.opened.get(uri)
            if file is None or not _LOOKS_LIKE_A_TREE.search(file.text):
                return None
            loader = Loader(self.config.trees, self.buffers())
            text = Text(file.text, self.encoding)
            try:
                documents = read_text(file.text, file.path)
                if not any(is_headed(root) for root in documents.roots):
                    return None
                trees = tuple(loader.documents(documents))
            except TreeError as error:
                return Analysis(text, None, loader, (), error.problems)
            except KnotholeError as error:
                problem = Problem(_start_of(file.path), "K000", str(error))
                return Analysis(text, None, loader, (), (problem,))
            file.good = Analysis(text, documents, loader, trees, tuple(loader.sorted_problems()))
            return file.good

    def current(self, uri: str) -> Analysis | None:
        """Return what the checker makes of an open file as it stands; None while it is no YAML, or no tree."""
        file = self.opened.get(uri)
        if file is not None and file.good is not None and file.good.text.text == file.text:
            return file.good
        made = self.analyse(uri)
        return made if made is not None and made.documents is not None else None

    def last(self, uri: str) -> Analysis | None:
        """Return what the checker made of an open file last; it is not asked anew while one types in a long file."""
        file = self.opened.get(uri)
        return file.good if file is not None and file.good is not None else self.analyse(uri)

    def touching(self, path: str) -> list[str]:
        """Return the other open files that use a file."""
        wanted = _resolved(path)
        return [
            uri
            for uri, each in self.opened.items()
            if each.path != path and each.good is not None and wanted in each.good.loader.files()
        ]

    def text_of(self, path: str) -> Text:
        """Return the text of any file: as it stands in an editor, else on the disk; empty when it cannot be read."""
        text = self.buffers().get(_resolved(path))
        if text is None:
            try:
                text = Path(path).read_bytes().decode("utf-8", "replace")
            except (OSError, ValueError):
                text = ""
        return Text(text, self.encoding)


def _resolved(path: str) -> str:
    try:
        return str(Path(path).resolve())
    except (OSError, ValueError):
        return path


def _start_of(path: str) -> Place:
    return Place(path, 1, 1)
