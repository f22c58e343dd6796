"""Teeth from offsets: every voxel votes for its tooth's centre, and votes gather.

A generalised Hough transform (Ballard 1981), with learnt offsets as in Jang et al. (TPAMI 2021).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ToothSegLib.arches.arch_line import ArchLine
from ToothSegLib.machine.in_threads import thread_count
from ToothSegLib.maps import Maps
from ToothSegLib.teeth import N_TYPES

# Along the teeth, that is up and down, centres are told less surely than across: the end of a root
# is hard to see. As no tooth of an arch stands upon another, heights count for little, and the
# jaws are told apart by the types instead, as if they lay this far from each other.
_HEIGHT_WEIGHT = 0.2
# The same for the distance out of the arch, once its line is known: front teeth lean outwards.
_OUTWARD_WEIGHT = 0.4
_JAWS_APART_MM = 10.0
_SMOOTHING_MM = 0.7
# Centres of neighbouring lower incisors, the narrowest teeth, are 4.5 mm apart and more.
_PEAK_RADIUS_MM = 2.25
# A peak must gather the votes of this much tooth, scattered by this much.
_PEAK_VOLUME_MM3 = 25.0
_PEAK_SCATTER_MM = 1.5
# Two peaks are one where the votes between them hardly thin out, up to this far.
_SADDLE = 0.85
_SADDLE_REACH_MM = 5.0
# Centres may lie outside the grid, for teeth that it cuts, but not far.
_MARGIN_MM = 10.0


def label_by_votes(
    maps: Maps, where: np.ndarray, line: ArchLine | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Give every foreground voxel the tooth whose centre its vote lies nearest to.

    Args:
        maps: with offsets.
        where: (n,) flat indices of the foreground voxels.
        line: of the arches, if known: then distances along it count most.

    Returns:
        (n,) index of each voxel's centre, and (m, 3) centres in (z, y, x) mm from the first
        voxel. Without any peak all voxels are -1.
    """
    votes = voted_centres(maps, where)
    lower = _is_lower(maps, where)
    if line is None:
        flat = votes * np.array([_HEIGHT_WEIGHT, 1.0, 1.0], np.float32)
    else:
        placed = line.coordinates(votes[:, ::-1] + np.asarray(maps.origin), lower)
        weights = np.array([_HEIGHT_WEIGHT, _OUTWARD_WEIGHT, 1.0])
        flat = (placed[:, ::-1] * weights).astype(np.float32)
    flat[:, 0] += _JAWS_APART_MM * lower
    peaks = _peaks(flat, maps.tooth.ravel()[where], maps.spacing_mm)
    if not len(peaks):
        return np.full(len(where), -1), peaks
    nearest = cKDTree(peaks).query(flat, workers=thread_count())[1]
    count = np.maximum(np.bincount(nearest, minlength=len(peaks)), 1)
    sums = [np.bincount(nearest, votes[:, axis], minlength=len(peaks)) for axis in range(3)]
    return nearest, np.stack(sums, axis=1) / count[:, None]


def voted_centres(maps: Maps, where: np.ndarray) -> np.ndarray:
    """Where each foreground voxel says its tooth's centre is.

    Args:
        maps: with offsets.
        where: (n,) flat indices of the voxels.

    Returns:
        (n, 3) float32, (z, y, x) mm from the grid's first voxel.

    Raises:
        ValueError: the maps have no offsets.
    """
    offsets = maps.offsets_at(where)[::-1].T.astype(np.float32)
    voxels = np.stack(np.unravel_index(where, maps.tooth.shape), axis=1)
    votes = voxels * np.float32(maps.spacing_mm) + offsets
    edge = (np.array(maps.tooth.shape) - 1) * maps.spacing_mm
    return np.clip(votes, -_MARGIN_MM, edge + _MARGIN_MM)


def _is_lower(maps: Maps, where: np.ndarray) -> np.ndarray:
    """(n,) bool: whether a voxel looks more like a tooth of the lower jaw than of the upper."""
    types = maps.types_at(where)
    chances = [
        np.sum([types[kind].astype(np.float32) for kind in kinds], axis=0)
        for kinds in (range(1, 9), range(9, N_TYPES))
    ]
    return chances[1] > chances[0]


def _peaks(votes: np.ndarray, weights: np.ndarray, spacing_mm: float) -> np.ndarray:
    """(m, 3) mm: where the weighted votes (n, 3) mm gather, the densest first."""
    if not len(votes):
        return np.empty((0, 3))
    start = votes.min(axis=0) - 2 * spacing_mm
    cells = np.rint((votes - start) / spacing_mm).astype(np.intp)
    shape = tuple(cells.max(axis=0) + 3)
    counts = np.bincount(
        np.ravel_multi_index(tuple(cells.T), shape), weights, minlength=int(np.prod(shape))
    ).astype(np.float32)
    density = ndimage.gaussian_filter(
        counts.reshape(shape), _SMOOTHING_MM / spacing_mm, mode="constant", truncate=3.0
    )
    flattened = np.hypot(_SMOOTHING_MM, _HEIGHT_WEIGHT * _PEAK_SCATTER_MM)
    enough = _PEAK_VOLUME_MM3 / ((2 * np.pi) ** 1.5 * _PEAK_SCATTER_MM**2 * flattened)
    highest = (density >= enough) & (density == ndimage.maximum_filter(density, size=3))
    found = np.argwhere(highest)
    found = found[np.argsort(-density[highest], kind="stable")]
    kept: list[np.ndarray] = []
    for cell in found:
        if not any(_same_peak(density, cell, other, spacing_mm) for other in kept):
            kept.append(cell)
    return np.reshape(kept, (-1, 3)) * spacing_mm + start


def _same_peak(
    density: np.ndarray, lower: np.ndarray, higher: np.ndarray, spacing_mm: float
) -> bool:
    """Whether a lower peak is a mere shoulder of a higher one."""
    apart = float(np.linalg.norm(lower - higher)) * spacing_mm
    if apart < _PEAK_RADIUS_MM:
        return True
    if apart > _SADDLE_REACH_MM:
        return False
    line = np.linspace(lower, higher, 16).T
    along = ndimage.map_coordinates(density, line, order=1)
    return bool(along.min() >= _SADDLE * density[tuple(lower)])
