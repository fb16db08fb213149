"""Mocks: which nodes a profile picks, what the mocked nodes do, what stays as it is, what a wrong profile is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import knothole
from knothole.app.running.options import RunOptions
from knothole.app.running.session import run_tree
from knothole.behaviors.context import Context
from knothole.behaviors.node import NodeFault
from knothole.behaviors.step import RUNNING
from knothole.tests.calling import call
from knothole.trees.builder import BuiltTree, build
from knothole.trees.changing.reload import reload
from knothole.trees.draw import draw
from knothole.trees.loader import load, load_text
from knothole.trees.mocking.apply import apply_mocks, apply_profile
from knothole.trees.mocking.profile import mocks_of, read_profile_text
from knothole.trees.mocking.sites import Selector, sites
from knothole.trees.problems import TreeError
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.trace import read_trace

HEAD = "knothole: 1\ntree: t\n"
TWO = HEAD + "root:\n  sequence:\n    - say: a\n    - say: b\n      name: second\n    - home\n"


class Ticking:
    """A mocked tree that is ticked by hand, 50 ms apart."""

    def __init__(self, tree: str, mocks: Mapping[str, object], seed: int = 0) -> None:
        spec = apply_mocks(load(tree) if "\n" not in tree else load_text(tree), mocks_of(mocks))
        self.context = Context(rng=np.random.default_rng(seed))
        self.tree: BuiltTree = build(spec, self.context)

    def tick(self) -> str:
        self.context.tick += 1
        self.context.now = (self.context.tick - 1) * 0.05
        self.tree.tick()
        return str(self.tree.root.status.name)

    def ticks(self, count: int) -> str:
        return "".join(self.tick()[0] for _ in range(count))


def run(tree: str, mocks: Mapping[str, object]) -> tuple[LoopResult, BuiltTree]:
    ticking = Ticking(tree, mocks)
    return Loop(ticking.tree, max_time=60.0).run(), ticking.tree


def refused(profile: Path) -> list[str]:
    with pytest.raises(TreeError) as caught:
        apply_profile(load_text(TWO), profile)
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        ("t/sequence/say[1]", ["say[1]"]),
        ("t/sequence/say", []),
        ("t/sequence/*", ["say[1]", "say[2]", "home"]),
        ("**/say", ["say[1]", "say[2]"]),
        ("**/say[2]", ["say[2]"]),
        ("t/*/h*", ["home"]),
        ("t/**", ["sequence", "say[1]", "say[2]", "home"]),
        ("type:say", ["say[1]", "say[2]"]),
        ("name:second", ["say[2]"]),
        ("type:second", []),
        ("second", ["say[2]"]),
        ("home", ["home"]),
        ("is:stub", []),
    ],
)
def test_a_selector_picks(selector: str, picked: list[str]) -> None:
    found = Selector(selector).among(sites(load_text(TWO)))
    assert [site.path.rpartition("/")[2] for site in found] == picked


def test_a_path_leads_through_used_trees() -> None:
    paths = [site.path for site in sites(load("tidy_table"))]
    (pick,) = Selector("tidy_table/**/put_away/**/pick").among(sites(load("tidy_table")))
    assert pick.path in paths
    assert pick.path.endswith("/use/put_away/selector/sequence/pick")


@pytest.mark.parametrize(
    "weaker",
    ["type:say", "name:second", "**/say[2]", "t/**/say[2]", "*/*/say[2]", "t/*/say[2]"],
)
def test_an_exact_path_wins_whatever_the_order(weaker: str) -> None:
    for mocks in (
        {weaker: "failure", "t/sequence/say[2]": "success"},
        {"t/sequence/say[2]": "success", weaker: "failure"},
    ):
        result, tree = run(TWO, {"t/sequence/say[1]": "success", **mocks, "t/sequence/home": "success"})
        assert (result.status, tree.root.feedback_message) == ("SUCCESS", "")


def test_fewer_wildcards_win_and_a_name_goes_before_a_type() -> None:
    order = ["type:say", "name:second", "**/say", "t/**/say", "t/*/say", "t/sequence/say[*]"]
    ranks = [Selector(text).rank for text in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks[:5])) == 5


def test_a_later_layer_wins_however_vague_it_is() -> None:
    spec = apply_mocks(load_text(TWO), mocks_of({"t/sequence/home": "failure"}), mocks_of({"t/**": "success"}))
    assert "mocked: success" in draw(spec)
    assert "failure" not in draw(spec)


ONE = HEAD + "root: home\n"


@pytest.mark.parametrize(
    ("mock", "statuses"),
    [
        ("success", "SSSS"),
        ("failure", "FFFF"),
        ("running", "RRRR"),
        ("skipped", "IIII"),
        (["running", "success"], "RSSS"),
        ({"status": ["running", "success"], "then": "last"}, "RSSS"),
        ({"status": ["running", "failure"], "then": "again"}, "RFRF"),
        ({"after": "100ms"}, "RRSR"),
        ({"after": "100ms", "status": ["failure", "success"]}, "RRFR"),
        ({"success": 1.0}, "SSSS"),
        ({"success": 0.0}, "FFFF"),
    ],
    ids=str,
)
def test_statuses_tick_by_tick(mock: object, statuses: str) -> None:
    assert Ticking(ONE, {"type:home": mock}).ticks(4) == statuses


def test_the_sequence_goes_on_over_executions_and_begins_anew_after_a_halt() -> None:
    ticking = Ticking(ONE, {"type:home": {"status": ["running", "running", "failure"]}})
    assert ticking.ticks(2) == "RR"
    ticking.tree.halt()
    assert ticking.ticks(4) == "RRFF"


def test_a_failure_has_its_reason() -> None:
    result, _ = run(ONE, {"type:home": {"status": "failure", "reason": "the door is shut"}})
    assert (result.status, result.reason) == ("FAILURE", "the door is shut")


def test_probability_follows_the_seed_of_the_run() -> None:
    def drawn(seed: int) -> str:
        return Ticking(ONE, {"type:home": {"success": 0.7}}, seed).ticks(200)

    assert drawn(1) == drawn(1) != drawn(2)
    assert 110 < Counter(drawn(1))["S"] < 170


def test_a_skipped_mock_is_passed_over() -> None:
    result, tree = run(TWO, {"type:say": "skipped", "type:home": "success"})
    assert result.status == "SUCCESS"
    assert tree["t/sequence/say[1]"].node.skipped


def test_a_guard_stops_the_clock_of_a_mock() -> None:
    go = "inputs:\n  go: {type: bool, default: true}\n"
    ticking = Ticking(
        f"{HEAD}{go}root:\n  guard:\n    check: {{check: '$go'}}\n    child: home\n", {"home": {"after": "150ms"}}
    )
    assert ticking.ticks(2) == "RR"
    ticking.tree.blackboard["go"] = False
    assert ticking.ticks(20) == "R" * 20
    ticking.tree.blackboard["go"] = True
    assert ticking.ticks(2) == "RS"


WRITER = HEAD + (
    "inputs:\n  n: {type: int, default: 1}\n"
    "root:\n  sequence:\n    - ground: {query: cup, object: $cup}\n"
    "    - say: '${cup.label} ${n}'\n"
)


def test_writes_go_to_ports_and_entries() -> None:
    writes = {
        "object": {"label": "red cup", "xyz": ["0.4m", "0m", "10cm"]},
        "$n": {"expression": "$n + 1"},
        "$new": "text of ${n}",
        "$@list": [1, 2],
    }
    result, tree = run(WRITER, {"type:ground": {"writes": writes}})
    board = tree.blackboard
    assert result.status == "SUCCESS"
    assert board["cup"].xyz == (0.4, 0.0, 0.1)  # type: ignore[attr-defined]
    assert (board["n"], board["new"], board["list"]) == (2, "text of 2", (1, 2))
    assert board.cell("cup").writer == "t/sequence/ground"


def test_nothing_is_written_before_the_end() -> None:
    ticking = Ticking(WRITER, {"type:ground": {"after": "100ms", "writes": {"$n": 5}}, "type:say": "success"})
    assert (ticking.tick(), ticking.tree.blackboard["n"]) == ("RUNNING", 1)
    ticking.ticks(2)
    assert ticking.tree.blackboard["n"] == 5


def test_a_value_of_the_wrong_type_is_refused_as_by_the_real_node() -> None:
    tree = HEAD + "inputs:\n  t: {type: any, default: soon}\nroot:\n  wait: $t\n"
    with pytest.raises(NodeFault, match="duration must be a number, it is 'soon'"):
        Ticking(tree, {"type:wait": "success"}).tick()


def test_an_entry_that_is_not_set_does_not_matter_to_a_mock() -> None:
    nodes = "dialect: bt\nnodes:\n  Go: {kind: action, ports: {where: {direction: in, type: text}}}\n"
    result, _ = run(f"{HEAD}{nodes}root:\n  Go: {{where: $unset}}\n", {"type:Go": "success"})
    assert result.status == "SUCCESS"


STUBS = """\
knothole: 1
tree: t
dialect: bt
nodes:
  Gate: {kind: control}
  Twice: {kind: decorator}
  Go: {kind: action, ports: {where: {direction: in, type: text}, cost: {direction: out, type: number}}}
root:
  Gate:
    children:
      - Go: {where: a, cost: $cost}
      - Twice: {child: {Go: {where: b}}}
"""


def test_children_of_a_mocked_node_are_left_alone() -> None:
    result, tree = run(STUBS, {"type:Gate": "success"})
    assert (result.status, len(tree.nodes)) == ("SUCCESS", 1)


def test_children_run_in_order_when_the_mock_says_so() -> None:
    mocks = {"type:Gate": {"children": "run"}, "type:Twice": {"children": "run"}, "type:Go": ["running", "success"]}
    ticking = Ticking(STUBS, mocks)
    assert ticking.ticks(3) == "RRS"
    ticking = Ticking(STUBS, {**mocks, "t/Gate/Go": "failure"})
    assert ticking.ticks(1) == "F"


def test_a_status_after_the_children_replaces_theirs() -> None:
    mocks = {"type:Gate": {"children": "run", "status": ["running", "success"]}, "type:Twice": "success"}
    ticking = Ticking(STUBS, {**mocks, "type:Go": {"status": "failure", "writes": {"cost": 2}}})
    assert ticking.ticks(2) == "RS"
    assert ticking.tree.blackboard["cost"] == 2


def test_one_line_mocks_all_that_is_only_declared() -> None:
    ticking = Ticking(STUBS, {"is:stub": {"children": "run"}})
    assert ticking.tick() == "SUCCESS"
    assert [built.node.status.name for built in ticking.tree.nodes] == ["SUCCESS"] * 4
    assert Ticking(STUBS, {"is:stub": {"children": "run"}, "type:Go": "failure"}).tick() == "FAILURE"


def test_a_mocked_use_may_run_its_tree() -> None:
    tree = (
        HEAD + "inputs:\n  n: {type: int, default: 4}\n"
        "root:\n  use: {tree: inner, inputs: {a: $n, b: two}}\n"
        "---\nknothole: 1\ntree: inner\ninputs:\n  a: {type: int}\n  b: {type: text}\n"
        "root:\n  say: '${a} ${b}'\n"
    )
    ticking = Ticking(tree, {"type:use": {"children": "run", "status": ["running", "failure"], "reason": "after all"}})
    said: list[str] = []
    ticking.context.say = said.append
    assert (ticking.ticks(2), said, ticking.tree.root.feedback_message) == ("RF", ["4 two"], "after all")


def test_the_common_keys_around_a_mocked_node_stay() -> None:
    tree = HEAD + "root:\n  home:\n  retry: 3\n  timeout: 1s\n"
    assert Ticking(tree, {"type:home": {"status": ["failure", "failure", "success"]}}).ticks(3) == "RRS"
    result, _ = run(tree, {"type:home": "running"})
    assert result.reason == "not done within 1 s (mocked)"


def test_a_mocked_use_writes_the_outputs_of_its_tree() -> None:
    tree = (
        HEAD + "root:\n  sequence:\n    - use: {tree: inner, outputs: {found: $it}}\n    - say: '${it}'\n"
        "---\nknothole: 1\ntree: inner\noutputs:\n  found: {type: text}\nroot:\n  set: {name: $found, to: \"'x'\"}\n"
    )
    result, built = run(tree, {"type:use": {"writes": {"found": "a mocked thing"}}})
    assert (result.status, built.blackboard["it"]) == ("SUCCESS", "a mocked thing")


def test_py_trees_ticks_mocks_as_the_fast_way_does() -> None:
    mocks = {"type:Gate": {"children": "run"}, "type:Twice": {"children": "run"}, "type:Go": ["running", "success"]}
    fast, slow = Ticking(STUBS, mocks), Ticking(STUBS, mocks)
    for _ in range(3):
        fast.tick()
        slow.context.tick += 1
        ticked = [node.path for node in slow.tree.root.tick()]
        assert "t/Gate" in ticked
        assert [b.node.status for b in fast.tree.nodes] == [b.node.status for b in slow.tree.nodes]


@pytest.mark.parametrize("robot", ["none", "kinematic"])
def test_a_tree_of_stubs_runs_with_a_profile(tmp_path: Path, robot: str) -> None:
    (tmp_path / "t.yaml").write_text(STUBS, encoding="utf-8")
    profile = tmp_path / "m.yaml"
    profile.write_text(
        "knothole_mocks: 1\nmocks:\n  type:Gate: {children: run}\n  type:Go: {after: 1s}\n  type:Twice: success\n",
        encoding="utf-8",
    )
    options = RunOptions(str(tmp_path / "t.yaml"), robot=robot, mock=profile, trace=tmp_path / "a.mcap")
    result = run_tree(options)
    assert (result.status, result.robot, result.ticks) == ("SUCCESS", robot, 21)
    recording = read_trace(tmp_path / "a.mcap")
    nodes: Any = recording.topic("/tree")[0].data["nodes"]
    assert {node["path"]: node["mocked"] for node in nodes} == {
        "t/Gate": "children run",
        "t/Gate/Go": "success; after 1s",
        "t/Gate/Twice": "success",
    }
    assert str(recording.start["mock"]).endswith("m.yaml")


def test_a_bound_tree_takes_a_profile_as_well(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(STUBS, encoding="utf-8")
    (tmp_path / "m.yaml").write_text('knothole_mocks: 1\nmocks: {"is:stub": failure}\n', encoding="utf-8")
    result = knothole.load(tmp_path / "t.yaml").bind(robot="none", mock=tmp_path / "m.yaml").run()
    assert (result.status, result.reason) == ("FAILURE", "mocked to fail")


def test_what_a_mock_replaces_needs_no_robot(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TWO, encoding="utf-8")
    with pytest.raises(TreeError, match="'home' needs arm"):
        run_tree(RunOptions(str(tmp_path / "t.yaml"), robot="none", record=False))
    (tmp_path / "m.yaml").write_text("knothole_mocks: 1\nmocks: {home: success}\n", encoding="utf-8")
    options = RunOptions(str(tmp_path / "t.yaml"), robot="none", record=False, mock=tmp_path / "m.yaml")
    assert run_tree(options).status == "SUCCESS"


MOCKED = (
    HEAD
    + """root:
  sequence:
    - pick: a
      retry: 3
    - place: {object: a, into: b}
"""
)
MOCKS = """knothole_mocks: 1
mocks:
  pick: {status: [failure, failure, running, running, running, running, success]}
  place: success
"""


def test_a_mocked_run_is_replayed_and_resumed_where_no_mocks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(MOCKED, encoding="utf-8")
    Path("m.yaml").write_text(MOCKS, encoding="utf-8")
    run = "run t.yaml --mock m.yaml --robot none"
    assert call(f"{run} --trace whole.mcap")[0] == 0
    assert call(f"{run} --trace left.mcap --max-time 0.1")[0] == 4
    code, out, err = call("run --resume left.mcap --trace more.mcap")
    assert (code, err) == (0, "")
    assert "begun anew" not in out
    assert read_trace(Path("more.mcap")).end["ticks"] == read_trace(Path("whole.mcap")).end["ticks"]
    Path("m.yaml").unlink()
    for trace in ("whole", "left", "more"):
        code, out, err = call(f"replay {trace}.mcap")
        assert (code, err, out[:8]) == (0, "", "t: equal")


def test_a_mocked_node_goes_on_beside_an_edit(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MOCKS, encoding="utf-8")
    built = build(apply_profile(load_text(MOCKED), tmp_path / "m.yaml"), Context())
    for _ in range(3):
        built.tick()
    pick = built["t/sequence/pick"].node
    edited = apply_profile(load_text(MOCKED.replace("into: b", "into: c")), tmp_path / "m.yaml")
    done = reload(built, edited)
    assert built["t/sequence/pick"].node is pick
    assert (done.halted, pick.status) == ((), RUNNING)
    other = apply_mocks(load_text(MOCKED), mocks_of({"pick": "failure", "place": "success"}))
    assert "t/sequence/pick" in reload(built, other).halted


def test_a_drawing_shows_what_is_mocked() -> None:
    mocks = mocks_of({"**/ground": {"writes": {"objects": [{"label": "cup"}]}}, "**/pick": {"success": 0.5}})
    drawn = draw(apply_mocks(load("tidy_table"), mocks), expand=True)
    assert [line.split("mocked: ")[1] for line in drawn.splitlines() if "mocked" in line] == [
        "success",
        "success with probability 0.5",
    ]


@pytest.mark.parametrize(
    ("mocks", "codes"),
    [
        ("home: sucess", ["K233"]),
        ("home: {status: success, success: 0.5}", ["K236"]),
        ("home: {then: again}", ["K236"]),
        ("home: {reason: because}", ["K236"]),
        ("home: {}", ["K236"]),
        ("home: {statu: success}", ["K231"]),
        ("home: {success: 2}", ["K107"]),
        ("home: {after: 3}", ["K106"]),
        ("home: {children: run}", ["K238"]),
        ("home: {writes: {where: 3}}", ["K237"]),
        ('home: {writes: {$a: {expression: "1 +"}}}', ["K119"]),
        ("homme: success", ["K234"]),
        ('"**/hom": success', ["K234"]),
        ("type:hom: success", ["K234"]),
        ('"**/say": success\n  "t/**": failure', ["K235"]),
        ('"**/say": success\n  "**/say[2]": failure', []),
        ("type:say: success\n  name:second: failure", []),
        ("home: 3\n  type:hoem: success\n  nothing/at/all: success", ["K233", "K234", "K234"]),
    ],
)
def test_mistakes_of_a_profile(mocks: str, codes: list[str], tmp_path: Path) -> None:
    profile = tmp_path / "m.yaml"
    profile.write_text(f"knothole_mocks: 1\nmocks:\n  {mocks}\n", encoding="utf-8")
    if codes:
        assert refused(profile) == codes
    else:
        assert draw(apply_profile(load_text(TWO), profile)).count("mocked") == 2


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("knothole_mocks: 1\nmocks: {home: }\n", ["K236"]),
        ("knothole: 1\ntree: t\nroot: home\n", ["K230"]),
        ("mocs: {home: success}\n", ["K230", "K231", "K232"]),
    ],
    ids=["a mock without a word", "a tree", "no header"],
)
def test_a_profile_is_told_what_it_lacks_and_no_more(text: str, codes: list[str]) -> None:
    with pytest.raises(TreeError) as caught:
        read_profile_text(text)
    assert [problem.code for problem in caught.value.problems] == codes
