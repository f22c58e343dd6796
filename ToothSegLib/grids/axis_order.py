"""The order in which a file stores its voxels: one scan may come in forty-eight of them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.volume import Volume


def forward(volume: Volume) -> Volume:
    """The same voxels with axes along left, posterior and superior as far as they go; a view.

    So that nothing hangs on the order in which a file happens to store them.
    """
    order, backward = _order(volume.direction)
    return _flipped(_permuted(volume, order), backward)


def is_stored_alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether volumes of these directions store their voxels in one order."""
    return _order(one) == _order(other)


def in_order_of(volume: Volume, like: Volume) -> Volume:
    """The same voxels, stored in another volume's order; a view."""
    if volume.same_grid(like):  # where an axis lies between two, rounding may call it either
        return volume
    order, backward = _order(like.direction)
    return _permuted(_flipped(forward(volume), backward), np.argsort(order).tolist())


def _permuted(volume: Volume, order: list[int]) -> Volume:
    x, y, z = (volume.spacing[axis] for axis in order)
    # The array's axes are (k, j, i).
    array = volume.array.transpose([2 - axis for axis in reversed(order)])
    return Volume(array, (x, y, z), volume.origin, volume.direction[:, order])


def _flipped(volume: Volume, backward: list[bool]) -> Volume:
    array, direction, origin = volume.array, np.array(volume.direction), np.array(volume.origin)
    for n in range(3):
        if backward[n]:
            origin += direction[:, n] * volume.spacing[n] * (array.shape[2 - n] - 1)
            direction[:, n] *= -1
            array = np.flip(array, 2 - n)
    a, b, c = origin.tolist()
    return Volume(array, volume.spacing, (a, b, c), direction)


def _order(direction: NDArray[np.float64]) -> tuple[list[int], list[bool]]:
    """Which axis goes left, which posterior, which superior; and which of them go backwards."""
    order = list(
        max(
            permutations(range(3)),
            key=lambda axes: sum(abs(direction[n, axis]) for n, axis in enumerate(axes)),
        )
    )
    return order, [bool(direction[n, axis] < 0) for n, axis in enumerate(order)]
