"""A head placed in a scanner: mirrored or not, of its own proportions, a little tilted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from ToothSegLib.synthesis.case import Case
from ToothSegLib.teeth import mirror
from ToothSegLib.volume import Volume

# Middle of the dentition: behind and below the upper incisors' edge, LPS mm of a case.
VIEW_CENTRE = (0.0, 26.0, -2.0)
_MOST_TILT = 35.0


def place_head(
    case: Case, centre: ArrayLike, rng: np.random.Generator, *, tilt_deg: float = 8.0
) -> tuple[Volume, Volume]:
    """Tissue and labels of a case, with a point of the head in the middle of the scanner.

    Nothing is resampled: the maps keep their voxels and get another place in space, so that a
    mirrored head has a left-handed grid. Its labels are swapped to name the side that they are on.

    Args:
        case: the head.
        centre: LPS mm of the point in the case that comes to (0, 0, 0).
        rng: the only source of chance.
        tilt_deg: standard deviation of the rotation about each axis, bounded by 35 degrees.
    """
    mirrored = bool(rng.random() < 0.5)
    angles = np.clip(rng.normal(0.0, tilt_deg, 3), -_MOST_TILT, _MOST_TILT)
    # As people differ: 8 % in size and 6 % in each proportion.
    stretch = np.clip((1 + 0.06 * rng.normal(size=3)) * (1 + 0.08 * rng.normal()), 0.75, 1.35)
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    direction = direction @ np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    origin = direction @ (stretch * (np.asarray(case.origin) - np.asarray(centre, float)))
    spacing = tuple(stretch * case.spacing_mm)
    labels = _MIRRORED[case.labels] if mirrored else case.labels
    tissue = Volume(case.tissue, spacing, tuple(origin), direction)
    return tissue, tissue.with_array(labels)


def _mirrored() -> NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint8)
    for fdi in (10 * quadrant + place for quadrant in range(1, 5) for place in range(1, 9)):
        table[fdi] = mirror(fdi)
    return table


_MIRRORED = _mirrored()
