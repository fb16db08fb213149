"""What holding plans to their schema costs and changes: the embedded model on new pictures, with and without.

``python benchmarks/constrained_plans.py --pictures 60``
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from knothole.app.models.measuring import pictures
from knothole.app.settings.names import register_all
from knothole.behaviors.means.skills import DEFAULT_SKILLS, plan_schema, skills
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.facts import FrameFacts
from knothole.vlm.language.same_plan import equivalent
from knothole.vlm.questions import Frame, Question
from knothole.vlm.qwen import instruction_of
from knothole.vlm.training.asked import Asked
from knothole.vlm.training.questions import questions

SEED = 2_300_000
LONGEST = 30
MANY = 60
"""Questions drawn for a picture, to find the instructions among them."""


@dataclass
class Row:
    """Plans of one way to ask: how many are JSON, are usable, are right; CPU time, [s]."""

    json: int = 0
    usable: int = 0
    right: int = 0
    seconds: float = 0.0


def instructions(count: int) -> Iterator[tuple[Frame, FrameFacts, Asked]]:
    """Yield instructions about pictures that no training has seen."""
    for frame, facts in pictures(SEED, count):
        for one in questions(facts, random.Random(frame.id), MANY, measuring=True):
            if one.verdict.kind == "plan":
                yield frame, facts, one


def measure(count: int) -> tuple[int, dict[str, Row]]:
    """Return the number of instructions, and a row for each way to ask."""
    register_all()
    schema = plan_schema(skills(DEFAULT_SKILLS), LONGEST)
    free, held = (BACKENDS.get("embedded").open(BackendOptions("", {"constrained": on})) for on in (False, True))
    ways = {"free": (free, ""), "any JSON": (held, ""), "by the schema": (held, schema)}
    rows = {name: Row() for name in ways}
    asked = 0
    for frame, facts, one in instructions(count):
        asked += 1
        for name, (backend, wanted) in ways.items():
            backend.ask(frame, [Question("yes_no", "Is there a red cube?")])  # the picture is read now
            question = Question("plan", instruction_of(one.question), schema=wanted)
            began = time.process_time()
            (answer,) = backend.ask(frame, [question])
            rows[name].seconds += time.process_time() - began
            rows[name].json += not answer.problem.startswith("the plan is no JSON")
            rows[name].usable += not answer.problem
            rows[name].right += not answer.problem and equivalent(answer.data, json.loads(one.answer), facts)
    free.close()
    held.close()
    return asked, rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=60)
    asked, rows = measure(parser.parse_args().pictures)
    for name, row in rows.items():
        shares = f"JSON {row.json}, usable {row.usable}, right {row.right} of {asked}"
        print(f"{name:>14}: {shares}; {1000 * row.seconds / max(asked, 1):.1f} ms of CPU time a plan")
