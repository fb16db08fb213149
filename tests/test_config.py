"""``knothole.toml``: what it may say, and how a mistake in it reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import knothole
from knothole.app.running.inputs import InputError
from knothole.app.settings.config import Config, ConfigError, find_config, load_behaviors, read_config
from knothole.behaviors.node import NODES
from knothole.robots.contract import DRIVERS, DriverOptions, RobotError
from knothole.vlm.broking.breaker import Rest
from knothole.vlm.broking.budget import Budget, Limits
from knothole.vlm.contract import BACKENDS


def written(folder: Path, text: str) -> Path:
    file = folder / "knothole.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_no_file_means_the_embedded_model_on_the_simulated_panda() -> None:
    assert read_config(None) == Config(vlm="embedded", robot="panda")


def test_all_keys_are_read_and_paths_start_at_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'vlm = "qwen:models/small"\nrobot = "kinematic"\nbehaviors = ["leaves.py"]\ntrees = ["trees"]\n'
        '[backends.qwen]\ndevice = "cpu"\n[robots.kinematic]\nlatency = 0.1\n',
    )
    config = read_config(file)
    assert (config.vlm, config.robot) == ("qwen:models/small", "kinematic")
    assert config.behaviors == (tmp_path / "leaves.py",)
    assert config.trees == (tmp_path / "trees",)
    assert config.backends["qwen"]["device"] == "cpu"
    assert config.robots["kinematic"]["latency"] == 0.1


def test_budgets_failover_and_a_chain_are_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'vlm = ["scripted:a.yaml", "embedded"]\n[budget]\ncalls = 500\nmoney = 2\nwhen_spent = "fallback"\n'
        "[budget.node]\nseconds = 1.5\n[failover]\nfailures = 3\n",
    )
    config = read_config(file)
    assert config.vlm == "scripted:a.yaml,embedded"
    assert config.budget == Budget(Limits(calls=500, money=2.0), Limits(seconds=1.5), "fallback")
    assert config.rest == Rest(3, 5.0)


def test_privacy_cassette_and_firewall_are_read(tmp_path: Path) -> None:
    config = read_config(
        written(tmp_path, 'cassette = "a.jsonl"\n[privacy]\nframes = "drop"\n[firewall]\nlatency = 0.2\n')
    )
    assert (config.cassette, config.frames) == (tmp_path / "a.jsonl", "drop")
    assert (config.firewall, config.firewall_settings) == (True, {"latency": 0.2})
    assert not read_config(written(tmp_path, "[firewall]\non = false\n")).firewall


def test_the_nearest_file_above_counts(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    file = written(tmp_path, 'robot = "kinematic"\n')
    assert find_config(below) == file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'vlm = "oracle"\nbehaviours = []\n',
            "FILE:2:1: unknown key 'behaviours'\n  did you mean:  behaviors\n"
            "  fix:  known keys are vlm, robot, cassette, invariants, behaviors, trees, backends, robots, privacy, "
            "firewall, budget, failover, trace",
        ),
        ("vlm = 3\n", "FILE:1:1: 'vlm' must be text\n  fix:  write vlm = \"…\""),
        ('trees = "a"\n', "FILE:1:1: 'trees' must be a list of paths\n  fix:  write trees = [\"…\"]"),
        (
            "[backends]\nqwen = 3\n",
            "FILE:1:2: 'backends' must hold blocks\n  fix:  write [backends.NAME] and its keys below",
        ),
        ("budget = 3\n", "FILE:1:1: 'budget' must be a block\n  fix:  write [budget] and its keys below"),
        ("[budget]\ncalls = 0\n", "FILE:2:1: 'calls' is 0\n  fix:  give a whole number above 0"),
        ("[budget]\ncalls = 1.5\n", "FILE:2:1: 'calls' is 1.5\n  fix:  give a whole number above 0"),
        ("[budget]\nmoney = true\n", "FILE:2:1: 'money' is True\n  fix:  give a number above 0"),
        (
            "[budget]\ncall = 3\n",
            "FILE:2:1: [budget] has no key 'call'\n  did you mean:  calls\n"
            "  fix:  known keys are calls, tokens, money, seconds, when_spent, node",
        ),
        (
            '[budget]\nwhen_spent = "stop"\n',
            'FILE:2:1: \'when_spent\' is \'stop\'\n  fix:  write "unsure" or "fail" or "fallback"',
        ),
        ("[budget.node]\nseconds = -1\n", "FILE:2:1: 'seconds' is -1\n  fix:  give a number above 0"),
        ("[failover]\nrest = 0\n", "FILE:2:1: 'rest' is 0\n  fix:  give a number above 0"),
        ("vlm = []\n", "FILE:1:1: 'vlm' must be text\n  fix:  write vlm = \"…\""),
        ("privacy = 3\n", "FILE:1:1: 'privacy' must be a block\n  fix:  write [privacy] and its keys below"),
        ("[privacy]\nframe = 1\n", "FILE:2:1: [privacy] has no key 'frame'\n  fix:  it has frames"),
        (
            '[privacy]\nframes = "hide"\n',
            "FILE:2:1: frames is 'hide'\n  fix:  write one of keep, blur, drop",
        ),
        ("[firewall]\non = 3\n", "FILE:2:1: 'on' must be true or false"),
        (
            "vlm = \n",
            "FILE: not valid TOML: Invalid value (at line 1, column 7)\n  fix:  correct the file",
        ),
    ],
)
def test_a_mistake_names_its_place_and_the_fix(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_config(file)
    assert str(caught.value) == message.replace("FILE", str(file))


def test_leaves_named_in_the_file_are_imported_once(tmp_path: Path) -> None:
    (tmp_path / "counted_leaves.py").write_text("import sys\nsys.counted = getattr(sys, 'counted', 0) + 1\n")
    config = read_config(written(tmp_path, 'behaviors = ["counted_leaves.py"]\n'))
    load_behaviors(config)
    load_behaviors(config)
    assert vars(sys).pop("counted") == 1


def test_leaves_that_cannot_be_imported_say_why(tmp_path: Path) -> None:
    (tmp_path / "broken_leaves.py").write_text("1 / 0\n")
    config = read_config(written(tmp_path, 'behaviors = ["broken_leaves.py"]\n'))
    with pytest.raises(ConfigError, match="cannot be imported: ZeroDivisionError: division by zero"):
        load_behaviors(config)
    with pytest.raises(ConfigError, match="there is no file"):
        load_behaviors(read_config(written(tmp_path, 'behaviors = ["gone.py"]\n')))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'vlm = "oracle"\n[backends.embeded]\n',
            "FILE:2:2: there is no backend 'embeded' to give settings to\n  did you mean:  [backends.embedded]\n"
            "  fix:  name one of ",
        ),
        (
            "[robots]\nkinematc = {pixels = 64}\n",
            "FILE:2:1: there is no robot 'kinematc' to give settings to\n  did you mean:  [robots.kinematic]\n"
            "  fix:  name one of ",
        ),
    ],
)
def test_settings_of_what_does_not_exist_are_refused(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_behaviors(read_config(file))
    assert str(caught.value).startswith(message.replace("FILE", str(file)))


def test_settings_of_a_backend_of_the_project_are_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BACKENDS, "_things", dict(BACKENDS.items()))
    code = "from knothole.vlm.contract import backend\n\n\n@backend('mine')\ndef mine(options):\n    return None\n"
    (tmp_path / "my_backend.py").write_text(code, encoding="utf-8")
    config = read_config(written(tmp_path, 'behaviors = ["my_backend.py"]\n[backends.mine]\ncolor = "red"\n'))
    load_behaviors(config)
    assert config.backends["mine"] == {"color": "red"}


def test_the_robot_without_physics_knows_its_settings() -> None:
    with pytest.raises(RobotError) as setting:
        DRIVERS.get("kinematic")(DriverOptions(settings={"pixel": 64}))
    assert str(setting.value) == (
        "kinematic: unknown setting 'pixel'\n  did you mean:  pixels\n  fix:  settings are props, pixels"
    )
    with pytest.raises(RobotError, match="kinematic takes no argument, not 'foo'"):
        DRIVERS.get("kinematic")(DriverOptions("foo"))


INPUTS = """\
knothole: 1
tree: t
inputs:
  container: {type: text, default: tray}
  times: {type: int, default: 2}
  height: {type: length, default: 5cm}
root:
  say: hello
"""


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("container", 5, "takes text, not 5"),
        ("container", None, "takes text, not None"),
        ("times", True, "takes a whole number, not True"),
        ("times", 2.5, "takes a whole number, not 2.5"),
        ("height", None, "takes a length such as 5cm, not None"),
        ("height", float("nan"), "takes a length such as 5cm, not nan"),
    ],
)
def test_inputs_that_are_no_text_are_checked_too(tmp_path: Path, name: str, value: object, wanted: str) -> None:
    (tmp_path / "t.yaml").write_text(INPUTS, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        knothole.load(tmp_path / "t.yaml").bind(robot="kinematic", inputs={name: value})
    assert str(caught.value).startswith(f"input {name!r} of 't' {wanted}\n  fix:  ")


def test_inputs_that_fit_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(INPUTS, encoding="utf-8")
    with knothole.load(tmp_path / "t.yaml").bind(robot="kinematic", inputs={"times": 3, "height": 1}) as run:
        assert (run.blackboard["times"], run.blackboard["height"]) == (3, 1)


@pytest.mark.parametrize(
    "changes", [{"rate": 0}, {"rate": 241.0}, {"rate": float("nan")}, {"max_time": 0}, {"max_time": -1.0}]
)
def test_rate_and_time_limit_have_the_bounds_of_the_command_line(tmp_path: Path, changes: dict[str, float]) -> None:
    (tmp_path / "t.yaml").write_text(INPUTS, encoding="utf-8")
    with pytest.raises(InputError, match=f"^{next(iter(changes))} is "):
        knothole.load(tmp_path / "t.yaml").bind(robot="kinematic", **changes)  # type: ignore[arg-type]


PACKAGE = "import py_trees\nclass Wipe(py_trees.behaviours.TickCounter):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('behaviors = ["leaves.py", "knothole_cfg_pkg.nodes.Wipe"]\n', ["knothole_cfg_pkg.nodes.Wipe"]),
        ('[behaviors]\nfiles = ["leaves.py"]\nwipe_cfg = "knothole_cfg_pkg.nodes.Wipe"\n', ["wipe_cfg"]),
    ],
)
def test_classes_of_py_trees_are_registered_by_dotted_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, names: list[str]
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(NODES, "_things", dict(NODES.items()))
    (tmp_path / "knothole_cfg_pkg").mkdir()
    (tmp_path / "knothole_cfg_pkg" / "nodes.py").write_text(PACKAGE)
    (tmp_path / "leaves.py").write_text("")
    config = read_config(written(tmp_path, text))
    assert config.behaviors == (tmp_path / "leaves.py",)
    load_behaviors(config)
    assert [name for name in names if name in NODES] == names
    assert [port.name for port in NODES.get(names[0]).ports] == ["duration", "completion_status"]  # type: ignore[attr-defined]
    for name in [name for name in sys.modules if name.startswith("knothole_cfg_pkg")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[behaviors]\nwipe = "wipe"\n',
            "FILE:2:1: 'wipe' must be the dotted path of a class\n  fix:  write wipe = \"package.module.Class\"",
        ),
        (
            '[behaviors]\nwipe = "knothole_cfg_none.Wipe"\n',
            "FILE:2:1: 'knothole_cfg_none.Wipe' is no node: there is no module 'knothole_cfg_none'\n"
            "  fix:  correct the name, or install the package that has it, or put its folder on PYTHONPATH",
        ),
        (
            '[behaviors]\nsequence = "py_trees.behaviours.Success"\n',
            "FILE:2:1: the node name 'sequence' is taken\n",
        ),
    ],
)
def test_a_class_that_cannot_be_a_node_says_where_it_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_behaviors(read_config(file))
    assert str(caught.value).startswith(message.replace("FILE", str(file)))
