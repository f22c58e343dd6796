"""Tiles that cover a grid evenly, and the weights by which their answers are blended.

As in nnU-Net (Isensee et al., Nature Methods 2021): steps are evenly spaced, and a Gaussian gives
a tile's middle more say than its border, where the network sees less.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def tile_starts(size: int, tile: int, overlap: float) -> list[int]:
    """Where the tiles begin along one axis; the last one ends with the grid.

    Args:
        size: voxels of the grid, at least ``tile``.
        tile: voxels of a tile.
        overlap: share of a tile that it has in common with the next, 0 to below 1.
    """
    if size <= tile:
        return [0]
    count = math.ceil((size - tile) / (tile * (1.0 - overlap))) + 1
    # Small tiles can round to the same place.
    return sorted({round(k * (size - tile) / (count - 1)) for k in range(count)})


def fitted_tile(size: int, largest: int, overlap: float) -> int:
    """The smallest tile that covers an axis in as few tiles as the largest one, overlap kept.

    Two tiles hardly smaller than the axis would compute nearly all of it twice.

    Args:
        size, largest, overlap: as of `tile_starts`, in steps that a tile may have.
    """
    if size <= largest:
        return size
    count = math.ceil((size - largest) / (largest * (1.0 - overlap))) + 1
    return min(largest, math.ceil(size / (1.0 + (count - 1) * (1.0 - overlap))))


@lru_cache(maxsize=8)
def gaussian_weights(tile: tuple[int, int, int]) -> NDArray[np.float32]:
    """(Z, Y, X) float32 weights in (0, 1], never so small that a sum of them could be zero."""
    weights = np.ones((1, 1, 1), np.float32)
    for axis, n in enumerate(tile):
        along = np.arange(n, dtype=np.float32) - (n - 1) / 2
        shape = [1, 1, 1]
        shape[axis] = n
        weights = weights * np.exp(-0.5 * (along / (n / 6)) ** 2).reshape(shape)
    weights = np.maximum(weights, np.float32(1e-3))
    weights.setflags(write=False)  # all who ask for this size get the same array
    return weights
