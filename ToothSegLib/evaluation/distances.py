"""How far apart the surfaces of two regions are.

Distances are between the boundary voxels of both regions (those with a face neighbour outside),
voxel centre to voxel centre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt


def surface_distances(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> dict[str, float]:
    """The three distances in mm of two regions, neither of them empty.

    - `assd`, the average symmetric surface distance: the mean over both boundaries' voxels
      together of the distance to the other boundary (Heimann et al., IEEE TMI 28:1251, 2009).
    - `hd95`: the larger of the two directed distances' 95th percentiles (Maier-Hein, Reinke
      et al., "Metrics reloaded", Nature Methods 21:195, 2024).
    - `signed_distance`: the mean of how far the prediction's boundary lies outside the truth and
      of how far the truth's lies inside the prediction; negative where the prediction is thinner.

    Args:
        predicted: (k, j, i).
        true: the same shape.
        spacing: (x, y, z) mm, of the axes i, j, k.
    """
    # Background all round, so that the edge of the array is a boundary too.
    predicted, true = np.pad(predicted, 1), np.pad(true, 1)
    boundary_predicted = predicted & ~binary_erosion(predicted)
    boundary_true = true & ~binary_erosion(true)
    sampling = spacing[::-1]
    to_true = distance_transform_edt(~boundary_true, sampling=sampling)[boundary_predicted]
    to_predicted = distance_transform_edt(~boundary_predicted, sampling=sampling)[boundary_true]
    outside_true = np.where(true[boundary_predicted], -to_true, to_true)
    inside_predicted = np.where(predicted[boundary_true], to_predicted, -to_predicted)
    return {
        "assd": float(np.concatenate([to_true, to_predicted]).mean()),
        "hd95": float(max(np.percentile(to_true, 95), np.percentile(to_predicted, 95))),
        "signed_distance": float((outside_true.mean() + inside_predicted.mean()) / 2),
    }
