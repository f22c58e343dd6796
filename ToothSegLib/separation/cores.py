"""How bright the core of a region is, in units of the bone beside the teeth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.arches.regions import Region
from ToothSegLib.grids.extremes import highest
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.volume import Volume

# Air, as far as the scan has any: this share of it is darker. What has the scan's lowest value is
# clipped, or was never seen, as outside of a scanner's cylinder, and tells nothing.
_DARK_PERCENTILE = 2.0
# Bone: the brightest of what is about the teeth and further away from them than metal shines.
_BONE_PERCENTILE = 95.0
_BESIDE_MM = 2.0
# The core is what surfaces blur little; its innermost part is below enamel and crowns, and they
# do not blur it at all. A thin tooth has neither, but has a middle.
_CORE_MM, _INNERMOST_MM = 0.9, 1.3
_FEWEST_VOXELS = 20
_PEAK_PERCENTILE = 98.0
_STEP = 2


class Part(NamedTuple):
    """Of a part of a region, what 2, 5, 10, 20 and 50 % of it are darker than."""

    least: float
    low: float
    tenth: float
    fifth: float
    middle: float


_PERCENTILES = (2.0, 5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True)
class Core:
    """Brightness of a region: 0 is air, 1 the bright bone beside the teeth.

    Attributes:
        all: of its core.
        innermost: of the innermost part of its core.
        peak: what 98 % of all of the region are darker than.
        root: what half of the core is darker than in the third of it furthest from the bite.
    """

    all: Part
    innermost: Part
    peak: float
    root: float


def measure_cores(
    labels: NDArray[np.integer], regions: list[Region], image: Volume, scan: Volume
) -> tuple[list[Core], float]:
    """The regions' cores, in their order, and the end of the scan's scale in the same units.

    Args:
        labels: (Z, Y, X) of the regions, 0 background, on the grid of ``image``.
        regions: one a label.
        image: the part of the scan that was looked at.
        scan: all of it.

    Returns:
        No cores if there is no bone brighter than air.
    """
    dark, top = _ends(scan)
    bone = _bone(labels, image)
    if not bone > dark:
        return [], 0.0
    boxes = label_boxes(labels)
    cores = []
    for region in regions:
        box = boxes[region.label]
        inside = np.pad(labels[box] == region.label, 1)
        depth = ndimage.distance_transform_edt(inside, sampling=image.spacing[::-1])
        depth = depth[1:-1, 1:-1, 1:-1]
        grey = (image.array[box] - dark) / (bone - dark)
        all_of_it, innermost = (
            Part(*np.percentile(grey[_deeper(depth, mm)], _PERCENTILES).tolist())
            for mm in (_CORE_MM, _INNERMOST_MM)
        )
        peak = float(np.percentile(grey[depth > 0], _PEAK_PERCENTILE))
        core = _deeper(np.where(_root(depth > 0, region, image.spacing), depth, 0.0), _CORE_MM)
        cores.append(Core(all_of_it, innermost, peak, float(np.median(grey[core]))))
    return cores, (top - dark) / (bone - dark)


def _root(
    inside: NDArray[np.bool_], region: Region, spacing: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Where a region is in the third of its length that is furthest from the bite, by its look."""
    upper, lower = region.looks_by_jaw
    along = region.axis if upper >= lower else -region.axis
    k, j, i = (np.arange(size) * mm for size, mm in zip(inside.shape, spacing[::-1], strict=True))
    way = along[0] * i + along[1] * j[:, None] + along[2] * k[:, None, None]
    own = way[inside]
    return inside & (way >= own.max() - (own.max() - own.min()) / 3)


def _ends(scan: Volume) -> tuple[float, float]:
    """What is dark in a scan, and its brightest value."""
    sample = scan.array[::_STEP, ::_STEP, ::_STEP]
    seen = sample[sample > sample.min()]
    if not seen.size:
        return float(sample.min()), float(sample.max())
    return float(np.percentile(seen, _DARK_PERCENTILE)), float(seen.max())


def _bone(labels: NDArray[np.integer], image: Volume) -> float:
    """Grey value of bright bone; NaN if the regions fill the image."""
    near = labels[::_STEP, ::_STEP, ::_STEP] > 0
    k, j, i = (round(_BESIDE_MM / (_STEP * mm)) for mm in image.spacing[::-1])
    near = highest(near, (k, j, i))
    beside = image.array[::_STEP, ::_STEP, ::_STEP][~near]
    return float(np.percentile(beside, _BONE_PERCENTILE)) if beside.size else float("nan")


def _deeper(depth: NDArray[np.floating], mm: float) -> NDArray[np.bool_]:
    """Where a region is as deep as that, or, in a thin one, deepest."""
    deepest = float(np.sort(depth, axis=None)[-_FEWEST_VOXELS:][0])
    return depth >= max(min(mm, deepest), 1e-6)
