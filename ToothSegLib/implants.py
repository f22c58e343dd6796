"""Implants: what the networks took for a tooth and is metal to its core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.regions import Region
from ToothSegLib.report import Finding
from ToothSegLib.volume import Volume

# The core of a tooth is dentine and pulp, whatever a dentist has put on it or into its canals; the
# core of an implant is titanium. On a scale from the scan's darkest to its bone and teeth, cores
# of teeth were at most 1.2 in simulated scans with and without crowns, in a head CT and in a coarse
# head with fillings; those of simulated implants 1.4 and up.
_METAL = 1.3
_DARK_PERCENTILE = 2.0
# What is bright fills so much of a scan, or, in a large one with much air around the head, so many
# mm3: less than teeth and dense bone have together, and more than all implants of a mouth.
_BRIGHT_SHARE, _BRIGHT_MM3 = 0.01, 8000.0
# Deep enough to be below enamel and crowns; the middle of a thin tooth is less deep.
_CORE_MM = 1.3
_LEAST_CORE_VOXELS = 20
# Nearly all of the core must be metal; a post or a root filling is a part of it.
_CORE_PERCENTILE = 10.0
_STEP = 2


def find_implants(
    labels: NDArray[np.integer], regions: list[Region], image: Volume, scan: Volume
) -> list[Region]:
    """The regions that are implants.

    Args:
        labels: (Z, Y, X) of the regions, 0 background, on the grid of ``image``.
        regions: one a label.
        image: the part of the scan that was looked at.
        scan: all of it, which tells what is dark and what is bright.
    """
    sample = scan.array[::_STEP, ::_STEP, ::_STEP]
    share = min(_BRIGHT_SHARE, _BRIGHT_MM3 / (scan.array.size * float(np.prod(scan.spacing))))
    dark, bright = np.percentile(sample, (_DARK_PERCENTILE, 100.0 * (1.0 - share)))
    if bright <= dark:
        return []
    limit = dark + _METAL * (bright - dark)
    boxes = ndimage.find_objects(labels)
    found = []
    for region in regions:
        box = boxes[region.label - 1]
        inside = np.pad(labels[box] == region.label, 1)
        depth = ndimage.distance_transform_edt(inside, sampling=image.spacing[::-1])
        depth = depth[1:-1, 1:-1, 1:-1]
        deep = min(_CORE_MM, float(np.sort(depth, axis=None)[-_LEAST_CORE_VOXELS:][0]))
        core = image.array[box][depth >= max(deep, 1e-6)]
        if np.percentile(core, _CORE_PERCENTILE) > limit:
            found.append(region)
    return found


def implant_findings(implants: list[Region]) -> list[Finding]:
    """What is said of them: one sentence for all."""
    if not implants:
        return []
    places = ", ".join(
        "({:.0f}, {:.0f}, {:.0f})".format(*region.centroid)
        for region in sorted(implants, key=lambda region: region.centroid[0])
    )
    one = (
        f"Something at {places} mm LPS is as bright as metal through and through: an implant, "
        "left out."
    )
    many = (
        f"{len(implants)} things at {places} mm LPS are as bright as metal through and through: "
        "implants, left out."
    )
    return [Finding("implant", "medium", one if len(implants) == 1 else many)]
