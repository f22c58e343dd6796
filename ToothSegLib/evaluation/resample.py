"""A label map on another one's grid."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform

from ToothSegLib.errors import InputError
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
        mode="constant",
        cval=0,
    )
    if labels.array.any() and not np.any(array):
        raise InputError(
            "the two label maps lie in different places: no labelled voxel of the prediction is "
            "inside the truth's grid"
        )
    return like.with_array(array)
