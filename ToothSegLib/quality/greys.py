"""Grey values about the teeth. Scales differ from device to device, so only ratios are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ToothSegLib.grids.extremes import highest, lowest
from ToothSegLib.grids.label_boxes import IndexBox, grown
from ToothSegLib.volume import Volume

_MARGIN_MM = 8.0
_BESIDE_MM = 3.0
_PEAK_PERCENT = 98.0
_MOST_VOXELS = 4_000_000


@dataclass(frozen=True)
class Greys:
    """What grey values the teeth and what is about them have.

    Attributes:
        tooth: median of all teeth, mostly dentine.
        around: median of the box about the dentition without teeth and without what has one value
            only, as a filling or clipped air; mostly soft tissue.
        peaks: FDI number -> the tooth's 98th percentile, its enamel or a filling.
        contrast: how often a voxel of a tooth is brighter than one just beside the teeth; one half
            where they look alike (the area under the ROC curve).
    """

    tooth: float
    around: float
    peaks: dict[int, float]
    contrast: float


def measure_greys(labels: Volume, scan: Volume, boxes: Mapping[int, IndexBox]) -> Greys | None:
    """Grey values about the teeth; None without teeth.

    Args:
        labels: FDI numbers.
        scan: on the same grid.
        boxes: where each tooth lies in the array.
    """
    if not boxes:
        return None
    k, j, i = (
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in zip(*boxes.values(), strict=True)
    )
    box = grown((k, j, i), labels.shape, round(_MARGIN_MM / min(labels.spacing)))
    near, grey = labels.array[box], scan.array[box]
    step = max(1, round((near.size / _MOST_VOXELS) ** (1 / 3)))
    near, grey = near[::step, ::step, ::step], grey[::step, ::step, ::step]
    teeth = near > 0
    reach = max(1, round(_BESIDE_MM / (step * min(labels.spacing))))
    # Not the voxels at the very surface, which are half tooth.
    beside = highest(teeth, reach) & ~highest(teeth, 1)
    inside = grey[teeth].astype(float)
    outside = grey[~teeth & (highest(grey, 1) > lowest(grey, 1))]
    if not outside.size or not inside.size or not beside.any():
        return None
    shell = np.sort(grey[beside])
    ranks = np.searchsorted(shell, inside, "left") + np.searchsorted(shell, inside, "right")
    return Greys(
        tooth=float(np.median(inside)),
        around=float(np.median(outside)),
        peaks={
            fdi: float(np.percentile(scan.array[place][labels.array[place] == fdi], _PEAK_PERCENT))
            for fdi, place in boxes.items()
        },
        contrast=float(ranks.mean()) / 2 / len(shell),
    )
