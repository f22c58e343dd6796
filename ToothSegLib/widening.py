"""Teeth at the border of the box that was looked at: the coarse look missed what goes on there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.grid import Box, extent
from ToothSegLib.volume import Volume

# As much tooth within a millimetre of the border says that a tooth goes on beyond it.
_BORDER_MM = 1.0
_LEAST_MM2 = 6.0
_STEP_MM = 25.0


def widened(box: Box, tooth: Volume, scan: Volume) -> Box | None:
    """The box with every side moved out at which a tooth is cut, None if there is none.

    Args:
        box: that was looked at, LPS mm.
        tooth: probability of tooth in the box, on the working grid.
        scan: beyond it there is nothing to look at.
    """
    low, high = np.array(box[0]), np.array(box[1])
    first, last = extent(scan)
    marked = tooth.array >= 0.5
    for axis, spacing in enumerate(tooth.spacing):
        thick = max(1, round(_BORDER_MM / spacing))
        face_mm2 = tooth.voxel_mm3 / spacing
        slabs = np.moveaxis(marked, 2 - axis, 0)
        if low[axis] > first[axis] + spacing and _area(slabs[:thick]) * face_mm2 >= _LEAST_MM2:
            low[axis] = max(low[axis] - _STEP_MM, first[axis])
        if high[axis] < last[axis] - spacing and _area(slabs[-thick:]) * face_mm2 >= _LEAST_MM2:
            high[axis] = min(high[axis] + _STEP_MM, last[axis])
    if np.array_equal(low, box[0]) and np.array_equal(high, box[1]):
        return None
    return tuple(low.tolist()), tuple(high.tolist())


def _area(slab: NDArray[np.bool_]) -> int:
    """Columns of a slab (thickness, a, b) that hold any tooth."""
    return int(slab.any(axis=0).sum())
