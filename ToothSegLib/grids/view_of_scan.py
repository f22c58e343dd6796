"""What of the head a scan shows, as far as the numbering asks: is a place in it or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.grids.extremes import highest, lowest

# Of the grid that the networks look at, one voxel in so many along each axis: 2 mm or less.
_EVERY = 4


@dataclass(frozen=True, eq=False)
class View:
    """A box, and what in it the scanner has not seen.

    Attributes:
        low, high: (3,) the box's corners, LPS mm.
        blank: (Z, Y, X) bool, evenly over the box, where all about is of one value, as scanners
            fill the corners about their cylinder; None if nothing is known of that.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    blank: NDArray[np.bool_] | None = None

    def shows(self, places: NDArray[np.float64], depth_mm: float) -> NDArray[np.bool_]:
        """Whether places (..., 3), LPS mm, are in it, as deep inside as that."""
        deep = (places > self.low + depth_mm) & (places < self.high - depth_mm)
        inside: NDArray[np.bool_] = np.asarray(deep.all(axis=-1))
        if self.blank is None:
            return inside
        size = np.array(self.blank.shape[::-1])
        index = np.floor((places - self.low) / (self.high - self.low) * size).astype(int)
        i, j, k = np.moveaxis(np.clip(index, 0, size - 1), -1, 0)
        return inside & ~_unseen(self, depth_mm)[k, j, i]


@lru_cache(maxsize=1)  # the numbering asks again and again
def _unseen(view: View, depth_mm: float) -> NDArray[np.bool_]:
    """Where a view's blank parts are as near as that."""
    assert view.blank is not None
    step_mm = (view.high - view.low) / np.array(view.blank.shape[::-1])
    # What is blank has only blank about it, so its border is one voxel further out.
    i, j, k = (1 + round(depth_mm / step) for step in step_mm)
    return highest(view.blank, (k, j, i))


def blank_parts(image: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where (Z, Y, X) grey values are alike all about and nothing was seen, for `View.blank`.

    Noise makes two voxels in a row differ anywhere in a patient; many that are alike were never
    seen, or are air that was clipped. What lies between the jaws is air.
    """
    some = image[_EVERY // 2 :: _EVERY, _EVERY // 2 :: _EVERY, _EVERY // 2 :: _EVERY]
    if not some.size:
        return np.zeros((1, 1, 1), bool)
    # Resampling leaves some noise of rounding.
    some = some.astype(np.float32)
    span = float(some.max() - some.min())
    alike = highest(some, 1) - lowest(some, 1) <= 1e-5 * span
    # What lies beyond the scan may have another value than what its scanner filled: not alike all
    # about where the two meet, but nothing that was seen either.
    level = np.rint((some - some.min()) / max(1e-4 * span, 1e-12))
    return np.asarray(alike & _outside(np.isin(level, np.unique(level[alike]))))


def _outside(filled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of a box's filled voxels can lie outside of what was seen, not within it.

    What a scanner sees is convex: a cylinder, a ball, a box, however it lies in the box here. Past
    a voxel outside of it there is a plane with nothing seen beyond, so from there to one corner of
    the box all is filled. From clipped air between two rows of teeth it is not. Several cylinders
    stitched together are not convex, but what is outside of them is filled from top to bottom.
    """
    outside = np.broadcast_to(filled.all(axis=0), filled.shape).copy()
    for corner in np.ndindex(2, 2, 2):
        ways = tuple(slice(None, None, 1 - 2 * end) for end in corner)
        to_corner = filled[ways]
        for axis in range(3):
            to_corner = np.logical_and.accumulate(to_corner, axis=axis)
        outside |= to_corner[ways]
    return outside
