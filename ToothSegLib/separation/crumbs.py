"""Pieces that got the number of a tooth that is not there.

Where a tooth is missing, a crumb in its place is the likeliest holder of its number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ToothSegLib.arches.norms import TEETH_FOR_SCALE, is_crumb
from ToothSegLib.arches.patient_size import size_by_numbers
from ToothSegLib.arches.regions import Region, numbered_regions
from ToothSegLib.grids.cut_by_view import cut_among
from ToothSegLib.numbering import Numbering
from ToothSegLib.teeth import type_of
from ToothSegLib.volume import Volume


def without_crumbs(
    regions: Sequence[Region], numbering: Numbering, labels: Volume, scan: Volume
) -> tuple[Numbering, Volume]:
    """Take the numbers of crumbs away, unless the field of view has cut them from a tooth.

    Args:
        regions: as numbered.
        numbering: of these regions.
        labels: FDI numbers.
        scan: on the same grid.
    """
    numbered = numbered_regions(regions, numbering.numbers)
    if len(numbered) < TEETH_FOR_SCALE:
        return numbering, labels
    scale = size_by_numbers(numbered)
    small = {
        fdi: region.label
        for region, fdi in numbered
        if is_crumb(region.volume_mm3, type_of(fdi), scale)
    }
    cut = cut_among(small, labels, scan)
    crumbs = {label: fdi for fdi, label in small.items() if fdi not in cut}
    if not crumbs:
        return numbering, labels
    changed = numbering.without(())  # a copy
    for label in crumbs:
        changed.take_from_crumb(label)
    lost = np.isin(labels.array, list(crumbs.values()))
    return changed, labels.with_array(np.where(lost, 0, labels.array).astype(labels.array.dtype))
