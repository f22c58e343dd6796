"""Which part of a grid a tooth can reach, and its samples in the tooth's own frame."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis.dentition import PlacedTooth
from ToothSegLib.synthesis.shapes import Box, Grid


def reachable_box(tooth: PlacedTooth, grid: Grid, depth: float) -> Box:
    """The (k, j, i) part of the grid that a tooth of ``depth`` mm from cusp to apex can touch."""
    half = 0.9 * tooth.form.width + 4.0
    corners = np.array(
        [
            tooth.place.origin + tooth.place.frame @ np.array([m, b, o])
            for m in (-half, half)
            for b in (-half - 3, half + 3)
            for o in (-depth - 2.5, 2.5)
        ]
    )
    return grid.box(corners.min(axis=0), corners.max(axis=0))


def in_frame(tooth: PlacedTooth, grid: Grid, box: Box) -> np.ndarray:
    """(3, ...) mm along mesial, buccal and occlusal of the grid's samples in the box."""
    x, y, z = np.broadcast_arrays(*grid.axes())
    points = np.stack([x[box], y[box], z[box]]) - tooth.place.origin.reshape(3, 1, 1, 1)
    return np.tensordot(tooth.place.frame.T, points, axes=1)
