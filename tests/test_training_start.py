"""How a training begins from a checkpoint, and how it multiplies."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from knothole.vlm.embedded import weights
from knothole.vlm.learned import Knowledge
from knothole.vlm.training import bfloat
from knothole.vlm.training.config import ModelShape, TrainConfig, TrainingError
from knothole.vlm.training.export import read_shape, read_weights
from knothole.vlm.training.losses import Sums
from knothole.vlm.training.model import Trainee, fresh_model, model_config
from knothole.vlm.training.probe import failed
from knothole.vlm.training.starting import checkpoints, resized, take, translate
from knothole.vlm.training.tokenizer import Codec, build_tokenizer, spelled
from knothole.vlm.training.train import train

WORDS = "hf.model.language_model.embed_tokens.weight"
PLACES = "hf.model.visual.pos_embed.weight"


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(build_tokenizer())


@pytest.fixture(scope="module")
def old() -> Tokenizer:
    """A tokenizer of another day: single bytes, and the word Yes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = build_tokenizer().decoder
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(["Yes Yes Yes"] * 9, trainer)
    return tokenizer


def test_every_word_of_today_is_spelled_in_an_old_tokenizer(codec: Codec, old: Tokenizer) -> None:
    rows = spelled(codec.tokenizer, old)
    assert len(rows) == codec.tokenizer.get_vocab_size()
    assert rows[codec.yes] == [old.token_to_id("Yes")]
    tray = codec.encode(" tray")[0]
    assert old.decode(rows[tray]) == " tray"
    assert len(rows[tray]) > 1


def test_a_word_that_a_checkpoint_lacks_starts_as_the_mean_of_its_pieces(codec: Codec, old: Tokenizer) -> None:
    table = torch.randn(old.get_vocab_size() + 5, 8)
    kept = torch.randn(3)
    state = translate({WORDS: table, "hf.other": kept}, old, codec)
    assert state["hf.other"] is kept
    assert state[WORDS].shape == (codec.vocab, 8)
    assert torch.equal(state[WORDS][codec.yes], table[old.token_to_id("Yes")])
    tray = codec.encode(" tray")[0]
    assert torch.allclose(state[WORDS][tray], table[spelled(codec.tokenizer, old)[tray]].mean(0))


def test_a_checkpoint_with_the_words_of_today_stays_as_it_is(codec: Codec) -> None:
    state = {WORDS: torch.randn(codec.vocab, 4)}
    assert translate(state, build_tokenizer(), codec) is state


def test_more_training_starts_from_the_weights_of_the_package_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: Codec
) -> None:
    monkeypatch.chdir(tmp_path)
    config = TrainConfig.load("resume")
    assert checkpoints(config) == (str(weights()),)
    shape = read_shape(weights())
    model = Trainee(fresh_model(model_config(shape, codec.vocab), codec, 0), shape)
    taken, told = take(model, *checkpoints(config), shape, codec)
    assert WORDS in taken
    assert re.fullmatch(r"start: used (\d+) of \1 tensors of \S+tiny", told)


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (
            "vlm/weights/none",
            "there is no checkpoint 'vlm/weights/none'\n  why:  it is looked for in the working folder, ",
        ),
        ("empty", "'empty' is a folder without a config.json\n  fix:  give a raw .pt file of training, an exported "),
    ],
)
def test_a_checkpoint_that_is_not_there_is_told_with_its_file_before_pictures_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "my.yaml").write_text(f"start: [{start}]\n", encoding="utf-8")
    with pytest.raises(TrainingError) as caught:
        train("my.yaml", [tmp_path / "no pictures"], tmp_path / "out")
    assert str(caught.value).startswith(f"my.yaml: start: {told}")


def small(**sizes: int) -> ModelShape:
    made = ModelShape(image_size=32, vision_depth=4, vision_width=32, vision_heads=2, vision_mlp=32, width=32, mlp=32)
    return replace(made, **sizes)


def test_what_of_a_checkpoint_does_not_fit_is_told(tmp_path: Path, codec: Codec) -> None:
    def made(shape: ModelShape) -> Trainee:
        return Trainee(fresh_model(model_config(shape, codec.vocab), codec, 0), shape)

    state = made(small()).state_dict()
    torch.save(state, tmp_path / "small.pt")
    wider = small(vision_width=64)
    taken, told = take(made(wider), str(tmp_path / "small.pt"), wider, codec)
    assert 0 < len(taken) < len(state)
    assert told.startswith(
        f"start: used {len(taken)} of {len(state)} tensors of {tmp_path}/small.pt; of the others hf."
    )
    assert told.endswith(" in this model")
    torch.save({PLACES: torch.ones(16, 8), "other": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(TrainingError) as caught:
        take(made(small()), str(tmp_path / "other.pt"), small(), codec)
    assert str(caught.value).splitlines() == [
        f"none of the 2 tensors of {tmp_path}/other.pt fits the model",
        f"  why:  {PLACES} is of 16 x 8, but of 16 x 32 in this model",
        "  fix:  give the sizes of that checkpoint in `model`, or start from another one",
    ]


def test_a_file_that_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_text("hello", encoding="utf-8")
    torch.save([1, 2], tmp_path / "b.pt")
    for name in ("a.pt", "b.pt"):
        with pytest.raises(TrainingError, match=rf"{name}' is no checkpoint: .*\n  fix:  give a raw \.pt file"):
            read_weights(tmp_path / name)


def test_what_was_learned_about_places_is_spread_over_a_larger_image() -> None:
    down, across = torch.meshgrid(torch.linspace(0, 1, 4), torch.linspace(0, 1, 4), indexing="ij")
    state = {PLACES: torch.stack([down.flatten(), across.flatten()], 1), "hf.other": torch.ones(2)}
    assert resized(state, ModelShape(image_size=32, patch=8)) is state
    spread = resized(state, ModelShape(image_size=64, patch=8))[PLACES]
    assert spread.shape == (64, 2)
    assert torch.allclose(spread.view(8, 8, 2)[:, 3, 0], torch.linspace(0, 1, 8))
    assert torch.allclose(spread.view(8, 8, 2)[5, :, 1], torch.linspace(0, 1, 8))


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_attention_in_bfloat16_is_that_of_torch(masked: bool) -> None:
    torch.manual_seed(0)
    leaves = [torch.randn(2, 3, n, 32, requires_grad=True) for n in (20, 50, 50)]
    mask = (torch.rand(2, 1, 20, 50) > 0.5) if masked else None
    if mask is not None:
        mask[..., 0] = True
    wish = torch.randn(2, 3, 20, 32)
    found = []
    for attend in (bfloat.attend, F.scaled_dot_product_attention):
        out = attend(*leaves, mask)
        assert out.dtype == torch.float32
        found.append([out, *torch.autograd.grad((out * wish).sum(), leaves)])
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).norm() / theirs.norm() < 0.01


def test_products_are_taken_in_bfloat16_only_where_wanted() -> None:
    a, b = torch.randn(2, 8, 8)
    with bfloat.products(True):
        assert (a @ b).dtype == torch.bfloat16
    with bfloat.products(False):
        assert (a @ b).dtype == torch.float32
    assert not bfloat.helps(torch.device("meta"))


def test_what_was_taught_in_vain_does_not_count_as_learned() -> None:
    seen = Sums()
    for name, right in (("near", 0.6), ("in", 0.9), ("hand", 0.2)):
        for answer in ("yes", "no"):
            for n in range(3 if name == "hand" else 10):
                seen.add(f"{name}/{answer}", float(n < right * 10))
    assert failed(seen) == {"near"}
    known = Knowledge(frozenset({"near", "in", "hand"}), frozenset({"yes_no"})).without(failed(seen))
    assert known.predicates == {"in", "hand"}
