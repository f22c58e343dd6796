"""How far a tooth reaches: a little beyond where the network would rather say tooth than not.

Which voxels are looked at, told apart and numbered goes by a probability of one half. Where the
default network is unsure, at the end of a root or at dull dentine, it errs to the thin side. So
what is found is given the voxels about it down to a lower probability, each to the tooth that is
nearest (docs/training.md, "Where a tooth ends").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.grids.label_boxes import filled_box, grown
from ToothSegLib.grids.nearest_label import nearest_within
from ToothSegLib.maps import TOOTH_THRESHOLD

_SURFACE_AT = 0.4  # by development heads
_REACH_MM = 1.0
_SURE = 1e-6


def surface_at(kind: object) -> float:
    """The probability at which teeth end, by the kind of bundle; the article's are as published."""
    return _SURFACE_AT if kind == "toothnet" else TOOTH_THRESHOLD


def full_extent(
    labels: NDArray[np.integer], tooth: NDArray[np.floating], spacing_mm: float, at: float
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Regions grown to where the probability falls below a limit, and a map that ends there.

    Args:
        labels: (Z, Y, X) one region a tooth, within a probability of at least one half; 0 where no
            tooth is, also where a piece was left out.
        tooth: (Z, Y, X) probability of tooth.
        spacing_mm: edge of a voxel.
        at: where teeth are to end, up to one half; one half changes nothing.

    Returns:
        The grown regions, which reach no farther than 1 mm and only where they are connected; and
        the probability, moved so that it is one half where it was ``at``.
    """
    if at >= TOOTH_THRESHOLD:
        return labels, tooth
    whole = labels.copy()
    found = filled_box(labels)
    if found is None:
        return whole, _moved(tooth, at)
    steps = int(np.ceil(_REACH_MM / spacing_mm))
    box = grown(found, labels.shape, steps)
    region, probability = labels[box], tooth[box]
    near = nearest_within(region, _REACH_MM, spacing_mm)
    unsure = (probability >= at) & (probability < TOOTH_THRESHOLD) & (near != 0)
    reached = ndimage.binary_propagation(region != 0, mask=(region != 0) | unsure)
    whole[box] = np.where(reached, near, 0)
    return whole, _moved(tooth, at)


def _moved(tooth: NDArray[np.floating], at: float) -> NDArray[np.floating]:
    odds = np.clip(tooth, _SURE, 1 - _SURE)
    odds = odds / (1 - odds) * ((1 - at) / at)
    return np.asarray(odds / (1 + odds), tooth.dtype)
