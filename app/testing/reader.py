"""Read test files: which tree, what stands in for its nodes and answers, the cases. All mistakes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..._base import near_misses
from ...behaviors.ports import Port
from ...trees.language.params import PARAMS_FILE
from ...trees.loader import load
from ...trees.mocking.apply import apply_mocks
from ...trees.mocking.forms import Forms, check_header, entries, single_document
from ...trees.mocking.mock import Mock
from ...trees.mocking.profile import read_mocks, read_profile
from ...trees.mocking.sites import sites
from ...trees.mocking.things import read_things
from ...trees.problems import Problem, TreeError, in_order
from ...trees.reading.document import Item, Pairs, Scalar
from ...trees.reading.raw_text import FileKind
from ...trees.reading.reader import read_file
from ...trees.recursion import deep_recursion
from ...trees.spec import TreeSpec
from ...vlm.script_file import Script
from ..humans.scripted_human import read_human
from ..settings.config import Config
from .answers import read_answers
from .case import Case, Suite
from .expect_reader import ExpectReader, limit_of
from .header import HEADER
from .play import MAX_TICKS, Scenario

_FILE: Final = FileKind("a test file", "write `knothole_test: 1`, `tree:` and `cases:`", "tree_test.yaml")
_SHARED: Final = ("inputs", "mocks", "answers", "human", "params", "robot", "scene", "seed", "rate", "max_ticks")
_FILE_KEYS: Final = (HEADER, "about", "tree", *_SHARED, "cases")
_CASE_KEYS: Final = ("about", *_SHARED, "expect")


def read_suite(path: str | Path, config: Config) -> Suite:
    """Read a test file.

    Args:
        path: The file; paths in it are relative to its folder.
        config: Folders with trees.

    Raises:
        TreeError: The file, its tree or a profile has mistakes; all of them are in the error.
    """
    with deep_recursion():
        suite, problems = _read(path, config)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise TreeError(in_order(errors))
    return suite


def _read(path: str | Path, config: Config) -> tuple[Suite, list[Problem]]:
    documents = read_file(path, _FILE)
    problems: list[Problem] = []
    forms = Forms(documents.source, problems)
    root = single_document(documents, problems, "a test file")
    suite = Suite(str(path), ())
    if root is not None and check_header(forms, root, HEADER, "a test file"):
        forms.pairs(root, "a test file", "", _FILE_KEYS)
        suite = _Reader(forms, root, Path(path).parent, config).suite(str(path))
    return suite, problems


class _Reader:
    def __init__(self, forms: Forms, root: Pairs, folder: Path, config: Config) -> None:
        self.forms, self.root, self.folder, self.config = forms, root, folder, config
        self.keys = [key.text for key, _ in root if key.text not in _FILE_KEYS]
        """Keys that are told to be unknown: the one that is missing may be among them."""

    def suite(self, file: str) -> Suite:
        tree = self._tree()
        given = self.root.get("cases")
        if given is None and not near_misses("cases", self.keys):
            self.forms.report(
                self.root, "K243", "a test file has no `cases`", fix="write cases: {NAME: {expect: success}}"
            )
        cases = self.forms.pairs(given, "'cases'", "write {NAME: {expect: success}}") if given is not None else None
        if tree is None:
            return Suite(file, ())
        shared = {key.text: value for key, value in self.root if key.text in _SHARED}
        reader = _CaseReader(self.forms, tree, self.folder, shared)
        found = (reader.case(key, value) for key, value in entries(cases))
        return Suite(file, tuple(case for case in found if case is not None))

    def _tree(self) -> TreeSpec | None:
        at = self.root.get("tree")
        if not isinstance(at, Scalar) or at.is_null:
            here = at if at is not None else self.root
            if at is None and near_misses("tree", self.keys):
                return None
            self.forms.report(here, "K243", "a test file needs a `tree`", fix="write tree: NAME, or the path of a file")
            return None
        beside = self.folder / at.text
        try:
            if beside.is_file():
                return load(beside, self.config.trees)
            return load(at.text, (self.folder, *self.config.trees))
        except TreeError as error:
            for problem in error.problems:
                mine = problem.place.file == at.text
                self.forms.problems.append(
                    self.forms.source.problem(at, problem.code, problem.message, guess=problem.guess, fix=problem.fix)
                    if mine
                    else problem
                )
            return None


class _CaseReader:
    """Reads the cases of one file, each over what all of them share."""

    def __init__(self, forms: Forms, tree: TreeSpec, folder: Path, shared: Mapping[str, Item]) -> None:
        self.forms, self.tree, self.folder, self.shared = forms, tree, folder, shared
        self.expects = ExpectReader(forms, sites(tree))
        self.mocks = self._mocks(shared)
        self.answers, self.human = self._answers(shared), self._human(shared)
        self.inputs, self.params = self._inputs(shared), self._params(shared)

    def case(self, key: Scalar, item: Item) -> Case | None:
        label = f"the case {key.text!r}"
        pairs = self.forms.pairs(item, label, "write {expect: success}", _CASE_KEYS)
        if pairs is None:
            return None
        own = {name.text: value for name, value in pairs}
        if "expect" not in own and not near_misses("expect", [each for each in own if each not in _CASE_KEYS]):
            self.forms.report(key, "K243", f"{label} expects nothing", fix="write expect: {status: success}")
        expected = self.expects.read(own["expect"]) if "expect" in own else ()
        tree = self._mocked(self._mocks(own))
        inputs = {**self.inputs, **self._inputs(own)}
        named = {name.text for each in (self.shared, own) for name, _ in _pairs_of(each.get("inputs"))}
        for entry in self.tree.inputs:
            if entry.default is None and entry.name not in named:
                fix = f"write inputs: {{{entry.name}: VALUE}}"
                self.forms.report(key, "K243", f"{self.tree.name!r} needs the input {entry.name!r}", fix=fix)
        mine = self._answers(own)
        answers = replace(mine, answers={**mine.answers, **_without(self.answers.answers, mine.answers)})
        given = {**self.shared, **own}
        limit = self._count(given, "max_ticks", MAX_TICKS, 1)
        scenario = Scenario(
            tree,
            inputs,
            answers,
            {**self.params, **self._params(own)},
            self._text(given, "robot"),
            self._text(given, "scene"),
            self._count(given, "seed", 0, 0),
            self.forms.number(given["rate"], "'rate'", low=0.1) or 20.0 if "rate" in given else 20.0,
            limit_of(expected) or limit,
            {**self.human, **self._human(own)},
        )
        return Case(key.text, key, self.forms.source, self.tree, scenario, expected, self._text(own, "about"))

    def _mocked(self, mine: Sequence[Mock]) -> TreeSpec:
        try:
            return apply_mocks(self.tree, self.mocks, mine)
        except TreeError as error:
            self.forms.problems.extend(problem for problem in error.problems if problem not in self.forms.problems)
            return self.tree

    def _mocks(self, given: Mapping[str, Item]) -> tuple[Mock, ...]:
        item = given.get("mocks")
        if item is None:
            return ()
        if not isinstance(item, Scalar):
            return read_mocks(self.forms, item)
        try:
            return read_profile(self.folder / item.text)
        except TreeError as error:
            self._elsewhere(item, error)
            return ()

    def _answers(self, given: Mapping[str, Item]) -> Script:
        item = given.get("answers")
        return Script({}, folder=self.folder) if item is None else read_answers(self.forms, item, self.folder)

    def _human(self, given: Mapping[str, Item]) -> dict[str, tuple[str, ...]]:
        item = given.get("human")
        return {} if item is None else read_human(self.forms, item)

    def _inputs(self, given: Mapping[str, Item]) -> dict[str, object]:
        known = {entry.name: entry for entry in self.tree.inputs}
        values: dict[str, object] = {}
        item = given.get("inputs")
        pairs = self.forms.pairs(item, "'inputs'", "write {NAME: VALUE}") if item is not None else None
        for key, value in entries(pairs):
            entry = known.get(key.text)
            if entry is None:
                self.forms.report(
                    key,
                    "K247",
                    f"{self.tree.name!r} has no input {key.text!r}",
                    guess=near_misses(key.text, known),
                    fix=f"its inputs are {', '.join(known)}" if known else "it has none: delete this",
                )
                continue
            label = f"input {key.text!r}"
            if entry.type in ("object", "objects") and not isinstance(value, Scalar):
                found = read_things(self.forms, value, entry.type, label)
            else:
                found = self.forms.values.constant(value, Port("value", entry.type, ""), label)
            if found is not None:
                values[key.text] = found.value
        return values

    def _params(self, given: Mapping[str, Item]) -> dict[str, object]:
        item = given.get("params")
        if isinstance(item, Scalar):
            try:
                documents = read_file(self.folder / item.text, PARAMS_FILE)
            except TreeError as error:
                self._elsewhere(item, error)
                return {}
            other = Forms(documents.source, self.forms.problems)
            return self._values(other, single_document(documents, self.forms.problems, PARAMS_FILE.what))
        return self._values(self.forms, item) if item is not None else {}

    def _elsewhere(self, item: Item, error: TreeError) -> None:
        """Keep the mistakes of another file; one that cannot be read is the mistake of who names it."""
        for problem in error.problems:
            if problem.code in ("K001", "K002", "K003"):
                self.forms.report(item, problem.code, problem.message, why=problem.why, fix=problem.fix)
            else:
                self.forms.problems.append(problem)

    def _values(self, forms: Forms, item: Item | None) -> dict[str, object]:
        pairs = forms.pairs(item, "'params'", "write {NAME: VALUE}") if item is not None else None
        read = {
            key.text: forms.values.constant(value, Port("value", "any", ""), "a param") for key, value in entries(pairs)
        }
        return {name: value.value for name, value in read.items() if value is not None}

    def _text(self, given: Mapping[str, Item], key: str) -> str:
        return (self.forms.text(given[key], f"'{key}'") or "") if key in given else ""

    def _count(self, given: Mapping[str, Item], key: str, default: int, low: int) -> int:
        found = self.forms.number(given[key], f"'{key}'", "int", low=low) if key in given else None
        return default if found is None else int(found)


def _pairs_of(item: Item | None) -> Pairs | tuple[()]:
    return item if isinstance(item, Pairs) else ()


def _without(answers: Mapping[str, object], others: Mapping[str, object]) -> dict[str, object]:
    return {question: answer for question, answer in answers.items() if question not in others}
