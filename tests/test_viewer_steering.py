"""Steering a live run from the page: pause, step, breakpoints, values, results, answers, the stop; the trace has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

from knothole.behaviors.context import Context
from knothole.tests.browsing import Watched, needs_browser, watched
from knothole.tests.live_viewing import ASKS, CHECK, ROUNDS, LiveRun, interventions, live_run
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.recording import Recording, read_trace
from knothole.trees.tracing.trace import TraceWriter
from knothole.viewer.serving import ViewerServer
from knothole.viewer.source import LiveSource

pytestmark = needs_browser


class Live:
    """A run, and the page that steers it.

    Args:
        page: The page.
        run: The run.
    """

    def __init__(self, page: Page, run: LiveRun) -> None:
        self.page, self.trace, self.end, self.heard = page, run.trace, run.end, run.heard

    def stop(self) -> tuple[LoopResult, Recording]:
        """Press the stop and return how the run ended, and its trace."""
        self.page.keyboard.press("X")
        return self.end(), read_trace(self.trace)

    def choose(self, name: str) -> None:
        """Select a node by its row."""
        self.page.locator("#tree .row:not([hidden])").filter(has_text=name).first.click()

    def standing(self, text: str) -> None:
        """Wait until the page says how the run stands."""
        expect(self.page.locator("#standing")).to_contain_text(text)


@contextmanager
def live(
    browser: Browser, folder: Path, text: str = ROUNDS, answers: Mapping[str, object] | None = None
) -> Iterator[Live]:
    """Run a tree that is steered from a page; it stands before its first tick. With answers it may look and ask."""
    with live_run(folder, text, answers) as run, watched(browser, run.url) as found:
        found.open()
        yield Live(found.page, run)


def ended_last(page: Page, path: str) -> str:
    """Return how a node ended last, as the page knows it."""
    ask = """(path) => {
        const { run, tick } = knothole.view;
        return run.before(run.tree.byPath.get(path).uid, tick).status;
    }"""
    found: str = page.evaluate(ask, path)
    return found


def test_it_steps_and_pauses_and_goes_on(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        run.standing("paused at tick 0")
        run.page.keyboard.press("s")
        run.standing("paused at tick 1")
        run.page.get_by_label("ticks to step").fill("5")
        run.page.get_by_role("button", name="Step").click()
        run.standing("paused at tick 6")
        expect(run.page.locator("#moment")).to_contain_text("tick 6 of 6")
        run.page.get_by_role("button", name="Resume").click()
        run.standing("running")
        run.page.locator("#tree").focus()
        run.page.keyboard.press(" ")
        run.standing("paused at tick")
        result, recording = run.stop()
        assert result.outcome.name == "INTERRUPTED"
        assert interventions(recording) == ["step", "step", "resume", "pause", "stop"]
        expect(run.page.locator("#standing")).to_contain_text("ended")
        expect(run.page.get_by_role("button", name="Step")).to_be_disabled()


def test_it_says_that_a_run_stands_when_what_led_there_can_be_seen(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        run.standing("paused at tick 0")
        run.heard.clear()
        run.page.keyboard.press("s")
        run.standing("pausing in tick 1")
        run.heard.set()
        run.standing("paused at tick 1")
        assert run.page.evaluate("knothole.view.tick") == 1
        run.stop()


def test_a_breakpoint_stops_at_a_status_an_expression_and_never_more_than_it_says(
    browser: Browser, tmp_path: Path
) -> None:
    with live(browser, tmp_path) as run:
        page = run.page
        run.standing("paused at tick 0")
        page.keyboard.press("b")
        run.choose("selector")
        page.locator("#break-status").select_option("SUCCESS")
        page.locator("#break-when").fill("$n == 1")
        page.locator("#break-once").check()
        page.get_by_role("button", name="Add breakpoint").click()
        expect(page.locator("#breakpoints li span")).to_have_text(
            ["t/repeat/sequence/selector, is SUCCESS, when $n == 1, once"]
        )
        expect(page.locator("#tree .flags").filter(has_text="break")).to_have_count(1)
        page.locator("#break-when").fill("$nothing ==")
        page.get_by_role("button", name="Add breakpoint").click()
        expect(page.locator("#said")).to_have_class("wrong")
        page.get_by_role("button", name="Resume").click()
        run.standing("breakpoint 1")
        state = page.evaluate("knothole.view.run.state(3, knothole.view.tick).status")
        assert state == "SUCCESS"
        expect(page.locator("#breakpoints li")).to_have_text(["none"])
        _, recording = run.stop()
        assert interventions(recording) == ["break", "resume", "stop"]


EDITED = """\
knothole: 1
tree: t
inputs:
  who: {type: text, default: "cup #1"}
  quoted: {type: text, default: "'5'"}
  pause: {type: duration, default: 1.5s}
  share: {type: number, default: 0.123456789}
  names: {type: "list[text]", default: [a, "b: c"]}
  many: {type: "list[number]", default: MANY}
root:
  sequence:
    - wait: $pause
    - say: "${who} ${quoted} ${share} ${names} ${many}"
""".replace("MANY", str([0] * 200))


def test_a_value_that_is_not_edited_stays_and_a_text_is_taken_as_it_is_typed(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path, EDITED) as run:
        page = run.page
        run.standing("paused")
        page.keyboard.press("v")

        def edit(name: str, text: str | None) -> None:
            page.get_by_role("button", name=f"edit {name}").click()
            field = page.get_by_label(f"value of {name}")
            if text is not None:
                field.fill(text)
            field.press("Enter")
            expect(field).to_have_count(0)

        for name in ("who", "quoted", "pause", "share", "names"):
            edit(name, None)
        expect(page.get_by_role("button", name="edit many")).to_have_count(0)
        edit("who", "it is: [red] #2")
        edit("quoted", "5")
        edit("pause", "2.5")
        edit("share", "1e-3")
        edit("names", '["*a*", "b"]')
        edit("pause", "20s")
        expect(page.locator("#values tr[data-entry=pause] .value")).to_contain_text("20")
        _, recording = run.stop()
        writes = [m.data for m in recording.topic("/blackboard") if m.data["writer"] == "debugger"]
        assert [(write["name"], write["value"]) for write in writes] == [
            ("who", "it is: [red] #2"),
            ("quoted", "5"),
            ("pause", 2.5),
            ("share", 0.001),
            ("names", ["*a*", "b"]),
            ("pause", 20),
        ]
        assert interventions(recording) == ["set"] * 6 + ["stop"]


def test_the_page_says_why_a_condition_cannot_be_computed(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        page = run.page
        run.standing("paused at tick 0")
        page.keyboard.press("b")
        page.locator("#break-any").check()
        page.locator("#break-when").fill("$n > 3")
        page.get_by_role("button", name="Add breakpoint").click()
        expect(page.locator("#breakpoints li span")).to_have_text(["any node, when $n > 3"])
        page.get_by_role("button", name="Step").click()
        expect(page.locator("#breakpoints li span")).to_contain_text(
            ["cannot be computed: $n is read before it is set"]
        )
        run.stop()


ASKING = """\
knothole: 1
tree: t
root:
  sequence:
    - see: {question: "Is it there?", expect: no}
    - wait: 100ms
    - see: "Is it free?"
    - wait: 1h
"""


def test_a_breakpoint_stops_at_an_answer(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path, ASKING, {"Is it there?": 0.1, "Is it free?": 0.9}) as run:
        page = run.page
        run.standing("paused at tick 0")
        page.keyboard.press("b")
        page.locator("#break-any").check()
        page.locator("#break-answer").fill("yes")
        page.get_by_role("button", name="Add breakpoint").click()
        expect(page.locator("#breakpoints li span")).to_have_text(["any node, answer yes"])
        page.get_by_role("button", name="Resume").click()
        run.standing("breakpoint 1")
        result, recording = run.stop()
        answers = recording.topic("/answers")
        assert [m.data["probabilities"]["yes"] for m in answers] == [0.1, 0.9]
        assert answers[-1].data["tick"] == result.ticks, "it stood in the tick in which the answer came"
        assert interventions(recording) == ["break", "resume", "stop"]


def test_a_breakpoint_is_one_key(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        run.standing("paused")
        run.choose("check")
        run.page.keyboard.press("B")
        run.page.keyboard.press(" ")
        run.standing(f"breakpoint 1: {CHECK}")
        run.page.keyboard.press("B")
        run.page.keyboard.press("b")
        expect(run.page.locator("#breakpoints li")).to_have_text(["none"])


def test_it_runs_to_a_node(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        run.standing("paused")
        run.choose("check")
        run.page.keyboard.press("u")
        run.standing(f"before {CHECK}")
        _, recording = run.stop()
        assert CHECK not in [recording.tree["nodes"][node]["path"] for node in recording.statuses()]


def test_a_value_is_edited_and_the_trace_says_who_did_it(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        page = run.page
        run.standing("paused")
        page.keyboard.press("v")
        page.get_by_role("button", name="edit charge").click()
        page.get_by_label("value of charge").fill("0.25")
        page.get_by_label("value of charge").press("Enter")
        cell = page.locator("#values tr[data-entry=charge] .value")
        expect(cell).to_contain_text("0.25")
        expect(page.locator("#values tr[data-entry=charge]")).to_contain_text("debugger")
        page.get_by_label("ticks to step").fill("12")
        page.get_by_role("button", name="Step").click()
        run.standing("paused at tick 12")
        assert ended_last(page, "t/repeat/sequence/selector/say") == "SUCCESS"
        page.get_by_role("button", name="edit charge").click()
        page.get_by_label("value of charge").fill("a lot")
        page.get_by_label("value of charge").press("Enter")
        expect(page.locator("#said")).to_have_class("wrong")
        _, recording = run.stop()
        writes = [m.data for m in recording.topic("/blackboard") if m.data["name"] == "charge"]
        assert [(write["value"], write["writer"]) for write in writes] == [(1, "input"), (0.25, "debugger")]
        assert interventions(recording) == ["set", "step", "stop"]


def test_a_result_is_forced_once_or_always(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path) as run:
        page = run.page
        run.standing("paused")
        page.keyboard.press("b")
        run.choose("check")
        page.locator("#force-status").select_option("FAILURE")
        page.locator("#force-once").uncheck()
        page.get_by_role("button", name="Force").click()
        expect(page.locator("#forced li span")).to_have_text([f"{CHECK} → FAILURE, always"])
        page.get_by_label("ticks to step").fill("12")
        page.get_by_role("button", name="Step").click()
        run.standing("paused at tick 12")
        assert ended_last(page, CHECK) == "FAILURE"
        page.get_by_role("button", name="release").click()
        expect(page.locator("#forced li")).to_have_text(["none"])
        page.get_by_role("button", name="Step").click()
        run.standing("paused at tick 24")
        assert ended_last(page, CHECK) == "SUCCESS"
        _, recording = run.stop()
        assert interventions(recording) == ["force", "step", "release", "step", "stop"]


def test_a_question_is_answered_on_the_page(browser: Browser, tmp_path: Path) -> None:
    with live(browser, tmp_path, ASKS) as run:
        run.standing("paused")
        run.page.keyboard.press(" ")
        asked = run.page.get_by_role("region", name="questions to you")
        expect(asked.locator("strong")).to_have_text("Which <b>cup</b>?")
        asked.get_by_role("button", name="blue").click()
        assert run.end().outcome.name == "SUCCESS"
        expect(asked).to_be_hidden()
        expect(run.page.locator("#outcome")).to_have_text("SUCCESS")
        assert read_trace(run.trace).blackboard()["cup"] == "blue"


@contextmanager
def looking(browser: Browser, folder: Path) -> Iterator[tuple[Loop, Watched]]:
    """Tick a run once that nobody can steer, and show it."""
    trace = TraceWriter(folder / "t.mcap")
    source = LiveSource("t")
    trace.listen(source.take)
    with Loop(build(load_text(ROUNDS), Context()), trace=trace) as loop:
        loop.tick()
        with ViewerServer([source]) as server, watched(browser, server.url) as found:
            yield loop, found
        assert loop.tick().name == "RUNNING"


def test_the_page_of_a_run_without_control_only_looks(browser: Browser, tmp_path: Path) -> None:
    with looking(browser, tmp_path) as (_, found):
        page = found.open()
        for key in ("s", "u", "B", "X"):
            page.keyboard.press(key)
            expect(page.locator("#notice")).to_have_text("this view is read-only")
        expect(page.locator("#debug")).to_be_hidden()
        expect(page.get_by_role("tab", name="Debug")).to_be_hidden()
        assert not any("command" in url for url in found.requests)


def test_what_was_said_stays_when_the_connection_is_there(browser: Browser, tmp_path: Path) -> None:
    """However late that is; notices go after four seconds, but not here."""
    with looking(browser, tmp_path) as (loop, found):
        page, opening = found.page, list[Route]()
        page.add_init_script(
            "{ const real = setTimeout; setTimeout = (act, ms) => real(act, ms === 4000 ? 1e9 : ms); }"
        )
        page.route("**/events?*", lambda route: opening.append(route))
        found.open()
        page.keyboard.press("s")
        expect(page.locator("#notice")).to_have_text("this view is read-only")
        [opened] = opening
        opened.continue_()
        for _ in range(5):
            loop.tick()
        expect(page.locator("#moment")).not_to_contain_text("of 1 ")
        expect(page.locator("#notice")).to_have_text("this view is read-only")
