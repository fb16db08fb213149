"""Counterexamples in words: what each node said, tick by tick, up to the one that is refused."""

from __future__ import annotations

from collections.abc import Iterable

from .choosing import Choice
from .searching import Finding


def told(finding: Finding) -> list[str]:
    """Return the lines of a counterexample; empty for a rule that is not broken."""
    if finding.verdict != "broken":
        return []
    lines = []
    if finding.start:
        lines.append(f"it begins with {', '.join(choice.what for choice in finding.start)}")
    last = len(finding.moments)
    for number, moment in enumerate(finding.moments, start=1):
        words = _in_words(moment.choices, finding)
        if number == last:
            words.append(f"{label(finding.path, finding)} is ticked, and refused")
        else:
            words.append(f"the tree is {moment.root}")
        lines.append(f"tick {number}: {'; '.join(words)}")
    return lines


def _in_words(choices: Iterable[Choice], finding: Finding) -> list[str]:
    """Return what was chosen, what one node did in one piece."""
    parts: list[tuple[str, list[str]]] = []
    for choice in choices:
        if choice.what.startswith("leaves "):
            continue
        if parts and parts[-1][0] == choice.path:
            parts[-1][1].append(choice.what)
        else:
            parts.append((choice.path, [choice.what]))
    return [f"{label(path, finding)} {', '.join(what)}" if path else ", ".join(what) for path, what in parts]


def label(path: str, finding: Finding) -> str:
    """Return what a person calls a node: the last part of its path, and its name where the author gave one."""
    short = path.rpartition("/")[2]
    name = finding.names.get(path, "")
    kind = short.partition("[")[0].partition("#")[0]
    return short if not name or name == kind or "#" in short else f"{short} {name!r}"
