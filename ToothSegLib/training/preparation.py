"""The article's preparation: pad, normalise, turn, cut, and split teeth into categories.

The article's one scan has 163 x 112 x 120 voxels of 0.5 mm. It pads them to 168 x 120 x 120, the
next multiples of 24: of the 8 that its deepest network needs, and of the 24 slices of its thin
pieces. It then turns the scan nine times by 20 degrees, which with the scan as it is makes ten
volumes. A volume of 168 slices holds three overlapping pieces of 72 slices (from slices 0, 48 and
96) or seven pieces of 24. Its 21 pieces of 72 slices are then the pieces of seven of the ten
volumes, which leaves three volumes to look at.

Where the article is silent, this is the reading: the axis of the turns is the vertical one, the
only one about which a head is turned without tilting the bite; the padding is symmetrical and of
the minimum, which is air; corners that turn into view are air too; slices are counted from below.

Arrays are (z, y, x).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import CATEGORIES, CLASS_TO_FDI, FDI_TO_CLASS, THIRD_MOLARS

PAD_MULTIPLE = 24
TURNS = 9
TURN_DEGREES = 20.0

_THRESHOLDS = tuple(category.first_class for category in CATEGORIES)
_FDI_KNOWN = {0, *CLASS_TO_FDI, *(tooth.fdi for tooth in THIRD_MOLARS)}

Scalar = TypeVar("Scalar", bound=np.generic)


def padding(shape: Sequence[int], multiple: int = PAD_MULTIPLE) -> list[tuple[int, int]]:
    """Voxels to add before and after each axis to reach the next multiple, as equal as can be."""
    missing = [-size % multiple for size in shape]
    return [(count // 2, count - count // 2) for count in missing]


def pad_to_multiple(
    array: NDArray[Scalar], multiple: int = PAD_MULTIPLE, value: float | None = None
) -> NDArray[Scalar]:
    """Pad every axis on both sides to the next multiple, with `value` or the array's minimum."""
    fill = array.min() if value is None else value
    return np.pad(array, padding(array.shape, multiple), constant_values=fill)


def normalise(image: NDArray) -> NDArray[np.float32]:
    """Grey values to 0..1 by the minimum and the maximum, in float32; a flat image becomes zero.

    Raises:
        InputError: a value is not finite.
    """
    low, high = float(image.min()), float(image.max())
    if not np.isfinite(high - low):
        raise InputError("the image holds values that are not finite: replace them first")
    if high == low:
        return np.zeros(image.shape, np.float32)
    return ((image.astype(np.float32) - low) / (high - low)).astype(np.float32)


def turn(array: NDArray[Scalar], degrees: float, *, labels: bool = False) -> NDArray[Scalar]:
    """Turn (z, y, x) about the vertical axis, in its own frame; what comes into view is 0.

    Positive angles turn +x towards +y. Images are interpolated linearly, labels take their
    nearest neighbour.
    """
    if degrees % 360 == 0:
        return array
    return ndimage.rotate(
        array, -degrees, axes=(1, 2), reshape=False, order=0 if labels else 1, cval=0
    )


def turn_angles(turns: int = TURNS, degrees: float = TURN_DEGREES) -> tuple[float, ...]:
    """The angles of the volumes to learn from: none, then each turn."""
    return tuple(degrees * index for index in range(turns + 1))


def piece_starts(length: int, thickness: int) -> list[int]:
    """First slices of the fewest evenly spaced pieces that together hold every slice.

    >>> piece_starts(168, 72), piece_starts(168, 24)
    ([0, 48, 96], [0, 24, 48, 72, 96, 120, 144])

    Raises:
        ValueError: a piece is thicker than the volume.
    """
    if not 1 <= thickness <= length:
        raise ValueError(f"pieces of {thickness} slices cannot be cut from {length}")
    count = -(-length // thickness)
    return [int(start) for start in np.linspace(0, length - thickness, count).round()]


def join_pieces(
    pieces: Sequence[NDArray[np.float32]], starts: Sequence[int], length: int, axis: int
) -> NDArray[np.float32]:
    """Put pieces back in their places along an axis; where they overlap, take their mean."""
    moved: list[NDArray[np.float32]] = [np.moveaxis(piece, axis, 0) for piece in pieces]
    total: NDArray[np.float32] = np.zeros((length, *moved[0].shape[1:]), np.float32)
    count: NDArray[np.float32] = np.zeros((length,) + (1,) * (total.ndim - 1), np.float32)
    for piece, start in zip(moved, starts, strict=True):
        total[start : start + len(piece)] += piece
        count[start : start + len(piece)] += 1
    total /= count
    return np.moveaxis(total, 0, axis)


def check_fdi(labels: NDArray) -> None:
    """Raise InputError if a value is neither 0 nor the FDI number of an adult tooth."""
    strange = sorted(set(np.unique(labels).tolist()) - _FDI_KNOWN)
    if strange:
        shown = ", ".join(f"{value:g}" for value in strange[:5])
        raise InputError(
            f"the labels hold {shown}: only 0 and FDI numbers 11-18, 21-28, 31-38, 41-48 will do"
        )


def fdi_to_class(labels: NDArray) -> NDArray[np.uint8]:
    """FDI numbers to class indices 0-28; third molars, which are not of the 28, become 0.

    Raises:
        InputError: as `check_fdi`.
    """
    check_fdi(labels)
    return np.asarray(FDI_TO_CLASS, np.uint8)[labels.astype(np.uint8)]


def category_splitter(classes: NDArray) -> NDArray[np.uint8]:
    """Class indices 0-28 to the eight categories by thresholds, each category being one range.

    Raises:
        InputError: a value is outside 0-28.
    """
    if classes.size and not (classes.min() >= 0 and classes.max() <= CATEGORIES[-1].last_class):
        raise InputError(
            f"class indices are 0 to {CATEGORIES[-1].last_class}, "
            f"not {classes.min()} to {classes.max()}"
        )
    return np.searchsorted(_THRESHOLDS, classes, side="right").astype(np.uint8)
