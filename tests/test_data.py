from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knothole.app.models.data import count_pictures, render_shards, training_split
from knothole.sim import objects
from knothole.sim.variety import posed_scene
from knothole.vlm import facts
from knothole.vlm.facts import MASK_BACKGROUND, MASK_DOOR, MASK_HAND, MASK_PERSON, MASK_ROBOT, MASK_TABLE, FrameFacts
from knothole.vlm.language.comparing import Changes


def test_sim_and_vlm_name_the_same_colors_and_shapes() -> None:
    assert tuple(objects.COLORS) == facts.COLORS
    assert objects.SHAPES == facts.SHAPES
    assert objects.LOOSE_SHAPES == facts.LOOSE_SHAPES


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    render_shards(folder, 3_000_000, frames=14, shard_size=8)
    return folder


def test_shards_have_pictures_masks_and_facts(shards: Path) -> None:
    assert sorted(f.name for f in shards.iterdir()) == [
        "facts_00000.jsonl",
        "facts_00001.jsonl",
        "mask_00000.npy",
        "mask_00001.npy",
        "rgb_00000.npy",
        "rgb_00001.npy",
    ]
    assert np.load(shards / "rgb_00000.npy").shape == (8, 256, 256, 3)
    assert np.load(shards / "mask_00001.npy").shape == (6, 128, 128)


def test_masks_and_facts_agree(shards: Path) -> None:
    masks = np.load(shards / "mask_00000.npy")
    lines = (shards / "facts_00000.jsonl").read_text().splitlines()
    assert len(lines) == len(masks)
    for mask, line in zip(masks, lines, strict=True):
        frame = FrameFacts.from_json(line)
        known = {*range(len(frame.objects)), MASK_BACKGROUND, MASK_TABLE, MASK_ROBOT, MASK_HAND, MASK_PERSON, MASK_DOOR}
        there = set(np.unique(mask).tolist())
        assert there <= known
        assert MASK_DOOR in there or frame.door_open is None
        assert MASK_PERSON in there or MASK_HAND in there or not frame.person_near
        for index, item in enumerate(frame.objects):
            rows, columns = np.nonzero(mask == index)
            if item.pixels < 40:
                continue
            box = np.array(item.box_xyxy) * 128
            assert len(rows) == pytest.approx(item.pixels / 4, rel=0.25, abs=4)
            assert columns.min() == pytest.approx(box[0], abs=1)
            assert rows.max() + 1 == pytest.approx(box[3], abs=1)
            assert -1 <= item.support < len(frame.objects)


def test_no_picture_shows_a_pair_that_only_measuring_shows(shards: Path) -> None:
    shown = {
        (item.color, item.shape)
        for path in shards.glob("facts_*.jsonl")
        for line in path.read_text().splitlines()
        for item in FrameFacts.from_json(line).objects
    }
    assert len(shown) > 10
    assert not shown & facts.UNSEEN_PAIRS
    seeds = range(3_000_000, 3_000_030)
    free, kept = ([posed_scene(seed, 2, split).spec for seed in seeds] for split in (None, training_split()))
    assert any((item.color, item.shape) in facts.UNSEEN_PAIRS for scene in free for item in scene.objects)
    assert not any((item.color, item.shape) in facts.UNSEEN_PAIRS for scene in kept for item in scene.objects)


def test_shards_for_measuring_show_what_training_never_draws(tmp_path: Path) -> None:
    render_shards(tmp_path, 9_000_000, frames=4, unseen=("pairs",))
    for line in (tmp_path / "facts_00000.jsonl").read_text().splitlines():
        names = [(item.color, item.shape) for item in FrameFacts.from_json(line).objects]
        assert sum(name in facts.UNSEEN_PAIRS for name in names) == 1


def test_facts_are_read_as_they_were_written_and_old_lines_too(shards: Path) -> None:
    lines = (shards / "facts_00000.jsonl").read_text().splitlines()
    frames = [FrameFacts.from_json(line) for line in lines]
    assert [frame.to_json() for frame in frames] == lines
    assert all(isinstance(item.touching, tuple) for frame in frames for item in frame.objects)
    old = (
        '{"objects":[{"shape":"cube","color":"red","box_xyxy":[0,0,1,1],"visible_fraction":1.0,"pixels":9,"depth":1.0,'
        '"xyz":[0,0,0],"size":[1,1,1],"relation":"table","support":-1,"upright":true}],"robot_visible":true,'
        '"gripper_open":true,"hand_in_workspace":false}'
    )
    read = FrameFacts.from_json(old)
    assert (read.objects[0].touching, read.setting, read.door_open, read.person_near) == ((), "table", None, False)


def test_a_lost_shard_is_rendered_again_as_it_was_and_others_are_kept(shards: Path) -> None:
    before, kept = (shards / "rgb_00001.npy").read_bytes(), (shards / "rgb_00000.npy").stat().st_mtime_ns
    facts_before = (shards / "facts_00001.jsonl").read_text()
    (shards / "facts_00001.jsonl").unlink()
    render_shards(shards, 3_000_000, frames=14, shard_size=8)
    assert (shards / "rgb_00001.npy").read_bytes() == before
    assert (shards / "facts_00001.jsonl").read_text() == facts_before
    assert (shards / "rgb_00000.npy").stat().st_mtime_ns == kept


def test_evaluation_seeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="training seeds start at 1000000, not 99999"):
        render_shards(tmp_path / "out", 99_999, frames=2)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paired")
    render_shards(folder, 3_000_000, frames=14, shard_size=8, pairs=0.8)
    return folder


def test_second_pictures_follow_the_others_which_stay_what_they_were(shards: Path, paired: Path) -> None:
    more = 0
    for shard, count in ((0, 8), (1, 6)):
        for name in ("rgb", "mask"):
            plain, both = (np.load(folder / f"{name}_{shard:05d}.npy") for folder in (shards, paired))
            assert np.array_equal(plain, both[:count])
        lines, plain_lines = ((f / f"facts_{shard:05d}.jsonl").read_text().splitlines() for f in (paired, shards))
        assert lines[:count] == plain_lines
        assert len(lines) == len(both)
        more += len(lines) - count
        firsts = [FrameFacts.from_json(line).before for line in lines[count:]]
        assert firsts == sorted(set(firsts))
        assert all(0 <= k < count for k in firsts)
    assert 7 <= more <= 14
    assert count_pictures(paired) == count_pictures(shards) == 14


def test_an_object_stays_itself_in_the_second_picture(paired: Path) -> None:
    changes: set[str] = set()
    for path in sorted(paired.glob("facts_*.jsonl")):
        facts = [FrameFacts.from_json(line) for line in path.read_text().splitlines()]
        masks = np.load(path.with_name(path.name.replace("facts", "mask")).with_suffix(".npy"))
        for k, after in enumerate(facts):
            if after.before < 0:
                continue
            before = facts[after.before]
            assert len(after.same) == len(after.objects)
            assert before.setting == after.setting
            for j, i in enumerate(after.same):
                if i >= 0:
                    assert after.objects[j].name == before.objects[i].name
                if after.objects[j].pixels > 60:
                    assert (masks[k] == j).any()
            changes |= {change for _, _, change in Changes(before, after, lenient=False).pairs}
    assert {"still", "moved"} < changes


def test_a_lost_shard_of_pairs_is_rendered_again_as_it_was(paired: Path) -> None:
    kept = {path.name: path.read_bytes() for path in paired.iterdir()}
    (paired / "facts_00000.jsonl").unlink()
    render_shards(paired, 3_000_000, frames=14, shard_size=8, pairs=0.8)
    assert {path.name: path.read_bytes() for path in paired.iterdir()} == kept


def test_what_is_no_share_of_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the share of pairs lies between 0 and 1, not 1\.5"):
        render_shards(tmp_path / "out", 1_000_000, frames=2, pairs=1.5)


def test_signs_hide_nothing_and_change_no_label(shards: Path, tmp_path: Path) -> None:
    render_shards(tmp_path, 3_000_000, frames=8, shard_size=8, signs=1.0)
    assert (tmp_path / "facts_00000.jsonl").read_text() == (shards / "facts_00000.jsonl").read_text()
    plain, signed = (np.load(folder / "rgb_00000.npy") for folder in (shards, tmp_path))
    mask = np.load(shards / "mask_00000.npy")
    free = np.isin(mask, (facts.MASK_BACKGROUND, facts.MASK_TABLE)).repeat(2, 1).repeat(2, 2)
    changed = (plain != signed).any(axis=3)
    assert changed.any(axis=(1, 2)).sum() >= 7
    assert not (changed & ~free).any()


def test_what_is_no_share_of_signs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the share of signs lies between 0 and 1, not -1"):
        render_shards(tmp_path / "out", 1_000_000, frames=2, signs=-1)
