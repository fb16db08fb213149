"""The grammar of ``bt.SubTree``: which tree, and which of its names are other names of entries here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ...behaviors.ports import Port
from ..problems import Problem
from ..reading.document import Item, Pairs, Scalar, Source
from ..spec import Literal, Reference
from .draft import Draft, missing_inputs
from .node_names import NodeNames
from .port_values import ValueReader

if TYPE_CHECKING:
    from .grammar import Resolver

AUTOREMAP: Final = "_autoremap"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BOOL: Final = Port(AUTOREMAP, "bool", "")


class SubtreeReader:
    """Reads ``bt.SubTree`` nodes of one file; see ``PortReader``.

    Its values are ``ID``, ``_autoremap``, and ``remap.NAME`` for each name of the subtree that is given something.
    """

    def __init__(
        self, source: Source, problems: list[Problem], values: ValueReader, resolve: Resolver, names: NodeNames
    ) -> None:
        self.source, self.problems, self.values, self.names = source, problems, values, names
        self.resolve = resolve

    def bare(self, draft: Draft, name: Scalar) -> None:
        """Read ``bt.SubTree: ID``."""
        self._find(draft, name)
        self._complete(draft)

    def read(self, draft: Draft, value: Pairs) -> None:
        """Read the mapping below ``bt.SubTree``."""
        id = value.get("ID")
        if id is not None:
            draft.given.add("ID")
            text = self.values.text(id, "port 'ID' of 'bt.SubTree'")
            if text is not None and isinstance(id, Scalar):
                draft.values["ID"] = Literal(text, self.source.place(id))
                self._find(draft, id)
        for key, item in value:
            if key.text == AUTOREMAP:
                self._autoremap(draft, item)
            elif key.text != "ID":
                self._remap(draft, key, item)
        self._complete(draft)

    def _find(self, draft: Draft, name: Scalar) -> None:
        draft.uses = self.resolve(self.source, name, self.names.subtree(name.text) is not None)

    def _autoremap(self, draft: Draft, item: Item) -> None:
        label = f"{AUTOREMAP!r} of 'bt.SubTree'"
        read = self.values.bt_text(item, _BOOL, label)
        if isinstance(read, Literal):
            draft.values[AUTOREMAP] = read
        elif read is not None:
            self._report(item, "K105", f"{label} takes true or false, not an entry", "write true or false")

    def _remap(self, draft: Draft, key: Scalar, item: Item) -> None:
        name = key.text
        label = f"{name!r} of 'bt.SubTree'"
        if not _NAME.match(name):
            self._report(key, "K137", f"{name!r} is no name of an entry", "use letters, digits and _")
            return
        read = self.values.bt_text(item, Port(name, "text", ""), label)
        if isinstance(read, Reference) and read.accessors:
            fix = f"give the whole entry, ${read.name}, or set an entry to the part before"
            self._report(item, "K137", f"{label} is another name of an entry, so it takes a whole one", fix)
            return
        declared = next((each for each in draft.uses.inputs if each.name == name), None) if draft.uses else None
        if (
            isinstance(read, Literal)
            and declared is not None
            and self.values.bt_text(item, declared.port, label) is None
        ):
            draft.given.add(name)
            return
        if read is not None:
            draft.values[f"remap.{name}"] = read

    def _complete(self, draft: Draft) -> None:
        """Add the defaults of a declaration and report inputs that nothing gives; neither where all are remapped."""
        auto = draft.values.get(AUTOREMAP)
        if isinstance(auto, Literal) and auto.value is True:
            return
        self._defaults(draft)
        given = {key.removeprefix("remap.") for key in draft.values} | draft.given
        self.problems.extend(missing_inputs(self.source, draft, given, "{}: …"))

    def _defaults(self, draft: Draft) -> None:
        """Give what the declaration of the subtree says of names that are not given."""
        tree = draft.values.get("ID")
        model = self.names.subtree(str(tree.value)) if isinstance(tree, Literal) else None
        for port in model.ports.values() if model is not None else ():
            if f"remap.{port.name}" in draft.values or port.default is None:
                continue
            if isinstance(port.default, Reference):
                draft.values[f"remap.{port.name}"] = port.default
            else:
                draft.values[f"remap.{port.name}"] = Literal(port.default, self.source.place(draft.key))

    def _report(self, item: Item, code: str, message: str, fix: str) -> None:
        self.problems.append(self.source.problem(item, code, message, fix=fix))
