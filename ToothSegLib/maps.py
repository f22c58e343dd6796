"""What the networks say about a scan: probability and offset maps on one working grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import N_TYPES


@dataclass
class Maps:
    """The networks' answer for every voxel of a canonical, isotropic grid.

    Attributes:
        tooth: (Z, Y, X) float32, probability of tooth.
        types: (17, Z, Y, X) float16, probability of each type (0 background, 1-8 upper, 9-16
            lower positions); sums to one over the first axis.
        offsets: (3, Z, Y, X) float16, millimetres along (x, y, z), from the voxel to the centre
            of its tooth; None for networks that do not tell.
        spacing_mm: edge of a voxel.
        origin: LPS millimetres of the centre of voxel (0, 0, 0), as (x, y, z).

    Raises:
        InputError: the arrays do not share one three-dimensional grid, or the spacing is not a
            positive number.
    """

    tooth: np.ndarray
    types: np.ndarray
    offsets: np.ndarray | None
    spacing_mm: float
    origin: tuple[float, float, float]

    def __post_init__(self) -> None:
        shape = self.tooth.shape
        if self.tooth.ndim != 3:
            raise InputError(f"the tooth map has shape {shape}: give three axes (z, y, x)")
        for name, array, channels in (("type", self.types, N_TYPES), ("offset", self.offsets, 3)):
            if array is not None and array.shape != (channels, *shape):
                raise InputError(
                    f"the {name} map has shape {array.shape}: give {(channels, *shape)}, "
                    "the grid of the tooth map"
                )
        if not (np.isfinite(self.spacing_mm) and self.spacing_mm > 0):
            raise InputError(f"the spacing is {self.spacing_mm} mm: give a positive number")
        if len(self.origin) != 3 or not np.all(np.isfinite(self.origin)):
            raise InputError(f"the origin is {self.origin}: give three finite numbers (x, y, z)")
