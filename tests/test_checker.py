"""What can be known from the file is known before the first tick: entries on every path, types, limbs, loops."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from knothole.robots.contract import Capabilities
from knothole.tests.checking import codes, tree
from knothole.trees.loader import check, check_text, find, library, load, load_text
from knothole.trees.problems import TreeError
from knothole.trees.requirements import check_capabilities, check_latency
from knothole.trees.spec import Computed, Literal, Reference, Template


def test_values_have_the_type_of_their_port() -> None:
    spec = load_text(
        tree(
            """
            sequence:
              - see: {question: "Is ${thing.label} $$5?", expect: no, accept: 0.9, max_age: 500ms}
              - wait: 2min
              - ground: {query: cup, all: true, objects: $found}
              - pick: $found[0]
              - check: $n > 1
                name: enough
                retry: 3
                timeout: 20s
                when: $n > 0
            """
        )
    )
    see, wait, ground, pick, check = spec.root.children
    question = see.values["question"]
    assert isinstance(question, Template)
    assert [str(part) for part in question.parts] == ["Is ", "$thing.label", " $5?"]
    given = {name: value.value for name, value in see.values.items() if isinstance(value, Literal)}
    assert given == {"expect": "no", "accept": 0.9, "max_age": 0.5}
    assert isinstance(wait.values["duration"], Literal)
    assert wait.values["duration"].value == 120.0
    assert isinstance(ground.values["objects"], Reference)
    assert str(ground.values["objects"]) == "$found"
    assert str(pick.values["object"]) == "$found[0]"
    assert isinstance(check.values["expression"], Computed)
    assert (check.name, check.path, check.place.line) == ("enough", "t/sequence/check", 13)
    assert {key: getattr(value, "value", "expression") for key, value in check.common.items()} == {
        "retry": 3, "timeout": 20.0, "when": "expression",
    }  # fmt: skip


def test_retry_repeat_and_timeout_are_nodes_where_their_value_has_a_child() -> None:
    spec = load_text(tree("retry: {attempts: 2, child: home}\ntimeout: 5s"))
    assert (spec.root.type, list(spec.root.common), spec.root.children[0].type) == ("retry", ["timeout"], "home")


def test_paths_are_unique() -> None:
    spec = load_text(
        tree("guard:\n  check: {see: {question: a?, max_age: 1s}}\n  child: {sequence: [home, {see: b?}, home]}")
    )
    assert [node.path for node in spec.walk()] == [
        "t/guard", "t/guard/see", "t/guard/sequence", "t/guard/sequence/home[1]", "t/guard/sequence/see",
        "t/guard/sequence/home[2]",
    ]  # fmt: skip


def test_an_alias_copies_a_node() -> None:
    spec = load_text(tree("sequence:\n  - &look {see: a?}\n  - *look"))
    assert [node.path for node in spec.root.children] == ["t/sequence/see[1]", "t/sequence/see[2]"]


CHILD = """
knothole: 1
tree: child
inputs: {a: {type: text}, b: {type: duration, default: 5s}}
outputs: {c: {type: object}}
root: {sequence: [{wait: $b}, {ground: {query: "${a}", object: $c}}]}
"""


def using(use: str, after: str = "{pick: $found}") -> str:
    return tree(f"sequence: [{{use: {use}}}, {after}]") + "---" + CHILD


def test_used_trees_are_checked_through_their_inputs_and_outputs() -> None:
    good = using("{tree: child, inputs: {a: tray, b: 3s}, outputs: {c: $found}}")
    assert codes(good) == []
    use = load_text(good).root.children[0]
    assert use.uses is not None
    assert use.uses.name == "child"
    assert {name: str(getattr(v, "value", v)) for name, v in use.values.items()} == {
        "inputs.a": "tray", "inputs.b": "3.0", "outputs.c": "$found",
    }  # fmt: skip
    assert codes(using("{tree: child, inputs: {a: tray, b: 3}, outputs: {c: $found}}")) == ["K106"]
    assert codes(using("{tree: child, inputs: {a: $thing}, outputs: {c: $found}}")) == ["K204"]
    assert codes(using("{tree: child, inputs: {b: 3s}, outputs: {c: $found}}")) == ["K104"]
    assert codes(using("{tree: child, inputs: {a: tray}, outputs: {c: $found}}", "{wait: $found}")) == ["K204"]
    assert codes(using("{tree: child, inputs: {a: tray}, outputs: {d: $found}}", "home")) == ["K102"]
    assert codes(using("{tree: child, inputs: {a: tray}}")) == ["K201"]


def test_each_tree_has_its_own_names() -> None:
    assert codes(using("{tree: child, inputs: {a: tray}}", "{pick: $c}")) == ["K201"]
    own = tree("use: other") + "---\nknothole: 1\ntree: other\nroot: {say: '${n}'}\n"
    assert codes(own) == ["K201"]


def test_an_output_that_is_never_or_not_always_set() -> None:
    head = "outputs: {c: {type: object}}\n"
    assert codes(tree("home", head)) == ["K205"]
    assert codes(tree("selector: [{ground: {query: a, object: $c}}, home]", head)) == ["K203"]


def test_a_tree_that_includes_itself_over_others(tmp_path: Path) -> None:
    for name, used in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"knothole: 1\ntree: {name}\nroot: {{use: {used}}}\n", encoding="utf-8")
    (problem,) = check(tmp_path / "a.yaml")
    assert (problem.code, problem.why, Path(problem.place.file).name) == ("K118", "a → b → c → a", "c.yaml")


def test_trees_are_found_beside_the_file_then_on_the_search_path_then_in_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    near, far = tmp_path / "near", tmp_path / "far"
    for folder, about in ((near, "near"), (far, "far")):
        folder.mkdir()
        (folder / "put_away.yaml").write_text(
            f"knothole: 1\ntree: put_away\nabout: {about}\nroot: home\n", encoding="utf-8"
        )
    (near / "main.yaml").write_text("knothole: 1\ntree: main\nroot: {use: put_away}\n", encoding="utf-8")
    (tmp_path / "main.yaml").write_text("knothole: 1\ntree: main\nroot: {use: put_away}\n", encoding="utf-8")

    def used(path: Path, search: list[Path]) -> str:
        tree = load(path, search).root.uses
        assert tree is not None
        return tree.about

    assert used(near / "main.yaml", [far]) == "near"
    assert used(tmp_path / "main.yaml", [far]) == "far"
    with pytest.raises(TreeError, match="needs the input 'thing'"):
        load(tmp_path / "main.yaml")
    assert find("tidy_table") == library() / "tidy_table.yaml"
    assert find("main") == Path("main.yaml")
    assert find("put_away", [far]) == far / "put_away.yaml"


def test_mistakes_of_used_files_are_told_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(
        "knothole: 1\ntree: main\nroot: {sequence: [{use: bad}, {use: bad}]}\n", "utf-8"
    )
    (tmp_path / "bad.yaml").write_text("knothole: 1\ntree: bad\nroot: {wait: 5}\n", encoding="utf-8")
    (problem,) = check(tmp_path / "main.yaml")
    assert (Path(problem.place.file).name, problem.place.line, problem.code) == ("bad.yaml", 3, "K106")


def test_subtrees_that_double_without_end_are_refused_quickly() -> None:
    documents = [
        f"knothole: 1\ntree: t{i}\nroot: {{sequence: [{{use: t{i + 1}}}, {{use: t{i + 1}}}]}}\n" for i in range(40)
    ]
    assert codes("---\n".join([*documents, "knothole: 1\ntree: t40\nroot: home\n"])) == ["K007"]


def test_several_trees_in_a_file() -> None:
    spec = load_text(using("{tree: child, inputs: {a: tray}, outputs: {c: $found}}"))
    assert (spec.name, spec.others) == ("t", ("child",))


ROBOT = Capabilities(("table", "wrist"), frozenset({"table"}), frozenset({"arm", "gripper"}), 0.08)


def test_a_tree_that_needs_more_than_the_robot_has_fails_its_check() -> None:
    spec = load_text(
        tree(
            """
            sequence:
              - see: {question: a?, camera: wirst}
              - ground: {query: a, camera: wrist, object: $x}
              - pick: $x
            """
        )
    )
    found = check_capabilities(spec, ROBOT)
    assert [(p.code, p.message, p.guess) for p in found] == [
        ("K402", "this robot has no camera 'wirst'", ("wrist",)),
        ("K403", "'ground' needs depth, the camera 'wrist' of this robot measures none", ()),
    ]
    found = check_capabilities(load("tidy_table"), Capabilities((), frozenset(), frozenset()))
    assert {p.code for p in found} == {"K401", "K402"}
    assert {Path(p.place.file).name for p in found} == {"tidy_table.yaml", "put_away.yaml"}
    assert check_capabilities(load("tidy_table"), ROBOT) == []


def test_a_max_age_below_the_latency_of_the_backend_is_refused() -> None:
    spec = load_text(tree("see: {question: a?, max_age: 500ms}"))
    assert check_latency(spec, 0.4) == []
    (problem,) = check_latency(spec, 2.0)
    assert str(problem) == (
        "<text>:8:32: error K404: max_age 0.5s is below the latency of this backend, 2s\n"
        "    8 |   see: {question: a?, max_age: 500ms}\n"
        "      |                                ^^^^^\n"
        "  why:  each answer would be too old when it comes\n"
        "  fix:  write at least 2s, or choose a faster backend with --vlm"
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in library().glob("*.yaml")))
def test_trees_of_the_library_have_no_problems(name: str) -> None:
    assert check(name) == []


PAGE = Path(__file__).parents[1] / "docs" / "language.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
HEAD = """inputs:
  thing: {type: object}
  things: {type: objects}
  count: {type: number, default: 1}
  done: {type: bool, default: false}
  container: {type: text, default: tray}
"""


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.split("\n")[0] for example in EXAMPLES])
def test_examples_of_the_language_page(example: str) -> None:
    expected = re.match(r"# (K\d+)\n", example)
    whole = example if example.startswith("knothole:") else tree("sequence:\n" + textwrap.indent(example, "  "), HEAD)
    assert codes(whole) == ([expected[1]] if expected else [])


def test_every_code_is_on_the_language_page() -> None:
    rooms = [Path(__file__).parents[1] / "trees", Path(__file__).parents[1] / "trees" / "language"]
    used = {
        code for room in rooms for file in room.glob("*.py") for code in re.findall(r'"(K\d{3})"', file.read_text())
    }
    rows = re.findall(r"^\| (K\d{3}(?:[–,] ?K?\d{3})*) \|", PAGE.read_text(encoding="utf-8"), flags=re.M)
    told: set[str] = set()
    for row in rows:
        ends = re.findall(r"K(\d{3})", row)
        told |= {f"K{n:03d}" for n in range(int(ends[0]), int(ends[-1]) + 1)}
    assert used <= told


def test_a_tree_is_found_by_its_name_in_a_file_of_another_name(tmp_path: Path) -> None:
    text = "".join(f"---\nknothole: 1\ntree: {name}\nroot: home\n" for name in ("first", "second one"))
    (tmp_path / "many.yaml").write_text(text, encoding="utf-8")
    assert load("second one", [tmp_path]).name == "second one"
    assert load("many", [tmp_path]).name == "first"
    with pytest.raises(TreeError, match="did you mean:  second one"):
        load("second oen", [tmp_path])


def test_mistakes_below_an_unknown_node_are_told_as_well() -> None:
    text = tree(
        """
        sequence:
          - sequnce:
              - wait: 5
              - retry:
                  attempts: 2
                  child: {hom: null}
          - invertr: {child: {sayy: hello}}
        """
    )
    assert codes(text) == ["K101", "K106", "K101", "K101", "K101"]


def test_an_entry_that_only_a_mistyped_node_sets_is_still_what_was_meant() -> None:
    text = tree(
        """
        sequence:
          - grond: {query: "a cup", object: $cup}
          - pick: $cpu
        """
    )
    found = check_text(text)
    assert [(problem.code, problem.guess[:1]) for problem in found] == [("K101", ("ground",)), ("K201", ("$cup",))]
