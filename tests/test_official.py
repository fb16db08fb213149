"""The published models of the Qwen-VL family: their sizes are ours to read, and their files are what we load.

Nothing is downloaded. Sizes are tried on the meta device, the layout of the files with tiny weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from knothole.tests import tiny_checkpoints
from knothole.tests.published_checkpoints import TOKEN_IDS, hub_config, publish
from knothole.tests.shapes_only import ShapesOnly
from knothole.vlm._vision_model import Continuation, VisionModel
from knothole.vlm.checkpoint import Checkpoint, load_checkpoint
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.questions import Frame, Question

torch.set_num_threads(1)


@dataclass(frozen=True)
class Official:
    """Sizes of a published model. ``text`` is width, layers, heads, key-value heads, MLP width and vocabulary."""

    name: str
    parameters: int
    family: str
    text: tuple[int, int, int, int, int, int]
    tied: bool
    vision: dict[str, Any]


VISION_2 = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4}
VISION_2_5 = {"depth": 32, "hidden_size": 1280, "num_heads": 16, "intermediate_size": 3420, "window_size": 112}
VISION_2_5 |= {"fullatt_block_indexes": [7, 15, 23, 31], "tokens_per_second": 2}
VISION_3 = {"num_heads": 16, "num_position_embeddings": 2304}
SMALL_3 = VISION_3 | {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096}
SMALL_3 |= {"deepstack_visual_indexes": [5, 11, 17]}
LARGE_3 = VISION_3 | {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304}
LARGE_3 |= {"deepstack_visual_indexes": [8, 16, 24]}
OFFICIAL = [
    Official("Qwen2-VL-2B", 2_208_985_600, "qwen2_vl", (1536, 28, 12, 2, 8960, 151936), True, VISION_2),
    Official("Qwen2-VL-7B", 8_291_375_616, "qwen2_vl", (3584, 28, 28, 4, 18944, 152064), False, VISION_2),
    Official("Qwen2.5-VL-3B", 3_754_622_976, "qwen2_5_vl", (2048, 36, 16, 2, 11008, 151936), True, VISION_2_5),
    Official("Qwen2.5-VL-7B", 8_292_166_656, "qwen2_5_vl", (3584, 28, 28, 4, 18944, 152064), False, VISION_2_5),
    Official("Qwen3-VL-2B", 2_127_532_032, "qwen3_vl", (2048, 28, 16, 8, 6144, 151936), True, SMALL_3),
    Official("Qwen3-VL-4B", 4_437_815_808, "qwen3_vl", (2560, 36, 32, 8, 9728, 151936), True, SMALL_3),
    Official("Qwen3-VL-8B", 8_767_123_696, "qwen3_vl", (4096, 36, 32, 8, 12288, 151936), False, LARGE_3),
]
GRIDS = {"qwen2_vl": (18, 22), "qwen2_5_vl": (18, 22), "qwen3_vl": (16, 20)}
"""Patches down and across of a picture of 320 x 240 px, both even: 14 px wide, 16 px with Qwen3."""
PIXELS = {"qwen2_vl": (3136, 12_845_056), "qwen2_5_vl": (3136, 12_845_056), "qwen3_vl": (65_536, 16_777_216)}
QUESTIONS = ("Is the cube on the table?", "Yes or no", "Is the red cube on a blue table, is it the green cube?")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    return {family: tiny_checkpoints.make(family, folder / family) for family in tiny_checkpoints.FAMILIES}


@pytest.fixture(params=OFFICIAL, ids=lambda official: official.name)
def official(request: pytest.FixtureRequest) -> Official:
    assert isinstance(request.param, Official)
    return request.param


@pytest.fixture
def large(official: Official, tiny: dict[str, Path], tmp_path: Path) -> Checkpoint:
    """The official model without values behind the processor of a tiny one."""
    small = load_checkpoint(str(tiny[official.family]), pixels=PIXELS[official.family])
    width, layers, heads, kv_heads, mlp, vocabulary = official.text
    text = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    text |= {"num_key_value_heads": kv_heads, "intermediate_size": mlp, "vocab_size": vocabulary}
    text |= {"max_position_embeddings": 32768, "rms_norm_eps": 1e-6}
    three = official.family == "qwen3_vl"
    if three:
        text["head_dim"] = 128
    into = "hidden_size" if official.family == "qwen2_vl" else "out_hidden_size"
    vision = official.vision | {"patch_size": 16 if three else 14, "spatial_merge_size": 2, into: width}
    config = hub_config(
        official.family,
        text,
        vision | {"temporal_patch_size": 2},
        {name: getattr(small.model.config, name) for name in TOKEN_IDS},
        sections=[24, 20, 20] if three else [16, 24, 24],
        theta=5e6 if three else 1e6,
        tied=official.tied,
    )
    (tmp_path / "config.json").write_text(json.dumps(config))
    read = transformers.AutoConfig.from_pretrained(tmp_path, local_files_only=True)
    with torch.device("meta"):
        model = transformers.AutoModelForImageTextToText.from_config(read)
    return replace(small, model=model.eval())


def places(before: int, rows: int, columns: int, after: int) -> torch.Tensor:
    """Rotary positions of text, an image of so many tokens, and text, shape (3, tokens)."""
    down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    image = torch.stack([torch.zeros(rows * columns, dtype=torch.long), down.flatten(), across.flatten()])
    texts = (torch.arange(before), before + max(rows, columns) + torch.arange(after))
    return torch.cat([texts[0].expand(3, -1), before + image, texts[1].expand(3, -1)], dim=1)


def test_an_official_configuration_has_as_many_parameters_as_published(official: Official, large: Checkpoint) -> None:
    model = large.model
    assert sum(weight.numel() for weight in model.parameters()) == official.parameters
    assert (model.lm_head.weight is model.get_input_embeddings().weight) == official.tied
    assert all(weight.is_meta for weight in model.parameters())


@pytest.mark.long
def test_a_model_of_official_size_reads_an_image_once_and_goes_on_in_a_batch(
    official: Official, large: Checkpoint
) -> None:
    vision, passes = VisionModel(large), list[dict[str, Any]]()

    def note(module: object, args: object, given: dict[str, Any]) -> None:
        cache = given["past_key_values"]
        passes.append(given | {"length": cache.get_seq_length() if cache is not None else 0})

    large.model.model.language_model.register_forward_pre_hook(note, with_kwargs=True)
    rows = [vision.question_ids(text) for text in QUESTIONS]
    lengths = torch.tensor([len(row) for row in rows])
    down, across = (patches // 2 for patches in GRIDS[official.family])
    before, after = (len(vision.text_ids(part)) for part in vision.frame(True)[0].split("<|image_pad|>"))
    expected = places(before, down, across, after)
    with ShapesOnly():
        prefix = vision.read(np.zeros((240, 320, 3), np.uint8), "picture")
        run = Continuation(vision, prefix, rows)
        answers = run.logits(lengths - 1)
        stepped = run.step(torch.tensor([1, 2, 3]))

    first, together, last = passes
    assert prefix.length == expected.shape[1] == before + down * across + after
    assert torch.equal(first["position_ids"][-3:, 0], expected)
    start = int(expected.max()) + 1
    assert prefix.length + prefix.offset == start
    width, layers, heads, kv_heads, *_, vocabulary = official.text
    head = 128 if official.family == "qwen3_vl" else width // heads
    assert [tuple(layer.keys.shape) for layer in prefix.cache.layers] == [(1, kv_heads, prefix.length, head)] * layers

    assert answers.shape == (3, 3, vocabulary)
    assert stepped.shape == (3, vocabulary)
    assert together["length"] == prefix.length
    assert together["inputs_embeds"].shape == (3, lengths.max(), width)
    assert together["attention_mask"].sum(1).tolist() == (prefix.length + lengths).tolist()
    assert torch.equal(together["position_ids"], (start + torch.arange(int(lengths.max()))).expand(3, 3, -1))
    assert last["length"] == prefix.length + lengths.max()
    assert last["position_ids"].tolist() == [(start + lengths)[:, None].tolist()] * 3
    assert run.cache.get_seq_length() == prefix.length + lengths.max() + 1


@pytest.fixture(params=tiny_checkpoints.FAMILIES)
def published(request: pytest.FixtureRequest, tiny: dict[str, Path], tmp_path: Path) -> tuple[Path, Path]:
    return tiny[request.param], publish(request.param, tiny[request.param], tmp_path / "published")


def test_a_folder_as_the_hub_has_it_is_the_same_model_in_half_precision(published: tuple[Path, Path]) -> None:
    plain, loaded = (load_checkpoint(str(folder)) for folder in published)
    rounded = {name: weight.bfloat16().float() for name, weight in plain.model.state_dict().items()}
    assert loaded.model.dtype == torch.float32
    assert loaded.image_size == plain.image_size
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    inputs = VisionModel(loaded).prepare(image)
    plain.model.load_state_dict(rounded)
    with torch.inference_mode():
        assert torch.allclose(loaded.model(**inputs).logits, plain.model(**inputs).logits, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_folder_as_the_hub_has_it_answers(published: tuple[Path, Path], dtype: str) -> None:
    backend: Any = BACKENDS.get("qwen").open(BackendOptions(str(published[1]), {"dtype": dtype, "max_tokens": 3}))
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    questions = [Question("yes_no", text) for text in QUESTIONS] + [Question("describe", "What is there?")]
    answers = backend.ask(Frame("f", 0.0, image), questions)
    assert backend.vision.model.dtype == getattr(torch, dtype)
    assert [answer.problem for answer in answers] == [""] * 4
    assert all(sum(a.probabilities.values()) + a.neither == pytest.approx(1.0) for a in answers[:3])
    assert len({round(a.p("yes"), 6) for a in answers[:3]}) == 3
    assert backend.vision.reads == 1


def test_a_lost_shard_is_told(published: tuple[Path, Path]) -> None:
    (published[1] / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(BackendError, match=r"the checkpoint in .* cannot be loaded: .*model-00002-of-00002"):
        load_checkpoint(str(published[1]))
