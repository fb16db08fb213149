"""``knothole.toml``: what it may say, and how a mistake in it reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from knothole.app.config import Config, ConfigError, find_config, load_behaviors, read_config


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
            "  fix:  known keys are vlm, robot, behaviors, trees, backends, robots",
        ),
        ("vlm = 3\n", "FILE:1:1: 'vlm' must be text\n  fix:  write vlm = \"…\""),
        ('trees = "a"\n', "FILE:1:1: 'trees' must be a list of paths\n  fix:  write trees = [\"…\"]"),
        (
            "[backends]\nqwen = 3\n",
            "FILE:1:2: 'backends' must hold blocks\n  fix:  write [backends.NAME] and its keys below",
        ),
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
