"""A trace as a replay needs it: how the tree was built, and tick by tick what came into it and what it did."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

from ..._base import KnotholeError
from ...vlm.questions import Answer, Question
from ...vlm.recorded import answer_of
from ..changing.checkpoint import Checkpoint
from ..spec import TreeSpec
from ..ticking.digest import Digest
from ..tracing.changes import Change
from ..tracing.piece import piece_of
from ..tracing.recording import Message, Recording, is_reload
from .noting import TOPIC, VERSION, Kind
from .spec_data import tree_of
from .wishes import WISHED, Wish, wishes_of


class ReplayError(KnotholeError):
    """A trace, or what was asked of a replay, is not fit for one."""


@dataclass(frozen=True)
class LeafNote:
    """What a trace says of one leaf.

    Attributes:
        way: ``recorded``, ``ticked`` or ``answers``; see ``Leaf.replays``.
        shape: See ``noting.shape_of``.
        limb: What it commands.
        overridden: True when another node stood in its place, as in tests.
    """

    way: str
    shape: str
    limb: str = ""
    overridden: bool = False


@dataclass(frozen=True)
class Planted:
    """The tree from one segment on.

    Attributes:
        spec: The tree.
        paths: Paths of its nodes, by index.
        own: Fingerprints of its nodes, by path.
        leaves: Path of a leaf → what the trace says of it.
        ruled: Paths of the nodes that invariants are about.
        origins: As for ``changing.reload``; of a tree that replaced another one.
        grown: As for ``changing.reload``.
    """

    spec: TreeSpec
    paths: tuple[str, ...]
    own: Mapping[str, str]
    leaves: Mapping[str, LeafNote]
    ruled: frozenset[str]
    origins: Mapping[str, str]
    grown: str = ""


@dataclass(frozen=True)
class Mark:
    """Something that came into the tree.

    Attributes:
        moment: When within its segment, see ``Changes.moment``.
        what: See ``noting.Mark``.
        node: Index of the node, ``OUTSIDE`` for none.
        data: Of ``w`` name, kept value and writer; of ``q`` and ``c`` the message of the trace; of ``g`` the stamp.
    """

    moment: int
    what: str
    node: int
    data: Any


@dataclass(frozen=True)
class LeafEvent:
    """One change of a leaf."""

    moment: int
    node: int
    status: str
    reason: str


@dataclass(frozen=True)
class Segment:
    """What happened between two fetches of the change log: a tick, a change of the tree, the end of the run.

    Attributes:
        kind: What it is.
        tick: Number of the tick.
        now: Run clock, [s].
        tree: Number of the tree that was ticked.
        marks: What came in, in order.
        events: What leaves became, in order.
        seen: What inner nodes saw outside of the tree, in order: index of the node and the value as it was kept.
        refused: Which ticks of nodes invariants refused, in order: moment, index of the node, and why.
    """

    kind: Kind
    tick: int
    now: float
    tree: int
    marks: tuple[Mark, ...] = ()
    events: tuple[LeafEvent, ...] = ()
    seen: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    refused: tuple[tuple[int, int, str], ...] = ()


class Story(Digest):
    """What a run did, line by line: two runs are the same when their lines are, and then their digests are, too."""

    def __init__(self, tree: Any) -> None:
        self.lines: list[tuple[Any, ...]] = []
        super().__init__(tree)

    def add(self, *what: object) -> None:
        """Take in one thing that the run did, and keep it."""
        self.lines.append(what)
        super().add(*what)

    def wrote(self, tick: int, name: str, writer: str, value: object) -> None:
        """Take in a write of which only the summary is known."""
        self.add("write", tick, name, writer, value)


@dataclass(frozen=True)
class Tape:
    """A recorded run, ready to be ticked again.

    Attributes:
        recording: The trace.
        trees: The tree it began with, then those that replaced it.
        segments: What happened, in order; ends where a killed trace does.
        answers: Tick → the answers that were delivered at its begin.
        story: What the run did, as far as the segments go.
        inputs: Values of the tree's inputs, decoded.
        began: Run clock before the first tick, [s].
        halt_timeout: As for ``Loop``.
        human: Whether there was somebody to ask.
        poses: Where things were at the end.
        cut: True when the trace goes on behind the last segment, or has no end.
        altered: The first tick of which the trace says something else than what was recorded, by its check sums; 0 for
            none.
        checkpoint: What a run that was resumed began with; None for any other.
        wishes: What happened otherwise, where the run is a replay itself.
    """

    recording: Recording
    trees: tuple[Planted, ...]
    segments: tuple[Segment, ...]
    answers: Mapping[int, Sequence[Mapping[str, Any]]]
    story: Story
    inputs: Mapping[str, Any]
    began: float
    halt_timeout: float
    human: bool
    poses: Mapping[str, Sequence[float]] = field(default_factory=dict)
    cut: bool = False
    altered: int = 0
    checkpoint: Checkpoint | None = None
    wishes: tuple[Wish, ...] = ()

    @property
    def last_tick(self) -> int:
        """Number of the last tick."""
        return max((segment.tick for segment in self.segments), default=0)

    @property
    def outcome(self) -> str:
        """How the run ended, empty when the trace does not say it."""
        return "" if self.cut else str(self.recording.end.get("outcome", ""))

    @staticmethod
    def of(recording: Recording) -> Tape:
        """Read what a trace holds for a replay.

        Raises:
            ReplayError: It holds too little, or its tree cannot be replayed.
        """
        try:
            return _Reader(recording).tape()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ReplayError(
                f"what the trace holds for a replay cannot be read: {type(error).__name__}: {error}\n"
                "  fix:  record the run again"
            ) from error


class _Reader:
    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.notes = recording.topic(TOPIC)
        self.sums: list[str] = []
        self.altered = 0
        self.start: Mapping[str, Any] = next((m.data for m in self.notes if m.data.get("what") == "start"), {})
        piece = piece_of(recording)
        if not self.start and piece is not None:
            raise ReplayError(
                f"a piece of a trace cannot be replayed: {piece}\n"
                "  why:  a replay begins with the first tick of the run\n"
                "  fix:  replay the whole trace; `knothole why` reads a piece all the same"
            )
        if not self.start:
            raise ReplayError(
                "the trace does not hold what a replay needs\n"
                "  why:  it was recorded by an older version, or its writer was killed at once\n"
                "  fix:  record the run again; `knothole why` reads it all the same"
            )
        if self.start.get("version") != VERSION:
            raise ReplayError(
                f"the trace was recorded for version {self.start.get('version')} of the replay, this is {VERSION}\n"
                "  fix:  replay it with the version of knothole that recorded it"
            )
        self.checkpoint = Checkpoint.first(recording) if self.start["tick"] else None
        if self.start["tick"] and (self.checkpoint is None or self.checkpoint.tick != self.start["tick"]):
            raise ReplayError(
                f"the run was resumed after tick {self.start['tick']}, and its state then is not in this trace\n"
                f"  fix:  replay the trace that it went on from: "
                f"{recording.start.get('resumed', {}).get('trace', 'the one before')}"
            )

    def tape(self) -> Tape:
        rows = [m.data for m in self.recording.topic("/tree")]
        built = [m.data for m in self.notes if m.data.get("what") in ("start", "tree")]
        trees = tuple(_planted(data, row) for data, row in zip(built, rows, strict=False))
        segments, whole = self._segments(len(trees))
        ends = [m.data for m in self.notes if m.data.get("what") == "end"]
        cut = not whole or not ends or not self.recording.end
        if len(segments) > 1 and segments[-1].kind == "end" and self.recording.end.get("outcome") != "FAULT":
            ticks = [segment.tick for segment in segments if segment.kind == "tick"]
            if segments[-1].tick > max(ticks, default=0):  # Ctrl-C broke its last tick
                segments, cut = segments[:-1], True
        if not any(segment.kind == "tick" for segment in segments) and cut:
            to = (self.recording.start.get("cut") or {}).get("to")
            raise ReplayError(
                "the trace holds no tick that can be replayed: "
                + (f"it is a piece that ends at {to:.6g} s\n" if to is not None else "its writer was killed at once\n")
                + f"  fix:  {'cut a longer piece' if to is not None else 'record the run again'}"
            )
        last = segments[-1] if segments else None
        poses = ends[0]["poses"] if ends and not cut else {}
        answers: dict[int, list[Mapping[str, Any]]] = {}
        wishes = wishes_of(self.recording)
        wished = {wish.tick for wish in wishes}
        for message in self.recording.topic("/answers"):
            if message.data.get("model") != WISHED or message.data["tick"] not in wished:  # the wish gives that anew
                answers.setdefault(int(message.data["tick"]), []).append(message.data)
        tape = Tape(
            self.recording,
            trees,
            segments,
            answers,
            self._story(trees, last, cut, poses),
            self.start["inputs"],
            float(self.start["now"]),
            float(self.start["halt_timeout"]),
            bool(self.start["human"]),
            poses,
            cut,
        )
        return replace(tape, altered=self.altered, checkpoint=self.checkpoint, wishes=wishes)

    def _segments(self, trees: int) -> tuple[tuple[Segment, ...], bool]:
        """Return the segments, and whether all of them are whole."""
        statuses = deque(m.data for m in self.recording.topic("/status"))
        asked = {"q": deque(m.data for m in self.recording.topic("/questions"))}
        asked["c"] = deque(m.data for m in self.recording.topic("/cancelled"))
        found: list[Segment] = []
        tree = 0
        leaves = [self._leaf_indices(number) for number in range(trees)]
        for note in self.notes:
            for kind, tick, now, changes, so_far, *more in note.data.get("segments", ()):
                moments, rows = more or ((), ())
                if (changes and not statuses) or tree >= trees:
                    return tuple(found), False
                changed = statuses.popleft()["changes"] if changes else ()
                self.sums += [so_far] if changes else []
                try:
                    marks = tuple(_mark(row, asked) for row in rows if row[1] not in "ir")
                except IndexError:
                    return tuple(found), False
                of_leaves = [each for each in changed if each["node"] in leaves[tree]]
                events = tuple(
                    LeafEvent(moment, each["node"], each["status"], each["reason"])
                    for moment, each in zip(moments, of_leaves, strict=False)
                )
                seen = tuple((int(row[2]), row[3]) for row in rows if row[1] == "i")
                refused = tuple((int(row[0]), int(row[2]), str(row[3])) for row in rows if row[1] == "r")
                found.append(Segment(kind, int(tick), float(now), tree, marks, events, seen, refused))
                tree += kind == "reload"
        return tuple(found), True

    def _leaf_indices(self, number: int) -> set[int]:
        rows = self.recording.topic("/tree")[number].data["nodes"]
        return {row["index"] for row in rows if row["kind"] == "leaf"}

    def _story(
        self, trees: Sequence[Planted], last: Segment | None, cut: bool, poses: Mapping[str, Sequence[float]]
    ) -> Story:
        """Tell again what the run did; of a trace that is cut up to the last whole segment."""
        story = Story(_shown(trees[0]))
        reloads, sums = 0, iter(self.sums)
        final = last.tick if last is not None else 0
        for message in self.recording.messages:
            data = message.data
            if cut and int(data.get("tick", 0)) > final:
                continue
            if message.topic == "/status":
                story.changes(Change(c["node"], data["tick"], c["status"], c["reason"]) for c in data["changes"])
                if not self.altered and next(sums, "") not in ("", story.so_far()()):
                    self.altered = int(data["tick"])
            elif message.topic == "/blackboard":
                story.wrote(data["tick"], data["name"], data["writer"], data["value"])
            elif message.topic == "/questions":
                story.question(data["tick"], data["asker"], question_of(data))
            elif message.topic == "/cancelled":
                story.cancelled(data["tick"], question_of(data))
            elif message.topic == "/answers":
                story.answer(data["tick"], Question(data["kind"], data["question"]), recorded_answer(data))
            elif is_reload(message):
                reloads += 1
                if reloads < len(trees):
                    story.reload(data["tick"], cast(Any, _shown(trees[reloads])), data["came_from"])
        if not cut:
            story.poses(poses)
            story.outcome(str(self.recording.end.get("outcome", "")))
        return story


def _planted(data: Mapping[str, Any], row: Mapping[str, Any]) -> Planted:
    nodes = row["nodes"]
    paths = tuple(node["path"] for node in nodes)
    notes = {
        paths[each["node"]]: LeafNote(each["way"], each["shape"], each.get("limb", ""), each.get("overridden", False))
        for each in data["leaves"]
    }
    files = {row["file"]: row["text"], **row.get("files", {})}
    own = {node["path"]: str(node.get("own", "")) for node in nodes}
    ruled = frozenset(paths[index] for index in data.get("ruled", ()))
    origins, grown = data.get("origins", {}), str(data.get("grown", ""))
    return Planted(tree_of(data["tree"], files), paths, own, notes, ruled, origins, grown)


def _shown(tree: Planted) -> Any:
    """Return as much of a built tree as a digest looks at."""
    return SimpleNamespace(spec=tree.spec, nodes=[SimpleNamespace(path=path) for path in tree.paths])


def _mark(row: Sequence[Any], asked: Mapping[str, deque[Mapping[str, Any]]]) -> Mark:
    moment, what, node, *more = row
    if what == "w":
        return Mark(int(moment), what, int(node), tuple(more))
    if what == "g":
        return Mark(int(moment), what, int(node), float(more[0]))
    return Mark(int(moment), what, int(node), asked[what].popleft())


def question_of(data: Mapping[str, Any]) -> Question:
    """Return the question of a message; of sound only its hash is in a trace."""
    history = tuple((str(role), str(words)) for role, words in data.get("history", ()))
    plain = {name: data.get(name, "") for name in ("schema", "context")}
    return Question(
        data["kind"],
        data["text"],
        tuple(data.get("choices", ())),
        bool(data.get("all")),
        history=history,
        refused=tuple(map(str, data.get("refused", ()))),
        **plain,
    )


def recorded_answer(data: Mapping[str, Any]) -> Answer:
    """Return the answer of a message, with the picture it is about."""
    answer = answer_of(data)
    return replace(answer, frame_id=data["frame"], frame_stamp=float(data["frame_stamp"]))


def is_picture(message: Message) -> bool:
    """Tell whether a message shows something that a replay does not make again, such as a picture."""
    return message.topic.startswith("/frames") or message.topic in ("/joints", "/ground", "/plans")
