"""Which invariants a run has: those of its command line, of the headers of its trees, and of the project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..._base import KnotholeError
from ...behaviors.growing import GrowError
from ...trees.invariants.reader import read_invariants
from ...trees.invariants.rules import Rule
from ...trees.spec import TreeSpec
from ..settings.config import Config


class RulesError(KnotholeError):
    """The rules of a run cannot be changed while it goes on."""


def rule_files(tree: TreeSpec, given: Path | None, config: Config) -> list[Path]:
    """Return the files, each once: what was given, then those of the trees, then that of ``knothole.toml``.

    Args:
        tree: The tree; a header key ``invariants`` of it, or of a tree that it uses, is relative to that file.
        given: What ``--invariants`` says.
        config: The project.
    """
    found = [] if given is None else [given]
    waiting, seen = [tree], set[int]()
    while waiting:
        this = waiting.pop(0)
        if id(this) in seen:
            continue
        seen.add(id(this))
        if this.invariants:
            found.append(Path(this.file).parent / this.invariants)
        waiting += [node.uses for node in this.walk() if node.uses is not None]
    found += [] if config.invariants is None else [config.invariants]
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1]


def rules_of(tree: TreeSpec, given: Path | None, config: Config) -> tuple[Rule, ...]:
    """Return the rules of a run; arguments as for ``rule_files``.

    Raises:
        TreeError: A file cannot be read or has mistakes.
    """
    return tuple(rule for file in rule_files(tree, given, config) for rule in read_invariants(file, config.trees))


def check_kept(kept: Sequence[Rule], tree: TreeSpec, config: Config) -> None:
    """Make sure that a run keeps the rules of a tree that grows into it.

    Raises:
        TreeError: A file of them cannot be read or has mistakes.
        GrowError: The run does not keep them.
    """
    known = set(map(str, kept))
    for file in rule_files(tree, None, config):
        more = [rule for rule in map(str, read_invariants(file, config.trees)) if rule not in known]
        if more:
            raise GrowError(
                [
                    f"{tree.name} uses a tree with rules that this run does not keep: {', '.join(map(repr, more))}\n"
                    f"  fix:  start the run with --invariants {file}"
                ]
            )


def check_same(before: Sequence[Rule], now: Sequence[Rule]) -> None:
    """Make sure that an edited tree has the rules of the run: nodes that stay are held to those, and to no others.

    Raises:
        RulesError: It has others.
    """
    old, new = sorted(map(str, before)), sorted(map(str, now))
    if old != new:
        more = [f"{rule!r} is new" for rule in new if rule not in old]
        gone = [f"{rule!r} is gone" for rule in old if rule not in new]
        raise RulesError(
            "the edit changes the rules of the run, which hold as they were\n"
            f"  why:  {'; '.join([*more, *gone]) or 'one is there more often, or less'}\n"
            "  fix:  start the run again"
        )
