"""What XML cannot say, collected with its places in the YAML."""

from __future__ import annotations

import re

from ..language.constants import kind_of, text_of
from ..problems import Problem, TreeError
from ..reading.document import Item, Scalar, Source
from .layout import Tag
from .names import is_xml_name

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Refusals:
    """Collects what cannot be written.

    Args:
        source: The file that the documents come from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def __call__(self, at: Item, code: str, message: str, fix: str, why: str = "") -> None:
        """Refuse what stands at an item."""
        self.problems.append(self.source.problem(at, code, message, why=why, fix=fix))

    def stop(self) -> None:
        """Raise all refusals.

        Raises:
            TreeError: There are some.
        """
        if self.problems:
            raise TreeError(self.problems)

    def text(self, item: Item) -> str:
        """Return the text of a scalar; anything else cannot be the value of an attribute."""
        if not isinstance(item, Scalar):
            self(item, "K062", f"text is needed here, this is {kind_of(item)}", "write it as text, such as 1;2;3")
            return ""
        text = text_of(item)
        bad = _NOT_XML.search(text)
        if bad is not None:
            self(item, "K061", f"the character U+{ord(bad[0]):04X} cannot stand in XML", "take it out")
        return text

    def attribute(self, tag: Tag, at: Item, name: str, value: str) -> None:
        """Give an element an attribute, if it can have one of that name."""
        if not is_xml_name(name):
            fix = "use letters, digits, '_', '-', '.' and ':', with a letter or '_' first"
            self(at, "K061", f"{name!r} cannot name an attribute of XML", fix)
        elif any(name == given for given, _ in tag.attributes):
            self(at, "K061", f"the attribute {name!r} would stand twice in <{tag.name}>", "give it once")
        else:
            tag.attributes.append((name, value))
