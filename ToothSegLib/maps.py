"""What the networks say about a scan: probability and offset maps on one working grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.grids.view_of_scan import View
from ToothSegLib.teeth import N_TYPES

TOOTH_THRESHOLD = 0.5
"""Voxels of at least this probability are the foreground, and looked at further."""

LEARNED_SPACING_MM = 0.5
"""The networks that mark teeth have learned on a grid of this; a finer one magnifies the teeth."""

OFFSET_UNIT_MM = 5.0
"""The default network answers offsets in units of this many millimetres of the grid that it learned
on."""


@dataclass
class Maps:
    """The networks' answer for the voxels of a canonical, isotropic grid.

    Attributes:
        tooth: (Z, Y, X) float32, probability of tooth.
        types: (17, Z, Y, X) float16, probability of each type (0 background, 1-8 upper, 9-16
            lower positions); sums to one over the first axis.
        offsets: (3, Z, Y, X) float16, millimetres along (x, y, z), from the voxel to the centre
            of its tooth; None for networks that do not tell.
        spacing_mm: edge of a voxel.
        origin: LPS millimetres of the centre of voxel (0, 0, 0), as (x, y, z).
        at: (n,) ascending flat indices of the only voxels that types and offsets are known of, as
            (17, n) and (3, n): teeth are a small part of a box, and nobody asks elsewhere. None
            if they are known of all.
        prosthesis: (Z, Y, X), or (n,), float16, probability that what looks like a tooth is an
            implant or a pontic; None for networks that do not tell.
        blank: where the scanner saw nothing, as of `view_of_scan.View`; None if not known.

    Raises:
        InputError: the arrays do not share one three-dimensional grid, or the spacing is not a
            positive number.
    """

    tooth: np.ndarray
    types: np.ndarray
    offsets: np.ndarray | None
    spacing_mm: float
    origin: tuple[float, float, float]
    at: np.ndarray | None = None
    prosthesis: np.ndarray | None = None
    blank: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = self.tooth.shape
        if self.tooth.ndim != 3:
            raise InputError(f"the tooth map has shape {shape}: give three axes (z, y, x)")
        known = shape if self.at is None else self.at.shape
        for name, array, channels in (("type", self.types, N_TYPES), ("offset", self.offsets, 3)):
            if array is not None and array.shape != (channels, *known):
                raise InputError(
                    f"the {name} map has shape {array.shape}: give {(channels, *known)}, "
                    "the grid of the tooth map"
                )
        if self.prosthesis is not None and self.prosthesis.shape != known:
            raise InputError(
                f"the prosthesis map has shape {self.prosthesis.shape}: give {known}, "
                "the grid of the tooth map"
            )
        if not (np.isfinite(self.spacing_mm) and self.spacing_mm > 0):
            raise InputError(f"the spacing is {self.spacing_mm} mm: give a positive number")
        if len(self.origin) != 3 or not np.all(np.isfinite(self.origin)):
            raise InputError(f"the origin is {self.origin}: give three finite numbers (x, y, z)")

    def extent(self) -> np.ndarray:
        """(2, 3): lowest and highest corner of what the maps cover, LPS mm."""
        first = np.asarray(self.origin) - 0.5 * self.spacing_mm
        return np.stack([first, first + np.array(self.tooth.shape[::-1]) * self.spacing_mm])

    def view(self) -> View:
        """What they show of the head."""
        low, high = self.extent()
        return View(low, high, self.blank)

    def types_at(self, where: np.ndarray) -> np.ndarray:
        """(17, n) float16: the types of voxels, by their flat indices (n,). ValueError if the
        maps tell nothing of one."""
        return self._read(self.types, where)

    def offsets_at(self, where: np.ndarray) -> np.ndarray:
        """(3, n) float16: likewise the offsets. ValueError if there are none."""
        if self.offsets is None:
            raise ValueError("the maps hold no offsets")
        return self._read(self.offsets, where)

    def prosthesis_at(self, where: np.ndarray) -> np.ndarray:
        """(n,) float16: likewise the probability of a prosthesis. ValueError if there is none."""
        if self.prosthesis is None:
            raise ValueError("the maps tell nothing of prostheses")
        return self._read(self.prosthesis[None], where)[0]

    def _read(self, array: np.ndarray, where: np.ndarray) -> np.ndarray:
        if self.at is not None:
            place = np.searchsorted(self.at, where)
            if not np.array_equal(self.at.take(place, mode="clip"), where):
                raise ValueError("the maps tell nothing of some of these voxels")
            where = place
        return array.reshape(len(array), -1)[:, where]
