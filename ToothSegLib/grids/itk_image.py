"""`Volume` to and from SimpleITK's image, and resampling with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.volume import Volume


def to_itk(volume: Volume) -> Any:
    """A SimpleITK image with the volume's voxels (copied) in the volume's place."""
    import SimpleITK as sitk

    array = volume.array
    if array.dtype == bool:
        array = array.view(np.uint8)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(volume.spacing)
    image.SetOrigin(volume.origin)
    image.SetDirection(volume.direction.ravel().tolist())
    return image


def from_itk(image: Any) -> Volume:
    """The SimpleITK image as a `Volume` (voxels copied).

    Raises:
        InputError: it has another number of axes than 3, or several values a voxel.
    """
    import SimpleITK as sitk

    array = sitk.GetArrayFromImage(image)
    return Volume(array, image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def resample(
    image: Any,
    shape: tuple[int, int, int],
    spacing: Sequence[float],
    origin: Sequence[float],
    direction: NDArray[np.float64],
    *,
    how: Literal["nearest", "linear"],
    outside: float = 0.0,
    dtype: type[np.generic] | None = None,
) -> NDArray:
    """(k, j, i) ``shape`` of values of a SimpleITK image at the voxel centres of another grid.

    Args:
        image: SimpleITK's, of one value a voxel.
        shape: voxels of the other grid (k, j, i).
        spacing: of the other grid, (x, y, z) mm.
        origin: of the other grid, LPS mm of voxel (0, 0, 0).
        direction: of the other grid, (3, 3), columns are the LPS directions of axes i, j, k.
        how: the nearest voxel's value, as for labels, or one between the voxels.
        outside: the value where the image has no voxel.
        dtype: of the result, float32 or None for the image's own.
    """
    import SimpleITK as sitk

    resampled = sitk.Resample(
        image,
        [int(n) for n in shape[::-1]],
        sitk.Transform(),
        {"nearest": sitk.sitkNearestNeighbor, "linear": sitk.sitkLinear}[how],
        [float(mm) for mm in origin],
        [float(mm) for mm in spacing],
        np.asarray(direction, float).ravel().tolist(),
        outside,
        image.GetPixelID() if dtype is None else sitk.sitkFloat32,
    )
    return sitk.GetArrayFromImage(resampled)
