"""Read ``knothole.toml``: defaults of a project, blocks for backends and drivers, files with leaves of its own.

```toml
vlm = "embedded"                 # what --vlm says when it is left out; a list is a chain
robot = "panda"                  # the same for --robot
behaviors = ["my_leaves.py", "my_pkg.nodes.Wipe"]     # files that register leaves, classes of py_trees
trees = ["trees"]                # folders to look for trees in
cassette = "answers.jsonl"       # where runs keep their answers, what --cassette says
invariants = "never.yaml"        # what no run does, beside what --invariants and the trees say

[privacy]
frames = "keep"                  # pictures in traces, cassettes and remote calls: keep, blur, drop; what --frames says

[firewall]                       # words in pictures are data: what --firewall says, and its settings
on = true

[backends.qwen]                  # handed to the backend as its settings
device = "cpu"

[robots.franka]                  # handed to the driver as its settings
realtime = false

[trace]                          # how much of a run its trace keeps; see ``trace_settings``
keep = "60s"

[budget]                         # what a run may spend on questions; see ``limits``
calls = 500
```

Paths are relative to the file's own folder, which is looked through for packages as well. ``[behaviors]`` may be a
block instead, with the names that authors write: ``files = ["my_leaves.py"]`` and ``wipe = "my_pkg.nodes.Wipe"``.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ..._base import KnotholeError, near_misses
from ...trees.tracing.amount import Amount
from ...vlm.broking.breaker import Rest
from ...vlm.broking.budget import Budget
from ...vlm.privacy import FRAMES, Frames
from .limits import read_budget, read_rest
from .names import backend_names, driver_names
from .trace_settings import read_trace_block

FILE = "knothole.toml"
_TEXTS = ("vlm", "robot", "cassette", "invariants")
_LISTS = ("behaviors", "trees")
_BLOCKS = ("backends", "robots")
_KEPT = ("privacy", "firewall")
_TABLES = ("budget", "failover", "trace")


class ConfigError(KnotholeError):
    """``knothole.toml`` has a mistake."""


@dataclass(frozen=True)
class Config:
    """What a project's ``knothole.toml`` says, defaults filled in.

    Attributes:
        vlm: Backend when ``--vlm`` is left out.
        robot: Driver when ``--robot`` is left out.
        behaviors: Python files that register nodes.
        classes: Type key → dotted path of a class of py_trees.
        trees: Folders to look for trees in.
        backends: Backend name → its settings.
        robots: Driver name → its settings.
        cassette: Where runs keep their answers when ``--cassette`` is left out; None for nowhere.
        frames: What is done with pictures in traces and cassettes when ``--frames`` is left out, and before they are
            sent to a remote backend.
        firewall: Whether backends are asked behind a firewall when neither ``--firewall`` nor their block says so.
        firewall_settings: Settings of the firewall.
        budget: What a run may spend on questions.
        trace: How much of a run its trace keeps when ``--keep`` and ``--pictures`` are left out.
        rest: When a backend of a chain, or one in a process, is left alone for a while.
        file: The file itself, None when there is none.
    """

    vlm: str = "embedded"
    robot: str = "panda"
    behaviors: tuple[Path, ...] = ()
    classes: Mapping[str, str] = field(default_factory=dict)
    trees: tuple[Path, ...] = ()
    backends: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    robots: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    cassette: Path | None = None
    frames: Frames = "keep"
    firewall: bool = False
    firewall_settings: Mapping[str, object] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    trace: Amount = field(default_factory=Amount)
    rest: Rest = field(default_factory=Rest)
    invariants: Path | None = None
    file: Path | None = None


def find_config(folder: Path | None = None) -> Path | None:
    """Return the nearest ``knothole.toml`` in ``folder`` (default: the current one) or above it, or None."""
    start = (folder or Path.cwd()).resolve()
    for place in (start, *start.parents):
        if (place / FILE).is_file():
            return place / FILE
    return None


def read_config(file: Path | None) -> Config:
    """Read and check a configuration; None gives the defaults.

    Raises:
        ConfigError: The file is no TOML, or a key is unknown or has the wrong type.
    """
    if file is None:
        return Config()
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}\n  fix:  correct the file") from error
    except RecursionError:
        raise ConfigError(f"{file}: nested too deep\n  fix:  close each bracket, and nest less") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    known = (*_TEXTS, *_LISTS, *_BLOCKS, *_KEPT, *_TABLES)
    for key, value in raw.items():
        if key not in known:
            near = near_misses(key, known)
            hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
            raise ConfigError(
                f"{_place(file, key)}: unknown key {key!r}{hint}\n  fix:  known keys are {', '.join(known)}"
            )
        _check(file, key, value)
    base, vlm = file.parent, raw.get("vlm", Config.vlm)

    def refuse(key: str, what: str) -> ConfigError:
        return ConfigError(f"{_place(file, key)}: {what}")

    files, classes = _behaviors(raw.get("behaviors", ()))
    return Config(
        vlm=vlm if isinstance(vlm, str) else ",".join(vlm),
        robot=raw.get("robot", Config.robot),
        behaviors=tuple(base / name for name in files),
        classes=classes,
        trees=tuple(base / name for name in raw.get("trees", ())),
        backends=raw.get("backends", {}),
        robots=raw.get("robots", {}),
        cassette=base / raw["cassette"] if raw.get("cassette") else None,
        invariants=base / raw["invariants"] if raw.get("invariants") else None,
        frames=raw.get("privacy", {}).get("frames", "keep"),
        firewall=raw.get("firewall", {}).get("on", "firewall" in raw),
        firewall_settings={key: value for key, value in raw.get("firewall", {}).items() if key != "on"},
        budget=read_budget(raw.get("budget", {}), refuse),
        trace=read_trace_block(raw.get("trace", {}), refuse),
        rest=read_rest(raw.get("failover", {}), refuse),
        file=file,
    )


def _check(file: Path, key: str, value: object) -> None:
    if key == "vlm" and isinstance(value, list) and value and all(isinstance(v, str) and v for v in value):
        return
    if key in _TEXTS and not isinstance(value, str):
        raise ConfigError(f'{_place(file, key)}: {key!r} must be text\n  fix:  write {key} = "…"')
    if key == "behaviors" and isinstance(value, dict):
        _check_classes(file, value)
    elif key in _LISTS and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        raise ConfigError(f'{_place(file, key)}: {key!r} must be a list of paths\n  fix:  write {key} = ["…"]')
    if key in _BLOCKS and not (isinstance(value, dict) and all(isinstance(v, dict) for v in value.values())):
        raise ConfigError(
            f"{_place(file, key)}: {key!r} must hold blocks\n  fix:  write [{key}.NAME] and its keys below"
        )
    if key in _KEPT and not isinstance(value, dict):
        raise ConfigError(f"{_place(file, key)}: {key!r} must be a block\n  fix:  write [{key}] and its keys below")
    if key == "privacy":
        _check_privacy(file, cast("Mapping[str, object]", value))
    if key == "firewall" and not isinstance(cast("Mapping[str, object]", value).get("on", True), bool):
        raise ConfigError(f"{_place(file, 'on')}: 'on' must be true or false")


def _check_privacy(file: Path, block: Mapping[str, object]) -> None:
    for name, value in block.items():
        if name != "frames":
            raise ConfigError(f"{_place(file, name)}: [privacy] has no key {name!r}\n  fix:  it has frames")
        if value not in FRAMES:
            raise ConfigError(f"{_place(file, name)}: frames is {value!r}\n  fix:  write one of {', '.join(FRAMES)}")


def _check_classes(file: Path, block: Mapping[str, object]) -> None:
    from ...behaviors.pt.adapter import is_dotted

    for name, value in block.items():
        if name == "files":
            _check(file, "behaviors", value if isinstance(value, list) else None)
        elif not isinstance(value, str) or not is_dotted(value):
            raise ConfigError(
                f"{_place(file, name)}: {name!r} must be the dotted path of a class\n"
                f'  fix:  write {name} = "package.module.Class"'
            )


def _behaviors(given: Sequence[str] | Mapping[str, object]) -> tuple[list[str], dict[str, str]]:
    """Return the files, and type key → dotted path, of both forms of ``behaviors``."""
    if not given:
        return [], {}
    if isinstance(given, Mapping):
        files, classes = _behaviors(cast("list[str]", given.get("files", [])))
        return files, {**classes, **{name: str(path) for name, path in given.items() if name != "files"}}
    from ...behaviors.pt.adapter import is_dotted

    dotted = [name for name in given if not name.endswith(".py") and is_dotted(name)]
    return [name for name in given if name not in dotted], {name: name for name in dotted}


def _place(file: Path, *keys: str) -> str:
    """Return where the first of some spellings of a key stands."""
    for key in keys:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            words = line.strip().lstrip("[").lstrip()
            if words.startswith((key, f'"{key}"')):
                return f"{file}:{number}:{line.index(key) + 1}"
    return str(file)


def load_behaviors(config: Config) -> None:
    """Import the project's files that register nodes; a file already imported is left alone.

    Afterwards all names are known, so the blocks of settings are compared with them.

    Raises:
        ConfigError: A file is missing or cannot be imported (the cause stays chained), or a block is for a backend or
            robot that does not exist.
    """
    for path in config.behaviors:
        name = f"knothole_behaviors_{path.stem}"
        loaded = sys.modules.get(name)
        if loaded is not None and getattr(loaded, "__file__", None) == str(path.resolve()):
            continue
        where = f"{config.file}: behaviors" if config.file else "behaviors"
        if not path.is_file():
            raise ConfigError(f"{where}: there is no file {path}\n  fix:  correct the path, it is relative to {FILE}")
        spec = importlib.util.spec_from_file_location(name, path.resolve())
        if spec is None or spec.loader is None:
            raise ConfigError(f"{where}: {path} is not a Python file\n  fix:  name a file that ends in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise ConfigError(f"{where}: {path} cannot be imported: {type(error).__name__}: {error}") from error
    _load_classes(config)
    _check_blocks(config)


def _load_classes(config: Config) -> None:
    if not config.classes:
        return
    from ...behaviors.pt.adapter import register

    folder = str(config.file.parent) if config.file else ""
    if folder and folder not in sys.path:
        sys.path.append(folder)
    for name, path in config.classes.items():
        try:
            register(name, path)
        except KnotholeError as error:
            where = _place(config.file, name, path) if config.file else "behaviors"
            raise ConfigError(f"{where}: {error}") from error


def _check_blocks(config: Config) -> None:
    """Refuse settings of what does not exist: they would be ignored without a word."""
    for key, noun, blocks, find in (
        ("backends", "backend", config.backends, backend_names),
        ("robots", "robot", config.robots, driver_names),
    ):
        known = find() if blocks else ()
        for name in blocks:
            if name not in known:
                near = near_misses(name, known)
                hint = f"\n  did you mean:  {', '.join(f'[{key}.{each}]' for each in near)}" if near else ""
                place = _place(config.file, f"{key}.{name}", name) if config.file else FILE
                raise ConfigError(
                    f"{place}: there is no {noun} {name!r} to give settings to{hint}\n"
                    f"  fix:  name one of {', '.join(known)}"
                )
