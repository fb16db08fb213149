"""What came of the instructions of the suite in physics."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from .acting import Acted
from .options import SuiteOptions
from .tally import Rate, by, rate, table


@dataclass(frozen=True)
class ActReport:
    """Runs over many seeds."""

    options: SuiteOptions
    acted: tuple[Acted, ...]

    @property
    def success(self) -> Rate:
        """Instructions whose goal was reached, judged on truth."""
        return rate(self.acted, lambda one: one.success)

    def to_json(self) -> dict[str, object]:
        """Return plain data, one entry per run in ``runs``."""
        return {
            "suite": "instructions",
            "options": self.options.to_json(),
            "success": self.success.to_json(),
            "words": {name: one.to_json() for name, one in self._by_words().items()},
            "runs": [one.to_json() for one in self.acted],
        }

    def _by_words(self) -> dict[str, Rate]:
        return by(
            self.acted, lambda one: "held apart words" if one.apart else "training words", lambda one: one.success
        )

    def __str__(self) -> str:
        options = self.options
        see = f", seen by the {options.see}" if options.see else ""
        disturbed = f", {options.disturb} disturbances in each run" if options.disturb else ""
        given = "".join(f" {key}={value}" for key, value in options.inputs.items())
        lines = [
            f"instructions carried out by {options.tree}{given}: plans of {options.vlm or 'the configured backend'}"
            f"{see}{disturbed}",
            f"  success         {self.success}",
            *table(self._by_words()),
            *table(by(self.acted, lambda one: one.act, lambda one: one.success)),
            f"  simulated time  {statistics.median(one.sim_time_s for one in self.acted):.1f} s (median)",
            f"  wall time       {statistics.median(one.wall_s for one in self.acted):.1f} s (median)",
        ]
        if failed := [one for one in self.acted if not one.success]:
            lines += ["  failed:", *(f"    {str(one)[7:]}" for one in failed)]
        if options.see:
            lines.append("  the oracle answered from simulator truth what was to be seen: this measures plans and acts")
        return "\n".join(lines)
