"""``knothole lsp`` driven as a process over stdio, as an editor does."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knothole.tests.json_rpc import PATIENCE, Client

HEAD = "knothole: 1\ntree: t\ninputs:\n  thing: {type: object}\nroot:\n  sequence:\n"
ROWS = HEAD.count("\n")
GOOD = HEAD + '    - ground: {query: "a cup", object: $cup}\n    - pick: $cup\n'


COMMAND = [sys.executable, "-m", "knothole.cli", "lsp"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for all tests that do not end it; each opens files of its own."""
    folder = tmp_path_factory.mktemp("project")
    with Client(COMMAND, folder) as client:
        client.initialize(folder)
        yield client


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Client]:
    with Client(COMMAND, tmp_path) as client:
        client.initialize(tmp_path)
        yield client


def test_it_starts_says_what_it_can_and_stops(tmp_path: Path) -> None:
    with Client(COMMAND, tmp_path) as client:
        found = client.initialize(tmp_path)
        can = found["capabilities"]
        assert found["serverInfo"]["name"] == "knothole"
        for name in ("completion", "hover", "definition", "references", "rename", "documentSymbol"):
            assert can[f"{name}Provider"]
        assert can["documentFormattingProvider"]
        assert client.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_the_editor_is_silent(tmp_path: Path, number: signal.Signals) -> None:
    with Client(COMMAND, tmp_path) as client:
        client.initialize(tmp_path)
        client.process.send_signal(number)
        assert client.process.wait(PATIENCE) == 128 + number


def test_mistakes_are_told_as_typed(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - pick: $thing\n")
    assert server.diagnostics(uri, 1) == []
    server.change(uri, 2, HEAD + "    - pikc: $thing\n")
    (found,) = server.diagnostics(uri, 2)
    assert found["code"] == "K101"
    assert found["severity"] == 1
    assert found["source"] == "knothole"
    assert "did you mean: pick" in found["message"]
    assert found["range"] == {"start": {"line": ROWS, "character": 6}, "end": {"line": ROWS, "character": 10}}
    server.change(uri, 3, HEAD + "    - pick: [\n")
    assert [each["code"] for each in server.diagnostics(uri, 3)] == ["K010"]
    server.change(uri, 4, HEAD + "    - pick: $thing\n")
    assert server.diagnostics(uri, 4) == []


def test_only_the_last_of_quick_changes_is_checked(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - home\n")
    assert server.diagnostics(uri, 1) == []
    for version in range(2, 12):
        server.change(uri, version, HEAD + f"    - {'hom' if version < 11 else 'home'}\n")
    assert server.diagnostics(uri) == []
    assert [message for message in server.kept if message.get("params", {}).get("uri") == uri] == []


def test_columns_are_counted_in_utf_16(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + '    - say: {text: "😀é", txet: 1}\n')
    (found,) = server.diagnostics(uri, 1)
    start = found["range"]["start"]["character"]
    assert start == len('    - say: {text: "') + 3 + len('", ')
    assert found["range"]["end"]["character"] == start + 4
    hover = server.at("textDocument/hover", uri, ROWS, start - 10)
    assert hover is not None


def test_an_editor_that_counts_bytes_gets_bytes(tmp_path: Path) -> None:
    with Client(COMMAND, tmp_path) as client:
        found = client.initialize(tmp_path, general={"positionEncodings": ["utf-8"]})
        assert found["capabilities"]["positionEncoding"] == "utf-8"
        uri = client.open(tmp_path / "t.yaml", HEAD + '    - say: {text: "é", txet: 1}\n')
        (told,) = client.diagnostics(uri, 1)
        assert told["range"]["start"]["character"] == len('    - say: {text: "é", '.encode())


def test_unsaved_texts_of_used_trees_count(server: Client, tmp_path: Path) -> None:
    used = tmp_path / "used.yaml"
    used.write_text("knothole: 1\ntree: used\nroot: home\n", encoding="utf-8")
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - use: {tree: used, inputs: {who: Ada}}\n    - pick: $thing\n")
    assert [each["code"] for each in server.diagnostics(uri, 1)] == ["K102"]
    other = server.open(used, 'knothole: 1\ntree: used\ninputs:\n  who: {type: text}\nroot:\n  say: "${who}"\n')
    assert server.diagnostics(other, 1) == []
    assert server.diagnostics(uri, 1) == []
    server.change(other, 2, "knothole: 1\ntree: used\nroot: hme\n")
    assert [each["code"] for each in server.diagnostics(other, 2)] == ["K101"]


def test_mistakes_in_a_used_file_are_shown_in_it(server: Client, tmp_path: Path) -> None:
    used = tmp_path / "used.yaml"
    used.write_text("knothole: 1\ntree: used\nroot: hoome\n", encoding="utf-8")
    uri = server.open(tmp_path / "t.yaml", "knothole: 1\ntree: t\nroot:\n  use: used\n")
    assert [each["code"] for each in server.diagnostics(used.as_uri())] == ["K101"]
    used.write_text("knothole: 1\ntree: used\nroot: home\n", encoding="utf-8")
    server.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert server.diagnostics(used.as_uri()) == []
    server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert server.diagnostics(uri) == []


def test_other_yaml_is_left_alone(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "compose.yaml", "services:\n  web: {image: nginx}\n")
    assert server.diagnostics(uri, 1) == []
    assert server.at("textDocument/hover", uri, 0, 2) is None


def test_it_completes_over_the_wire(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - pi")
    found = server.at("textDocument/completion", uri, ROWS, 8)["items"]
    (pick,) = [item for item in found if item["label"] == "pick"]
    start = {"line": ROWS, "character": 6}
    assert pick["textEdit"]["range"] == {"start": start, "end": {"line": ROWS, "character": 8}}
    assert pick["documentation"]["kind"] == "markdown"


def test_nodes_of_the_project_are_known(tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text(
        "from knothole import Leaf, Port, behavior\n\nprint('loaded')\n\n"
        '@behavior("greet_lsp")\nclass Greet(Leaf):\n    """Greet somebody."""\n\n'
        '    ports = (Port("who", "text", "whom", main=True),)\n',
        encoding="utf-8",
    )
    (tmp_path / "knothole.toml").write_text('behaviors = ["leaves.py"]\n', encoding="utf-8")
    with Client(COMMAND, tmp_path) as client:
        client.initialize(tmp_path)
        uri = client.open(tmp_path / "t.yaml", HEAD + "    - greet_lsp: Ada\n    - pick: $thing\n")
        assert client.diagnostics(uri, 1) == []
        hover = client.at("textDocument/hover", uri, ROWS, 8)
        assert "Greet somebody." in hover["contents"]["value"]
        assert client.stop() == 0


def test_a_broken_configuration_is_told_and_the_rest_works(tmp_path: Path) -> None:
    (tmp_path / "knothole.toml").write_text("vml = 1\n", encoding="utf-8")
    with Client(COMMAND, tmp_path) as client:
        client.initialize(tmp_path)
        told = client.wait(lambda message: message.get("method") == "window/showMessage")
        assert "vml" in told["params"]["message"]
        uri = client.open(tmp_path / "t.yaml", HEAD + "    - pick: $thing\n")
        assert client.diagnostics(uri, 1) == []


def test_definition_references_and_symbols(server: Client, tmp_path: Path) -> None:
    used = tmp_path / "used.yaml"
    used.write_text("knothole: 1\ntree: used\nroot: home\n", encoding="utf-8")
    text = (
        HEAD + '    - ground: {query: "a cup", object: $cup}\n    - pick: $cup\n      name: take it\n    - use: used\n'
    )
    uri = server.open(tmp_path / "t.yaml", text)
    found = server.at("textDocument/definition", uri, ROWS + 1, 14)
    assert found["uri"] == uri
    assert found["range"]["start"] == {"line": ROWS, "character": 40}
    found = server.at("textDocument/definition", uri, ROWS + 3, 14)
    assert found["uri"] == used.as_uri()
    assert found["range"]["start"] == {"line": 1, "character": 6}
    found = server.at("textDocument/references", uri, ROWS, 41, context={"includeDeclaration": True})
    assert [each["range"]["start"]["line"] for each in found] == [ROWS, ROWS + 1]
    (tree,) = server.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert tree["name"] == "t"
    (sequence,) = tree["children"]
    assert [(each["name"], each.get("detail")) for each in sequence["children"]] == [
        ("ground", None),
        ("take it", "pick"),
        ("use", None),
    ]


def test_a_declared_node_is_found(server: Client, tmp_path: Path) -> None:
    text = "knothole: 1\ntree: t\nnodes:\n  Wipe: {kind: action, about: wipes}\nroot:\n  sequence:\n    - Wipe\n"
    uri = server.open(tmp_path / "t.yaml", text)
    found = server.at("textDocument/definition", uri, 6, 8)
    assert found["range"]["start"] == {"line": 3, "character": 2}
    items = server.at("textDocument/completion", uri, 6, 8)["items"]
    assert "Wipe" in {item["label"] for item in items}


def test_rename_over_the_wire(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - pick: $thing\n")
    found = server.at("textDocument/prepareRename", uri, ROWS, 14)
    assert found == {"start": {"line": ROWS, "character": 13}, "end": {"line": ROWS, "character": 18}}
    found = server.at("textDocument/rename", uri, ROWS, 14, newName="cup")
    edits = found["changes"][uri]
    assert [(edit["range"]["start"]["line"], edit["newText"]) for edit in edits] == [(3, "cup"), (ROWS, "cup")]
    refused = server.at("textDocument/rename", uri, ROWS, 14, newName="a b")
    assert "is no name of an entry" in refused["error"]["message"]
    assert server.at("textDocument/prepareRename", uri, 0, 2) is None


def test_formatting_over_the_wire(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", "knothole: 1\ntree: t # x\nroot: {pick: $thing}\n")
    options = {"tabSize": 2, "insertSpaces": True}
    (edit,) = server.request("textDocument/formatting", {"textDocument": {"uri": uri}, "options": options})
    assert edit["newText"] == "knothole: 1\ntree: t  # x\n\nroot:\n  pick: $thing\n"
    assert edit["range"]["end"] == {"line": 3, "character": 0}
    server.change(uri, 2, "a: [")
    found = server.request("textDocument/formatting", {"textDocument": {"uri": uri}, "options": options})
    assert "K01" in found["error"]["message"]


def test_wrong_input_does_not_end_it(fresh: Client, tmp_path: Path) -> None:
    fresh.send_raw(b"this is no JSON")
    fresh.send_raw(b'{"jsonrpc": "2.0", "id": 900, "method": "no/such"}')
    assert "error" in fresh.wait(lambda message: message.get("id") == 900)
    refused = fresh.request("textDocument/hover", {"wrong": 1})
    assert "error" in refused
    missing = (tmp_path / "never.yaml").as_uri()
    assert fresh.at("textDocument/hover", missing, 0, 0) is None
    assert fresh.at("textDocument/completion", missing, 0, 0)["items"] == []
    fresh.notify("textDocument/didClose", {"textDocument": {"uri": missing}})
    uri = fresh.open(tmp_path / "t.yaml", HEAD + "    - pick: $thing\n")
    assert fresh.at("textDocument/hover", uri, 10_000, 10_000) is None
    assert fresh.at("textDocument/completion", uri, 10_000, 0)["items"] != []
    assert fresh.stop() == 0


def test_exit_without_shutdown_is_a_failure(fresh: Client) -> None:
    fresh.notify("exit", None)
    assert fresh.process.wait(60) == 1


def test_a_missing_extra_is_said(tmp_path: Path) -> None:
    (tmp_path / "pygls").mkdir()
    (tmp_path / "pygls" / "__init__.py").write_text("raise ModuleNotFoundError('no', name='pygls')\n", encoding="utf-8")
    with Client(COMMAND, tmp_path) as client:
        assert client.process.wait(60) == 2
    assert b"pip install 'knothole[lsp]'" in b"".join(client.errors)


def test_messages_are_json(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - §\n")
    found: list[dict[str, Any]] = server.diagnostics(uri, 1)
    assert json.loads(json.dumps(found)) == found
