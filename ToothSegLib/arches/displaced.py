"""Numbers for teeth that lie off their row: impacted canines above all.

The numbering takes the teeth of an arch in order, and a tooth that lies deep in the jaw, across the
roots of its neighbours, may be out of it. It then fits no place, while a number beside it is left
over whose tooth it looks like. That number it gets, with no more confidence than its looks give.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ToothSegLib.arches.arch import SLOT_FDI, SLOT_TYPES, Pose
from ToothSegLib.arches.norms import VOLUMES_MM3, is_crumb
from ToothSegLib.arches.patient_size import size_by_numbers
from ToothSegLib.arches.regions import Region, numbered_regions
from ToothSegLib.teeth import type_of

# Of the volume that this patient's other teeth suggest, at least and at most.
_LEAST_VOLUME, _LARGEST_VOLUME = 0.35, 2.0
_LEAST_LOOKS = 0.3  # mean probability of the type
# In the dentition's own frame, from its place in the row: along the jaw at most, and towards
# the ends of the roots at least. Milk teeth and extra teeth beside the row are not so deep.
_ALONG_MM, _DEEPER_MM = 16.0, 4.0


def displaced_teeth(
    regions: Sequence[Region], numbers: dict[int, int | None], leftover: set[int], pose: Pose
) -> dict[int, tuple[int, float]]:
    """Which regions without a place are teeth that lie off their row.

    Args:
        regions: all of them.
        numbers: region label -> FDI number, or None.
        leftover: labels of those that fit no place.
        pose: how the arch template lies over the teeth.

    Returns:
        Region label -> FDI number that no region has, or none but a crumb, and how much it looks
        like that tooth.
    """
    numbered = numbered_regions(regions, numbers)
    if not numbered or not leftover:
        return {}
    size = size_by_numbers(numbered)
    # A crumb in the place of a tooth that lies elsewhere holds its number.
    taken = {fdi for r, fdi in numbered if not is_crumb(r.volume_mm3, type_of(fdi), size)}
    found: dict[int, tuple[int, float]] = {}
    places = pose.places()
    for region in sorted(regions, key=lambda region: -region.volume_mm3):
        if region.label not in leftover:
            continue
        away = pose.to_template(np.array([region.centroid]))[0] - places
        deeper = away[..., 2] * np.array([[1.0], [-1.0]])
        looks = region.type_probabilities[SLOT_TYPES]
        volume = region.volume_mm3 / (size * VOLUMES_MM3[SLOT_TYPES])
        free = ~np.isin(SLOT_FDI, list(taken)) & (SLOT_FDI % 10 != 8)
        fits = (
            free
            & (deeper >= _DEEPER_MM)
            & (np.hypot(away[..., 0], away[..., 1]) <= _ALONG_MM)
            & (looks >= _LEAST_LOOKS)
            & (looks >= looks[free].max(initial=0.0))
            & (volume >= _LEAST_VOLUME)
            & (volume <= _LARGEST_VOLUME)
        )
        if not fits.any():
            continue
        # The two sides have one type: the nearer place.
        nearest = np.where(fits, np.linalg.norm(away, axis=-1), np.inf).argmin()
        fdi = int(SLOT_FDI.ravel()[nearest])
        taken.add(fdi)
        found[region.label] = fdi, float(looks.ravel()[nearest])
    return found
