"""Nodes, backends and drivers of other distributions: found by entry point, and refused by name when broken."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from knothole._base import KnotholeError, PluginError, Registry
from knothole.app.settings.names import register_all
from knothole.behaviors.node import NODES
from knothole.robots.contract import DRIVERS
from knothole.tests.calling import call
from knothole.vlm.contract import BACKENDS

CODE = '''
from py_trees.common import Status
from knothole import Leaf, behavior
from knothole.robots.contract import DRIVERS
from knothole.robots.kinematic import KinematicRobot
from knothole.vlm.contract import BackendEntry, backend
from knothole.vlm.scripted import Scripted


class Hum(Leaf):
    """Hum a tune."""

    def step(self) -> Status:
        return self.succeed("hummed")


@behavior("whistle")
class Whistle(Hum):
    """Whistle a tune."""


@backend("shrug", runs_in="loop", latency=0.0)
def shrug(options):
    return Scripted({"*": 0.5})


entry = BackendEntry(shrug, "loop", 0.0)


def weightless(options):
    return KinematicRobot()
'''

Install = Callable[..., None]
REGISTRIES: dict[str, tuple[Registry[Any], str]] = {
    "behaviors": (NODES, "nodes"),
    "backends": (BACKENDS, "backends"),
    "drivers": (DRIVERS, "robots"),
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution ``tunes`` with these entry points on the path; the registries forget it afterwards."""
    monkeypatch.chdir(tmp_path)
    register_all()
    for registry, _ in REGISTRIES.values():
        len(registry)
        monkeypatch.setattr(registry, "_things", dict(registry._things))
        monkeypatch.setattr(registry, "_found", False)

    def write(code: str, **groups: str) -> None:
        site = tmp_path / "site"
        info = site / "tunes-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "tunes.py").write_text(code, encoding="utf-8")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tunes\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"[knothole.{group}]\n{points}\n" for group, points in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()

    yield write
    sys.modules.pop("tunes", None)


def test_plugins_are_found_as_objects_and_by_what_their_module_registers(install: Install, tmp_path: Path) -> None:
    install(
        CODE,
        behaviors="hum = tunes:Hum\nwhistle = tunes",
        backends="shrug = tunes\nshrug_too = tunes:entry",
        drivers="weightless = tunes:weightless",
    )
    (tmp_path / "song.yaml").write_text(
        'knothole: 1\ntree: song\nroot:\n  sequence:\n    - hum\n    - whistle\n    - see: {question: "Is it late?"}\n',
        encoding="utf-8",
    )
    for vlm in ("shrug", "shrug_too"):
        code, out, err = call(f"run song.yaml --robot weightless --vlm {vlm} --max-time 2s --json")
        assert err == ""
        assert (code, json.loads(out)["robot"]) in ((0, "kinematic"), (1, "kinematic"), (4, "kinematic"))
        assert json.loads(out)["questions"] >= 1
    rows = {row["what"]: row for row in json.loads(call("doctor --json")[1])}
    assert {"hum", "whistle"} <= set(rows["nodes"]["detail"].split(", "))
    assert {"shrug", "shrug_too"} <= set(rows["backends"]["detail"].split(", "))
    assert "weightless" in rows["robots"]["detail"].split(", ")


BROKEN = [
    ("1 / 0", "behaviors", "hum = tunes", "cannot be loaded: ZeroDivisionError: division by zero"),
    ("import not_there_at_all", "backends", "shrug = tunes", "cannot be loaded: ModuleNotFoundError: No module named"),
    (CODE, "drivers", "weightless = tunes:weighty", "cannot be loaded: AttributeError"),
    (CODE, "backends", "shrugs = tunes:shrug", "is no backend but a function, and does not register that name"),
    (CODE, "behaviors", "hums = tunes", "is no node but a module, and does not register that name"),
    ("class Hum: pass", "behaviors", "hum = tunes:Hum", "is no node but the class Hum, and does not"),
    ("weightless = 3", "drivers", "weightless = tunes:weightless", "is no robot but a int, and does not"),
]


@pytest.mark.parametrize(("code", "group", "point", "problem"), BROKEN, ids=[f"{g}:{p}" for _, g, p, _ in BROKEN])
def test_a_broken_plugin_is_named_at_every_look_up(
    install: Install, code: str, group: str, point: str, problem: str
) -> None:
    install(code, **{group: point})
    registry, what = REGISTRIES[group]
    name = point.partition(" ")[0]
    messages = set()
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            registry.get(name)
        messages.add(str(caught.value))
    (message,) = messages
    assert message.startswith(
        f"the {registry.noun} {name!r} of tunes (entry point knothole.{group}: {point}) {problem}"
    )
    assert message.endswith("\n  fix:  repair or remove the distribution tunes")
    assert isinstance(caught.value, KnotholeError)
    assert (caught.value.__cause__ is not None) == ("cannot be loaded" in problem)
    status, out, _ = call("doctor --json")
    rows = {row["what"]: row for row in json.loads(out)}
    assert rows[what]["state"] == "broken"
    assert "of tunes (entry point" in rows[what]["detail"]
    assert sum(row["state"] == "broken" for row in rows.values()) == 1
    assert status != 0


def test_a_broken_plugin_is_an_error_of_usage(install: Install) -> None:
    install("1 / 0", behaviors="hum = tunes")
    status, out, err = call("nodes")
    assert (status, out) == (2, "")
    assert "error: the node 'hum' of tunes" in err
    assert "Traceback" not in err
