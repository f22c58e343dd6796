"""Where the voxels of each label of an image are, in few bytes: to tell whether they changed."""

from __future__ import annotations

import hashlib
from typing import Any

from ToothSegScene.layer_values import ImageKey, image_key
from ToothSegScene.segment_values import masks_of, matrix_of, voxels_of

# A panel asks for the same again and again; reading 400^3 voxels takes about 0.2 s.
_SEEN: dict[ImageKey, dict[int, bytes]] = {}
_MOST_SEEN = 64


def fingerprints_of(image: Any) -> dict[int, bytes]:
    """Label -> a hash of the grid and of the label's voxels on it, whatever else the image holds.

    Args:
        image: vtkOrientedImageData of a segment; it is read once as long as nobody touches it.

    Raises:
        InputError: its voxels are no whole numbers.
    """
    key = image_key(image)
    if key not in _SEEN:
        grid = repr(matrix_of(image)).encode()
        found = {
            label: hashlib.sha256(grid + repr(mask.extent).encode() + mask.bits).digest()
            for label, mask in masks_of(voxels_of(image), image.GetExtent()).items()
        }
        while len(_SEEN) >= _MOST_SEEN:
            del _SEEN[next(iter(_SEEN))]
        _SEEN[key] = found
    return _SEEN[key]
