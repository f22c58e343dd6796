"""Bone that is gone about the ends of inflamed roots: dark holes of a few millimetres."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.dentition import Dentition
from ToothSegLib.synthesis.placement import in_frame, reachable_box
from ToothSegLib.synthesis.shapes import Grid

# About every third tooth whose root was filled has one in cone-beam CTs, few others do.
_FILLED, _OTHER = 0.35, 0.02
_RADIUS_MM = (1.0, 3.5)
_NEAR_APEX_MM = 1.0


def draw_lesions(
    dentition: Dentition,
    grid: Grid,
    nearest: np.ndarray,
    owner: np.ndarray,
    part: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Where they are, whatever is there now.

    Args:
        dentition: whose teeth.
        grid: of the maps.
        nearest: (k, j, i) mm to the nearest tooth's surface, negative inside.
        owner: (k, j, i) FDI number of that tooth.
        part: (k, j, i) tissues inside teeth.
        rng: the only source of chance.

    Returns:
        (k, j, i) bool.
    """
    lesion = np.zeros(grid.size, bool)
    for tooth in dentition.teeth:
        box = reachable_box(tooth, grid, tooth.form.length)
        mine = (owner[box] == tooth.fdi) & (nearest[box] < 0)
        if not tooth.present or tooth.buried or not mine.any():
            continue
        filled = bool((part[box][mine] == tissues.ROOT_FILLING).any())
        if rng.random() >= (_FILLED if filled else _OTHER):
            continue
        height = in_frame(tooth, grid, box)[2]
        ends = np.argwhere(mine & (height < height[mine].min() + _NEAR_APEX_MM))
        apex = ends[int(rng.integers(len(ends)))]
        away = np.linalg.norm(np.indices(mine.shape).T - apex, axis=-1).T
        lesion[box] |= grid.step * away < rng.uniform(*_RADIUS_MM)
    return lesion
