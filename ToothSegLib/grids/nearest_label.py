"""Labels grown outwards to what is near: in between, the nearest one wins."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.machine.in_threads import MOST, in_threads, thread_count

Label = TypeVar("Label", bound=np.generic)


def nearest_within(labels: NDArray[Label], reach: float, spacing: float = 1.0) -> NDArray[Label]:
    """The label that is nearest to each voxel, 0 where none is within reach.

    Computed in slabs along the first axis, each with as many layers beside it as the reach can
    span, in as many threads as the process may use.

    Args:
        labels: (k, j, i), 0 background.
        reach: how far, in the unit of ``spacing``; up to and with that.
        spacing: edge of a voxel.
    """
    margin = int(np.ceil(reach / spacing))
    result = np.zeros_like(labels)
    slabs = min(thread_count(), MOST, len(labels))
    edges = np.linspace(0, len(labels), slabs + 1).astype(int)

    def fill(slab: tuple[int, int]) -> None:
        start, stop = slab
        first = max(start - margin, 0)
        near = labels[first : stop + margin]
        if not near.any():  # nothing is nearest then
            return
        distance, nearest = ndimage.distance_transform_edt(near == 0, spacing, return_indices=True)
        inner = slice(start - first, stop - first)
        found = near[tuple(nearest[:, inner])]
        result[start:stop] = np.where(distance[inner] <= reach, found, 0)

    in_threads(fill, zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return result
