"""Random trees for BehaviorTree.CPP's nodes, before anybody builds them, and their XML."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

NUMBERS, TEXTS = ("x", "y", "z"), ("t", "u")
START: dict[str, float | str] = {**dict.fromkeys(NUMBERS, 1.0), **dict.fromkeys(TEXTS, "red"), "n": 2}
"""Entries of the root before the first tick."""
OLDER = ("SkipUnlessUpdated", "WaitValueUpdate")
"""Nodes that the version behind ``behaviortreepy`` has in an older form."""
CONTROLS = {
    "Sequence": (1, 4),
    "AsyncSequence": (1, 4),
    "SequenceWithMemory": (1, 4),
    "ReactiveSequence": (1, 4),
    "Fallback": (1, 4),
    "AsyncFallback": (1, 4),
    "ReactiveFallback": (1, 4),
    "Parallel": (1, 4),
    "ParallelAll": (1, 4),
    "IfThenElse": (2, 3),
    "WhileDoElse": (2, 3),
    "Switch2": (3, 3),
    "Switch3": (4, 4),
    "Switch4": (5, 5),
    "Switch5": (6, 6),
    "Switch6": (7, 7),
}
DECORATORS = (
    "Inverter",
    "RetryUntilSuccessful",
    "Repeat",
    "KeepRunningUntilFailure",
    "Timeout",
    "Delay",
    "RunOnce",
    "ForceSuccess",
    "ForceFailure",
    "Precondition",
    "LoopInt",
    "LoopBool",
    "LoopDouble",
    "LoopString",
    "SkipUnlessUpdated",
    "WaitValueUpdate",
)
PLAIN_DECORATORS = tuple(tag for tag in DECORATORS if tag not in ("Timeout", "Delay"))
LEAVES = (
    "AlwaysSuccess",
    "AlwaysFailure",
    "Script",
    "ScriptCondition",
    "SetBlackboard",
    "UnsetBlackboard",
    "Sleep",
    "WasEntryUpdated",
)
CONDITIONS = {"_failureIf": "failure_if", "_successIf": "success_if", "_skipIf": "skip_if", "_while": "while"}
HOOKS = {"_onSuccess": "on_success", "_onFailure": "on_failure", "_onHalted": "on_halt", "_post": "post"}


@dataclass
class Item:
    """One node of a random tree; a leaf of its own has a script of outcomes.

    Attributes:
        tag: Element in the XML.
        attributes: Ports, conditions and hooks as text.
        children: Below it.
        style: Of a leaf with a script: ``action``, ``sync`` or ``condition``.
        letters: That script; it begins again at its end.
    """

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Item] = field(default_factory=list)
    style: str = ""
    letters: str = ""

    def walk(self) -> Iterator[Item]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class Case:
    """A random tree with all that happens to it.

    Attributes:
        trees: Name → root; ``Main`` is run.
        writes: For each tick what is written to the root blackboard before it.
        halts: Ticks before which the whole tree is halted.
        timed: True when time passes between ticks.
    """

    trees: dict[str, Item]
    writes: list[dict[str, float | str]]
    halts: set[int]

    @property
    def items(self) -> list[Item]:
        return [item for root in self.trees.values() for item in root.walk()]

    @property
    def timed(self) -> bool:
        return any(item.tag in ("Timeout", "Delay", "Sleep") for item in self.items)

    @property
    def xml(self) -> str:
        trees = "".join(
            f"<BehaviorTree ID={quoteattr(n)}>{_xml(root)}</BehaviorTree>" for n, root in self.trees.items()
        )
        return f'<root BTCPP_format="4" main_tree_to_execute="Main">{trees}</root>'


def _xml(item: Item) -> str:
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in item.attributes.items())
    inner = "".join(_xml(child) for child in item.children)
    return f"<{item.tag}{attributes}>{inner}</{item.tag}>" if inner else f"<{item.tag}{attributes}/>"


class Grower:
    """Grows random trees from a seed."""

    def __init__(self, seed: int, subtrees: bool = False) -> None:
        self.rng = random.Random(seed)
        self.count = 0
        self.subtrees = subtrees
        self.trees: dict[str, Item] = {}
        self.timers = self.rng.random() < 0.04
        self.usable: list[str] = []
        self.quiet = self.inside = False

    def case(self, ticks: int) -> Case:
        rng = self.rng
        ticks = min(ticks, 10) if self.timers else ticks
        names = [f"Sub{k}" for k in range(rng.randint(1, 2))] if self.subtrees else []
        self.usable: list[str] = []
        self.inside = True
        for name in names:
            self.trees[name] = self.item(3)
            self.usable.append(name)
        self.inside = False
        trees = {"Main": self.item(4), **self.trees}
        writes = [self._writes() if rng.random() < 0.3 else {} for _ in range(ticks)]
        halts = {tick for tick in range(1, ticks) if rng.random() < 0.06}
        if trees["Main"].tag in OLDER:
            halts = set()  # the older form forgets to reset itself, which only a parent makes good
        return Case(trees, writes, halts)

    def _writes(self) -> dict[str, float | str]:
        rng = self.rng
        if rng.random() < 0.3:
            return {rng.choice(TEXTS): rng.choice(("red", "blue", "2"))}
        if rng.random() < 0.2:
            return {"n": rng.randint(0, 3)}
        return {rng.choice(NUMBERS): float(rng.randint(0, 4))}

    def item(self, depth: int) -> Item:
        rng = self.rng
        if depth == 0 or rng.random() < 0.25:
            return self.leaf()
        if self.usable and not self.quiet and rng.random() < 0.15:
            return self.subtree()
        if rng.random() < 0.35:
            timed = self.timers and rng.random() < 0.4
            tag = rng.choice(("Timeout", "Delay")) if timed else rng.choice(PLAIN_DECORATORS)
            ports = self.ports(tag, 1)
            loud = self.quiet
            # A thread of the real engine halts the child of a short Timeout between two ticks. Below it stands nothing
            # that tells when: no halted leaf of ours (which would need the interpreter's lock as well), no _onHalted.
            self.quiet = self.quiet or ports.get("msec") == "4"
            children = [self.item(depth - 1)]
            self.quiet = loud
            return Item(tag, {**ports, **self.extras()}, children)
        tag = rng.choice(tuple(CONTROLS)[:-5] * 2 + tuple(CONTROLS)[-5:])
        least, most = CONTROLS[tag]
        below = depth - 1 if most < 4 else max(depth - 2, 0)
        children = [self.item(rng.choice((depth - 1, below))) for _ in range(rng.randint(least, most))]
        if tag == "ReactiveSequence":  # the real engine refuses a second one
            for child in [child for child in children if child.tag == "AsyncSequence"][1:]:
                child.tag = "Sequence"
        return Item(tag, {**self.ports(tag, len(children)), **self.extras()}, children)

    def subtree(self) -> Item:
        rng = self.rng
        attributes = {"ID": rng.choice(self.usable)}
        auto = rng.random() < 0.4
        for name in (*NUMBERS, *TEXTS):
            numeric = name in NUMBERS
            roll = rng.random()
            if roll < (0.2 if auto else 0.55):
                attributes[name] = f"{{{rng.choice(NUMBERS if numeric else TEXTS)}}}"
            elif roll < (0.3 if auto else 0.95):
                attributes[name] = rng.choice(("1", "2", "3.5") if numeric else ("red", "blue"))
        if auto:
            attributes["_autoremap"] = rng.choice(("true", "1"))
        return Item("SubTree", {**attributes, **self.extras()})

    def leaf(self) -> Item:
        rng = self.rng
        if self.quiet and rng.random() < 0.5:
            return Item("Sleep", self.ports("Sleep", 0))
        if rng.random() < 0.3:
            tag = rng.choice(LEAVES)
            if tag == "Sleep" and not self.timers:
                tag = "Script"
            return Item(tag, {**self.ports(tag, 0), **self.extras()})
        self.count += 1
        style = rng.choices(("action", "sync", "condition"), (0 if self.quiet else 6, 2, 2))[0]
        letters = {
            "action": ("SSFR", "SFRRR", "SSSR", "FFFR", "SFRRRRRK"),
            "sync": ("SF", "S", "F", "SSSF"),
            "condition": ("SF", "SSF", "SFF", "SSFFK"),
        }[style]
        source = rng.choice(letters)
        script = "".join(rng.choice(source) for _ in range(rng.randint(1, 9)))
        return Item(f"{style.capitalize()}{self.count}", self.extras(), [], style, script)

    def ports(self, tag: str, count: int) -> dict[str, str]:
        rng = self.rng
        if tag == "Parallel":
            given = {"success_count": self._count(count), "failure_count": self._count(count)}
            return {key: value for key, value in given.items() if rng.random() < 0.7}
        if tag == "ParallelAll":
            return {"max_failures": self._count(count)} if rng.random() < 0.7 else {}
        if tag.startswith("Switch"):
            pool = rng.choice((("0", "1", "2", "3", "4", "5"), ("red", "blue", "2", "2.0", "x", "")))
            cases = {f"case_{k}": rng.choice(pool) for k in range(1, int(tag[-1]) + 1)}
            return {"variable": rng.choice(("{t}", "{u}", "{t}", "red", "2")), **cases}
        if tag in ("RetryUntilSuccessful", "Repeat"):
            key = "num_attempts" if tag != "Repeat" else "num_cycles"
            return {key: rng.choice(("1", "2", "3", "4", "-1", "0", "{n}"))}
        if tag in ("Timeout", "Sleep"):
            return {"msec": rng.choice(("4", "4", "60000"))}
        if tag == "Delay":
            return {"delay_msec": rng.choice(("4", "4", "60000"))}
        if tag == "RunOnce":
            return {"then_skip": rng.choice(("true", "false"))} if rng.random() < 0.6 else {}
        if tag == "Precondition":
            other = {"else": rng.choice(("FAILURE", "SUCCESS", "SKIPPED", "RUNNING"))} if rng.random() < 0.7 else {}
            return {"if": self.condition(), **other}
        if tag.startswith("Loop"):
            return self._loop(tag)
        if tag in ("SkipUnlessUpdated", "WaitValueUpdate", "WasEntryUpdated"):
            return {"entry": f"{{{rng.choice((*NUMBERS, *TEXTS))}}}"}
        if tag == "Script":
            return {"code": "; ".join(self.statement() for _ in range(rng.randint(1, 2)))}
        if tag == "ScriptCondition":
            return {"code": self.condition()}
        if tag == "SetBlackboard":
            if self.inside or rng.random() < 0.5:
                return {"value": rng.choice(("red", "blue", "2.50")), "output_key": "s"}
            return {"value": rng.choice(("1", "2.5", "{y}")), "output_key": rng.choice(("x", "z"))}
        if tag == "UnsetBlackboard":
            return {"key": "v"}
        return {}

    def _count(self, count: int) -> str:
        return str(self.rng.choice((*range(-count, 0), *range(1, count + 1))))

    def _loop(self, tag: str) -> dict[str, str]:
        rng = self.rng
        pool = {"Int": ("1", "2", "30"), "Bool": ("true", "0"), "Double": ("0.5", "2"), "String": ("red", "a b")}
        queue = ";".join(rng.choice(pool[tag[4:]]) for _ in range(rng.randint(1, 3)))
        given = {"queue": queue, "if_empty": rng.choice(("SUCCESS", "FAILURE", "SKIPPED"))}
        if rng.random() < 0.7:
            given["value"] = f"{{loop_{tag[4:]}}}"
        return given

    def extras(self) -> dict[str, str]:
        """Return conditions and hooks."""
        rng = self.rng
        given: dict[str, str] = {}
        if rng.random() < 0.18:
            for key in CONDITIONS:
                if rng.random() < 0.35:
                    given[key] = self.condition()
        if rng.random() < 0.15:
            for key in HOOKS:
                if rng.random() < 0.4 and not (self.quiet and key == "_onHalted"):
                    # The real engine runs _onHalted once more when a tree is destroyed, and a fault there ends the
                    # process; in a subtree x, y and z may be texts or not set.
                    safe = key == "_onHalted" and self.inside
                    given[key] = f"v := {rng.randint(0, 3)}" if safe else self.statement()
        return given

    def condition(self) -> str:
        rng = self.rng
        a, b = rng.choice(NUMBERS), rng.choice((*NUMBERS, "1", "2", "3"))
        plain = f"{a} {rng.choice(('>', '<', '==', '!=', '>=', '<='))} {b}"
        roll = rng.random()
        if roll < 0.6:
            return plain
        if roll < 0.75:
            return f"{plain} {rng.choice(('&&', '||'))} {rng.choice(TEXTS)} == '{rng.choice(('red', 'blue'))}'"
        return rng.choice((f"!({plain})", "true", "false", f"{a} + 1 > {b} * 2"))

    def statement(self) -> str:
        rng = self.rng
        a, b = rng.choice(NUMBERS), rng.choice(NUMBERS)
        return rng.choice(
            (
                f"{a} := {rng.randint(0, 4)}",
                f"{a} = {b} + 1",
                f"{a} += 1",
                f"{a} -= 1",
                f"{a} = {b} > 2 ? 0 : {b} + 1",
                f"{rng.choice(TEXTS)} = '{rng.choice(('red', 'blue'))}'",
                f"v := {rng.randint(0, 3)}",
                f"w := {a}",
                f"@{a} = @{a} + 1",
            )
        )
