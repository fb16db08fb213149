"""What a monitor of the Groot2 protocol costs a run: time for a tick without it, with nobody asking, and hammered."""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from contextlib import nullcontext
from typing import Any

from knothole.behaviors.context import Context
from knothole.tests.groot import Client, bound
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.viewer.groot.ports import Ports
from knothole.viewer.groot.server import GrootServer
from knothole.viewer.groot.shown import GrootError


def tree_text(groups: int) -> str:
    """Return a tree of 4 nodes a group, all of which change in each tick."""
    group = '        - bt.Sequence: [{bt.Script: {code: "n := 1"}}, bt.AlwaysSuccess, bt.AlwaysSuccess]\n'
    return (
        "knothole: 1\ntree: t\ndialect: bt\nroot:\n  bt.Repeat:\n    num_cycles: -1\n    child:\n      bt.Sequence:\n"
        + group * groups
    )


def measure(text: str, ticks: int, how: str) -> tuple[float, int]:
    """Return the median time of a tick, [µs], and how many requests were answered meanwhile."""
    loop = Loop(build(load_text(text), Context()), watchdog=0)
    server: Any = nullcontext() if how == "alone" else bound(lambda port: GrootServer(loop, Ports(port)), GrootError)
    stop, asked = threading.Event(), [0]

    def hammer(port: int) -> None:
        with Client(port) as client:
            while not stop.is_set():
                client.ask("S")
                client.ask("B", b"t")
                asked[0] += 2

    with loop, server as there:
        thread = threading.Thread(target=hammer, args=(there.port,)) if how == "hammered" else None
        if thread is not None:
            thread.start()
        times = []
        for _ in range(ticks):
            begin = time.perf_counter()
            loop.tick()
            times.append(time.perf_counter() - begin)
        stop.set()
        if thread is not None:
            thread.join()
    return statistics.median(times) * 1e6, asked[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=25, help="groups of 4 nodes")
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    text = tree_text(args.groups)
    rounds = [
        {how: measure(text, args.ticks, how) for how in ("alone", "watched", "hammered")} for _ in range(args.rounds)
    ]
    for how in rounds[0]:
        best, asked = min(each[how] for each in rounds)
        print(
            f"{how:10} {best:8.1f} us a tick (median of {args.ticks}, best of {args.rounds}), {asked} requests answered"
        )


if __name__ == "__main__":
    main()
