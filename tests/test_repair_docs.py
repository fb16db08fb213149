"""What the page on repairs says is true: its trees check, its proposal is one, its leaf grows what it is given."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from knothole.cli import main
from knothole.sim.draw import load_scene
from knothole.tests.acting import scene
from knothole.trees.loader import check_text

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "repair.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)


@pytest.mark.parametrize("text", blocks("yaml"), ids=["asked", "grown", "proposed"])
def test_the_trees_of_the_page_have_no_mistakes(text: str) -> None:
    assert [str(problem) for problem in check_text(text) if problem.severity == "error"] == []


def test_the_leaf_of_the_page_grows_what_it_is_given() -> None:
    [program] = blocks("python")
    exec(compile(program, "repair.md", "exec"), {"__name__": "page"})
    said = "knothole: 1\\ntree: inner\\nroot:\\n  say: hello\\n"
    made = scene(f'root:\n  run_text: "{said}"\n')
    assert made.run().status == "SUCCESS"
    assert made.said == ["hello"]
    wrong = scene('root:\n  run_text: "knothole: 1\\ntree: inner\\nroot:\\n  sey: hello\\n"\n').run()
    assert wrong.reason.startswith("plan of run_text:4:3: error K101: unknown node 'sey'")


def test_the_commands_of_the_page_plan_repair_and_propose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run, why = blocks("sh")[0].split(), blocks("sh")[1].split()
    assert run[:3] == ["knothole", "run", "put_away.yaml"]
    assert run[-2:] == ["--proposals", "proposals"]
    tree = blocks("yaml")[0].replace("done_when:", "skills: [move_to, home]\n    done_when:")
    Path("put_away.yaml").write_text(tree, encoding="utf-8")
    far = [{"skill": "move_to", "args": {"point": [5.0, 0.0, 0.5]}}]
    home = [{"skill": "home", "args": {}}]
    answers = {"Put the red cube into the blue tray.": {"calls": [far, home]}, "*": "yes"}
    Path("answers.yaml").write_text(json.dumps(answers), encoding="utf-8")
    given = ["--robot", "kinematic", "--vlm", "scripted:answers.yaml", *run[-2:]]
    assert main(["run", "put_away.yaml", *given]) == 0
    capsys.readouterr()
    [proposed] = Path("proposals").iterdir()
    assert proposed.read_text(encoding="utf-8").startswith("# proposed by knothole: what carried out 'Put the red cube")
    assert main(["check", str(proposed)]) == 0
    capsys.readouterr()
    assert main(why[1:]) == 0
    told = capsys.readouterr().out
    assert "what was planned:" in told
    assert "put_away/achieve repairs for the first time: step 1 (move to (5, 0, 0.5)):" in told


def test_the_scene_of_the_page_has_what_its_instruction_names() -> None:
    said = blocks("sh")[0].split()
    scene, seed = said[said.index("--scene") + 1], int(said[said.index("--seed") + 1])
    assert {"red cube", "blue tray"} <= {thing.name for thing in load_scene(scene, seed).objects}


def test_every_port_that_the_page_names_is_one() -> None:
    from knothole.behaviors.leaves.achieve import Achieve

    known = {port.name for port in Achieve.ports}
    assert {"repairs", "verify", "done_when", "until_done", "proposal", "patience", "form", "never", "confirm"} <= known
    for name in known & {"repairs", "verify", "done_when", "until_done", "proposal", "patience"}:
        assert f"`{name}" in PAGE
