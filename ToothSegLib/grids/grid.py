"""From a scan's own grid to the working grid, and labels back.

The working grid is canonical: its axes are the LPS axes and its voxels are cubes. Where the source
has the same voxels, only turned or mirrored, they are copied and nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.grids.axis_order import forward
from ToothSegLib.grids.coarsening import block_means, blurred
from ToothSegLib.grids.itk_image import resample, to_itk
from ToothSegLib.grids.label_boxes import IndexBox, filled_box, grown
from ToothSegLib.grids.nearest_label import nearest_within
from ToothSegLib.volume import Volume, corner_indices

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Lowest and highest corner, (x, y, z) LPS mm."""

# Grids count as the same when no voxel centre differs by more than this part of a voxel.
_SAME_VOXEL = 0.02
# Beyond the scan lies what most scans show at their edge: air.
_FILL_PERCENTILE = 1.0
_SAMPLE_VOXELS = 500_000  # that it is taken from, about
# How far, in working voxels, a label reaches beyond its last voxel to meet the surface at one half.
_REACH = 2.0
_SLAB_VOXELS = 1 << 22


def to_working_grid(volume: Volume, spacing_mm: float = 0.5, box: Box | None = None) -> Volume:
    """The scan on the working grid: float32, identity direction, cubes of ``spacing_mm``.

    A grid coarser than the scan's does not alias (see ``coarsening``); a finer one is interpolated
    linearly. Beyond the scan is its 1st percentile.

    Args:
        volume: any spacing, any direction.
        box: the part to cover; by default all that the scan's voxels fill.

    Returns:
        A volume whose voxels cover the box; where they begin depends on the scan's own voxels.
    """
    # Blocks and samples are counted from the first voxel.
    volume = forward(volume)
    air = float(np.percentile(_thinned(volume.array), _FILL_PERCENTILE))
    low, high = np.asarray(extent(volume) if box is None else box, float)
    if box is not None:
        volume = _cropped(volume, low, high, margin_mm=2 * spacing_mm)
    volume = block_means(volume, spacing_mm)
    turned = _turned(volume, spacing_mm)
    if turned is not None:
        return turned if box is None else _window(turned, low, high, air)
    size = np.maximum(np.ceil((high - low) / spacing_mm - 1e-6), 1).astype(int)
    origin = (low + high - (size - 1) * spacing_mm) / 2
    spacing = (spacing_mm,) * 3
    array = resample(
        to_itk(blurred(volume, spacing_mm)),
        tuple(size[::-1]),
        spacing,
        origin,
        np.eye(3),
        how="linear",
        outside=air,
        dtype=np.float32,
    )
    return Volume(array, spacing, tuple(origin))


def labels_to_source(
    labels: Volume, tooth_probability: Volume | None, source: Volume
) -> NDArray[np.uint8]:
    """A label map of the working grid on the voxels of the scan that it belongs to.

    Args:
        labels: (Z, Y, X) integers 0-255 on the working grid.
        tooth_probability: 0-1 on the same grid. With it a voxel is tooth where the linearly
            interpolated probability is at least one half, and takes the nearest label, so that a
            surface is smooth on a finer grid too. Without it the nearest voxel's label is taken.
        source: the scan; only its grid is used.

    Returns:
        (k, j, i) uint8 of the source's shape; 0 beyond the working grid. Where source voxels
        coincide with working ones they have exactly their labels.

    Raises:
        ValueError: the labels and the probability are on different grids.
    """
    if tooth_probability is not None and not labels.same_grid(tooth_probability):
        raise ValueError("the labels and the tooth probability are on different grids")
    result = np.zeros(source.shape, np.uint8)
    found = filled_box(labels.array)
    if found is None:
        return result
    near = grown(found, labels.shape, int(np.ceil(_REACH)))
    labels = labels.part(near)
    surface = None
    if tooth_probability is not None:
        surface = to_itk(
            labels.with_array(_agreeing(tooth_probability.array[near], labels.array > 0))
        )
        labels = labels.with_array(nearest_within(labels.array, _REACH))
    nearest = to_itk(labels.with_array(labels.array.astype(np.uint8)))
    for slab in _slabs(source, labels):
        place = source.part(slab)
        on = (place.shape, place.spacing, place.origin, place.direction)
        values = resample(nearest, *on, how="nearest")
        if surface is not None:
            values[resample(surface, *on, how="linear") < 0.5] = 0
        result[slab] = values
    return result


def extent(volume: Volume) -> NDArray[np.float64]:
    """(2, 3) lowest and highest corner of what the voxels fill, LPS mm."""
    corners = (volume.index_to_lps @ corner_indices(volume.shape, margin=0.5))[:3]
    return np.stack([corners.min(axis=1), corners.max(axis=1)])


def _thinned(array: NDArray) -> NDArray:
    """Every n-th voxel along each axis, for statistics."""
    step = max(1, round((array.size / _SAMPLE_VOXELS) ** (1 / 3)))
    return array[::step, ::step, ::step]


def _cropped(
    volume: Volume, low: NDArray[np.float64], high: NDArray[np.float64], margin_mm: float
) -> Volume:
    """The smallest block of voxels that covers a box, with a margin; at least one voxel."""
    box_to_index = volume.lps_to_index @ np.block(
        [[np.diag(high - low + 2 * margin_mm), (low - margin_mm)[:, None]], [np.zeros(3), 1.0]]
    )
    corners = (box_to_index @ corner_indices((2, 2, 2)))[:3]
    last = np.asarray(volume.shape[::-1]) - 1
    start = np.clip(np.floor(corners.min(axis=1)), 0, last).astype(int)
    stop = np.clip(np.ceil(corners.max(axis=1)), start, last).astype(int) + 1
    i, j, k = (slice(int(a), int(b)) for a, b in zip(start, stop))
    return volume.part((k, j, i))


def _turned(volume: Volume, spacing_mm: float) -> Volume | None:
    """The same voxels with the LPS axes as float32, or None if they do not lie on such a grid."""
    lps_axis = np.abs(volume.direction).argmax(axis=0)
    if sorted(lps_axis) != [0, 1, 2]:
        return None
    index_axis = np.argsort(lps_axis)  # of x, y, z
    array = volume.array.transpose(2 - index_axis[::-1])
    # Index of the source from the index of the turned array.
    to_source = np.zeros((4, 4))
    to_source[3, 3] = 1
    for axis, source_axis in enumerate(index_axis):
        backwards = volume.direction[axis, source_axis] < 0
        to_source[source_axis, axis] = -1 if backwards else 1
        if backwards:
            to_source[source_axis, 3] = volume.shape[2 - source_axis] - 1
            array = np.flip(array, 2 - axis)
    matrix = volume.index_to_lps @ to_source
    turned = Volume(array, (spacing_mm,) * 3, tuple(matrix[:3, 3]))
    drift = np.abs((matrix - turned.index_to_lps) @ corner_indices(turned.shape)).max()
    if drift > _SAME_VOXEL * spacing_mm:
        return None
    return turned.with_array(np.array(array, np.float32, order="C"))


def _window(
    volume: Volume, low: NDArray[np.float64], high: NDArray[np.float64], outside: float
) -> Volume:
    """The voxels of a canonical volume that cover a box, whether or not it has them all."""
    spacing = volume.spacing[0]
    first = np.floor((low - volume.origin) / spacing + 0.5 + 1e-6).astype(int)
    stop = np.ceil((high - volume.origin) / spacing + 0.5 - 1e-6).astype(int)
    stop = np.maximum(stop, first + 1)
    array = np.full((stop - first)[::-1], outside, np.float32)
    here, there = [], []
    for begin, end, length in zip(first[::-1], stop[::-1], volume.shape):
        a, b = np.clip((begin, end), 0, length)
        here.append(slice(a, b))
        there.append(slice(a - begin, b - begin))
    array[tuple(there)] = volume.array[tuple(here)]
    return Volume(array, volume.spacing, tuple(volume.origin + first * spacing))


def _agreeing(probability: NDArray, tooth: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The probability, reflected about one half where it contradicts the labels.

    What was taken out of the labels (a third molar, a fragment) or filled in has its surface
    midway between the voxels then, and no neighbour's label leaks into it.
    """
    probability = probability.astype(np.float32)
    certainty = np.maximum(np.maximum(probability, 1 - probability), 0.501)
    return np.where(tooth, certainty, 1 - certainty)


def _slabs(source: Volume, region: Volume) -> Iterator[IndexBox]:
    """The block of the source that a region touches, in slabs of bounded size."""
    corners = source.lps_to_index @ region.index_to_lps @ corner_indices(region.shape, 0.5)
    start = np.maximum(np.floor(corners[:3].min(axis=1)), 0).astype(int)
    stop = np.minimum(np.ceil(corners[:3].max(axis=1)) + 1, source.shape[::-1]).astype(int)
    if (stop <= start).any():
        return
    i, j = (slice(int(a), int(b)) for a, b in zip(start[:2], stop[:2]))
    step = max(1, _SLAB_VOXELS // ((i.stop - i.start) * (j.stop - j.start)))
    for k in range(int(start[2]), int(stop[2]), step):
        yield slice(k, min(k + step, int(stop[2]))), j, i
