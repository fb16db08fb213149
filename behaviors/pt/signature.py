"""From the signature of a constructor, and from ports declared with ``py_trees.ports``, to ports of the language."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import py_trees
from py_trees.common import ComparisonExpression
from py_trees.ports import PortInformation, PortsMixin

from ..._base import KnotholeError
from ..ports import COMMON_KEYS, REQUIRED, VALUE_TYPES, Port
from .arguments import Argument, Convert, given
from .comparison import comparison, comparisons

STRUCTURE: Final = ("name", "child", "children")
"""Parameters that the tree gives, not the author."""
_PLAIN: Final[Mapping[object, str]] = {
    int: "int",
    float: "number",
    bool: "bool",
    str: "text",
    list: "list",
    tuple: "list",
    set: "list",
    frozenset: "list",
    dict: "mapping",
}
_ABSENT: Final = inspect.Parameter.empty


class SignatureError(KnotholeError):
    """A class cannot be a node: a file cannot say what its constructor needs."""


@dataclass(frozen=True)
class DeclaredPort:
    """A port that a class declares with ``py_trees.ports``: its name there, its port here, and the conversion."""

    name: str
    port: Port
    convert: Convert = field(compare=False)


def parameters_of(cls: Callable[..., object]) -> dict[str, tuple[inspect.Parameter, Any]]:
    """Return what a constructor takes: name → parameter and its type hint, through ``**kwargs`` into base classes."""
    found: dict[str, tuple[inspect.Parameter, Any]] = {}
    makers = (
        [base.__dict__["__init__"] for base in inspect.getmro(cls) if "__init__" in base.__dict__]
        if isinstance(cls, type)
        else [cls]
    )
    for maker in makers:
        if maker is object.__init__ or maker is PortsMixin.__init__:
            continue
        try:
            parameters = list(inspect.signature(maker).parameters.values())
        except (TypeError, ValueError):
            continue
        hints = _hints(maker)
        for parameter in parameters[1:] if isinstance(cls, type) else parameters:
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                found.setdefault(parameter.name, (parameter, hints.get(parameter.name, parameter.annotation)))
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


@lru_cache(maxsize=1024)
def taken_by(origin: Callable[..., object]) -> frozenset[str]:
    """Return the names of what a constructor takes."""
    return frozenset(parameters_of(origin))


def _hints(maker: Callable[..., object]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(maker)
    except Exception:  # a name that exists for type checkers only
        return {}


def arguments_of(cls: type) -> tuple[Argument, ...]:
    """Return the arguments that an author gives to a class.

    Raises:
        SignatureError: It needs a function.
    """
    arguments = []
    for name, (parameter, hint) in parameters_of(cls).items():
        if name in STRUCTURE:
            continue
        inner, optional = _without_none(hint)
        if inner is ComparisonExpression:
            arguments.append(comparison(name))
        elif _element(inner) is ComparisonExpression:
            arguments.append(comparisons(name))
        elif _is_function(inner):
            if parameter.default is _ABSENT and not optional:
                raise SignatureError(
                    f"{cls.__module__}.{cls.__qualname__} needs the function {name!r}, which no file can give\n"
                    f"  fix:  derive a class from it that passes the function, and name that class"
                )
        else:
            arguments.append(_argument(name, parameter, inner, optional))
    return tuple(arguments)


def _argument(name: str, parameter: inspect.Parameter, hint: Any, optional: bool) -> Argument:
    default = parameter.default
    if hint in (_ABSENT, Any) and default not in (_ABSENT, None):
        hint = type(default)
    type_, convert, choices = port_type(hint)
    if default is _ABSENT:
        default = None if optional else REQUIRED
    elif isinstance(default, enum.Enum) and choices:
        default = default.name
    about = f"the parameter {name} of the constructor"
    port = Port(port_name(name), type_, about, default=default, choices=choices)
    return given(port, lambda value: None if value is None else convert(value), name)


def port_name(name: str) -> str:
    """Return what a parameter is called as a port: its name, with ``_`` after that of a common key."""
    return f"{name}_" if name in COMMON_KEYS else name


def port_type(hint: Any) -> tuple[str, Convert, tuple[str, ...]]:
    """Return the port type of a Python type, how its values are converted to it, and its choices."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "text", lambda value: value if isinstance(value, hint) else hint[str(value)], tuple(hint.__members__)
    base = typing.get_origin(hint) or hint
    plain = _PLAIN.get(base) if isinstance(base, type) else None
    if plain is None:
        return "any", lambda value: value, ()
    if plain in ("list", "mapping"):
        return _container(base, typing.get_args(hint), plain)
    return plain, base, ()


def _container(base: Any, args: tuple[Any, ...], plain: str) -> tuple[str, Convert, tuple[str, ...]]:
    if plain == "mapping" or not args or (base is tuple and args[-1] is not Ellipsis):
        return plain, base, ()
    element, convert, _ = port_type(args[0])
    if element == "any":
        return "list", base, ()
    type_ = f"list[{element}]" if element in VALUE_TYPES else "list"
    return type_, lambda values: base(convert(value) for value in values), ()


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    rest = [each for each in typing.get_args(hint) if each is not type(None)]
    optional = len(rest) < len(typing.get_args(hint))
    return (rest[0] if len(rest) == 1 else Any), optional


def _element(hint: Any) -> Any:
    args = typing.get_args(hint)
    return args[0] if typing.get_origin(hint) in (list, tuple) and args else None


def _is_function(hint: Any) -> bool:
    return (typing.get_origin(hint) or hint) in (typing.Callable, Callable, types.FunctionType)


def declared_ports(cls: Any) -> tuple[tuple[DeclaredPort, ...], tuple[DeclaredPort, ...]]:
    """Return the inputs and the outputs that a class declares with ``py_trees.ports``."""
    if not issubclass(cls, PortsMixin):
        return (), ()
    inputs = tuple(_declared(name, info, "in") for name, info in cls.input_ports().items())
    outputs = tuple(_declared(name, info, "out") for name, info in cls.output_ports().items())
    return inputs, outputs


def _declared(name: str, info: PortInformation, direction: typing.Literal["in", "out"]) -> DeclaredPort:
    hint, _ = _without_none(info.data_type)
    type_, convert, choices = port_type(hint)
    default: object = None
    if direction == "in":
        default = info.default_value if info.has_default else REQUIRED if info.required else None
        if isinstance(default, enum.Enum) and choices:
            default = default.name
    about = info.description or f"the port {name} of {py_trees.__name__}"
    port = Port(port_name(name), type_, about, direction=direction, default=default, choices=choices)
    return DeclaredPort(name, port, convert)
