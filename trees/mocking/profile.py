"""Read a mock profile: a YAML file, the ``mocks`` of a test, or a mapping made in Python.

```yaml
knothole_mocks: 1
mocks:
  tidy/sequence/pick: {status: [failure, success], after: 500ms, reason: "slipped"}
  "**/see": success
  "type:ClearSnapshot": {writes: {image: "x"}}
  "name:find a grasp": {success: 0.7}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml

from ..problems import Problem, TreeError, in_order
from ..reading.document import Documents, Item, Items, Pairs, Scalar
from ..reading.raw_text import FileKind
from ..reading.reader import read_file, read_text
from .forms import Forms, check_header, entries, single_document
from .mock import STATUSES, Mock
from .sites import Selector

HEADER: Final = "knothole_mocks"
PROFILE_FILE: Final = FileKind(
    "a mock profile", "write `knothole_mocks: 1`, and below it `mocks:` with what replaces which node", "mocks.yaml"
)
_KEYS: Final = ("status", "then", "success", "after", "writes", "reason", "children")
_FIX: Final = "write {status: success}"


def read_profile(path: str | Path) -> tuple[Mock, ...]:
    """Read a profile.

    Raises:
        TreeError: The file cannot be read, or it has mistakes; all of them are in the error.
    """
    return _profile(read_file(path, PROFILE_FILE))


def read_profile_text(text: str, file: str = "<mocks>") -> tuple[Mock, ...]:
    """Read a profile from its text, as ``read_profile`` does.

    Raises:
        TreeError: It has mistakes.
    """
    return _profile(read_text(text, file, PROFILE_FILE))


def mocks_of(given: Mapping[str, object]) -> tuple[Mock, ...]:
    """Read mocks from plain data: selector → what a profile would say.

    Raises:
        TreeError: Something in it is wrong; places are those of the same data written as YAML.
    """
    if not given:
        return ()
    text = yaml.safe_dump({HEADER: 1, "mocks": dict(given)}, sort_keys=False, allow_unicode=True, width=4000)
    return read_profile_text(text, "<mocks>")


def _profile(documents: Documents) -> tuple[Mock, ...]:
    mocks, problems = scan_profile(documents)
    if problems:
        raise TreeError(in_order(problems))
    return mocks


def scan_profile(documents: Documents) -> tuple[tuple[Mock, ...], list[Problem]]:
    """Return the mocks of a profile and what is wrong with it."""
    problems: list[Problem] = []
    forms = Forms(documents.source, problems)
    root = single_document(documents, problems, PROFILE_FILE.what)
    mocks: tuple[Mock, ...] = ()
    if root is not None and check_header(forms, root, HEADER, "a mock profile"):
        forms.pairs(root, "a mock profile", "", (HEADER, "about", "mocks"))
        given = root.get("mocks")
        if given is None:
            forms.report(root, "K232", "a mock profile has no `mocks`", fix="write mocks: {PATH: success}")
        else:
            mocks = read_mocks(forms, given)
    return mocks, problems


def read_mocks(forms: Forms, item: Item) -> tuple[Mock, ...]:
    """Read the mapping of selectors to mocks; mistakes go to the forms."""
    pairs = forms.pairs(item, "'mocks'", "write {PATH: success}")
    return tuple(_mock(forms, key, value) for key, value in entries(pairs))


def _mock(forms: Forms, key: Scalar, value: Item) -> Mock:
    mock = Mock(Selector(key.text), key, forms.source)
    if isinstance(value, Scalar | Items):
        if isinstance(value, Scalar) and value.is_null:
            forms.report(value, "K236", f"the mock of {key.text!r} says nothing", fix=_FIX)
            return mock
        return replace(mock, statuses=forms.words(value, STATUSES, "a mock"))
    label = f"the mock of {key.text!r}"
    pairs = forms.pairs(value, label, _FIX, _KEYS) or value
    found: dict[str, Item] = {name.text: each for name, each in pairs}
    if not found:
        forms.report(value, "K236", f"{label} says nothing", fix=_FIX)
    _check_together(forms, pairs, label)
    return replace(
        mock,
        statuses=forms.words(found["status"], STATUSES, "'status'") if "status" in found else (),
        again="then" in found and forms.word(found["then"], ("last", "again"), "'then'") == "again",
        success=forms.number(found["success"], "'success'", low=0.0, high=1.0) if "success" in found else None,
        after=(forms.number(found["after"], "'after'", "duration", low=0.0) or 0.0) if "after" in found else 0.0,
        writes=_writes(forms, found["writes"]) if "writes" in found else (),
        reason=(forms.text(found["reason"], "'reason'") or "") if "reason" in found else "",
        children="children" in found and forms.word(found["children"], ("run", "skip"), "'children'") == "run",
    )


def _writes(forms: Forms, item: Item) -> tuple[tuple[Scalar, Item], ...]:
    pairs = forms.pairs(item, "'writes'", "write {PORT: VALUE} or {$entry: VALUE}")
    return tuple(entries(pairs))


def _check_together(forms: Forms, pairs: Pairs, label: str) -> None:
    """Report keys that contradict each other or mean nothing alone."""
    at = {name.text: name for name, _ in pairs}
    if "status" in at and "success" in at:
        forms.report(
            at["success"],
            "K236",
            f"{label} has both 'status' and 'success'",
            why="each of them decides the status",
            fix="delete one of them",
        )
    if "then" in at and "status" not in at:
        forms.report(at["then"], "K236", f"{label} has 'then' without 'status'", fix="write status: [running, success]")
    status = pairs.get("status")
    failing = {each.text for each in _scalars(status)} if status is not None else set()
    if "reason" in at and "success" not in at and not failing & {"failure"}:
        forms.report(
            at["reason"],
            "K236",
            f"{label} has a reason and never fails",
            why="'reason' says why a FAILURE is one",
            fix="delete it, or write status: failure",
        )


def _scalars(item: Item) -> tuple[Scalar, ...]:
    if isinstance(item, Scalar):
        return (item,)
    return tuple(each for each in item.items if isinstance(each, Scalar)) if isinstance(item, Items) else ()
