"""Port types, ranges, text of BehaviorTree.CPP, scripts as conditions, hooks, metadata, and parameters."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from knothole._base import KnotholeError
from knothole.app.running.inputs import InputError, read_inputs
from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Leaf, NodeFault, behavior
from knothole.behaviors.ports import Port
from knothole.behaviors.step import Status
from knothole.robots.pose import Pose
from knothole.trees.bt_text import number_or_text, read_bt_text
from knothole.trees.builder import BuiltTree, build
from knothole.trees.colors import read_color
from knothole.trees.language.params import read_params
from knothole.trees.literals import LiteralError
from knothole.trees.loader import check_text, load_text
from knothole.trees.problems import TreeError
from knothole.trees.spec import Literal, Program, Reference
from knothole.trees.values import Scope, WrongValueError, from_bt, typed


def codes(text: str) -> list[str]:
    problems = check_text(f"knothole: 1\ntree: t\n{text}", "t.yaml")
    return [f"{p.place.line}:{p.place.column} {p.code}" for p in problems if p.severity == "error" and p.code < "K2"]


def ticked(text: str, **options: Any) -> tuple[BuiltTree, list[str]]:
    said: list[str] = []
    tree = build(load_text(f"knothole: 1\ntree: t\n{text}"), Context(say=said.append), **options)
    tree.tick()
    return tree, said


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("3", "int", 3),
        ("-03", "int", -3),
        ("0.5", "number", 0.5),
        ("7", "number", 7),
        ("inf", "number", float("inf")),
        ("1e3", "duration", 1000.0),
        ("true", "bool", True),
        ("0", "bool", False),
        ("FALSE", "bool", False),
        ("1;2;3", "list[int]", (1, 2, 3)),
        ("a;;b", "list", ("a", "", "b")),
        ("", "list[text]", ()),
        ("no", "text", "no"),
        ("1;2", "any", "1;2"),
        ("0;0;1", "pose", "0;0;1"),
    ],
)
def test_text_becomes_what_the_port_takes(text: str, type: str, value: object) -> None:
    assert read_bt_text(text, type) == value
    board = Blackboard()
    board["x"] = text
    reader = from_bt(
        Scope(board).getter(Reference("x", load_text("knothole: 1\ntree: t\nroot: home\n").root.place)), type, "x"
    )
    assert reader() == value


@pytest.mark.parametrize(("text", "type"), [("3.5", "int"), ("5cm", "length"), ("yes", "bool"), ("1;b", "list[int]")])
def test_text_that_the_port_cannot_take_is_refused(text: str, type: str) -> None:
    with pytest.raises(LiteralError, match="takes"):
        read_bt_text(text, type)
    with pytest.raises(WrongValueError, match="n takes"):
        from_bt(lambda: text, type, "n")()


def test_a_subtree_sees_the_number_that_a_whole_text_is() -> None:
    texts = ("3", "-3", "0.5", "1e3", "1;2", " 3", "abc", "+3", "")
    assert [number_or_text(text) for text in texts] == [3, -3, 0.5, 1000.0, "1;2", " 3", "abc", 3.0, ""]


def test_a_dollar_at_nodes_from_elsewhere_is_an_entry_or_stands_for_itself() -> None:
    head = "nodes: {Go: {kind: action, ports: {goal: {direction: in}, out: {direction: out}}, open: true}}\n"
    tree = load_text(
        f"knothole: 1\ntree: t\ndialect: bt\n{head}root:\n"
        '  Go: {goal: $=, out: $=, a: $@x, b: "$$x", c: "costs $5", d: "$x.y[0]", e: "5cm", f: no}\n'
    )
    shown = {name: getattr(value, "value", str(value)) for name, value in tree.root.values.items()}
    assert shown == {
        "goal": "$goal",
        "out": "$out",
        "a": "$@x",
        "b": "$x",
        "c": "costs $5",
        "d": "$x.y[0]",
        "e": "5cm",
        "f": "no",
    }


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ("bt.Repeat: {num_cycles: many, child: bt.AlwaysSuccess}", "4:27 K105"),
        ("bt.Repeat: {num_cycles: 3.5, child: bt.AlwaysSuccess}", "4:27 K105"),
        ("bt.Repeat: {num_cycles: [3], child: bt.AlwaysSuccess}", "4:27 K105"),
        ("bt.Delay: {delay_msec: 5s, child: bt.AlwaysSuccess}", "4:26 K105"),
        ("bt.Delay: {delay_msc: 5, child: bt.AlwaysSuccess}", "4:14 K102"),
    ],
)
def test_a_wrong_text_is_reported_where_it_stands(node: str, code: str) -> None:
    found = codes(f"root:\n  {node}\n")
    assert code in found


def test_conditions_are_expressions_or_scripts() -> None:
    root = load_text(
        "knothole: 1\ntree: t\nroot:\n  home:\n  when: 1 < 2\n  while: {script: 'x := 1; x > 0'}\n"
        "  meta: {a: b, c: 3}\n  about: It goes home.\n"
    ).root
    assert isinstance(root.common["while"], Program)
    assert root.common["while"].script.source == "x := 1; x > 0"
    assert (dict(root.meta), root.about) == ({"a": "b", "c": "3"}, "It goes home.")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("while: {script: 'x > > 1'}", "5:24 K133"),
        ("while: {script: x + }", "5:22 K133"),
        ("while: {scrpt: x}", "5:10 K105"),
        ("while: {script: x, more: y}", "5:10 K105"),
        ("while: {script: [a]}", "5:19 K105"),
        ("while: {script: }", "5:19 K110"),
        ("while: 1 > > 2", "5:14 K119"),
        ("meta: a", "5:9 K105"),
        ("meta: {a: [b]}", "5:13 K105"),
        ("on_success: {sya: hello}", "5:16 K101"),
        ("on_halt: ", "5:11 K109"),
        ("finally: [home]", "5:12 K110"),
    ],
)
def test_a_wrong_common_key_is_reported_where_it_is(key: str, code: str) -> None:
    assert codes(f"root:\n  home:\n  {key}\n") == [code]


def test_a_mistake_in_a_script_of_several_lines_is_told_in_its_line() -> None:
    script = "root:\n  bt.Script:\n    code: {0}\n      x := 1;\n      y := 2;\n\n      x > > y\n"
    assert codes(script.format("|")) == ["9:11 K133"]
    assert codes(script.format(">")) == ["5:11 K133"]


def test_mistakes_in_the_hooks_of_an_unknown_node_are_told_as_well() -> None:
    assert codes("root:\n  hmoe:\n  on_success: {sya: a}\n  when: 1 >\n") == ["4:3 K101", "5:16 K101", "6:12 K119"]


def test_the_path_of_a_hook_is_that_of_its_key() -> None:
    tree = load_text("knothole: 1\ntree: t\nroot:\n  sequence:\n    - home\n    - home:\n      finally: {say: bye}\n")
    assert [node.path for node in tree.walk()][-1] == "t/sequence/home[2]#finally/say"


@pytest.fixture
def add_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a leaf for one test that adds one to an inout port and copies whatever else it is given."""

    class Bump(Leaf):
        open_ports = True
        ports = (Port("count", "int", "what is counted", direction="inout"),)

        def step(self) -> Status:
            count = self.get("count")
            assert isinstance(count, int)
            self.put("count", count + 1)
            if "extra" in self.wiring.inputs:
                self.put("extra", [self.get("extra"), "seen"])
            return self.succeed()

    assert "bump_for_test" not in NODES
    monkeypatch.setitem(NODES._things, "bump_for_test", Bump)


def test_an_inout_port_is_read_and_written_and_an_open_port_too(add_node: None) -> None:
    del add_node
    tree, _ = ticked(
        "root:\n  sequence:\n    - set: {name: $n, to: '1'}\n    - set: {name: $e, to: \"'a'\"}\n"
        "    - bump_for_test: {count: $n, extra: $e}\n    - bump_for_test: {count: $n, other: 5}\n"
        "    - check: $n == 3 and len($e) == 2\n"
    )
    assert (tree.root.status, tree.blackboard["n"], tree.blackboard["e"]) == (Status.SUCCESS, 3, ["a", "seen"])


def inputs_of(declaration: str) -> dict[str, Any]:
    tree = load_text(f"knothole: 1\ntree: t\ninputs:\n  it: {declaration}\nroot: {{check: $it == $it}}\n")
    default = tree.inputs[0].default
    return {"tree": tree, "default": default.value if isinstance(default, Literal) else None}


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ("{type: color, default: Red}", (1.0, 0.0, 0.0)),
        ('{type: color, default: "#0f0"}', (0.0, 1.0, 0.0)),
        ('{type: "list[length]", default: [5cm, 1m]}', (0.05, 1.0)),
        ('{type: "list[pose]", default: [{xyz: [1m, 0m, 0m]}]}', (Pose((1.0, 0.0, 0.0)),)),
        ('{type: "list[list]", default: [[1, a], []]}', ((1, "a"), ())),
        ("{type: text, choices: [slow, fast], default: fast}", "fast"),
        ("{type: length, min: 5cm, max: 1m, default: 50cm}", 0.5),
        ('{type: "list[int]", max: 5, default: [1, 5]}', (1, 5)),
    ],
)
def test_inputs_have_types_choices_and_ranges(declaration: str, value: object) -> None:
    assert inputs_of(declaration)["default"] == value


@pytest.mark.parametrize(
    ("declaration", "wrong", "code"),
    [
        ("{type: color, default: rde}", "rde", "K105"),
        ('{type: "list[length]", default: [5cm, 4]}', "4]", "K106"),
        ('{type: "list[int]", max: 5, default: [1, 9]}', "9]", "K107"),
        ('{type: "list[int]", default: 4}', "4}", "K105"),
        ("{type: text, choices: [a], default: b}", "b}", "K108"),
        ("{type: length, min: 5, default: 1m}", "5,", "K106"),
        ("{type: length, min: 5m, default: 1m}", "1m}", "K107"),
        ("{type: int, min: 5, max: 1}", "5,", "K122"),
        ("{type: text, min: 5}", "5}", "K122"),
        ("{type: number, choices: [a]}", "[a]", "K122"),
        ("{type: text, choices: a}", "a}", "K122"),
        ("{type: string}", "string", "K122"),
        ('{type: "list[lenght]"}', '"list', "K122"),
        ("{type: script}", "script", "K122"),
    ],
)
def test_a_wrong_declaration_of_an_input_is_reported(declaration: str, wrong: str, code: str) -> None:
    line = f"  it: {declaration}"
    found = codes(f"inputs:\n{line}\nroot: {{check: $it == $it}}\n")
    assert found == [f"4:{line.index(wrong) + 1} {code}"]


@pytest.mark.parametrize(
    ("declaration", "given", "value"),
    [
        ("{type: color}", "navy", (0.0, 0.0, 128 / 255)),
        ('{type: "list[length]"}', "[5cm, 1m]", (0.05, 1.0)),
        ("{type: point}", "[1m, 2m, 0m]", (1.0, 2.0, 0.0)),
        ("{type: mapping}", "{a: {b: [1]}}", {"a": {"b": (1,)}}),
        ("{type: any}", "0.5", 0.5),
        ("{type: any}", "False", False),
        ("{type: list}", "[True, NULL, yes]", (True, None, "yes")),
        ("{type: text}", "[a]", "[a]"),
        ("{type: int, max: 3}", 3, 3),
        ('{type: "list[int]"}', [1, 2], [1, 2]),
    ],
)
def test_inputs_given_from_outside_take_their_type(declaration: str, given: object, value: object) -> None:
    assert read_inputs(inputs_of(declaration)["tree"], {"it": given}) == {"it": value}


@pytest.mark.parametrize(
    ("declaration", "given", "told"),
    [
        ("{type: int, max: 3}", "4", "'it' is out of range: 4"),
        ("{type: int, max: 3}", 4, "takes a whole number, at most 3, not 4"),
        ('{type: "list[int]"}', ["a"], "takes a list of whole numbers, not"),
        ("{type: text, choices: [a, b]}", "c", "takes a or b, not 'c'"),
        ('{type: "list[int]"}', "[1, x]", "'it' takes a whole number, not 'x'"),
        ('{type: "list[int]"}', "[1", "closing"),
        ("{type: pose}", "{a: 1}", "takes a pose"),
        ('{type: "list[int]"}', "", "'it' has no value\n  fix:  write [] for an empty list"),
        ("{type: pose}", "# none", "'it' has no value\n  fix:  write a pose, such as {xyz:"),
        ("{type: list}", "[1]\n---\n[2]", "'it' takes one value, and this has a second YAML document"),
    ],
)
def test_inputs_given_from_outside_that_do_not_fit_are_refused(declaration: str, given: object, told: str) -> None:
    with pytest.raises(InputError) as error:
        read_inputs(inputs_of(declaration)["tree"], {"it": given})
    assert told in str(error.value)
    assert "\n  fix:  " in str(error.value)


@pytest.mark.parametrize(("given", "code"), [("n: 7", "K107"), ("mode: fats", "K108"), ("n: 2, mode: fast", "")])
def test_what_use_gives_is_checked_against_choices_and_range(given: str, code: str) -> None:
    text = f"root:\n  use: {{tree: other, inputs: {{{given}}}}}\n"
    other = "inputs: {n: {type: int, max: 5, default: 1}, mode: {type: text, choices: [slow, fast], default: slow}}\n"
    found = codes(f"{text}---\nknothole: 1\ntree: other\n{other}root: {{say: '${{n}} ${{mode}}'}}\n")
    assert [each.split()[1] for each in found] == ([code] if code else [])


def _given(value: object) -> object:
    return value


def test_values_are_converted_and_checked_while_ticking() -> None:
    assert typed(lambda: "red", "color", "c")() == (1.0, 0.0, 0.0)
    assert typed(lambda: [0, 1, 0.5], "color", "c")() == (0.0, 1.0, 0.5)
    assert typed(lambda: (1, 2.0), "list[int]", "l")() == [1, 2]
    for value, type, told in (
        ("rde", "color", "c must be a color"),
        ([2, 0, 0], "color", "c must be a color"),
        ("ab", "list[int]", "c must be a list, it is 'ab'"),
        ([1, "x"], "list[int]", r"c\[1\] must be a whole number, it is 'x'"),
    ):
        with pytest.raises(WrongValueError, match=told):
            typed(partial(_given, value), type, "c")()


LIMITED = [
    ("see: {question: 'Is it open?', accept: $x}", 80, "accept is out of range: 80\n  fix:  give 0 to 1"),
    (
        "see: {question: 'Is it open?', expect: '${x}'}",
        "maybe",
        "expect takes yes or no, not 'maybe'\n  fix:  give one",
    ),
    ("repeat: {times: $x, child: {say: hi}}", -5, "times is out of range: -5\n  fix:  give at least -1"),
    ("wait: $x", -5.0, "duration is out of range: -5.0\n  fix:  give at least 0s"),
    ("wait: $x", float("nan"), "duration is out of range: nan"),
    ("guard: {check: {check: $x != 1}, child: {say: hi}, resume: $x}", "after_confrim", "resume takes when_clear or"),
    ("say: hi, retry: $x", 0, "retry is out of range: 0\n  fix:  give at least 1"),
    ("say: hi, timeout: $x", "soon", "timeout must be a number, it is 'soon'"),
    ("use: {tree: other, inputs: {n: $y.n}}", 7, "input n is out of range: 7\n  fix:  give at most 5"),
]


@pytest.mark.parametrize(("node", "value", "told"), LIMITED, ids=[f"{node[:20]} {value}" for node, value, _ in LIMITED])
def test_what_is_known_only_in_a_run_is_held_to_the_limits_of_its_port(node: str, value: object, told: str) -> None:
    text = f"knothole: 1\ntree: t\nparams: {{x: 0, y: {{n: 1}}}}\nroot:\n  sequence:\n    - {{{node}}}\n"
    other = "---\nknothole: 1\ntree: other\ninputs: {n: {type: int, max: 5}}\nroot: {say: '${n}'}\n"
    tree = build(load_text(text + other), Context(), params={"x": value, "y": {"n": value}})

    def read_and_tick() -> None:
        for get in tree.nodes[1].node.wiring.inputs.values():
            get()
        tree.tick()

    with pytest.raises(KnotholeError) as error:
        read_and_tick()
    assert told in str(error.value)


def test_a_parameter_that_fills_an_input_is_held_to_its_limits() -> None:
    text = "inputs: {n: {type: int, max: 5, default: 1}}\nroot: {say: '${n}'}\n"
    with pytest.raises(WrongValueError, match="parameter n is out of range: 7"):
        ticked(text, params={"n": 7})


def test_a_number_keeps_its_digits_in_a_text_and_is_short_in_a_reason() -> None:
    text = (
        "params: {serial: 12345678.0, sum: 0, third: 0}\nroot:\n  sequence:\n"
        "    - set: {name: $sum, to: 0.1 * 3}\n    - set: {name: $third, to: 1 / 3}\n"
        "    - say: 'Does the label read ${serial}? ${sum} ${third}'\n    - check: $serial + $third < 0\n"
    )
    tree, said = ticked(text)
    assert said == ["Does the label read 12345678? 0.3 0.333333333333333"]
    assert tree.root.feedback_message == "$serial + $third < 0 ($serial is 12345678, $third is 0.333333) is false"


def test_what_is_nested_deep_is_read_wherever_it_stands(tmp_path: Path) -> None:
    deep = "[" * 1500 + "]" * 1500
    (tmp_path / "p.yaml").write_text(f"l: {deep}\n", "utf-8")
    assert list(read_params(tmp_path / "p.yaml")) == ["l"]
    assert list(read_inputs(inputs_of("{type: list}")["tree"], {"it": deep})) == ["it"]


def test_colors_are_the_same_by_name_and_by_number() -> None:
    assert read_color("orange") == read_color("#FFA500")
    assert read_color("#12") is None


def test_parameters_are_entries_before_the_first_tick(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("speed: 0.5\narm: {joints: [1, no], name: left}\nnothing: null\n", "utf-8")
    text = (
        "knothole: 1\ntree: t\nparams: p.yaml\nroot:\n  sequence:\n    - say: '${arm.name} ${arm.joints[1]} ${speed}'\n"
        "    - check: $arm.joints[0] == 1 and $nothing == none\n"
    )
    spec = load_text(text, str(tmp_path / "t.yaml"))
    assert dict(spec.params) == {"speed": 0.5, "arm": {"joints": (1, "no"), "name": "left"}, "nothing": None}
    said: list[str] = []
    tree = build(spec, Context(say=said.append), params={"speed": 2, "more": "x"})
    tree.tick()
    assert (tree.root.status, said, tree.blackboard["more"]) == (Status.SUCCESS, ["left no 2"], "x")
    assert read_params(tmp_path / "p.yaml") == dict(spec.params)


def test_a_parameter_fills_an_input_of_its_name_that_nobody_gives() -> None:
    text = "params: {speed: 2}\ninputs: {speed: {type: number, default: 1}}\nroot: {check: $speed == 2}\n"
    assert ticked(text)[0].root.status is Status.SUCCESS
    assert ticked(text, inputs={"speed": 1})[0].root.status is Status.FAILURE


def test_a_wrong_file_of_parameters_is_told_with_its_own_place(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    for text, told in (
        ("- a\n", "p.yaml:1:1: error K136"),
        ("a: 1\n---\nb: 2\n", "p.yaml:3:1: error K136"),
        ("a: $x\n", "p.yaml:1:4: error K105"),
        ("a b: 1\n", "p.yaml:1:1: error K136"),
        ("a: [1\n", "p.yaml:"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(TreeError) as error:
            read_params(path)
        assert told in str(error.value)
        problems = check_text("knothole: 1\ntree: t\nparams: p.yaml\nroot: home\n", str(tmp_path / "t.yaml"))
        assert told in "\n".join(str(p) for p in problems)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("say: '${a.b[0]} ${a.b[-1].c}'", "1 2"),
        ("say: $a.b[1].c", "2"),
        ("wait: $a.b[0]", ""),
        ("repeat: {times: '$a.b[0]', child: {say: again}}", "again"),
        ("bt.SetBlackboard: {value: '$a.b[1].c', output_key: out}", ""),
    ],
)
def test_a_part_of_an_entry_goes_into_every_port(node: str, said: str) -> None:
    tree, words = ticked(f"params: {{a: {{b: [1, {{c: 2}}]}}}}\nroot:\n  {node}\n")
    assert tree.root.status in (Status.SUCCESS, Status.RUNNING)
    assert words == ([said] if said else [])


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("$a.x", r"\$a.x: there is no field 'x'"),
        ("$a.b[7]", r"\$a.b\[7\]: \[7\] is outside a list of 2"),
        ("$a.b.c", "there is no field 'c'"),
        ("$a[0]", r"\[0\] needs a list"),
    ],
)
def test_a_part_that_is_not_there_stops_the_run_with_its_name(part: str, told: str) -> None:
    with pytest.raises(NodeFault, match=told):
        ticked(f"params: {{a: {{b: [1, 2]}}}}\nroot:\n  say: {part}\n")


def test_no_port_of_our_own_nodes_bears_the_name_of_a_common_key() -> None:
    class Late(Leaf):
        ports = (Port("timeout", "duration", "how long"),)

    with pytest.raises(ValueError, match="port 'timeout' of Late bears the name of a common key"):
        behavior("late_for_test")(Late)
    assert "late_for_test" not in NODES
