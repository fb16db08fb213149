"""The JSON Schema of the live registry accepts what the checker accepts and refuses wrong nodes, ports and keys."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from knothole.app.authoring.schema import schema
from knothole.behaviors.node import NODES
from knothole.behaviors.ports import COMMON_KEYS
from knothole.tests.calling import call
from knothole.tests.yaml_values import documents
from knothole.trees.language.tree_header import HEADER
from knothole.trees.loader import library

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "language.md"
SCHEMA = schema()
VALIDATOR = Draft7Validator(SCHEMA)


def faults(text: str) -> list[str]:
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for document in documents(text)
        for error in VALIDATOR.iter_errors(document)
    ]


def tree(nodes: str) -> str:
    return "knothole: 1\ntree: t\nroot:\n  sequence:\n" + "".join(f"    {line}\n" for line in nodes.splitlines())


def test_it_is_a_json_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", sorted(library().glob("*.yaml")), ids=lambda path: path.stem)
def test_the_library_is_valid(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


def examples(wrong: bool) -> list[str]:
    """The examples of the language page, whole trees; those that show a mistake begin with its code."""
    found = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    trees = [block if re.search(r"^knothole: 1$", block, re.M) else tree(block) for block in found if "- " in block]
    return [block for block in trees if bool(re.search(r"^\s*# [KW]\d+", block, re.M)) == wrong]


@pytest.mark.parametrize("text", examples(wrong=False))
def test_the_valid_examples_of_the_language_page_are_valid(text: str) -> None:
    assert faults(text) == []


def golden() -> list[tuple[str, str]]:
    """The golden mistakes that name a node, port or key that there is not."""
    found = []
    for case in (HERE / "errors.txt").read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, rest = case.partition("\n")
        text, _, report = rest.partition("---->\n")
        told = re.search(r"error (K10[123]): (.*)", report)
        named = told is not None and re.match(r"unknown (node|port|key)|'\w+' is a common key", told[2])
        if named and "\nnodes:" not in text:  # of nodes that the file declares the schema knows the form only
            found.append((name, text))
    return found


@pytest.mark.parametrize(("name", "text"), golden(), ids=lambda value: value if "\n" not in value else "")
def test_the_golden_mistakes_are_refused(name: str, text: str) -> None:
    assert faults(text) != []


def test_there_are_golden_mistakes() -> None:
    assert len(golden()) >= 4


@pytest.mark.parametrize(
    "nodes",
    [
        "- home",
        "- home:",
        '- see: "Is it open?"',
        "- see: {question: Is it open?, expect: no, accept: 0.9, max_age: 500ms}",
        "- see: {question: $words, accept: $limit, expect: $answer}",
        "- wait: 5s\n  retry: 3\n  timeout: 1min\n  when: $count > 0",
        "- retry: {attempts: 2, child: home}",
        "- home:\n  on_success: {say: done}\n  finally: home\n  meta: {collapsed: true}",
        "- home:\n  when: {script: 'x == 1'}",
        "- ClearSnapshot: {image: $img}",
        "- ClearSnapshot",
        "- stub.home: {a: 1}",
        "- py_trees.behaviours.Success",
        "- my_package.nodes.Wipe: {strokes: 3}",
        "- for: {item: side, in: [left, right], do: [{say: $(side)}, home]}",
        "- for: {item: n, in: 1..4, do: home}",
        "- if: {is: $(fast), then: [home], else: [{say: slow}]}",
        "- wait: $(pause)",
        "- bt.SubTree: {ID: Look at table, waypoint: Home, pose: $p, _autoremap: true}",
        "- parallel:\n    success: one\n    children:\n      - home\n      - wait: 1s",
        "- &n {see: Is it?}\n- *n",
    ],
)
def test_good_nodes(nodes: str) -> None:
    assert faults(tree(nodes)) == []


@pytest.mark.parametrize(
    "nodes",
    [
        "- grapsp",
        "- bt.AlwaysSucces",
        "- pt.Sequenc: [home]",
        "- graps: {object: $cup}",
        "- see",
        "- see:",
        "- see: {expect: no}",
        "- see: {question: Is it?, expect: maybe}",
        "- see: {question: Is it?, acept: 0.9}",
        "- see: {question: Is it?, accept: high}",
        "- see: {question: Is it?, accept: 1.5}",
        "- wait: 5",
        "- wait: 5 s",
        "- wait: 5cm",
        "- home:\n  tiemout: 5s",
        "- home:\n  retry: 0",
        "- home:\n  retry: 1.5",
        "- home: [home]",
        "- sequence: []",
        "- sequence: [{hom: }]",
        "- ground: {query: a cup, object: cup}",
        "- ground: {query: a cup, all: yes, object: $cup}",
        "- inverter: {see: Is it?}",
        "- place: {object: $thing, into: tray, retry: 3}",
        "- use: {tree: t, input: {a: 1}}",
        "- 5",
    ],
)
def test_bad_nodes(nodes: str) -> None:
    assert faults(tree(nodes)) != []


@pytest.mark.parametrize(
    "header",
    [
        "inputs: {a: {type: txt}}",
        "inputs: {a: {default: 1}}",
        "inputs: {a b: {type: text}}",
        "outputs: {a: {type: text, default: 1}}",
        "nodes: {A: {kind: leaf}}",
        "nodes: {A: {kind: action, ports: {p: {direction: input}}}}",
        "nodes: {A: {port: {}}}",
        "include: [{file: a.yaml}]",
        "dialect: btcpp",
        "constant: {a: 1}",
    ],
)
def test_bad_headers(header: str) -> None:
    assert faults(f"knothole: 1\ntree: t\n{header}\nroot: home\n") != []


def test_a_full_header_is_valid() -> None:
    text = """\
knothole: 1
tree: Look at table
about: It looks.
meta: {a: b}
dialect: bt
main: other
xml: {form: compact, BTCPP_format: "4"}
include: [other.yaml, {path: x.xml, ros_pkg: pkg}]
nodes:
  ClearSnapshot: {kind: action, ports: {image: {direction: in, type: "list[pose]", default: a, about: b}}}
  stub.home: {id: home, kind: condition, open: true, inferred: true, metadata: [{a: b}]}
constants: {sides: [left, right]}
params: {a: {b: [1]}}
invariants: never.yaml
inputs: {a: {type: number, default: 1, min: 0, max: 2, about: c}}
outputs: {b: {type: "list[object]"}}
skill: {about: it, needs: [hand_empty], effects: ["holding(a)"]}
root: home
"""
    assert faults(text) == []
    assert set(re.findall(r"^(\w+):", text, re.M)) == set(HEADER)


def test_it_names_all_nodes_and_keys_with_what_they_do() -> None:
    definitions = schema()["definitions"]  # made now: another test may have registered a node since SCHEMA was
    assert set(definitions["node"]["properties"]) == {*NODES, *COMMON_KEYS, "for", "if"}  # type: ignore[index]
    silent = [name for name in NODES if not definitions[f"node.{name}"]["markdownDescription"]]  # type: ignore[index]
    assert silent == []


def test_snippets_hold_the_required_ports() -> None:
    definitions = SCHEMA["definitions"]
    see = definitions["node.see"]["defaultSnippets"][0]["body"]  # type: ignore[index]
    assert see == "${1:question}"
    set_ = definitions["node.set"]  # type: ignore[index]
    assert set_["required"] == ["name", "to"]
    assert set(set_["defaultSnippets"][0]["body"]) == {"name", "to"}


def test_nodes_of_a_project_are_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaves.py").write_text(
        "from knothole import Leaf, Port, behavior\n\n\n"
        '@behavior("greet_schema")\nclass Greet(Leaf):\n    """Greet somebody."""\n\n'
        '    ports = (Port("who", "text", "whom", main=True),)\n',
        encoding="utf-8",
    )
    (tmp_path / "knothole.toml").write_text('behaviors = ["leaves.py"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    try:
        code, out, _ = call("schema -o knothole.schema.json")
        assert code == 0
        assert "wrote knothole.schema.json" in out
        written = json.loads((tmp_path / "knothole.schema.json").read_text(encoding="utf-8"))
        text = "knothole: 1\ntree: t\nroot:\n  greet_schema: {PORT: Ada}\n"
        valid, wrong = (documents(text.replace("PORT", port))[0] for port in ("who", "how"))
        assert list(Draft7Validator(written).iter_errors(valid)) == []
        assert list(Draft7Validator(written).iter_errors(wrong)) != []
    finally:
        NODES._things.pop("greet_schema", None)


def test_a_schema_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    code, _, err = call(f"schema -o {tmp_path / 'no' / 'such.json'}")
    assert code == 2
    assert "cannot be written" in err
