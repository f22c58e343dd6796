"""Where the labels of a map lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IndexBox = tuple[slice, slice, slice]
"""Along (k, j, i)."""


def label_boxes(labels: NDArray) -> dict[int, IndexBox]:
    """The smallest box of every label that occurs, by label, in ascending order.

    SciPy's `find_objects` looks at the voxels one by one; most of a scan are background, which is
    left out here first, at a fraction of the cost.

    Args:
        labels: (k, j, i) integers, 0 background; none is negative.
    """
    from scipy.ndimage import find_objects

    filled = [np.flatnonzero(np.any(labels, axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if not len(filled[0]):
        return {}
    first = [int(line[0]) for line in filled]
    k, j, i = (slice(line[0], line[-1] + 1) for line in filled)
    boxes = {}
    for label, box in enumerate(find_objects(labels[k, j, i]), start=1):
        if box is not None:
            k, j, i = (slice(a + part.start, a + part.stop) for a, part in zip(first, box))
            boxes[label] = (k, j, i)
    return boxes
