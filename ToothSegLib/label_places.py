"""Where numbers are written, so that none hides another and their lines do not cross."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

# Boxes grow to their size in so many steps; at each they are pushed until all is well or no more.
_STEPS, _MOST_ROUNDS = 20, 50


def spread(wanted: NDArray, gap: float) -> NDArray[np.float64]:
    """Places in the given order at least ``gap`` apart, as near as can be to those wanted."""
    steps = gap * np.arange(len(wanted))
    return np.asarray(isotonic_regression(wanted - steps).x + steps)


def parted(wanted: NDArray, box: tuple[float, float]) -> NDArray[np.float64]:
    """Places whose boxes do not overlap, near those wanted.

    Two that overlap are pushed apart, each by half, where the way is the shorter one: sideways or
    up and down. The boxes grow meanwhile, so that none leaps over its neighbour.

    Args:
        wanted: (N, 2) middles of the boxes, pixels.
        box: their width and height.

    Returns:
        (N, 2); the wanted ones where nothing overlaps.
    """
    places = np.array(wanted, float)
    for share in np.linspace(0, 1, _STEPS + 1)[1:]:
        for _ in range(_MOST_ROUNDS):
            if not _push(places, share * np.array(box)):
                break
    return places


def _push(places: NDArray[np.float64], box: NDArray[np.float64]) -> bool:
    """Push each pair that overlaps apart, in place; False if there is none."""
    pushed = False
    for one in range(len(places)):
        for other in range(one):
            way = places[one] - places[other]
            overlap = box - np.abs(way)
            if overlap.min() > 1e-3:
                axis = int(overlap.argmin())
                push = overlap[axis] / 2 * (1 if way[axis] >= 0 else -1)
                places[one, axis] += push
                places[other, axis] -= push
                pushed = True
    return pushed
