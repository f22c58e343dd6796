"""Regions whose votes gather at two heights: an impacted tooth and one of the row, or a milk tooth
and the bud below it, taken for one.

Heights count for little where votes are told apart (``votes.py``), as no tooth of an arch stands
upon another. Where one never came through, or in children, some do, and then one region holds both.
A single tooth's votes may be spread over 10 mm of height, but they do not thin out in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ToothSegLib.maps import Maps
from ToothSegLib.separation.parting import in_one_piece
from ToothSegLib.separation.votes import voted_centres

# The heights are so far apart, so much of the region votes for each, and between them votes are so
# few, over those at the lower one of the two peaks. In seven simulated heads, four of them
# ordinary, no region had two peaks further apart than 4.5 mm; there are no milk teeth in them.
_APART_MM, _LEAST_MM3, _VALLEY = 6.0, 25.0, 0.5
_STEP_MM, _SMOOTHING_MM = 0.5, 1.0
# Less than half of a lower incisor is not parted from a tooth.
_LEAST_TOOTH_MM3 = 70.0
_MARGIN_MM = 5.0  # beyond the votes, so that there is a peak at either end


@dataclass(frozen=True)
class Stack:
    """A region that may be two teeth.

    Attributes:
        label: of the region.
        apart_mm: how far apart the two heights are that its votes gather at.
        between_mm: the height in between, along the direction upwards from (0, 0, 0) of the grid.
    """

    label: int
    apart_mm: float
    between_mm: float


def stacked_regions(labels: np.ndarray, maps: Maps, up: np.ndarray) -> list[Stack]:
    """The regions that may be two teeth, one above the other.

    Args:
        labels: (Z, Y, X) integers, 0 background, one label a region.
        maps: with offsets, on the same grid.
        up: (3,) unit vector in LPS, the head's own direction upwards.
    """
    where = np.flatnonzero(labels)
    if not len(where):
        return []
    heights = voted_centres(maps, where)[:, ::-1] @ up
    label = labels.ravel()[where]
    order = np.argsort(label, kind="stable")
    names, starts = np.unique(label[order], return_index=True)
    found = []
    for name, votes in zip(names, np.split(heights[order], starts[1:]), strict=True):
        apart, between = _apart(votes, maps.spacing_mm**3)
        if apart >= _APART_MM:
            found.append(Stack(int(name), apart, between))
    return found


def part_stacked(labels: np.ndarray, maps: Maps, up: np.ndarray, stack: Stack) -> np.ndarray | None:
    """Part one region between the two heights.

    Args:
        labels, maps, up: as of `stacked_regions`.
        stack: found there.

    Returns:
        The same map with a new, highest label for the upper part; None if one of the parts would be
        too small for a tooth. Fragments go to the other part, which they touch.
    """
    where = np.flatnonzero(labels == stack.label)
    above = voted_centres(maps, where)[:, ::-1] @ up > stack.between_mm
    parts = np.zeros(labels.shape, np.uint8)
    parts.ravel()[where] = 1 + above
    parts = in_one_piece(parts)
    volumes = np.bincount(parts.ravel()[where], minlength=3)[1:] * maps.spacing_mm**3
    if volumes.min() < _LEAST_TOOTH_MM3:
        return None
    parted = labels.copy()
    parted[parts == 2] = labels.max() + 1
    return parted


def _apart(heights: np.ndarray, voxel_mm3: float) -> tuple[float, float]:
    """How far apart the two farthest heights are that votes (n,) mm gather at, and the height
    between them; 0 apart if they gather at one."""
    cells = np.rint((heights - heights.min() + _MARGIN_MM) / _STEP_MM).astype(np.intp)
    volume = np.bincount(cells, minlength=cells.max() + round(_MARGIN_MM / _STEP_MM)) * voxel_mm3
    density = ndimage.gaussian_filter1d(volume, _SMOOTHING_MM / _STEP_MM)
    inner = density[1:-1]
    peaks = 1 + np.flatnonzero((inner > density[:-2]) & (inner >= density[2:]))
    farthest = (0.0, 0.0)
    for n, low in enumerate(peaks):
        for high in peaks[n + 1 :]:
            valley = low + int(density[low : high + 1].argmin())
            two = density[valley] <= _VALLEY * min(density[low], density[high])
            if two and min(volume[:valley].sum(), volume[valley:].sum()) >= _LEAST_MM3:
                between = valley * _STEP_MM - _MARGIN_MM + float(heights.min())
                farthest = max(farthest, (float(high - low) * _STEP_MM, between))
    return farthest
