"""A backend that answers from a script: for tests, demonstrations and trees under construction.

A script is a mapping of questions to answers, a YAML file or a Python mapping:

```yaml
"Is a hand inside the workspace?": no              # this very text
"Is everything inside the *?": {calls: [no, yes]}  # * stands for any text; first call no, then yes for good
"/Is the (red|blue) cube gone[?]/": 0.93           # a regular expression between slashes; probability of yes
"Is the door open?": {times: {0s: no, 12.5s: yes}} # by the time of the frame
"What color is the cube?": {red: 0.8, blue: 0.1}   # choice, score: one of them, or probabilities (rest: neither)
"every loose object": [{box: [0.1, 0.2, 0.3, 0.4], label: red cube}]   # ground: boxes relative to the image; [] is none
"the blue mug": {box: [0.5, 0.5, 0.6, 0.7], point: [0.55, 0.6]}      # with a point on it
"red cube": {ground: {box: [0.1, 0.2, 0.3, 0.4]}, describe: "It is red."}   # by kind of question
"a tidy table": {imagine: tidy.png}                # imagine: a picture file, beside the script
"put the cube away": [{skill: pick, args: {object: red cube}}, {skill: home, args: {}}]   # plan: a list of steps
"Who is there?": {problem: the camera is covered}  # no usable answer, so *unsure*
"*": no                                            # everything else
```

The exact text wins, then the patterns in the order of the script. What nothing fits gets the setting ``default``, and
without one an answer with a ``problem`` that names the question.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .._base import near_misses
from .contract import BackendError, BackendOptions, backend
from .questions import Answer, Frame, Kind, Question, Region
from .script_file import Script, ScriptError, check_script, is_by_kind, is_regex, read_script, seconds

_KINDS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe", "plan", "chat", "imagine"))


class Scripted:
    """Answer from a script. See the module for its form.

    Args:
        script: Question → answer, or a script that was read from a file.
        default: Answer to what nothing in the script fits; None makes that a problem.
        model: Name of the script, part of every answer.

    Raises:
        ScriptError: An answer or pattern is malformed; all mistakes are listed.

    >>> from knothole.vlm.questions import Question
    >>> says = Scripted({"Is the tray *?": {"calls": ["no", 0.9]}})
    >>> question = Question("yes_no", "Is the tray full?")
    >>> [says.ask(None, [question])[0].p("yes") for _ in range(3)]
    [0.0, 0.9, 0.9]
    """

    name = "scripted"
    kinds = _KINDS
    remote = False

    def __init__(
        self, script: Mapping[str, object] | Script, default: object = None, model: str = "script", latency: float = 0.0
    ) -> None:
        if not isinstance(script, Script):
            script = Script(dict(script))
            mistakes = check_script(script)
            if mistakes:
                raise ScriptError(mistakes)
        self.model, self.latency = model, latency
        self._script, self._default = script, default
        self._patterns = [(_compiled(p), a) for p, a in script.answers.items() if is_regex(p) or "*" in p]
        self._calls: Counter[tuple[str, str]] = Counter()

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question from the script."""
        return [self._one(frame, question) for question in questions]

    def close(self) -> None:
        """Do nothing."""

    def _one(self, frame: Frame | None, question: Question) -> Answer:
        value = self._value(question.text)
        if is_by_kind(value):
            value = value.get(question.kind)  # type: ignore[attr-defined]
        if value is None:
            hint = near_misses(question.text, self._script.answers, limit=1)
            near = f"; the nearest is {hint[0]!r}" if hint else ""
            return Answer(question.kind, problem=f"the script has no answer to {question.kind} {question.text!r}{near}")
        if isinstance(value, Mapping) and set(value) == {"calls"}:
            calls = value["calls"]
            key = (question.kind, question.text)
            value = calls[min(self._calls[key], len(calls) - 1)]
            self._calls[key] += 1
        if isinstance(value, Mapping) and set(value) == {"times"}:
            now = frame.stamp if frame is not None else 0.0
            past = [v for t, v in value["times"].items() if (seconds(t) or 0.0) <= now + 1e-9]
            if not past:
                return Answer(question.kind, problem=f"the script answers {question.text!r} only after {now:g} s")
            value = past[-1]
        return self._picture(question, value) if question.kind == "imagine" else answer_from(question, value)

    def _picture(self, question: Question, value: object) -> Answer:
        """Return the picture of a file."""
        if not isinstance(value, str):
            return answer_from(question, value)
        try:
            with Image.open(self._script.file(value)) as picture:
                return Answer("imagine", image=np.asarray(picture.convert("RGB"), np.uint8))
        except (OSError, Image.DecompressionBombError) as error:
            return Answer("imagine", problem=f"the picture {value!r} of the script cannot be read: {error}")

    def _value(self, text: str) -> object:
        if text in self._script.answers:
            return self._script.answers[text]
        return next((a for pattern, a in self._patterns if pattern.fullmatch(text)), self._default)


def answer_from(question: Question, value: object) -> Answer:
    """Turn one scripted value into an answer; a value of the wrong form becomes a ``problem``."""
    kind = question.kind
    if isinstance(value, Mapping) and set(value) == {"problem"}:
        return Answer(kind, problem=str(value["problem"]))
    if kind == "plan":
        try:
            return _plan(value if isinstance(value, str) else json.dumps(value))
        except RecursionError:
            return Answer(kind, problem="the scripted plan is nested too deep")
    if kind == "ground":
        return _ground(question, value)
    if kind == "imagine":
        return _unfit(question, value, "a picture file")
    if kind in ("describe", "chat"):
        return Answer(kind, text=value) if isinstance(value, str) else _unfit(question, value, "a text")
    allowed = ("yes", "no") if kind == "yes_no" else question.choices
    if kind == "yes_no" and isinstance(value, bool | float | int):
        value = {"yes": float(value), "no": 1.0 - float(value)}
    if isinstance(value, str) and value in allowed:
        value = {value: 1.0}
    if not isinstance(value, Mapping) or not set(value) - {"neither"} <= set(allowed):
        return _unfit(question, value, "a probability or one of " + ", ".join(map(repr, allowed)))
    if not all(isinstance(p, float | int) and 0 <= p <= 1 for p in value.values()):
        return _unfit(question, value, "probabilities")
    given = {key: float(p) for key, p in value.items()}
    chances = {key: given.get(key, 0.0) for key in allowed}
    if kind == "yes_no" and len(set(given) - {"neither"}) == 1:
        rest = max(0.0, 1.0 - sum(given.values()))
        chances = {key: given.get(key, rest) for key in allowed}
    return Answer(kind, probabilities=chances, neither=max(0.0, 1.0 - sum(chances.values())))


def _plan(text: str) -> Answer:
    try:
        return Answer("plan", text=text, data=json.loads(text))
    except ValueError as error:
        return Answer("plan", text=text, problem=f"the scripted plan is no JSON: {error}")


def _ground(question: Question, value: object) -> Answer:
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, list | tuple) or not all(isinstance(i, Mapping) and "box" in i for i in items):
        return _unfit(question, value, "boxes")
    regions = []
    for item in items:
        x1, y1, x2, y2 = (float(v) for v in item["box"])
        label, confidence = str(item.get("label", question.text)), float(item.get("confidence", 1.0))
        point = item.get("point")
        at = None if point is None else (float(point[0]), float(point[1]))
        regions.append(Region((x1, y1, x2, y2), label, confidence, at))
    return Answer("ground", regions=tuple(regions if question.all else regions[:1]))


def _unfit(question: Question, value: object, wanted: str) -> Answer:
    text = f"the script answers {question.kind} {question.text!r} with {value!r}, which is not {wanted}"
    return Answer(question.kind, problem=text)


def _compiled(pattern: str) -> re.Pattern[str]:
    if is_regex(pattern):
        return re.compile(pattern[1:-1], re.DOTALL)
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


@backend("scripted", runs_in="loop", latency=0.0)
def open_scripted(options: BackendOptions) -> Scripted:
    """Open ``scripted:FILE``. Setting ``default``: the answer to what nothing in the file fits."""
    if not options.argument:
        raise BackendError("the scripted backend needs a file\n  fix:  --vlm scripted:answers.yaml")
    path = Path(options.argument)
    return Scripted(read_script(path), options.settings.get("default"), model=path.stem)
