"""The backend that comes with knothole: a tiny Qwen3-VL, trained from scratch on simulated tables.

It has learned questions of ``grammar``, perhaps instructions of ``instructions``, and nothing else. What it would say
to any other one is certain and means nothing, so a checkpoint that says what it has learned (``learned.json``) is not
asked anything else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from .checkpoint import check_source
from .contract import Backend, BackendError, BackendOptions, Hearing, Writer, backend
from .language.grammar import COMPARISONS, Meaning
from .language.planning import named_things
from .language.reading import normal, parse, parse_query
from .learned import Knowledge
from .questions import Answer, Frame, Kind, Question
from .qwen import open_checkpoint
from .qwen_settings import QwenSettings
from .second_look import NEEDS, SecondLook

KINDS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe"))


@dataclass(frozen=True)
class EmbeddedSettings(QwenSettings):
    """How the embedded checkpoint is asked.

    Attributes:
        second_look: Look again at what was described, compared as a whole, or said to be in front of or behind
            something, at up to six times the cost; see ``second_look``.
    """

    second_look: bool = True


SETTINGS = EmbeddedSettings(
    yes_no_suffix="",
    choices="words",
    plan_prompt="short",
    square=True,
    box_tokens=240,
    max_tokens=320,
    beams=4,
    batch=32,
)


def weights() -> Path:
    """Return the folder of the checkpoint that is part of the package."""
    return Path(str(files("knothole.vlm").joinpath("weights", "tiny")))


def _check(options: BackendOptions) -> None:
    SETTINGS.updated(options.settings, "embedded")
    if options.argument:
        check_source(options.argument, "embedded")
    elif not (weights() / "config.json").is_file():
        raise BackendError(
            f"the embedded checkpoint is not there: {weights()}\n"
            "  why:  this copy of knothole came without its weights\n"
            "  fix:  install a released package, train one with `knothole vlm train`, or take --vlm embedded:DIRECTORY"
        )


class Learned:
    """Pass on the questions that were learned; any other one gets an answer with a ``problem``, and no model runs.

    Args:
        inner: The backend that answers.
        knowledge: What it has learned.
        second_look: Look again where it helps and what it needs was learned.
    """

    def __init__(self, inner: Backend, knowledge: Knowledge, second_look: bool = False) -> None:
        self.inner, self.knowledge = inner, knowledge
        known = knowledge.predicates
        self.looks_again = {asked for asked, needs in NEEDS.items() if second_look and known.issuperset(needs)}
        self.name, self.model, self.remote = inner.name, inner.model, inner.remote
        self.kinds = inner.kinds & knowledge.kinds

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer the questions that were learned."""
        return self._asked(frame, questions, lambda known: self.inner.ask(frame, known))

    def write(self, frame: Frame | None, question: Question, hearing: Hearing) -> Answer:
        """Answer one question and tell of it meanwhile; of a plan when it is there, since it may be refused then."""
        if not isinstance(self.inner, Writer):
            return self.ask(frame, [question])[0]
        write = self.inner.write
        told: Hearing = (lambda text: hearing("")) if question.kind == "plan" else hearing
        return self._asked(frame, [question], lambda known: [write(frame, known[0], told)])[0]

    def _asked(
        self, frame: Frame | None, questions: Sequence[Question], ask: Callable[[list[Question]], list[Answer]]
    ) -> list[Answer]:
        problems = [
            _unfit(question, frame) if self.knowledge.covers(question) else _unknown(question) for question in questions
        ]
        known = [question for question, problem in zip(questions, problems, strict=True) if not problem]
        taught = [_as_taught(question) for question in known]
        given = iter(self._looked_over(frame, taught, ask(taught)) if taught else ())
        return [
            Answer(question.kind, problem=problem, supported=False)
            if problem
            else _as_asked(question, _sound(next(given)))
            for question, problem in zip(questions, problems, strict=True)
        ]

    def _looked_over(
        self, frame: Frame | None, questions: Sequence[Question], answers: Sequence[Answer]
    ) -> Iterator[Answer]:
        """Yield the answers, after a second look where it helps."""
        again = None if frame is None else SecondLook(self.inner, frame)
        for question, answer in zip(questions, answers, strict=True):
            meaning = Meaning("describe") if question.kind == "describe" else None
            if question.kind in ("yes_no", "choice") and self.looks_again:
                meaning = parse(question.text)
            if again is None or meaning is None or meaning.predicate not in self.looks_again:
                yield answer
            else:
                yield again.over(meaning, question, answer)

    def capability_facts(self) -> dict[str, object]:
        """Return what the backend that answers knows of itself."""
        tell = getattr(self.inner, "capability_facts", None)
        return dict(tell()) if callable(tell) else {}

    def close(self) -> None:
        """Let the model go."""
        self.inner.close()


_REFUSALS = ("ask", "cannot")
"""Properties of plans that are objects themselves."""
_WHAT = {"ground": "thing", "plan": "instruction"}


def _unknown(question: Question) -> str:
    what = _WHAT.get(question.kind, "question")
    return f"the embedded model knows no such {what}: {question.text!r} (README, What it cannot do)"


def _unfit(question: Question, frame: Frame | None) -> str:
    """Tell why a question that was learned does not fit the number of pictures; nothing where it does."""
    shown = 0 if frame is None else 1 + len(frame.earlier)
    meaning = parse(question.text) if question.kind in ("yes_no", "choice", "score") else None
    compares = meaning is not None and meaning.predicate in COMPARISONS
    if compares and shown != 2:
        return f"{question.text!r} compares two pictures, but was asked about {shown or 'none'}"
    if not compares and shown > 1:
        return f"the embedded model compares two pictures, but {question.text!r} asked about {shown} compares nothing"
    return ""


def _as_taught(question: Question) -> Question:
    """Return a question in the form that was taught.

    One that names its choices has them in its own words, articles and all; a plan is no property of an object; nothing
    else is said, such as what a client's system says.
    """
    question = replace(question, context="")
    if question.kind == "plan":
        return replace(question, schema=_unwrapped(question.schema)[1])
    meaning = parse(question.text) if question.kind == "choice" else None
    if meaning is None or not meaning.choices:
        return question
    named = {normal(choice): choice for choice in meaning.choices}
    return replace(question, choices=tuple(named.get(normal(choice), choice) for choice in question.choices))


def _as_asked(question: Question, answer: Answer) -> Answer:
    """Return the answer to ``_as_taught`` under the question's own choices, a plan in the object it asks for."""
    if answer.problem:
        return answer
    if question.kind == "plan":
        name, inner = _unwrapped(question.schema)
        bare = not name or (not inner and isinstance(answer.data, dict))
        return answer if bare else replace(answer, data={name: answer.data})
    taught = _as_taught(question).choices
    if taught == question.choices:
        return answer
    chances = {asked: answer.p(choice) for asked, choice in zip(question.choices, taught, strict=True)}
    return replace(answer, probabilities=chances)


def _unwrapped(schema: str) -> tuple[str, str]:
    """Return name and schema of the property that a plan stands in; no name, and the schema itself, where in none.

    Services want an object outermost, so clients ask for one with a single property, or for any object at all.
    """
    try:
        read = json.loads(schema) if schema else None
    except (ValueError, RecursionError):
        return "", schema
    if not isinstance(read, dict) or read.get("type") != "object":
        return "", schema
    properties, required = read.get("properties", {}), read.get("required", [])
    if not properties and not required and not {*read} - {"type", "properties", "required", "additionalProperties"}:
        return ("answer", "") if read.get("additionalProperties", True) is True else ("", schema)
    names = list(properties) if isinstance(properties, dict) else []
    if len(names) != 1 or names != required or names[0] in _REFUSALS or not isinstance(properties[names[0]], dict):
        return "", schema
    kept = {key: read[key] for key in ("$defs", "definitions") if key in read}
    return names[0], json.dumps({**properties[names[0]], **kept})


def _sound(answer: Answer) -> Answer:
    """Return an answer as it is, but a plan that names what is no thing of the language as a problem."""
    if answer.kind != "plan" or answer.problem:
        return answer
    strange = [words for words in named_things(answer.data) if parse_query(words) is None]
    return replace(answer, problem=f"the plan names no thing: {strange[0]!r}") if strange else answer


@backend("embedded", latency=0.1, check=_check)
def open_embedded(options: BackendOptions) -> Backend:
    """Open ``embedded``, or ``embedded:DIRECTORY`` for another checkpoint of this form.

    A checkpoint that does not say what it has learned is asked everything but plans.
    """
    _check(options)
    source = options.argument or str(weights())
    knowledge = Knowledge.read(Path(source).expanduser())
    kinds = KINDS if knowledge is None else knowledge.kinds
    settings = SETTINGS.updated(options.settings, "embedded")
    opened = open_checkpoint(source, settings, "embedded", kinds)
    return opened if knowledge is None else Learned(opened, knowledge, settings.second_look)
