"""The same scan as another scanner, another position of the head or another cut would give it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.grids.itk_image import resample, to_itk
from ToothSegLib.grids.label_boxes import filled_box
from ToothSegLib.volume import Volume

Pair = tuple[Volume, Volume]
"""A scan and its labels, on one grid."""

Disturbance = Callable[[Volume, Volume], Pair]

_SEED = 0


def turned(degrees: float, axis: int) -> Disturbance:
    """The head turned in space about x, y or z (0, 1, 2); the voxels stay as they are."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz"[axis], degrees, degrees=True).as_matrix()

    def apply(scan: Volume, labels: Volume) -> Pair:
        return _placed(scan, turn), _placed(labels, turn)

    return apply


def turned_on_the_grid(degrees: float, axis: int) -> Disturbance:
    """The same, and resampled to a grid along the world's axes, as a scanner stores it."""
    turn = turned(degrees, axis)

    def apply(scan: Volume, labels: Volume) -> Pair:
        scan, labels = turn(scan, labels)
        ends = np.array(np.meshgrid(*[(0, n - 1) for n in scan.shape[::-1]])).reshape(3, -1)
        corners = (scan.index_to_lps[:3, :3] @ ends).T + scan.origin
        low, high = corners.min(axis=0), corners.max(axis=0)
        size = np.ceil((high - low) / scan.spacing).astype(int) + 1
        return _resampled(scan, labels, scan.spacing, low, np.eye(3), size)

    return apply


def with_voxels_of(spacing_mm: float) -> Disturbance:
    """Resampled to isotropic voxels; smoothed before where they are larger."""

    def apply(scan: Volume, labels: Volume) -> Pair:
        from scipy.ndimage import gaussian_filter

        # The width of a voxel's own box filter, as a standard deviation.
        sigma = [0.29 * spacing_mm / mm if spacing_mm > mm else 0.0 for mm in scan.spacing[::-1]]
        scan = scan.with_array(gaussian_filter(scan.array.astype(np.float32), sigma))
        extent = (np.array(scan.shape[::-1]) - 1) * scan.spacing
        size = np.floor(extent / spacing_mm).astype(int) + 1
        spacing = (spacing_mm,) * 3
        return _resampled(scan, labels, spacing, scan.origin, scan.direction, size)

    return apply


def has_both_jaws(labels: Volume) -> bool:
    """Whether FDI numbers of both jaws are there, so that they can be cut apart."""
    upper, lower = (labels.array >= 11) & (labels.array <= 28), labels.array >= 31
    return bool(upper.any() and lower.any())


def one_jaw(upper: bool) -> Disturbance:
    """Cut between the jaws, along the axis of the grid that runs most nearly up and down.

    The labels must hold both. Crowns of the other jaw that reach over the cut stay, in the scan
    and in the labels.
    """

    def apply(scan: Volume, labels: Volume) -> Pair:
        axis = int(np.abs(scan.direction[2]).argmax())
        up = scan.direction[2, axis] > 0
        places = np.moveaxis(labels.array, 2 - axis, 0)
        upper_jaw = (places >= 11) & (places <= 28)
        share = [mask.any(axis=(1, 2)).nonzero()[0] for mask in (upper_jaw, places >= 31)]
        upper_at, lower_at = (np.median(where) for where in share)
        # The cut with the fewest voxels of the wrong jaw on either side.
        counts = upper_jaw.sum(axis=(1, 2)).cumsum(), (places >= 31).sum(axis=(1, 2)).cumsum()
        first, last = (counts[0], counts[1]) if upper_at < lower_at else (counts[1], counts[0])
        cut = int(np.argmin(first[-1] - first + last)) + 1
        above = slice(cut, None) if up else slice(None, cut)
        below = slice(None, cut) if up else slice(cut, None)
        slices = [slice(None)] * 3
        slices[2 - axis] = above if upper else below
        return scan.part(tuple(slices)), labels.part(tuple(slices))  # type: ignore[arg-type]

    return apply


def greys(scale: float, offset: float) -> Disturbance:
    """Grey values of a device with another zero and another unit."""
    return lambda scan, labels: (
        scan.with_array(scan.array.astype(np.float32) * scale + offset),
        labels,
    )


def eight_bits() -> Disturbance:
    """Stored in 256 levels between the 0.5th and the 99.5th percentile."""

    def apply(scan: Volume, labels: Volume) -> Pair:
        low, high = np.percentile(scan.array, (0.5, 99.5))
        levels = (scan.array.astype(np.float32) - low) / max(high - low, 1e-6) * 255
        return scan.with_array(levels.clip(0, 255).round().astype(np.uint8)), labels

    return apply


def noise(standard_deviation: float) -> Disturbance:
    """Gaussian noise, in the scan's own unit."""

    def apply(scan: Volume, labels: Volume) -> Pair:
        rng = np.random.default_rng(_SEED)
        grain = rng.normal(0.0, standard_deviation, scan.shape).astype(np.float32)
        return scan.with_array(scan.array + grain), labels

    return apply


def cylinder(radius_mm: float) -> Disturbance:
    """Only an upright cylinder about the middle of the teeth was seen, as by a CBCT."""

    def apply(scan: Volume, labels: Volume) -> Pair:
        index = np.argwhere(labels.array)[:, ::-1].mean(axis=0)
        middle = scan.index_to_lps[:3, :3] @ index + scan.origin
        grid = np.indices(scan.shape, np.float32)[::-1].reshape(3, -1)
        x, y = (scan.index_to_lps[:2, :3] @ grid) + np.array(scan.origin)[:2, None]
        seen = ((x - middle[0]) ** 2 + (y - middle[1]) ** 2 <= radius_mm**2).reshape(scan.shape)
        kept = scan.with_array(np.where(seen, scan.array, scan.array.min()))
        return kept, labels.with_array(np.where(seen, labels.array, 0))

    return apply


def field_of_view(middle: NDArray[np.float64], diameter_mm: float, height_mm: float) -> Disturbance:
    """Only a cylinder was seen and stored, as by a CBCT with a small detector.

    It stands along the axis of the grid that runs most nearly up and down; what is beside it has
    the lowest value, and the grid ends where it does.

    Args:
        middle: of the cylinder, LPS mm; what reaches beyond the scan is not seen.
        diameter_mm: of the cylinder.
        height_mm: of the cylinder.
    """

    def apply(scan: Volume, labels: Volume) -> Pair:
        upright = 2 - int(np.abs(scan.direction[2]).argmax())
        index = np.linalg.solve(scan.index_to_lps[:3, :3], middle - np.array(scan.origin))[::-1]
        spacing = scan.spacing[::-1]
        apart = np.ogrid[tuple(slice(0, n) for n in scan.shape)]
        mm = [
            (at - here) * size
            for at, here, size in zip(apart, index.tolist(), spacing, strict=True)
        ]
        beside = sum(along**2 for axis, along in enumerate(mm) if axis != upright)
        seen = (beside <= (diameter_mm / 2) ** 2) & (np.abs(mm[upright]) <= height_mm / 2)
        box = filled_box(seen)
        if box is None:
            raise InputError(f"the scan has nothing within {diameter_mm / 2:g} mm of {middle} mm")
        kept = scan.with_array(np.where(seen, scan.array, scan.array.min()))
        return kept.part(box), labels.with_array(np.where(seen, labels.array, 0)).part(box)

    return apply


def _placed(volume: Volume, turn: NDArray[np.float64]) -> Volume:
    origin = tuple((turn @ np.array(volume.origin)).tolist())
    return Volume(volume.array, volume.spacing, origin, turn @ volume.direction)


def _resampled(
    scan: Volume,
    labels: Volume,
    spacing: tuple[float, float, float],
    origin: NDArray[np.float64] | tuple[float, ...],
    direction: NDArray[np.float64],
    size: NDArray[np.int64],
) -> Pair:
    shape = (int(size[2]), int(size[1]), int(size[0]))
    outside = float(scan.array.min())
    grid = (shape, spacing, tuple(np.asarray(origin, float).tolist()), direction)
    grey = resample(to_itk(scan), *grid, how="linear", outside=outside, dtype=np.float32)
    numbers = resample(to_itk(labels), *grid, how="nearest")
    place = (spacing, grid[2], direction)
    return Volume(grey, *place), Volume(numbers, *place)
