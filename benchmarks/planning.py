"""How many plans are accepted, on which attempt, and how many of them are right, over seeds of the shipped scenes.

    python -m knothole.benchmarks.planning --seeds 0-39 [--vlm embedded] [--repeat]

Each scene is planned once, nothing moves. A plan is right when the oracle's plan for the same picture does the same.
``--repeat`` takes the texts of refused plans out of the questions, so that a deterministic backend repeats itself.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from knothole.app.models.oracle import Oracle
from knothole.app.running.stage import open_stage
from knothole.app.settings.config import Config
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Wiring
from knothole.behaviors.step import RUNNING
from knothole.robots.contract import CameraFrame
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.language.same_plan import equivalent
from knothole.vlm.questions import Answer, Frame, Question

TASKS = {
    "tidy_table": "Tidy the table.",
    "sort_by_color": "Sort the objects by color.",
    "clear_plate": "Empty the plate.",
    "stack_two": "Put the red cube on the blue cube.",
}
PERIOD = 0.05


class Forgetful:
    """Pass questions on without what was refused before."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.name, self.model = inner, inner.name, inner.model
        self.kinds, self.remote = inner.kinds, inner.remote

    def ask(self, frame: Frame | None, questions: list[Question]) -> list[Answer]:
        return list(self.inner.ask(frame, [replace(one, refused=()) for one in questions]))

    def close(self) -> None:
        self.inner.close()


def plan(scene: str, seed: int, backend: Any) -> dict[str, object]:
    """Plan the task of a scene and say what came."""
    with ExitStack() as stack:
        stage = open_stage(stack, "panda", scene, seed, Config())
        assert stage.robot is not None
        assert stage.truth is not None
        words = TASKS[scene]
        robot: Any = stage.robot
        broker = Broker(Oracle(stage.truth) if backend is None else backend, stepped=True, latency=0.1)
        told: list[dict[str, Any]] = []
        pictures: list[tuple[Frame, Any]] = []
        truth = stage.truth

        def saw(frame: CameraFrame) -> None:
            truth.saw(frame)
            picture = Frame(frame.id, frame.stamp, frame.rgb)
            pictures.append((picture, truth(picture)))

        context = Context(robot, broker, now=robot.now(), rng=np.random.default_rng(seed))
        context.emit = lambda channel, data: told.append(dict(data)) if channel == "plans" else None
        context.frames = saw
        cls: Any = NODES.get("plan")
        values = {port.name: port.default for port in cls.ports if port.direction == "in"} | {"instruction": words}
        inputs = {name: (lambda value=value: value) for name, value in values.items()}
        leaf = cls(Wiring("plan", "plan", None, inputs, {}, context=context))
        while True:
            if context.tick:
                robot.advance(context.now + PERIOD)
            context.tick += 1
            context.now = robot.now()
            broker.collect(context.now)
            status = leaf._t()
            broker.flush(context.now)
            if status is not RUNNING:
                break
        last = told[-1] if told else {}
        picture, facts = pictures[0]
        wanted = Oracle(lambda frame: facts).ask(picture, [Question("plan", words)])[0].data
        given = last.get("steps") if last.get("accepted") else None
        right = given is not None and isinstance(wanted, list) and equivalent(given, wanted, facts)
        return {
            "scene": scene,
            "seed": seed,
            "accepted": bool(last.get("accepted")),
            "attempt": int(last.get("attempt", 0)),
            "right": right,
            "reason": leaf.feedback_message,
            "refused": [one["refused"] for one in told if one["refused"]],
        }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-39")
    parser.add_argument("--scenes", default=",".join(TASKS))
    parser.add_argument("--vlm", default="embedded")
    parser.add_argument("--repeat", action="store_true", help="let a backend repeat what was refused")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    first, _, last = args.seeds.partition("-")
    name, _, argument = args.vlm.partition(":")
    backend = None if name == "oracle" else BACKENDS.get(name).open(BackendOptions(argument))
    if args.repeat and backend is not None:
        backend = Forgetful(backend)
    rows = []
    for scene in args.scenes.split(","):
        began = time.perf_counter()
        mine = [plan(scene, seed, backend) for seed in range(int(first), int(last or first) + 1)]
        rows += mine
        took = time.perf_counter() - began
        counts = Counter((row["accepted"] and row["attempt"]) or 0 for row in mine)
        right = sum(bool(row["right"]) for row in mine)
        later = sum(counts.values()) - counts[0] - counts[1]
        print(
            f"{scene:14} {len(mine)} seeds: accepted at once {counts[1]}, later {later}, "
            f"refused {counts[0]}; right {right}; {took:.0f} s",
            flush=True,
        )
    if args.json is not None:
        args.json.write_text(json.dumps(rows, indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
