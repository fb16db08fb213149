"""What a monitor reads of a node: ports and conditions as attributes, in the form of BehaviorTree.CPP."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from ...trees.builder import BuiltNode
from ...trees.node_types import COMMON_PORTS
from ...trees.spec import Computed, Literal, Program, Reference, Template
from ...trees.tracing.summary import summary
from ...trees.xml.names import CONDITIONS, HOOKS

Attributes = tuple[tuple[str, str], ...]
RESERVED: Final = ("name", "ID")
"""Attributes that are no ports."""
_UNFIT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_LETTER: Final = re.compile(r"[^A-Za-z0-9_]")
_TREES: Final = ("use", "bt.SubTree")
_ATTRIBUTES: Final = {ours: theirs for theirs, ours in (*CONDITIONS.items(), *HOOKS.items())}


def clean(text: str) -> str:
    """Return a text without the characters that XML has no form for.

    >>> clean("a\\x00b")
    'a?b'
    """
    return _UNFIT.sub("?", text)


def port_attribute(name: str) -> str:
    """Return the attribute of a port: no ``.`` in it, and none of the names that mean something else.

    >>> port_attribute("mock.does"), port_attribute("name")
    ('mock_does', 'port_name')
    """
    plain = _NO_LETTER.sub("_", name)
    return f"port_{plain}" if plain in RESERVED or not plain[:1].isalpha() else plain


def attributes_of(built: BuiltNode) -> Attributes:
    """Return the ports that the author gave to a node, or the common keys that a wrapper stands for."""
    spec = built.spec
    if "#" in built.path.rpartition("/")[2]:
        if built.type == "hooks":
            return ()
        if built.type in ("repeat", "timeout", "retry"):
            return ((COMMON_PORTS[built.type].name, text_of(spec.common[built.type])),)
        return tuple((key, text_of(value)) for key, value in spec.common.items() if key not in COMMON_PORTS_OF_OTHERS)
    if spec.type in _TREES:
        given = ((key.partition("."), value) for key, value in spec.values.items())
        inner = {name: text_of(value) for (_, dot, name), value in given if dot}
        return tuple((port_attribute(name), text) for name, text in inner.items())
    return tuple((port_attribute(key), text_of(value)) for key, value in spec.values.items())


COMMON_PORTS_OF_OTHERS: Final = ("repeat", "timeout", "retry")
"""Common keys that have wrappers of their own; the conditions share one."""


def conditions_of(built: BuiltNode) -> Attributes:
    """Return the pre- and post-conditions of a node as BehaviorTree.CPP writes them."""
    spec = built.spec
    before = [(_ATTRIBUTES[key], text_of(value)) for key, value in spec.common.items()]
    after = [(_ATTRIBUTES[key], text_of(hook.values["code"])) for key, hook in spec.hooks.items()]
    return (*before, *after)


def text_of(value: object) -> str:
    """Return the text of a value of a port: entries as ``{name}``, numbers plain, anything else as the author had it.

    >>> text_of(20.0), text_of(True), text_of(None), text_of([1, "a"])
    ('20', 'true', '', '[1, "a"]')
    """
    if isinstance(value, Literal):
        return text_of(value.value)
    if isinstance(value, Reference):
        plain = "{" + ("@" if value.root else "") + value.name + "}"
        return plain if not value.accessors else clean(str(value))
    if isinstance(value, Template):
        return clean("".join(part if isinstance(part, str) else "${" + str(part)[1:] + "}" for part in value.parts))
    if isinstance(value, Program):
        return clean(value.script.source)
    if isinstance(value, Computed):
        return clean(value.expression.source)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    if value is None:
        return ""
    if isinstance(value, str | int):
        return clean(str(value))
    return clean(json.dumps(_plain(value), ensure_ascii=False))


def _plain(value: object) -> object:
    """Return a list or mapping with the texts of what it holds."""
    if isinstance(value, Literal | Reference | Template | Program | Computed):
        return _plain(value.value) if isinstance(value, Literal) else text_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return summary(value)
