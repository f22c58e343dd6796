"""By what a scan is known, whatever its file is called and wherever it lies."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.volume import Volume

# Readers of files compute a scan's place in different orders.
_PLACE_DECIMALS = 4


def voxels_sha256(array: NDArray) -> str:
    """Checksum of shape, type and values, the same from whatever kind of file they were read."""
    digest = hashlib.sha256(f"{array.dtype.name} {array.shape}".encode())
    little = array.dtype.newbyteorder("<")
    for layer in array:
        digest.update(np.ascontiguousarray(layer, little).data)
    return digest.hexdigest()


def scan_sha256(scan: Volume) -> str:
    """Checksum of a scan's voxels and of where they lie."""
    place = np.array([*scan.spacing, *scan.origin, *scan.direction.ravel()])
    rounded = np.round(place, _PLACE_DECIMALS) + 0.0  # no -0
    digest = hashlib.sha256(voxels_sha256(scan.array).encode())
    digest.update(rounded.astype("<f8").tobytes())
    return digest.hexdigest()
