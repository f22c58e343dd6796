"""The checksum by which a data set knows a scan, worked out once as long as that stays the same.

It takes every voxel. A scene of many cases of one size would have each of its scans gone through
again whenever one is opened.
"""

from __future__ import annotations

from typing import Any

from ToothSegLib.dataset.voxels import storable
from ToothSegLib.formats.scan_checksum import voxels_sha256
from ToothSegScene.layer_values import ImageKey, image_key
from ToothSegScene.volumes import volume_from_node

_KNOWN: dict[ImageKey, str] = {}
_MOST_KNOWN = 64


def checksum_of(volume_node: Any) -> str:
    """The checksum of the voxels of a volume node, as in a `Source` of a data set.

    Raises:
        InputError: it is no scan that can be stored.
    """
    image = storable(volume_from_node(volume_node)[0])
    key = image_key(volume_node.GetImageData())
    if key not in _KNOWN:
        while len(_KNOWN) >= _MOST_KNOWN:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[key] = voxels_sha256(image.array)
    return _KNOWN[key]
