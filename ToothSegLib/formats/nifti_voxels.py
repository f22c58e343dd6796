"""The voxels of an unpacked NIfTI file as they lie there, so that ITK need not unpack it again."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

import numpy as np

from ToothSegLib.volume import Volume

# By the header's code; SimpleITK's name of the same.
_TYPES = {
    2: ("u1", "sitkUInt8"),
    4: ("i2", "sitkInt16"),
    8: ("i4", "sitkInt32"),
    16: ("f4", "sitkFloat32"),
    64: ("f8", "sitkFloat64"),
    256: ("i1", "sitkInt8"),
    512: ("u2", "sitkUInt16"),
    768: ("u4", "sitkUInt32"),
}
_HEADER_BYTES = 348
_ONE_FILE = b"n+1\0"
_NO_AXES = 1e-3


def plain_nifti(data: bytearray, reader: Any) -> Volume | None:
    """The volume as ITK reads it, its voxels where they lie in ``data``.

    Args:
        data: a whole file, unpacked.
        reader: SimpleITK's, which has read the file's header.

    Returns:
        None where ITK may make something else of the bytes: they are scaled, in another order or
        of another type than the header says, the volume is one of several axes, or its place is
        one that ITK mends or refuses.
    """
    import SimpleITK as sitk

    if sys.byteorder != "little" or len(data) < _HEADER_BYTES:
        return None
    size = reader.GetSize()
    dim = np.frombuffer(data, "<i2", 8, offset=40)
    code = int(np.frombuffer(data, "<i2", 1, offset=70)[0])
    offset, slope, intercept = np.frombuffer(data, "<f4", 3, offset=108)
    in_order = int.from_bytes(data[:4], "little") == _HEADER_BYTES
    if not in_order or data[344:348] != _ONE_FILE or dim[0] != 3 or tuple(dim[1:4]) != size:
        return None
    if code not in _TYPES or slope not in (0, 1) or intercept != 0:
        return None
    name, in_itk = _TYPES[code]
    dtype = np.dtype(name)
    count = prod(size)
    start = len(data) - count * dtype.itemsize
    if reader.GetPixelID() != getattr(sitk, in_itk) or offset != start or start % dtype.itemsize:
        return None
    spacing, direction = reader.GetSpacing(), np.reshape(reader.GetDirection(), (3, 3))
    if not min(spacing) > 0 or not abs(abs(np.linalg.det(direction)) - 1) < _NO_AXES:
        return None
    array = np.frombuffer(data, dtype, count, offset=start).reshape(size[::-1])
    # An image of ITK keeps the 0 that it begins with where -0 is given.
    origin = reader.GetOrigin() if any(reader.GetOrigin()) else (0.0, 0.0, 0.0)
    direction = np.where(direction == np.eye(3), np.eye(3), direction)
    return Volume(array, spacing, origin, direction)
