"""What a network says at half the resolution, read at voxels of the full one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def doubled_at(
    half: NDArray[np.float32], where: NDArray[np.intp], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Linear interpolation, only where it is asked for: teeth are a small part of a box.

    Args:
        half: (C, Z/2, Y/2, X/2), rounded up; every voxel is two of the full resolution wide, and
            the border goes on beyond it.
        where: (n,) flat indices of voxels of the full resolution.
        shape: (Z, Y, X) of it.

    Returns:
        (C, n).
    """
    channels = len(half)
    last = np.ascontiguousarray(half.reshape(channels, -1).T)  # a voxel's values side by side
    ends = []
    for index, size in zip(np.unravel_index(where, shape), half.shape[1:], strict=True):
        own = index // 2
        other = np.clip(own + np.where(index % 2, 1, -1), 0, size - 1)
        ends.append((own, other))

    def along(axis: int, flat: NDArray[np.intp] | int) -> NDArray[np.float32]:
        """The axes from this one on; what lies nearer counts three times as much."""
        if axis == len(ends):
            return last[flat]
        near, far = (along(axis + 1, flat * half.shape[axis + 1] + end) for end in ends[axis])
        near *= np.float32(0.75)
        far *= np.float32(0.25)
        near += far
        return near

    return along(0, 0).T
