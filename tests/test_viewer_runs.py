"""What the page makes of the messages of a run: statuses before a halt, failures, differences, limits, searches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from knothole.behaviors.context import Context
from knothole.tests.browsing import needs_browser, watched
from knothole.tests.viewing import crashed_run
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, Outcome
from knothole.trees.tracing.history import History
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.trace import TraceWriter
from knothole.viewer.serving import ViewerServer
from knothole.viewer.source import RecordedSource
from knothole.viewer.wire import rows

pytestmark = needs_browser

ONE = """\
knothole: 1
tree: one
root:
  sequence:
    - {say: hi, name: fetch it}
    - wait: 200ms
    - say: done
"""
TWO = """\
knothole: 1
tree: two
root:
  sequence:
    - wait: 100ms
    - say: hi
    - {check: "1 > 2", name: fetch it}
"""


def recorded(trace: Path, text: str, **options: Any) -> Path:
    """Record a run without a robot."""
    Loop(build(load_text(text), Context()), trace=TraceWriter(trace), **options).run()
    return trace


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("runs")
    traces = [recorded(folder / "one.mcap", ONE), recorded(folder / "two.mcap", TWO)]
    with ViewerServer(traces) as server:
        yield server.url


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A page whose modules are asked; the tests that click open one of their own."""
    with watched(browser, url) as found:
        yield found.open()


def ask(page: Page, does: str, *runs: list[Any]) -> Any:
    """Return what a function makes of runs that hold some messages: ``(runs, module) => …``."""
    program = f"""async (given) => {{
        const {{ Run }} = await import('./run.js');
        const runs = given.map((rows, number) => {{
            const run = new Run(number, `${{number}}`, false);
            run.add(rows);
            run.ended = true;
            return run;
        }});
        return await ({does})(runs, (name) => import(`./${{name}}.js`));
    }}"""
    return page.evaluate(program, list(runs))


STATES = """([run]) => Object.fromEntries(run.tree.nodes.map((node) => {
    const { status, reason } = run.state(node.uid, run.lastTick);
    return [node.path, [status, reason]];
}))"""


def shown(page: Page, trace: Path) -> dict[str, list[str]]:
    """Return the state of each node at the tick where the page opens."""
    found: dict[str, list[str]] = ask(page, STATES, messages(trace))
    return found


def messages(trace: Path) -> list[Any]:
    found: list[Any] = json.loads(rows(RecordedSource(trace), 0)[0])
    return found


def before_the_halt(trace: Path) -> dict[str, list[str]]:
    """Return what `knothole why` takes for the state of each node at the end."""
    history = History(read_trace(trace))
    found = {}
    for node in history.nodes:
        event = history.last(node.index, history.end)
        known = event is not None and event.status != "INVALID"
        found[node.path] = [event.status, event.reason] if known and event is not None else ["", ""]
    return found


HALTS = {
    "nothing to do": "  sequence: [say: a, wait: 10s]\n",
    "finally": "  sequence:\n    - say: a\n    - sequence: [wait: 10s]\n      finally: {say: bye}\n",
    "a wait in finally": (
        "  sequence:\n    - sequence: [wait: 10s]\n      on_halt: {set: {name: $x, to: '1'}}\n"
        "      finally: {sequence: [say: bye, wait: 1s]}\n"
    ),
    "what fails in finally": "  sequence:\n    - sequence: [wait: 10s]\n      finally: {check: '1 > 2'}\n",
}


@pytest.mark.parametrize("outcome", [Outcome.TIME_LIMIT, Outcome.INTERRUPTED])
@pytest.mark.parametrize("case", HALTS)
def test_a_run_that_was_stopped_is_shown_as_it_was_before_it_was_halted(
    case: str, outcome: Outcome, page: Page, tmp_path: Path
) -> None:
    tree = build(load_text(f"knothole: 1\ntree: t\nroot:\n{HALTS[case]}"), Context())
    loop = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap"), max_time=0.5)
    if outcome is not Outcome.TIME_LIMIT:
        loop.listeners.append(lambda ticked: loop.request_stop(outcome) if ticked.tick == 5 else None)
    assert loop.run().outcome is outcome
    states = shown(page, tmp_path / "t.mcap")
    assert states == before_the_halt(tmp_path / "t.mcap")
    assert states["t/sequence"][0] == "RUNNING"
    assert {status for path, (status, _) in states.items() if "#on_halt/" in path or "#finally/" in path} <= {""}
    assert ask(page, "([run]) => run.failures", messages(tmp_path / "t.mcap")) == []


def test_a_run_that_broke_off_is_shown_as_it_was_and_has_a_failure(page: Page, tmp_path: Path) -> None:
    trace = crashed_run(tmp_path / "t.mcap")
    states = shown(page, trace)
    assert states == before_the_halt(trace)
    assert states["t/sequence/sequence/set"] == ["RUNNING", "fault: the gripper is gone"]
    assert states["t/sequence/sequence#finally/say"] == ["", ""]
    failed = (
        "([run]) => [run.failure(0, 1), run.failure(99, -1)].map(([tick, uid]) => [tick, run.tree.byUid.get(uid).path])"
    )
    assert ask(page, failed, messages(trace)) == [[5, "t/sequence/sequence/set"]] * 2


# Made by hand: the smallest runs that show it.


def node(index: int, path: str, type: str, **more: object) -> dict[str, object]:
    kind, parent = ("leaf", 0) if index else ("composite", -1)
    own = {"index": index, "path": path, "name": path.rpartition("/")[2], "type": type, "kind": kind, "parent": parent}
    return {**own, "file": "f", "line": index + 1, "column": 1, **more}


def made(*later: list[Any], nodes: list[dict[str, object]] | None = None, text: str = "") -> list[list[Any]]:
    """Return the messages of a run: its start, its tree, and what came later as (topic, time, data)."""
    tree = {"name": "t", "file": "f", "text": text, "nodes": nodes or NODES}
    first = [["/run", 0, {"event": "start"}], ["/tree", 0, tree]]
    return [[number, *each] for number, each in enumerate([*first, *later])]


NODES = [node(0, "t", "sequence"), node(1, "t/wait", "wait"), node(2, "t/say", "say")]


def status(tick: int, node: int, status: str) -> list[Any]:
    return ["/status", (tick - 1) * 0.05, {"tick": tick, "changes": [{"node": node, "status": status, "reason": ""}]}]


def answer(tick: int, yes: float, question: str = "Is a hand there?") -> list[Any]:
    told: Mapping[str, object] = {"kind": "yes_no", "question": question, "frame": "", "probabilities": {"yes": yes}}
    return ["/answers", tick * 0.05, {"tick": tick, **told}]


def test_a_leaf_that_a_change_of_the_tree_kept_is_one_bar_for_each_time_it_ran(page: Page) -> None:
    changed = {"event": "reload", "tick": 12, "came_from": [0, 1, 2]}
    run = made(
        *(status(1, 1, "RUNNING"), status(10, 1, "SUCCESS")),
        *(["/tree", 0.6, {"name": "t", "nodes": NODES}], ["/run", 0.6, changed]),
        *(status(21, 1, "RUNNING"), status(41, 1, "SUCCESS")),
    )
    bars = ask(page, "async ([run], module) => (await module('timeline')).leafBars(run)", run)
    assert [(round(bar["from"], 6), round(bar["to"], 6), bar["level"], bar["shared"]) for bar in bars] == [
        (0.0, 0.45, 0, False),
        (1.0, 2.0, 0, False),
    ]


def test_an_answer_that_only_one_run_had_is_a_difference(page: Page) -> None:
    does = """async ([one, two], module) => {
        const { differences } = await module('compare');
        const both = [differences(one, two), differences(two, one)];
        return both.map((found) => found.map((each) => [each.tick, each.one, each.two]));
    }"""
    ticks = [status(1, 0, "RUNNING"), status(10, 0, "SUCCESS")]
    asked, silent = made(*ticks, answer(5, 0.9)), made(*ticks)
    assert ask(page, does, asked, silent) == [[[5, "yes 0.90", "no answer"]], [[5, "no answer", "yes 0.90"]]]
    shorter = made(status(1, 0, "RUNNING"), status(3, 0, "SUCCESS"))
    kinds = """async ([one, two], module) => {
        const { differences } = await module('compare');
        return differences(one, two).map((each) => each.kind);
    }"""
    assert "answer" not in ask(page, kinds, asked, shorter), "it had ended before the other one was answered"
    assert "answer" not in ask(page, kinds, shorter, asked)


SEE = """\
knothole: 1
tree: t
root:
  see:
    question: "Is it there?"
    # accept: 0.5 was not enough
    accept: 0.95
"""


@pytest.mark.parametrize(
    ("ports", "limits"),
    [
        ({"accept": 0.95, "reject": 0.3, "expect": "no"}, {"expect": "no", "accept": 0.95, "reject": 0.3}),
        ({"accept": {"entry": "$a"}, "reject": 0.2}, {"expect": "yes", "accept": 0.8, "reject": 0.2}),
        ({}, {"expect": "yes", "accept": 0.95, "reject": 0.2}),
    ],
)
def test_limits_are_those_that_the_node_had(
    ports: Mapping[str, object], limits: Mapping[str, object], page: Page
) -> None:
    run = made(nodes=[node(0, "t/see", "see", line=4, column=3, ports=ports)], text=SEE)
    assert ask(page, "async ([run], module) => (await module('questions')).limitsOf(run, 't/see')", run) == limits


def test_a_value_that_was_cut_for_the_trace_is_not_offered_for_editing(page: Page) -> None:
    values = [5, "a", None, [1] * 199, {"a": [1] * 199}, [1] * 200, {"a": {"b": [1] * 200}}]
    asked = "(await module('panels')).isWhole"
    does = f"async (_, module) => {{ const whole = {asked}; return {json.dumps(values)}.map((each) => whole(each)); }}"
    assert ask(page, does) == [True, True, True, True, True, False, False]


# Searching.


def test_what_was_searched_is_searched_again_in_another_run(browser: Browser, url: str) -> None:
    with watched(browser, url) as found:
        page = found.open()
        page.locator("#search").fill("fetch")
        expect(page.locator("#matches")).to_have_text("1 found")
        expect(page.locator("#tree .row.hit:not([hidden]) .name")).to_have_text("fetch it")
        page.locator("#tree").focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#tree .row:not([hidden])")).to_have_count(1)
        page.locator("#run").select_option(label="two.mcap")
        expect(page.locator("#title")).to_have_text("two")
        expect(page.locator("#tree .row:not([hidden])")).to_have_count(4)
        expect(page.locator("#tree .row.hit:not([hidden]) .type")).to_have_text("check")
        page.locator("#tree").focus()
        page.keyboard.press("n")
        expect(page.locator("#tree .row.selected .name")).to_have_text("fetch it")
        page.locator("#run").select_option(label="one.mcap")
        expect(page.locator("#tree .row:not([hidden])")).to_have_count(1)


def test_reasons_are_searched_anew_at_each_moment(browser: Browser, url: str) -> None:
    with watched(browser, url) as found:
        page = found.open()
        page.locator("#tree").focus()
        page.keyboard.press("0")
        page.locator("#search").fill("0.1 left")
        expect(page.locator("#matches")).to_have_text("0 found")
        page.locator("#tree").focus()
        for _ in range(3):
            page.keyboard.press(".")
        expect(page.locator("#matches")).to_have_text("1 found")
        expect(page.locator("#tree .row.hit:not([hidden]) .name")).to_have_text("wait")
        page.keyboard.press("0")
        expect(page.locator("#matches")).to_have_text("0 found")
        expect(page.locator("#tree .row.hit:not([hidden])")).to_have_count(0)
