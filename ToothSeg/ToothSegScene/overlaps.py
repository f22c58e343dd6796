"""Teeth that share voxels: a label map has one number a voxel, so one of them would lose some.

Looked for where the teeth were drawn, not on the scan's voxels: resampled, teeth of a finer grid
that only touch may both have the voxel whose centre lies midway between two of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.errors import InputError
from ToothSegLib.grids.label_boxes import filled_box
from ToothSegLib.volume import Volume, corner_indices
from ToothSegScene.layer_values import LABELMAP, fdi_layers
from ToothSegScene.segment_values import matrix_of
from ToothSegScene.segments import teeth_of, teeth_on_grid
from ToothSegScene.state import Extent, overlap
from ToothSegScene.volumes import grid_of, placed

_MOST_NAMED = 3
# How far, in voxels, the voxels of one image may be off those of another and still be the same.
_SAME_VOXEL = 0.01

Pairs = Counter[tuple[int, int]]
"""In how many voxels two teeth overlap, by their FDI numbers, ascending."""


@dataclass(frozen=True)
class _Part:
    """The teeth of one image, no more than the box that they fill.

    Args:
        teeth: (k, j, i) FDI numbers.
        extent: where that is in the voxels of a lattice.
    """

    teeth: NDArray[np.uint8]
    extent: Extent


def check_apart(segmentation_node: Any, volume_node: Any) -> None:
    """Raise InputError if teeth of different layers overlap.

    Layers whose voxels are the same are compared voxel by voxel. Those of different grids are on
    the scan's voxels, where teeth that touch may share a seam of voxels, which is no overlap.

    Args:
        segmentation_node: the teeth.
        volume_node: the scan.
    """
    segmentation = segmentation_node.GetSegmentation()
    images = {
        segmentation.GetSegment(segment_id).GetRepresentation(LABELMAP).GetAddressAsString("")
        for segment_id in teeth_of(segmentation_node).values()
    }
    if len(images) < 2:
        return  # within one image no voxel has two teeth
    lattices: list[Volume] = []
    layers: list[tuple[int, _Part]] = []
    coarsest = 0.0
    for layer in _layers(segmentation_node):
        number, part = _on_lattice(layer, lattices)
        layers.append((number, part))
        coarsest = max(coarsest, *layer.spacing)
    shared: Pairs = Counter()
    for (one, a), (other, b) in combinations(layers, 2):
        if one == other:
            shared += _shared(a, b)
    if len(lattices) > 1:
        numbers = [number for number, _ in layers]
        del layers
        shared += _shared_on_scan(segmentation_node, volume_node, numbers, coarsest)
    if shared:
        raise _overlap_in(shared)


def _layers(segmentation_node: Any) -> Iterator[Volume]:
    """The images of teeth where they lie in the segmentation's space, cropped to their teeth."""
    segmentation = segmentation_node.GetSegmentation()
    for image, fdis in fdi_layers(segmentation, teeth_of(segmentation_node)):
        matrix = np.reshape(matrix_of(image), (4, 4))
        box = filled_box(fdis)
        assert box is not None  # or it were no image of teeth
        part = placed(fdis, image.GetExtent(), matrix).part(box)
        yield part.with_array(part.array.copy())  # so that the whole image can go


def _on_lattice(layer: Volume, lattices: list[Volume]) -> tuple[int, _Part]:
    """The number of the lattice that a layer's voxels belong to, a new one if need be."""
    for number, lattice in enumerate(lattices):
        to_lattice = lattice.lps_to_index @ layer.index_to_lps
        first = np.round(to_lattice[:3, 3]).astype(int)
        expected = np.eye(4)
        expected[:3, 3] = first
        off = np.abs((to_lattice - expected) @ corner_indices(layer.shape)).max()
        if off <= _SAME_VOXEL:
            return number, _part(layer.array, first)
    lattices.append(layer.with_array(np.broadcast_to(np.uint8(0), layer.shape)))
    return len(lattices) - 1, _part(layer.array, np.zeros(3, int))


def _part(teeth: NDArray[np.uint8], first: NDArray[np.int_]) -> _Part:
    """Of an array whose first voxel has the index ``first`` (i, j, k)."""
    last = first + teeth.shape[::-1] - 1
    return _Part(teeth, tuple(np.stack([first, last], axis=1).ravel().tolist()))


def _shared(a: _Part, b: _Part, seam: tuple[int, ...] = (1, 1, 1)) -> Pairs:
    """The voxels in which two layers both have a tooth.

    Args:
        a, b: on one lattice.
        seam: (k, j, i), in voxels; only what holds a box of this size somewhere counts.
    """
    in_a, in_b = overlap(a.extent, b.extent)
    teeth = a.teeth[in_a], b.teeth[in_b]
    both = (teeth[0] != 0) & (teeth[1] != 0)
    if both.any() and max(seam) > 1:
        both = ndimage.binary_opening(both, np.ones(seam, bool))
    pairs = np.sort(np.stack([teeth[0][both], teeth[1][both]], axis=1), axis=1)
    return Counter({(int(low), int(high)): count for (low, high), count in _counted(pairs)})


def _counted(pairs: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], int]]:
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    yield from zip(found, counts.tolist())


def _shared_on_scan(
    segmentation_node: Any, volume_node: Any, lattices: list[int], coarsest: float
) -> Pairs:
    """What layers of different lattices share on the voxels of the scan.

    Args:
        segmentation_node: the teeth.
        volume_node: the scan.
        lattices: the number of each layer's, in the order of the layers.
        coarsest: mm, the largest voxel size of a layer: that far a surface may be off there.
    """
    spacing = grid_of(volume_node).spacing[::-1]
    seam = tuple(1 + int(np.ceil(coarsest / size - 1e-6)) for size in spacing)
    before: list[tuple[int, _Part]] = []
    shared: Pairs = Counter()
    for number, (where, teeth) in zip(lattices, teeth_on_grid(segmentation_node, volume_node)):
        box = filled_box(teeth)
        if box is None:
            continue
        first = [(along.start or 0) + part.start for along, part in zip(where, box)]
        layer = _part(teeth[box].copy(), np.array(first[::-1]))
        for other, part in before:
            if other != number:
                shared += _shared(part, layer, seam)
        before.append((number, layer))
    return shared


def _overlap_in(shared: Pairs) -> InputError:
    named = [f"{a} and {b}" for a, b in sorted(shared)[:_MOST_NAMED]]
    more = f" and {len(shared) - _MOST_NAMED} more pairs" if len(shared) > _MOST_NAMED else ""
    voxels = "1 voxel" if shared.total() == 1 else f"{shared.total()} voxels"
    return InputError(
        f"{', '.join(named)}{more} overlap in {voxels}, and a case has one tooth a voxel: in the "
        "Segment Editor set Masking > Modify other segments to Overwrite all, and paint the place "
        "with the tooth that it belongs to"
    )
