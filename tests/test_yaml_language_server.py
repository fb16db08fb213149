"""The yaml-language-server of the editors, driven over stdio with the schema.

``make test`` installs it below ``.node`` where npm is present; without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knothole.app.authoring.schema import schema
from knothole.behaviors.node import NODES
from knothole.tests.json_rpc import Client

SERVER = Path(__file__).parents[1] / ".node" / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
NODE = shutil.which("node")

MISSING = NODE is None or not SERVER.exists()
pytestmark = pytest.mark.skipif(
    MISSING and "node" not in os.environ.get("KNOTHOLE_REQUIRES", ""),  # .ci/run requires it
    reason="yaml-language-server is not installed: make .node/.installed",
)

HEAD = "knothole: 1\ntree: t\nroot:\n  sequence:\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "knothole.schema.json").write_text(json.dumps(schema()), encoding="utf-8")
    settings = {
        "validate": True,
        "completion": True,
        "hover": True,
        "schemas": {(folder / "knothole.schema.json").as_uri(): "*.yaml"},
        "schemaStore": {"enable": False},
    }
    with Client([str(NODE), str(SERVER), "--stdio"], folder, {"yaml": settings}) as client:
        snippets = {"completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}}}
        client.initialize(folder, workspace={"configuration": True}, textDocument=snippets)
        client.notify("workspace/didChangeConfiguration", {"settings": {"yaml": settings}})
        warm = client.open(folder / "warm.yaml", HEAD + "    - graps\n")
        while not client.diagnostics(warm):  # it has read its settings when it knows the schema
            pass
        yield client


def labels(found: Any) -> set[str]:
    items = found["items"] if isinstance(found, dict) else found
    return {item["label"] for item in items}


def test_it_completes_node_names(server: Client, tmp_path: Path) -> None:
    text = HEAD + "    - \n"
    uri = server.open(tmp_path / "t.yaml", text)
    found = labels(server.at("textDocument/completion", uri, 4, 6))
    assert set(NODES) <= found
    assert {"retry", "when", "on_success"} <= found


def test_it_completes_ports_and_choices(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + '    - see:\n        question: "Is it?"\n        \n')
    found = labels(server.at("textDocument/completion", uri, 6, 8))
    assert {"expect", "accept", "max_age"} <= found
    assert "retry" not in found


def test_it_writes_what_a_node_needs(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + "    - se\n")
    found = server.at("textDocument/completion", uri, 4, 8)
    items = {item["label"]: item for item in (found["items"] if isinstance(found, dict) else found)}
    assert items["set"]["insertText"].replace("  ", " ") == "set:\n  name: $1\n  to: $2"


def test_it_reports_an_unknown_port_and_node(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + '    - see: {question: "Is it?", expct: no}\n    - graps: $cup\n')
    found = server.diagnostics(uri)
    places = {(each["range"]["start"]["line"], each["range"]["start"]["character"]): each["message"] for each in found}
    assert "expct" in places[(4, 32)]
    assert "graps" in places[(5, 6)]
    assert len(places) == 2


def test_it_reports_nothing_in_a_good_tree(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + '    - see: {question: "Is it?", expect: no}\n    - home\n')
    assert server.diagnostics(uri) == []


def test_it_explains_a_node(server: Client, tmp_path: Path) -> None:
    uri = server.open(tmp_path / "t.yaml", HEAD + '    - see: {question: "Is it?"}\n')
    found = server.at("textDocument/hover", uri, 4, 7)
    assert "`max_age`" in json.dumps(found["contents"])
