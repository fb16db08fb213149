"""The backend that comes with knothole: a tiny Qwen3-VL, trained from scratch on simulated tables.

It has learned the questions of ``grammar`` and nothing else. What it would say to any other one is certain and means
nothing, so the checkpoint that is part of the package is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from .checkpoint import check_source
from .contract import Backend, BackendError, BackendOptions, backend
from .grammar import YES_NO, parse, parse_query
from .questions import Answer, Frame, Kind, Question
from .qwen import open_checkpoint
from .qwen_settings import QwenSettings

KINDS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe"))
SETTINGS = QwenSettings(yes_no_suffix="", choices="words", square=True, box_tokens=240, max_tokens=64, batch=32)


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


def understood(question: Question) -> bool:
    """Tell whether a question is of the language that the shipped checkpoint has learned.

    Only yes/no questions and what is to be located are looked at.
    """
    if question.kind == "yes_no":
        meaning = parse(question.text)
        return meaning is not None and meaning.predicate in YES_NO
    return question.kind != "ground" or parse_query(question.text) is not None


class Learned:
    """Pass on the questions that were learned; any other one gets an answer with a ``problem``, and no model runs.

    Args:
        inner: The backend that answers.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.name, self.model, self.kinds, self.remote = inner.name, inner.model, inner.kinds, inner.remote

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer the questions that were learned."""
        known = [question for question in questions if understood(question)]
        given = iter(self.inner.ask(frame, known) if known else ())
        return [next(given) if understood(question) else _unknown(question) for question in questions]

    def close(self) -> None:
        """Let the model go."""
        self.inner.close()


def _unknown(question: Question) -> Answer:
    what = "question" if question.kind == "yes_no" else "thing"
    why = f"the embedded model knows no such {what}: {question.text!r} (README, What it cannot do)"
    return Answer(question.kind, problem=why, supported=False)


@backend("embedded", latency=0.1, check=_check)
def open_embedded(options: BackendOptions) -> Backend:
    """Open ``embedded``, or ``embedded:DIRECTORY`` for another checkpoint of this form, which is asked everything."""
    _check(options)
    source = options.argument or str(weights())
    opened = open_checkpoint(source, SETTINGS.updated(options.settings, "embedded"), "embedded", KINDS)
    return opened if options.argument else Learned(opened)
