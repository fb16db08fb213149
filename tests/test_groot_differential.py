"""Our server says what that of BehaviorTree.CPP says of the same tree, up to ids and times."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import behaviortreepy as real
import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.step import RUNNING
from knothole.tests.btcpp import Loaded
from knothole.tests.btcpp import Theirs as Cased
from knothole.tests.btcpp_trees import Case, Grower
from knothole.tests.groot import HEADER, Client, Theirs, bound
from knothole.trees.builder import build
from knothole.trees.debugging.control import Control
from knothole.trees.loader import load
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.changes import Changes
from knothole.viewer.groot.answering import Answerer, News
from knothole.viewer.groot.hooking import Hooking
from knothole.viewer.groot.ports import Ports
from knothole.viewer.groot.protocol import header
from knothole.viewer.groot.recorder import unpack as unpack_transitions
from knothole.viewer.groot.server import GrootServer
from knothole.viewer.groot.shown import GrootError
from knothole.viewer.groot.statuses import unpack

XML = """<root BTCPP_format="4" main_tree_to_execute="Main">
  <BehaviorTree ID="Main">
    <Sequence name="all of it">
      <SetBlackboard value="cup" output_key="thing"/>
      <Script code="yes:=true; three:=3; half:=0.5; word:='a &lt; b'" _onSuccess="more:=9.5"/>
      <SubTree ID="Sub" name="outer"/>
      <SubTree ID="Sub"/>
      <SubTree ID="Leafy" name="last" _skipIf="false" seen="{thing}" given="blue"/>
      <AlwaysFailure _skipIf="three == 3" _while="true" _onHalted="no:=1"/>
      <Repeat num_cycles="3">
        <Fallback><AlwaysFailure/><Inverter><AlwaysFailure name="no &quot;quote&quot;"/></Inverter></Fallback>
      </Repeat>
      <Parallel success_count="1" failure_count="-1">
        <Sleep msec="60000"/>
        <RetryUntilSuccessful num_attempts="2"><AlwaysFailure/></RetryUntilSuccessful>
        <Delay delay_msec="60000"><AlwaysSuccess/></Delay>
      </Parallel>
    </Sequence>
  </BehaviorTree>
  <BehaviorTree ID="Sub">
    <Fallback><SubTree ID="Leafy"/><SubTree ID="Leafy" name="inner" _autoremap="true"/></Fallback>
  </BehaviorTree>
  <BehaviorTree ID="Leafy">
    <Sequence><Script code="here:=1"/><AlwaysFailure _successIf="here==1" _post="after:=1"/></Sequence>
  </BehaviorTree>
</root>"""
NAMES = ("Main", "ROOT", "", "outer", "Sub", "inner", "outer/inner", "last", "Leafy", "Main;Main", ";last;nobody;Main")


class Both(NamedTuple):
    """The same tree on both sides, with a client each."""

    loop: Loop
    ours: Client
    process: Theirs
    theirs: Client

    def tick(self) -> str:
        said = self.process.tick()
        assert self.loop.tick().name == said
        return said


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with side_by_side(tmp_path_factory.mktemp("shared") / "tree.xml") as pair:
        yield pair


@contextmanager
def side_by_side(file: Path) -> Iterator[Both]:
    file.write_text(XML)
    tree = build(load(file), Context())
    control = Control()
    loop = Loop(tree, watchdog=0, control=control)
    with (
        bound(lambda port: GrootServer(loop, Ports(port), control), GrootError) as server,
        Theirs(file) as process,
        loop,
        Client(server.port) as ours,
        Client(process.port) as theirs,
    ):
        yield Both(loop, ours, process, theirs)


def plain(element: ET.Element) -> Any:
    """Return tag, attributes and children of an element, without layout."""
    return element.tag, dict(element.attrib), [plain(each) for each in element]


def models(xml: str) -> dict[str, Any]:
    """Return for each node its category, and the directions of its ports."""
    model = ET.fromstring(xml).find("TreeNodesModel")
    assert model is not None
    return {each.attrib["ID"]: (each.tag, {port.attrib["name"]: port.tag for port in each}) for each in model}


def test_the_tree_is_the_same(both: Both) -> None:
    mine, other = (ET.fromstring(client.xml()) for client in (both.ours, both.theirs))
    assert mine.attrib == other.attrib
    assert [plain(each) for each in mine.findall("BehaviorTree")] == [
        plain(each) for each in other.findall("BehaviorTree")
    ]


def test_the_models_of_the_nodes_are_the_same(both: Both) -> None:
    mine, other = models(both.ours.xml()), models(both.theirs.xml())
    more = {"ConsumeQueue", "ManualSelector", "PopFromQueue", "QueueSize", "TestNode", "TryCatch"}  # of other versions
    assert mine.keys() - other.keys() == more
    differ = {name: (mine[name], model) for name, model in other.items() if mine[name] != model}
    assert differ.keys() == {"SkipUnlessUpdated", "WaitValueUpdate", "WasEntryUpdated"}  # their entry is read only
    assert all(mine[name][1] == {"entry": "inout_port"} for name in differ)


def test_statuses_are_the_same_in_each_tick(both: Both) -> None:
    assert both.ours.statuses() == both.theirs.statuses()
    for _ in range(5):
        assert both.tick() == "RUNNING"
        assert both.ours.statuses() == both.theirs.statuses()


def test_entries_are_the_same_whatever_is_asked_for(both: Both) -> None:
    for _ in range(2):
        both.tick()
        for names in NAMES:
            assert both.ours.entries(names) == both.theirs.entries(names), names


def test_recorded_transitions_are_the_same(tmp_path: Path) -> None:
    with side_by_side(tmp_path / "tree.xml") as both:
        _record(both)


def _record(both: Both) -> None:
    for client in (both.ours, both.theirs):
        assert client.ask("t") == [b""]
        assert client.ask("r", b"start")[0].isdigit()
    for _ in range(2):
        both.tick()
        assert both.ours.transitions() == both.theirs.transitions()
        assert both.ours.transitions() == both.theirs.transitions() == []
    both.tick()
    for client in (both.ours, both.theirs):
        assert client.ask("r", b"stop") == []
        assert client.transitions()
    both.tick()
    for client in (both.ours, both.theirs):
        assert client.ask("r", b"anything") == []
        assert client.transitions() == []


def test_recording_begins_anew_with_each_start(both: Both) -> None:
    for client in (both.ours, both.theirs):
        client.ask("r", b"start")
    both.tick()
    for client in (both.ours, both.theirs):
        client.ask("r", b"start")
        assert client.transitions() == []


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"abc"],
        [b"1234567"],
        [b"abc", b"more"],
        [HEADER.pack(2, ord("Z"), 7)],
        [HEADER.pack(2, ord("N"), 7)],
        [HEADER.pack(2, 0, 7)],
        [HEADER.pack(2, 255, 7)],
        [HEADER.pack(2, ord("B"), 7)],
        [HEADER.pack(2, ord("B"), 7), b"Main", b"Main"],
        [HEADER.pack(2, ord("r"), 7)],
        [HEADER.pack(2, ord("I"), 7)],
        [HEADER.pack(2, ord("R"), 7)],
        [HEADER.pack(2, ord("U"), 7)],
        [HEADER.pack(2, ord("D"), 7)],
    ],
    ids=lambda frames: b"|".join(frames).hex(),
)
def test_wrong_requests_get_the_same_errors(both: Both, frames: list[bytes]) -> None:
    mine, other = both.ours.raw(*frames), both.theirs.raw(*frames)
    assert mine[1:] == other[1:]
    assert mine[0][:6] == other[0][:6]


def test_another_version_and_more_frames_are_no_mistakes(both: Both) -> None:
    both.tick()
    for client in (both.ours, both.theirs):
        first, packed = client.raw(HEADER.pack(1, ord("S"), 5), b"more", b"and more")
        assert (first[:6], packed) == (HEADER.pack(2, ord("S"), 5), client.ask("S")[0])


def test_the_id_of_a_tree_stays_and_no_two_trees_share_one(both: Both) -> None:
    ids = [client.raw(HEADER.pack(2, ord("S"), n))[0][6:] for client in (both.ours, both.theirs) for n in (1, 2)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 2


SEEDS, TICKS = 100, 15


class Counted(NamedTuple):
    """What came of the comparison of some random trees."""

    ticks: int
    skipped: int
    again: int


def compare(case: Case, port: int) -> Counted:
    """Tick a random tree on both sides; return in how many ticks which known differences were seen.

    ``skipped``: a control or decorator that passed over all its children is left RUNNING by BehaviorTree.CPP, here it
    is idle. ``again``: a node that ended, was reset and ended in the same way in one tick; a change log does not tell.
    """
    theirs, ours = Cased(case), Loaded(case)
    publisher = real.Groot2Publisher(theirs.tree, port)
    changes, answerer = Changes(ours.built), Answerer(ours.built, Hooking(), lambda: 0)

    def ask(kind: str, *frames: bytes) -> bytes:
        reply = answerer.answer([header(kind, 1), *frames])
        return reply[1]

    ticks = skipped = again = 0
    with Client(port) as client:
        client.ask("r", b"start")
        ask("r", b"start")
        for tick, writes in enumerate(case.writes):
            if tick in case.halts:
                break
            for name, value in writes.items():
                theirs.write(name, value)
                ours.write(name, value)
            said = theirs.tick()
            if said[0] in "EK" or ours.tick() != said:
                break
            answerer.take(News(tuple(changes.fetch()), ended=ours.root.status is not RUNNING))
            ticks += 1
            pairs = zip(unpack(ask("S")), client.statuses(), strict=True)
            differ = [(mine, other) for mine, other in pairs if mine != other]
            if differ:
                assert all(mine[1] in (0, 11) and other[1] in (1, 11) for mine, other in differ), (tick, differ)
                skipped += 1
                break
            told = [(uid, status) for _, uid, status in unpack_transitions(ask("t"))]
            mine, other = by_node(told), by_node(client.transitions())
            if mine != other:
                assert shorter(mine) == shorter(other), tick
                again += 1
                break
            if said in "SF":
                break
    del publisher
    return Counted(ticks, skipped, again)


def by_node(told: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Order transitions by node, without the RUNNING of what ends in the same tick: not each node there says so."""
    last = {uid: at for at, (uid, _) in enumerate(told)}
    return sorted((e for at, e in enumerate(told) if e[1] != 1 or last[e[0]] == at), key=lambda each: each[0])


def shorter(told: list[tuple[int, int]]) -> dict[int, int]:
    """Return the last transition of each node."""
    return {uid: status for uid, status in told if status in (0, 1)}


@pytest.mark.long(minutes=0.2)
def test_random_trees_look_the_same_in_each_tick() -> None:
    counted = Counted(0, 0, 0)
    with bound(lambda port: _Free(port), GrootError) as free:
        for seed in range(SEEDS):
            case = Grower(seed, True).case(TICKS)
            if not case.timed:
                found = compare(case, free.port)
                counted = Counted(*(a + b for a, b in zip(counted, found, strict=True)))
    assert counted.ticks > 150
    assert counted.skipped + counted.again < counted.ticks / 25


class _Free:
    """Two ports that were free a moment ago."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __enter__(self) -> _Free:
        return self

    def __exit__(self, *_: object) -> None:
        pass
