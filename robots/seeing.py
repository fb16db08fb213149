"""From a box in the image to a thing in the world: which points are the object, how large it is, what it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .._base import KnotholeError
from .contract import CameraFrame
from .kinematics import Arm
from .pixels import Box, Labels, Mask, cloud, grown, on_arm, relative_box, surface_boxes, surfaces, tints
from .pose import Array, Pose
from .solids import Form, Solid, fit, smallest_rectangle

TABLE = 0.004  # what rises less than this above the plane is table, [m]
_LEVELS = (TABLE, 0.012, 0.030)
_FAR = -0.45  # agreement of boxes from which on they are about different things
_FEW = 12  # pixels that make a surface
_SHARED = 0.1  # share of its pixels that a surface may have in common with other things
_RISE = 0.012  # what lies on a thing is higher than it by more than this, [m]
_ROUND = ("ball", "upright")  # solids with a round footprint
_INNER = 0.85  # share of a footprint that is surely the thing's: its edge is off by some pixels


class NotSeenError(KnotholeError):
    """Nothing that rises above the table matches a box."""


@dataclass(frozen=True)
class Seen:
    """An object as one camera saw it, completed by the solid that explains it.

    Attributes:
        points: Seen points, world frame, shape (k, 3), [m].
        center: Of the completed solid, world frame, (x, y, z), [m].
        size: Extent along its own axes: x and y at ``yaw``, and height, [m].
        yaw: Direction of its x axis in the world, [rad].
        top: Highest point, [m].
        support: Height of what it stands on, [m].
        form: Kind of solid.
        residual: Root mean square distance of the points from the solid, [m].
        outline: Points around the completed footprint, world x and y, shape (j, 2), [m].
        box_xyxy: Box around its pixels, relative to the image.
        match: How well that box fits the one asked for: 1 for equal, below 0 for apart.
        mask: Its pixels, shape (H, W).
    """

    points: Array
    center: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float
    top: float
    support: float
    form: Form
    residual: float
    outline: Array
    box_xyxy: Box
    match: float
    mask: Mask = field(repr=False)

    @property
    def world_from_object(self) -> Pose:
        """Pose of the center, upright, turned by ``yaw``."""
        half = self.yaw / 2
        return Pose(self.center, (0.0, 0.0, float(np.sin(half)), float(np.cos(half))))


@dataclass(frozen=True)
class View:
    """A frame with depth, lifted into the world once and asked many times.

    Attributes:
        frame: The picture.
        arm: The arm, whose own pixels are left out; None keeps every pixel.
        q: Its posture when the picture was taken, shape (n,), [rad].
    """

    frame: CameraFrame
    arm: Arm | None = None
    q: Array | None = None

    @cached_property
    def points(self) -> Array:
        """World point of every pixel, shape (H, W, 3), [m]; NaN where unknown."""
        return cloud(self.frame)

    @cached_property
    def plane(self) -> float:
        """Height that the table is measured at, [m]; the table's top is zero by definition."""
        low = self.points[..., 2][np.abs(np.nan_to_num(self.points[..., 2], nan=1.0)) < 0.006]
        return float(np.median(low)) if len(low) > 200 else 0.0

    @cached_property
    def matter(self) -> Mask:
        """Pixels of things on the table: above it, not beyond it, not the arm."""
        x, y, z = np.moveaxis(np.nan_to_num(self.points, nan=-9.0), -1, 0)
        found: Mask = (z > self.plane + TABLE) & (z < 1.0) & (x > 0.05) & (x < 1.1) & (np.abs(y) < 0.9)
        if self.arm is not None and self.q is not None:
            found[found] = ~on_arm(self.points[found], self.arm, self.q)
        return found

    @cached_property
    def layers(self) -> list[tuple[Labels, float]]:
        """Surfaces that could be things: cut at several heights, split by color or not, with a penalty for the cut."""
        tint = tints(self.frame.rgb)
        height = np.nan_to_num(self.points[..., 2])
        return [
            (surfaces(self.points, self.matter & (height > self.plane + level), colors), 0.06 * a + 0.01 * b)
            for a, level in enumerate(_LEVELS)
            for b, colors in enumerate((tint, None))
        ]

    def _pieces(self, box: Box) -> Labels:
        """Label the union of single-colored pieces that lie mostly in a box: a thing of several colors in a tray."""
        labels = self.layers[0][0]
        height, width = labels.shape
        x0, y0, x1, y1 = box
        grow_x, grow_y = 0.1 * (x1 - x0), 0.1 * (y1 - y0)
        rows = slice(max(0, int((y0 - grow_y) * height)), max(0, int((y1 + grow_y) * height) + 1))
        columns = slice(max(0, int((x0 - grow_x) * width)), max(0, int((x1 + grow_x) * width) + 1))
        part = labels[rows, columns]
        inside = np.bincount(part[part >= 0], minlength=int(labels.max(initial=-1)) + 1)
        total = np.bincount(labels[labels >= 0], minlength=len(inside))
        mine = np.flatnonzero((inside > 0) & (inside >= 0.7 * total))
        return surfaces(self.points, np.isin(labels, mine))

    def find(self, box_xyxy: Box, narrower: float | None = None, but: Mask | None = None) -> Seen:
        """Return the object that a box, relative to the image, is about; the box may be off by half the object.

        Args:
            box_xyxy: Relative to the image, each in [0, 1].
            narrower: Surfaces that are wider at their narrower side are not meant, [m]; None takes all.
            but: Pixels of other things, shape (H, W): surfaces that have more than a few of them are not meant.

        Raises:
            NotSeenError: Nothing above the table, or nothing as narrow, is near the box.
        """
        best: tuple[float, Labels, int] | None = None
        for labels, penalty in (*self.layers, (self._pieces(box_xyxy), 0.03)):
            boxes, counts = surface_boxes(labels)
            if not len(boxes):
                continue
            scores = np.where(counts >= _FEW, _agreement(boxes, np.array(box_xyxy)) - penalty, -np.inf)
            for name in np.argsort(-scores, kind="stable")[:6]:
                if scores[name] < (_FAR if best is None else best[0]):
                    break
                mine = labels == name
                if but is not None and (mine & but).sum() > _SHARED * mine.sum():
                    continue
                if narrower is None or self._narrow(mine, narrower):
                    best = (float(scores[name]), labels, int(name))
                    break
        if best is None:
            x0, y0, x1, y1 = box_xyxy
            raise NotSeenError(
                f"nothing rises above the table near the box ({x0:.2f}, {y0:.2f}, {x1:.2f}, {y1:.2f}) "
                f"of frame {self.frame.id}\n"
                f"  why:  the box is wrong, the thing was moved since the picture, or it is thinner than 4 mm\n"
                f"  fix:  ground it again in a fresh picture"
            )
        return self.measure(best[1] == best[2], best[0])

    def _narrow(self, mask: Mask, most: float) -> bool:
        _, size, _ = smallest_rectangle(self.points[mask][:, :2], 30)
        return bool(size.min() <= most)

    def measure(self, mask: Mask, match: float = 1.0) -> Seen:
        """Return the object made of given pixels, shape (H, W)."""
        solid_mask = self._steady(mask)
        points = self.points[solid_mask] - np.array([0.0, 0.0, self.plane])
        eye = self.frame.world_from_camera.position
        away = eye - points.mean(axis=0)
        pixel = float(np.linalg.norm(away)) / self.frame.intrinsics.fx
        support = self._support(solid_mask, points)
        toward = away[:2] / max(1e-9, float(np.linalg.norm(away[:2])))
        solid: Solid = fit(points, support, pixel, toward)
        x, y, z = (float(v) for v in solid.center)
        a, b, c = (float(v) for v in solid.size)
        return Seen(
            points=points,
            center=(x, y, z),
            size=(a, b, c),
            yaw=solid.yaw,
            top=float(np.percentile(points[:, 2], 98)),
            support=support,
            form=solid.form,
            residual=solid.residual,
            outline=solid.outline(),
            box_xyxy=relative_box(self.frame, mask),
            match=match,
            mask=mask,
        )

    def _steady(self, mask: Mask) -> Mask:
        """Drop pixels that float between surfaces: fewer than three of their eight neighbours are near them."""
        rows, columns = np.nonzero(mask)
        part = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        points = np.where(mask[part][..., None], self.points[part], np.nan)
        height, width = points.shape[:2]
        padded = np.pad(points, ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
        near = np.zeros((height, width), dtype=np.int64)
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                if (dy, dx) != (1, 1):
                    apart = padded[dy : dy + height, dx : dx + width] - points
                    near += np.nan_to_num((apart**2).sum(axis=-1), nan=1.0) < 0.016**2
        steady = np.zeros_like(mask)
        steady[part] = mask[part] & (near >= 3)
        return steady if steady.sum() >= _FEW else mask

    def _support(self, mask: Mask, points: Array) -> float:
        """Height of what a thing stands on: what the image shows just below its lower edge, unless that hides it."""
        height = mask.shape[0]
        columns = np.flatnonzero(mask.any(axis=0))
        rows = height - 1 - mask[::-1, columns].argmax(axis=0)
        below = np.minimum(rows + 2, height - 1)
        foot, ground = self.points[rows, columns], self.points[below, columns]
        step = np.linalg.norm(ground[:, :2] - foot[:, :2], axis=1)
        use = np.isfinite(step) & (step < 0.03) & (ground[:, 2] < foot[:, 2] + 0.003)
        if use.sum() < 3:
            return 0.0
        found = float(np.median(ground[use, 2])) - self.plane
        found = min(found, float(np.percentile(points[:, 2], 2)) + 0.003)
        return found if found > TABLE else 0.0

    @cached_property
    def things(self) -> list[Seen]:
        """Every surface of one color, completed."""
        labels = self.layers[0][0]
        counts = np.bincount(labels[labels >= 0])
        return [self.measure(labels == name) for name in np.flatnonzero(counts >= 3 * _FEW)]

    def _hidden_sides(self, but: Mask) -> Array:
        """Points on the far sides of round things, which curve away from the camera, shape (k, 3), [m]."""
        parts = [np.empty((0, 3))]
        for seen in self.things:
            if seen.form in ("ball", "lying", "upright") and seen.residual < 0.003 and max(seen.size[:2]) < 0.25:
                if (seen.mask & but).sum() > 0.3 * seen.mask.sum():
                    continue
                height = seen.top if seen.form == "upright" else seen.center[2]
                outline = seen.outline
                parts.append(np.column_stack([outline, np.full(len(outline), height)]))
        return np.concatenate(parts)

    def above(self, seen: Seen) -> Mask:
        """Return the pixels that rise over the top of a thing, straight above it, shape (H, W)."""
        x, y = (self.points[..., k] - seen.center[k] for k in (0, 1))
        c, s = np.cos(seen.yaw), np.sin(seen.yaw)
        a, b = np.abs(x * c + y * s), np.abs(y * c - x * s)
        half = _INNER * np.maximum(np.array(seen.size[:2]) / 2, 1e-6)
        within = np.hypot(a / half[0], b / half[1]) < 1.0 if seen.form in _ROUND else (a < half[0]) & (b < half[1])
        found: Mask = self.matter & ~seen.mask & within & (self.points[..., 2] - self.plane > seen.top + _RISE)
        return found

    def obstacles(self, without: Seen | None = None, grow: int = 1) -> Array:
        """Return points of everything on the table but one object, world frame, shape (k, 3), [m].

        Round things are completed, because their far sides are hidden.

        Args:
            without: An object to leave out, such as the one to be grasped.
            grow: Pixels to grow the left-out object by, so that its rim leaves no crumbs.
        """
        mask = self.matter.copy()
        if without is not None:
            mask &= ~grown(without.mask, grow)
        points = self.points[mask] - np.array([0.0, 0.0, self.plane])
        return np.concatenate([points, self._hidden_sides(self.matter & ~mask)])


def _agreement(boxes: Array, box: Array) -> Array:
    """Generalised intersection over union of boxes (k, 4) with one (4,), each in [-1, 1].

    Source: Rezatofighi et al., *Generalized intersection over union* (CVPR 2019).
    """
    shared = np.prod(np.maximum(0.0, np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])), axis=1)
    union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - shared
    hull = np.prod(np.maximum(boxes[:, 2:], box[2:]) - np.minimum(boxes[:, :2], box[:2]), axis=1)
    result: Array = shared / np.maximum(union, 1e-12) - (hull - union) / np.maximum(hull, 1e-12)
    return result
