"""Which invariants a run has: those of its command line, of the headers of its trees, and of the project."""

from __future__ import annotations

from pathlib import Path

from ...trees.invariants.reader import read_invariants
from ...trees.invariants.rules import Rule
from ...trees.spec import TreeSpec
from ..settings.config import Config


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
