"""How quickly the page of the viewer answers, and how smoothly it moves, with a tree of 5,000 nodes.

    python benchmarks/viewer.py [--rounds N] [--json] [--cores N]

A trace of 5,001 nodes and 2,000 ticks is served and opened in Chromium, which draws in software. Then keys are
pressed: next tick, next change, next node, end and begin of the tree, collapse and expand, next running leaf, first
and last tick; and words are searched. ``answer`` is the time from the key to the end of the frame that shows what it
did, median and 95th percentile. ``frame`` is the time between two frames while the tree is scrolled from end to end and
while the timeline is scrubbed. ``cpu`` is how long the page's main thread worked for an answer, mean, which does not
depend on what else the machine does. The exit code is 1 when the median of all answers is above 100 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, sync_playwright

from knothole.tests.browsing import CHROMIUM, launch
from knothole.tests.viewing import wide_run
from knothole.viewer.serving import ViewerServer

MOST: Final = 100.0
"""Largest median answer, [ms]."""
TICKS: Final = 2000
KEYS: Final = {
    "next tick": ".",
    "next change of the node": "]",
    "next node": "ArrowDown",
    "last node": "End",
    "first node": "Home",
    "collapse": "c",
    "expand": "e",
    "next running leaf": "r",
    "last tick": "$",
    "first tick": "0",
    "only active": "a",
}
_PRESS: Final = """(key) => new Promise((done) => {
    const began = performance.now();
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - began);
        channel.port2.postMessage(0);
    });
})"""
_SEARCH: Final = """(words) => new Promise((done) => {
    const box = document.getElementById('search');
    const began = performance.now();
    box.value = words;
    box.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - began);
        channel.port2.postMessage(0);
    });
})"""
_FRAMES: Final = """([count, act]) => new Promise((done) => {
    const step = { scroll: (share) => {
        const tree = document.getElementById('tree');
        tree.scrollTop = share * tree.scrollHeight;
    }, scrub: (share) => {
        const lanes = document.getElementById('lanes');
        const box = lanes.getBoundingClientRect();
        const at = { clientX: box.left + 92 + share * (box.width - 104), clientY: box.top + 40, buttons: 1 };
        lanes.dispatchEvent(new PointerEvent('pointermove', { ...at, bubbles: true }));
    } }[act];
    const times = [];
    let last = performance.now();
    const next = (now) => {
        times.push(now - last);
        last = now;
        if (times.length > count) done(times.slice(1));
        else { step(times.length / count); requestAnimationFrame(next); }
    };
    requestAnimationFrame(next);
})"""


def summary(times: list[float]) -> dict[str, float]:
    """Return median and 95th percentile, [ms]."""
    ordered = sorted(times)
    return {"median": round(statistics.median(ordered), 1), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1)}


def _worked(probe: CDPSession) -> float:
    """Return how long the main thread of the page has worked, [s]."""
    rows = probe.send("Performance.getMetrics")["metrics"]
    return float(next(row["value"] for row in rows if row["name"] == "TaskDuration"))


def measure(page: Page, rounds: int) -> dict[str, Any]:
    """Press keys, search, scroll and scrub."""
    page.locator("#tree").focus()
    probe = page.context.new_cdp_session(page)
    probe.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _worked(probe)
    answers: dict[str, list[float]] = {}
    for at in range(rounds):
        for name, key in KEYS.items():
            answers.setdefault(name, []).append(page.evaluate(_PRESS, key))
        page.evaluate("knothole.view.onlyActive && document.getElementById('only-active').click()")
        answers.setdefault("search", []).append(page.evaluate(_SEARCH, f"step {at}."))
        page.evaluate(_SEARCH, "")
    every = [each for times in answers.values() for each in times]
    cpu = round((_worked(probe) - before) / (len(every) + 2 * rounds) * 1000, 1)
    frames = {act: summary(page.evaluate(_FRAMES, [120, act])) for act in ("scroll", "scrub")}
    return {
        "answer": summary(every),
        "cpu": cpu,
        "answers": {k: summary(v) for k, v in answers.items()},
        "frame": frames,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often each key is pressed (default 20)")
    parser.add_argument("--cores", type=int, default=2, help="cores that all of it may use (default 2)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if CHROMIUM is None:
        print("no Chromium is installed", file=sys.stderr)
        return 2
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    with tempfile.TemporaryDirectory() as folder:
        trace = wide_run(Path(folder) / "wide.mcap", ticks=TICKS)
        with ViewerServer([trace]) as server, sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            began = time.perf_counter()
            page.goto(server.url)
            page.wait_for_selector("body[data-ready=true]")
            loaded = time.perf_counter() - began
            found = {"nodes": page.evaluate("knothole.view.run.tree.nodes.length"), "load_s": round(loaded, 2)}
            found |= measure(page, args.rounds)
            browser.close()
    print(json.dumps(found) if args.json else _table(found))
    return 1 if found["answer"]["median"] > MOST else 0


def _table(found: dict[str, Any]) -> str:
    lines = [f"{found['nodes']} nodes, shown after {found['load_s']} s", f"{'[ms]':<26} {'median':>8} {'p95':>8}"]
    rows = {**found["answers"], "all answers": found["answer"]}
    rows |= {f"frame while {act}": times for act, times in found["frame"].items()}
    lines += [f"{'cpu of an answer, mean':<26} {found['cpu']:>8}"]
    lines += [f"{name:<26} {times['median']:>8} {times['p95']:>8}" for name, times in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
