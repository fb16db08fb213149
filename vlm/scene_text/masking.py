"""Take words out of a picture: the strokes of the letters, the lines that they stand in, or the signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .reader import Pixels, SceneText

Mask = NDArray[np.uint8]

MARGIN: Final = 0.25
"""How far the mask reaches beyond the letters, as a share of their height."""
_REACH: Final = 3.0
_TOLERANCE: Final = 14
_LARGEST: Final = 0.2
_COVERED: Final = 2.0
_STROKE: Final = 0.5
_FAINT: Final = 14.0
_CONTRAST: Final = 0.3
_STRONG: Final = 95
_STRAIGHT: Final = 0.75
_COARSE: Final = 4


def letters(shape: tuple[int, ...], texts: Sequence[SceneText]) -> Mask:
    """Return where letters are, shape (H, W), 255 there: the outlines and a margin around them.

    Args:
        shape: Of the picture, (H, W, 3).
        texts: The texts in it.
    """
    mask = np.zeros(shape[:2], np.uint8)
    for text in texts:
        one = np.zeros_like(mask)
        cv2.fillPoly(one, [np.round(text.outline).astype(np.int32)], 255)
        mask |= _grown(one, max(2, round(MARGIN * _height(text))))
    return mask


def strokes(rgb: Pixels, texts: Sequence[SceneText]) -> Mask:
    """Return where the strokes of letters are, shape (H, W), 255 there; of a code, all of it.

    A stroke is thin, and darker than what is around it, or lighter. What stands between letters is left as it is, so a
    sheet becomes a blank one and a tiled floor a tiled floor. Letters that are no such strokes may stay.

    Args:
        rgb: Shape (H, W, 3).
        texts: The texts in it.
    """
    mask = np.zeros(rgb.shape[:2], np.uint8)
    for text in texts:
        own = letters(rgb.shape, [text])
        mask |= own if text.form == "qr" else _thin(rgb, own, _height(text))
    return mask


def signs(rgb: Pixels, texts: Sequence[SceneText]) -> Mask:
    """Return where signs are, shape (H, W), 255 there: the even, straight-edged surfaces right around letters.

    A surface that goes on into the scene (a table, a wall, a large thing) is none; there the letters alone are masked.
    A large one is a sign where letters cover half of it.

    Args:
        rgb: Shape (H, W, 3).
        texts: The texts in it.
    """
    mask = letters(rgb.shape, texts)
    for text in texts:
        own = letters(rgb.shape, [text])
        surface = _surface(rgb, own)
        if surface is not None:
            mask |= _grown(surface | own, 2)
    return mask


def without(rgb: Pixels, mask: Mask) -> Pixels:
    """Return a picture in which what is masked is filled in from around it.

    Args:
        rgb: Shape (H, W, 3).
        mask: Shape (H, W), 255 where it is filled in.
    """
    return np.asarray(cv2.inpaint(np.ascontiguousarray(rgb), mask, _REACH, cv2.INPAINT_TELEA), np.uint8)


def _thin(rgb: Pixels, own: Mask, height: float) -> Mask:
    """Return the thin dark parts, or the thin light ones, of what is masked; ``height`` is that of the line, [px]."""
    rows, columns = np.nonzero(own)
    if not len(rows):
        return own
    across = 2 * round(_STROKE * height / 2) + 1
    box = (
        slice(max(0, rows.min() - across), rows.max() + across + 1),
        slice(max(0, columns.min() - across), columns.max() + across + 1),
    )
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    inside = own[box] > 0
    found: list[tuple[float, Mask]] = []
    for kind in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        contrast = cv2.morphologyEx(rgb[box], kind, kernel).max(axis=2)
        strong = float(np.percentile(contrast[inside], _STRONG))
        thin = (contrast >= max(_FAINT, _CONTRAST * strong)) & inside
        found.append((strong, np.asarray(thin * np.uint8(255), np.uint8)))
    found.sort(key=lambda each: -each[0])
    (strongest, first), (other, second) = found
    # The gaps between letters are as thin and as strong as the letters; these are the smaller of the two.
    best = second if 2 * other >= strongest and np.count_nonzero(second) < np.count_nonzero(first) else first
    mask = np.zeros_like(own)
    mask[box] = _grown(best, max(1, round(height / 16)))
    return mask & _grown(own, 1)


def _surface(rgb: Pixels, own: Mask) -> Mask | None:
    """Return the even surface around letters, None where it is no sign."""
    color = _commonest(rgb[own > 0])
    even = (np.abs(rgb.astype(np.int16) - color.astype(np.int16)).max(axis=2) <= _TOLERANCE).astype(np.uint8)
    _, labels = cv2.connectedComponents(even | (own > 0).astype(np.uint8))
    label = np.bincount(labels[own > 0]).argmax()
    found = _filled(np.asarray((labels == label) * np.uint8(255), np.uint8))
    area = int(np.count_nonzero(found))
    if area > max(_LARGEST * found.size, _COVERED * np.count_nonzero(own)):
        return None
    outlines, _ = cv2.findContours(found, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    around = max(outlines, key=cv2.contourArea)
    (_, _), (width, height), _ = cv2.minAreaRect(around)
    return found if cv2.contourArea(around) >= _STRAIGHT * max(1.0, width * height) else None


def _commonest(pixels: Pixels) -> Pixels:
    """Return the color that most pixels, shape (N, 3), have or nearly have: of letters and paper that of the paper."""
    coarse = (pixels >> _COARSE).astype(np.int32)
    codes = (coarse[:, 0] << 16) | (coarse[:, 1] << 8) | coarse[:, 2]
    values, counts = np.unique(codes, return_counts=True)
    near = pixels[codes == values[counts.argmax()]]
    return np.asarray(np.median(near, axis=0), np.uint8)


def _filled(mask: Mask) -> Mask:
    """Return a mask without small gaps and holes, such as letters leave in paper."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(closed, outlines, -1, 255, cv2.FILLED), np.uint8)


def _grown(mask: Mask, by: int) -> Mask:
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def _height(text: SceneText) -> float:
    sides = np.linalg.norm(text.outline - np.roll(text.outline, -1, axis=0), axis=1)
    return float(sides.min())
