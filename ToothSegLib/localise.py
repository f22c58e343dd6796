"""Find the dentition: a coarse look at the whole scan gives the boxes that are worth a close one.

Nearly always that is one. A small scan is worth a close look as a whole (`small_scan`). A scan of a
whole head holds bone that looks much like teeth at this resolution, such as that of the forehead;
where that may be the dentition as well, both are looked at closely, and the closer look decides
(`tooth_evidence_mm3`).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ToothSegLib.compute.backends import Network
from ToothSegLib.compute.normalise import normalise
from ToothSegLib.grids.extremes import highest
from ToothSegLib.grids.grid import Box, extent, to_working_grid
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.inference import tooth_probability
from ToothSegLib.maps import TOOTH_THRESHOLD, Maps
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume

SPACING_MM = 1.5
# Beyond what is seen, (x, y, z): thin roots in bone are easily missed at this resolution, and the
# row may go on behind the last tooth that was found.
MARGIN_MM = np.array([10.0, 12.0, 16.0])
# Tooth-like voxels closer than this belong together.
_JOIN_MM = 12.0
_LEAST_MM3 = 60.0
# What lies elsewhere is worth a close look of its own from the size of a tooth on, and so often.
_LEAST_OTHER_MM3 = 300.0
_MOST_BOXES = 3
# The largest dentition (x, y, z) with the mouth open; what lies outside is something else.
LARGEST_MM = np.array([90.0, 85.0, 90.0])
# The largest of the small fields of view of dental scanners, 80 x 80 x 50 mm, and a little more.
_SMALL_MM3 = 330e3
# Likewise 60 x 60 x 60 mm. In more that shows no teeth at 1.5 mm there are none.
_SMALLEST_MM3 = 220e3
_SMALL_MM = 100.0  # along every axis, of either


def find_dentitions(
    network: Network,
    volume: Volume,
    device: str,
    progress: Progress,
    precision: str = "auto",
) -> list[Box]:
    """The boxes in which the dentition may be, each around all of its teeth with a margin, LPS mm.

    The one with most that looks like teeth comes first; none if nothing does.

    Args:
        network: the bundle's locator as `backends.load_network` gives it, one output at 1.5 mm.
        volume: the whole scan.
        device: where to compute.
        progress: of this step.
        precision: one of `devices.PRECISIONS`.
    """
    coarse = to_working_grid(volume, SPACING_MM)
    image = normalise(np.ascontiguousarray(coarse.array, dtype=np.float32))
    tooth = tooth_probability(network, image, device, progress, precision) >= TOOTH_THRESHOLD
    reach = round(_JOIN_MM / SPACING_MM / 2)
    groups, _ = ndimage.label(highest(tooth, reach))
    extents = _extents(np.where(tooth, groups, 0))
    boxes: list[Box] = []
    while extents and len(boxes) < _MOST_BOXES:
        corners, voxels, extents = _join(extents)
        if not boxes or voxels * SPACING_MM**3 >= _LEAST_OTHER_MM3:
            boxes.append(_with_margin(corners, coarse))
    return boxes


def tooth_evidence_mm3(maps: Maps) -> float:
    """How much of a box is tooth whose type is beyond doubt: what tells teeth from other bone."""
    types = maps.types if maps.at is not None else maps.types[:, maps.tooth >= TOOTH_THRESHOLD]
    sure = types[1:].max(axis=0).astype(np.float64) if types.size else np.zeros(0)
    return float(sure.sum() * maps.spacing_mm**3)


def sureness(maps: Maps) -> float:
    """How sure the type of what is marked as tooth is on average, 0 to 1; 1 if nothing is."""
    marked_mm3 = np.count_nonzero(maps.tooth >= TOOTH_THRESHOLD) * maps.spacing_mm**3
    return tooth_evidence_mm3(maps) / float(marked_mm3) if marked_mm3 else 1.0


def _with_margin(corners: np.ndarray, coarse: Volume) -> Box:
    low = np.asarray(coarse.origin) + (corners[0] - 0.5) * SPACING_MM - MARGIN_MM
    high = np.asarray(coarse.origin) + (corners[1] + 0.5) * SPACING_MM + MARGIN_MM
    first = np.asarray(coarse.origin) - 0.5 * SPACING_MM
    last = first + np.asarray(coarse.shape[::-1]) * SPACING_MM
    low, high = np.maximum(low, first), np.minimum(high, last)
    return (float(low[0]), float(low[1]), float(low[2])), (
        float(high[0]),
        float(high[1]),
        float(high[2]),
    )


def small_scan(volume: Volume, *, seen: bool) -> Box | None:
    """All of a scan that is small, LPS mm; None if it is not.

    Of a part of an arch without what is about it, whole teeth are easily missed at 1.5 mm, and a
    close look at all of it takes no longer than that at the dentition of a larger scan.

    Args:
        volume: the whole scan.
        seen: whether the coarse look saw any teeth in it.
    """
    first, last = extent(volume)
    most = _SMALL_MM3 if seen else _SMALLEST_MM3
    if np.any(last - first > _SMALL_MM) or np.prod(last - first) > most:
        return None
    return tuple(first.tolist()), tuple(last.tolist())


_Extent = tuple[int, np.ndarray, np.ndarray]
"""Of a group: voxels, lowest and highest index (x, y, z)."""


def _extents(groups: np.ndarray) -> list[_Extent]:
    """Those that could be a part of a tooth, the largest first.

    Args:
        groups: (Z, Y, X) which group a voxel belongs to, from 1; 0 for what is no tooth. Noise and
            bone may make hundreds of them, so the grid is not gone through for each.
    """
    voxels = np.bincount(groups[groups > 0])
    extents: list[_Extent] = []
    for group, box in label_boxes(groups).items():
        if voxels[group] * SPACING_MM**3 >= _LEAST_MM3:
            low, high = np.array([(along.start, along.stop - 1) for along in box[::-1]]).T
            extents.append((int(voxels[group]), low, high))
    return sorted(extents, key=lambda extent: -extent[0])


def _join(extents: list[_Extent]) -> tuple[np.ndarray, int, list[_Extent]]:
    """(2, 3) lowest and highest index (x, y, z) of a dentition, its voxels, and the groups left.

    The largest group founds the box; the others join it, the nearest first, as long as all of it
    could be one dentition: jaws may be wide apart, and a stretch of an arch may not be seen.
    """
    (voxels, low, high), *others = extents
    left: list[_Extent] = []
    while others:
        gaps = [np.maximum(np.maximum(a - high, low - b), 0).max() for _, a, b in others]
        group = others.pop(int(np.argmin(gaps)))
        more, a, b = group
        wider = np.minimum(low, a), np.maximum(high, b)
        if np.all((wider[1] - wider[0] + 1) * SPACING_MM <= LARGEST_MM):
            (low, high), voxels = wider, voxels + more
        else:
            left.append(group)
    return np.stack([low, high]), voxels, sorted(left, key=lambda extent: -extent[0])
