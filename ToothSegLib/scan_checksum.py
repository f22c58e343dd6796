"""By what a scan is known, whatever its file is called and wherever it lies."""

from __future__ import annotations

import hashlib

import numpy as np

from ToothSegLib.dataset.voxels import voxels_sha256
from ToothSegLib.volume import Volume

# Readers of files compute a scan's place in different orders.
_PLACE_DECIMALS = 4


def scan_sha256(scan: Volume) -> str:
    """Checksum of a scan's voxels and of where they lie."""
    place = np.array([*scan.spacing, *scan.origin, *scan.direction.ravel()])
    rounded = np.round(place, _PLACE_DECIMALS) + 0.0  # no -0
    digest = hashlib.sha256(voxels_sha256(scan.array).encode())
    digest.update(rounded.astype("<f8").tobytes())
    return digest.hexdigest()
