"""Teeth that a cut leaves too little of to be asked for."""

from __future__ import annotations

import numpy as np

from ToothSegLib.volume import Volume


def without_slivers(predicted: Volume, truth: Volume, whole: Volume) -> tuple[Volume, Volume]:
    """Both without the teeth of which ``truth`` has less than half of what ``whole`` has.

    A predicted tooth goes where it shares more voxels with such a tooth than with any other.
    """
    volumes = [np.bincount(v.array.ravel(), minlength=100) * v.voxel_mm3 for v in (truth, whole)]
    sliver = (volumes[0] > 0) & (volumes[0] < 0.5 * volumes[1])
    sliver[0] = False
    pairs = predicted.array.astype(np.int64).ravel() * 100 + truth.array.ravel()
    overlap = np.bincount(pairs, minlength=100 * 100).reshape(100, 100)
    overlap[:, 0] = 0
    theirs = sliver[overlap.argmax(axis=1)] & overlap.any(axis=1)
    return tuple(  # type: ignore[return-value]
        volume.with_array(np.where(gone[volume.array], 0, volume.array))
        for volume, gone in ((predicted, theirs), (truth, sliver))
    )
