"""The parts of a triangle mesh that do not hang together, and which of them are worth keeping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_VOLUME_MM3 = 1e-3
"""What a part must enclose to stay: a cube of a tenth of a millimetre."""


def signed_volume(points: NDArray, triangles: NDArray) -> float:
    """Volume in mm^3 enclosed by (N, 3) points and (M, 3) triangles, negative if inside out."""
    return float(_six_volumes(points, triangles).sum() / 6)


def worth_keeping(points: NDArray, triangles: NDArray) -> NDArray[np.bool_]:
    """Which triangles belong to a part that encloses more than next to nothing.

    A lone voxel of a label map gives a part of eight triangles, which a smoothing filter draws
    together: its vertices then lie in one place, and a check for manifold edges fails on them.
    The largest part always stays, and so does a hollow.

    Args:
        points: (N, 3) mm.
        triangles: (M, 3) rows of points, closed.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(triangles):
        return np.zeros(0, bool)
    edges = np.concatenate([triangles[:, :2], triangles[:, 1:]]).T
    links = coo_matrix((np.ones(edges.shape[1], bool), edges), shape=(len(points),) * 2)
    # Points that no triangle uses make parts of their own, which enclose nothing.
    count, part_of_point = connected_components(links, directed=False)
    part = part_of_point[triangles[:, 0]]
    volumes = np.abs(np.bincount(part, _six_volumes(points, triangles), count) / 6)
    return (volumes >= min(LEAST_VOLUME_MM3, volumes.max()))[part]


def _six_volumes(points: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """Six times the signed volume between each triangle and the middle of the points."""
    if not len(triangles):
        return np.zeros(0)
    corners = (points - points.mean(axis=0, dtype=float)).astype(float)[triangles]
    return np.asarray(np.linalg.det(corners), np.float64)
