"""Look at an installation: versions, extras, backends, drivers, weights, configuration."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

from packaging.requirements import Requirement

from .. import __version__
from .._base import KnotholeError, headline
from ..behaviors.node import NODES
from .settings.config import find_config, load_behaviors, read_config
from .settings.names import backend_names, driver_names, scene_names, tree_names

_EXTRAS: Final = ("franka", "gemini", "groot", "lsp", "ocr", "openai", "pdf", "quantize", "serve", "smolvlm", "view")


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is fine, and details."""

    what: str
    state: Literal["ok", "missing", "broken"]
    detail: str


@dataclass(frozen=True)
class Report:
    """All findings. ``healthy`` unless something that knothole itself needs is missing or broken."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """True when nothing is broken; extras may be missing."""
        return all(finding.state != "broken" for finding in self.findings)

    def to_json(self) -> list[dict[str, str]]:
        """Return the findings as plain data."""
        return [{"what": f.what, "state": f.state, "detail": f.detail} for f in self.findings]

    def __str__(self) -> str:
        width = max(len(finding.what) for finding in self.findings)
        return "\n".join(f"{f.what:<{width}}  {f.state:<8} {f.detail}" for f in self.findings)


def examine() -> Report:
    """Look at everything; nothing heavy is imported and nothing is started."""
    return Report((*_platform(), *_packages(), *_names(), _weights(), _config()))


def _platform() -> Iterator[Finding]:
    yield Finding("knothole", "ok", __version__)
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("cores", "ok", str(os.cpu_count()))


def _packages() -> Iterator[Finding]:
    """Compare what the distribution asks for with what is installed."""
    for line in importlib.metadata.requires("knothole") or []:
        need = Requirement(line)
        extra = next((e for e in _EXTRAS if need.marker and need.marker.evaluate({"extra": e})), "")
        if need.marker and not extra and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            hint = (
                f"optional: pip install 'knothole[{extra}]'" if extra else f"pip install '{need.name}{need.specifier}'"
            )
            yield Finding(need.name, "missing" if extra else "broken", hint)
            continue
        fits = need.specifier.contains(version, prereleases=True)
        yield Finding(need.name, "ok" if fits else "broken", version if fits else f"{version}, needs {need.specifier}")


def _names() -> Iterator[Finding]:
    find: Callable[[], tuple[str, ...]]
    for what, find in (
        ("nodes", _nodes),
        ("backends", backend_names),
        ("robots", driver_names),
        ("scenes", scene_names),
        ("trees", tree_names),
    ):
        try:
            names = find()
        except KnotholeError as error:
            yield Finding(what, "broken", headline(error))
            continue
        yield Finding(what, "ok" if names else "broken", ", ".join(names))


def _nodes() -> tuple[str, ...]:
    """Return our nodes by name; those of the dialects are too many and are counted."""
    ours = [name for name in NODES if "." not in name]
    dialects = Counter(name.partition(".")[0] for name in NODES if "." in name)
    return (*ours, *(f"{count} of {dialect}" for dialect, count in sorted(dialects.items())))


def _weights() -> Finding:
    folder = files("knothole.vlm").joinpath("weights")
    found = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    if not found:
        return Finding("embedded model", "missing", "no weights; train them with `knothole vlm train`")
    return Finding("embedded model", "ok", ", ".join(found))


def _config() -> Finding:
    try:
        config = read_config(find_config())
        load_behaviors(config)
    except KnotholeError as error:
        return Finding("knothole.toml", "broken", headline(error))
    return Finding("knothole.toml", "ok", str(config.file) if config.file else "none, defaults are used")
