"""Which answer a leaf that asks would have needed, against the thresholds it had."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .evidence import Evidence

_P: Final = re.compile(r"p\((.+?)\) = (\d\.\d+)")
_UNSURE: Final = {
    "hold": "RUNNING",
    "look_again": "RUNNING, with a new look",
    "ask_human": "RUNNING, and a question to the human",
    "failure": "FAILURE as well",
}


def answer_needed(
    type: str, status: str, reason: str, ports: Mapping[str, Any], evidence: Evidence | None, stood: str
) -> tuple[str, ...]:
    """Say which answer would have given a leaf another status.

    Args:
        type: Its type key.
        status: Its status.
        reason: The reason that it gave.
        ports: Port → value, None where unknown.
        evidence: What it asked and was answered.
        stood: Its status before.
    """
    if "the human says" in reason and status in ("SUCCESS", "FAILURE"):
        return ("the human would have had to say the opposite",)
    if type == "ask_human" and ports.get("expect") and status == "FAILURE":
        return (f"the human would have had to answer {_choice(ports['expect'])}",)
    if evidence is None:
        return ()
    if evidence.problem and status != "SUCCESS":
        return (f"there would have had to be an answer; the backend said: {evidence.problem}",)
    if not evidence.answered or reason.startswith("waiting for the first answer"):
        return ("it waits for an answer",) if status == "RUNNING" else ()
    if "the picture is older than" in reason:
        return (f"it needs an answer about a picture that is not older than {ports.get('max_age')} s",)
    if type == "ground" and status == "FAILURE":
        return _found(ports, evidence)
    if type == "which":
        return _chosen(status, ports)
    if type == "read_text" and "is not written there" in reason:
        return (f"{reason.partition(' is not written')[0]} would have had to be written there",)
    return _probability(status, reason, ports, evidence, stood)


def _probability(status: str, reason: str, ports: Mapping[str, Any], evidence: Evidence, stood: str) -> tuple[str, ...]:
    accept, reject = ports.get("accept"), ports.get("reject")
    found = _P.findall(reason)
    if not found or not isinstance(accept, int | float) or not isinstance(reject, int | float):
        return ()
    what, said = found[-1]
    p = (evidence.probabilities or {}).get(what)
    was = f"it was {p:.2f}" if p is not None and f"{p:.2f}" == said else f"it was {said}"
    yes, no = f"p({what}) of at least {accept:.2f}", f"p({what}) of at most {reject:.2f}"
    confirm, debounce = int(ports.get("confirm") or 1), int(ports.get("debounce") or 1)
    in_a_row = f" (confirm: {confirm}, debounce: {debounce})" if max(confirm, debounce) > 1 else ""
    if status == "SUCCESS":
        return (f"it would have failed with {no}{in_a_row}; {was}",)
    if status == "RUNNING":
        return (f"it succeeds with {yes}{in_a_row}, and fails with {no}{in_a_row}; {was}",)
    lines = [f"it would have succeeded with {yes}{in_a_row}; {was}"]
    unsure = _UNSURE.get(str(ports.get("on_unsure")), "")
    if "unsure" not in reason and stood != "FAILURE" and unsure and accept > reject:
        lines.append(f"above {reject:.2f} it would have been unsure: {unsure}")
    return tuple(lines)


def _found(ports: Mapping[str, Any], evidence: Evidence) -> tuple[str, ...]:
    least = ports.get("min_confidence")
    least = float(least) if isinstance(least, int | float) else 0.0
    best = max((float(region.get("confidence", 0.0)) for region in evidence.regions), default=None)
    sure = f" with a confidence of at least {least:.2f}" if least else ""
    if best is None:
        return (f"at least one box would have had to be found{sure}; there was none",)
    if best < least:
        return (f"at least one box would have had to be found{sure}; the best had {best:.2f}",)
    return ("one of the boxes would have had to be a thing that can be placed in the room; its reason says why not",)


def _chosen(status: str, ports: Mapping[str, Any]) -> tuple[str, ...]:
    accept, lead, expected = ports.get("accept"), ports.get("lead"), ports.get("expect")
    if not isinstance(accept, int | float) or not isinstance(lead, int | float):
        return ()
    sure = f"a probability of at least {accept:.2f} that lies at least {lead:.2f} above the next one"
    if status == "FAILURE" and expected:
        return (f"it would have had to choose {_choice(expected)}: {sure}",)
    if status == "SUCCESS":
        return (f"it chose what it was sure of; another choice takes {sure}",) if not expected else ()
    return (f"one option would have had to get {sure}",)


def _choice(expected: Any) -> str:
    options = expected if isinstance(expected, list | tuple) else [expected]
    return " or ".join(repr(str(option)) for option in options)
