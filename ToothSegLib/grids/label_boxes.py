"""Where the labels of a map lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IndexBox = tuple[slice, slice, slice]
"""Along (k, j, i)."""


def grown(
    box: IndexBox, shape: tuple[int, ...], margin: int | Sequence[int] | NDArray[np.integer]
) -> IndexBox:
    """A box with a margin on every side, within an array of ``shape``.

    Args:
        box: not empty.
        shape: (k, j, i).
        margin: voxels, the same along all axes, or one along each of (k, j, i).
    """
    k, j, i = (
        slice(max(along.start - int(more), 0), min(along.stop + int(more), size))
        for along, more, size in zip(box, np.broadcast_to(margin, 3), shape, strict=True)
    )
    return k, j, i


def filled_box(labels: NDArray) -> IndexBox | None:
    """The smallest box of all that is not background; None if nothing is.

    Args:
        labels: (k, j, i), 0 background.
    """
    columns = np.asarray(np.any(labels, axis=2))
    k, j = (_span(np.any(columns, axis=other)) for other in (1, 0))
    if k is None or j is None:
        return None
    i = _span(np.any(labels[k, j], axis=(0, 1)))
    return None if i is None else (k, j, i)


def label_boxes(labels: NDArray) -> dict[int, IndexBox]:
    """The smallest box of every label that occurs, by label, in ascending order.

    SciPy's `find_objects` looks at the voxels one by one; most of a scan are background, which is
    left out here first, at a fraction of the cost.

    Args:
        labels: (k, j, i) integers, 0 background; none is negative.
    """
    from scipy.ndimage import find_objects

    filled = filled_box(labels)
    if filled is None:
        return {}
    first = [along.start for along in filled]
    boxes = {}
    for label, box in enumerate(find_objects(labels[filled]), start=1):
        if box is not None:
            k, j, i = (slice(a + part.start, a + part.stop) for a, part in zip(first, box))
            boxes[label] = (k, j, i)
    return boxes


def _span(line: NDArray) -> slice | None:
    """From the first that is true to the last; None if none is."""
    there = np.flatnonzero(line)
    return slice(int(there[0]), int(there[-1]) + 1) if len(there) else None
