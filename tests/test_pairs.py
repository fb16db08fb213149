"""Training on pairs of pictures: frames, views, packing, steps and checkpoints, on small painted frames."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from knothole.tests.test_training import PAINT, SMALL, painted
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.facts import BEFORE, MASK_TABLE, FrameFacts
from knothole.vlm.language.comparing import Changes
from knothole.vlm.language.comparisons import COMPARISONS
from knothole.vlm.learned import Knowledge
from knothole.vlm.questions import Frame, Question
from knothole.vlm.training.config import TrainConfig, TrainingError
from knothole.vlm.training.data import Frames
from knothole.vlm.training.labels import coverage
from knothole.vlm.training.lesson import Lesson
from knothole.vlm.training.lessons import Lessons
from knothole.vlm.training.model import PREFIX, Trainee, fresh_model, model_config
from knothole.vlm.training.packing import pack, prefix_of
from knothole.vlm.training.tokenizer import IMAGE, Codec, build_tokenizer
from knothole.vlm.training.train import Stage, train

CONFIG = replace(
    TrainConfig(name="pairs", batch=2, length=320, questions=8, compile=False, pairs=0.5),
    model=SMALL,
)
Picture = tuple[np.ndarray, np.ndarray, FrameFacts]


def changed(first: Picture, rng: np.random.Generator) -> Picture:
    """Paint what comes after: the first object stands lower, the last one of several may be gone."""
    facts = first[2]
    image, mask = np.full((256, 256, 3), 128, np.uint8), np.full((256, 256), MASK_TABLE, np.uint8)
    count = len(facts.objects)
    same = list(range(count - 1 if count > 1 and rng.random() < 0.5 else count))
    objects = []
    for k in same:
        o = facts.objects[k]
        x0, y0, x1, y1 = (round(v * 256) for v in o.box_xyxy)
        y0, y1 = (y0 + 30, y1 + 30) if k == 0 else (y0, y1)
        image[y0:y1, x0:x1] = PAINT[o.color]
        mask[y0:y1, x0:x1] = k
        box, xyz = (x0 / 256, y0 / 256, x1 / 256, y1 / 256), (y0 / 256, x0 / 256, 0.0)
        objects.append(replace(o, box_xyxy=box, xyz=xyz))
    return image, mask[::2, ::2], FrameFacts(tuple(objects), robot_visible=True, same=tuple(same))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames, ten of them with a second one."""
    folder, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(1)
    made = [painted(rng) for _ in range(12)]
    made += [
        (image, mask, replace(facts, before=i)) for i in range(10) for image, mask, facts in (changed(made[i], rng),)
    ]
    np.save(folder / "rgb_00000.npy", np.stack([m[0] for m in made]))
    np.save(folder / "mask_00000.npy", np.stack([m[1] for m in made]))
    (folder / "facts_00000.jsonl").write_text("".join(m[2].to_json() + "\n" for m in made), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(build_tokenizer())


def test_a_second_picture_is_no_frame_of_its_own(folder: Path) -> None:
    frames = Frames([folder])
    assert (len(frames), frames.pairs) == (12, 10)
    assert max(frames.doubled()) == 11
    pair = frames.pair(3, 64)
    assert np.array_equal(pair.before.image, frames.view(3, 64).image)
    assert pair.after.facts.before == 3


def test_both_pictures_of_a_pair_are_seen_through_one_window(folder: Path) -> None:
    frames, rng = Frames([folder]), np.random.default_rng(0)
    flipped = set()
    for i in range(40):
        pair = frames.pair(i % 10, 64, rng)
        changes = Changes(pair.before.facts, pair.after.facts, lenient=False)
        kinds = [change for _, _, change in changes.pairs]
        assert kinds.count("moved") == 1
        flipped |= set(kinds) & {"appeared", "disappeared"}
        for a, b, change in changes.pairs:
            if change == "still":
                boxes = pair.before.facts.objects[a].box_xyxy, pair.after.facts.objects[b].box_xyxy
                assert boxes[0] == pytest.approx(boxes[1])
        for view in (pair.before, pair.after):
            for k, o in enumerate(view.facts.objects):
                rows, columns = np.nonzero(view.cells == k)
                cell = 1 / len(view.cells)
                seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * cell
                assert np.abs(seen - o.box_xyxy).max() < 1.5 * cell
    assert flipped == {"appeared", "disappeared"}


def test_facts_of_a_pair_survive_being_written_and_others_say_nothing_of_it(folder: Path) -> None:
    lines = (folder / "facts_00000.jsonl").read_text(encoding="utf-8").splitlines()
    facts = [FrameFacts.from_json(line) for line in lines]
    assert [one.to_json() for one in facts] == lines
    assert all(isinstance(one.same, tuple) for one in facts)
    assert ["before" in json.loads(line) for line in lines] == [False] * 12 + [True] * 10


@pytest.mark.parametrize("broken", [{"before": 40}, {"same": []}, {"same": [9, 9, 9, 9]}], ids=str)
def test_a_second_picture_that_fits_no_first_one_is_told(
    folder: Path, tmp_path: Path, broken: dict[str, object]
) -> None:
    for name in ("rgb_00000.npy", "mask_00000.npy"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    lines = (folder / "facts_00000.jsonl").read_text(encoding="utf-8").splitlines()
    lines[12] = json.dumps(json.loads(lines[12]) | broken)
    (tmp_path / "facts_00000.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(
        TrainingError, match=r"facts_00000\.jsonl:13: this frame comes after \d+, which does not fit it"
    ):
        Frames([tmp_path])


def test_questions_about_two_images_are_read_as_transformers_reads_them(folder: Path, codec: Codec) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hf = fresh_model(model_config(SMALL, codec.vocab), codec, 3)
    with torch.no_grad():
        for p in hf.parameters():
            p.add_(0.15 * torch.randn_like(p))
    trainee = Trainee(hf.eval(), SMALL)
    pair = Frames([folder]).pair(1, SMALL.image_size)
    lesson = Lesson.of_pairs([pair], codec, CONFIG, SMALL, random.Random(0))
    batch = lesson.batch
    assert batch is not None
    assert len(batch.asked[0]) >= 5
    assert lesson.images is not None
    patches = trainee.patches(lesson.images)
    with torch.no_grad():
        image = [each.reshape(1, -1, SMALL.width) for each in trainee.see(patches)[1:]]
        packed = trainee.words(trainee.read(batch.ids, batch.position, batch.mask, *image)[0][0][batch.index])
        moved = batch.position.clone()
        moved[:, :, PREFIX + SMALL.tokens + 2 :] += 3
        misplaced = trainee.words(trainee.read(batch.ids, moved, batch.mask, *image)[0][0][batch.index])
        for k, one in enumerate(batch.asked[0]):
            at = [n for n, owner in enumerate(batch.owner) if owner == (0, k)]
            text = codec.encode(one.question) + codec.before_answer + codec.encode(one.answer)
            ids = torch.tensor([prefix_of(codec, SMALL.side, 2)[0] + text])
            alone = trainee.hf(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == IMAGE).long(),
                pixel_values=patches.reshape(-1, 3, 1, 8, 8).expand(-1, 3, 2, 8, 8).reshape(2 * SMALL.grid**2, -1),
                image_grid_thw=torch.tensor([[1, SMALL.grid, SMALL.grid]] * 2),
            ).logits[0, -len(at) :]
            assert torch.allclose(packed[at], alone, atol=1e-4)
        assert (misplaced - packed).abs().max() > 1e-3


def test_words_look_at_what_they_mean_in_both_images(folder: Path, codec: Codec) -> None:
    pair = Frames([folder]).pair(1, SMALL.image_size)
    lesson = Lesson.of_pairs([pair], codec, CONFIG, SMALL, random.Random(0))
    batch, looks = lesson.batch, lesson.mentions
    assert batch is not None
    assert looks is not None
    values = {value for look in batch.mentions for value in look.values}
    assert min(values) < len(pair.after.facts.objects)
    assert max(values) >= BEFORE
    assert looks.wanted.shape[1] == 1 + 2 * SMALL.tokens
    first, last = looks.wanted[:, 1 : 1 + SMALL.tokens].sum(1), looks.wanted[:, 1 + SMALL.tokens :].sum(1)
    assert (looks.wanted.sum(1) - 1).abs().max() < 1e-5
    assert bool(((first > 0.2) & (last > 0.2)).any())
    assert min(look.at for look in batch.mentions) >= PREFIX + 2 * SMALL.tokens + 3


def test_tokens_say_where_something_came_and_where_something_left(folder: Path, codec: Codec) -> None:
    frames, rng = Frames([folder]), np.random.default_rng(4)
    for n in range(20):
        pair = frames.pair(n % 10, 64, rng)
        lesson = Lesson.of_pairs([pair], codec, CONFIG, SMALL, random.Random(0))
        assert lesson.changes is not None
        came, left = lesson.changes[0].T.numpy()
        changes = Changes(pair.before.facts, pair.after.facts, lenient=False).pairs
        for view, column, found in (
            (pair.after, came, {k for _, k, change in changes if change in ("moved", "appeared")}),
            (pair.before, left, {i for i, _, change in changes if change in ("moved", "disappeared")}),
        ):
            share = coverage(view.cells, SMALL.side, len(view.facts.objects))
            for k in range(len(view.facts.objects)):
                assert k not in found or bool((column[share[k] >= 3] == 1).all())
            covered = np.sum([share[k] for k in found], axis=0) if found else np.zeros(SMALL.tokens)
            assert bool((column[covered == 0] == 0).all())


def drawn(frames: Frames, codec: Codec, config: TrainConfig, count: int) -> list[Lesson]:
    lessons = iter(Lessons(frames, codec, config, SMALL, np.random.default_rng(3), random.Random(3)))
    return [next(lessons) for _ in range(count)]


def test_a_share_of_the_steps_is_about_pairs(folder: Path, codec: Codec) -> None:
    frames = Frames([folder])
    for share, wanted in ((0.0, 0), (0.25, 5), (0.5, 10)):
        lessons = drawn(frames, codec, replace(CONFIG, pairs=share), 20)
        compared = [
            lesson for lesson in lessons if {name.partition("/")[0] for name in lesson.taught} <= {*COMPARISONS}
        ]
        assert len(compared) == wanted
        assert {lesson.count for lesson in lessons} == {2}
    assert not any(lesson.taught for lesson in drawn(frames, codec, replace(CONFIG, stage="vision"), 8))


def test_without_pairs_of_frames_the_steps_are_what_they_were(folder: Path, codec: Codec, tmp_path: Path) -> None:
    rgb, mask = (np.load(folder / f"{name}_00000.npy")[:12] for name in ("rgb", "mask"))
    np.save(tmp_path / "rgb_00000.npy", rgb)
    np.save(tmp_path / "mask_00000.npy", mask)
    lines = (folder / "facts_00000.jsonl").read_text(encoding="utf-8").splitlines()[:12]
    (tmp_path / "facts_00000.jsonl").write_text("\n".join(lines), encoding="utf-8")
    plain = drawn(Frames([tmp_path]), codec, CONFIG, 6)
    off = drawn(Frames([folder]), codec, replace(CONFIG, pairs=0.0), 6)
    for a, b in zip(plain, off, strict=True):
        assert a.images is not None
        assert b.images is not None
        assert torch.equal(a.images, b.images)
        assert a.taught == b.taught


@pytest.mark.parametrize("stage", ["oracle", "vision", "joint"])
def test_every_stage_trains_on_pairs_and_measures_them(stage: str, tmp_path: Path, folder: Path) -> None:
    config = replace(CONFIG, stage=stage, name=stage, cpu_seconds=1.0, evals=1, eval_images=4, save_every_s=1e9)  # type: ignore[arg-type]
    found = train(config, [folder], tmp_path, lambda line: None)
    compared = {"moved", "anything moved", "same arrangement"} & set(found)
    assert bool(compared) == (stage != "vision")


@pytest.mark.parametrize("loaders", [0, 2])
def test_pair_steps_have_every_loss_and_teach_comparisons(tmp_path: Path, folder: Path, loaders: int) -> None:
    frames = Frames([folder])
    stage = Stage(replace(CONFIG, loaders=loaders), frames, frames, tmp_path)
    said = [stage.advance() for _ in range(24)]
    assert all({"aux", "answer", "mention", "previous", "read"} <= set(one) for one in said)
    assert all(bool(value.isfinite()) for one in said for value in one.values())
    told = [float(one["change"]) for one in said if "change" in one]
    assert len(told) == 12
    assert sum(told[-3:]) < sum(told[:3])
    assert {"moved", "stayed"} <= stage.knowledge().predicates & set(COMPARISONS)


def test_an_exported_model_answers_what_it_was_taught_about_two_pictures(tmp_path: Path, folder: Path) -> None:
    train(replace(CONFIG, cpu_seconds=4.0, evals=1, eval_images=4), [folder], tmp_path, lambda line: None)
    knowledge = Knowledge.read(tmp_path / "export")
    assert knowledge is not None
    assert "moved" in knowledge.predicates
    pair = Frames([folder]).pair(0, 64)
    backend = BACKENDS.get("embedded").open(BackendOptions(str(tmp_path / "export")))
    frame = Frame("b", 1.0, pair.after.image, (Frame("a", 0.0, pair.before.image),))
    name = pair.after.facts.objects[0].name
    (answer,) = backend.ask(frame, [Question("yes_no", f"Did the {name} move?")])
    assert answer.problem == ""
    assert 0 < answer.p("yes") + answer.p("no") <= 1.0001
    backend.close()


def test_too_short_a_sequence_is_told_before_training(tmp_path: Path, folder: Path) -> None:
    frames = Frames([folder])
    with pytest.raises(TrainingError) as caught:
        Stage(replace(CONFIG, length=80), frames, frames, tmp_path)
    assert str(caught.value) == (
        "length is 80, but two images and a question take 87 tokens\n"
        "  fix:  length: 87, or pairs: 0 to train without comparisons"
    )
    Stage(replace(CONFIG, length=80, pairs=0.0), frames, frames, tmp_path)


@pytest.mark.parametrize("pairs", [1.0, -0.1, True, "half"])
def test_pairs_are_a_share_of_the_steps(pairs: object) -> None:
    with pytest.raises(TrainingError, match=r"write a share from 0 to below 1, such as 0\.2"):
        TrainConfig.from_dict({"pairs": pairs})


def test_questions_too_long_for_the_sequence_are_left_out_without_a_fault(folder: Path, codec: Codec) -> None:
    pair = Frames([folder]).pair(0, 64)
    head = len(prefix_of(codec, SMALL.side, 2)[0])
    lesson = Lesson.of_pairs([pair], codec, replace(CONFIG, length=head + 1), SMALL, random.Random(0))
    assert lesson.questions == 0
    batch = pack(codec, [[]], [pair.after.facts], SMALL.side, 320, before=[pair.before.facts])
    assert batch.index.dtype == batch.target.dtype == torch.long
