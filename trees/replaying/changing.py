"""What happens otherwise in a run: another answer comes, a node gets another status. In a replay, and in a new run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..._base import UnknownNameError, near_misses
from ...behaviors.context import Context
from ...behaviors.human import Asked
from ...behaviors.means.watching import Watching
from ...behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from ...vlm.questions import Answer, Question
from ...vlm.tickets import BrokerEvent, Ticket
from ..builder import BuiltTree
from .leaves import PlayedWatching
from .surroundings import PlayedBroker, retold
from .tape import ReplayError, Tape
from .wishes import INTERVENTIONS, WISHED, Wish

if TYPE_CHECKING:
    from ..tracing.trace import TraceWriter

__all__ = ["STATUSES", "Wish", "Wishes", "answer_for", "wish_of"]

STATUSES: Final[Mapping[str, Status]] = {
    "SUCCESS": SUCCESS, "FAILURE": FAILURE, "RUNNING": RUNNING, "SKIPPED": INVALID,
}  # fmt: skip
_TIE: Final = 1e-6
_FEW: Final = 6


@dataclass
class Wishes:
    """Wishes, made to come true in a tree that is about to be ticked.

    Attributes:
        wishes: All of them.
        granted: Those that came true.
        ticked: Path of a node with a wish → the ticks in which it was ticked.
        questions: Path → what it last asked, up to the tick of its wish.
        asked: Path → what it had put to the human then.
        play: False only notes when nodes are ticked.
        trace: Where it is written which of them came true, so that a replay of that trace lets them come true again.
    """

    wishes: tuple[Wish, ...]
    play: bool = True
    trace: TraceWriter | None = None
    granted: list[Wish] = field(default_factory=list)
    ticked: dict[str, list[int]] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    _wrapped: set[int] = field(default_factory=set)

    def plant(self, tree: BuiltTree, broker: PlayedBroker | None = None) -> None:
        """Let them come true when a tree is ticked."""
        for path in dict.fromkeys(wish.node for wish in self.wishes):
            built = next((each for each in tree.nodes if each.path == path), None)
            if built is not None and id(built.node) not in self._wrapped:
                self._wrapped.add(id(built.node))
                self._wrap(built.node, tree, broker)

    def _wrap(self, node: Any, tree: BuiltTree, broker: PlayedBroker | None) -> None:
        context, path, own = tree.context, node.path, node._t
        wanted = {wish.tick: wish for wish in self.wishes if wish.node == path and wish.what == "status"}
        answers = {wish.tick: wish for wish in self.wishes if wish.node == path and wish.what == "answer"}
        watching = watching_of(node)
        again = False
        if answers and self.play and watching is not None and not isinstance(watching, PlayedWatching):
            _listen(watching, context, lambda question: self._instead(answers.get(context.tick), question, context))
        if answers and watching is None:
            self._hear(node, answers)

        def tick() -> Status:
            nonlocal again
            self.ticked.setdefault(path, []).append(context.tick)
            if again:
                again, node.status = False, INVALID
            wish = wanted.get(context.tick) if self.play else None
            if wish is not None:
                again = STATUSES[wish.value] is RUNNING and node.status is not RUNNING
                self._grant(wish, context)
                return _give(node, wish.value)
            answer = answers.get(context.tick)
            if answer is not None and isinstance(watching, PlayedWatching) and self.play and watching.question:
                watching.instead = self._instead(answer, watching.question, context)
                if broker is not None and watching.asked is not None and watching.instead is not None:
                    broker.told(watching.asked, watching.instead, context.now)
            status: Status = own()
            if watching is not None and watching.question is not None and context.tick in answers:
                self.questions[path] = watching.question
            return status

        node._t = tick

    def _hear(self, node: Any, answers: Mapping[int, Wish]) -> None:
        """Let a leaf that talks with the human hear something else."""
        own, context = node.step, node.context

        def step() -> Status:
            wish, asked = answers.get(context.tick), getattr(node, "_asked", None)
            if wish is not None and isinstance(asked, Asked):
                self.asked[node.path] = asked
                if self.play:
                    self._grant(wish, context)
                    asked.hear(_word(asked, wish))
            status: Status = own()
            return status

        node.step = step

    def _instead(self, wish: Wish | None, question: Question, context: Context) -> Answer | None:
        if wish is None:
            return None
        self._grant(wish, context)
        return answer_for(question, wish)

    def _grant(self, wish: Wish, context: Context) -> None:
        if wish in self.granted:
            return
        self.granted.append(wish)
        if self.trace is not None:
            self.trace.put(INTERVENTIONS, context.now, wish.to_json())

    def over(self, others: Iterable[Wish]) -> tuple[Wish, ...]:
        """Return those of other wishes that can come true as well: they are not about the same tick of a node."""
        mine = {(wish.node, wish.tick) for wish in self.wishes} if self.play else set()
        return tuple(wish for wish in others if (wish.node, wish.tick) not in mine)

    def check(self) -> None:
        """Make sure, after a run that only noted, that each wish can come true.

        Raises:
            ReplayError: A node is not ticked in the tick of its wish, or its question cannot have the answer.
        """
        for wish in self.wishes:
            ticks = self.ticked.get(wish.node, [])
            if wish.tick not in ticks:
                raise ReplayError(
                    f"{wish.node} was not ticked in tick {wish.tick}\n"
                    f"  why:  it was ticked in {_spans(ticks) or 'no tick at all'}\n"
                    f"  fix:  give one of these{_nearest(ticks, wish.tick)}"
                )
            if wish.what == "answer":
                question = self.questions.get(wish.node)
                if wish.node in self.asked:
                    _word(self.asked[wish.node], wish)
                    continue
                if question is None:
                    raise ReplayError(
                        f"{wish.node} had asked nothing up to tick {wish.tick}\n  fix:  give a later tick"
                    )
                answer_for(question, wish)


def _word(asked: Asked, wish: Wish) -> str:
    """Return what the human says by a wish.

    Raises:
        ReplayError: It is none of the options.
    """
    if asked.options and wish.value not in asked.options:
        raise _no_answer(wish.value, asked.prompt, asked.options)
    return wish.value


def _no_answer(value: str, prompt: str, choices: tuple[str, ...], more: str = "") -> ReplayError:
    near = near_misses(value, choices)
    hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
    return ReplayError(f"{value!r} is no answer to {prompt!r}{hint}\n  fix:  give one of {', '.join(choices)}{more}")


def watching_of(node: Any) -> Watching | None:
    """Return the watch of a leaf that decides by what is seen; None for any other node."""
    return next((value for value in vars(node).values() if isinstance(value, Watching)), None)


def _listen(watching: Any, context: Context, instead: Any) -> None:
    """Let another answer reach a leaf that really asks, and tell of it as of any answer."""
    news_of, look_of = watching.news, watching.look
    last: Ticket | None = None

    def look(**how: bool) -> None:
        nonlocal last
        look_of(**how)
        if watching.waiting:
            last = watching._asking.ticket

    def news(question: Question) -> Answer | None:
        other: Answer | None = instead(question)
        broker = context.broker
        if other is not None and last is not None and broker is not None and broker.listener is not None:
            broker.listener(BrokerEvent("answered", context.now, retold(last, other)))
        came: Answer | None = news_of(question)
        if other is None:
            return came
        if watching.frame is None:
            leaf = watching._leaf
            watching.frame = leaf.context.look(watching._camera)
            watching.seen = watching.frame.stamp
        watching.answer = other
        return other

    watching.news, watching.look = news, look


def _give(node: Any, status: str) -> Status:
    """Give a node a status instead of ticking it; what runs there is halted."""
    new = STATUSES[status]
    if new is not RUNNING and (node.status is RUNNING or node.children):
        node._x(INVALID)
    node.skipped = status == "SKIPPED"
    node.status, node.feedback_message = new, "set by --status"
    if node._log is not None:
        node._log(node)
    return new


def answer_for(question: Question, wish: Wish) -> Answer:
    """Return the answer that a wish means.

    Raises:
        ReplayError: The question cannot have it.
    """
    value = wish.value
    choices = ("yes", "no") if question.kind == "yes_no" else question.choices
    if question.kind == "yes_no" and re.fullmatch(r"0?\.\d+|[01](\.0*)?", value):
        p = float(value)
        return Answer("yes_no", {"yes": p, "no": 1.0 - p}, model=WISHED)
    if value not in choices:
        more = ", or a probability of yes from 0 to 1" if question.kind == "yes_no" else ""
        raise _no_answer(value, question.text, choices, more)
    return Answer(question.kind, {choice: float(choice == value) for choice in choices}, model=WISHED)


def wish_of(what: str, text: str, tape: Tape) -> Wish:
    """Read ``NODE=VALUE@MOMENT``; the moment is a tick, or a time since the run began.

    Raises:
        ReplayError: It has another form, or names no status, or a tick beyond the end.
        UnknownNameError: No node has this path.
    """
    found = re.fullmatch(r"(.+?)=(.*)@(\d+|(?:\d+(?:\.\d+)?|\.\d+)(?:ms|s|min))", text)
    sample = "pick=FAILURE@340" if what == "status" else "see=no@12.4s"
    if found is None:
        raise ReplayError(f"--{what} {text!r} is not understood\n  fix:  write NODE=VALUE@MOMENT, such as {sample}")
    node, value, at = (part.strip() for part in found.groups())
    paths = list(dict.fromkeys(path for tree in tape.trees for path in tree.paths))
    path = _node(node, paths)
    if what == "status" and value not in STATUSES:
        near = near_misses(value.upper(), STATUSES)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        raise ReplayError(f"{value!r} is no status{hint}\n  fix:  give one of {', '.join(STATUSES)}")
    if what == "answer" and not any(tree.leaves[path].way == "answers" for tree in tape.trees if path in tree.leaves):
        raise ReplayError(
            f"{path} cannot be given another answer: a replay does not know what it would have made of it\n"
            "  why:  only see, which, score and ask_human decide anew; of other nodes the result was recorded\n"
            f"  fix:  give the result: --status {path}=FAILURE@{at}"
        )
    return Wish(what, path, value, tick_of(at, tape))


def _node(text: str, paths: list[str]) -> str:
    """Return the path that a text means: a path, or its end where that is one node's alone."""
    if text in paths:
        return text
    ends = [path for path in paths if path.endswith(f"/{text}")]
    ends = ends or [path for path in paths if re.sub(r"\[\d+\]$", "", path).endswith(f"/{text}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise ReplayError(f"{text!r} are {len(ends)} nodes\n  fix:  give the path: {', '.join(ends[:_FEW])}")
    raise UnknownNameError("node", text, paths, "give a path as `knothole draw` shows it")


def tick_of(text: str, tape: Tape) -> int:
    """Return the number of the tick that a moment means: a tick, or the last one up to a time since the run began.

    Raises:
        ReplayError: It lies outside the recorded run.
    """
    ticks = {segment.tick: segment.now for segment in tape.segments if segment.kind == "tick"}
    began = min(ticks.values(), default=0.0)
    last = max(ticks, default=0)
    if text.isdecimal():
        tick = int(text)
    else:
        number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
        time = float(number) * {"ms": 0.001, "s": 1.0, "min": 60.0}[unit]
        if time > ticks.get(last, began) - began + _TIE:
            raise ReplayError(f"{text} is beyond the recorded run\n  fix:  it ended {ticks[last] - began:.2f} s in")
        tick = max(each for each, now in ticks.items() if now - began <= time + _TIE)
    if tick not in ticks:
        first = min(ticks, default=0)
        raise ReplayError(f"there is no tick {tick}\n  fix:  the recorded run has ticks {first} to {last}")
    return tick


def _spans(ticks: Iterable[int]) -> str:
    """Return numbers in short: 1-3, 7."""
    spans: list[list[int]] = []
    for tick in sorted(set(ticks)):
        if spans and tick == spans[-1][1] + 1:
            spans[-1][1] = tick
        else:
            spans.append([tick, tick])
    shown = [f"{a}-{b}" if b > a else f"{a}" for a, b in spans]
    return ", ".join(shown if len(shown) <= _FEW else [*shown[: _FEW - 1], "…", shown[-1]])


def _nearest(ticks: list[int], wanted: int) -> str:
    return f", such as {min(ticks, key=lambda tick: (abs(tick - wanted), tick))}" if ticks else ""
