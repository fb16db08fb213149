"""The tables of the documents are run: each row is a node, its children, and what it says tick by tick."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from knothole._base import KnotholeError
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES
from knothole.tests.script_nodes import LETTERS, Script, letter, play, wiring

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {page: (DOCS / f"{page}.md").read_text(encoding="utf-8") for page in ("dialects", "language")}
ROW = re.compile(r"^\| `([\w.]+): (\{.*?\})` \| ([SFRK ]*) ?\| (\w+) \| ([\d ]*) ?\| ([SFRK -]*) ?\|$", re.M)
ROWS = {page: [tuple(cell.strip() for cell in row) for row in ROW.findall(text)] for page, text in PAGES.items()}
ALL = list(dict.fromkeys(row for rows in ROWS.values() for row in rows))


@pytest.mark.parametrize("page", PAGES)
def test_no_row_is_left_out(page: str) -> None:
    tables = re.findall(r"^\| node \| children \|.*?\n\n", PAGES[page], re.M | re.S)
    assert sum(table.count("\n") - 3 for table in tables) == len(ROWS[page]) > 30
    assert {row[0].partition(".")[0] for row in ROWS[page]} >= {"bt", "pt", "nav2", "sequence"}


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize("row", ALL, ids=[" ".join(row[:3]) for row in ALL])
def test_a_row_is_true(row: tuple[str, ...], generator: bool) -> None:
    name, ports, scripts, said, stepped, then = row
    context, cls = Context(), NODES.get(name)
    children = [Script(script, f"child{k}", context) for k, script in enumerate(scripts.split())]
    defaults = {port.name: port.default for port in getattr(cls, "ports", ()) if not port.required}
    given: dict[str, Any] = yaml.safe_load(ports)
    given = {k: float(v[:-1]) if isinstance(v, str) and re.fullmatch(r"\d+s", v) else v for k, v in given.items()}
    made = wiring(children, context, **{**defaults, **given})
    if said == "error":
        with pytest.raises(KnotholeError):
            cls(made)
        return
    assert play(cls(made), len(said), context, generator=generator) == said
    assert [sum(call in LETTERS for call in child.calls) for child in children] == [int(n) for n in stepped.split()]
    assert " ".join(letter(child) for child in children) == then
