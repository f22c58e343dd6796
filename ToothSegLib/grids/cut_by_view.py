"""Teeth that are not all in the field of view: at the array's border, or at a cylinder's.

Many scanners store a box and fill what lies outside their cylinder with one value. Such a filling
has no noise; nor has air that was clipped, but a filling's border is smooth and runs on through
teeth, while the border of clipped air bends around them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import ceil

import numpy as np
from scipy import ndimage

from ToothSegLib.grids.extremes import highest, lowest
from ToothSegLib.grids.label_boxes import IndexBox, grown, label_boxes
from ToothSegLib.volume import Volume

# Less of a tooth at the border is no cut; a cut through its whole thickness has 20-60 mm2.
LEAST_CUT_MM2 = 6.0
# How far a filling's border strays from a plane beside one tooth (root mean square): a cylinder of
# 20 mm bends by 0.2 mm there, voxels add 0.3 of their size. Clipped air strays by 0.6 mm and more
# at voxels of 1 mm, nine fillings of ten by 0.5 mm at most.
MOST_BENT_MM, MOST_BENT_VOXELS = 0.25, 0.3
# A label comes from a grid of 0.5 mm and may end by so much before a filling; a voxel at least.
_SHORT_MM = 0.5
# It may end two voxels of that grid before the array does. The tooth goes on to the array's border
# if what is there is no darker than the darkest tenth of it; what lies beside a tooth is darker.
_SHORT_OF_ARRAY_MM, _DARKEST_PERCENT = 1.0, 10.0
# How far beside the tooth the border is looked at; two voxels at least.
_BESIDE_MM = 0.8
# Finer scans are looked at in steps of this: so fine is enough, and far less to go through.
_FINE_MM = 0.3


def cut_teeth(labels: Volume, scan: Volume | None, boxes: Mapping[int, IndexBox]) -> set[int]:
    """FDI numbers of the teeth that reach the border of what the scanner saw.

    Args:
        labels: FDI numbers.
        scan: on the same grid; without it only labels at the array's very border count.
        boxes: where each tooth lies in the array.
    """
    cut = {
        fdi
        for fdi, box in boxes.items()
        if any(
            part.start == 0 or part.stop == size
            for part, size in zip(box, labels.shape, strict=True)
        )
    }
    if scan is not None:
        cut |= {fdi for fdi in boxes.keys() - cut if _cut_by_array(labels, scan, fdi, boxes[fdi])}
        thin = [max(1, int(_FINE_MM / step + 1e-3)) for step in scan.spacing[::-1]]
        steps_mm = tuple(n * step for n, step in zip(thin, scan.spacing[::-1], strict=True))
        some = tuple(slice(None, None, n) for n in thin)
        margin = max(thin) * (1 + _voxels(_BESIDE_MM, steps_mm, at_least=2))
        for fdi in boxes.keys() - cut:
            box = grown(boxes[fdi], labels.shape, margin)
            if _cut_by_filling(labels.array[box][some] == fdi, scan.array[box][some], steps_mm):
                cut.add(fdi)
    return cut


def cut_among(numbers: Collection[int], labels: Volume, scan: Volume) -> set[int]:
    """Those of some FDI numbers whose teeth reach the border of what the scanner saw."""
    if not numbers:
        return set()
    boxes = {fdi: box for fdi, box in label_boxes(labels.array).items() if fdi in numbers}
    return cut_teeth(labels, scan, boxes)


def _voxels(reach_mm: float, steps_mm: Sequence[float], at_least: int) -> int:
    """How many voxels reach as far, by the finest step."""
    return max(at_least, ceil(reach_mm / min(steps_mm) - 1e-3))


def _cut_by_array(labels: Volume, scan: Volume, fdi: int, box: IndexBox) -> bool:
    """Whether a tooth whose label ends just before the array does goes on to the border."""
    face_mm2 = labels.voxel_mm3 / np.array(labels.spacing[::-1])
    own = labels.array[box] == fdi
    for axis, step in enumerate(labels.spacing[::-1]):
        most = int(_SHORT_OF_ARRAY_MM / step + 1e-3)
        size = labels.shape[axis]
        for gap, last, border in (
            (box[axis].start, 0, 0),
            (size - box[axis].stop, -1, size - 1),
        ):
            if not 0 < gap <= most:
                continue
            end = own.take(last, axis=axis)
            if end.sum() * face_mm2[axis] < LEAST_CUT_MM2:
                continue
            beside = tuple(border if n == axis else part for n, part in enumerate(box))
            dark = np.percentile(scan.array[box][own], _DARKEST_PERCENT)
            if (scan.array[beside][end] >= dark).sum() * face_mm2[axis] >= LEAST_CUT_MM2:
                return True
    return False


def _cut_by_filling(own: np.ndarray, grey: np.ndarray, steps_mm: tuple[float, ...]) -> bool:
    """Whether a tooth ends abruptly at the smooth border of a region of one value.

    Args:
        own: (k, j, i) bool, the tooth.
        grey: the scan, of the same shape.
        steps_mm: of the axes k, j, i.
    """
    if not own.any():  # a sliver that the thinning left out
        return False
    typical = float(np.median(grey[own]))
    flat = (grey < typical) & (highest(grey, 1) == lowest(grey, 1))
    if not flat.any():
        return False
    values, counts = np.unique(grey[flat], return_counts=True)
    filling = values[counts.argmax()]
    unseen = grey == filling
    border = ndimage.binary_dilation(unseen) & ~unseen
    reached = ndimage.binary_dilation(own, iterations=_voxels(_SHORT_MM, steps_mm, at_least=1))
    ends = border & reached & (grey > (typical + float(filling)) / 2)
    face_mm2 = float(np.prod(steps_mm)) ** (2 / 3)
    if ends.sum() * face_mm2 < LEAST_CUT_MM2:
        return False
    near = ndimage.binary_dilation(own, iterations=_voxels(_BESIDE_MM, steps_mm, at_least=2))
    points = np.argwhere(border & near) * steps_mm
    least_spread = np.linalg.eigvalsh(np.cov(points.T, bias=True))[0]
    most = MOST_BENT_MM + MOST_BENT_VOXELS * max(steps_mm)
    return bool(np.sqrt(max(least_spread, 0.0)) <= most)
