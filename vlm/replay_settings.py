"""How a recording is replayed: what stands behind ``replay:`` and in its block of ``knothole.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .._base import near_misses
from .contract import BackendError, BackendOptions

_KNOWN = ("strict", "then", "then_settings", "record", "latency", "threads")
_FIX = "name a cassette or a trace: --vlm replay:answers.jsonl"


@dataclass(frozen=True)
class ReplaySettings:
    """How a recording is replayed.

    Attributes:
        path: Cassette or trace.
        then: Backend that is asked what is not recorded; empty for none.
        then_settings: Its settings.
        record: Add its answers to the cassette.
    """

    path: Path
    then: str = ""
    then_settings: Mapping[str, object] = field(default_factory=dict)
    record: bool = False

    @classmethod
    def of(cls, options: BackendOptions) -> ReplaySettings:
        """Read argument and settings; ``+strict`` behind the file goes before the settings.

        Raises:
            BackendError: There is no file, a setting is unknown, has a wrong value or contradicts another one.
        """
        argument, plus, mark = options.argument.rpartition("+")
        forced = bool(plus) and mark.strip() == "strict"
        name = argument if forced else options.argument
        settings = options.settings
        if not name:
            raise BackendError(f"the replay backend needs a recording\n  fix:  {_FIX}")
        for key in settings:
            if key not in _KNOWN:
                near = near_misses(key, _KNOWN, 1)
                hint = f"\n  did you mean:  {near[0]}" if near else ""
                raise BackendError(f"the replay backend has no setting {key!r}{hint}")
        then, strict, record = settings.get("then", ""), settings.get("strict"), settings.get("record", False)
        if not isinstance(then, str) or not isinstance(record, bool) or not isinstance(strict, bool | None):
            raise BackendError("of the replay backend, 'then' must be a text, 'strict' and 'record' true or false")
        if strict is True and then and not forced:
            raise BackendError("a strict replay asks no other backend\n  fix:  take out 'strict' or 'then'")
        if strict is False and not then and not forced:
            raise BackendError('a replay that is not strict asks another backend\n  fix:  add then = "embedded"')
        if then.partition(":")[0] == "replay":
            raise BackendError("a replay cannot fall through to a replay\n  fix:  name another backend in 'then'")
        if record and not then:
            raise BackendError("a strict replay has nothing to record\n  fix:  add 'then', or take out 'record'")
        given = settings.get("then_settings", {})
        assert isinstance(given, Mapping)
        return cls(Path(name), "" if forced else then, given, record and not forced)
