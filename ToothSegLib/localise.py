"""Find the dentition: a coarse look at the whole scan gives the box that is worth a close one."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ToothSegLib.backends import Network
from ToothSegLib.extremes import highest
from ToothSegLib.grid import Box, extent, to_working_grid
from ToothSegLib.inference import tooth_probability
from ToothSegLib.normalise import normalise
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume

SPACING_MM = 1.5
# Beyond what is seen, (x, y, z): thin roots in bone are easily missed at this resolution, and the
# row may go on behind the last tooth that was found.
MARGIN_MM = np.array([10.0, 12.0, 16.0])
# Tooth-like voxels closer than this belong together.
_JOIN_MM = 12.0
_LEAST_MM3 = 60.0
# The largest dentition (x, y, z) with the mouth open; what lies outside is something else.
_LARGEST_MM = np.array([90.0, 85.0, 90.0])
# A scan no longer than this along any axis.
_SMALL_MM = 60.0


def find_dentition(
    network: Network,
    volume: Volume,
    device: str,
    progress: Progress,
    precision: str = "auto",
) -> Box | None:
    """The box around all teeth with a margin, LPS mm, or None if nothing looks like a tooth.

    Args:
        network: the bundle's locator as `backends.load_network` gives it, one output at 1.5 mm.
        volume: the whole scan.
        device: where to compute.
        progress: of this step.
        precision: one of `devices.PRECISIONS`.
    """
    coarse = to_working_grid(volume, SPACING_MM)
    image = normalise(np.ascontiguousarray(coarse.array, dtype=np.float32))
    tooth = tooth_probability(network, image, device, progress, precision) >= 0.5
    reach = round(_JOIN_MM / SPACING_MM / 2)
    groups, count = ndimage.label(highest(tooth, reach))
    corners = _join(tooth, groups, count)
    if corners is None:
        return None
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


def small_scan(volume: Volume) -> Box | None:
    """All of a scan that is small, LPS mm; None if it is not.

    A part of an arch without what is about it is easily missed at 1.5 mm, and a close look at so
    little takes no time.
    """
    first, last = extent(volume)
    if np.any(last - first > _SMALL_MM):
        return None
    return tuple(first.tolist()), tuple(last.tolist())


def _join(tooth: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray | None:
    """(2, 3) lowest and highest index (x, y, z) of the teeth, None if there are none.

    The largest group founds the box; the others join it, the nearest first, as long as all of it
    could be one dentition: jaws may be wide apart, and a stretch of an arch may not be seen.
    """
    extents = []
    for group in range(1, count + 1):
        where = np.argwhere(tooth & (groups == group))[:, ::-1]
        if len(where) * SPACING_MM**3 >= _LEAST_MM3:
            extents.append((len(where), where.min(axis=0), where.max(axis=0)))
    if not extents:
        return None
    extents.sort(key=lambda extent: -extent[0])
    _, low, high = extents.pop(0)
    while extents:
        gaps = [np.maximum(np.maximum(a - high, low - b), 0).max() for _, a, b in extents]
        _, a, b = extents.pop(int(np.argmin(gaps)))
        wider = np.minimum(low, a), np.maximum(high, b)
        if np.all((wider[1] - wider[0] + 1) * SPACING_MM <= _LARGEST_MM):
            low, high = wider
    return np.stack([low, high])
