"""What the documents say is true: trees check, Python runs, commands work, docstring examples hold."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from knothole.app.running.options import RunOptions
from knothole.app.running.session import run_tree
from knothole.app.settings.config import read_config
from knothole.behaviors.means.progress import NOTE
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.sim import recipe as scene_files
from knothole.sim.draw import load_scene, scene_names
from knothole.sim.goals import GOALS
from knothole.sim.objects import COLORS, SHAPES
from knothole.sim.scene import DOINGS, SceneSpec
from knothole.tests.calling import call
from knothole.tests.rig import region
from knothole.tests.traced import seen_run
from knothole.trees.loader import check_text
from knothole.trees.tracing.channels import CHANNELS

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]


ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
PLANNED = ("run clean_up", "report")
SLOW = (*PLANNED, "run tidy_table", "eval ", "ask photo.png", "vlm ", "view", "why", "replay ", "trace ", "draw runs/")
"""Commands that other tests run: in physics, with a model, for minutes, until Ctrl-C, or about a run."""
PLAN = """[
  {"skill": "pick", "args": {"object": "the orange ball"}},
  {"skill": "place", "args": {"into": "the blue tray"}}
]"""
NEVER = 'knothole_invariants: 1\nrules:\n  - never: {skill: place, into: "the red bowl"}\n'
PATROL = """\
<root BTCPP_format="4">
  <BehaviorTree ID="Patrol">
    <Sequence>
      <DoorOpen door="{door}"/>
      <!-- through it -->
      <GoThrough door="{door}" speed="0.3"/>
    </Sequence>
  </BehaviorTree>
</root>
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def examples() -> list[str]:
    """Names of the modules whose docstrings have an example."""
    found = []
    for package in PACKAGES:
        folder = ROOT.joinpath(*package.split(".")[1:])
        names = ("__init__", "_base", "cli") if package == "knothole" else [f.stem for f in sorted(folder.glob("*.py"))]
        for name in names:
            if re.search(r"^\s*>>> ", (folder / f"{name}.py").read_text(encoding="utf-8"), flags=re.M):
                found.append(package if name == "__init__" else f"{package}.{name}")
    return found


@pytest.mark.parametrize("module", examples())
def test_docstring_examples_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_front_page_runs(
    tmp_path: Path, knothole: Knothole, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = ROOT / "README.md"
    tree, cases = blocks(readme, "yaml")
    (tmp_path / "tidy.yaml").write_text(tree, encoding="utf-8")
    (tmp_path / "tidy_test.yaml").write_text(cases, encoding="utf-8")
    (tmp_path / "patrol.xml").write_text(PATROL, encoding="utf-8")
    (tmp_path / "mocks.yaml").write_text('knothole_mocks: 1\nmocks: {"is:stub": {after: 1s}}\n', encoding="utf-8")
    (tmp_path / "plan.json").write_text(PLAN, encoding="utf-8")
    (tmp_path / "never.yaml").write_text(NEVER, encoding="utf-8")
    api, leaf = blocks(readme, "python")
    (tmp_path / "my_leaves.py").write_text(leaf, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text('behaviors = ["my_leaves.py"]\n', encoding="utf-8")
    (tmp_path / "hello.yaml").write_text(
        "knothole: 1\ntree: hello\nroot:\n  sequence:\n    - greet\n", encoding="utf-8"
    )

    commands = [line.split("#")[0].strip() for block in blocks(readme, "sh") for line in block.splitlines()]
    quick = [c for c in commands if c.startswith("knothole ") and not c.removeprefix("knothole ").startswith(SLOW)]
    assert len(quick) >= 5
    monkeypatch.chdir(tmp_path)
    for command in quick:
        code, out, err = call(command.removeprefix("knothole "))
        assert code == 0, f"{command}\n{out}{err}"
    assert "# through it" in (tmp_path / "patrol.yaml").read_text(encoding="utf-8")
    assert (tmp_path / "tree.png").read_bytes().startswith(b"\x89PNG")

    capsys.readouterr()
    exec(compile(api, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.startswith("SUCCESS ")

    (tmp_path / "my_leaves.py").write_text(leaf, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text('behaviors = ["my_leaves.py"]\n', encoding="utf-8")
    (tmp_path / "hello.yaml").write_text(
        "knothole: 1\ntree: hello\nroot:\n  sequence:\n    - greet\n", encoding="utf-8"
    )
    done = knothole("run", "hello.yaml", "--robot", "kinematic")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "robot: hello" in done.stdout


@pytest.mark.long(minutes=0.1)
def test_the_tree_of_the_front_page_does_its_work_in_physics(tmp_path: Path, knothole: Knothole) -> None:
    tree, _ = blocks(ROOT / "README.md", "yaml")
    (tmp_path / "tidy.yaml").write_text(tree, encoding="utf-8")
    done = knothole("run", "tidy.yaml", "--scene", "tidy_table", "--vlm", "oracle")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long(minutes=0.4)
def test_the_front_page_plans_and_tells_what_was_done(tmp_path: Path, knothole: Knothole) -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    run, report = (
        shlex.split(line, comments=True)[1:]
        for line in lines
        if line.startswith(tuple(f"knothole {c}" for c in PLANNED))
    )
    done = knothole(*run)
    assert done.returncode == 0, done.stdout + done.stderr
    told = knothole(*report)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("I have put ")


def test_every_tree_of_the_language_page_checks() -> None:
    trees = [block for block in blocks(ROOT / "docs" / "language.md", "yaml") if block.startswith("knothole: 1\n")]
    assert trees
    assert [str(problem) for tree in trees for problem in check_text(tree)] == []


def test_the_guides_run(tmp_path: Path, knothole: Knothole) -> None:
    """The leaf and the backend of the two guides, put into one project as the guides say."""
    leaf = "\n\n".join(blocks(ROOT / "docs" / "writing-a-leaf.md", "python"))
    config, _ = blocks(ROOT / "docs" / "writing-a-leaf.md", "toml")
    tree, polite = blocks(ROOT / "docs" / "writing-a-leaf.md", "yaml")
    model, *_ = blocks(ROOT / "docs" / "writing-a-backend.md", "python")
    (tmp_path / "my_leaves.py").write_text(leaf + "\n\n" + model, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text(config, encoding="utf-8")
    (tmp_path / "welcome.yaml").write_text(tree, encoding="utf-8")
    done = knothole("run", "welcome.yaml", "--robot", "kinematic", "--vlm", "brightness")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Hello, Ada!") == 2
    cube = region(DRIVERS.get("kinematic")(DriverOptions()), "red cube")
    (tmp_path / "answers.yaml").write_text(json.dumps({"the red cube": cube}), encoding="utf-8")
    (tmp_path / "polite.yaml").write_text(polite, encoding="utf-8")
    done = knothole("run", "polite.yaml", "--robot", "kinematic", "--vlm", "scripted:answers.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("block", "instruction"), [(0, "take the ball"), (1, "Tidy the ball.")])
def test_the_plans_of_the_scripts_run(tmp_path: Path, block: int, instruction: str) -> None:
    script = blocks(ROOT / "docs" / "writing-a-backend.md", "yaml")[block]
    (tmp_path / "plan.yaml").write_text(script, encoding="utf-8")
    vlm = f"scripted:{tmp_path / 'plan.yaml'}"
    options = RunOptions("plan_and_act", "tidy_table", 0, vlm, "kinematic", {"instruction": instruction}, record=False)
    done = run_tree(options)
    assert done.status == "SUCCESS", done.reason


def test_the_scenes_of_the_scenes_page_can_be_drawn(tmp_path: Path) -> None:
    page = ROOT / "docs" / "scenes.md"
    examples = blocks(page, "yaml")
    whole = [example for example in examples if example.startswith("scene:")]
    assert len(whole) == 1
    assert len(examples) >= 6
    cubes = "scene: part\nobjects:\n  - {shape: cube, color: red}\n  - {shape: cube, color: blue}\n"
    for number, example in enumerate(examples):
        items = f"scene: part\nobjects:\n{example}" if example.startswith("- ") else cubes + example
        file = tmp_path / f"scene{number}.yaml"
        file.write_text(example if example in whole else items, encoding="utf-8")
        recipe = scene_files.read_recipe(file)
        if recipe.goal is not None:
            inspect.signature(GOALS[recipe.goal.name]).bind(None, None, **dict(recipe.goal.args))
        for seed in range(3):
            assert load_scene(str(file), seed).objects


def test_the_python_of_the_scenes_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    disturbed, posed = blocks(ROOT / "docs" / "scenes.md", "python")
    names: dict[str, object] = {}
    exec(compile(disturbed, "scenes.md", "exec"), names)
    scene = names["scene"]
    assert isinstance(scene, SceneSpec)
    assert len(scene.disturbances) == 4
    exec(compile(posed, "scenes.md", "exec"), names)
    assert capsys.readouterr().out.split()[0] in ("table", "counter", "shelf")


def test_the_scenes_page_names_everything_there_is() -> None:
    text = (ROOT / "docs" / "scenes.md").read_text(encoding="utf-8")
    known = {*SHAPES, *COLORS, *GOALS, *scene_names(), *scene_files._TOP, *scene_files._ITEM}
    known |= {*scene_files._EVENT, *DOINGS}
    assert [name for name in sorted(known) if f"`{name}`" not in text] == []


def test_the_trace_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / "docs" / "trace.md"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("RUN", "OTHER"):
        seen_run(tmp_path / "runs" / f"{name}.mcap")
    (shell,) = blocks(page, "sh")
    for line in shell.splitlines():
        command = line.partition("#")[0].removeprefix("knothole ").replace("--from 3s --to 9s", "--from 0.1s --to 0.3s")
        code, out, err = call(command)
        assert (code, err) == (0, ""), line
        assert out, line
    assert (tmp_path / "report.html").stat().st_size > 1000
    (settings,) = blocks(page, "toml")
    (tmp_path / "knothole.toml").write_text(settings, encoding="utf-8")
    assert read_config(tmp_path / "knothole.toml").trace.seconds == 60.0
    (program,) = blocks(page, "python")
    exec(program, {})
    assert "7 SUCCESS" in capsys.readouterr().out
    named = set(re.findall(r"^\| `(/\w+)", page.read_text(encoding="utf-8"), flags=re.M))
    assert named == {*CHANNELS, "/calibration", *emitted()}


def emitted() -> set[str]:
    """Return the channels that the package writes through ``context.emit``."""
    code = [
        file.read_text(encoding="utf-8")
        for room in ("app", "behaviors", "trees")
        for file in (ROOT / room).rglob("*.py")
    ]
    return {f"/{name}" for text in code for name in re.findall(r"context\.emit\(\s*\"(\w+)\"", text)} | {f"/{NOTE}"}
