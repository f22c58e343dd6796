"""Labels that can hardly be right, or not of this scan: to be looked at, but no fault.

The scans of one device often have one grid, so the grid does not tell whose labels these are. A
program's labels are looked at more closely, with its networks' answers at hand; see `quality`. Of
labels that somebody has drawn and approved only what is beyond doubt is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import numpy as np

from ToothSegLib.arches.norms import CRUMB_SHARE
from ToothSegLib.arches.regions import Region
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.errors import InputError
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.greys import measure_greys
from ToothSegLib.quality.row import order_findings
from ToothSegLib.report import Tooth, measure_teeth
from ToothSegLib.teeth import N_TYPES
from ToothSegLib.volume import Volume

# A voxel of a tooth is brighter than one beside the teeth (`Greys.contrast`) in 99 of 100 cases in
# the sample scan and in 92 to 99 in seven simulated ones, some with few teeth or much metal; in 81
# and more where a single tooth of theirs is labelled. With the labels of another head on the same
# grid it was 41 to 57, mirrored 53 to 66, moved by 6 mm 51 to 71 and by 3 mm sideways 66 to 74.
_LEAST_CONTRAST = 0.75
# Of less than the smallest tooth nothing can be told.
_LEAST_MM3 = 100.0


def case_doubts(case: DatasetCase) -> list[str]:
    """`label_doubts` of a case's newest labels; of these alone where its scan is damaged.

    Raises:
        InputError: the labels cannot be read.
    """
    scan = None
    with suppress(InputError):  # `checks` tells of it
        scan = case.image()
    return label_doubts(case.labels(), scan)


def label_doubts(labels: Volume, scan: Volume | None) -> list[str]:
    """In a line each: labels that lie beside what is bright in the scan, teeth of a few voxels, and
    numbers that run against the arch or its sides.

    Args:
        labels: FDI numbers on the scan's grid, uint8, 0 background.
        scan: the scan that they are said to be of, on the same grid; None if it is not at hand.
    """
    teeth = measure_teeth(labels, {})
    doubts = [] if scan is None else _another_scan(teeth, labels, scan)
    facts = _facts(teeth, labels)
    # `sizes` are of whole teeth: of those that the scan cuts a few voxels may be right.
    crumbs = [tooth for tooth in teeth if facts.sizes.get(tooth.fdi, 1.0) < CRUMB_SHARE]
    doubts += [
        f"tooth {tooth.fdi} has {tooth.voxels} voxels ({tooth.volume_mm3:.1f} mm3), too few for a "
        "tooth: the rest of another one, or a wrong number"
        for tooth in crumbs
    ]
    if crumbs:  # they would mislead about the row
        facts = _facts([tooth for tooth in teeth if tooth not in crumbs], labels)
    return doubts + [finding.message for finding in order_findings(facts)]


def _another_scan(teeth: Iterable[Tooth], labels: Volume, scan: Volume) -> list[str]:
    if sum(tooth.volume_mm3 for tooth in teeth) < _LEAST_MM3:
        return []
    greys = measure_greys(labels, scan, label_boxes(labels.array))
    if greys is None or greys.contrast >= _LEAST_CONTRAST:
        return []
    return [
        "what is labelled is hardly brighter than what is beside it (a voxel of a tooth outshines "
        f"one beside the teeth in {100 * greys.contrast:.0f} of 100 cases, where 80 and more are "
        "usual): are these labels of another scan?"
    ]


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
