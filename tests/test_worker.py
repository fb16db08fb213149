"""Promises of the worker process: it never blocks the loop, says why it failed, and is gone when it should be."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from knothole.vlm.broker import Broker
from knothole.vlm.contract import BackendError, BackendOptions
from knothole.vlm.questions import Frame, Question
from knothole.vlm.shared_frames import FrameReader, FrameRing
from knothole.vlm.worker import Worker, WorkerTraceback

QUESTION = Question("yes_no", "Is it bright?")
LONG = 60.0


@pytest.fixture
def script(tmp_path: Path) -> BackendOptions:
    path = tmp_path / "answers.yaml"
    path.write_text('"Is it bright?": {calls: [0.9, 0.2]}\n"Is it dark?": {times: {0s: no, 1s: yes}}\n')
    return BackendOptions(str(path))


def frame(number: int, size: tuple[int, int] = (8, 8)) -> Frame:
    return Frame(f"f#{number}", number * 0.1, np.full((*size, 3), number, np.uint8))


def gone(pid: int) -> bool:
    """True when no process has the id, waiting for its end where that can be waited for."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([handle], [], [], LONG)
    os.close(handle)
    return bool(ended)


def test_answers_come_from_another_process_in_the_order_of_asking(script):
    with Broker(Worker("scripted", script), stepped=True, latency=0.1) as broker:
        tickets = []
        for number in range(20):
            tickets.append(broker.ask(Question("yes_no", "Is it dark?"), frame(number), number * 0.0))
        broker.flush(0.0)
        assert broker.collect(0.05) == []
        assert broker.collect(0.1) == tickets
        assert [round(t.answer.p("yes")) for t in tickets if t.answer] == [0] * 10 + [1] * 10
        assert broker.counters.model_calls == 20


def test_on_a_real_clock_collect_returns_before_the_model_is_loaded(script):
    worker = Worker("scripted", script)
    with Broker(worker, stepped=False) as broker:
        ticket = broker.ask(QUESTION, frame(1), 0.0)
        broker.flush(0.0)
        looks = 0
        while not ticket.done:
            broker.collect(0.0)
            looks += 1
        assert looks > 1
        assert ticket.answer is not None
        assert ticket.answer.p("yes") == 0.9


def test_frames_of_any_size_arrive_unchanged_and_slots_are_used_again():
    ring = FrameRing(slots=2)
    reader = FrameReader(ring.fd)
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 256, (5 + number * 31, 7 + number, 3), dtype=np.uint8)
        ref = ring.put(Frame("x", 1.0, pixels[:, ::-1]))
        other = ring.put(Frame("y", 1.0, pixels[:2]))
        assert ring.full
        with pytest.raises(BufferError):
            ring.put(Frame("z", 1.0, pixels))
        assert np.array_equal(reader.get(ref).rgb, pixels[:, ::-1])
        assert np.array_equal(reader.get(other).rgb, pixels[:2])
        ring.free(ref)
        ring.free(other)
    ring.close()
    ring.close()


def test_earlier_pictures_go_with_their_frame_and_take_no_slot_of_their_own():
    ring = FrameRing(slots=2)
    reader = FrameReader(ring.fd)
    for number in range(6):
        earlier = tuple(frame(k, (6 + 40 * number, 9)) for k in range(number))
        sent = Frame("last", 2.0, frame(number).rgb[:, ::-1], earlier)
        ref, other = ring.put(sent), ring.put(frame(9))
        assert ring.full
        got = reader.get(ref)
        assert (got.id, got.stamp, got.digest()) == ("last", 2.0, sent.digest())
        assert [(one.id, one.stamp) for one in got.earlier] == [(one.id, one.stamp) for one in earlier]
        assert reader.get(other).digest() == frame(9).digest()
        ring.free(ref)
        ring.free(other)
    ring.close()


def test_a_backend_that_cannot_open_says_why_at_collect(tmp_path):
    missing = tmp_path / "none.yaml"
    broker = Broker(Worker("scripted", BackendOptions(str(missing))), stepped=True)
    broker.ask(QUESTION, frame(1), 0.0)
    broker.flush(0.0)
    with pytest.raises(BackendError) as caught:
        broker.collect(1.0)
    assert str(caught.value) == (
        f"{missing}:1:1: error: the script cannot be read\n  why:  No such file or directory\n"
        "  fix:  name a YAML file: scripted:answers.yaml"
    )
    assert "Traceback" in str(caught.value.__cause__)
    broker.close()


def test_a_killed_worker_is_an_error_at_collect_with_its_exit_code(script):
    worker = Worker("scripted", script)
    worker.wait_ready(LONG)
    os.kill(worker.pid, signal.SIGKILL)
    broker = Broker(worker, stepped=True)
    broker.ask(QUESTION, frame(1), 0.0)
    broker.flush(0.0)
    with pytest.raises(BackendError, match="the worker process of backend 'scripted' died") as caught:
        broker.collect(1.0)
    assert isinstance(caught.value.__cause__, WorkerTraceback)
    broker.close()
    assert gone(worker.pid)


def test_close_ends_the_process_at_any_time(script):
    for ready in (False, True):
        worker = Worker("scripted", script)
        if ready:
            worker.wait_ready(LONG)
        worker.close()
        worker.close()
        assert gone(worker.pid)
        with pytest.raises(BackendError, match="is closed"):
            worker.poll(0.0)


def test_the_worker_has_fewer_threads_than_there_are_cores(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    out = subprocess.run([sys.executable, str(plugin)], capture_output=True, text=True, timeout=LONG, check=True)
    cores = len(os.sched_getaffinity(0))
    assert out.stdout.split() == [str(max(1, cores - 1)), "refused"]
    assert out.stderr == ""


PLUGIN = textwrap.dedent(
    """
    import os, sys
    from knothole.vlm.broker import Broker, open_backend
    from knothole.vlm.contract import backend
    from knothole.vlm.questions import Answer, Question

    class Mine:
        name, model, kinds, remote = "mine", "m", frozenset({"chat"}), False
        def ask(self, frame, questions):
            return [Answer("chat", text=os.environ["OMP_NUM_THREADS"]) for _ in questions]
        def close(self):
            pass

    @backend("mine")
    def open_mine(options):
        return Mine()

    def ask():
        with Broker(open_backend("mine"), stepped=True) as broker:
            ticket = broker.ask(Question("chat", "x"), None, 0.0)
            broker.flush(0.0)
            broker.collect(1.0)
            print(ticket.answer.text)

    if __name__ == "__main__":
        ask()
        os.environ["KNOTHOLE_WORKER"] = "1"
        try:
            ask()
        except Exception as error:
            print("refused" if "__main__" in str(error) else error)
    """
)

PARENT = textwrap.dedent(
    """
    import sys, signal
    from knothole.vlm.contract import BackendOptions
    from knothole.vlm.worker import Worker
    worker = Worker("scripted", BackendOptions(sys.argv[1]))
    worker.wait_ready(60)
    print(worker.pid, flush=True)
    if sys.argv[2] == "forget":
        sys.exit(0)
    signal.pause()
    """
)


STUCK = textwrap.dedent(
    """
    import signal, threading
    from knothole.vlm.broker import Broker, open_backend
    from knothole.vlm.contract import backend
    from knothole.vlm.questions import Question

    class Stuck:
        name, model, kinds, remote = "stuck", "m", frozenset({"chat"}), False
        def ask(self, frame, questions):
            open(questions[0].text, "w").close()
            threading.Event().wait()
        def close(self):
            pass

    @backend("stuck")
    def open_stuck(options):
        return Stuck()

    if __name__ == "__main__":
        import os, sys
        os.mkfifo(sys.argv[1])
        broker = Broker(open_backend("stuck"), stepped=True)
        broker.ask(Question("chat", sys.argv[1]), None, 0.0)
        broker.flush(0.0)
        open(sys.argv[1]).close()
        print(broker.runner.pid, flush=True)
        if sys.argv[2] == "close":
            broker.close()
        signal.pause()
    """
)


@pytest.mark.parametrize("end", ["kill", "close"])
def test_a_worker_in_the_middle_of_an_answer_ends_as_well(tmp_path, end):
    script = tmp_path / "stuck.py"
    script.write_text(STUCK)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "fifo"), end], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if end == "kill":
            parent.kill()
        assert gone(pid)
        parent.kill()


@pytest.mark.parametrize("end", ["SIGKILL", "SIGINT", "SIGTERM", "forget"])
def test_no_worker_outlives_its_parent(script, end):
    parent = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PARENT, script.argument, end],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    if end != "forget":
        os.killpg(parent.pid, getattr(signal, end))
    _, errors = parent.communicate(timeout=LONG)
    assert gone(pid)
    assert "KeyboardInterrupt" in errors if end == "SIGINT" else errors == ""


def test_the_worker_ignores_ctrl_c(script):
    worker = Worker("scripted", script)
    worker.wait_ready(LONG)
    os.kill(worker.pid, signal.SIGINT)
    broker = Broker(worker, stepped=True)
    ticket = broker.ask(QUESTION, frame(1), 0.0)
    broker.flush(0.0)
    broker.collect(1.0)
    assert ticket.done
    broker.close()


def test_waiting_ends_when_the_run_is_interrupted(script):
    worker = Worker("scripted", script)
    worker.wait_ready(LONG)
    os.kill(worker.pid, signal.SIGSTOP)
    looked: list[bool] = []

    def pressed() -> bool:
        looked.append(True)
        return len(looked) > 1

    broker = Broker(worker, stepped=True, interrupted=pressed)
    broker.ask(QUESTION, frame(1), 0.0)
    broker.flush(0.0)
    assert broker.collect(1.0) == []
    broker.close()
    assert gone(worker.pid)


def test_patience_has_an_end(script):
    worker = Worker("scripted", script)
    worker.wait_ready(LONG)
    os.kill(worker.pid, signal.SIGSTOP)
    broker = Broker(worker, stepped=True, patience=0.0)
    broker.ask(QUESTION, frame(1), 0.0)
    broker.flush(0.0)
    with pytest.raises(BackendError, match=r"backend 'scripted' gave no answer within 0 s"):
        broker.collect(1.0)
    broker.close()
    assert gone(worker.pid)
