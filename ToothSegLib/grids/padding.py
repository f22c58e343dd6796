"""What a device writes where it saw nothing, darker or brighter than anything that it saw."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.volume import Volume

log = logging.getLogger(__name__)

# Air outside of a scanner's cylinder is often written as -1024, -2048, -3024 or -32768. Where that
# is far below what the scanner shows of air, it says nothing of the patient, and all that is
# reckoned by the darkest and the brightest of a scan goes astray.
_LEAST_SHARE = 0.01
_FAR_BELOW = 0.2  # of the span from dark to bright
_DARK_PERCENT, _BRIGHT_PERCENT = 2.0, 99.0
_SAMPLES = 200_000
# Around a cylinder the four corners of every slice are outside; metal, bone and whatever else is
# bright is never in all of them from the first slice to the last.
_CORNERS = 0.95


def without_padding(volume: Volume) -> Volume:
    """The scan with its padding as dark as what is darkest in it.

    Padding is the lowest value, where at least a hundredth of all voxels have exactly that and it
    lies below the other voxels' 2nd percentile by more than a fifth of what that lies below their
    99th. It may be the highest value instead, where that fills the corners of the slices along an
    axis, and then is what hangs together with the slices' border: the same value within a cylinder,
    as of metal, stays.

    Args:
        volume: (k, j, i), any data type.

    Returns:
        The same volume if there is no such padding; else one with the padding moved to the 2nd
        percentile of the others.
    """
    return _without_dark(without_bright(volume))


def without_bright(volume: Volume) -> Volume:
    """As `without_padding`, of padding with the highest value alone.

    Dark padding, as it came, tells where the field of view ends; bright padding passes for metal.
    """
    array, highest = volume.array, volume.array.max()
    for axis in range(3):
        edges = np.moveaxis(array, axis, 0)[:, [0, 0, -1, -1], [0, -1, 0, -1]]
        if (edges == highest).mean() >= _CORNERS:
            mended = darkened(array, array == highest, axis)
            return volume if mended is array else volume.with_array(mended)
    return volume


def darkened(array: NDArray, padding: NDArray[np.bool_], axis: int = 0) -> NDArray:
    """The array with its padding as dark as what is darkest in the rest.

    Args:
        array: (k, j, i).
        padding: where values are that may be padding; within the patient they may occur too.
        axis: across the slices. What hangs together with the border of its slice is padding.

    Returns:
        The same array if the padding is less than a hundredth of it, or dark already.
    """
    from scipy import ndimage  # here, for reading a scan must not wait until SciPy is loaded

    outside = np.zeros_like(padding)
    for here, found in zip(np.moveaxis(padding, axis, 0), np.moveaxis(outside, axis, 0)):
        if here.any():
            parts, _ = ndimage.label(here)
            edges = (parts[0], parts[-1], parts[:, 0], parts[:, -1])
            touching = np.unique(np.concatenate(edges))
            found[...] = np.isin(parts, touching[touching > 0])
    if outside.mean() < _LEAST_SHARE or outside.all():
        return array
    sample = np.asarray(_spread(array), float)
    is_outside: NDArray[np.bool_] = np.asarray(_spread(outside), bool)
    if is_outside.all():
        return array
    dark = np.percentile(sample[~is_outside], _DARK_PERCENT)
    if array[outside].max() <= dark:
        return array
    level = np.asarray(dark).astype(array.dtype)
    log.info("padding of up to %s is taken for %s", array[outside].max(), level)
    return np.where(outside, level, array)


def _without_dark(volume: Volume) -> Volume:
    sample = _spread(volume.array)
    lowest = sample.min()
    is_lowest = sample == lowest
    if is_lowest.mean() < _LEAST_SHARE or is_lowest.all():
        return volume
    dark, bright = np.percentile(sample[~is_lowest], (_DARK_PERCENT, _BRIGHT_PERCENT))
    if float(dark) - float(lowest) <= _FAR_BELOW * (float(bright) - float(dark)):
        return volume
    level = np.asarray(dark).astype(volume.array.dtype)
    log.info("what the scan has as %s is padding, and taken for %s", lowest, level)
    mended = np.empty_like(volume.array)
    # A layer at a time, as they lie in memory: no mask of the whole scan.
    apart = int(np.argmax(np.abs(volume.array.strides)))
    for layer, found in zip(np.moveaxis(mended, apart, 0), np.moveaxis(volume.array, apart, 0)):
        layer[...] = found
        layer[found == lowest] = level
    return volume.with_array(mended)


def _spread(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Voxels from all over the scan, one in so many along each axis."""
    step = max(1, round((array.size / _SAMPLES) ** (1 / 3)))
    return array[::step, ::step, ::step]
