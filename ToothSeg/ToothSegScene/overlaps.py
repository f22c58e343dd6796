"""Teeth that share voxels: a label map has one number a voxel, so one of them would lose some."""

from __future__ import annotations

from typing import Any

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume
from ToothSegScene.segments import teeth_on_grid

_MOST_NAMED = 3


def check_apart(segmentation_node: Any, volume_node: Any, labels: Volume) -> None:
    """Raise InputError if a label map lacks voxels that a tooth has in its own layer.

    Args:
        segmentation_node: the teeth.
        volume_node: on whose voxels the labels are.
        labels: as `segments.read_labels` gives them for the two.
    """
    layers = list(teeth_on_grid(segmentation_node, volume_node))
    if len(layers) < 2:
        return  # within one image no voxel has two teeth
    shared: dict[tuple[int, int], int] = {}
    for part, there in layers:
        left = labels.array[part]
        lost = (there != 0) & (left != there)
        pairs = np.stack([there[lost], left[lost]], axis=1)
        for (under, over), count in zip(*np.unique(pairs, axis=0, return_counts=True)):
            pair = (int(under), int(over))
            shared[pair] = shared.get(pair, 0) + int(count)
    if not shared:
        return
    named = [f"{a} and {b}" for a, b in sorted(shared)[:_MOST_NAMED]]
    more = f" and {len(shared) - _MOST_NAMED} more pairs" if len(shared) > _MOST_NAMED else ""
    voxels = "1 voxel" if sum(shared.values()) == 1 else f"{sum(shared.values())} voxels"
    raise InputError(
        f"{', '.join(named)}{more} overlap in {voxels}, and a case has one tooth a voxel: in the "
        "Segment Editor set Masking > Modify other segments to Overwrite all, and paint the place "
        "with the tooth that it belongs to"
    )
