"""The ``answers`` of a test: in the form of a scripted backend's file, inside the test or in a file of its own."""

from __future__ import annotations

from pathlib import Path

from ..._base import Place
from ...trees.language.constants import text_of
from ...trees.literals import core_value
from ...trees.mocking.forms import Forms
from ...trees.problems import Problem
from ...trees.reading.document import Item, Items, Pairs, Scalar
from ...vlm.script_file import Script, ScriptError, Trail, check_script, read_script


def read_answers(forms: Forms, item: Item, folder: Path) -> Script:
    """Return the script of a mapping or of the file that a text names; mistakes go to the forms."""
    if isinstance(item, Scalar) and not item.is_null:
        try:
            return read_script(folder / item.text)
        except ScriptError as error:
            if not (folder / item.text).is_file():
                forms.report(item, "K001", "there is no such file", fix="correct the path")
                return Script({})
            for mistake in error.mistakes:
                place = mistake.place or Place(str(folder / item.text), 1, 1)
                forms.problems.append(
                    Problem(place, "K246", mistake.what, mistake.why, (), mistake.fix, mistake.snippet)
                )
            return Script({})
    pairs = forms.pairs(item, "'answers'", "write {QUESTION: ANSWER}, or name a file")
    if pairs is None:
        return Script({})
    places: dict[Trail, Place] = {}
    answers = {key.text: _plain(forms, value, (key.text,), places) for key, value in pairs}
    for key, _ in pairs:
        places.setdefault((key.text,), forms.source.place(key))
    script = Script(answers, places, list(forms.source.lines), folder)
    for mistake in check_script(script):
        place = mistake.place or forms.source.place(item)
        forms.problems.append(
            forms.source.problem((place.line, place.column), "K246", mistake.what, why=mistake.why, fix=mistake.fix)
        )
    return script


def _plain(forms: Forms, item: Item, trail: Trail, places: dict[Trail, Place]) -> object:
    """Return plain data as the scripted backend has it: numbers are numbers, everything else is text."""
    places[trail] = forms.source.place(item)
    if isinstance(item, Items):
        return [_plain(forms, each, (*trail, number), places) for number, each in enumerate(item.items)]
    if isinstance(item, Pairs):
        return {key.text: _plain(forms, value, (*trail, key.text), places) for key, value in item}
    text = text_of(item)
    value = core_value(text) if item.style == "plain" else text
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else text
