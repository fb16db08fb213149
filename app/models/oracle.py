"""A backend that answers from the truth of the simulator: to measure the others by, and to label data.

It looks at the world in the very moment a picture is taken, so it can only be asked in a simulated run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...vlm.contract import BackendError, BackendOptions, backend
from ...vlm.facts import FrameFacts
from ...vlm.language.comparing import compare
from ...vlm.language.grammar import COMPARISONS, Meaning, Thing, Verdict, caption, judge, parse, parse_query
from ...vlm.language.instructions import parse_instruction
from ...vlm.language.planning import plan
from ...vlm.language.reading import normal
from ...vlm.questions import Answer, Frame, Kind, Question, Region

KINDS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe", "plan", "chat"))
SEEING = "seeing"
"""Argument of an oracle that says what is to be seen and plans nothing: the next backend of a chain does."""

TruthOf = Callable[[Frame], FrameFacts | None]
"""Gives what is true of a picture, None when the world has moved on since it was taken."""


class Oracle:
    """Answer from truth.

    A question outside the language of ``knothole.vlm.language.grammar``, and an instruction outside that of
    ``knothole.vlm.language.instructions``, gets an answer with a ``problem``. A question that compares needs a frame
    with one earlier picture; any other one is about the last picture of a frame.

    Args:
        truth_of: Gives what is true of a picture.
        kinds: Kinds of question that it answers.
    """

    name = "oracle"
    model = "simulator truth"
    remote = False

    def __init__(self, truth_of: TruthOf, kinds: frozenset[Kind] = KINDS) -> None:
        self._truth_of, self.kinds = truth_of, kinds

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Judge each question by the truth of the picture."""
        facts = self._truth_of(frame) if frame is not None else None
        if facts is None:
            why = "the oracle needs a picture" if frame is None else "the world has changed since the picture was taken"
            return [Answer(question.kind, problem=why) for question in questions]
        before = [self._truth_of(one) for one in frame.earlier] if frame is not None else []
        return [_answer(question, facts, before) for question in questions]

    def close(self) -> None:
        """Do nothing."""


def _answer(question: Question, facts: FrameFacts, before: Sequence[FrameFacts | None]) -> Answer:
    if question.kind == "ground":
        return _ground(question, facts)
    if question.kind == "plan":
        return _plan(question, facts)
    meaning = parse(question.text)
    if meaning is None:
        if question.kind == "describe":
            return Answer("describe", text=caption(facts))
        return Answer(question.kind, problem=f"the oracle does not understand {question.text!r}")
    if meaning.predicate in COMPARISONS:
        return _compared(question, meaning, facts, before)
    verdict = judge(meaning, facts, lenient=True)
    if verdict is None:
        return Answer(question.kind, problem=f"{question.text!r} has no answer in this picture")
    return _worded(question, verdict)


def _compared(question: Question, meaning: Meaning, facts: FrameFacts, before: Sequence[FrameFacts | None]) -> Answer:
    if len(before) != 1:
        why = f"{question.text!r} compares two pictures, but was asked about {1 + len(before)}"
        return Answer(question.kind, problem=why, supported=False)
    if before[0] is None:
        return Answer(question.kind, problem="the oracle does not know what was true of the earlier picture")
    verdict = compare(meaning, before[0], facts, lenient=True)
    if verdict is None:
        return Answer(question.kind, problem=f"{question.text!r} has no answer in these pictures")
    return _worded(question, verdict)


def _worded(question: Question, verdict: Verdict) -> Answer:
    kind = question.kind
    if kind in ("describe", "chat"):
        return Answer(kind, text=verdict.text)
    if kind == "yes_no":
        if verdict.yes is None:
            return Answer(kind, problem=f"{question.text!r} is no yes/no question")
        return Answer(kind, probabilities={"yes": float(verdict.yes), "no": float(not verdict.yes)})
    wanted = normal(verdict.text)
    fits = [choice for choice in question.choices if normal(choice) == wanted]
    if not fits:
        return Answer(kind, neither=1.0, probabilities=dict.fromkeys(question.choices, 0.0))
    return Answer(kind, probabilities={choice: float(choice == fits[0]) for choice in question.choices})


def _ground(question: Question, facts: FrameFacts) -> Answer:
    thing: Thing | None = parse_query(question.text)
    if thing is None:
        return Answer("ground", problem=f"the oracle does not understand {question.text!r}")
    verdict = judge(Meaning("ground", thing), facts, lenient=True)
    found = [facts.objects[i] for i in verdict.indices] if verdict is not None else []
    regions = tuple(Region(o.box_xyxy, o.name) for o in found)
    return Answer("ground", regions=regions if question.all else regions[:1])


def _plan(question: Question, facts: FrameFacts) -> Answer:
    meant = parse_instruction(question.text)
    if meant is None:
        return Answer("plan", problem=f"the oracle does not understand {question.text!r}", supported=False)
    made = plan(meant, facts, lenient=True)
    if made is None:
        return Answer("plan", problem=f"{question.text!r} makes no sense in this picture")
    return Answer("plan", text=made.text, data=made.data)


def _check(options: BackendOptions) -> None:
    if options.argument not in ("", SEEING):
        raise BackendError(
            f"the oracle does not know {options.argument!r}\n"
            f"  fix:  write oracle, or oracle:{SEEING} for one that plans nothing, as in oracle:{SEEING},embedded"
        )


@backend("oracle", runs_in="loop", latency=0.1, check=_check)
def open_oracle(options: BackendOptions) -> Oracle:
    """Open the oracle of a simulated run; the run puts its truth into the setting ``truth``."""
    _check(options)
    truth = options.settings.get("truth")
    if not callable(truth):
        raise BackendError(
            "the oracle needs a simulated world\n"
            "  why:  it answers from the truth of the simulator\n"
            "  fix:  use it with --robot panda, or choose another backend"
        )
    return Oracle(truth, KINDS if not options.argument else KINDS - {"plan", "chat"})
