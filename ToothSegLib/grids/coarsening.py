"""Fine voxels ready to be sampled by coarser ones, without aliasing.

Block means come first: they cost one pass and leave few voxels. What is then left of the coarser
voxels' point spread is a Gaussian, whose width at half maximum is a voxel's (Cardoso et al., Scale
Factor Point Spread Function Matching, MICCAI 2015).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.machine.in_threads import in_threads, thread_count
from ToothSegLib.volume import Volume

_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


def block_means(volume: Volume, spacing_mm: float) -> Volume:
    """Means of as many whole voxels as fit into a working voxel, along each axis."""
    factors = np.maximum(np.floor(spacing_mm / np.asarray(volume.spacing) + 1e-3), 1).astype(int)
    if (factors == 1).all():
        return volume
    along_i, along_j, along_k = (int(factor) for factor in factors)
    # A slab at a time: neither the whole scan as floats nor what is between two axes.
    slabs = [
        _means(_means(_means(volume.array[k : k + along_k], along_k, 0), along_j, 1), along_i, 2)
        for k in range(0, volume.shape[0], along_k)
    ]
    array = np.concatenate(slabs)
    first_centre = volume.index_to_lps @ [*(factors - 1) / 2, 1.0]
    spacing = tuple(np.asarray(volume.spacing) * factors)
    return Volume(array, spacing, tuple(first_centre[:3]), volume.direction)


def _means(array: NDArray, factor: int, axis: int) -> NDArray[np.float32]:
    """Means of blocks of ``factor`` along an axis; the last block repeats the last voxel."""
    array = np.moveaxis(array, axis, 0)
    total = np.zeros((-(-len(array) // factor), *array.shape[1:]), np.float32)
    for offset in range(factor):
        part = array[offset::factor]
        total[: len(part)] += part
        total[len(part) :] += array[-1]
    total /= factor
    return np.moveaxis(total, 0, axis)


def blurred(volume: Volume, spacing_mm: float) -> Volume:
    """Gaussian along each axis that is finer than the working grid; else the volume as it is."""
    for axis, spacing in zip((2, 1, 0), volume.spacing):
        # The variance that widens the one voxel's point spread to the other's.
        sigma = np.sqrt(max(spacing_mm**2 - spacing**2, 0.0)) / _FWHM_PER_SIGMA / spacing
        if sigma > 0.1:
            smooth = partial(
                ndimage.gaussian_filter1d, sigma=sigma, axis=axis, mode="nearest", truncate=3.0
            )
            volume = volume.with_array(_in_slabs(smooth, volume.array, 0 if axis else 1))
    return volume


def _in_slabs(smooth: Callable[..., object], array: NDArray, axis: int) -> NDArray[np.float32]:
    """What a filter makes of an array, in slabs along an axis that it leaves alone, in threads."""
    result = np.empty(array.shape, np.float32)
    count = min(thread_count(), array.shape[axis])
    slabs = (np.array_split(part, count, axis) for part in (array, result))
    in_threads(lambda slab: smooth(slab[0], output=slab[1]), zip(*slabs, strict=True))
    return result
