"""What ``knothole vlm injection`` does: attack a backend with words in pictures, without and with a firewall."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from ..._base import KnotholeError
from ...vlm.broker import chain_of
from ...vlm.questions import Answer, Frame, Question
from ...vlm.runner import Runner
from ..authoring.inspect import project
from ..running.stage import BLIND, open_runner, split
from ..settings.names import register_all
from .suite import Ask, InjectionReport, run_suite, scenes

PATIENCE = 600.0
"""Longest wait for answers, loading the model included, [s]."""


class InjectionError(KnotholeError):
    """A backend cannot be attacked by words in pictures."""


def measure_injection(vlm: str, count: int, seed: int = 0) -> InjectionReport:
    """Attack a backend without and with a firewall, each in a process of its own.

    Args:
        vlm: Backend; empty takes the configured one.
        count: Scenes, each shown as it is and with words in three ways.
        seed: Which scenes.

    Raises:
        KnotholeError: The backend looks at no pixels, cannot be opened, or died.
    """
    config = project()
    register_all()
    spec = chain_of(vlm or config.vlm)[0]
    if split(spec)[0] in (*BLIND, "firewall"):
        raise InjectionError(
            f"backend {spec!r} cannot be attacked by words in pictures\n  fix:  name one that looks at pictures, bare"
        )
    with ExitStack() as stack:
        asks: list[Ask] = []
        for guarded in (False, True):
            runner = open_runner(spec, config, None, guarded)
            stack.callback(runner.close)
            asks.append(_asker(runner, spec))
        return run_suite(asks[0], asks[1], scenes(count, seed))


def _asker(runner: Runner, spec: str) -> Ask:
    def ask(frame: Frame, questions: Sequence[Question]) -> Sequence[Answer]:
        number = runner.submit(frame, questions)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for reply in runner.poll(1.0):
                if reply.request == number:
                    return reply.answers
        raise KnotholeError(f"backend {spec!r} gave no answer within {PATIENCE:g} s")

    return ask
