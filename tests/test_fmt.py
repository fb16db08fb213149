"""``knothole fmt``: files in canonical form, comments kept, broken files left alone."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from knothole._base import KnotholeError
from knothole.app.authoring.format import format_file
from knothole.tests.calling import call
from knothole.trees.editing import canonical as canonical_module
from knothole.trees.editing.canonical import canonical
from knothole.trees.loader import library
from knothole.trees.problems import TreeError

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]

UGLY = "knothole: 1   # the version\ntree:   t\nroot: {say: Hello there}\n# end\n"
FINE = 'knothole: 1  # the version\ntree: t\n\nroot:\n  say: "Hello there"\n\n# end\n'


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    file = tmp_path / "t.yaml"
    file.write_text(UGLY, encoding="utf-8")
    return file


def test_a_file_is_formatted_in_place(ugly: Path) -> None:
    assert call(f"fmt {ugly}") == (0, f"{ugly}: formatted\n", "")
    assert ugly.read_text(encoding="utf-8") == FINE
    assert call(f"fmt {ugly}") == (0, "", "")
    assert [file.name for file in ugly.parent.iterdir()] == ["t.yaml"]


def test_check_writes_nothing_and_exits_with_one(ugly: Path) -> None:
    assert call(f"fmt --check {ugly}") == (1, f"{ugly}: would be formatted\n", "")
    assert ugly.read_text(encoding="utf-8") == UGLY
    ugly.write_text(FINE, encoding="utf-8")
    assert call(f"fmt --check {ugly}") == (0, "", "")


def test_diff_shows_what_would_change(ugly: Path) -> None:
    code, out, err = call(f"fmt --diff {ugly}")
    assert (code, err) == (0, "")
    assert "-root: {say: Hello there}\n" in out
    assert '+root:\n+  say: "Hello there"\n+\n # end\n' in out
    assert ugly.read_text(encoding="utf-8") == UGLY


def test_standard_input_goes_to_standard_output(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "knothole.cli", "fmt", "-"]
    done = subprocess.run(command, input=UGLY, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, FINE, "")
    done = subprocess.run(command, input="a: [", capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "<stdin>:1:" in done.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [1\nb: 2\n", "K010"),
        ("a: 1\na: 2  # the second\n", "K017"),
        ("a: !!str 1\n", "K019"),
        ("", "K005"),
        ("knothole: 1\ntree: t\nroot:\n  say: Is it cup #3\n", "K013"),
        ("knothole: 1\ntree: t\nroot:\n  say: a #b\n", "K013"),
    ],
)
def test_a_broken_file_is_left_untouched_with_its_error(tmp_path: Path, text: str, code: str) -> None:
    file, other = tmp_path / "broken.yaml", tmp_path / "other.yaml"
    file.write_text(text, encoding="utf-8")
    other.write_text(UGLY, encoding="utf-8")
    exit_code, out, err = call(f"fmt {file} {other}")
    assert exit_code == 2
    assert code in err
    assert out == ""
    assert file.read_text(encoding="utf-8") == text
    assert other.read_text(encoding="utf-8") == FINE
    code_json, out, _ = call(f"fmt --json {file} {other}")
    rows = json.loads(out)
    assert code_json == 2
    assert rows[0] == {"file": str(other), "changed": False}
    assert rows[1]["code"] == code


def test_a_comment_that_cannot_be_text_is_no_mistake() -> None:
    text = "knothole: 1\ntree: t\nroot:\n  sequence:\n    - wait: 5s #a while\n    - check: 1 < 2 # always\n"
    assert canonical(text).endswith('    - wait: 5s  # a while\n    - check: "1 < 2"  # always\n')


def test_line_ends_and_permissions_stay(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    assert format_file(link).changed
    assert file.read_bytes() == FINE.replace("\n", "\r\n").encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert not format_file(file).changed


def test_a_file_that_cannot_be_written_stays_whole(ugly: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # as on a full disk
    try:
        with pytest.raises(KnotholeError, match="cannot be written"):
            format_file(ugly)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert [file.name for file in ugly.parent.iterdir()] == ["t.yaml"]


def test_a_read_only_file_stays_and_keeps_no_other_from_its_form(ugly: Path, tmp_path: Path) -> None:
    ugly.chmod(0o444)
    other = tmp_path / "other.yaml"
    other.write_text(UGLY, encoding="utf-8")
    xml = tmp_path / "t.xml"
    xml.write_text("<root/>", encoding="utf-8")
    code, _, err = call(f"fmt {ugly} {xml} {other}")
    assert code == 2
    assert "K003: the file cannot be written: it is read-only" in err
    assert "K002: only YAML can be formatted" in err
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert other.read_text(encoding="utf-8") == FINE


def test_a_missing_file_is_said_once(tmp_path: Path) -> None:
    code, _, err = call(f"fmt {tmp_path / 'none.yaml'}")
    assert code == 2
    assert err.count("K001") == 1


def test_xml_is_not_formatted(tmp_path: Path) -> None:
    file = tmp_path / "t.xml"
    file.write_text("<root/>", encoding="utf-8")
    code, _, err = call(f"fmt {file}")
    assert code == 2
    assert "only YAML can be formatted" in err


def test_all_trees_of_the_library_are_formatted() -> None:
    changed = [file.name for file in sorted(library().glob("*.yaml")) if format_file(file, check=True).changed]
    assert changed == []


def test_a_fault_of_the_printer_never_reaches_the_file(ugly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical_module, "print_yaml", lambda documents, comments: "knothole: 1\n")
    with pytest.raises(KnotholeError, match="would change what this file says"):
        format_file(ugly)
    assert ugly.read_text(encoding="utf-8") == UGLY


def test_a_file_of_other_yaml_is_formatted_too() -> None:
    assert canonical("a: {b: [1, 2]}\nc: {}\n") == "a: {b: [1, 2]}\nc: {}\n"
    with pytest.raises(TreeError):
        canonical("%")
