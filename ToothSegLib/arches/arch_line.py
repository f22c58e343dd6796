"""Along the arch, out of it, and up: coordinates in which neighbouring teeth lie side by side.

Teeth of one arch stand next to each other along its line. How far out or up a tooth's centre lies
says little about which tooth it is, and networks know it less surely, for teeth lean and the ends
of their roots are hard to see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from ToothSegLib.arches.arch import SLOTS_PER_ARCH, Pose
from ToothSegLib.machine.in_threads import thread_count

_PER_SLOT = 40  # samples of the line between two teeth
_BEYOND = 4.0  # it goes on straight behind the last teeth, by so many times their distance


@dataclass(frozen=True)
class ArchLine:
    """The line of each arch, as a pose lays the template over a patient."""

    pose: Pose

    def coordinates(self, points: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Where points lie by the line of their arch.

        Args:
            points: (n, 3) LPS mm.
            lower: (n,) bool, which arch each belongs to.

        Returns:
            (n, 3) mm: along the arch from the patient's right to the left, outwards, upwards.
        """
        local = self.pose.to_template(points)
        result = np.empty_like(local)
        for arch in range(2):
            members = lower == bool(arch)
            if members.any():
                flat = _by_line(local[members, :2], self.pose.places()[arch, :, :2])
                result[members] = np.column_stack([flat, local[members, 2]])
        return result * self.pose.scale


def _by_line(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, 2) along and outwards, for points (n, 2) by the curve through the places (16, 2)."""
    first = places[0] + _BEYOND * (places[0] - places[1])
    last = places[-1] + _BEYOND * (places[-1] - places[-2])
    knots = np.vstack([first, places, last])
    fine = np.linspace(0, SLOTS_PER_ARCH + 1, _PER_SLOT * (SLOTS_PER_ARCH + 1))
    spline = CubicSpline(np.arange(len(knots)), knots)
    curve, tangent = spline(fine), spline(fine, 1)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    nearest = cKDTree(curve).query(points, workers=thread_count())[1]
    away, tangent = points - curve[nearest], tangent[nearest]
    outwards = away[:, 0] * tangent[:, 1] - away[:, 1] * tangent[:, 0]
    return np.column_stack([along[nearest] + (away * tangent).sum(axis=1), outwards])
