"""What a device writes where it saw nothing, if that is darker than anything that it saw."""

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


def without_padding(volume: Volume) -> Volume:
    """The scan with its padding as dark as what is darkest in it.

    Padding is the lowest value, where at least a hundredth of all voxels have exactly that and it
    lies below the other voxels' 2nd percentile by more than a fifth of what that lies below their
    99th.

    Args:
        volume: (k, j, i), any data type.

    Returns:
        The same volume if there is no such padding; else one with the padding raised to the
        2nd percentile of the others.
    """
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
    return volume.with_array(np.where(volume.array == lowest, level, volume.array))


def _spread(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Voxels from all over the scan, one in so many along each axis."""
    step = max(1, round((array.size / _SAMPLES) ** (1 / 3)))
    return array[::step, ::step, ::step]
