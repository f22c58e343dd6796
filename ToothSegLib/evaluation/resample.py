"""A label map on another one's grid."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegLib.volume import Volume


def resample_labels(labels: Volume, like: Volume) -> Volume:
    """Labels at the voxel centres of another volume's grid, by nearest neighbour; 0 outside.

    Raises:
        InputError: the two volumes lie in different places, without a voxel in common.
    """
    # Both matrices take (i, j, k); the arrays are (k, j, i).
    matrix = (labels.lps_to_index @ like.index_to_lps)[:3]
    reversed_axes = matrix[::-1, [2, 1, 0]]
    array = affine_transform(
        labels.array,
        reversed_axes,
        offset=matrix[::-1, 3],
        output_shape=like.shape,
        order=0,
        mode="grid-constant",  # "constant" ends at the centres of the outermost voxels
        cval=0,
    )
    if labels.array.any() and not np.any(array):
        raise InputError(
            "the two label maps lie in different places: no labelled voxel of the prediction is "
            "inside the truth's grid"
        )
    return like.with_array(array)


def outside_of(labels: Volume, like: Volume) -> dict[int, tuple[float, float]]:
    """What `resample_labels` leaves behind: FDI number -> mm3 and share of it, above 0 to 1.

    By the centres of the voxels of ``labels`` that lie in no voxel of ``like``. Third molars are
    not told, as they are not evaluated.
    """
    at = np.argwhere(labels.array)
    numbers = labels.array[tuple(at.T)]
    matrix = (like.lps_to_index @ labels.index_to_lps)[:3]
    index = at[:, ::-1] @ matrix[:, :3].T + matrix[:, 3]
    beyond = ((index < -0.5) | (index > np.array(like.shape[::-1]) - 0.5)).any(axis=1)
    left: dict[int, tuple[float, float]] = {}
    for fdi in sorted(FDI_NUMBERS):
        own = beyond[numbers == fdi]
        if own.any():
            left[fdi] = float(own.sum()) * labels.voxel_mm3, float(own.mean())
    return left
