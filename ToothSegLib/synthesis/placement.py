"""Which part of a grid a tooth can reach, and its samples in the tooth's own frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ToothSegLib.grids.label_boxes import IndexBox
from ToothSegLib.synthesis.dentition import PlacedTooth
from ToothSegLib.synthesis.individual import Form
from ToothSegLib.synthesis.shapes import Grid


@dataclass(frozen=True)
class InTooth:
    """Samples of a grid as one tooth has them.

    Attributes:
        distance: (k, j, i) mm to the surface of the whole tooth, negative inside.
        mesial, buccal, occlusal: (k, j, i) coordinates in the tooth's own frame, mm.
        form: of the whole tooth.
    """

    distance: np.ndarray
    mesial: np.ndarray
    buccal: np.ndarray
    occlusal: np.ndarray
    form: Form


def reachable_box(tooth: PlacedTooth, grid: Grid, depth: float) -> IndexBox:
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


def in_frame(tooth: PlacedTooth, grid: Grid, box: IndexBox) -> np.ndarray:
    """(3, ...) mm along mesial, buccal and occlusal of the grid's samples in the box."""
    x, y, z = np.broadcast_arrays(*grid.axes())
    points = np.stack([x[box], y[box], z[box]]) - tooth.place.origin.reshape(3, 1, 1, 1)
    return np.tensordot(tooth.place.frame.T, points, axes=1)
