"""Find the dentition: a coarse look at the whole scan gives the box that is worth a close one."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import nn

from ToothSegLib.grid import Box, to_working_grid
from ToothSegLib.inference import tooth_probability
from ToothSegLib.normalise import normalise
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume

SPACING_MM = 1.5
_MARGIN_MM = 8.0
# Teeth of one mouth lie close together; something tooth-like further away is something else.
_JOIN_MM = 12.0
_LEAST_MM3 = 60.0


def find_dentition(
    network: nn.Module, volume: Volume, device: torch.device, progress: Progress
) -> Box | None:
    """The box around all teeth with a margin, LPS mm, or None if nothing looks like a tooth.

    Args:
        network: the bundle's locator, one output at 1.5 mm.
        volume: the whole scan.
        device: where to compute.
        progress: of this step.
    """
    coarse = to_working_grid(volume, SPACING_MM)
    image = normalise(torch.from_numpy(np.ascontiguousarray(coarse.array, dtype=np.float32)))
    tooth = tooth_probability(network, image, device, progress).numpy() >= 0.5
    if tooth.sum() * SPACING_MM**3 < _LEAST_MM3:
        return None
    reach = round(_JOIN_MM / SPACING_MM / 2)
    groups, count = ndimage.label(ndimage.maximum_filter(tooth, size=2 * reach + 1))
    sizes = ndimage.sum_labels(tooth, groups, np.arange(1, count + 1))
    where = np.argwhere(tooth & (groups == 1 + int(np.argmax(sizes))))
    low = np.asarray(coarse.origin) + (where.min(axis=0)[::-1] - 0.5) * SPACING_MM - _MARGIN_MM
    high = np.asarray(coarse.origin) + (where.max(axis=0)[::-1] + 0.5) * SPACING_MM + _MARGIN_MM
    first = np.asarray(coarse.origin) - 0.5 * SPACING_MM
    last = first + np.asarray(coarse.shape[::-1]) * SPACING_MM
    low, high = np.maximum(low, first), np.minimum(high, last)
    return (float(low[0]), float(low[1]), float(low[2])), (
        float(high[0]),
        float(high[1]),
        float(high[2]),
    )
