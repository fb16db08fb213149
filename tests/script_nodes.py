"""Hand-made nodes for tests of the engine: leaves with a script, and wiring without a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from knothole.behaviors.blackboard import Cell
from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, Wiring
from knothole.behaviors.step import INVALID, Status

LETTERS = {"S": Status.SUCCESS, "F": Status.FAILURE, "R": Status.RUNNING, "K": INVALID}
"""K is SKIPPED."""


class Script(Leaf):
    """Returns the letters of a script, one a tick, the last one for ever; writes down what it is told."""

    def __init__(self, letters: str, name: str = "leaf", context: Context | None = None) -> None:
        super().__init__(Wiring(name, path=name, context=context or Context()))
        self.letters = letters
        self.calls: list[str] = []
        self.at = 0

    def start(self) -> None:
        self.calls.append("start")

    def step(self) -> Status:
        letter = self.letters[min(self.at, len(self.letters) - 1)]
        self.at += 1
        self.calls.append(letter)
        if letter == "!":
            raise OSError("the gripper is gone")
        if letter == "K":
            return self.skip()
        return {"S": self.succeed, "F": self.fail, "R": self.running}[letter](f"{self.name} said {letter}")

    def halt(self) -> None:
        self.calls.append("halt")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


def wiring(
    children: Sequence[Any] = (),
    context: Context | None = None,
    parts: dict[str, Any] | None = None,
    outputs: dict[str, Cell] | None = None,
    name: str = "node",
    **inputs: object,
) -> Wiring:
    """Return wiring with constant inputs."""
    getters: dict[str, Callable[[], object]] = {k.rstrip("_"): (lambda v=v: v) for k, v in inputs.items()}  # type: ignore[misc]
    return Wiring(
        name,
        path=name,
        inputs=getters,
        outputs=outputs or {},
        children=children,
        parts=parts or {},
        context=context or Context(),
    )


def letter(node: Any) -> str:
    """Return the letter of a node's status; ``-`` for halted or never ticked."""
    if node.status is INVALID:
        return "K" if node.skipped else "-"
    return str(node.status.value)[0]


def play(root: Any, ticks: int, context: Context | None = None, period: float = 1.0, generator: bool = False) -> str:
    """Tick a root and return its statuses as letters."""
    said = ""
    for _ in range(ticks):
        if context is not None:
            context.tick += 1
        if generator:
            root.tick_once()
        else:
            root._t()
        said += letter(root)
        if context is not None:
            context.now += period
    return said
