"""What is published: every room, every data file; and an import that stays light."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
NOT_SHIPPED = {"tests", "benchmarks", "docs", "build", "dist", "runs"}


def code_folders() -> set[str]:
    """Every folder with Python files in it that belongs to the package, as a dotted name."""
    found = {"knothole"}
    for top in ROOT.iterdir():
        if top.is_dir() and top.name not in NOT_SHIPPED and not top.name.startswith(".") and top.suffix != ".egg-info":
            found |= {".".join(("knothole", *f.parent.relative_to(ROOT).parts)) for f in top.rglob("*.py")}
    return found


def data_files() -> set[str]:
    """Every file that the package opens at run time, as a path in the wheel."""
    found = {"knothole/py.typed"}
    for package, patterns in SETUPTOOLS["package-data"].items():
        folder = ROOT.joinpath(*package.split(".")[1:])
        for pattern in patterns:
            found |= {
                "knothole/" + file.relative_to(ROOT).as_posix()
                for file in folder.glob(pattern)
                if file.is_file() and file.suffix not in {".py", ".pyc"}
            }
    return found


def tracked_data() -> set[str]:
    """Every file below a room that is not code, as a path in the wheel."""
    found = set()
    for room in code_folders() - {"knothole"}:
        folder = ROOT.joinpath(*room.split(".")[1:])
        found |= {
            "knothole/" + f.relative_to(ROOT).as_posix()
            for f in folder.rglob("*")
            if f.is_file() and f.suffix not in {".py", ".pyc", ".md"} and "__pycache__" not in f.parts
        }
    return found


def test_package_list_names_every_code_folder() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(code_folders())
    assert all((ROOT.joinpath(*name.split(".")[1:]) / "__init__.py").is_file() for name in SETUPTOOLS["packages"])


def test_no_data_file_of_a_room_is_left_out() -> None:
    assert tracked_data() - data_files() == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    source = out / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "__init__.py", "_base.py", "cli.py", "py.typed"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for room in {name.split(".")[1] for name in code_folders() if "." in name}:
        (source / room).symlink_to(ROOT / room)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (file,) = out.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


def test_wheel_holds_code_trees_scenes_weights_and_type_marker(wheel: set[str]) -> None:
    code = {
        f"knothole/{file.relative_to(ROOT).as_posix()}"
        for name in code_folders()
        for file in ROOT.joinpath(*name.split(".")[1:]).glob("*.py")
        if name != "knothole" or file.name in {"__init__.py", "_base.py", "cli.py"}
    }
    assert code - wheel == set()
    assert data_files() - wheel == set()
    for pattern in (
        "knothole/py.typed",
        "knothole/trees/library/*.yaml",
        "knothole/sim/scenes/*.yaml",
        "knothole/vlm/weights/*",
        "knothole-*/licenses/LICENSE",
    ):
        assert fnmatch.filter(wheel, pattern), pattern


def test_wheel_holds_nothing_else(wheel: set[str]) -> None:
    strays = {name for name in wheel if name.split("/")[0] not in {"knothole"} and ".dist-info/" not in name}
    strays |= {name for name in wheel if name.split("/")[1] in NOT_SHIPPED or "__pycache__" in name}
    assert strays == set()


def test_import_and_help_load_neither_torch_nor_pybullet() -> None:
    program = (
        "import sys, knothole\n"
        "from knothole import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'pybullet', 'transformers', 'numpy', 'py_trees', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "knothole run tidy_table" in done.stdout
