"""The file of a scripted backend: YAML read with positions, checked, all mistakes reported at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .._base import Place
from .contract import BackendError
from .questions import KINDS

Trail = tuple[str | int, ...]

_MOST_NODES, _DEEPEST, _WIDEST = 100_000, 40, 200
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(ms|s|min)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}


@dataclass(frozen=True)
class ScriptMistake:
    """One mistake in a script: where (None for a script made in Python), what, why and what to do."""

    place: Place | None
    trail: Trail
    what: str
    why: str
    fix: str
    snippet: str = ""

    def __str__(self) -> str:
        where = str(self.place) if self.place is not None else "script" + "".join(f"[{step!r}]" for step in self.trail)
        lines = [f"{where}: error: {self.what}"]
        if self.snippet and len(self.snippet) <= _WIDEST and self.place is not None:
            number = f"{self.place.line:>5}"
            lines += [f"{number} | {self.snippet}", f"{' ' * len(number)} | {' ' * (self.place.column - 1)}^"]
        return "\n".join([*lines, f"  why:  {self.why}", f"  fix:  {self.fix}"])


class ScriptError(BackendError):
    """A script of answers is wrong. ``mistakes`` has all of them, top to bottom."""

    def __init__(self, mistakes: list[ScriptMistake]) -> None:
        ordered = sorted(mistakes, key=lambda m: (m.place is None, m.place))
        super().__init__("\n".join(map(str, ordered)))
        self.mistakes = tuple(ordered)


@dataclass
class Script:
    """Patterns and answers as plain data, with the place of each value.

    Attributes:
        answers: Pattern → answer, in the order of the file.
        places: Keys and indices that lead to a value → where it stands; empty for a script made in Python.
        lines: The text, for snippets.
        folder: Where picture files are looked for; None for where the run was started.
    """

    answers: Mapping[str, object]
    places: dict[Trail, Place] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    folder: Path | None = None

    def file(self, name: str) -> Path:
        """Return the path of a file that an answer names."""
        return (self.folder or Path()) / Path(name).expanduser()

    def mistake(self, trail: Trail, what: str, why: str, fix: str) -> ScriptMistake:
        """Return a mistake at the value that ``trail`` leads to, or at the nearest one around it."""
        near = trail
        while near and near not in self.places:
            near = near[:-1]
        return self._at(self.places.get(near), trail, what, why, fix)

    def _at(self, place: Place | None, trail: Trail, what: str, why: str, fix: str) -> ScriptMistake:
        line = self.lines[place.line - 1] if place is not None and place.line <= len(self.lines) else ""
        return ScriptMistake(place, trail, what, why, fix, line)


def read_script(path: Path) -> Script:
    """Read and check a script file.

    Raises:
        ScriptError: It cannot be read or something in it is wrong; all mistakes with their places.
    """
    top = Place(str(path), 1, 1)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError([ScriptMistake(top, (), "not UTF-8 text", str(error), "save the file as UTF-8")]) from error
    except OSError as error:
        why, fix = error.strerror or str(error), "name a YAML file: scripted:answers.yaml"
        raise ScriptError([ScriptMistake(top, (), "the script cannot be read", why, fix)]) from error
    script = Script({}, lines=text.splitlines(), folder=path.parent)
    mistakes: list[ScriptMistake] = []
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark is not None else top
        why = error.problem or str(error)
        raise ScriptError([script._at(place, (), "not YAML", why, "correct the syntax; quote questions")]) from error
    except RecursionError:
        why, fix = f"a script has at most {_DEEPEST} levels", "close each bracket, and nest less"
        raise ScriptError([script._at(top, (), "nested too deep", why, fix)]) from None
    except yaml.YAMLError as error:
        raise ScriptError([ScriptMistake(top, (), "not YAML", str(error), "remove the character")]) from error
    fix = 'write one  "question": answer  a line'
    if root is None:
        raise ScriptError([ScriptMistake(top, (), "the script is empty", "it has no answer at all", fix)])
    answers = _Plain(str(path), script, mistakes).convert(root, ())
    if not isinstance(answers, dict):
        if not mistakes:
            mistakes.append(script.mistake((), "a script is a mapping", "it has questions as keys", fix))
        raise ScriptError(mistakes)
    script.answers = answers
    mistakes += check_script(script)
    if mistakes:
        raise ScriptError(mistakes)
    return script


class _Plain:
    """Turn YAML nodes into plain data: numbers are numbers, everything else is text; places are kept."""

    def __init__(self, file: str, script: Script, mistakes: list[ScriptMistake]) -> None:
        self.file, self.script, self.mistakes, self.seen = file, script, mistakes, 0

    def convert(self, node: yaml.Node, trail: Trail) -> object:
        place = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        self.script.places[trail] = place
        self.seen += 1
        if self.seen > _MOST_NODES or len(trail) > _DEEPEST:
            what = f"more than {_MOST_NODES} values or {_DEEPEST} levels"
            raise ScriptError([*self.mistakes, self.script.mistake(trail, what, "a script is small", "shorten it")])
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(child, (*trail, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, trail)
        text = str(node.value)
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return float(text) if plain and _NUMBER.fullmatch(text) else text

    def _mapping(self, node: yaml.MappingNode, trail: Trail) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.value:
            place = Place(self.file, key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                why, fix = "a key is a question or a word", "quote it"
                self.mistakes.append(self.script._at(place, trail, "a key that is no text", why, fix))
                continue
            name = str(key.value)
            if name in found:
                why, fix = "only one of them could count", "remove one, or give its answers as {calls: [...]}"
                self.mistakes.append(self.script._at(place, trail, f"{name!r} stands here twice", why, fix))
                continue
            found[name] = self.convert(value, (*trail, name))
        return found


def check_script(script: Script) -> list[ScriptMistake]:
    """Return everything wrong with the patterns and answers of a script."""
    mistakes: list[ScriptMistake] = []
    for pattern, answer in script.answers.items():
        if is_regex(pattern):
            try:
                re.compile(pattern[1:-1])
            except re.error as error:
                fix = "correct it; a pattern between slashes is a regular expression"
                mistakes.append(script.mistake((pattern,), f"{pattern} is no regular expression", str(error), fix))
        mistakes += [script.mistake(*mistake) for mistake in _wrong(answer, (pattern,))]
        mistakes += [script.mistake(*mistake) for mistake in _wrong_pictures(script, answer, (pattern,))]
    return mistakes


def _wrong_pictures(script: Script, answer: object, trail: Trail) -> Iterator[tuple[Trail, str, str, str]]:
    """Yield the picture files that are not there; only ``imagine`` says that a text is one."""
    if not is_by_kind(answer) or "imagine" not in answer:  # type: ignore[operator]
        return
    value, trail = answer["imagine"], (*trail, "imagine")  # type: ignore[index]
    calls = value["calls"] if isinstance(value, Mapping) and set(value) == {"calls"} else [value]
    for each in calls if isinstance(calls, list) else ():
        if isinstance(each, str) and not script.file(each).is_file():
            yield trail, f"there is no picture {each!r}", "the answer to imagine is a picture file", "correct the path"


def is_regex(pattern: str) -> bool:
    """True for a pattern between slashes."""
    return len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/")


def seconds(text: object) -> float | None:
    """Return a time such as ``12.5s`` in [s], or None for anything else."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    return float(match[1]) * _SECONDS[match[2]] if match else None


def is_by_kind(answer: object) -> bool:
    """True for a mapping of question kinds to answers."""
    return isinstance(answer, Mapping) and bool(answer) and all(key in KINDS for key in answer)


def _wrong(answer: object, trail: Trail) -> Iterator[tuple[Trail, str, str, str]]:
    if isinstance(answer, float | int) and not 0 <= answer <= 1:
        yield (
            trail,
            f"{answer:g} is no probability",
            "a number is the probability of yes",
            "take one in 0..1, or quote it",
        )
    elif isinstance(answer, list):
        yield from _wrong_regions(answer, trail)
    elif isinstance(answer, Mapping):
        yield from _wrong_mapping(answer, trail)


def _wrong_mapping(answer: Mapping[str, object], trail: Trail) -> Iterator[tuple[Trail, str, str, str]]:
    if is_by_kind(answer):
        for kind, inner in answer.items():
            if kind != "plan":
                yield from _wrong(inner, (*trail, kind))
    elif set(answer) == {"calls"}:
        calls = answer["calls"]
        if not isinstance(calls, list) or not calls:
            yield (
                (*trail, "calls"),
                "calls needs a list of answers",
                "call n takes answer n, the last one repeats",
                "[no, yes]",
            )
        else:
            for i, inner in enumerate(calls):
                yield from _wrong(inner, (*trail, "calls", i))
    elif set(answer) == {"times"}:
        yield from _wrong_times(answer["times"], (*trail, "times"))
    elif "box" in answer:
        yield from _wrong_regions([answer], trail, single=True)
    elif answer and all(isinstance(p, float | int) for p in answer.values()):
        values = [float(p) for p in answer.values() if isinstance(p, float | int)]
        if min(values) < 0 or sum(values) > 1 + 1e-9:
            yield (
                trail,
                "these are no probabilities",
                f"they are {values} and sum to {sum(values):g}",
                "each >= 0, sum <= 1",
            )


def _wrong_times(times: object, trail: Trail) -> Iterator[tuple[Trail, str, str, str]]:
    if not isinstance(times, Mapping) or not times:
        yield trail, "times needs a mapping", "it leads from a time to the answer from then on", "{0s: no, 12.5s: yes}"
        return
    last = -1.0
    for key, inner in times.items():
        at = seconds(key)
        if at is None:
            yield (*trail, key), f"{key!r} is no time", "a time has a unit", "12.5s, 500ms or 2min"
        elif at <= last:
            yield (*trail, key), f"{key} comes too late", "times ascend", "sort them"
        last = at if at is not None else last
        yield from _wrong(inner, (*trail, key))


def _wrong_regions(regions: list[object], trail: Trail, single: bool = False) -> Iterator[tuple[Trail, str, str, str]]:
    fix = "{box: [0.1, 0.2, 0.3, 0.4], label: red cube}"
    for i, region in enumerate(regions):
        here = trail if single else (*trail, i)
        if not isinstance(region, Mapping) or "box" not in region:
            if any(isinstance(r, Mapping) and "box" in r for r in regions):
                yield here, "a region without a box", "all items of this list are regions", fix
            continue
        for key in sorted(set(region) - {"box", "label", "confidence", "point"}):
            yield (*here, key), f"a region has no {key!r}", "it has box, label, confidence and point", fix
        box = region["box"]
        if not isinstance(box, list | tuple) or len(box) != 4 or not all(isinstance(v, float | int) for v in box):
            yield (*here, "box"), "a box needs four numbers", "they are x1 y1 x2 y2, relative to the image", fix
        elif not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
            yield (*here, "box"), "this box lies outside the image or has no area", "0 <= x1 < x2 <= 1, same for y", fix
        point = region.get("point", [0, 0])
        if not _is_point(point):
            yield (
                (*here, "point"),
                f"{point!r} is no point",
                "it has u and v, relative to the image",
                "point: [0.2, 0.3]",
            )
        confidence = region.get("confidence", 1.0)
        if not isinstance(confidence, float | int) or not 0 <= confidence <= 1:
            yield (*here, "confidence"), f"{confidence!r} is no confidence", "it lies in 0..1", fix


def _is_point(value: object) -> bool:
    numbers = isinstance(value, list | tuple) and len(value) == 2
    return numbers and all(isinstance(v, float | int) and 0 <= v <= 1 for v in value)  # type: ignore[attr-defined]
