"""The grammar of what a tree declares to the outside: its inputs and outputs, with their types and ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..._base import near_misses, slips
from ...behaviors.ports import VALUE_TYPES, Port, PortType, element_type, is_port_type
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from ..spec import InputSpec, Literal, OutputSpec
from .port_values import ValueReader

NUMERIC: Final = ("number", "int", "duration", "length", "angle")
"""Types that ``min`` and ``max`` can be given for, alone and as elements of a list."""
_INPUT_KEYS: Final = ("type", "default", "choices", "min", "max", "about")
_OUTPUT_KEYS: Final = ("type", "about")
_ENTRY_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class InterfaceReader:
    """Reads the inputs and outputs of one tree; see ``TreeReader``.

    Args:
        source: The file.
        problems: Collects mistakes.
        values: Reads single values.
        doubtful: Collects the names of entries that could not be read.
    """

    def __init__(self, source: Source, problems: list[Problem], values: ValueReader, doubtful: set[str]) -> None:
        self.source, self.problems, self.values, self.doubtful = source, problems, values, doubtful

    def inputs(self, item: Item) -> tuple[InputSpec, ...]:
        """Read the header key ``inputs``."""
        found: list[InputSpec] = []
        for key, fields, kind in self._entries(item, "input", _INPUT_KEYS):
            port = self._limits(key, fields, kind)
            default: Literal | None = None
            if "default" in fields:
                default = self.values.constant(fields["default"], port, f"the default of input {key.text!r}")
            about = self.values.text(fields["about"], "key 'about'") if "about" in fields else None
            found.append(
                InputSpec(
                    key.text,
                    kind,
                    self.source.place(key),
                    about or "",
                    default,
                    port.choices,
                    port.minimum,
                    port.maximum,
                )
            )
        return tuple(found)

    def outputs(self, item: Item, inputs: tuple[InputSpec, ...]) -> tuple[OutputSpec, ...]:
        """Read the header key ``outputs``."""
        taken = {each.name: each.type for each in inputs}
        found: list[OutputSpec] = []
        for key, fields, kind in self._entries(item, "output", _OUTPUT_KEYS):
            if taken.get(key.text, kind) != kind:
                self._report(
                    key,
                    "K122",
                    f"{key.text!r} is an input of type {taken[key.text]} and an output of type {kind}",
                    fix="give both the same type, or one of them another name",
                )
                continue
            about = self.values.text(fields["about"], "key 'about'") if "about" in fields else None
            found.append(OutputSpec(key.text, kind, self.source.place(key), about or ""))
        return tuple(found)

    def _limits(self, key: Scalar, fields: Mapping[str, Item], kind: PortType) -> Port:
        """Return the port that stands for an input: its type with its choices and range."""
        element = element_type(kind) or kind
        choices = self._choices(key, fields["choices"], element) if "choices" in fields else ()
        bounds: dict[str, float | None] = {"min": None, "max": None}
        for name in bounds:
            if name not in fields:
                continue
            if element not in NUMERIC:
                self._report(
                    fields[name],
                    "K122",
                    f"{name!r} is for numbers, input {key.text!r} takes {kind}",
                    fix=f"delete it; {name} goes with {', '.join(NUMERIC)}",
                )
                continue
            label = f"{name!r} of input {key.text!r}"
            bound = self.values.constant(fields[name], Port(name, element, ""), label)
            if bound is not None and isinstance(bound.value, int | float):
                bounds[name] = bound.value
        low, high = bounds["min"], bounds["max"]
        if low is not None and high is not None and low > high:
            self._report(
                fields["min"], "K122", f"'min' of input {key.text!r} is above its 'max'", fix="let them change places"
            )
            low = high = None
        return Port("input", kind, "", choices=choices, minimum=low, maximum=high)

    def _choices(self, key: Scalar, item: Item, kind: PortType) -> tuple[str, ...]:
        if kind != "text":
            self._report(
                item, "K122", f"'choices' are for text, input {key.text!r} takes {kind}", fix="write `type: text`"
            )
            return ()
        if not isinstance(item, Items) or not item.items:
            self._report(
                item, "K122", f"'choices' of input {key.text!r} takes a list of texts", fix="write [one, other]"
            )
            return ()
        texts = (self.values.text(each, f"a choice of input {key.text!r}") for each in item.items)
        return tuple(text for text in texts if text is not None)

    def _entries(
        self, item: Item, noun: str, allowed: tuple[str, ...]
    ) -> list[tuple[Scalar, Mapping[str, Item], PortType]]:
        if isinstance(item, Scalar) and item.is_null:
            return []
        if not isinstance(item, Pairs):
            self._report(
                item, "K122", f"'{noun}s' takes a mapping", fix=f"write `NAME: {{type: text}}` for each {noun}"
            )
            return []
        found: list[tuple[Scalar, Mapping[str, Item], PortType]] = []
        for key, value in item:
            self.doubtful.add(key.text)
            if not _ENTRY_NAME.match(key.text):
                self._report(key, "K122", f"{key.text!r} is no name for an {noun}", fix="use letters, digits and _")
                continue
            if not isinstance(value, Pairs):
                self._report(value, "K122", f"{noun} {key.text!r} takes a mapping", fix="write {type: text, …}")
                continue
            fields = {name.text: each for name, each in value}
            for name, each in value:
                if name.text not in allowed:
                    near = near_misses(name.text, allowed)
                    self._report(
                        name,
                        "K103",
                        f"unknown key {name.text!r} of an {noun}",
                        guess=near,
                        fix=f"an {noun} has the keys {', '.join(allowed)}",
                    )
                    if near and slips(name.text, near[0]) <= 2:  # read as what was meant
                        fields.setdefault(near[0], each)
            kind = self._type(key, fields.get("type"), noun)
            if kind is not None:
                self.doubtful.discard(key.text)
                found.append((key, fields, kind))
        return found

    def _type(self, key: Scalar, item: Item | None, noun: str) -> PortType | None:
        if item is None:
            self._report(key, "K122", f"{noun} {key.text!r} has no type", fix="write `type: text`, or another type")
            return None
        kind = value_type(item)
        if not kind:
            text = item.text if isinstance(item, Scalar) else ""
            self._report(
                item,
                "K122",
                f"{text!r} is no type" if text else f"the type of {noun} {key.text!r} is a word",
                guess=near_types(text),
                fix=f"use one of {', '.join(VALUE_TYPES)}, list[TYPE]",
            )
            return None
        return kind

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


def value_type(item: Item) -> PortType:
    """Return the type that an item names, empty when it names none that an entry can have."""
    text = item.text if isinstance(item, Scalar) else ""
    return text if text in VALUE_TYPES or (text.startswith("list[") and is_port_type(text)) else ""


def near_types(text: str) -> tuple[str, ...]:
    """Return the types that a wrong word may mean; the element of a list is corrected inside its brackets."""
    inner = text.removeprefix("list[").removesuffix("]")
    if inner != text and inner:
        return tuple(f"list[{each}]" for each in near_misses(inner, VALUE_TYPES))
    foreign = {"string": "text", "str": "text", "std::string": "text", "float": "number", "double": "number"}
    foreign |= {"boolean": "bool", "integer": "int", "dict": "mapping", "array": "list", "enum": "text"}
    return (foreign[text],) if text in foreign else near_misses(text, VALUE_TYPES)
