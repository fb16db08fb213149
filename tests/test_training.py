"""Training: labels, packing, losses and checkpoints of the embedded model, on small painted frames."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from knothole.vlm.facts import (
    COLORS,
    LOOSE_SHAPES,
    MASK_DOOR,
    MASK_HAND,
    MASK_PERSON,
    MASK_TABLE,
    SHAPES,
    UNSEEN_PAIRS,
    FrameFacts,
    ObjectFact,
)
from knothole.vlm.language.grammar import PREDICATES, Meaning, judge, parse
from knothole.vlm.learned import Knowledge
from knothole.vlm.training import probe
from knothole.vlm.training.config import ModelShape, TrainConfig, TrainingError
from knothole.vlm.training.curves import HEADER, draw_curves, read_curves
from knothole.vlm.training.data import Frames, is_rare, mirror, recolor
from knothole.vlm.training.export import export, random_checkpoint, read_shape, read_tokenizer, read_weights
from knothole.vlm.training.labels import (
    BACKGROUND,
    ORACLE_WIDTH,
    SMALL_THINGS,
    ObjectLabels,
    cell_classes,
    coverage,
    oracle_features,
)
from knothole.vlm.training.lesson import Lesson
from knothole.vlm.training.lessons import Lessons
from knothole.vlm.training.model import Trainee, fresh_model, model_config
from knothole.vlm.training.muon import orthogonal
from knothole.vlm.training.packing import pack
from knothole.vlm.training.questions import names_unseen, questions
from knothole.vlm.training.starting import load
from knothole.vlm.training.tokenizer import Codec, build_tokenizer
from knothole.vlm.training.train import Stage, train

SMALL = ModelShape(
    image_size=64, vision_depth=4, vision_width=32, vision_heads=2, vision_mlp=48, width=64, heads=2, mlp=64
)
PAINT = dict(zip(COLORS, np.random.default_rng(0).integers(0, 255, (8, 3)), strict=True))


def painted(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, FrameFacts]:
    """Paint a frame of rectangles: its image, its label image and its facts."""
    image, mask = np.full((256, 256, 3), 128, np.uint8), np.full((256, 256), MASK_TABLE, np.uint8)
    objects = []
    for i in range(int(rng.integers(1, 5))):
        x, y, side = 10 + 60 * i, int(rng.integers(80, 180)), int(rng.integers(24, 44))
        shape, color = SHAPES[rng.integers(8)], COLORS[rng.integers(8)]
        image[y : y + side, x : x + side] = PAINT[color]
        mask[y : y + side, x : x + side] = i
        box = (x / 256, y / 256, (x + side) / 256, (y + side) / 256)
        objects.append(
            ObjectFact(shape, color, box, 1.0, side * side, 1.0 - y / 256, (y / 256, x / 256, 0.0), (0.05,) * 3)
        )
    hand = bool(rng.random() < 0.4)
    if hand:
        mask[:40, 100:160] = MASK_HAND
    return image, mask[::2, ::2], FrameFacts(tuple(objects), robot_visible=True, hand_in_workspace=hand)


@pytest.fixture(scope="module")
def frames_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(1)
    made = [painted(rng) for _ in range(24)]
    np.save(folder / "rgb_00000.npy", np.stack([m[0] for m in made]))
    np.save(folder / "mask_00000.npy", np.stack([m[1] for m in made]))
    (folder / "facts_00000.jsonl").write_text("".join(m[2].to_json() + "\n" for m in made), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(build_tokenizer())


@pytest.fixture(scope="module")
def trainee(codec: Codec) -> Trainee:
    torch.set_num_threads(1)
    hf = fresh_model(model_config(SMALL, codec.vocab), codec, 3)
    with torch.no_grad():
        for p in hf.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return Trainee(hf.eval(), SMALL)


def test_every_question_asked_in_training_is_in_the_language_and_truthfully_answered(frames_dir: Path) -> None:
    frames, words = Frames([frames_dir]), random.Random(2)
    for i in range(len(frames)):
        _, _, facts = frames.raw(i)
        for one in questions(facts, words, 16):
            if one.meaning.predicate in PREDICATES:  # not plans and doubt: tests/test_taught.py
                assert parse(one.question) == one.meaning
                assert judge(one.meaning, facts) == one.verdict


def test_training_never_names_the_pairs_that_only_measuring_does() -> None:
    things = tuple(
        ObjectFact(shape, color, (x, 0.1, x + 0.2, 0.3), 1.0, 900, 1.0, (0.5, x, 0.0), (0.05,) * 3)
        for x, (color, shape) in zip((0.0, 0.25, 0.5), (*sorted(UNSEEN_PAIRS)[:2], ("red", "cube")), strict=True)
    )
    facts, words = FrameFacts(things), random.Random(0)
    drawn = [one for _ in range(40) for one in questions(facts, words, 16)]
    assert not any(names_unseen(one.meaning) for one in drawn)
    assert all(f"{color} {shape}" not in one.question for one in drawn for color, shape in UNSEEN_PAIRS)
    measured = [one for _ in range(40) for one in questions(facts, words, 16, measuring=True)]
    assert any(names_unseen(one.meaning) for one in measured)


def test_recoloring_changes_light_and_keeps_the_picture() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    rng = np.random.default_rng(5)
    for _ in range(20):
        varied = recolor(ramp, rng)
        assert varied.dtype == np.uint8
        assert varied.shape == ramp.shape
        assert 20 < varied.astype(float)[0, 128].mean() < 235
        smooth = varied.astype(float)[0].mean(1).reshape(16, 16).mean(1)
        assert (np.diff(smooth) >= -1).all()
        assert smooth[-1] - smooth[0] > 120


def test_cropping_and_mirroring_keep_boxes_on_their_pixels(frames_dir: Path) -> None:
    frames, rng = Frames([frames_dir]), np.random.default_rng(0)
    for i in range(len(frames)):
        view = frames.view(i, 64, rng)
        for k, o in enumerate(view.facts.objects):
            rows, columns = np.nonzero(view.cells == k)
            assert len(rows)
            cell = 1 / len(view.cells)
            seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * cell
            assert np.abs(seen - o.box_xyxy).max() < 1.5 * cell
        assert view.facts.hand_in_workspace == bool((view.cells == MASK_HAND).any())


def test_rare_frames_come_twice(frames_dir: Path) -> None:
    frames = Frames([frames_dir])
    drawn = frames.doubled()
    for i in range(len(frames)):
        assert drawn.count(i) == 1 + is_rare(frames.raw(i)[2])
    assert len(frames) < len(drawn) < 2 * len(frames)


def test_mirroring_twice_changes_nothing(frames_dir: Path) -> None:
    _, _, facts = Frames([frames_dir]).raw(0)
    twice = mirror(mirror(facts))
    assert np.allclose([o.box_xyxy for o in twice.objects], [o.box_xyxy for o in facts.objects])


def test_ground_truth_tokens_know_the_object_below_them(frames_dir: Path) -> None:
    view = Frames([frames_dir]).view(0, 64)
    labels = ObjectLabels.of(view.facts)
    features = oracle_features(view.cells, labels, SMALL.side)
    assert features.shape == (SMALL.tokens, ORACLE_WIDTH)
    for i, o in enumerate(view.facts.objects):
        on_it = coverage(view.cells, SMALL.side, len(view.facts.objects))[i] > 0
        assert on_it.any()
        column = SHAPES.index(o.shape)
        assert (features[on_it][:, [column, column + (ORACLE_WIDTH - 3) // 2]].max(1) == 1).all()
        assert labels.flags[i, 0] == (o.shape in LOOSE_SHAPES)


def test_ground_truth_tokens_know_a_door_and_a_person() -> None:
    cells = np.full((16, 16), MASK_TABLE, np.uint8)
    cells[:4, :4], cells[8:12, 8:12] = MASK_DOOR, MASK_PERSON
    features = []
    for door_open in (True, False):
        facts = FrameFacts((), door_open=door_open, person_near=True)
        verdicts = [
            judge(Meaning(predicate, word="door"), facts) for predicate in ("door_open", "door_closed", "person")
        ]
        assert [v.yes for v in verdicts if v is not None] == [door_open, not door_open, True]
        assert [v.evidence for v in verdicts if v is not None] == [(MASK_DOOR,), (MASK_DOOR,), (MASK_PERSON,)]
        features.append(oracle_features(cells, ObjectLabels.of(facts), 4))
        covered = coverage(cells, 4, 0)
        assert covered[MASK_DOOR].nonzero()[0].tolist() == [0]
        assert covered[MASK_PERSON].nonzero()[0].tolist() == [10]
        shape, _ = cell_classes(cells, ObjectLabels.of(facts), 4, 2)
        assert sorted(set(shape.flatten().tolist())) == [BACKGROUND + 1, SMALL_THINGS + 1, SMALL_THINGS + 2]
    assert (features[0] != features[1]).any(1).nonzero()[0].tolist() == [0]


def test_packed_questions_are_read_as_if_asked_alone(frames_dir: Path, codec: Codec, trainee: Trainee) -> None:
    view = Frames([frames_dir]).view(1, SMALL.image_size)
    asked = questions(view.facts, random.Random(0), 8)
    batch = pack(codec, [asked], [view.facts], SMALL.side, 320)
    assert len(batch.asked[0]) == 8
    patches = trainee.patches(torch.from_numpy(view.image[None]))
    with torch.no_grad():
        _, *image = trainee.see(patches)
        packed = trainee.words(trainee.read(batch.ids, batch.position, batch.mask, *image)[0][0][batch.index])
        for k, one in enumerate(batch.asked[0]):
            at = [n for n, owner in enumerate(batch.owner) if owner == (0, k)]
            text = codec.encode(one.question) + codec.before_answer + codec.encode(one.answer)
            ids = torch.tensor([codec.before_image + [6] * SMALL.tokens + codec.after_image + text])
            alone = trainee.hf(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == 6).long(),
                pixel_values=patches[0].view(-1, 3, 1, 8, 8).expand(-1, 3, 2, 8, 8).reshape(SMALL.grid**2, -1),
                image_grid_thw=torch.tensor([[1, SMALL.grid, SMALL.grid]]),
            ).logits[0, -len(at) :]
            assert torch.allclose(packed[at], alone, atol=2e-4)


def test_orthogonalised_updates_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(2, 24, 48), steps=5))
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.3


def test_a_checkpoint_survives_export(tmp_path: Path, codec: Codec, trainee: Trainee) -> None:
    folder = export(trainee.hf, codec.tokenizer, SMALL, tmp_path / "model", card="# A model\n")
    assert read_shape(folder) == SMALL
    assert read_tokenizer(folder).encode("the red cube").ids == codec.encode("the red cube")
    again = Trainee(fresh_model(model_config(SMALL, codec.vocab), codec, 0), SMALL)
    load(again, read_weights(folder))
    for (name, a), (_, b) in zip(again.hf.named_parameters(), trainee.hf.named_parameters(), strict=True):
        assert torch.equal(a, b.to(torch.bfloat16).float()), name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("stage", ["oracle", "vision", "joint"])
def test_every_stage_trains_measures_and_resumes(stage: str, tmp_path: Path, frames_dir: Path) -> None:
    base = TrainConfig.from_dict(
        {"stage": stage, "name": stage, "batch": 2, "length": 240, "questions": 8, "compile": False, "eval_images": 4}
    )
    config = replace(base, model=SMALL, cpu_seconds=0.5, evals=1, save_every_s=1e9)
    said: list[str] = []
    found = train(config, [frames_dir], tmp_path, said.append)
    assert {"score"} < set(found)
    table = (tmp_path / f"{stage}.csv").read_text().splitlines()
    assert table[0] == "cpu_s,images,questions,measure,value"
    assert sum("score" in line for line in table) == 1
    assert ElementTree.parse(tmp_path / f"{stage}.svg").getroot().tag.endswith("svg")
    again = replace(config, start=(str(tmp_path / f"{stage}.pt"),), name="again", aux_warm=3)
    again = replace(again, distill_weight=0.5 if stage == "joint" else 0.0)
    train(again, [frames_dir], tmp_path, said.append)
    assert (tmp_path / "again-best.pt").is_file()


def test_curves_show_each_measure_of_the_newest_run(tmp_path: Path) -> None:
    rows = [(1, 100, "score", 0.4), (2, 900, "score", 0.5), (3, 50, "score", 0.6), (4, 200, "score", 0.8)]
    rows += [(4, 200, "a<b", 0.25)]
    text = "".join(f"{cpu},{images},0,{name},{value}\n" for cpu, images, name, value in rows)
    table = tmp_path / "stage.csv"
    table.write_text(",".join(HEADER) + "\n" + text)
    curves = read_curves(table)
    assert curves == {"score": [(50, 0.6), (200, 0.8)], "a<b": [(200, 0.25)]}
    picture = ElementTree.fromstring(draw_curves(curves, "a & b"))
    lines = [node.attrib["points"].split() for node in picture.iter() if node.tag.endswith("polyline")]
    (first, last), (other,) = ([tuple(map(float, point.split(","))) for point in line] for line in lines)
    assert first[0] < last[0]
    assert first[1] > last[1]
    assert other[0] > last[0]
    words = [node.text for node in picture.iter() if node.tag.endswith("text")]
    assert {"score", "0.800", "a<b", "0.250", "from 0.5", "from 0"} <= set(words)


def test_processes_beside_the_model_prepare_what_a_step_needs(tmp_path: Path, frames_dir: Path) -> None:
    config = TrainConfig(model=SMALL, name="beside", batch=2, length=240, questions=8, compile=False, loaders=2)
    frames = Frames([frames_dir])
    Stage(replace(config, stage="oracle"), frames, frames, tmp_path).save(tmp_path / "oracle.pt")
    config = replace(config, start=(str(tmp_path / "oracle.pt"),), distill_weight=0.4)
    stage = Stage(config, frames, frames, tmp_path)
    said = [stage.advance() for _ in range(6)]
    assert stage.images == 12
    assert stage.questions > 60
    assert all({"aux", "distill", "answer", "mention", "previous", "read"} <= set(one) for one in said)
    assert all(bool(value.isfinite()) for one in said for value in one.values())


def test_lessons_are_the_same_for_one_seed_and_lean(codec: Codec, frames_dir: Path) -> None:
    config = TrainConfig(model=SMALL, batch=2, length=240, questions=8)
    frames = Frames([frames_dir])

    def first() -> Lesson:
        return next(iter(Lessons(frames, codec, config, SMALL, np.random.default_rng(4), random.Random(4))))

    one, other = first(), first()
    assert one.batch is not None
    assert other.batch is not None
    assert torch.equal(one.batch.ids, other.batch.ids)
    assert one.images is not None
    assert other.images is not None
    assert torch.equal(one.images, other.images)
    assert one.questions > 8
    assert sum(one.taught.values()) == one.questions
    assert one.batch.asked == one.batch.mentions == one.batch.owner == []


def test_peers_meet_in_the_middle(tmp_path: Path, frames_dir: Path) -> None:
    config = TrainConfig(
        stage="oracle", model=SMALL, batch=2, length=240, compile=False, peers=(str(tmp_path / "b.share"),), name="a"
    )
    frames = Frames([frames_dir])
    a = Stage(config, frames, frames, tmp_path)
    b = Stage(replace(config, name="b", seed=1, peers=()), frames, frames, tmp_path)
    b.save(tmp_path / "b.share")
    before = a.model.oracle.weight.detach().clone()
    a.exchange()
    assert torch.allclose(a.model.oracle.weight, (before + b.model.oracle.weight) / 2)


@pytest.mark.long(minutes=0.2)
def test_training_goes_on_from_an_exported_model_alone(tmp_path: Path, frames_dir: Path) -> None:
    folder = random_checkpoint(tmp_path / "tiny", shape=SMALL)
    config = TrainConfig(
        name="more",
        start=(str(folder),),
        cpu_seconds=0.5,
        evals=1,
        batch=2,
        length=240,
        compile=False,
        eval_images=2,
        aux_warm=2,
    )
    Knowledge(frozenset({"table_empty"}), frozenset({"score"})).write(folder)
    train(config, [frames_dir], tmp_path / "out", lambda line: None)
    assert read_shape(tmp_path / "out" / "export") == SMALL
    learned = Knowledge.read(tmp_path / "out" / "export")
    assert learned is not None
    assert {"table_empty", "exists", "ground"} <= learned.predicates
    assert {"yes_no", "ground", "score"} <= learned.kinds
    assert "touching" not in learned.predicates
    frames = Frames([frames_dir])
    stage = Stage(replace(config, image_size=96), frames, frames, tmp_path)
    assert stage.shape == replace(SMALL, image_size=96)
    assert bool(stage.advance()["answer"].isfinite())
    with pytest.raises(
        TrainingError, match="image_size is 100, but tokens are 16 px wide\n  fix:  give a multiple of 16"
    ):
        Stage(replace(config, image_size=100), frames, frames, tmp_path)
    with pytest.raises(
        TrainingError, match="no checkpoint in start knows ground-truth tokens\n  fix:  distill_weight: 0"
    ):
        Stage(replace(config, distill_weight=0.4), frames, frames, tmp_path)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"sped": 1}, "unknown setting 'sped'"),
        ({"model": {"dept": 1}}, "unknown model setting 'dept'"),
        ({"model": 5}, "model: holds no settings but a int"),
        ({"model": {"width": 0}}, "width is 0\n  fix:  write a whole number from 1 on, such as 128"),
        ({"stage": "foo"}, "stage is 'foo'\n  fix:  write one of oracle, vision, joint"),
        ({"lr": "abc"}, "lr is 'abc'\n  fix:  write a number"),
        ({"batch": 0}, "batch is 0\n  fix:  write a whole number from 1 on"),
        ({"compile": 1}, "compile is 1\n  fix:  write true or false"),
        ({"decay": 0}, "decay is 0\n  fix:  write a share above 0, up to 1, such as 0.35"),
        ({"warm": 2.0}, "warm is 2.0\n  fix:  write a share from 0 to 1"),
        ({"cpu_seconds": 0}, "cpu_seconds is 0\n  fix:  write a number above 0"),
        ({"model": {"vision_heads": 3}}, "configuration: model: vision_width is 128, but vision_heads is 3\n"
         "  fix:  give a vision_width that is a multiple of 12"),
        ({"model": {"width": 66, "heads": 2}}, "width is 66, but heads is 2\n"
         "  fix:  give a width that is a multiple of 4"),
        ({"model": {"image_size": 100}}, "image_size is 100, but tokens are 16 px wide\n  fix:  give a multiple of 16"),
        ({"model": {"patch": 10, "image_size": 80}}, "patch is 10\n  fix:  give a multiple of 4 from 8 on"),
        ({"model": {"layers": 3}}, "layers is 3\n  fix:  give a number from 4 on"),
        ({"model": {"heads": 1}}, "heads is 1\n  fix:  give a number from 2 on"),
        ({"model": {"vision_depth": 3}}, "vision_depth is 3\n  fix:  give 2, or a number from 4 on"),
        ({"start": "oracle.pt"}, "start is 'oracle.pt'\n  fix:  write a list of paths"),
        ({"name": "a/b"}, "name is 'a/b'\n  fix:  write a name"),
        ([1], "holds no settings but a list"),
    ],
)  # fmt: skip
def test_a_misspelled_setting_is_named(raw: dict[str, object], text: str) -> None:
    with pytest.raises(TrainingError, match=text):
        TrainConfig.from_dict(raw)


def test_a_step_without_room_for_a_question_is_told_first(tmp_path: Path, frames_dir: Path) -> None:
    frames = Frames([frames_dir])
    config = TrainConfig(stage="oracle", model=SMALL, length=10, pairs=0.0, batch=2, compile=False)
    with pytest.raises(TrainingError) as caught:
        Stage(config, frames, frames, tmp_path)
    assert str(caught.value) == "length is 10, but an image and a question take 69 tokens\n  fix:  length: 69"
    assert Stage(replace(config, length=69), frames, frames, tmp_path).advance()
    Stage(replace(config, stage="vision"), frames, frames, tmp_path).advance()


def test_few_pictures_are_all_shown_and_all_measured(tmp_path: Path, frames_dir: Path) -> None:
    config = TrainConfig(stage="vision", model=SMALL, batch=64, eval_images=5, evals=1, cpu_seconds=0.1, compile=False)
    said: list[str] = []
    found = train(config, [frames_dir], tmp_path, said.append)
    assert "batch is 64, but there are 24 frames: a step has no more than these" in said
    assert {"cell shape", "token shape"} <= set(found)
    frames = Frames([frames_dir])
    stage = Stage(replace(config, batch=2), frames, frames, tmp_path)
    assert [lesson.count for lesson in probe._lessons(stage, random.Random(0))] == [2, 2, 1]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training configuration 'nowhere'"):
        TrainConfig.load("nowhere")
    with pytest.raises(TrainingError, match="no rendered frames"):
        Frames([tmp_path])
    with pytest.raises(TrainingError, match="no checkpoint at"):
        read_weights(tmp_path / "none.pt")


@pytest.mark.parametrize("name", ["oracle", "vision", "joint", "resume"])
def test_shipped_configurations_can_be_read(name: str) -> None:
    assert TrainConfig.load(name).name == name


def test_the_shipped_configurations_for_a_gpu_make_one_model() -> None:
    stages = [TrainConfig.load(f"gpu_{name}") for name in ("oracle", "vision", "joint")]
    assert [one.stage for one in stages] == ["oracle", "vision", "joint"]
    assert {one.device for one in stages} == {"cuda"}
    assert len({one.model for one in stages}) == 1
    assert stages[2].start == tuple(f"runs/train/{one.name}.pt" for one in stages[:2])


@pytest.mark.parametrize("device", ["warp", "cuda:99"])
def test_a_device_that_is_not_there_is_told_first(device: str, tmp_path: Path, frames_dir: Path) -> None:
    frames = Frames([frames_dir])
    with pytest.raises(TrainingError, match=f"device '{device}' is not there") as told:
        Stage(TrainConfig(device=device, model=SMALL), frames, frames, tmp_path)
    assert "fix:  device: cpu" in str(told.value)
