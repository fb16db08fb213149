"""Commands to a run that is debugged: JSON objects, checked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..._base import KnotholeError, UnknownNameError
from .breakpoints import STATUSES

FORCED: Final = ("SUCCESS", "FAILURE", "RUNNING")
"""What the result of a node can be forced to."""
MOST_TICKS: Final = 1_000_000
_REQUIRED: Final = object()


class CommandError(KnotholeError):
    """A command is none, or cannot be obeyed."""


@dataclass(frozen=True)
class _Field:
    """One entry of a command: what type it has, in words and in Python, and what it is when left out."""

    words: str
    type: type | tuple[type, ...]
    default: Any = _REQUIRED
    choices: tuple[str, ...] = ()


_PATH: Final = _Field("the path of a node", str)
_ONCE: Final = (_Field("true or false", bool, False), _Field("true or false", bool, True))

COMMANDS: Final[Mapping[str, Mapping[str, _Field]]] = {
    "state": {},
    "pause": {},
    "resume": {},
    "step": {"ticks": _Field("a whole number above 0", int, 1)},
    "run_to": {"node": _PATH},
    "break": {
        "node": _Field("the path of a node", str, None),
        "status": _Field("a status", str, None, STATUSES),
        "when": _Field("an expression", str, None),
        "answer": _Field("a text", str, None),
        "once": _ONCE[0],
    },
    "unbreak": {"id": _Field("the number of a breakpoint", int)},
    "set": {"name": _Field("the name of an entry", str), "value": _Field("a value", object)},
    "force": {"node": _PATH, "status": _Field("a status", str, _REQUIRED, FORCED), "once": _ONCE[1]},
    "release": {"node": _PATH},
    "answer": {"question": _Field("the number of a question", int), "text": _Field("a text", str)},
    "stop": {},
}
"""Command → its entries."""


def read_command(data: object) -> dict[str, Any]:
    """Return a command with all its entries; those that were left out have their default.

    Raises:
        CommandError: It is none; the message says what is wrong.
        UnknownNameError: There is no such command, or it has no such entry.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("do"), str):
        raise CommandError('a command is an object with "do"\n  fix:  write {"do": "pause"}')
    do = data["do"]
    if do not in COMMANDS:
        raise UnknownNameError("command", do, COMMANDS, f"give one of {', '.join(COMMANDS)}")
    fields = COMMANDS[do]
    for name in data:
        if name != "do" and name not in fields:
            known = ", ".join(fields) or "nothing"
            raise UnknownNameError(f"entry of the command {do!r}:", str(name), fields, f"it takes {known}")
    command: dict[str, Any] = {"do": do}
    for name, field in fields.items():
        command[name] = _read(do, name, field, data)
    if do == "step" and not 1 <= command["ticks"] <= MOST_TICKS:
        raise CommandError(f"step takes 1 to {MOST_TICKS} ticks, not {command['ticks']}\n  fix:  give such a number")
    if do == "break" and all(command[name] is None for name in ("node", "status", "when", "answer")):
        raise CommandError("a breakpoint needs a condition\n  fix:  give node, status, when or answer")
    return command


def _read(do: str, name: str, field: _Field, data: Mapping[str, Any]) -> object:
    value = data.get(name, _REQUIRED)
    if value is _REQUIRED or (value is None and field.default is None):
        if field.default is _REQUIRED:
            raise CommandError(f"the command {do!r} needs {name!r}\n  fix:  give {field.words}")
        return field.default
    if not isinstance(value, field.type) or (isinstance(value, bool) and field.type is int):
        raise CommandError(f"{name!r} of the command {do!r} is {value!r}\n  fix:  give {field.words}")
    if field.choices and value not in field.choices:
        raise CommandError(
            f"{name!r} of the command {do!r} is {value!r}\n  fix:  give one of {', '.join(field.choices)}"
        )
    return value
