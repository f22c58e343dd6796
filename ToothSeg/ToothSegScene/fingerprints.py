"""The voxels of each label of an image in few bytes: to tell whether they changed."""

from __future__ import annotations

import hashlib
from typing import Any

from ToothSegScene.layer_values import ImageKey, image_key
from ToothSegScene.segment_values import masks_of, matrix_of, voxels_of

# A panel asks for the same again and again; reading 400^3 voxels takes about 0.2 s.
_SEEN: dict[ImageKey, tuple[dict[int, bytes], dict[int, str]]] = {}
_MOST_SEEN = 64


def fingerprints_of(image: Any) -> dict[int, bytes]:
    """Label -> a hash of the grid and of the label's voxels on it, whatever else the image holds.

    Args:
        image: vtkOrientedImageData of a segment; it is read once as long as nobody touches it.

    Raises:
        InputError: its voxels are no whole numbers.
    """
    return _hashes_of(image)[0]


def shapes_of(image: Any) -> dict[int, str]:
    """Label -> `state.Mask.shape_hash`, which is the same wherever the voxels lie.

    Raises:
        InputError: as of `fingerprints_of`.
    """
    return _hashes_of(image)[1]


def _hashes_of(image: Any) -> tuple[dict[int, bytes], dict[int, str]]:
    key = image_key(image)
    if key not in _SEEN:
        grid = repr(matrix_of(image)).encode()
        masks = masks_of(voxels_of(image), image.GetExtent())
        found = {
            label: hashlib.sha256(grid + repr(mask.extent).encode() + mask.bits).digest()
            for label, mask in masks.items()
        }
        while len(_SEEN) >= _MOST_SEEN:
            del _SEEN[next(iter(_SEEN))]
        _SEEN[key] = found, {label: mask.shape_hash for label, mask in masks.items()}
    return _SEEN[key]
