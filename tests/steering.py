"""A run on a thread of its own, steered by commands from the test's thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knothole.behaviors.context import Context
from knothole.trees.builder import BuiltTree, Factory, build
from knothole.trees.debugging.control import Control
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.trace import TraceWriter, read_trace

PATIENCE = 300.0


class Steered:
    """Run a tree on a thread, paused before its first tick.

    Args:
        text: The tree.
        folder: Where its trace goes; None for no trace.
        context: Services of the run.
        overrides: As for ``build``.
        options: Further options of the loop.
    """

    def __init__(
        self,
        text: str,
        folder: Path | None = None,
        context: Context | None = None,
        overrides: Mapping[str, Factory] | None = None,
        **options: Any,
    ) -> None:
        self.tree: BuiltTree = build(load_text(text), context or Context(), overrides=overrides)
        self.control = Control(paused=True)
        self.path = folder / "run.mcap" if folder is not None else None
        trace = TraceWriter(self.path) if self.path is not None else None
        self.loop = Loop(self.tree, trace=trace, control=self.control, **options)
        self._results: list[LoopResult] = []
        self._thread = threading.Thread(target=lambda: self._results.append(self.loop.run()))

    def __enter__(self) -> Steered:
        self._thread.start()
        self.stand()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.request_stop()
        self.join()

    def send(self, do: str, **fields: object) -> dict[str, Any]:
        """Send a command that is obeyed; return the state."""
        reply = self.control.command({"do": do, **fields})
        assert reply["ok"], reply["error"]
        state: dict[str, Any] = reply["state"]
        return state

    def refused(self, data: object) -> str:
        """Send a command that is not obeyed; return why."""
        reply = self.control.command(data)  # type: ignore[arg-type]
        assert not reply["ok"], reply
        assert set(reply) == {"ok", "error"}
        return str(reply["error"])

    def stand(self) -> dict[str, Any]:
        """Wait until the run stands, or has ended; return the state."""
        assert self.control.wait(PATIENCE)
        return self.control.state()

    def go(self, do: str = "resume", **fields: object) -> dict[str, Any]:
        """Send a command that lets the run go on, and wait until it stands again or has ended; return the state."""
        self.send(do, **fields)
        return self.stand()

    def join(self) -> LoopResult:
        """Wait until the run has ended; return how."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the run hangs"
        (result,) = self._results
        return result

    def interventions(self) -> list[dict[str, Any]]:
        """Return what the trace says of interventions, after the run."""
        assert self.path is not None
        return [dict(message.data) for message in read_trace(self.path).topic("/interventions")]
