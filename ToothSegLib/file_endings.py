"""By which endings of their names files are read; none of them ends in another."""

from __future__ import annotations

NRRD_EXTENSIONS = (".nrrd", ".nhdr")
IMAGE_IOS = {
    ".nii": "NiftiImageIO",
    ".nii.gz": "NiftiImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
    ".gipl": "GiplImageIO",
    ".gipl.gz": "GiplImageIO",
}
"""What SimpleITK reads them with."""
DICOM_EXTENSIONS = (".dcm", ".dicom", ".ima")
READABLE = (*NRRD_EXTENSIONS, *IMAGE_IOS, *DICOM_EXTENSIONS)
"""What `volume_io.read_volume` takes; a folder of DICOM slices needs none."""


def ending_of(name: str) -> str:
    """Which one of `READABLE` a file's name has, in capitals or not; "" for another one.

    Anything else behind a dot is of the name: the last number of a UID, or "3.5mm".
    """
    small = name.lower()
    return next((ending for ending in READABLE if small.endswith(ending)), "")
