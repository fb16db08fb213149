"""From a probability to a verdict: thresholds with hysteresis."""

from __future__ import annotations

from typing import Literal

from ...vlm.questions import Answer

Verdict = Literal["yes", "no", "unsure"]
"""Whether the expected answer holds: ``yes`` it does, ``no`` it does not, or ``unsure``."""

MARGIN = 0.1
"""How far a probability must fall back behind its threshold before a standing verdict becomes unsure."""


def judge(p: float, accept: float, reject: float, last: Verdict = "unsure", margin: float = MARGIN) -> Verdict:
    """Turn the probability of the expected answer into a verdict.

    ``yes`` at ``accept`` or more, ``no`` at ``reject`` or less, else ``unsure``. A verdict that stands is sticky:
    ``yes`` stays while p is above ``accept - margin``, ``no`` while p is below ``reject + margin``, so that an answer
    which trembles about a threshold does not make a tree flicker. With a margin of 1 a verdict stands until p reaches
    the other threshold.

    Args:
        p: Probability of the expected answer, in [0, 1]; mass on neither answer counts against it.
        accept: Threshold for ``yes``, in [0, 1].
        reject: Threshold for ``no``, below ``accept``.
        last: The verdict that stood before.
        margin: Width of the sticky band.

    >>> judge(0.75, 0.8, 0.2), judge(0.75, 0.8, 0.2, last="yes")
    ('unsure', 'yes')
    """
    if p >= accept:
        return "yes"
    if p <= reject:
        return "no"
    sticky = min(margin, accept - reject)
    if last == "yes" and p > accept - sticky:
        return "yes"
    if last == "no" and p < reject + sticky:
        return "no"
    return "unsure"


def read(
    answer: Answer, expect: str, accept: float, reject: float, last: Verdict = "unsure", margin: float = MARGIN
) -> tuple[Verdict, str]:
    """Judge an answer and say it in words. A problem of the backend is ``unsure``, with its text."""
    if answer.problem:
        return "unsure", answer.problem
    p = answer.p(expect)
    return judge(p, accept, reject, last, margin), f"p({expect}) = {p:.2f}"
