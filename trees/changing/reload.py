"""Replace the tree of a run by an edited one: what did not change goes on, what is gone is halted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from py_trees.behaviour import Behaviour

from ...behaviors.bt.stepwise import stored
from ...behaviors.composites import Parallel, Selector, Sequence
from ...behaviors.growing import LABEL, Grown
from ...behaviors.inner import Inner
from ...behaviors.step import INVALID, RUNNING, NodeFault
from ..builder import BuiltNode, BuiltTree, Reuse, rebuild
from ..recursion import deep_recursion
from ..spec import TreeSpec
from .comparing import Comparison

STRUCTURE = frozenset(
    (
        *("children", "parent", "wiring", "context", "decorated", "current_child", "id", "path"),
        *("place", "index", "name", "logger", "iterator", "blackboards", "qualified_name"),
        *("_log", "_resets", "_t", "_x", "_pause", "_resume", "_light", "_lights", "_plain", "tick"),
    )
)
"""Entries of a node that say where it stands; all others are what it remembers."""


@dataclass(frozen=True)
class Reloaded:
    """What a change of a tree did. Paths of wrappers, such as ``tidy/pick#retry``, are listed like those of nodes.

    Attributes:
        kept: New paths of nodes that are the very same as before.
        replaced: New paths of nodes that were built anew at a place where one stood: inner nodes that go on with other
            nodes below them, and nodes that were edited.
        added: New paths of nodes where none stood.
        removed: Old paths of nodes that are gone.
        halted: Old paths of nodes that were RUNNING and were halted because they were edited or are gone.
        came_from: For each node of the new tree the index, in the old one, of the node whose state it has; else -1.
        faults: What nodes raised while they were halted or shut down.
    """

    kept: tuple[str, ...]
    replaced: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    halted: tuple[str, ...]
    came_from: tuple[int, ...]
    faults: tuple[Exception, ...] = ()


def reload(
    built: BuiltTree,
    spec: TreeSpec,
    origins: Mapping[str, str] | None = None,
    grown: str = "",
) -> Reloaded:
    """Replace a tree between two ticks; ``built`` itself is changed, blackboard and context stay.

    A node is unchanged when the node at its path has the same type, class, name, ports and common keys; positions,
    ``about`` and ``meta`` do not count. Unchanged leaves, and unchanged nodes with nothing changed below, stay the very
    same objects, so a motion that runs goes on. An unchanged node with a change below is built anew and takes over
    status, counters and deadlines. Below a changed node everything is built anew. What was RUNNING and is changed or
    gone is halted, the deepest first.

    A sequence or selector whose present child is gone goes on with the next one that is left; without one it begins
    anew. So does any node that counts its children (``bt.Sequence``) when they are others than before, and a node under
    ``pt.`` with a change below.

    Args:
        built: The tree that runs; not inside a tick.
        spec: The edited tree.
        origins: New path → old path of nodes that moved; empty for new nodes where another one stood.
        grown: Path of the leaf below which something was put that is to be ticked now; where nothing says that it is
            new, it goes on where the tree before it failed.

    Raises:
        KnotholeError: The edited tree cannot be built. The old one is as it was and can go on.
    """
    origins = origins or {}
    with deep_recursion():
        around = _around(built, grown)
        if around is None or around.plan is None or not origins.get(around.plan.path, "-"):
            done = _reload(built, spec, origins)
        else:
            with _unnoted(around.plan):
                around.revive()
                done = _reload(built, spec, origins)
        around = _around(built, grown)
        if around is not None and around.plan is not None:
            with _unnoted(around.plan):
                around.planted(frozenset(done.kept))
        return done


@contextmanager
def _unnoted(top: Any) -> Iterator[None]:
    """Let nodes change without a note in the log of changes, which knows them by where they stood before."""
    nodes, waiting = [], [top]
    while waiting:
        nodes.append(waiting.pop())
        waiting += nodes[-1].children
    logs = [(node, node._log, node._resets) for node in nodes if hasattr(node, "_log")]
    for node, _, _ in logs:
        node._log = node._resets = None
    try:
        yield
    finally:
        for node, log, resets in logs:
            node._log, node._resets = log, resets


def _around(built: BuiltTree, grown: str) -> Grown | None:
    """Return what stands around a leaf that grows something."""
    found = (each.node for each in built.nodes if grown and each.path == f"{grown}#{LABEL}")
    return next((node for node in found if isinstance(node, Grown)), None)


def _reload(built: BuiltTree, spec: TreeSpec, origins: Mapping[str, str]) -> Reloaded:
    old = {each.path: each for each in built.nodes}
    found = Comparison(spec, built.spec, origins, lambda path, after: path in old and _goes_on(old[path].node, after))
    labels: dict[str, list[str]] = {}
    for path in old:
        base = base_of(path)
        labels.setdefault(base, []).append(path[len(base) :])
    pairs = {new + label: was + label for new, was in found.pairs.items() for label in labels.get(was, ())}
    keep = {
        path: old[was].node
        for path, was in pairs.items()
        if base_of(path) in (found.bare if base_of(path) == path else found.whole)
    }
    scopes = {
        path: (built.scopes[was], old[was].node.wiring.options.get("inputs", []))
        for path, was in found.pairs.items()
        if was in built.scopes
    }
    moved = set(origins.values())
    overrides = {
        path: factory for path, factory in built.overrides.items() if path not in moved and path not in origins
    }
    overrides |= {path: built.overrides[was] for path, was in origins.items() if was in built.overrides}
    with _detached(keep):
        new = rebuild(built, spec, Reuse(keep, scopes, overrides))
    halted, faults = _leave([each for each in built.nodes if each.path not in set(pairs.values())])
    _take_over(new, old, pairs, keep, origins)
    came_from = tuple(old[pairs[n.path]].index if n.path in pairs else -1 for n in new.nodes)
    there = {n.path: _origin(n.path, origins) for n in new.nodes}
    reloaded = Reloaded(
        kept=tuple(path for path in there if path in keep),
        replaced=tuple(path for path, was in there.items() if path not in keep and was in old),
        added=tuple(path for path, was in there.items() if was not in old),
        removed=tuple(path for path in old if path not in set(there.values())),
        halted=halted,
        came_from=came_from,
        faults=faults,
    )
    for entry in fields(BuiltTree):
        setattr(built, entry.name, getattr(new, entry.name))
    return reloaded


def base_of(path: str) -> str:
    """Return the path of the node that a wrapper stands around; any other path as it is."""
    above, slash, last = path.rpartition("/")
    return above + slash + last.partition("#")[0]


def _origin(path: str, origins: Mapping[str, str]) -> str:
    base = base_of(path)
    return origins.get(base, base) + path[len(base) :]


def _goes_on(node: Any, after: list[str] | None) -> bool:
    """Tell whether a new node can go on in the place of an old one; see ``comparing.Answers``."""
    if getattr(type(node), "grows", False):
        return True
    if not isinstance(node, Inner):
        return False
    if after is None or isinstance(node, Parallel):
        return True
    if isinstance(node, Sequence | Selector):
        return node.status is not RUNNING or not node.memory or _next(node, after, {}) is not None
    return node.kind == "decorator" and len(after) == len(node.children)


def _next(node: Any, after: list[str], paths: Mapping[int, str]) -> str | None:
    """Return the old path of the child that is next: the present one, or the first after it that is still there."""
    if node.current_child is None:
        return None
    rest = node.children[node.children.index(node.current_child) :]
    bases = [base_of(paths.get(id(child), child.path)) for child in rest]
    return next((base for base in bases if base in after), None)


@contextmanager
def _detached(keep: Mapping[str, Any]) -> Iterator[None]:
    """Let nodes that stay be given to new parents; when that fails they are as they were."""
    stay = {id(node) for node in keep.values()}
    parents = [(node, node.parent) for node in keep.values() if id(node.parent) not in stay]
    for node, _ in parents:
        node.parent = None
    try:
        yield
    except BaseException:
        for node, parent in parents:
            node.parent = parent
        raise


def _leave(nodes: list[BuiltNode]) -> tuple[tuple[str, ...], tuple[Exception, ...]]:
    """Halt what runs and shut all down. A node halts what is below it before itself, and its hooks in their order."""
    halted = [each.path for each in nodes if stored(each.node) is RUNNING or each.node.status is RUNNING]
    faults: list[Exception] = []
    for each in nodes * 2:  # a parent whose child raised is still RUNNING after the first round
        if stored(each.node) is RUNNING or each.node.status is RUNNING:
            try:
                each.node._x(INVALID)
            except NodeFault as fault:
                faults.append(fault)
    for each in nodes:
        try:
            each.node.shutdown()
        except Exception as error:
            faults.append(error)
    return tuple(halted), tuple(faults)


def _take_over(
    new: BuiltTree,
    old: Mapping[str, BuiltNode],
    pairs: Mapping[str, str],
    keep: Mapping[str, Any],
    origins: Mapping[str, str],
) -> None:
    """Give inner nodes that were built anew what the nodes before them remembered."""
    swap = {id(old[pairs[each.path]].node): each.node for each in new.nodes if each.path in pairs}
    paths = {id(each.node): path for path, each in old.items()}  # nodes that stay have their new paths already
    for each in new.nodes:
        if each.path in keep or each.path not in pairs:
            continue
        node, was = each.node, old[pairs[each.path]].node
        here = dict(swap)
        if len(was.children) == len(node.children):
            for child, one in zip(was.children, node.children, strict=True):
                here.setdefault(id(child), one)
        for name, value in was.__dict__.items():
            if name not in STRUCTURE:
                node.__dict__[name] = _carried(value, here)
        if getattr(was, "current_child", None) is not None:
            children = {_origin(base_of(child.path), origins): child for child in node.children}
            node.current_child = children.get(_next(was, list(children), paths) or "")


def _carried(value: Any, swap: Mapping[int, Any]) -> Any:
    """Return a remembered value with new nodes in the place of old ones."""
    if isinstance(value, Behaviour):
        return swap.get(id(value), value)
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_carried(each, swap) for each in value)
    if type(value) is dict:
        return {key: _carried(each, swap) for key, each in value.items()}
    return value
