"""Promises of the change detector: small objects are seen, noise is not."""

from __future__ import annotations

import numpy as np
import pytest

from knothole.vlm.broking.change import block_change, changed


def image(height: int = 256, width: int = 256) -> np.ndarray:
    return np.full((height, width, 3), 120, np.uint8)


@pytest.mark.parametrize("x", range(0, 240, 7))
def test_a_small_object_anywhere_is_a_change(x):
    after = image()
    after[x : x + 8, x + 3 : x + 11, 0] = 220
    assert changed(image(), after)
    assert changed(after, image())


def test_noise_of_a_camera_is_no_change():
    rng = np.random.default_rng(0)
    noisy = [(image() + rng.normal(0, 3, (256, 256, 3))).clip(0, 255).astype(np.uint8) for _ in range(2)]
    assert not changed(*noisy)
    assert not changed(image(), image())


def test_the_whole_image_would_have_missed_it():
    after = image()
    after[100:108, 100:108] = 220
    assert np.abs(after.astype(int) - image()).mean() < 0.2
    assert changed(image(), after)


def test_blocks_at_the_border_count_with_their_own_size():
    after = image(20, 37)
    after[19, 36] = 180
    blocks = block_change(image(20, 37), after, block=16)
    assert blocks.shape == (2, 3)
    assert blocks[1, 2] == pytest.approx(60 / (4 * 5))
    assert blocks.sum() == blocks[1, 2]


def test_another_shape_is_a_change_and_a_wrong_block_an_error():
    assert changed(image(), image(128))
    with pytest.raises(ValueError, match="different shapes"):
        block_change(image(), image(128))
    with pytest.raises(ValueError, match="block is 0 px"):
        block_change(image(), image(), block=0)
