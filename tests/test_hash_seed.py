"""Runs, traces and messages do not depend on the hash seed of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from knothole.trees.tracing.trace import read_trace

TREE = """\
knothole: 1
tree: t
params: {a: 1, b: 2, c: 3}
root:
  parallel:
    - sequence:
        - guard: {check: {see: {question: "Is a hand inside the workspace?", expect: no}}, child: {wait: 500ms}}
        - set: {name: $a, to: $b + $c}
    - sequence:
        - say: "${a} ${b} ${c}"
        - selector: [{check: $a > 4}, {wait: 300ms}]
      retry: 2
    - for_each: {item: $x, in: [1, 2, 3], child: {set: {name: $b, to: $x}}}
"""
WRONG = """\
knothole: 1
tree: t
root:
  sequence:
    - sya: hi
    - set: {name: $z, too: 1}
    - check: $p > $q and $r
    - parallel: [{home: {speeed: 1}}, home]
"""


def outputs(folder: Path, seed: str) -> tuple[str, str, list[tuple[str, object]]]:
    folder.mkdir()
    (folder / "t.yaml").write_text(TREE, encoding="utf-8")
    (folder / "wrong.yaml").write_text(WRONG, encoding="utf-8")
    (folder / "answers.yaml").write_text('"*": "no"\n', encoding="utf-8")

    def call(*args: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "knothole.cli", *args],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": seed, "NO_COLOR": "1", "COLUMNS": "120"},
        )
        return done.stdout + done.stderr

    ran = call("run", "t.yaml", "--robot", "kinematic", "--vlm", "scripted:answers.yaml", "--trace", "t.mcap")
    lines = [line for line in ran.splitlines() if not line.startswith("  time ")]
    recording = read_trace(folder / "t.mcap")
    messages = [(m.topic, m.data) for m in recording.messages if m.topic not in ("/answers", "/frames", "/checkpoint")]
    return call("check", "wrong.yaml"), "\n".join(lines), messages


@pytest.mark.long(minutes=0.2)
def test_runs_traces_and_messages_are_the_same_whatever_the_hash_seed(tmp_path: Path) -> None:
    first, *others = [outputs(tmp_path / seed, seed) for seed in ("0", "1", "4711")]
    assert "SUCCESS" in first[1]
    assert first[0].count("error") >= 3
    assert len(first[2]) > 20
    for other in others:
        assert other == first
