"""Where numbers are written, so that none hides another and their lines do not cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

# Pixels: ends of lines are looked for in strips of this width, and lie so far apart at least. A
# line rather ends on the crown than crosses another.
_STRIP, _LEAST_STEP, _CROSSING_LOSS = 3.0, 6.0, 1e4
# Boxes grow to their size in so many steps; at each they are pushed until all is well or no more.
_STEPS, _MOST_ROUNDS = 20, 50


def spread(wanted: NDArray, gap: float) -> NDArray[np.float64]:
    """Places in the given order at least ``gap`` apart, as near as can be to those wanted."""
    steps = gap * np.arange(len(wanted))
    return np.asarray(isotonic_regression(wanted - steps).x + steps)


def line_ends(seen: Sequence[NDArray], sign: int) -> NDArray[np.float64]:
    """(N, 2) pixels where the lines of a row's N teeth end: at the root's end, where that can be.

    Each line ends further to the right than the one before, so that they do not cross; where
    roots stand the other way round, the one whose end costs less is pointed at lower down. If
    nothing of a tooth can be seen there, its line ends at its root all the same, out of order.

    Args:
        seen: (M, 2) visible pixels of each tooth, from the left of the picture to the right.
        sign: 1 if the roots point up in the picture, -1 if down.
    """
    outermost = [_outermost(points, sign) for points in seen]
    losses, came_from = np.zeros(1), []
    before = np.array([-np.inf])
    for points in outermost:
        crosses = points[:, 0, None] < before + _LEAST_STEP
        ways = losses + np.where(crosses, _CROSSING_LOSS, 0.0)
        came_from.append(ways.argmin(axis=1))
        height = sign * points[:, 1]
        losses = ways.min(axis=1) + (height.max() - height)
        before = points[:, 0]
    ends = []
    at = int(losses.argmin())
    for points, origins in zip(outermost[::-1], came_from[::-1], strict=True):
        ends.append(points[at])
        at = int(origins[at])
    return np.array(ends[::-1])


def _outermost(points: NDArray, sign: int) -> NDArray:
    """Of (M, 2) pixels the one nearest to the root's end in every ``_STRIP``, left to right."""
    strip = np.floor(points[:, 0] / _STRIP)
    order = np.lexsort((sign * points[:, 1], strip))
    last = np.append(np.diff(strip[order]) > 0, True)
    return np.asarray(points[order][last])


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
