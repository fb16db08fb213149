"""What a model of a tree decides by itself: a sequence of choices that can be played again, and enumerated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One thing that could have gone another way.

    Attributes:
        path: Node that it is about.
        what: What was chosen, in words, such as ``gives FAILURE`` or ``$hand_near = true``.
        number: Which of the options it is.
        options: How many there are.
    """

    path: str
    what: str
    number: int
    options: int


class Undecidable(BaseException):
    """The model cannot say what the tree would do; no ``except Exception`` of a node swallows it."""


class Chooser:
    """Takes choices from a script as far as it goes, and the first option afterwards.

    Attributes:
        taken: The choices of this tick, in order.
    """

    def __init__(self) -> None:
        self._script: Sequence[int] = ()
        self.taken: list[Choice] = []

    def begin(self, script: Sequence[int] = ()) -> None:
        """Begin a tick with choices that are given."""
        self._script, self.taken = script, []

    def choose(self, path: str, options: Sequence[str]) -> int:
        """Return the number of one of some options; each says what it means, in words."""
        if len(options) == 1:
            return 0
        at = len(self.taken)
        number = self._script[at] if at < len(self._script) else 0
        self.taken.append(Choice(path, options[number], number, len(options)))
        return number

    def following(self) -> tuple[int, ...] | None:
        """Return the script after that of the choices taken, as one counts; None after the last one."""
        numbers = [choice.number for choice in self.taken]
        while numbers and numbers[-1] + 1 == self.taken[len(numbers) - 1].options:
            numbers.pop()
        return (*numbers[:-1], numbers[-1] + 1) if numbers else None

    def scripts(self) -> Iterator[tuple[int, ...]]:
        """Yield every script once; after each, play the tick with it before the next is asked for."""
        script: tuple[int, ...] | None = ()
        while script is not None:
            yield script
            script = self.following()
