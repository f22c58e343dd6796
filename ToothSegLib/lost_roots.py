"""A root of a second molar that was taken for a third molar goes back to its tooth.

What lies behind the second molar looks like a third one to the networks, be it a root that leans
back. But a third molar is no smaller than half a molar, and its middle lies behind that of the
second one; a root's lies below it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ToothSegLib.arch_line import ArchLine
from ToothSegLib.label_boxes import label_boxes
from ToothSegLib.norms import VOLUMES_MM3, WIDTHS_MM
from ToothSegLib.numbering import Numbering
from ToothSegLib.parting import patient_size
from ToothSegLib.regions import Region
from ToothSegLib.teeth import type_of

# Volumes over what the patient's other teeth suggest: of the root at most, and of both together.
_ROOT_AT_MOST, _BOTH_AT_MOST = 0.6, 1.5
# How far below the second molar's middle the root's lies, and how far it may lie along the arch:
# third molars lay at least 0.6 widths behind it, and hardly ever below.
_BELOW_MM, _ALONG_WIDTHS = 3.0, 0.6
# Of the root's surface.
_TOUCH = 0.05
_FACES = ndimage.generate_binary_structure(3, 1)


def rejoin_roots(
    labels: np.ndarray, regions: list[Region], numbering: Numbering
) -> np.ndarray | None:
    """Give such roots the label of their tooth.

    Args:
        labels: (Z, Y, X) integers, 0 background, one label a region.
        regions, numbering: of these labels.

    Returns:
        The same map with fewer labels; None if there was no such root.
    """
    scale = patient_size(regions, numbering)
    if numbering.pose is None or scale is None:
        return None
    line = ArchLine(numbering.pose)
    by_number = {numbering.numbers[region.label]: region for region in regions}
    joined = None
    for region in regions:
        third = numbering.third_molars.get(region.label)
        second = by_number.get(third - 1) if third else None
        if third is None or second is None or not _is_below(region, second, third, line):
            continue
        norm = scale * VOLUMES_MM3[type_of(third - 1)]
        small = region.volume_mm3 < _ROOT_AT_MOST * scale * VOLUMES_MM3[type_of(third)]
        whole = region.volume_mm3 + second.volume_mm3 < _BOTH_AT_MOST * norm
        if small and whole and _touch(labels, region.label, second.label) >= _TOUCH:
            joined = labels.copy() if joined is None else joined
            joined[labels == region.label] = second.label
    return joined


def _is_below(region: Region, second: Region, third: int, line: ArchLine) -> bool:
    lower = np.full(2, third >= 30)
    middles = np.stack([region.centroid, second.centroid])
    along, _, up = np.subtract(*line.coordinates(middles, lower))
    deeper = -up if third >= 30 else up
    return bool(deeper >= _BELOW_MM and abs(along) < _ALONG_WIDTHS * WIDTHS_MM[type_of(third - 1)])


def _touch(labels: np.ndarray, one: int, other: int) -> float:
    """Share of the surface of one region that lies against another."""
    box = label_boxes(labels)[one]
    near = tuple(slice(max(0, along.start - 1), along.stop + 1) for along in box)
    inside = labels[near] == one
    surface = inside & ~ndimage.binary_erosion(inside, _FACES)
    against = surface & ndimage.binary_dilation(labels[near] == other, _FACES)
    return float(against.sum() / max(1, surface.sum()))
