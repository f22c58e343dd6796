"""Teeth from categories alone: the foreground of each category, cut at its necks."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ToothSegLib.grids.extremes import highest, lowest
from ToothSegLib.maps import Maps
from ToothSegLib.teeth import CATEGORY_OF_TYPE, N_CATEGORIES

# A neck parts two teeth where it is thinner than both by this much in half-width.
_NECK_DEPTH_MM = 0.2


def label_by_categories(maps: Maps, where: np.ndarray) -> np.ndarray:
    """Cut the foreground where categories meet and where it is narrow.

    The watershed (Meyer 1994; ITK's morphological one) of the distance to the border, with minima
    shallower than ``_NECK_DEPTH_MM`` filled.

    Args:
        maps: the types are read as categories.
        where: (n,) flat indices of the foreground voxels, n >= 1.

    Returns:
        (n,) labels; two voxels of one label have one category.
    """
    import SimpleITK as sitk

    chances = np.zeros((N_CATEGORIES, len(where)), np.float32)
    for category, chance in zip(CATEGORY_OF_TYPE, maps.types_at(where), strict=True):
        chances[category] += chance
    category = (chances[1:].argmax(axis=0) + 1).astype(np.int32)

    whole = np.zeros(maps.tooth.shape, np.int32)
    whole.ravel()[where] = category
    box = ndimage.find_objects((whole > 0).astype(np.uint8))[0]
    # A margin, so that the volume's border counts as the teeth's border too.
    inside = np.pad(whole[box], 1)
    border = highest(inside, 1) != lowest(inside, 1)
    # Voxels of the border are half a voxel wide; they keep their own label by the flooding.
    depth = ndimage.distance_transform_edt(~border, sampling=maps.spacing_mm)
    depth[inside == 0] = 0
    depth = ndimage.gaussian_filter(depth.astype(np.float32), 1.0)
    basins = sitk.GetArrayFromImage(
        sitk.MorphologicalWatershed(
            sitk.GetImageFromArray(-depth),
            level=_NECK_DEPTH_MM,
            markWatershedLine=False,
            fullyConnected=False,
        )
    ).astype(np.int64)
    basin = np.zeros(maps.tooth.shape, np.int64)
    basin[box] = basins[1:-1, 1:-1, 1:-1]
    return basin.ravel()[where] * N_CATEGORIES + category
