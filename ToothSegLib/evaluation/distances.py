"""How far apart the surfaces of two regions are, and the ends of their roots.

Distances are between the boundary voxels of both regions (those with a face neighbour outside),
voxel centre to voxel centre.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

_UPRIGHT = 0.5


def surface_distances(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_], steps: NDArray[np.float64]
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
        steps: (3, 3), whose columns lead from a voxel to the next along i, j and k, mm. They need
            not be at right angles: those of a tilted gantry are not.
    """
    # Background all round, so that the edge of the array is a boundary too.
    predicted, true = np.pad(predicted, 1), np.pad(true, 1)
    boundary_predicted = predicted & ~binary_erosion(predicted)
    boundary_true = true & ~binary_erosion(true)
    ours, theirs = (
        np.argwhere(boundary)[:, ::-1] @ np.asarray(steps, float).T
        for boundary in (boundary_predicted, boundary_true)
    )
    to_true = cKDTree(theirs).query(ours)[0]
    to_predicted = cKDTree(ours).query(theirs)[0]
    outside_true = np.where(true[boundary_predicted], -to_true, to_true)
    inside_predicted = np.where(predicted[boundary_true], to_predicted, -to_predicted)
    return {
        "assd": float(np.concatenate([to_true, to_predicted]).mean()),
        "hd95": float(max(np.percentile(to_true, 95), np.percentile(to_predicted, 95))),
        "signed_distance": float((outside_true.mean() + inside_predicted.mean()) / 2),
    }


def root_end(
    predicted: NDArray[np.bool_],
    true: NDArray[np.bool_],
    steps: NDArray[np.float64],
    *,
    upper: bool,
) -> float:
    """How much further the prediction reaches, in mm, than the truth does at its root's end.

    Along the truth's longest axis, away from the other jaw: negative where the root ends short. NaN
    where that axis is more level than upright, as of a crown that the field of view cuts or of a
    tooth that lies in the bone: which end is the root's is not to be told then.

    Args:
        predicted: (k, j, i), not empty.
        true: the same shape, not empty.
        steps: as `surface_distances` takes them, in LPS.
        upper: whether it is a tooth of the upper jaw, whose root is above its crown.
    """
    ours, theirs = (
        np.argwhere(region)[:, ::-1] @ np.asarray(steps, float).T for region in (predicted, true)
    )
    spread = theirs - theirs.mean(axis=0)
    axis = np.linalg.eigh(spread.T @ spread)[1][:, -1]
    if abs(axis[2]) < _UPRIGHT:
        return math.nan
    if (axis[2] > 0) != upper:
        axis = -axis
    return float((ours @ axis).max() - (theirs @ axis).max())
