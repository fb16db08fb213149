"""What a checkpoint has learned: a fact of the checkpoint, in a file beside its weights."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from .._base import parse_json
from .contract import BackendError
from .language.grammar import CHOICES, COMPARISONS, YES_NO
from .language.instructions import has_taught_word
from .language.reading import parse, parse_query
from .questions import KINDS, Kind, Question

FILE = "learned.json"
_LEAST = 1e-4
"""Share of all questions from which a predicate counts as taught."""


@dataclass(frozen=True)
class Knowledge:
    """What a checkpoint may be asked.

    Attributes:
        predicates: Predicates of ``grammar``, comparisons of two pictures among them; ``plan`` for instructions,
            ``unsure`` for saying so.
        kinds: Kinds of question.
    """

    predicates: frozenset[str]
    kinds: frozenset[Kind]

    @classmethod
    def read(cls, folder: Path) -> Knowledge | None:
        """Read ``learned.json`` of a folder; None when there is none.

        Raises:
            BackendError: The file does not say what was learned.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            raw = parse_json(path.read_text(encoding="utf-8"))
            predicates, kinds = (frozenset(map(str, raw[key])) for key in ("predicates", "kinds"))
            if not kinds <= set(KINDS):
                raise ValueError(f"unknown kinds {sorted(kinds - set(KINDS))}")
        except (ValueError, KeyError, TypeError) as error:
            raise BackendError(
                f"{path} does not say what was learned: {type(error).__name__}: {error}\n"
                "  fix:  delete it, and the model is asked everything, or export the model anew"
            ) from error
        return cls(predicates, kinds)  # type: ignore[arg-type]

    @classmethod
    def of(cls, taught: Mapping[str, int]) -> Knowledge:
        """Return what follows from the questions that a model was taught.

        Args:
            taught: How often: by predicate, for yes/no questions by ``predicate/yes`` and ``predicate/no``. A predicate
                whose answer was always the same is not learned.
        """
        least = max(1.0, _LEAST * sum(taught.values()))
        known = {name for name, count in taught.items() if count >= least}
        decided = {*YES_NO, *COMPARISONS}
        predicates = {p for p in decided if {f"{p}/yes", f"{p}/no"} <= known} | {p for p in known if "/" not in p}
        kinds: set[Kind] = {"yes_no"} if predicates & decided else set()
        if predicates & {"count", "attribute", *CHOICES}:
            kinds |= {"choice", "score"}
        kinds |= {kind for kind in ("ground", "describe", "plan") if kind in predicates}
        return cls(frozenset(predicates), frozenset(kinds))

    def without(self, predicates: Collection[str]) -> Knowledge:
        """Return the same but for these predicates."""
        return Knowledge(self.predicates - frozenset(predicates), self.kinds)

    def __or__(self, other: Knowledge) -> Knowledge:
        return Knowledge(self.predicates | other.predicates, self.kinds | other.kinds)

    def write(self, folder: Path) -> Path:
        """Write ``learned.json`` into a folder and return its path."""
        path = folder / FILE
        raw = {"kinds": sorted(self.kinds), "predicates": sorted(self.predicates)}
        path.write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
        return path

    def covers(self, question: Question) -> bool:
        """Tell whether a question is of the language that was learned.

        A choice or score that is not of the language at all is covered: its choices say what the answer may be. So is
        every instruction with a word that was taught, where plans were learned: what its words mean together is for the
        model.
        """
        if question.kind == "plan":
            return "plan" in self.kinds and has_taught_word(question.text)
        if question.kind == "ground":
            return parse_query(question.text) is not None
        if question.kind not in ("yes_no", "choice", "score"):
            return True
        meaning = parse(question.text)
        if meaning is None:
            return question.kind != "yes_no"
        fits = question.kind != "yes_no" or meaning.predicate in (*YES_NO, *COMPARISONS)
        return fits and meaning.predicate in self.predicates
