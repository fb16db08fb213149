"""From text to nodes that tick: scopes, inputs, common keys, faults with their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from knothole._base import KnotholeError, UnknownNameError
from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, NodeFault, Wiring
from knothole.behaviors.step import Status
from knothole.tests.script_nodes import Script, letter
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, Outcome


def built(text: str, inputs: dict[str, object] | None = None, **options: Any) -> tuple[BuiltTree, list[str]]:
    """Build a tree of one file and collect what it says."""
    said: list[str] = []
    tree = build(load_text(f"knothole: 1\n{text}"), Context(say=said.append), inputs, **options)
    return tree, said


def ran(text: str, inputs: dict[str, object] | None = None, **options: Any) -> tuple[str, list[str], BuiltTree]:
    tree, said = built(text, inputs, **options)
    result = Loop(tree, max_time=10.0).run()
    assert result.fault is None, result.fault
    return result.status, said, tree


def test_literals_references_templates_and_expressions_reach_the_ports() -> None:
    status, said, tree = ran(
        """
tree: t
inputs:
  who: {type: text, default: cup}
  count: {type: int, default: 2}
root:
  sequence:
    - set: {name: $n, to: "$count * 3 + 0.5"}
    - set: {name: $list, to: "[1, 2, $n]"}
    - say: the plain text
    - say: $who
    - say: "${who} is ${n} of ${list[2]}, $$5"
"""
    )
    assert status == "SUCCESS"
    assert said == ["the plain text", "cup", "cup is 6.5 of 6.5, $5"]
    assert tree.blackboard["n"] == 6.5


def test_inputs_are_given_checked_and_needed() -> None:
    text = "tree: t\ninputs:\n  who: {type: text}\n  n: {type: int, default: 1}\nroot: {say: $who}\n"
    assert ran(text, {"who": "mug"})[1] == ["mug"]
    with pytest.raises(KnotholeError, match=r"t needs the input 'who'\n  fix:  give it with --set who=VALUE"):
        built(text)
    with pytest.raises(UnknownNameError, match="unknown input 'wo'\n  did you mean:  who"):
        built(text, {"wo": "mug"})
    with pytest.raises(KnotholeError, match="input n must be a whole number, it is 'many'"):
        built(text, {"who": "mug", "n": "many"})


def test_common_keys_nest_outermost_first() -> None:
    tree, _ = built(
        "tree: t\nroot:\n  say: hello\n  retry: 2\n  timeout: 5s\n  repeat: 3\n  when: true\n  skip_if: false\n"
        "  finally: {say: bye}\n  on_success: {say: well}\n"
    )
    assert [b.type for b in tree.nodes] == ["hooks", "skip_if", "repeat", "timeout", "retry", "say", "say", "say"]
    assert [b.parent for b in tree.nodes] == [-1, 0, 1, 2, 3, 4, 0, 0]
    assert [b.index for b in tree.nodes] == list(range(8))
    path = tree.nodes[5].path
    assert [b.path for b in tree.nodes[:2]] == [f"{path}#hooks", f"{path}#skip_if"]
    assert [b.path for b in tree.nodes[6:]] == [f"{path}#on_success/say", f"{path}#finally/say"]
    assert tree.root is tree.nodes[0].node


def test_hooks_and_scripted_conditions_run_in_a_tree() -> None:
    status, said, _ = ran(
        """
tree: t
root:
  sequence:
    - set: {name: $x, to: "1"}
    - say: skipped
      skip_if: {script: "x == 1"}
    - say: told
      failure_if: {script: "x := x + 1; x > 5"}
      on_success: {say: "x is ${x}"}
      post: {say: post}
      finally: {say: finally}
    - say: never
      success_if: "$x == 2"
"""
    )
    assert (status, said) == ("SUCCESS", ["told", "x is 2", "post", "finally"])


def test_when_skips_and_a_timeout_spans_all_attempts() -> None:
    _, said, _ = ran(
        """
tree: t
root:
  sequence:
    - set: {name: $held, to: "false"}
    - say: no
      when: $held
    - say: yes
      skip_if: $held
    - say: also
      when: "not $held"
"""
    )
    assert said == ["yes", "also"]
    status, _, _ = ran("tree: t\nroot:\n  wait: 3s\n  retry: 5\n  timeout: 2s\n")
    assert status == "FAILURE"


def test_for_each_binds_its_item_for_the_child() -> None:
    _, said, _ = ran(
        """
tree: t
root:
  sequence:
    - set: {name: $things, to: "['cup', 'can']"}
    - for_each:
        item: $thing
        index: $k
        in: $things
        child: {say: "${k}: ${thing}"}
"""
    )
    assert said == ["0: cup", "1: can"]


SUBTREES = """
tree: outer
root:
  sequence:
    - set: {name: $mine, to: "1"}
    - set: {name: $list, to: "[3, 4]"}
    - set: {name: $x, to: "'outer x'"}
    - use: {tree: inner, inputs: {live: $mine, fixed: "${x}!", second: "${list[1]}"}, outputs: {result: $got}}
    - say: "${got}, ${mine}, ${x}"
---
tree: inner
inputs:
  live: {type: number}
  fixed: {type: text}
  second: {type: text}
  spare: {type: number, default: 7}
outputs:
  result: {type: text}
root:
  sequence:
    - set: {name: $x, to: "'inner x'"}
    - set: {name: $live, to: "$live + 10"}
    - set: {name: $@x, to: "'root x'"}
    - set: {name: $result, to: "$fixed"}
    - say: "${live} ${second} ${spare} ${x}"
"""


def test_a_subtree_has_its_own_scope_live_inputs_and_outputs() -> None:
    document = "---\n".join(f"knothole: 1\n{part}" for part in SUBTREES.split("---\n"))
    said: list[str] = []
    tree = build(load_text(document), Context(say=said.append))
    result = Loop(tree).run()
    assert result.outcome is Outcome.SUCCESS, result
    assert said == ["11 4 7 inner x", "outer x!, 11, root x"]
    inner = [b.path for b in tree.nodes if b.path.startswith("outer/sequence/use")]
    assert len(inner) == len(set(inner)) > 1


def test_each_use_has_a_scope_of_its_own() -> None:
    document = """knothole: 1
tree: outer
root:
  sequence:
    - use: {tree: inner, inputs: {n: 1}, outputs: {out: $a}}
    - use: {tree: inner, inputs: {n: 2}, outputs: {out: $b}}
    - say: "${a} ${b}"
---
knothole: 1
tree: inner
inputs: {n: {type: number}}
outputs: {out: {type: number}}
root: {set: {name: $out, to: "$n * 10"}}
"""
    said: list[str] = []
    assert Loop(build(load_text(document), Context(say=said.append))).run().outcome is Outcome.SUCCESS
    assert said == ["10 20"]


def test_an_override_replaces_one_leaf() -> None:
    text = "tree: t\nroot:\n  sequence:\n    - home\n    - say: done\n"
    paths = [b.path for b in built(text)[0].nodes]
    made: list[Script] = []

    def stand_in(wiring: Wiring) -> Script:
        made.append(Script("RS", wiring.name, wiring.context))
        return made[0]

    status, said, tree = ran(text, overrides={paths[1]: stand_in})
    assert (status, said) == ("SUCCESS", ["done"])
    assert made[0].calls == ["start", "R", "S"]
    assert tree[paths[1]].node is made[0]
    with pytest.raises(UnknownNameError, match="unknown node path 't/nowhere'"):
        built(text, overrides={"t/nowhere": stand_in})


@dataclass(frozen=True)
class Part:
    size: tuple[float, float]


def probed(value: str, entry: object) -> Any:
    text = f"tree: t\ninputs: {{thing: {{type: any, default: x}}}}\nroot: {{set: {{name: $out, to: '{value}'}}}}\n"
    tree, _ = built(text, {"thing": entry})
    tree.root._t()
    return tree.blackboard["out"]


def test_fields_keys_and_indices_are_followed() -> None:
    thing = {"part": Part((0.1, 0.2)), "tags": ["a", "b"]}
    assert probed("$thing.part.size[1]", thing) == 0.2
    assert probed("$thing.tags[-1]", thing) == "b"
    with pytest.raises(NodeFault, match=r"t/set: .*there is no field 'weight' in a Part\n  at:  <text>:4:8"):
        probed("$thing.part.weight", thing)


def test_a_leaf_that_raises_names_its_path_place_and_cause() -> None:
    text = "tree: t\nroot:\n  sequence:\n    - home\n    - say: done\n      name: tell them\n"
    path = built(text)[0].nodes[2].path

    class Raises(Leaf):
        def step(self) -> Status:
            raise OSError("no voice")

    tree, _ = built(text, overrides={path: Raises, "t/sequence/home": lambda wiring: Script("S")})
    with pytest.raises(NodeFault) as caught:
        tree.root._t()
    assert str(caught.value) == f"{path} 'tell them': OSError: no voice\n  at:  <text>:6:7"
    assert caught.value.path == path
    assert caught.value.place is not None
    assert caught.value.place.line == 6


def test_a_tree_of_four_hundred_levels_is_built_and_ticked() -> None:
    text = "tree: deep\nroot:\n" + "".join(
        " " * (2 + 4 * k) + "inverter:\n" + " " * (4 + 4 * k) + "child:\n" for k in range(400)
    )
    tree, _ = built(text + " " * 1602 + "say: deep\n")
    result = Loop(tree).run()
    assert result.outcome is Outcome.SUCCESS
    assert len(tree.nodes) == 401


def test_runs_in_one_process_do_not_see_each_other() -> None:
    text = "tree: t\nroot: {set: {name: $x, to: '1'}}\n"
    first, second = built(text)[0], built(text)[0]
    first.root._t()
    assert "x" in first.blackboard
    assert "x" not in second.blackboard
    assert letter(second.root) == "-"
