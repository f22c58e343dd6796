"""The voxel files of a case: nothing goes in but voxels and their place, and checksums tell."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.dataset.record import REVIEW_ORDER, Source
from ToothSegLib.errors import InputError
from ToothSegLib.formats.scan_checksum import voxels_sha256
from ToothSegLib.formats.slicer_header import segmentation_header
from ToothSegLib.grids.axis_order import forward, in_order_of, is_stored_alike
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume


def may_be_the_same(one: Source, other: Source) -> bool:
    """Whether two scans may hold the same values in another type or in another order of the voxels.

    Checksums do not tell that.
    """
    # Asked of every pair of a data set, which may all be of one device: what is cheap comes first.
    if sorted(one.shape) != sorted(other.shape):
        return False
    if one.dtype == other.dtype and one.direction == other.direction:
        return False
    mine, theirs = _without_voxels(one), _without_voxels(other)
    same_order = is_stored_alike(mine.direction, theirs.direction)
    if one.dtype == other.dtype and same_order:
        return False
    # A false header turns the axes, and a scan may have come with one and with the true one.
    pairs = [(_forward(one), _forward(other))] + [(mine, theirs)] * (one.dtype != other.dtype)
    return any(
        a.shape == b.shape and np.allclose(a.spacing, b.spacing, rtol=1e-4) for a, b in pairs
    )


def same_values(one: Volume, other: Volume) -> bool:
    """Whether two scans hold the same values, in whatever types and order of the voxels."""
    return any(
        a.shape == b.shape
        # Layer by layer, for two types are compared in a third, and most scans differ in the first.
        and all(np.array_equal(layer, theirs) for layer, theirs in zip(a, b))
        for a, b in ((one.array, other.array), (forward(one).array, forward(other).array))
    )


def values_sha256(image: Volume) -> str:
    """Checksum of a scan's values, the same in whatever types and order of the voxels they come."""
    array = forward(image).array
    digest = hashlib.sha256(f"values {array.shape}".encode())
    for layer in array:  # a copy of all in this type would take gigabytes
        values = np.ascontiguousarray(layer, "<f8") + 0.0  # no -0
        digest.update(values.data)
    return digest.hexdigest()


def storable(image: Volume) -> Volume:
    """The same values in a type that NRRD has.

    Raises:
        InputError: they are no real numbers.
    """
    array = image.array
    if array.dtype == bool:
        return image.with_array(array.astype(np.uint8))
    if array.dtype == np.float16:
        return image.with_array(array.astype(np.float32))
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise InputError(f"the scan holds {array.dtype.name}, not grey values")
    return image


def source_of(image: Volume) -> Source:
    """What a case remembers of its scan."""
    rows = [(float(x), float(y), float(z)) for x, y, z in image.direction]
    return Source(
        voxels_sha256=voxels_sha256(image.array),
        dtype=image.array.dtype.name,
        shape=image.shape,
        spacing_mm=image.spacing,
        origin_lps=image.origin,
        direction=tuple(rows),
    )


def checked_labels(labels: Volume, source: Source) -> Volume:
    """Labels as a case keeps them: uint8 FDI numbers, in exactly the scan's place.

    Other programs may have stored the same voxels in another order.

    Raises:
        InputError: they are not on the scan's grid, or hold something other than FDI numbers.
    """
    labels = in_order_of(labels, _without_voxels(source))
    check_grid(labels, source, "the labels are")
    strange = unknown_numbers(labels.array)
    if strange:
        raise InputError(
            f"the labels hold {', '.join(f'{value:g}' for value in strange[:5])}: only 0 and FDI "
            "numbers 11-18, 21-28, 31-38, 41-48 will do; say what another program's values mean "
            "with --names, and set what is none of these teeth to 0"
        )
    return source.placed(labels.array.astype(np.uint8, order="C"))


def check_grid(volume: Volume, source: Source, what: str) -> None:
    """Raise InputError if a volume does not lie where the scan does."""
    if volume.shape != source.shape:
        sizes = [" x ".join(map(str, shape[::-1])) for shape in (volume.shape, source.shape)]
        raise InputError(f"{what} not on the scan's grid: {sizes[0]} voxels, the scan {sizes[1]}")
    scan = _without_voxels(source)
    if not volume.same_grid(scan, scan.file_tolerance_mm):
        raise InputError(f"{what} not on the scan's grid: as many voxels, in another place")


@lru_cache(maxsize=1024)
def _forward(source: Source) -> Volume:
    return forward(_without_voxels(source))


@lru_cache(maxsize=1024)
def _without_voxels(source: Source) -> Volume:
    """The scan's place; not of its size in memory: one value, seen as often as needed."""
    return source.placed(np.broadcast_to(np.uint8(0), source.shape))


def unknown_numbers(array: NDArray) -> list[float]:
    """Values that are neither 0 nor an FDI number, ascending."""
    return sorted(set(values_in(array)) - {0, *REVIEW_ORDER})


def teeth_of(array: NDArray[np.uint8]) -> tuple[int, ...]:
    """FDI numbers in a label map, ascending."""
    return tuple(value for value in values_in(array) if value)


def values_in(array: NDArray) -> list[Any]:
    """The values that occur, ascending."""
    # Layer by layer: counting takes eight bytes a voxel, and sorting many times as long.
    found: set[Any] = set()
    for layer in array:
        if array.dtype == np.uint8:
            # Most voxels are background, and counting costs twenty times as much as comparing.
            inside = layer[layer != 0]
            found.update(np.flatnonzero(np.bincount(inside)).tolist())
            if inside.size < layer.size:
                found.add(0)
        else:
            found.update(np.unique(layer).tolist())
    return sorted(found)


def changed_teeth(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, ...]:
    """FDI numbers of the teeth that have lost or gained a voxel from one map to another."""
    found: set[int] = set()
    for mine, theirs in zip(before, after, strict=True):  # layer by layer: most are the same
        if not np.array_equal(mine, theirs):
            differs = mine != theirs
            found.update(teeth_of(np.stack([mine[differs], theirs[differs]])))
    return tuple(sorted(found))


def write_image(path: Path, image: Volume) -> None:
    """Write the scan. Raises OutputError."""
    write_volume(path, image)


def write_labels(path: Path, labels: Volume) -> None:
    """Write labels as a segmentation that Slicer reads. Raises OutputError."""
    write_volume(path, labels, header=segmentation_header(labels))


def read_placed(path: Path, source: Source) -> Volume:
    """Read a file of the case; its voxels, in exactly the place that the case remembers.

    Raises:
        InputError: the file is missing, damaged, or lies in another place.
    """
    volume = read_volume(path)
    check_grid(volume, source, f"{path} is")
    return source.placed(volume.array)
