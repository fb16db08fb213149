"""Trees that grow while a run goes on: checked like files, ticked, halted, paused and traced like any other node."""

from __future__ import annotations

import json

import pytest
from py_trees.common import Status

from knothole.behaviors.growing import Grower, GrowError
from knothole.behaviors.node import SUCCESS, Leaf, behavior
from knothole.behaviors.ports import Port
from knothole.tests.acting import scene
from knothole.trees.growing.limits import MOST_NODES, MOST_TEXT
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.why import explain

TEXTS = "root:\n  sequence:\n    - say: hello\n    - wait: 300ms\n"


@behavior("grow_texts")
class Grows(Grower, Leaf):
    """Let texts grow one after the other.

    Ports:
        texts (in, list, main): The texts.
        keep (in, bool, default false): As of ``grow``.

    Status:
        RUNNING: Something grows.
        SUCCESS: The last one succeeded.
        FAILURE: The last one failed, or may not grow.

    Halt:
        Nothing to halt.
    """

    ports = (
        Port("texts", "list", "texts", main=True),
        Port("keep", "bool", "keep", default=False),
    )

    def start(self) -> None:
        self.left = [str(text) for text in self.get("texts")]
        self.refused = ""
        self._next()

    def _next(self) -> None:
        try:
            self.grow(self.left.pop(0), bool(self.get("keep")))
        except GrowError as error:
            self.refused = str(error)

    def step(self) -> Status:
        if self.refused:
            return self.fail(self.refused)
        branch = self.branch()
        if branch is None:
            return self.running(self.acting())
        if self.left:
            self._next()
            return self.running("another one")
        return self.succeed() if branch.status is SUCCESS else self.fail(branch.feedback_message)


def root(*texts: str, keep: bool = False, around: str = "") -> str:
    listed = ", ".join(quoted(text) for text in texts)
    return f"{around}root:\n  grow_texts: {{texts: [{listed}], keep: {str(keep).lower()}}}\n"


def quoted(text: str) -> str:
    return json.dumps(text)


def whole(body: str) -> str:
    return f"knothole: 1\ntree: grown\n{body}"


def test_a_grown_tree_is_ticked_below_its_leaf_and_stands_in_the_trace(tmp_path):
    made = scene(root(whole(TEXTS)), trace=tmp_path / "t.mcap")
    result = made.run()
    assert (result.status, made.said) == ("SUCCESS", ["hello"])
    recording = read_trace(tmp_path / "t.mcap")
    paths = [row["path"] for row in recording.topic("/tree")[-1].data["nodes"]]
    assert paths == [
        "t/grow_texts#grown",
        "t/grow_texts",
        "t/grow_texts/sequence",
        "t/grow_texts/sequence/say",
        "t/grow_texts/sequence/wait",
    ]
    assert "plan of grow_texts" in recording.topic("/tree")[-1].data["files"]
    last = {c["node"]: c["status"] for m in recording.topic("/status") for c in m.data["changes"]}
    assert [last[index] for index in range(5)] == ["SUCCESS"] * 5


def test_each_node_of_a_grown_tree_has_its_place_in_the_text():
    with scene(root(whole(TEXTS))) as made:
        made.ticks(2)
        assert str(made.tree["t/grow_texts/sequence/wait"].place) == "plan of grow_texts:6:7"


def test_what_is_wrong_with_a_text_is_said_as_of_a_file():
    made = scene(root(whole("root:\n  sequence:\n    - sey: hello\n")))
    result = made.run()
    assert result.status == "FAILURE"
    first, *rest = result.reason.splitlines()
    assert first == "plan of grow_texts:5:7: error K101: unknown node 'sey'"
    [guess] = [line for line in rest if "did you mean:" in line]
    assert "say" in guess


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("knothole: 1\ntree: grown\nroot:\n  say: a\n#" + "x" * MOST_TEXT, "characters, at most"),
        (whole("root:\n  sequence:\n" + "    - say: a\n" * MOST_NODES), f"has more than {MOST_NODES} nodes"),
        (whole("params: {n: 1}\nroot:\n  say: a\n"), "declares params, and has no blackboard of its own"),
        (whole("invariants: /etc/hostname\nroot:\n  say: a\n"), "declares invariants, and rules hold from the start"),
        (whole("inputs: {n: {type: int}}\nroot:\n  say: a\n"), "reads $n, and there is no such entry around it"),
        ("nowhere_at_all", "there is no tree 'nowhere_at_all'"),
        (whole("root: ["), "error"),
    ],
    ids=["long", "many", "params", "invariants", "inputs", "name", "syntax"],
)
def test_what_may_not_grow_is_refused_with_the_reason(text, said):
    made = scene(root(text))
    result = made.run()
    assert result.status == "FAILURE"
    assert said in result.reason


def test_a_tree_that_would_grow_itself_is_refused(tmp_path):
    (tmp_path / "t.yaml").write_text("knothole: 1\ntree: t\nroot:\n  wait: 1s\n")
    made = scene(root("t"), search=[tmp_path])
    assert "uses 't', the tree in which it grows: that would never end" in made.run().reason


def test_a_tree_that_grows_trees_that_grow_trees_ends():
    text = whole("root:\n  say: the last\n")
    for _ in range(5):
        text = whole(f"root:\n  grow_texts: {{texts: [{quoted(text)}]}}\n")
    result = scene(root(text)).run()
    assert result.status == "FAILURE"
    assert "below 3 others: that might never end" in result.reason


def test_halting_the_leaf_halts_what_grew_first():
    made = scene(f"root:\n  sequence:\n    - grow_texts: {{texts: [{quoted(whole(TEXTS))}]}}\n      timeout: 200ms\n")
    result = made.run()
    assert result.status == "FAILURE"
    assert result.reason.startswith("not done within 0.2 s (wait:")
    assert made.statuses()["t/sequence/grow_texts/sequence/wait"] == "INVALID"


def test_a_pause_stops_the_clock_of_what_grew():
    body = "root:\n  guard:\n    check:\n      check: $free\n    child:\n"
    body += f"      grow_texts: {{texts: [{quoted(whole(TEXTS))}]}}\n"
    with scene("params: {free: true}\n" + body) as made:
        made.ticks(4)
        left = made.tree["t/guard/grow_texts/sequence/wait"].node.feedback_message
        made.tree.blackboard["free"] = False
        made.ticks(20)
        made.tree.blackboard["free"] = True
        made.ticks(1)
        assert made.tree["t/guard/grow_texts/sequence/wait"].node.status is Status.RUNNING
    assert left == "0.2 s left"


def test_a_second_tree_takes_the_place_of_the_first():
    other = whole("root:\n  sequence:\n    - say: again\n    - say: hello\n")
    made = scene(root(whole(TEXTS), other))
    assert made.run().status == "SUCCESS"
    assert made.said == ["hello", "again", "hello"]
    assert "t/grow_texts/sequence/wait" not in made.statuses()


def test_what_succeeded_in_a_sequence_is_kept_and_not_done_again():
    first = whole("root:\n  sequence:\n    - say: one\n    - say: two\n    - check: 1 > 2\n    - say: four\n")
    then = whole("root:\n  sequence:\n    - say: one\n    - say: two\n    - say: three\n    - say: four\n")
    made = scene(root(first, then, keep=True))
    assert made.run().status == "SUCCESS"
    assert made.said == ["one", "two", "three", "four"]


def test_what_succeeded_with_other_steps_below_it_is_done_anew():
    first = whole("root:\n  sequence:\n    - sequence:\n        - say: one\n    - check: 1 > 2\n")
    then = whole("root:\n  sequence:\n    - sequence:\n        - say: two\n    - say: three\n")
    made = scene(root(first, then, keep=True))
    assert made.run().status == "SUCCESS"
    assert made.said == ["one", "two", "three"]


def test_a_new_step_before_what_failed_is_done_first():
    first = whole("root:\n  sequence:\n    - say: one\n    - check: 1 > 2\n")
    then = whole("root:\n  sequence:\n    - say: one\n    - set: {name: $n, to: 1 + 1}\n    - say: two\n")
    made = scene(root(first, then, keep=True))
    assert made.run().status == "SUCCESS"
    assert made.said == ["one", "two"]


def test_the_same_tree_again_goes_on_where_it_failed():
    body = "inputs: {n: {type: number}}\noutputs: {n: {type: number}}\n"
    body += "root:\n  sequence:\n    - say: once\n    - set: {name: $n, to: $n + 1}\n    - check: $n > 2\n"
    text = whole(body)
    made = scene(root(text, text, around="params: {n: 1}\n", keep=True))
    result = made.run()
    assert made.said == ["once"]
    assert result.status == "FAILURE"


def test_why_follows_a_failure_into_what_grew(tmp_path):
    made = scene(root(whole("root:\n  sequence:\n    - check: 1 > 2\n")), trace=tmp_path / "t.mcap")
    made.run()
    chain = [link.path for link in explain(read_trace(tmp_path / "t.mcap")).links]
    assert chain[-1] == "t/grow_texts/sequence/check"
