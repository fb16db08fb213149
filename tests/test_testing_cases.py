"""Test files of trees: what a case plays, what it expects, what is told when it comes otherwise or is written wrong.

``testing_errors.txt`` holds wrong test files and what is printed about them, in the form of ``errors.txt``; after a
change on purpose, ``python tests/test_testing_cases.py`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.app.settings.config import Config
from knothole.app.testing.case import Verdict, judge
from knothole.app.testing.reader import read_suite
from knothole.app.testing.report import NoTestsError, find_suites, read_suites, run_suites
from knothole.app.testing.runner import TreeRunner
from knothole.trees.problems import TreeError

GOLDEN = Path(__file__).with_name("testing_errors.txt")
TREE = """\
knothole: 1
tree: count
inputs:
  n: {type: int, default: 0}
  word: {type: text, default: hello}
root:
  sequence:
    - set: {name: $n, to: "$n + 1"}
    - selector:
        - home
        - say: "${word} ${n}"
    - wait: 200ms
    - see: "Is it done?"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "count.yaml").write_text(TREE, encoding="utf-8")
    return tmp_path


def verdicts(folder: Path, text: str) -> dict[str, Verdict]:
    file = folder / "count_test.yaml"
    file.write_text(f"knothole_test: 1\ntree: count\nmocks: {{home: success, see: success}}\n{text}", encoding="utf-8")
    suite = read_suite("count_test.yaml", Config())
    return {case.name: judge(case, Config()) for case in suite.cases}


def one(folder: Path, expect: str, more: str = "") -> Verdict:
    return verdicts(folder, f"cases:\n  it:\n    expect: {expect}\n{more}")["it"]


@pytest.mark.parametrize(
    "expect",
    [
        "success",
        "{status: success}",
        "{ticks: 5}",
        "{ticks: {min: 5}}",
        "{ticks: {max: 5}}",
        "{within: 200ms}",
        "{order: [set, home, wait, see]}",
        "{order: [sequence, selector]}",
        '{order: ["count/sequence/*"]}',
        "{never: [say]}",
        "{nodes: {home: success, say: never, wait: {status: success}}}",
        '{nodes: {"type:set": success}}',
        "{at: {1: {set: success, wait: running, see: idle}, 5: {wait: success}}}",
        "{blackboard: {n: 1, word: hello}}",
        "{blackboard: [\"$n == 1\", \"$word in ['hello', 'bye']\"]}",
        "{said: []}",
        "{reason: ''}",
    ],
)
def test_an_expectation_that_is_met(folder: Path, expect: str) -> None:
    assert one(folder, expect).explanation == ""


@pytest.mark.parametrize(
    ("expect", "got"),
    [
        ("failure", "SUCCESS"),
        ("{ticks: 4}", "5 (SUCCESS)"),
        ("{ticks: {min: 6}}", "5 (SUCCESS)"),
        ("{ticks: {max: 4}}", "5 (SUCCESS)"),
        ("{within: 150ms}", "0.2s"),
        ("{order: [wait, home]}", "home (tick 1) → wait (tick 1)"),
        ("{order: [say]}", "none of them starts"),
        ("{never: [home]}", "started in tick 1"),
        ("{nodes: {home: failure}}", "SUCCESS in tick 1: mocked"),
        ("{nodes: {say: success}}", "never ticked"),
        ("{nodes: {home: {status: success, reason: other}}}", "SUCCESS in tick 1: mocked"),
        ("{at: {2: {wait: success}}}", "running"),
        ("{at: {9: {wait: success}}}", "the run had 5 ticks"),
        ("{blackboard: {n: 2}}", "1"),
        ("{blackboard: {m: 2}}", "nothing; did you mean n"),
        ('{blackboard: ["$n > 1"]}', "false"),
        ('{blackboard: ["$missing > 1"]}', "$missing is read before it is set"),
        ("{said: [hello]}", "nothing"),
        ("{reason: because}", "no reason"),
    ],
)
def test_an_expectation_that_is_not_met(folder: Path, expect: str, got: str) -> None:
    (failure,) = one(folder, expect).failures
    assert failure.got == got
    assert (failure.place.file, failure.place.line) == ("count_test.yaml", 6)


def test_a_failure_explains_itself(folder: Path) -> None:
    more = (
        "    mocks: {home: {status: failure, reason: no arm}, count/sequence/see: {status: failure, reason: not yet}}\n"
    )
    assert one(folder, "{status: success, said: [bye]}", more).explanation == (
        "count_test.yaml:6:22: failed: the tree ended with FAILURE, not SUCCESS\n"
        "    6 |     expect: {status: success, said: [bye]}\n"
        "      |                      ^^^^^^^\n"
        "  expected:  SUCCESS\n"
        "  got:       FAILURE: not yet\n"
        "  nodes:     count/sequence/see            FAILURE in tick 5: not yet\n"
        "             count/sequence/selector/home  FAILURE in tick 1: no arm\n"
        "\n"
        "count_test.yaml:6:38: failed: 'bye' was not said\n"
        "    6 |     expect: {status: success, said: [bye]}\n"
        "      |                                      ^^^\n"
        "  expected:  'bye'\n"
        "  got:       'hello 1'"
    )


def test_a_run_that_does_not_end_is_stopped_and_says_what_it_waits_for(folder: Path) -> None:
    found = verdicts(
        folder,
        "cases:\n"
        "  hangs: {max_ticks: 30, mocks: {home: running}, expect: success}\n"
        "  waits: {max_ticks: 30, mocks: {home: running}, expect: running}\n"
        "  exact: {mocks: {home: running}, expect: {status: running, ticks: 7}}\n",
    )
    assert found["waits"].passed
    assert found["exact"].passed
    (failure,) = found["hangs"].failures
    assert failure.message == "still RUNNING after 30 ticks, when it was stopped (max_ticks)"
    assert failure.nodes == ("count/sequence/selector/home  RUNNING in tick 30: mocked",)


def test_a_question_without_an_answer_is_named(folder: Path) -> None:
    file = folder / "ask_test.yaml"
    text = "knothole_test: 1\ntree: count\nmocks: {home: success}\nmax_ticks: 20\ncases: {it: {expect: success}}\n"
    file.write_text(text, encoding="utf-8")
    (case,) = read_suite(file, Config()).cases
    (failure,) = judge(case, Config()).failures
    assert failure.nodes[-1] == "no answer: the script has no answer to yes_no 'Is it done?'"


def test_answers_of_a_case_go_before_those_of_the_file(folder: Path) -> None:
    (folder / "ask_test.yaml").write_text(
        "knothole_test: 1\ntree: count\nmocks: {home: success}\n"
        'answers: {"Is it *": yes}\n'
        "cases:\n"
        "  yes: {expect: success}\n"
        '  no: {answers: {"Is it done?": no}, expect: {status: failure, nodes: {see: failure}}}\n'
        '  file: {answers: answers.yaml, expect: {status: failure, reason: "Is it done?"}}\n',
        encoding="utf-8",
    )
    (folder / "answers.yaml").write_text('"*": 0.1\n"Is it done?": 0.05\n', encoding="utf-8")
    found = [judge(case, Config()) for case in read_suite("ask_test.yaml", Config()).cases]
    assert [verdict.explanation for verdict in found] == ["", "", ""]


def test_inputs_params_and_mocks_may_be_shared_and_replaced(folder: Path) -> None:
    (folder / "mocks.yaml").write_text("knothole_mocks: 1\nmocks: {home: failure}\n", encoding="utf-8")
    (folder / "params.yaml").write_text("n: 6\nextra: [1, 2]\n", encoding="utf-8")
    found = verdicts(
        folder,
        "inputs: {n: 3}\n"
        "cases:\n"
        "  shared: {expect: {blackboard: {n: 4}}}\n"
        '  own: {inputs: {n: 8, word: bye}, mocks: mocks.yaml, expect: {blackboard: {n: 9}, said: ["bye 9"]}}\n'
        "  params: {params: params.yaml, expect: {blackboard: {extra: [1, 2], n: 4}}}\n"
        '  inline: {params: {deep: {a: 1}}, expect: {blackboard: ["$deep.a == 1"]}}\n',
    )
    assert {name: verdict.explanation for name, verdict in found.items()} == dict.fromkeys(found, "")


def test_a_fault_is_a_failure_unless_it_is_expected(folder: Path) -> None:
    (folder / "stub.yaml").write_text(
        "knothole: 1\ntree: stub\ndialect: bt\nnodes: {Go: {kind: action}}\nroot: Go\n", encoding="utf-8"
    )
    (folder / "stub_test.yaml").write_text(
        "knothole_test: 1\ntree: stub.yaml\ncases:\n  no: {expect: success}\n"
        "  yes: {expect: {status: fault, reason: only declared}}\n",
        encoding="utf-8",
    )
    no, yes = (judge(case, Config()) for case in read_suite("stub_test.yaml", Config()).cases)
    assert yes.explanation == ""
    assert no.failures[0].message == "something was raised"
    assert "Go is only declared" in no.failures[0].got


def test_a_mock_that_leaves_an_entry_unwritten_is_named(folder: Path) -> None:
    text = "knothole_test: 1\ntree: tidy_table\nmocks: {**/see: success, home: success, ground: success}\n"
    (folder / "tidy_test.yaml").write_text(text.replace("**/see", '"**/see"') + "cases: {it: {expect: success}}\n")
    (case,) = read_suite("tidy_test.yaml", Config()).cases
    (failure,) = judge(case, Config()).failures
    path = "tidy_table/guard/sequence/selector/sequence"
    assert failure.got == f"{path}/for_each: $loose is read before it is set"
    assert failure.nodes[-1] == f"the mock of {path}/ground does not write 'objects': add writes: {{objects: …}}"


def test_a_tree_that_moves_runs_on_the_kinematic_robot(folder: Path) -> None:
    runner = TreeRunner()
    moved = runner("count", answers={"Is it done?": "yes"})
    assert (moved.status, moved.ticks > 5) == ("SUCCESS", True)
    mocked = runner("count", mocks={"home": "success", "see": "success"})
    assert (mocked.status, mocked.ticks) == ("SUCCESS", 5)


def test_a_tree_in_xml_is_tested_as_any_other(folder: Path) -> None:
    (folder / "go.xml").write_text(
        '<root BTCPP_format="4"><BehaviorTree ID="Go there"><Sequence><Plan to="{goal}" way="{way}"/>'
        '<Drive way="{way}"/></Sequence></BehaviorTree></root>',
        encoding="utf-8",
    )
    (folder / "go_test.yaml").write_text(
        'knothole_test: 1\ntree: go.xml\nparams: {goal: kitchen}\nmocks: {"is:stub": success}\ncases:\n'
        "  it: {mocks: {Plan: {writes: {$way: hall}}}, expect: {order: [Plan, Drive], blackboard: {way: hall}}}\n",
        encoding="utf-8",
    )
    (case,) = read_suite("go_test.yaml", Config()).cases
    assert judge(case, Config()).explanation == ""


def test_the_same_case_has_the_same_digest(folder: Path) -> None:
    mocks = {"home": {"success": 0.5}, "see": {"success": 0.5}}
    digests = {TreeRunner()("count", mocks=mocks, seed=seed).played.digest for seed in (1, 1, 1)}
    assert len(digests) == 1
    assert len({TreeRunner()("count", mocks=mocks, seed=seed).status for seed in range(12)}) == 2


def test_files_are_found_by_their_header_and_cases_by_words(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "anything.yaml").write_text(
        "# a comment\nknothole_test: 1\ntree: ../count.yaml\nmocks: {home: success, see: success}\n"
        "cases: {fast one: {expect: success}, slow one: {expect: success}}\n",
        encoding="utf-8",
    )
    (found,) = find_suites([folder])
    suites = read_suites([found], Config())
    assert len(run_suites(suites, Config()).verdicts) == 2
    assert [each.case.name for each in run_suites(suites, Config(), "ONE slow").verdicts] == ["slow one"]
    with pytest.raises(NoTestsError, match="no case has the words 'medium'"):
        run_suites(suites, Config(), "medium")
    (folder / "empty").mkdir()
    with pytest.raises(NoTestsError, match="no test file here"):
        find_suites([folder / "empty"])


def golden() -> list[tuple[str, str, str]]:
    found = []
    for block in GOLDEN.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, rest = block.partition("\n")
        text, _, printed = rest.partition("---->\n")
        found.append((name, text, printed.rstrip("\n")))
    return found


def printed(text: str, folder: Path) -> str:
    (folder / "wrong_test.yaml").write_text(text, encoding="utf-8")
    try:
        read_suite("wrong_test.yaml", Config())
    except TreeError as error:
        return str(error)
    return "nothing is wrong"


@pytest.mark.parametrize(("text", "expected"), [each[1:] for each in golden()], ids=[each[0] for each in golden()])
def test_a_wrong_file_is_told_whole(folder: Path, text: str, expected: str) -> None:
    assert printed(text, folder) == expected


if __name__ == "__main__":
    import os
    import tempfile

    cases = golden()
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        Path("count.yaml").write_text(TREE, encoding="utf-8")
        blocks = [f"=== {name}\n{text}---->\n{printed(text, Path())}\n" for name, text, _ in cases]
    GOLDEN.write_text("".join(blocks), encoding="utf-8")


def test_params_that_are_nested_deep_are_read(folder: Path) -> None:
    deep = "[" * 1500 + "]" * 1500
    (folder / "p.yaml").write_text("knothole: 1\ntree: p\nroot: {say: hi}\n", "utf-8")
    (folder / "p_test.yaml").write_text(
        f"knothole_test: 1\ntree: p.yaml\nparams: {{l: {deep}}}\ncases: {{a: {{expect: success}}}}\n", "utf-8"
    )
    (case,) = read_suite("p_test.yaml", Config()).cases
    assert judge(case, Config()).explanation == ""
