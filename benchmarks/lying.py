"""How often a picture tells rightly whether something lies on a thing, by where things are.

    python benchmarks/lying.py --seeds 0-259 [--over]

Tables of the scenes of the library, on half of them with one thing put on top of another, looked at by the camera of
the kinematic robot; boxes are those of things in space, which are larger than what is seen of them. With ``--over`` the
arm is above one of the things. Each mistake is printed; the exit code is 1 when on more than 1 % of the things that
something lies on it is not seen.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator

from knothole.app.running.evaluate import parse_seeds
from knothole.behaviors.means.effects import Fact, named
from knothole.behaviors.planning.finding import ALL, Finding, Found, lying
from knothole.tests.hostile.runs import SCENES
from knothole.tests.hostile.table import Planted, Table
from knothole.tests.rig import Bench
from knothole.vlm.broker import Broker

MOST = 0.01


def looked(seed: int, over: bool) -> Iterator[tuple[str, bool, bool]]:
    """Yield for each thing its name, whether something lies on it, and whether that is told from the picture."""
    rng = random.Random(f"eval/{seed}")
    table = Table(rng.choice(SCENES), seed % 1000, cover=rng.random() < 0.5)
    bench = Bench({}, table.robot)
    bench.broker = bench.context.broker = Broker(Planted(table, []), stepped=True, latency=0.0)
    names = [one.name for one in table.facts.objects]
    if over:
        bench.run(bench.leaf("move_to", above=f"the {rng.choice(names)}"))
    leaf = bench.leaf("needs", facts=[])
    bench.tick(leaf)
    finding = Finding(leaf, [*names, ALL])
    bench.broker.flush(bench.context.now)
    bench.broker.collect(bench.context.now + 1.0)
    found = finding.found
    assert found is not None
    for name in names:
        if len(found.things.get(named(name), ())) == 1:
            alone = Found(
                {key: found.things[key] for key in (named(name), ALL) if key in found.things},
                above=found.above,
                held=found.held,
            )
            told = any(not fact.positive or fact.name == "on" for fact in lying(alone))
            yield name, not table.holds(Fact("clear", (name,))), told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=parse_seeds, default=parse_seeds("0-259"), metavar="A-B")
    parser.add_argument("--over", action="store_true", help="the arm is above one of the things")
    args = parser.parse_args()
    counts: Counter[tuple[bool, bool]] = Counter()
    for seed in args.seeds:
        for name, true, told in looked(seed, args.over):
            counts[true, told] += 1
            if true is not told:
                print(f"  seed {seed}: the {name}: something lies on it: {true}, told: {told}")
    print(f"{len(args.seeds)} tables")
    print(f"  something lies on it: {counts[True, True]} told, {counts[True, False]} missed")
    print(f"  nothing lies on it: {counts[False, False]} told, {counts[False, True]} taken to be covered")
    raise SystemExit(1 if counts[True, False] > MOST * (counts[True, True] + counts[True, False]) else 0)
