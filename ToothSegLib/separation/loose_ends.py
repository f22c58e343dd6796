"""Ends of teeth that have come off on the scan's grid.

A root's thin neck may fall between the voxels of a grid coarser than the working one; what lies
beyond it is then a speck of its own, no part of the tooth's surface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.grids.label_boxes import IndexBox, label_boxes

# A root that came off is larger than either; it stays, for the reader to see.
MOST_SHARE = 0.1
MOST_MM3 = 15.0
# Of a piece that hangs on by an edge or a corner a surface makes a part of its own. A root's thin
# end may hang so, a speck of this size is none.
SPECK_MM3 = 1.0

_BY_FACES = ndimage.generate_binary_structure(3, 1)
_BY_CORNERS = ndimage.generate_binary_structure(3, 3)


def without_loose_ends(labels: NDArray, whole: NDArray, voxel_mm3: float) -> NDArray:
    """Take off each tooth the small pieces that do not touch it, not even by a corner, and specks
    that touch it by no face.

    A tooth that was in pieces before is left as it was, and so is a piece at the array's border:
    the field of view may have cut it from its tooth.

    Args:
        labels: (k, j, i) FDI numbers on the scan's grid, 0 background.
        whole: (Z, Y, X) the same teeth on the working grid.
        voxel_mm3: volume of a voxel of the scan.

    Returns:
        The labels themselves where nothing has come off, else a copy.
    """
    result = labels
    boxes: dict[int, IndexBox] | None = None
    for fdi, box in label_boxes(labels).items():
        for touching, most_mm3 in ((_BY_CORNERS, MOST_MM3), (_BY_FACES, SPECK_MM3)):
            pieces, count = ndimage.label(result[box] == fdi, touching)
            if count < 2:
                continue
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            small = (sizes < MOST_SHARE * sizes.sum()) & (sizes * voxel_mm3 < most_mm3)
            small[0] = False
            small[_at_border(pieces, box, labels.shape)] = False
            if not small.any():
                continue
            boxes = label_boxes(whole) if boxes is None else boxes
            if fdi in boxes and ndimage.label(whole[boxes[fdi]] == fdi, touching)[1] > 1:
                continue
            result = labels.copy() if result is labels else result
            result[box][small[pieces]] = 0
    return result


def _at_border(pieces: NDArray, box: IndexBox, shape: tuple[int, ...]) -> NDArray:
    """The pieces of a box that lie at the border of the whole array; 0 may be among them."""
    faces = [
        pieces.take(end, axis=axis).ravel()
        for axis, (part, size) in enumerate(zip(box, shape, strict=True))
        for end, there in ((0, part.start == 0), (-1, part.stop == size))
        if there
    ]
    return np.unique(np.concatenate(faces)) if faces else np.zeros(0, int)
