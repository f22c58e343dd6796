"""A sheet along both arches, as a panoramic film lies: to cut a scan open along its teeth."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline

from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH

_MARGIN_MM = 2.0  # beyond the outermost root
_OVERHANG_MM = 8.0  # beyond the last tooth of an arch
_HALF_LINE_MM = 32.0  # of the straight line that stands for arches of one or two teeth
_TOOTH_MM = 7.0  # from one tooth to the next, where an arch has no tooth to measure it by
_PER_POINT = 50  # samples of a curve between two teeth


@dataclass(frozen=True, eq=False)
class _Course:
    """The curve of an arch as seen from above.

    Args:
        curve: mm to the left and to the back, by mm along it from its beginning on the patient's
            right; before it and beyond its end it goes straight on.
        length: mm.
        at: mm along it at which teeth are, by their place in the arch.
        height: of the teeth's middles, mm.
        begin: mm along both arches at which it begins.
    """

    curve: BSpline
    length: float
    at: Mapping[int, float]
    height: float
    begin: float = 0.0

    @classmethod
    def through(cls, middles: Mapping[int, NDArray]) -> _Course:
        """Through the teeth's middles (3,) by their place in the arch, at least two."""
        points = np.array(list(middles.values()))
        curve, at = _curve(points[:, :2])
        places = dict(zip(middles, at.tolist(), strict=True))
        return cls(curve, float(curve.t[-1]), places, float(points[:, 2].mean()))

    @property
    def end(self) -> float:
        """Mm along both arches at which it ends."""
        return self.begin + self.length

    def facing(self, upper: _Course) -> _Course:
        """The same, to begin where its teeth face those of the upper arch, or come beside them."""
        apart = {
            (one, other): abs(one - other) for one, other in itertools.product(upper.at, self.at)
        }
        begins = [
            upper.at[one] - self.at[other] + _TOOTH_MM * (other - one)
            for (one, other), steps in apart.items()
            if steps == min(apart.values())
        ]
        return replace(self, begin=float(np.mean(begins)))

    def beside(self, other: _Course, along: NDArray) -> NDArray[np.float64]:
        """(n, 2) points at mm along both arches; where only the other goes on, in step with it."""
        low = self.begin if other.begin < self.begin else -np.inf
        high = self.end if other.end > self.end else np.inf
        own = np.clip(along, low, high)
        step = other.curve(along - other.begin) - other.curve(own - other.begin)
        return np.asarray(self.curve(own - self.begin) + step)


def arch_sheet(
    teeth: Mapping[int, NDArray], heights: tuple[float, float], size: tuple[int, int]
) -> NDArray[np.float64]:
    """(rows, columns, 3) points, in the dentition's axes, of a sheet through both arches.

    Each arch is a curve through its teeth, which goes straight on beyond them; the sheet joins the
    two in straight lines. From one row or column to the next it is equally far, as far as the whole
    of the teeth needs to be seen.

    Args:
        teeth: middles by FDI number, at least one; mm to the left, to the back and up.
        heights: of the lowest and the highest end of a tooth, mm.
        size: rows and columns.
    """
    rows, columns = size
    courses = []
    for arch in (UPPER_ARCH, LOWER_ARCH):
        middles = {slot: teeth[fdi] for slot, fdi in enumerate(arch) if fdi in teeth}
        if len(middles) >= 3:
            courses.append(_Course.through(middles))
    if not courses:
        middle = np.mean(list(teeth.values()), axis=0)
        ends = {slot: middle + (x, 0, 0) for slot, x in enumerate((-_HALF_LINE_MM, _HALF_LINE_MM))}
        courses.append(_Course.through(ends))
    upper = courses[0]
    lower = courses[-1].facing(upper)
    first, last = min(upper.begin, lower.begin), max(upper.end, lower.end)
    low, high = heights[0] - _MARGIN_MM, heights[1] + _MARGIN_MM
    step = max((last - first) / columns, (high - low) / rows)

    along = (first + last) / 2 + (np.arange(columns) - (columns - 1) / 2) * step
    level = (low + high) / 2 + ((rows - 1) / 2 - np.arange(rows)) * step
    gap = upper.height - lower.height
    share = np.clip((level - lower.height) / gap, -0.3, 1.3) if gap > 1 else np.ones(rows)
    above, below = upper.beside(lower, along), lower.beside(upper, along)
    flat = below + share[:, None, None] * (above - below)
    return np.dstack([flat, np.broadcast_to(level[:, None], size)])


def _curve(middles: NDArray) -> tuple[BSpline, NDArray[np.float64]]:
    """A smooth curve through (n, 2) points in order, by the length along it; where they are on it.

    It begins and ends a little beyond them, and goes straight on where it is asked for more.
    """
    ends = [
        middles[end] + (middles[end] - middles[inner]) * share
        for end, inner in ((0, 1), (-1, -2))
        for share in [_OVERHANG_MM / max(float(np.linalg.norm(middles[end] - middles[inner])), 1)]
    ]
    points = np.vstack([ends[0], middles, ends[1]])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    chords = np.concatenate([[0], np.cumsum(np.maximum(steps, 0.1))])
    fine = np.linspace(0, chords[-1], _PER_POINT * len(points))
    # A cubic spline bulges between uneven neighbours, straight lines have corners.
    smooth = make_interp_spline(chords, points, k=3)(fine)
    straight = make_interp_spline(chords, points, k=1)(fine)
    line = (smooth + straight) / 2
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return make_interp_spline(along, line, k=1), np.interp(chords[1:-1], fine, along)
