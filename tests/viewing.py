"""Runs to look at, and what browsers and clients ask of the viewer in its tests."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import knothole as kh
from knothole.behaviors.context import Context
from knothole.tests.script_nodes import Script
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter
from knothole.viewer.serving import ViewerServer
from knothole.vlm.questions import Answer, Frame, Question, Region
from knothole.vlm.scripted import Scripted

SERVE = """\
knothole: 1
tree: serve
inputs: {who: {type: text, default: guest}}
root:
  sequence:
    - see: {question: "Is there a cup on the table?", accept: 0.7}
    - ground: {query: "the red cube", object: $cube}
    - set: {name: $count, to: "1 + 1"}
    - selector:
        - pick: $cube
        - say: "I cannot pick it up, ${who}."
    - wait: 1s
    - see: {question: "Is a hand near?", expect: no}
"""
ANSWERS: Mapping[str, object] = {
    "Is there*": {"yes": 0.9},
    "Is a hand*": {"no": 0.95},
    "*red cube": [{"box": [0.3, 0.4, 0.4, 0.5], "label": "red cube", "point": [0.35, 0.45]}],
}
SLIPS = {"serve/sequence/selector/pick": {"status": "failure", "after": "500ms", "reason": "slipped"}}
HOLDS = {"serve/sequence/selector/pick": {"status": "success", "after": "500ms"}}

PWNED = "<img src=x onerror=\"window.pwned='NAME'\"><script>window.pwned='NAME'</script>"

CAMERA_PIXELS = """(() => {
    const canvas = document.querySelector('#camera canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let [box, brown] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
        if (data[at] === 255 && data[at + 1] === 176 && data[at + 2] === 0) box += 1;
        if (data[at] > 140 && data[at + 1] > 110 && data[at + 2] > 70 && data[at + 2] < 120) brown += 1;
    }
    return [box, brown];
})()"""
"""How many pixels of the camera's picture are those of boxes, and of the table, as the page shows it."""
SCENE_PIXELS = """(() => {
    const canvas = document.querySelector('#scene canvas');
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext('2d');
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    let [arm, cube] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue] = data.slice(at, at + 3);
        if (red > 100 && red < 225 && Math.abs(red - green) < 6 && Math.abs(red - blue) < 8) arm += 1;
        if (red > 80 && green < red / 3 && blue < red / 3) cube += 1;
    }
    return [arm, cube];
})()"""
"""How many pixels of the 3-D scene are those of the arm, and of a red cube."""

CURVES = """[...document.querySelectorAll('.question:not([hidden]) canvas:not([hidden])')]
    .map((each) => (each.width / each.height) / (each.clientWidth / each.clientHeight))"""
"""By how much the curve of each question is stretched: one where it is drawn for the size that it has."""


def crashed_run(trace: Path) -> Path:
    """Record a run that breaks off in tick 5, with something to do whatever happens; returns its trace."""
    text = """\
knothole: 1
tree: t
root:
  sequence:
    - say: a
    - sequence:
        - wait: 200ms
        - set: {name: $x, to: "1"}
      finally: {say: "bye"}
"""
    overrides = {"t/sequence/sequence/set": lambda wiring: Script("!", wiring.name, wiring.context)}
    Loop(build(load_text(text), Context(), overrides=overrides), trace=TraceWriter(trace)).run()
    return trace


class Masking(Scripted):
    """Tells with each thing that it finds which pixels are its own: the left half of its box."""

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer as the script says."""
        answers = super().ask(frame, questions)
        return [replace(each, regions=tuple(_masked(region, frame) for region in each.regions)) for each in answers]


def _masked(region: Region, frame: Frame | None) -> Region:
    assert frame is not None
    height, width = frame.rgb.shape[:2]
    left, top, right, bottom = region.box_xyxy
    mask = np.zeros((height, width), bool)
    mask[int(top * height) : int(bottom * height), int(left * width) : int((left + right) / 2 * width)] = True
    return replace(region, mask=mask)


def serve_run(
    trace: Path, mocks: Mapping[str, object] = SLIPS, answers: Mapping[str, object] = ANSWERS, masks: bool = False
) -> Path:
    """Record a run that looks, finds, tries to pick, and says so; returns its trace."""
    file, mock = trace.with_name("serve.yaml"), trace.with_name("mocks.yaml")
    file.write_text(SERVE, encoding="utf-8")
    mock.write_text(json.dumps({"knothole_mocks": 1, "mocks": mocks}), encoding="utf-8")
    kh.load(file).bind(
        robot="kinematic", vlm=(Masking if masks else Scripted)(answers), mock=mock, trace=trace, max_time=10.0
    ).run()
    return trace


def wide_text(groups: int, leaves: int) -> str:
    """Return a tree with so many groups of so many leaves that run one after the other: a large plan."""
    lines = ["knothole: 1", "tree: wide", "root:", "  sequence:"]
    for group in range(groups):
        lines += [f"    - name: group {group}", "      sequence:"]
        lines += [f"        - {{wait: 1s, name: step {group}.{leaf}}}" for leaf in range(leaves)]
    return "\n".join(lines) + "\n"


def wide_run(trace: Path, groups: int = 250, leaves: int = 19, ticks: int = 400) -> Path:
    """Record some ticks of a large tree whose leaves need one to three ticks each."""
    spec = load_text(wide_text(groups, leaves))
    overrides = {
        node.path: lambda wiring: Script("R" * (sum(wiring.path.encode()) % 3) + "S", wiring.name, wiring.context)
        for node in spec.walk()
        if not node.children
    }
    tree = build(spec, Context(), overrides=overrides)
    with Loop(tree, trace=TraceWriter(trace)) as loop:
        for _ in range(ticks):
            loop.tick()
    return trace


def hostile_trace(path: Path) -> Path:
    """Write a trace that tries to be a page: markup, scripts and addresses wherever text can stand, and odd values."""
    writer = TraceWriter(path)

    def markup(name: str) -> str:
        return PWNED.replace("NAME", name)

    nodes = [
        {
            "index": at,
            "path": path_,
            "type": markup("type"),
            "name": name,
            "kind": "leaf",
            "flow": "sequence" if at == 0 else "",
            "parent": parent,
            "file": markup("file"),
            "line": at + 1,
            "column": 1,
        }
        for at, (path_, name, parent) in enumerate(
            [
                ("t", markup("name"), -1),
                (f"t/{markup('path')}", "javascript:window.pwned='link'", 0),
                ("t/\u202edesrever", "a" * 5000, 0),
                ("__proto__", "constructor", 99),
            ]
        )
    ]
    text = f"root:\n  say: {markup('text')}\n</script><script>window.pwned='yaml'</script>\n"
    writer.put("/run", 0.0, {"event": "start", "robot": markup("robot"), "tree": markup("tree")})
    writer.put(
        "/tree",
        0.0,
        {"name": markup("tree"), "file": markup("file"), "text": text, "files": {markup("file"): text}, "nodes": nodes},
    )
    changes = [{"node": at, "status": "RUNNING", "reason": markup("reason")} for at in range(4)]
    changes += [{"node": 77, "status": "RUNNING", "reason": ""}, {"node": 1, "status": markup("status"), "reason": ""}]
    writer.put("/status", 0.0, {"tick": 1, "changes": changes})
    for name in (markup("entry"), "__proto__", "constructor", "toString"):
        value = {"xyz": [0, 0, 0], "size": [1, 1, 1], "label": markup("label"), "n": float("nan")}
        writer.put("/blackboard", 0.0, {"tick": 1, "name": name, "value": value, "writer": markup("w"), "version": 1})
    asked = {"asker": nodes[1]["path"], "kind": "yes_no", "text": markup("question"), "frame": "../../info"}
    writer.put("/questions", 0.0, {"tick": 1, **asked})
    answer = {
        "kind": "yes_no",
        "question": markup("question"),
        "frame": "../../info",
        "probabilities": {"yes": float("inf"), "__proto__": 1},
        "regions": [{"box_xyxy": [0, 0, 1, 1], "label": markup("region"), "mask": "bm8gcGljdHVyZQ=="}, 3, None],
        "text": markup("answer"),
        "image": "https://example.com/a.png",
        "problem": markup("problem"),
    }
    writer.put("/answers", 0.05, {"tick": 2, **answer})
    svg = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4="
    for name, data in (("../../info", svg), ("https://example.com/x.png", "not base64"), (markup("frame"), svg)):
        writer.put("/frames", 0.05, {"frame_id": name, "data": data, "format": "svg+xml", "hash": ""})
    writer.put("/joints", 0.05, {"tick": 2, "q": ["a", None], "gripper_width": "wide", "tcp": {}})
    writer.put("/log", 0.05, {"level": 4, "message": markup("log"), "name": markup("logger")})
    for topic in ("/status", "/tree", "/run", "/answers", "/ground", "/interventions"):
        writer.put(topic, 0.1, {"tick": "soon", "nodes": 7, "changes": [None], "event": "reload", "objects": {}})
    writer.put("/human", 0.1, {"tick": 3, "path": markup("human"), "asked": markup("asked")})
    writer.close()
    return path


class Client:
    """Ask a viewer as any program can, with headers and paths that no browser would send.

    Args:
        server: A server that runs.
    """

    def __init__(self, server: ViewerServer) -> None:
        self.server = server
        self.host = f"127.0.0.1:{server.port}"
        self.origin = f"http://{self.host}"

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        token: str | None = None,
        host: str | None = None,
        **headers: str,
    ) -> tuple[int, bytes]:
        """Return status and body of an answer; the path follows the token."""
        status, text, _ = self.whole(path, method, body, token, host, **headers)
        return status, text

    def whole(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        token: str | None = None,
        host: str | None = None,
        **headers: str,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Return status, body and headers of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            start = f"/{self.server.token if token is None else token}" if token != "" else ""
            connection.putrequest(method, start + path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or self.host)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None and "Content_Length" not in headers and "Transfer_Encoding" not in headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def json(self, path: str) -> object:
        """Return what an answer says as JSON."""
        status, text = self.ask(path)
        assert status == 200, (status, text)
        return json.loads(text)

    def command(self, data: object, **headers: str) -> tuple[int, bytes]:
        """Send a command as the page does."""
        given = {"Origin": self.origin, "Content_Type": "application/json", **headers}
        return self.ask("/command", "POST", json.dumps(data).encode(), **given)
