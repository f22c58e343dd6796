"""A volume: an array of voxels and where it lies in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ToothSegLib.errors import InputError

MOST_VOXELS = 4_000_000_000
"""A header that claims more is taken as damaged: a field of 200 mm at 0.15 mm has 2.4e9."""

_LENGTH_TOLERANCE = 0.01  # headers give directions in few digits
_MOST_ROUNDED_MM = 0.1


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels with their place in space, in LPS millimetres.

    Args:
        array: (k, j, i) voxels; any dtype.
        spacing: (x, y, z) mm, of the axes i, j, k; or one number for cubes.
        origin: LPS mm of the centre of voxel (0, 0, 0).
        direction: (3, 3); columns are the LPS unit directions of the axes i, j, k. They need not
            be at right angles (a tilted gantry), but they must span the space. Nine numbers in
            SimpleITK's order (row by row) will do too.
        doubts: sentences on why the place, left and right above all, may be another one than the
            geometry says; empty for a file that tells its place.

    Raises:
        InputError: not three axes, an empty axis, or a geometry that is no geometry.
    """

    array: NDArray = field(repr=False)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        array = np.asanyarray(self.array)
        if array.ndim != 3:
            raise InputError(f"the image has {array.ndim} axes; a volume of 3 is needed")
        if 0 in array.shape:
            raise InputError(f"the image is empty: {array.shape[::-1]} voxels")
        spacing = np.asarray(self.spacing, float)
        spacing = np.full(3, spacing) if spacing.ndim == 0 else spacing.reshape(-1)
        origin = np.asarray(self.origin, float).reshape(-1)
        direction = np.array(self.direction, float)
        direction = direction.reshape(3, 3) if direction.shape == (9,) else direction
        if spacing.shape != (3,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
            raise InputError(f"the voxel size {_text(spacing)} is not three positive millimetres")
        if origin.shape != (3,) or not np.isfinite(origin).all():
            raise InputError(f"the origin {_text(origin)} is not a point")
        if direction.shape != (3, 3) or not np.isfinite(direction).all():
            raise InputError("the direction matrix is not 3 x 3 finite numbers")
        lengths = np.linalg.norm(direction, axis=0)
        if abs(np.linalg.det(direction)) <= 1e-3 * lengths.prod():
            raise InputError(
                f"the axes do not span the space: the direction matrix {_text(direction.ravel())}"
                " cannot be inverted"
            )
        # A length that is hidden here would be lost to all that goes by the spacing.
        if np.abs(lengths - 1).max() > _LENGTH_TOLERANCE:
            raise InputError(
                "the columns of the direction matrix must have length 1, and have "
                f"{_text(lengths)}; put voxel sizes into the spacing"
            )
        direction.flags.writeable = False
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "spacing", tuple(map(float, spacing)))
        object.__setattr__(self, "origin", tuple(map(float, origin)))
        object.__setattr__(self, "direction", direction)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (k, j, i)."""
        k, j, i = self.array.shape
        return k, j, i

    @property
    def index_to_lps(self) -> NDArray[np.float64]:
        """(4, 4) matrix from (i, j, k, 1) to (x, y, z, 1) in LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction * np.asarray(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def lps_to_index(self) -> NDArray[np.float64]:
        """(4, 4) matrix from (x, y, z, 1) in LPS mm to fractional (i, j, k, 1)."""
        return np.asarray(np.linalg.inv(self.index_to_lps), np.float64)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel in cubic millimetres."""
        return float(abs(np.linalg.det(self.index_to_lps[:3, :3])))

    @property
    def file_tolerance_mm(self) -> float:
        """How far apart voxels of one grid may lie that come from two files.

        A NIfTI with a qform only tells how its axes are turned by three numbers of 32 bits, from
        which a fourth follows badly where it is small: its voxels lie up to 0.1 mm off. Beyond a
        third of a voxel it would be another grid.
        """
        return min(_MOST_ROUNDED_MM, min(self.spacing) / 3)

    def with_array(self, array: NDArray) -> Volume:
        """Another array of the same shape in the same place."""
        if array.shape != self.array.shape:
            raise ValueError(f"an array of shape {array.shape} does not fit {self.array.shape}")
        return replace(self, array=array)

    def part(self, slices: tuple[slice, slice, slice]) -> Volume:
        """The block ``slices`` (k, j, i; step 1, starts not negative) where it lies; a view."""
        start = [part.start or 0 for part in slices[::-1]]
        origin = self.index_to_lps @ [*start, 1.0]
        return replace(self, array=self.array[slices], origin=tuple(origin[:3]))

    def rounded(self, decimals: int) -> Volume:
        """The same voxels, their place without the digits that only show how it was computed."""
        x, y, z = np.round(self.spacing, decimals)
        a, b, c = np.round(self.origin, decimals)
        direction = np.round(self.direction, decimals)
        return replace(self, spacing=(x, y, z), origin=(a, b, c), direction=direction)

    def same_grid(self, other: Volume, tolerance_mm: float = 1e-3) -> bool:
        """Whether both have the same shape and every voxel lies within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        corners = corner_indices(self.shape)
        distance = np.abs((self.index_to_lps - other.index_to_lps) @ corners)
        return bool(distance.max() <= tolerance_mm)


def corner_indices(shape: tuple[int, int, int], margin: float = 0.0) -> NDArray[np.float64]:
    """(4, 8) homogeneous (i, j, k, 1) of the eight corner voxels of a (k, j, i) shape.

    A ``margin`` of 0.5 voxels gives the outer corners of the box that the voxels fill.
    """
    i, j, k = ((-margin, n - 1 + margin) for n in shape[::-1])
    return np.array([(x, y, z, 1.0) for x in i for y in j for z in k]).T


def side_unknown(why: str) -> str:
    """The doubt (see `Volume`) about a scan whose axes were assumed.

    Args:
        why: what the file lacks, such as "it has no ...".
    """
    return f"Left and right could not be read from the file: {why}; check the side."


def check_size(path: Path, sizes: Sequence[int] | NDArray) -> None:
    """Refuse an empty or absurdly large volume by its header, before room is made for it."""
    text = " x ".join(str(int(size)) for size in sizes)
    if any(size < 1 for size in sizes):
        raise InputError(f"{path} is empty: {text} voxels")
    if np.prod([int(size) for size in sizes], dtype=object) > MOST_VOXELS:
        raise InputError(
            f"{path} claims {text} voxels, more than {MOST_VOXELS:.0e}; the header is damaged, or "
            "the volume is to be cropped to the jaws first"
        )


def _text(numbers: ArrayLike) -> str:
    return "(" + ", ".join(f"{number:g}" for number in np.asarray(numbers)) + ")"
