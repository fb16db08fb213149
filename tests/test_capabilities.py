"""Capability files: what is written is read back, one entry a model, and mistakes in them are explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knothole.vlm.capabilities import (
    Capabilities,
    CapabilityError,
    find_capabilities,
    plain_endpoint,
    read_capabilities,
    write_capabilities,
)

MEASURED = Capabilities(
    "openai",
    "qwen3-vl-4b",
    "http://127.0.0.1:8000/v1",
    decisions=False,
    logprobs=20,
    yes=("Yes", " yes"),
    no=("No",),
    plans="json_schema",
    coordinates="thousandths",
    coordinates_error=0.001,
    images=4,
    image_side=1024,
    token_limit="max_tokens",
    kinds=("yes_no", "ground"),
    latency=0.2,
    latency_p95=0.5,
    measured="2026-11-30",
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "new" / "capabilities.json"
    write_capabilities(file, MEASURED)
    assert read_capabilities(file) == (MEASURED,)
    assert find_capabilities(file, "openai", "qwen3-vl-4b", "HTTP://127.0.0.1:8000/v1/") == MEASURED
    assert find_capabilities(file, "openai", "another", MEASURED.endpoint) is None
    assert find_capabilities(tmp_path / "none.json", "openai", "m") is None


def test_a_model_has_one_entry_and_others_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "capabilities.json"
    other = Capabilities("qwen", "tiny@1")
    for entry in (MEASURED, other, Capabilities("openai", "qwen3-vl-4b", MEASURED.endpoint, logprobs=0)):
        write_capabilities(file, entry)
    assert [(each.backend, each.logprobs) for each in read_capabilities(file)] == [("openai", 0), ("qwen", None)]
    assert [each.name for each in tmp_path.iterdir()] == ["capabilities.json"]


def test_no_secret_of_an_endpoint_reaches_the_file(tmp_path: Path) -> None:
    file = tmp_path / "capabilities.json"
    write_capabilities(file, Capabilities("openai", "m", "https://me:hunter2@example.org/v1?key=hunter3#hunter4"))
    assert "hunter" not in file.read_text()
    assert find_capabilities(file, "openai", "m", "https://example.org/v1") is not None


@given(st.text(max_size=30))
@example(" #")
@example("v1/ / ?key")
def test_an_endpoint_is_plain_after_one_pass(text: str) -> None:
    try:
        once = plain_endpoint(f"http://host/{text}")
    except ValueError:
        return
    assert plain_endpoint(once) == once
    assert "?" not in once
    assert "#" not in once


ENTRY = '{{"knothole_capabilities": 1, "entries": [{{"backend": "a", "model": "b", {}}}]}}'
MISTAKES = {
    "[": "not JSON",
    "[" * 100_000: "not JSON",
    "[]": "no capability file of version 1",
    '{"knothole_capabilities": 2}': "no capability file of version 1",
    '{"knothole_capabilities": 1}': "'entries' is no list",
    '{"knothole_capabilities": 1, "entries": [3]}': "entries[0]: no object",
    '{"knothole_capabilities": 1, "entries": [{"backend": "a"}]}': "entries[0]: 'model' is missing",
    ENTRY.format('"logprob": 3'): "unknown field 'logprob'\n  did you mean:  logprobs",
    ENTRY.format('"logprobs": true'): "'logprobs' is True, must be a whole number >= 0",
    ENTRY.format('"logprobs": -1'): "must be a whole number >= 0",
    ENTRY.format('"latency": NaN'): "must be a number >= 0",
    ENTRY.format('"decisions": 1'): "must be true or false",
    ENTRY.format('"yes": "yes"'): "must be a list of texts",
    ENTRY.format('"plans": "xml"'): "must be json_schema or json_object or text",
    ENTRY.format('"plans": []'): "must be json_schema or json_object or text",
    ENTRY.format('"coordinates": "inches"'): "'coordinates' is 'inches', must be thousandths or pixels",
}


@pytest.mark.parametrize("text", MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_in_the_file_is_explained(tmp_path: Path, text: str) -> None:
    file = tmp_path / "capabilities.json"
    file.write_text(text)
    with pytest.raises(CapabilityError) as caught:
        read_capabilities(file)
    assert MISTAKES[text] in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")
    assert "knothole vlm probe" in str(caught.value)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="cannot be read"):
        read_capabilities(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CapabilityError, match="cannot be"):
        write_capabilities(tmp_path / "file" / "capabilities.json", MEASURED)


def test_the_file_is_plain_json_without_what_was_not_measured(tmp_path: Path) -> None:
    file = tmp_path / "capabilities.json"
    write_capabilities(file, Capabilities("qwen", "tiny", logprobs=5))
    assert json.loads(file.read_text())["entries"] == [{"backend": "qwen", "model": "tiny", "logprobs": 5}]
