"""Shapes that jaws and heads are made of: walls along a line, ellipsoids, smooth noise.

Each is a signed distance, mm, negative inside, on the samples of a `Grid`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ToothSegLib.grids.label_boxes import IndexBox


@dataclass(frozen=True)
class Grid:
    """Sample points of a case: origin and step in LPS mm, size as (k, j, i)."""

    origin: tuple[float, float, float]
    step: float
    size: tuple[int, int, int]

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y, z of the samples, shaped to broadcast to (k, j, i)."""
        x, y, z = (
            (self.origin[a] + self.step * np.arange(self.size[2 - a])).astype(np.float32)
            for a in range(3)
        )
        return x[None, None, :], y[None, :, None], z[:, None, None]

    def box(self, low: np.ndarray, high: np.ndarray) -> IndexBox:
        """The (k, j, i) part of the grid that holds all samples between two corners, LPS mm."""
        first = np.floor((low - self.origin) / self.step).astype(int)
        last = np.ceil((high - self.origin) / self.step).astype(int) + 1
        first, last = (np.clip(edge, 0, self.size[::-1]) for edge in (first, last))
        return slice(first[2], last[2]), slice(first[1], last[1]), slice(first[0], last[0])


def extend(line: np.ndarray, length: float, flare: float) -> np.ndarray:
    """The line with both ends drawn out backwards by ``length`` mm, sideways by ``flare`` a mm;
    nothing has sunk there."""
    side = np.array([np.sign(line[0, 0] - line[-1, 0]), 0.0, 0.0, 0.0])
    back = np.array([0.0, 1.0, 0.0, 0.0])
    steps = np.arange(2.0, length, 2.0)[:, None]
    kept = np.array([1.0, 1.0, 1.0, 0.0])
    first = kept * line[0] + steps * (back + flare * side)
    last = kept * line[-1] + steps * (back - flare * side)
    return np.concatenate([first[::-1], line, last])


def from_line(
    line: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """In plan: distance to the line (mm), its crest height there, its y there, and how far the
    crest has sunk."""
    knots = np.arange(len(line))
    fine = np.linspace(0, len(line) - 1, 12 * len(line))
    dense = np.stack([np.interp(fine, knots, column) for column in line.T], axis=1)
    plan = np.stack(np.broadcast_arrays(x[0], y[0]), axis=-1)
    distance, index = cKDTree(dense[:, :2]).query(plan)
    along, crest, sunk = (dense[index, column][None] for column in (1, 2, 3))
    return distance[None], crest, along, sunk


def slab(distance: np.ndarray, half: np.ndarray | float, z: np.ndarray, low, high):  # type: ignore[no-untyped-def]
    """A wall of half width ``half`` along a line between two heights, edges rounded."""
    sideways = distance - half
    upright = np.abs(z - 0.5 * (low + high)) - 0.5 * (high - low)
    outside = np.hypot(np.maximum(sideways + 2.5, 0), np.maximum(upright + 2.5, 0)) - 2.5
    return outside + np.minimum(np.maximum(sideways, upright) + 2.5, 0)


def ellipsoid(x: np.ndarray, y: np.ndarray, z: np.ndarray, size: np.ndarray) -> np.ndarray:
    ratio = np.sqrt((x / size[0]) ** 2 + (y / size[1]) ** 2 + (z / size[2]) ** 2)
    return ((ratio - 1.0) * size.min()).astype(np.float32)


def smooth_noise(grid: Grid, rng: np.random.Generator, scale_mm: float) -> np.ndarray:
    """Noise of unit spread that varies over about ``scale_mm``."""
    coarse = [max(4, int(np.ceil(n * grid.step / scale_mm)) + 3) for n in grid.size]
    noise = rng.normal(size=coarse).astype(np.float32)
    factors = [n / c for n, c in zip(grid.size, coarse, strict=True)]
    smooth = ndimage.zoom(noise, factors, order=3)
    return (smooth / max(float(smooth.std()), 1e-6)).astype(np.float32)
