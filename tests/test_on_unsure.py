"""A node on ``on_unsure``: when it is ticked, what its end means, who halts it, and that all tools know it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from knothole.app.authoring.schema import schema
from knothole.app.editor.completion import complete
from knothole.app.testing.runner import TreeRunner
from knothole.behaviors.context import Context
from knothole.behaviors.guard import Guard
from knothole.behaviors.node import NodeFault, Wiring
from knothole.behaviors.step import INVALID, RUNNING
from knothole.behaviors.unsure import Unsure
from knothole.robots.pose import Pose
from knothole.tests.rig import PERIOD, Bench
from knothole.tests.script_nodes import Script, letter, play, wiring
from knothole.tests.test_why import steps, why
from knothole.tests.test_xml_round_trip import to_xml, to_yaml
from knothole.trees.builder import BuiltTree, build
from knothole.trees.changing.checkpoint import Checkpoint
from knothole.trees.changing.reload import reload
from knothole.trees.checking.costs import model_calls
from knothole.trees.draw import draw
from knothole.trees.editing.canonical import canonical
from knothole.trees.loader import check_text, load_text
from knothole.trees.mocking.apply import apply_mocks
from knothole.trees.mocking.profile import mocks_of
from knothole.trees.requirements import check_capabilities
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.trace import TraceWriter

QUESTION = "Is the tray full?"
HEAD = "knothole: 1\ntree: t\nroot:\n"


class Asking(Script):
    """A question with a script: ``U`` in doubt, ``L`` looking again, ``W`` waiting for its first answer, S, F, K."""

    def __init__(self, letters: str, name: str = "see", context: Context | None = None) -> None:
        super().__init__(letters.replace("U", "R").replace("L", "R").replace("W", "R"), name, context)
        self.states = letters

    @property
    def _state(self) -> str:
        return self.states[min(self.at, len(self.states)) - 1]

    @property
    def doubt(self) -> str:
        return "unsure about it" if self._state == "U" else ""

    @property
    def undecided(self) -> bool:
        return self._state in "UL"

    def look_anew(self) -> None:
        self.calls.append("anew")


def unsure(question: Any, node: Any) -> Unsure:
    return Unsure(wiring([question], parts={"on_unsure": node}))


# Question, node → statuses by tick, and what the node was told.
TABLE: list[tuple[str, str, str, list[str]]] = [
    ("S", "R", "S", []),
    ("F", "R", "F", []),
    ("K", "R", "K", []),
    ("WS", "R", "RS", []),
    ("WUUS", "R", "RRRS", ["start", "R", "R", "halt"]),
    ("WUUF", "R", "RRRF", ["start", "R", "R", "halt"]),
    ("WUK", "R", "RRK", ["start", "R", "halt"]),
    ("UU", "R", "RR", ["start", "R"]),  # not in the tick in which it begins to run
    ("WULS", "RRR", "RRRS", ["start", "R", "R", "halt"]),  # one that runs goes on while the question looks again
    ("WLLU", "R", "RRRR", ["start", "R"]),  # none begins before there is a doubt
    ("WUWU", "R", "RRRR", ["start", "R", "halt", "start", "R"]),  # another question
    ("WULLUS", "S", "RRRRRS", ["start", "S", "start", "S"]),
    ("WUUU", "S", "RRRR", ["start", "S", "start", "S", "start", "S"]),  # once in a tick
    ("WUU", "RF", "RRF", ["start", "R", "F"]),
    ("WU", "F", "RF", ["start", "F"]),
    ("WUUS", "K", "RRRS", ["start", "K", "start", "K"]),
    ("WUSWU", "RRR", "RRSRR", ["start", "R", "halt", "start", "R"]),
]


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize(("question", "script", "said", "calls"), TABLE, ids=[f"{q}-{s}" for q, s, _, _ in TABLE])
def test_a_node_on_a_doubt(question: str, script: str, said: str, calls: list[str], generator: bool) -> None:
    node = Script(script, "look")
    assert play(unsure(Asking(question), node), len(said), generator=generator) == said
    assert node.calls == calls


def test_success_of_the_node_makes_the_question_look_again() -> None:
    question = Asking("WUUS")
    play(unsure(question, Script("RS")), 4)
    assert question.calls == ["start", "R", "R", "R", "anew", "S"]


def test_the_reason_says_what_is_in_doubt_and_what_the_node_does() -> None:
    root = unsure(Asking("WUUU"), Script("RRF", "turn"))
    play(root, 2)
    assert root.feedback_message == "see said R; turn said R"
    play(root, 2)
    assert root.feedback_message == "unsure about it; turn said F"


def test_a_halt_halts_the_node_then_the_question_and_each_once() -> None:
    question, node = Asking("WU"), Script("R")
    root = unsure(question, node)
    play(root, 3)
    root.stop(INVALID)
    root.stop(INVALID)
    assert question.calls.count("halt") == node.calls.count("halt") == 1
    assert (letter(root), letter(question), letter(node)) == ("-", "-", "-")


def test_a_node_that_cannot_be_halted_does_not_keep_the_question_running() -> None:
    class Stuck(Script):
        def halt(self) -> None:
            raise OSError("stuck")

    question = Asking("WU")
    root = unsure(question, Stuck("R", "arm"))
    play(root, 2)
    with pytest.raises(NodeFault, match="arm: OSError: stuck"):
        root.stop(INVALID)
    assert question.calls[-1] == "halt"


def test_a_pause_from_above_stops_the_clocks_of_both() -> None:
    question, node = Asking("WU"), Script("R")
    play(Guard(wiring([unsure(question, node)], parts={"check": Script("SSFS")})), 4)
    assert node.calls == ["start", "R", "pause", "resume", "R"]
    assert question.calls[3:5] == ["pause", "resume"]


def test_a_guard_has_stopped_the_robot_before_the_node_begins() -> None:
    class Robot:
        def stop(self) -> None:
            node.calls.append("stopped")

    node = Script("R")
    context = Context(robot=Robot())  # type: ignore[arg-type]
    child = Script("R")
    root = Guard(wiring([child], context, {"check": unsure(Asking("SUUS"), node)}))
    assert play(root, 4, context) == "RRRR"
    assert node.calls == ["stopped", "start", "R", "halt"]
    assert child.calls == ["start", "R", "pause", "resume", "R"]


@pytest.mark.parametrize("block", range(4))
def test_whatever_happens_what_was_started_ended_or_was_halted_exactly_once(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        rng = random.Random(seed)
        question = Asking("".join(rng.choices("UUUULWSFK", k=12)))
        node = Script("".join(rng.choices("RRRSFK", k=12)))
        root = unsure(question, node)
        for _ in range(12):
            play(root, 1, generator=rng.random() < 0.3)
            assert (node.status is RUNNING) <= (root.status is RUNNING), seed
            if rng.random() < 0.2:
                root.stop(INVALID)
                assert node.status is INVALID, seed
        root.stop(INVALID)
        for calls in (node.calls, question.calls):
            begun = [call for call in calls if call in ("start", "S", "F", "K", "halt")]
            assert begun[::2] == ["start"] * (len(begun) // 2), (seed, calls)
            assert "start" not in begun[1::2], (seed, calls)
            assert len(begun) % 2 == 0, (seed, calls)


class Real:
    """The real ``see`` with a scripted model and a node."""

    def __init__(self, answer: object, node: str, latency: float = 0.1, **ports: object) -> None:
        self.bench = Bench({QUESTION: answer}, latency=latency)
        self.see = self.bench.leaf("see", question=QUESTION, **ports)
        self.node = Script(node, "node", self.bench.context)
        self.root = Unsure(Wiring("t", children=[self.see], parts={"on_unsure": self.node}, context=self.bench.context))

    @property
    def calls(self) -> int:
        return self.bench.broker.counters.model_calls


def test_a_fresh_picture_is_asked_about_though_nothing_moved_in_it() -> None:
    real = Real({"times": {"0s": 0.5, "0.22s": "yes"}}, "RRS")
    assert "".join(real.bench.ticks(real.root, 9)).rstrip("S") == "R" * 7
    assert real.node.calls == ["start", "R", "R", "S"]
    assert real.see.watching.frame.stamp > 2 * PERIOD
    assert real.calls == 2


def test_a_doubt_that_stays_runs_the_node_once_for_each_answer() -> None:
    real = Real(0.5, "S", latency=0.2)
    real.bench.ticks(real.root, 60)
    assert real.node.calls.count("start") == real.calls - 1 or real.node.calls.count("start") == real.calls
    assert 8 <= real.calls <= 15


def test_a_rate_and_a_budget_bound_it() -> None:
    real = Real(0.5, "S", rate=1.0)
    real.bench.ticks(real.root, 60)
    assert real.calls <= 4
    real = Real(0.5, "RRS", budget=2)
    real.bench.ticks(real.root, 60)
    assert real.calls == 2


def test_the_question_goes_on_looking_while_the_node_runs() -> None:
    real = Real({"times": {"0s": 0.5, "0.5s": "yes"}}, "R", latency=0.0)
    statuses = []
    for tick in range(40):
        real.bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (tick % 12), 0.025)))
        statuses.append(real.bench.tick(real.root).name[0])
    assert "S" in statuses
    assert real.node.calls[-1] == "halt"
    assert "S" not in real.node.calls


def test_another_question_halts_the_node() -> None:
    words = [QUESTION]
    real = Real(0.5, "R", latency=0.0)
    real.see.wiring.inputs["question"] = lambda: words[0]
    real.bench.ticks(real.root, 4)
    assert real.node.status is RUNNING
    words[0] = "Is it dark?"
    real.bench.tick(real.root)
    assert real.node.calls[-1] == "halt"


def test_a_failure_of_the_node_names_question_and_doubt() -> None:
    real = Real(0.5, "F", latency=0.0)
    real.bench.run(real.root)
    assert real.root.feedback_message == f"unsure about {QUESTION!r}: p(yes) = 0.50; node said F"


def test_a_problem_of_the_model_is_a_doubt_as_well() -> None:
    real = Real({"problem": "the lens is dirty"}, "S")
    real.bench.ticks(real.root, 12)
    assert real.node.calls.count("start") >= 2


# -- trees ------------------------------------------------------------------------------------------------------------
SEE = """\
  see:
    question: "Is the tray full?"
    on_unsure:
      sequence:
        - look_at: "the blue tray"
        - wait: 1s
"""


@pytest.mark.parametrize(
    ("node", "code", "words"),
    [
        ("hodl", "K108", "takes hold or failure or look_again or ask_human or a node, not 'hodl'"),
        ("[home]", "K110", "a list stands where one node is expected"),
        ("{graps: $cup}", "K101", "unknown node 'graps'"),
        ("", "K110", "port 'on_unsure' of 'see' has no value"),
        ("{}", "K109", "this node has no type"),
        ('{say: "hm", home: 1}', "K109", "a second type key 'home' beside 'say'"),
        ("{retry: 3}", "K109", "this node has no type"),
        ("{say: {txt: a}}", "K102", "unknown port 'txt' of 'say'"),
        ("{sequence: [{pt.Failure: }, home]}", "K304", "'home' can never be reached"),
        ('{say: "${cup}"}', "K201", "$cup"),
    ],
)
def test_a_wrong_form_is_told(node: str, code: str, words: str) -> None:
    found = check_text(f'{HEAD}  see: {{question: "Is it?", on_unsure: {node}}}\n')
    assert code in [problem.code for problem in found]
    assert any(words in problem.message for problem in found), found


def test_a_bare_name_is_a_node_and_a_word_of_the_port_is_that() -> None:
    spec = load_text(f'{HEAD}  see: {{question: "Is it?", on_unsure: home}}\n').root
    assert (spec.parts["on_unsure"].type, spec.parts["on_unsure"].path) == ("home", "t/see/home")
    assert "on_unsure" not in spec.values
    spec = load_text(f'{HEAD}  see: {{question: "Is it?", on_unsure: ask_human}}\n').root
    assert not spec.parts
    assert spec.values["on_unsure"].value == "ask_human"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "leaf",
    [
        '{which: {question: "What?", options: [a, b], on_unsure: home}}',
        '{score: {question: "How full?", levels: [a, b], on_unsure: home}}',
        "{count: {things: cups, on_unsure: home}}",
        "{compare: {on_unsure: home}}",
        '{watch: {question: "Did it?", on_unsure: home}}',
    ],
)
def test_each_question_takes_one(leaf: str) -> None:
    built = build(load_text(f"{HEAD}  {leaf}\n"), Context())
    kind = built.nodes[1].type
    assert [(node.path, node.type) for node in built.nodes] == [
        (f"t/{kind}#on_unsure", "on_unsure"),
        (f"t/{kind}", kind),
        (f"t/{kind}/home", "home"),
    ]
    assert isinstance(built.root, Unsure)


def test_common_keys_stand_around_both() -> None:
    built = build(load_text(f'{HEAD}  see: {{question: "Is it?", on_unsure: home}}\n  retry: 2\n'), Context())
    assert [node.path for node in built.nodes] == ["t/see#retry", "t/see#on_unsure", "t/see", "t/see/home"]
    assert [node.parent for node in built.nodes] == [-1, 0, 1, 1]


def test_the_checker_sees_limbs_skills_and_calls_of_the_node() -> None:
    both = f"{HEAD}  parallel:\n    - home\n    - see:\n        question: a\n        on_unsure: home\n"
    assert "K303" in [problem.code for problem in check_text(both)]
    robot = Bench().robot.capabilities
    nothing = type(robot)(**{**vars(robot), "skills": frozenset()})
    assert "K401" in [problem.code for problem in check_capabilities(load_text(HEAD + SEE), nothing)]
    calls = model_calls(load_text(f"{HEAD}  see: {{question: a, on_unsure: {{look_at: b}}}}\n  timeout: 1s\n"))
    assert (calls.per_tick, calls.per_run) == (2, 42)


def test_what_the_node_writes_may_be_unset_after_the_question() -> None:
    see = '{question: a, on_unsure: {set: {name: $x, to: "1"}}}'
    found = check_text(f'{HEAD}  sequence:\n    - see: {see}\n    - say: "${{x}}"\n')
    assert [(problem.code, problem.severity) for problem in found] == [("K203", "warning")]


def test_it_is_formatted_drawn_and_converted_as_a_node() -> None:
    flow = f'{HEAD}  see: {{question: "Is the tray full?", on_unsure: {{say: "I cannot tell."}}, max_age: 1s}}\n'
    text = canonical(flow)
    block = '    on_unsure:\n      say: "I cannot tell."\n'
    assert block in text
    assert canonical(text) == text
    assert draw(load_text(text)) == (
        't\n? see  "Is the tray full?", max_age: 1s\n└── on_unsure: ▸ say  "I cannot tell."\n'
    )
    xml = to_xml(text)
    assert '<Decorator ID="see"' in xml
    assert '<Action ID="say" _in="on_unsure"' in xml
    assert to_yaml(xml) == text
    bare = canonical(f'{HEAD}  see: {{question: "Is the tray full?", on_unsure: home}}\n')
    assert to_yaml(to_xml(bare)) == bare


@pytest.mark.parametrize(
    ("node", "good"),
    [("hold", True), ("home", True), ("{say: a}", True), ("hodl", False), ("{hold: 1}", False), ("[home]", False)],
)
def test_the_schema_takes_a_word_or_a_node(node: str, good: bool) -> None:
    import yaml

    document = yaml.safe_load(f"{HEAD}  see: {{question: a, on_unsure: {node}}}\n")
    assert Draft7Validator(schema()).is_valid(document) == good


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("  see: {question: a, on_unsure: §}", {"hold", "home"}, {"yes"}),
        ("  see:\n    question: a\n    on_unsure: §", {"hold", "look_at", "home"}, {"question"}),
        ("  see:\n    question: a\n    on_unsure:\n      §", {"look_at", "home"}, {"hold", "question"}),
        ("  see:\n    question: a\n    on_unsure:\n      look_at: {§", {"object", "distance"}, {"hold"}),
    ],
)
def test_an_editor_offers_words_and_nodes(text: str, some: set[str], none: set[str]) -> None:
    whole = HEAD + text
    labels = [each.label for each in complete(whole.replace("§", ""), whole.index("§"), None)]
    assert some <= set(labels)
    assert not none & set(labels)
    assert labels.count("ask_human") <= 1


def planted(text: str, **scripts: str) -> tuple[BuiltTree, dict[str, Script]]:
    """Build a tree with scripted leaves at paths, written with ``_`` for what stands between."""
    made: dict[str, Script] = {}

    def factory(path: str, letters: str) -> Any:
        def make(wiring: Wiring) -> Script:
            made[path] = Script(letters, wiring.name, wiring.context)
            return made[path]

        return make

    paths = {"say": "t/sequence/see/say", "wait": "t/sequence/wait"}
    overrides = {paths[name]: factory(paths[name], letters) for name, letters in scripts.items()}
    bench = Bench({QUESTION: 0.5})
    return build(load_text(text), bench.context, overrides=overrides), made


RELOADED = f'''{HEAD}  sequence:
    - see:
        question: "{QUESTION}"
        on_unsure: {{say: a}}
    - wait: 1s
'''


def ticked(built: BuiltTree, count: int) -> None:
    context = built.context
    for _ in range(count):
        context.tick += 1
        context.now += PERIOD
        assert context.broker is not None
        context.broker.collect(context.now)
        built.tick()
        context.broker.flush(context.now)


def test_an_edit_elsewhere_leaves_it_running_and_an_edit_of_it_begins_it_anew() -> None:
    built, made = planted(RELOADED, say="R")
    ticked(built, 5)
    (node,) = made.values()
    wrapper = built["t/sequence/see#on_unsure"].node
    reload(built, load_text(RELOADED.replace("1s", "2s")))
    assert built["t/sequence/see#on_unsure"].node is wrapper
    before = len(node.calls)
    ticked(built, 1)
    assert node.calls[0] == "start"
    assert node.calls[before:] == ["R"]
    done = reload(built, load_text(RELOADED.replace("{say: a}", "{say: b}")))
    assert {"t/sequence/see#on_unsure", "t/sequence/see", "t/sequence/see/say"} <= {*done.halted}
    assert node.calls[-1] == "halt"
    assert wrapper.status is INVALID
    taken_out = reload(built, load_text(RELOADED.replace("        on_unsure: {say: a}\n", "")))
    assert "t/sequence/see#on_unsure" in taken_out.removed


def test_a_mock_of_the_question_takes_the_node_with_it_and_one_of_the_node_does_not() -> None:
    spec = load_text(RELOADED)
    whole = build(apply_mocks(spec, mocks_of({"type:see": "success"})), Context())
    assert [node.path for node in whole.nodes] == ["t/sequence", "t/sequence/see", "t/sequence/wait"]
    inner = build(apply_mocks(spec, mocks_of({"type:say": "failure"})), Context())
    assert "t/sequence/see#on_unsure" in [node.path for node in inner.nodes]


def test_coverage_names_the_node_of_a_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(HEAD + '  see: {question: "Is it?", on_unsure: {say: hm}}\n', encoding="utf-8")
    runner = TreeRunner()
    result = runner("t", answers={"Is it?": {"times": {"0s": 0.5, "0.01s": "yes"}}}, max_ticks=50)
    assert (result.status, result.said, result.order) == ("SUCCESS", ("hm",), ["see", "say"])
    see, say = runner.coverage.results()[0].nodes
    assert (see.branches, see.missing, say.mark) == ({"unsure: say": True}, ["FAILURE"], "covered")


def test_a_run_that_is_resumed_asks_anew(tmp_path: Path) -> None:
    text = f'{HEAD}  see: {{question: "{QUESTION}", on_unsure: {{wait: 9s}}}}\n'

    def loop(answer: object, **more: Any) -> Loop:
        bench = Bench({QUESTION: answer}, latency=0.1)
        return Loop(build(load_text(text), bench.context), **more)

    first = loop(0.5, trace=TraceWriter(tmp_path / "t.mcap"))
    while first.tree["t/see/wait"].node.status is not RUNNING:
        first.tick()
    first.tick()
    first.close()
    second = loop("yes", resume=Checkpoint.of(read_trace(tmp_path / "t.mcap")))
    assert second.anew == ("t/see",)
    wait = second.tree["t/see/wait"].node
    second.tick()
    assert wait.status is INVALID
    assert second.run().status == "SUCCESS"


def test_why_follows_the_node_that_failed_and_the_one_that_runs(tmp_path: Path) -> None:
    root = f'  see:\n    question: "{QUESTION}"\n    on_unsure:\n      check: "$n > 1"\n'
    found = steps(why(tmp_path, root, answers={"*": 0.5}))
    assert found[0][:2] == ("see#on_unsure", "FAILURE")
    assert found[0][2] == "its node on_unsure failed"
    assert found[-1][:2] == ("check", "FAILURE")
    found = steps(why(tmp_path, root.replace('check: "$n > 1"', "wait: 9s"), answers={"*": 0.5}))
    assert found[0] == ("see#on_unsure", "RUNNING", "its node on_unsure is running")
    assert found[-1][:2] == ("wait", "RUNNING")
