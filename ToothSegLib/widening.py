"""Teeth at the border of the box that was looked at: the coarse look missed what goes on there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.grids.grid import Box, extent
from ToothSegLib.localise import LARGEST_MM, MARGIN_MM
from ToothSegLib.maps import TOOTH_THRESHOLD
from ToothSegLib.volume import Volume

# As much tooth within a millimetre of the border says that a tooth goes on beyond it.
_BORDER_MM = 1.0
_LEAST_MM2 = 6.0
_STEP_MM = 25.0
# In a box of this size (x, y, z) there is room for any dentition: what is cut is bone that looks
# like teeth, and there is always more of it beyond.
_MOST_MM = LARGEST_MM + 2 * MARGIN_MM


def widened(box: Box, tooth: Volume, scan: Volume) -> Box | None:
    """The box with every side moved out at which a tooth is cut, None if there is none.

    It does not grow beyond what the largest dentition asks for.

    Args:
        box: that was looked at, LPS mm.
        tooth: probability of tooth in the box, on the working grid.
        scan: beyond it there is nothing to look at.
    """
    low, high = np.array(box[0]), np.array(box[1])
    first, last = extent(scan)
    marked = tooth.array >= TOOTH_THRESHOLD
    for axis, spacing in enumerate(tooth.spacing):
        thick = max(1, round(_BORDER_MM / spacing))
        face_mm2 = tooth.voxel_mm3 / spacing
        slabs = np.moveaxis(marked, 2 - axis, 0)
        if low[axis] > first[axis] + spacing and _area(slabs[:thick]) * face_mm2 >= _LEAST_MM2:
            low[axis] -= np.clip(min(_STEP_MM, low[axis] - first[axis]), 0, _room(low, high)[axis])
        if high[axis] < last[axis] - spacing and _area(slabs[-thick:]) * face_mm2 >= _LEAST_MM2:
            high[axis] += np.clip(min(_STEP_MM, last[axis] - high[axis]), 0, _room(low, high)[axis])
    if np.array_equal(low, box[0]) and np.array_equal(high, box[1]):
        return None
    return tuple(low.tolist()), tuple(high.tolist())


def _room(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(_MOST_MM - (high - low), 0.0)


def _area(slab: NDArray[np.bool_]) -> int:
    """Columns of a slab (thickness, a, b) that hold any tooth."""
    return int(slab.any(axis=0).sum())
