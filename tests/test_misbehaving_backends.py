"""A backend that hangs, dies or raises, in a real process: no tick waits for it, and no process is left."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from knothole.tests.test_worker import LONG, gone

SCRIPT = textwrap.dedent(
    """
    import os, sys, threading
    import numpy as np
    from knothole.vlm.broker import Broker, open_backend
    from knothole.vlm.broking.breaker import Rest
    from knothole.vlm.contract import BackendError, backend
    from knothole.vlm.questions import Answer, Frame, Question

    class Moody:
        name, model, kinds, remote = "moody", "m", frozenset({"yes_no"}), False
        def __init__(self, well):
            self.well = well
        def ask(self, frame, questions):
            text = "fine" if self.well else questions[0].text
            if text == "hang":
                threading.Event().wait()
            if text == "die":
                os._exit(7)
            if text == "raise":
                raise RuntimeError("out of memory")
            return [Answer("yes_no", {"yes": 1.0, "no": 0.0}) for _ in questions]
        def close(self):
            pass

    @backend("moody")
    def open_moody(options):
        return Moody(options.argument == "well")

    class Watched:
        "Passes everything on to a worker, and notes how long it was allowed to wait."
        waits, pids = [], []
        def __init__(self, spec):
            self.inner = inner = open_backend(spec)
            self.spec, self.patience = spec, 1e9 if spec == "moody:well" else 2.0
            self.name, self.latency, self.concurrency = inner.name, inner.latency, 1
            self.submit, self.fileno, self.close = inner.submit, inner.fileno, inner.close
            Watched.pids.append(inner.pid)
        @property
        def ready(self):
            return self.inner.ready
        def poll(self, timeout):
            Watched.waits.append(timeout)
            return self.inner.poll(timeout)
        def reopen(self):
            return Watched(self.spec)

    def asked(broker, text, number, now):
        ticket = broker.ask(Question("yes_no", text), Frame(f"f#{number}", now, np.zeros((8, 8, 3), np.uint8)), now)
        broker.flush(now)
        return ticket

    def until_done(broker, ticket, now, step):
        "Tick on until the answer is there; only the clock that is passed in says how late it is."
        while not ticket.done:
            now += step
            broker.collect(now)
            broker.flush(now)
        return now

    def main(what, specs):
        runners = [Watched(spec) for spec in specs]
        for runner in runners:
            runner.inner.wait_ready(60)
        with Broker(runners, stepped=False, rest=Rest(2, 1.0)) as broker:
            now, step = 0.0, 0.001
            ticket = asked(broker, what, 0, now)
            now = until_done(broker, ticket, now, 0.05 if what == "hang" else step)
            print(ticket.answer.problem or "fine", "from", ticket.backend or "nobody")
            for number in range(1, 200000):  # until it is well again
                now += 0.05
                ticket = asked(broker, "fine", number, now)
                now = until_done(broker, ticket, now, step)
                if not ticket.answer.problem:
                    break
            print(ticket.answer.problem or "fine")
    if __name__ == "__main__":
        try:
            main(sys.argv[1], sys.argv[2:])
        except BackendError as error:
            print("run ends:", error)
        print("waited", max(Watched.waits))
        print("pids", *Watched.pids)
    """
)

HUNG = "moody gave no answer within 2 s"
DIED = "the worker process of backend 'moody' died (exit code 7)"
RAISED = "moody failed: RuntimeError: out of memory"


def ends(folder: Path, what: str, *specs: str) -> list[str]:
    """Return what the script says; no process that it started may be left, and no fetch may have waited."""
    script = folder / "moody.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-W", "error", str(script), what, *specs]
    out = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=True)
    assert out.stderr == ""
    *lines, waited, pids = out.stdout.splitlines()
    assert waited == "waited 0.0"
    assert all(gone(int(pid)) for pid in pids.split()[1:])
    return lines


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raise", [f"{RAISED} from moody", "fine"]),
        ("hang", [f"{HUNG} from moody", "fine"]),
        ("die", [f"run ends: {DIED}"]),
    ],
)
def test_alone_it_is_unsure_until_it_is_well_again_or_ends_the_run(tmp_path: Path, what: str, said: list[str]):
    assert ends(tmp_path, what, "moody") == said


@pytest.mark.parametrize("what", ["raise", "hang", "die"])
def test_with_a_second_backend_every_question_is_answered(tmp_path: Path, what: str):
    assert ends(tmp_path, what, "moody", "moody:well") == ["fine from moody", "fine"]
