"""Correction of a label that holds two teeth: it is cut in two where it is thinnest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.editing.corrections import Spacing, teeth_in, tooth_box
from ToothSegLib.editing.renumbering import check_free, check_present
from ToothSegLib.errors import InputError
from ToothSegLib.tooth_words import ToothWords

Point = tuple[float, float, float]

# A click beside the tooth counts for its nearest voxel up to here.
_REACH_MM = 2.0


def split(
    labels: NDArray[np.uint8],
    fdi: int,
    point_a: Point,
    point_b: Point,
    new: int,
    spacing: Spacing,
) -> NDArray[np.uint8]:
    """One tooth becomes two, by a point in each; the cut lies where the tooth is thinnest.

    A watershed of the distance to the surface, flooded from the two points (Beucher and Lantuejoul
    1979; here `SimpleITK.MorphologicalWatershedFromMarkers`). Where both points lie on one bulge,
    which has no waist to cut, each voxel goes to the nearer point instead. Both parts of what was
    connected are connected; pieces apart from it go to the nearer part.

    Args:
        labels: the label map.
        fdi: the tooth to split; the part with ``point_a`` keeps this number.
        point_a: (x, y, z) mm along the axes i, j, k from the centre of voxel (0, 0, 0); on the
            tooth or at most 2 mm from it.
        point_b: likewise, of the other part.
        new: number of the part with ``point_b``, not in use.
        spacing: (x, y, z) mm.

    Raises:
        InputError: no such tooth, ``new`` is taken, or a point is too far away or equal to the
            other.
    """
    present = teeth_in(labels)
    check_present(present, fdi)
    check_free(present, new)
    box = tooth_box(labels, fdi, margin=1)
    mask = labels[box] == fdi
    steps = np.asarray(spacing[::-1], float)
    start = np.array([part.start for part in box])
    seeds = [
        _nearest_voxel(mask, np.asarray(point[::-1], float) / steps - start, steps, fdi)
        for point in (point_a, point_b)
    ]
    if seeds[0] == seeds[1]:
        raise InputError(
            ToothWords("both points are the same voxel of {}: choose one in each half", fdi)
        )
    parts = _flood(mask, seeds, steps)
    result = labels.copy()
    result[box][parts == 2] = new
    return result


def _flood(
    mask: NDArray[np.bool_], seeds: list[tuple[int, ...]], steps: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """1 or 2 on the mask, by the seed from which each voxel is reached first."""
    depth = ndimage.distance_transform_edt(mask, steps)
    # Against the many tiny summits of a distance map on voxels.
    depth = np.where(mask, ndimage.gaussian_filter(depth, 1.0), -1.0)
    paths = [_climb(depth, seed) for seed in seeds]
    markers = np.zeros(mask.shape, np.uint8)
    if paths[0][-1] == paths[1][-1]:
        paths = [[seed] for seed in seeds]
        away = np.ones((2, *mask.shape), bool)
        for layer, seed in zip(away, seeds):
            layer[seed] = False
        relief = np.minimum(*(ndimage.distance_transform_edt(layer, steps) for layer in away))
    else:
        relief = depth.max() - depth
    for number, path in enumerate(paths, start=1):
        markers[tuple(np.transpose(path))] = number
    pieces, _ = ndimage.label(mask)
    reached = np.isin(pieces, [pieces[seed] for seed in seeds])
    parts = np.where(reached, _watershed(relief, markers, reached), 0).astype(np.uint8)
    nearest = ndimage.distance_transform_edt(
        parts == 0, steps, return_distances=False, return_indices=True
    )
    return np.where(mask, parts[tuple(nearest)], 0).astype(np.uint8)


def _watershed(
    relief: NDArray[np.float64], markers: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    import SimpleITK as sitk

    # Outside is flooded last, when all that is connected inside has been reached.
    walled = np.where(mask, relief, relief.max() + 1).astype(np.float32)
    flooded = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(walled),
        sitk.GetImageFromArray(markers),
        markWatershedLine=False,
        fullyConnected=False,
    )
    parts: NDArray[np.uint8] = sitk.GetArrayFromImage(flooded)
    return parts


def _climb(depth: NDArray[np.float64], seed: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The voxels from a seed to the summit above it, by the steepest of six ways.

    A flood from the slope of one bulge would be overrun by that of a deeper one.
    """
    path = [seed]
    while True:
        here = path[-1]
        around = [
            tuple(int(x) for x in np.add(here, step))
            for step in (*np.eye(3, dtype=int), *-np.eye(3, dtype=int))
        ]
        inside = [v for v in around if all(0 <= x < n for x, n in zip(v, depth.shape))]
        above = max(inside, key=lambda voxel: depth[voxel])
        if depth[above] <= depth[here]:
            return path
        path.append(above)


def _nearest_voxel(
    mask: NDArray[np.bool_], point: NDArray[np.float64], steps: NDArray[np.float64], fdi: int
) -> tuple[int, ...]:
    """The voxel of the mask nearest to a point in (k, j, i) voxels, within reach."""
    voxels = np.argwhere(mask)
    distances = np.linalg.norm((voxels - point) * steps, axis=1)
    best = int(np.argmin(distances))
    if not distances[best] <= _REACH_MM:  # a point that is not a number is not within reach either
        raise InputError(
            ToothWords(
                f"a point is {distances[best]:.1f} mm away from tooth {{}}: choose one on it", fdi
            )
        )
    return tuple(int(x) for x in voxels[best])
