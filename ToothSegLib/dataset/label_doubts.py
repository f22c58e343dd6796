"""Labels that can hardly be right, whatever the scan shows: to be looked at, but no fault.

A program's labels are looked at more closely, with its networks' answers at hand; see `quality`. Of
labels that somebody has drawn and approved only what is beyond doubt is told.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ToothSegLib.arches.norms import CRUMB_SHARE
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.row import order_findings
from ToothSegLib.report import Tooth, measure_teeth
from ToothSegLib.teeth import N_TYPES
from ToothSegLib.volume import Volume


def label_doubts(labels: Volume) -> list[str]:
    """In a line each: teeth of a few voxels, and numbers that run against the arch or its sides.

    Args:
        labels: FDI numbers on the scan's grid, uint8, 0 background.
    """
    teeth = measure_teeth(labels, {})
    facts = _facts(teeth, labels)
    # `sizes` are of whole teeth: of those that the scan cuts a few voxels may be right.
    crumbs = [tooth for tooth in teeth if facts.sizes.get(tooth.fdi, 1.0) < CRUMB_SHARE]
    doubts = [
        f"tooth {tooth.fdi} has {tooth.voxels} voxels ({tooth.volume_mm3:.1f} mm3), too few for a "
        "tooth: the rest of another one, or a wrong number"
        for tooth in crumbs
    ]
    if crumbs:  # they would mislead about the row
        facts = _facts([tooth for tooth in teeth if tooth not in crumbs], labels)
    return doubts + [finding.message for finding in order_findings(facts)]


def _facts(teeth: Iterable[Tooth], labels: Volume) -> Facts:
    """What is asked of places and sizes; numbers are sure, and nothing is known of looks."""
    regions = [
        Region(
            label=tooth.fdi,
            voxels=tooth.voxels,
            volume_mm3=tooth.volume_mm3,
            centroid=np.array(tooth.centroid_lps),
            axis=np.array([0.0, 0.0, 1.0]),
            type_probabilities=np.zeros(N_TYPES),
            confidence=1.0,
        )
        for tooth in teeth
    ]
    numbers: dict[int, int | None] = {region.label: region.label for region in regions}
    return Facts(regions, Numbering(numbers, dict.fromkeys(numbers, 1.0)), labels, None)
