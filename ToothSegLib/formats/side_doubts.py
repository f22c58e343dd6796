"""Whether a file tells left from right, by its name and header alone: no voxel is read.

For 3D Slicer, which has read the file itself by then and does not say what it assumed.
"""

from __future__ import annotations

import zlib
from itertools import islice
from pathlib import Path

from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import IMAGE_IOS, NRRD_EXTENSIONS, ending_of
from ToothSegLib.formats.itk_io import NO_DIRECTION_IN_GIPL, NO_DIRECTION_IN_META
from ToothSegLib.formats.meta_header import read_meta_header
from ToothSegLib.formats.nifti_place import NO_FORM, read_nifti_place
from ToothSegLib.formats.nrrd_io import doubts_of_header
from ToothSegLib.volume import side_unknown

_PICTURES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
_MOST_LINES = 10_000
_LONGEST_LINE = 1 << 16


def side_doubts(path: Path) -> tuple[str, ...]:
    """Why left and right were assumed, as `Volume.doubts` has it, where the file is sure to say so.

    Args:
        path: what a volume was read from. Of a stack of pictures, any of them.

    Returns:
        Nothing for a file that gives the direction of its axes, for DICOM, and for one that is
        gone, damaged, or of a format that is not known here.
    """
    if path.suffix.lower() in _PICTURES:
        name = path.suffix[1:].upper()
        return (side_unknown(f"pictures ({name}) have no direction of axes"),)
    ending = ending_of(path.name)
    reader = IMAGE_IOS.get(ending)
    try:
        if ending in NRRD_EXTENSIONS:
            return doubts_of_header(_fields(path))
        if reader == "NiftiImageIO":
            place = read_nifti_place(path)
            return (NO_FORM,) if place.qform is None and place.sform is None else ()
        if reader == "MetaImageIO":
            return () if read_meta_header(path).has_direction else (NO_DIRECTION_IN_META,)
    except (InputError, OSError, EOFError, zlib.error):
        return ()
    return (NO_DIRECTION_IN_GIPL,) if reader == "GiplImageIO" else ()


def _fields(path: Path) -> dict[str, str]:
    """The fields of a NRRD header as they stand there; Slicer's Python has no pynrrd.

    Raises:
        InputError: it is no NRRD file.
    """
    fields = {}
    with open(path, "rb") as file:
        if not file.readline(_LONGEST_LINE).startswith(b"NRRD"):
            raise InputError(f"{path} is no NRRD file")
        lines = iter(lambda: file.readline(_LONGEST_LINE).strip(), b"")
        for line in islice(lines, _MOST_LINES):
            name, colon, value = line.decode("utf-8", "replace").partition(":")
            if colon and not value.startswith("="):  # which makes it a key/value pair
                fields[name.strip().lower()] = value.strip()
    return fields
