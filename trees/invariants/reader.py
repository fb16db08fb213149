"""Read an invariants file.

```yaml
knothole_invariants: 1
rules:
  - never: pick while $hand_near
  - never: {skill: place, into: "the red bowl"}
    about: It is full of screws.
  - never: {moves: arm}
    unless: {node: "look around", gave: SUCCESS}
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ..._base import near_misses
from ...behaviors.means.effects import FACTS, FactError, parse_fact
from ...behaviors.node import NODES
from ..finding import find, trees_in
from ..formulas.expressions import Expression, ExpressionError
from ..language.constants import kind_of
from ..literals import LiteralError, read_literal
from ..mocking.forms import Forms, check_header, single_document
from ..mocking.sites import Selector
from ..node_types import node_type
from ..problems import Problem, TreeError, in_order
from ..reading.document import Documents, Item, Items, Pairs, Scalar, place_inside
from ..reading.raw_text import FileKind
from ..reading.reader import read_file, read_text
from ..spec import Computed
from .rules import ANY_LIMB, GIVES, Condition, Gave, Known, Rule, Target

HEADER: Final = "knothole_invariants"
_WHAT: Final = "an invariants file"
_FILE: Final = FileKind(
    _WHAT, "write `knothole_invariants: 1`, and below it `rules:` with a list of them", "invariants.yaml"
)
_RULE: Final = ("never", "while", "unless", "about")
_OWN: Final = ("skill", "name", "moves")
_FIX: Final = "write `never: SKILL while EXPRESSION`, or never: {skill: NAME, PORT: VALUE}"
_FACT: Final = re.compile(rf"(not\s+)?({'|'.join(FACTS)})\s*(\(|$)")
_KEYWORD: Final = re.compile(r"\s(while|unless)(?=\s)")


def read_invariants(path: str | Path, search: Sequence[str | Path] = ()) -> tuple[Rule, ...]:
    """Read a file.

    Args:
        path: The file.
        search: Folders with trees, beside that of the file and the library, whose names rules may say.

    Raises:
        TreeError: The file cannot be read, or it has mistakes; all of them are in the error.
    """
    rules, problems = scan_invariants(read_file(path, _FILE), search)
    if problems:
        raise TreeError(in_order(problems))
    return rules


def read_invariants_text(text: str, file: str = "<invariants>", search: Sequence[str | Path] = ()) -> tuple[Rule, ...]:
    """Read rules from their text, as ``read_invariants`` does.

    Raises:
        TreeError: It has mistakes.
    """
    rules, problems = scan_invariants(read_text(text, file, _FILE), search)
    if problems:
        raise TreeError(in_order(problems))
    return rules


def scan_invariants(documents: Documents, search: Sequence[str | Path] = ()) -> tuple[tuple[Rule, ...], list[Problem]]:
    """Return the rules of a file and what is wrong with it."""
    problems: list[Problem] = []
    forms = Forms(documents.source, problems)
    root = single_document(documents, problems, _WHAT)
    if root is None or not check_header(forms, root, HEADER, _WHAT):
        return (), problems
    forms.pairs(root, _WHAT, "", (HEADER, "about", "rules"))
    given = root.get("rules")
    if given is None:
        forms.report(root, "K232", f"{_WHAT} has no `rules`", fix="write a list of rules: - never: …")
        return (), problems
    reader = _Rules(forms, [Path(documents.source.file).parent, *(Path(folder) for folder in search)])
    found = [reader.rule(item) for item in forms.items(given, "'rules'", "write a list: - never: …")]
    return tuple(rule for rule in found if rule is not None), problems


class _Rules:
    def __init__(self, forms: Forms, folders: list[Path]) -> None:
        self.forms, self.folders = forms, folders

    def rule(self, item: Item) -> Rule | None:
        """Read one rule."""
        before = len(self.forms.problems)
        pairs = self.forms.pairs(item, "a rule", _FIX, _RULE)
        if pairs is None:
            return None
        never = pairs.get("never")
        if never is None:
            self.forms.report(pairs, "K501", "this rule does not say what never happens", fix=_FIX)
            return None
        conditions: dict[str, Condition | None] = {}
        for key, value in pairs:
            if key.text in ("while", "unless"):
                conditions[key.text] = self._condition(value, f"key {key.text!r} of a rule")
        targets = self._targets(never, conditions)
        about = pairs.get("about")
        said = self.forms.text(about, "'about'") or "" if about is not None else ""
        if len(self.forms.problems) > before:
            return None
        source = self.forms.source
        line = source.line(pairs.line).strip()
        return Rule(targets, source.place(pairs), conditions.get("while"), conditions.get("unless"), said, line)

    def _targets(self, item: Item, conditions: dict[str, Condition | None]) -> tuple[Target, ...]:
        if isinstance(item, Scalar):
            return self._line(item, conditions)
        if isinstance(item, Pairs):
            return (self._target(item),)
        if isinstance(item, Items) and item.items:
            return tuple(target for each in item.items for target in self._targets(each, {}))
        self.forms.report(item, "K501", f"key 'never' takes a skill, not {kind_of(item)}", fix=_FIX)
        return ()

    def _line(self, item: Scalar, conditions: dict[str, Condition | None]) -> tuple[Target, ...]:
        """Read ``SKILL while EXPRESSION unless EXPRESSION``."""
        marks = list(_KEYWORD.finditer(item.text))
        ends = [*(mark.start() for mark in marks[1:]), len(item.text)]
        skill = item.text[: marks[0].start()].strip() if marks else item.text.strip()
        for mark, end in zip(marks, ends, strict=True) if marks else ():
            if mark[1] in conditions:
                self.forms.report(item, "K501", f"this rule says {mark[1]!r} twice", fix="join them with `and`")
                continue
            start = mark.end() + 1
            text = item.text[start:end]
            line, column, width = place_inside(item, start, len(text.strip()), self.forms.source)
            at = Scalar(text.strip(), "plain", line, column, line, column + width)
            conditions[mark[1]] = self._expression(at, f"'{mark[1]}' of a rule")
        line, column, width = place_inside(item, 0, len(skill), self.forms.source)
        self._skill(Scalar(skill, "plain", line, column, line, column + width))
        return (Target(skill),)

    def _target(self, pairs: Pairs) -> Target:
        texts: dict[str, Scalar] = {}
        for key, value in pairs:
            if isinstance(value, Scalar):
                texts[key.text] = value
            else:
                why = f"{key.text!r} of what never happens takes one value, not {kind_of(value)}"
                self.forms.report(value, "K501", why, fix="write one rule for each value")
        skill = texts.get("skill")
        if skill is not None:
            self._skill(skill)
        ports = {key: value for key, value in texts.items() if key not in _OWN}
        for port, written in ports.items():
            self._port(pairs, skill.text if skill is not None else "", port, written)
        if not pairs.pairs:
            self.forms.report(pairs, "K501", "this rule does not say what never happens", fix=_FIX)
        own = {name: texts[name].text if name in texts else "" for name in _OWN}
        if own["moves"]:
            self._limb(texts["moves"])
        values = MappingProxyType({port: written.text for port, written in ports.items()})
        return Target(own["skill"], own["name"], own["moves"], values)

    def _skill(self, item: Scalar) -> None:
        """Report a name that neither a node nor a tree has."""
        if item.text and (node_type(item.text) is not None or self._is_tree(item.text)):
            return
        known = [*NODES, *(file.stem for folder in self.folders for file in trees_in(folder))]
        self.forms.report(
            item,
            "K502",
            f"unknown skill {item.text!r}",
            why="a rule names a node by its type key, or a tree that is used",
            guess=near_misses(item.text, known),
            fix="correct the name, or list nodes with `knothole nodes`; to name a node by its `name`, write {name: …}",
        )

    def _is_tree(self, name: str) -> bool:
        try:
            return find(name, self.folders).is_file()
        except TreeError:
            return False

    def _port(self, pairs: Pairs, skill: str, name: str, value: Scalar) -> None:
        """Report a port that the skill has not, or a value that it cannot hold."""
        at = next(key for key, _ in pairs if key.text == name)
        kind = node_type(skill) if skill else None
        if kind is None:
            if not skill:
                fix = "write the skill beside it, such as {skill: place, into: …}"
                self.forms.report(at, "K503", f"port {name!r} of which skill?", guess=near_misses(name, _OWN), fix=fix)
            return
        port = kind.ports.get(name)
        if port is None or port.direction == "out":
            if kind.open:
                return
            known = [each.name for each in kind.ports.values() if each.direction != "out"]
            fix = f"correct the name, or see its ports with `knothole nodes {skill}`"
            guess = near_misses(name, (*known, *_OWN))
            self.forms.report(at, "K503", f"{skill!r} has no input port {name!r}", guess=guess, fix=fix)
            return
        if port.type in ("text", "any", "object", "objects"):
            if port.choices:
                self.forms.word(value, port.choices, f"port {name!r}")
            return
        try:
            read_literal(value.text, port.type)
        except LiteralError as error:
            self.forms.report(value, "K503", f"port {name!r} of {skill!r}: {error}", guess=error.guess, fix=error.fix)

    def _limb(self, item: Scalar) -> None:
        limbs = {str(getattr(cls, "limb", "")) for cls in NODES.items().values()} - {""}
        self.forms.word(item, (*sorted(limbs), ANY_LIMB), "'moves'")

    def _condition(self, item: Item, label: str) -> Condition | None:
        if not isinstance(item, Pairs):
            return self._expression(item, label)
        pairs = self.forms.pairs(item, label, "write {node: NAME, gave: SUCCESS}", ("node", "gave"))
        node, gave = item.get("node"), item.get("gave")
        if pairs is None or not isinstance(node, Scalar) or gave is None:
            fix = "write an expression in quotes, or {node: NAME, gave: SUCCESS}"
            self.forms.report(item, "K504", f"{label} takes an expression, or a node and what it gave", fix=fix)
            return None
        status = self.forms.word(gave, GIVES, "'gave'")
        return Gave(Selector(node.text), status) if status is not None else None  # type: ignore[arg-type]

    def _expression(self, item: Item, label: str) -> Condition | None:
        if not isinstance(item, Scalar) or not item.text.strip():
            fix = 'write it in quotes, such as "$hand_near and $count > 1"'
            self.forms.report(item, "K504", f"{label} takes an expression, not {kind_of(item)}", fix=fix)
            return None
        if _FACT.match(item.text):
            return self._fact(item, label)
        try:
            expression = Expression(item.text.rstrip())
        except ExpressionError as error:
            line, column, _ = place_inside(item, max(0, error.column - 1), 1, self.forms.source)
            problem = self.forms.source.problem(
                (line, column),
                "K504",
                f"{label}: {error}",
                guess=error.guess,
                fix=error.fix or "correct the expression",
            )
            self.forms.problems.append(problem)
            return None
        if expression.type not in ("bool", "any"):
            fix = "compare it with something, such as `$count > 1`"
            message = f"{label} is a {expression.type}, not true or false"
            self.forms.report(item, "K504", message, fix=fix)
            return None
        return Computed(expression, self.forms.source.place(item))

    def _fact(self, item: Scalar, label: str) -> Known | None:
        try:
            return Known(parse_fact(item.text))
        except FactError as error:
            what, _, fix = str(error).partition("\n  fix:  ")
            self.forms.report(item, "K504", f"{label}: {what}", fix=fix or "write one such as `holding(red cube)`")
            return None


def entries_of(rules: Sequence[Rule]) -> Mapping[str, Computed]:
    """Return the entries that rules read, each with the first condition that does."""
    found: dict[str, Computed] = {}
    for rule in rules:
        for condition in rule.conditions:
            if isinstance(condition, Computed):
                for entry in condition.expression.references:
                    found.setdefault(entry.name, condition)
    return found
