"""Corrections of labels: functions of a label map that give a new one and leave theirs alone.

Label maps are (k, j, i) uint8 with FDI numbers, 0 background; other values (a neighbour that is no
tooth) are kept and never overwritten. Pieces are connected by faces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.editing.renumbering import check_mapping, check_present, to_merge
from ToothSegLib.errors import InputError
from ToothSegLib.grids.label_boxes import IndexBox, grown

Spacing = tuple[float, float, float]

LARGEST_SMOOTHING_MM = 3.0
"""Half the width of a lower incisor: with more than this a tooth is a ball."""

# A Gaussian is cut off at this many standard deviations.
_TRUNCATE = 3.0


def teeth_in(labels: NDArray[np.uint8]) -> set[int]:
    """The labels that occur, without the background."""
    return {int(label) for label in np.flatnonzero(np.bincount(labels.ravel())) if label}


def renumbered(labels: NDArray[np.uint8], mapping: Mapping[int, int]) -> NDArray[np.uint8]:
    """Teeth with other numbers; see `renumbering` for mappings.

    Raises:
        InputError: a tooth of the mapping is not there, or two would get one number.
    """
    present = teeth_in(labels)
    check_present(present, *mapping)
    check_mapping(present, mapping)
    table = np.arange(256, dtype=np.uint8)
    for fdi, new in mapping.items():
        table[fdi] = new
    return table[labels]


def merge(labels: NDArray[np.uint8], keep: int, others: Collection[int]) -> NDArray[np.uint8]:
    """Several teeth become one, under the number ``keep``.

    Raises:
        InputError: one is not there, or there is nothing but ``keep`` to merge.
    """
    others = to_merge(teeth_in(labels), keep, others)
    result = labels.copy()
    result[np.isin(labels, others)] = keep
    return result


def delete(labels: NDArray[np.uint8], teeth: Collection[int]) -> NDArray[np.uint8]:
    """Teeth become background.

    Raises:
        InputError: one is not there, or none is given.
    """
    if not teeth:
        raise InputError("no tooth is chosen: choose those to delete")
    check_present(teeth_in(labels), *teeth)
    result = labels.copy()
    result[np.isin(labels, list(teeth))] = 0
    return result


def keep_largest(labels: NDArray[np.uint8], teeth: Iterable[int]) -> NDArray[np.uint8]:
    """Of each of the teeth, only the largest piece stays; of equal ones, the first.

    Raises:
        InputError: one is not there.
    """
    teeth = list(teeth)
    check_present(teeth_in(labels), *teeth)
    result = labels.copy()
    for fdi in teeth:
        box = tooth_box(labels, fdi)
        pieces, _ = ndimage.label(labels[box] == fdi)
        result[box][(pieces > 0) & ~_largest(pieces, 1)] = 0
    return result


def smooth(
    labels: NDArray[np.uint8], teeth: Iterable[int], mm: float, spacing: Spacing
) -> NDArray[np.uint8]:
    """Surfaces lose what is finer than about ``mm``; each tooth keeps its volume.

    The tooth's mask is blurred by a Gaussian with a standard deviation of ``mm``. As many voxels as
    the tooth had, those with the highest values that are no neighbour's, are the new tooth: it
    never grows into a neighbour, does not shrink at its tips as at a fixed threshold, and is never
    empty. Bits that come off are dropped.

    Args:
        labels: the label map.
        teeth: to be smoothed, one after the other.
        mm: above 0, at most `LARGEST_SMOOTHING_MM`.
        spacing: (x, y, z) mm.

    Raises:
        InputError: a tooth is not there, or ``mm`` is out of range.
    """
    reach = smoothing_reach(mm)
    teeth = list(teeth)
    check_present(teeth_in(labels), *teeth)
    steps = np.asarray(spacing[::-1], float)
    sigma = mm / steps
    result = labels.copy()
    for fdi in teeth:
        box = tooth_box(labels, fdi, margin=np.ceil(reach / steps).astype(int) + 1)
        part = result[box]
        own = part == fdi
        free = own | (part == 0)
        part[own] = 0
        part[_smooth_mask(own, free, sigma)] = fdi
    return result


def smoothing_reach(mm: float) -> float:
    """How far from a tooth, in mm, smoothing by ``mm`` looks.

    Raises:
        InputError: ``mm`` is out of range.
    """
    if not 0 < mm <= LARGEST_SMOOTHING_MM:
        raise InputError(
            f"{mm:g} mm is no smoothing: choose more than 0 and at most {LARGEST_SMOOTHING_MM:g} mm"
        )
    return _TRUNCATE * mm


def _smooth_mask(
    own: NDArray[np.bool_], free: NDArray[np.bool_], sigma: NDArray[np.float64]
) -> NDArray[np.bool_]:
    blurred = ndimage.gaussian_filter(own.astype(np.float32), sigma, truncate=_TRUNCATE)
    value = np.where(free, blurred, -1).ravel()
    # Between voxels of one value those of the old tooth come first.
    order = np.lexsort((own.ravel(), value))
    mask = np.zeros(own.shape, bool)
    mask.ravel()[order[-np.count_nonzero(own) :]] = True
    return _largest(ndimage.label(mask)[0], ndimage.label(own)[1])


def _largest(pieces: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Where the ``count`` largest pieces are; of equal ones, those with lower numbers."""
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")[:count]
    return np.isin(pieces, order[sizes[order] > 0])


def tooth_box(labels: NDArray[np.uint8], fdi: int, margin: NDArray[np.int_] | int = 0) -> IndexBox:
    """The box of a tooth that is there, with a margin as `grown` takes it."""
    return grown(ndimage.find_objects(labels, fdi)[fdi - 1], labels.shape, margin)
