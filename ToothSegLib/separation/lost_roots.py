"""A root that was taken for a third molar, or for nothing, goes back to its tooth.

What lies behind the second molar looks like a third one to the networks, be it a root that leans
back. But a third molar is no smaller than half a molar, and its middle lies behind that of the
second one; a root's lies below it. The end of any other root may look like another tooth's, and
then fits no place in the arch. An extra tooth or a bud may lie there as well: so what is added is
told, and what lies beside the root or far beyond it is left alone.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ToothSegLib.arches.arch_line import ArchLine
from ToothSegLib.arches.norms import LENGTHS_MM, VOLUMES_MM3, WIDTHS_MM
from ToothSegLib.arches.patient_size import size_if_enough
from ToothSegLib.arches.regions import Region, numbered_regions
from ToothSegLib.grids.label_boxes import IndexBox, grown, label_boxes
from ToothSegLib.numbering import Numbering
from ToothSegLib.teeth import type_of

# Volumes over what the patient's other teeth suggest: of the root at most, and of both together.
_ROOT_AT_MOST, _BOTH_AT_MOST = 0.6, 1.5
# How far below the tooth's middle the root's lies, and how far it may lie along the arch:
# third molars lay at least 0.6 widths behind it, and hardly ever below.
_BELOW_MM, _ALONG_WIDTHS = 3.0, 0.6
# How far out of the arch or into it, over how far below: roots lean, those of incisors most, and
# molars have one beside the other. Ends of simulated roots had up to 0.66.
_LEAN = 0.7
# And how far below at most, over the length of the tooth: the middles of two parts of a rod lie
# half of its length apart. 98 of 100 simulated ends lay no further away.
_BELOW_LENGTHS = 0.52
# Of the root's surface.
_TOUCH = 0.05
_FACES = ndimage.generate_binary_structure(3, 1)


def rejoin_roots(
    labels: np.ndarray, regions: list[Region], numbering: Numbering
) -> tuple[np.ndarray, list[Region]] | None:
    """Give such roots the label of their tooth.

    Args:
        labels: (Z, Y, X) integers, 0 background, one label a region.
        regions, numbering: of these labels.

    Returns:
        The same map with fewer labels, and the regions that are part of a tooth in it; None if
        there was no such root.
    """
    owners = numbered_regions(regions, numbering.numbers)
    scale = size_if_enough(owners)
    if numbering.pose is None or scale is None:
        return None
    line = ArchLine(numbering.pose)
    boxes = label_boxes(labels)
    joined, roots = labels.copy(), []
    for region in regions:
        if numbering.numbers[region.label] is not None:
            continue
        third = numbering.third_molars.get(region.label)
        touching = {
            owner.label: _touch(labels, boxes[region.label], region.label, owner.label)
            for owner, fdi in owners
            if third in (None, fdi + 1) and _is_root_of(owner, region, fdi, line, scale)
        }
        best = max(touching, key=lambda label: touching[label], default=0)
        if best and touching[best] >= _TOUCH:
            joined[labels == region.label] = best
            roots.append(region)
    return (joined, roots) if roots else None


def _is_root_of(tooth: Region, region: Region, fdi: int, line: ArchLine, scale: float) -> bool:
    """Whether a region lies below a tooth, as its root would, and the two are no more than one."""
    norm = scale * VOLUMES_MM3[type_of(fdi)]
    if region.volume_mm3 >= _ROOT_AT_MOST * norm:
        return False
    if region.volume_mm3 + tooth.volume_mm3 >= _BOTH_AT_MOST * norm:
        return False
    lower = np.full(2, fdi >= 30)
    middles = np.stack([region.centroid, tooth.centroid])
    along, outwards, up = np.subtract(*line.coordinates(middles, lower))
    deeper = -up if fdi >= 30 else up
    kind = type_of(fdi)
    return bool(
        _BELOW_MM <= deeper <= _BELOW_LENGTHS * np.cbrt(scale) * LENGTHS_MM[kind]
        and abs(along) < _ALONG_WIDTHS * WIDTHS_MM[kind]
        and abs(outwards) <= _LEAN * deeper
    )


def _touch(labels: np.ndarray, box: IndexBox, one: int, other: int) -> float:
    """Share of the surface of one region, which fills the box, that lies against another."""
    near = grown(box, labels.shape, 1)
    inside = labels[near] == one
    surface = inside & ~ndimage.binary_erosion(inside, _FACES)
    against = surface & ndimage.binary_dilation(labels[near] == other, _FACES)
    return float(against.sum() / max(1, surface.sum()))
