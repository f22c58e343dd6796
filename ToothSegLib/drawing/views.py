"""From where teeth are looked at: the dentition's own axes, and parallel projection to pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ToothSegLib.arches.arch import SLOT_FDI, TEMPLATE

MAX_TURN = np.radians(50)
MIN_TEETH = 5
MIN_WIDTH_MM = 4.0
"""How far teeth must spread about the line that they lie along to tell a turn about it."""
# What hides what is told square by square, of so many pixels.
_CELL = 14


def dentition_axes(centroids: Mapping[int, NDArray]) -> NDArray[np.float64]:
    """(3, 3) with the columns left, posterior, superior of the dentition, as LPS unit vectors.

    The mean arches are turned onto the centroids (Kabsch's algorithm), so that a head that lies
    turned or tilted in the scanner is seen straight from the front. With too few teeth, with teeth
    that are nearly in one line, as those of one side are, or if the turn would be more than a
    patient can do - wrong numbers, say - they are the scanner's axes: the picture then shows what
    is wrong, and never swaps left and right.

    Args:
        centroids: LPS mm by FDI number.
    """
    places, targets = [], []
    for arch, template in zip(SLOT_FDI, TEMPLATE, strict=True):
        found = [slot for slot, fdi in enumerate(arch) if int(fdi) in centroids]
        if len(found) >= MIN_TEETH:
            # Each arch about its own middle: an open mouth tilts nothing.
            place = template[found]
            target = np.array([centroids[int(arch[slot])] for slot in found], float)
            places.append(place - place.mean(axis=0))
            targets.append(target - target.mean(axis=0))
    if not places:
        return np.eye(3)
    known = np.concatenate(places)
    if np.linalg.svd(known, compute_uv=False)[1] / np.sqrt(len(known)) < MIN_WIDTH_MM:
        return np.eye(3)
    turn, _ = Rotation.align_vectors(np.concatenate(targets), known)
    return np.eye(3) if turn.magnitude() > MAX_TURN else turn.as_matrix()


@dataclass(frozen=True, eq=False)
class View:
    """A parallel projection into a rectangle of a picture.

    Args:
        right, up: LPS unit vectors of the picture's right and top.
        centre: LPS mm of what lies in the rectangle's middle.
        mm_per_pixel: the scale.
        box: (left, bottom, width, height) of the rectangle in pixels, from the lower left.
    """

    right: NDArray[np.float64]
    up: NDArray[np.float64]
    centre: NDArray[np.float64]
    mm_per_pixel: float
    box: tuple[int, int, int, int]

    @classmethod
    def fitted(
        cls,
        points: NDArray,
        right: NDArray,
        up: NDArray,
        box: tuple[int, int, int, int],
        margin: tuple[int, int] = (0, 0),
    ) -> View:
        """The view that shows all (N, 3) points, with a margin (horizontal, vertical) in pixels."""
        flat = points @ np.stack([right, up], axis=1)
        low, high = flat.min(axis=0), flat.max(axis=0)
        room = np.array(box[2:]) - 2 * np.array(margin)
        scale = float(((high - low) / room).max())
        towards = np.cross(right, up)
        middle = (low + high) / 2
        centre = middle[0] * right + middle[1] * up + (points @ towards).mean() * towards
        return cls(np.asarray(right), np.asarray(up), centre, scale, box)

    @property
    def towards(self) -> NDArray[np.float64]:
        """LPS unit vector from the teeth to the eye."""
        return np.cross(self.right, self.up)

    def project(self, points: NDArray) -> NDArray[np.float64]:
        """(N, 2) pixels from the picture's lower left of (N, 3) LPS mm."""
        offset = (points - self.centre) @ np.stack([self.right, self.up], axis=1)
        left, bottom, width, height = self.box
        middle = np.array([left + width / 2, bottom + height / 2])
        return np.asarray(middle + offset / self.mm_per_pixel)

    def visible(self, bodies: Mapping[int, NDArray]) -> dict[int, NDArray]:
        """Pixels (N, 2) of the points of each body that no other body hides.

        Args:
            bodies: (N, 3) LPS mm of each body's surface points.
        """
        keys = list(bodies)
        points = np.concatenate([bodies[key] for key in keys])
        owner = np.repeat(np.arange(len(keys)), [len(bodies[key]) for key in keys])
        flat = self.project(points)
        cells = np.floor(flat / _CELL).astype(int)
        cells -= cells.min(axis=0)
        cell_of = np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1))
        # Nearest to the eye last, so that it is the one that stays.
        order = np.argsort(points @ self.towards)
        front = np.empty(cell_of.max() + 1, int)
        front[cell_of[order]] = owner[order]
        seen = front[cell_of] == owner
        return {key: flat[seen & (owner == body)] for body, key in enumerate(keys)}
