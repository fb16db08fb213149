"""The range and the choices of a port: words for them, and getters that keep to them while a tree runs."""

from __future__ import annotations

from ..behaviors.ports import Port, element_type
from .literals import shown
from .values import Getter, WrongValueError

_UNITS = {"duration": "s", "length": "m", "angle": "rad"}


def has_range(port: Port) -> bool:
    """Tell whether a port has a smallest or a largest number."""
    return port.minimum is not None or port.maximum is not None


def in_range(value: object, port: Port) -> bool:
    """Tell whether a value is no number outside of the range of a port."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    low, high = port.minimum, port.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def range_words(port: Port) -> str:
    """Return what numbers a port takes.

    >>> range_words(Port("width", "length", "", minimum=0.0))
    'at least 0m'
    """
    low, high = port.minimum, port.maximum
    unit = _UNITS.get(element_type(port.type) or port.type, "")
    if low is None:
        return f"at most {high:g}{unit}"
    if high is None:
        return f"at least {low:g}{unit}"
    return f"{low:g}{unit} to {high:g}{unit}"


def choice_words(port: Port) -> str:
    """Return what texts a port takes.

    >>> choice_words(Port("expect", "text", "", choices=("yes", "no")))
    'yes or no'
    """
    return " or ".join(port.choices) + " or a node" * port.or_node


def limited(get: Getter, port: Port, label: str) -> Getter:
    """Return a getter that refuses what the checker refuses of constants; ``get`` itself for a port without limits.

    Args:
        get: Gives a value of the type of the port.
        port: The port.
        label: What to call it in an error.

    Raises:
        WrongValueError: When called: the value is outside of the range, or none of the choices.
    """
    if port.choices:

        def choice() -> object:
            value = get()
            if value is None or value in port.choices:
                return value
            raise WrongValueError(
                f"{label} takes {choice_words(port)}, not {shown(str(value))}\n"
                f"  fix:  give one of {', '.join(port.choices)}"
            )

        return choice
    if not has_range(port):
        return get

    def number() -> object:
        value = get()
        for each in value if isinstance(value, list | tuple) else (value,):
            if not in_range(each, port):
                raise WrongValueError(f"{label} is out of range: {each}\n  fix:  give {range_words(port)}")
        return value

    return number
