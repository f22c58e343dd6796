"""Which files the voxels of a scan come from."""

from __future__ import annotations

from pathlib import Path

from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import NRRD_EXTENSIONS
from ToothSegLib.formats.meta_header import read_meta_header
from ToothSegLib.formats.nrrd_io import read_fields
from ToothSegLib.formats.nrrd_voxels import voxel_file

_META_IMAGES = (".mha", ".mhd")


def files_of(path: Path) -> tuple[str, ...]:
    """A file, and the one that its header names for its voxels, where they lie apart.

    By the code that reads them, lest one that is read be overlooked. Where the header cannot be
    read it is the file alone: reading the scan will tell.
    """
    try:
        voxels = _voxels_of(path)
    except (InputError, OSError):
        voxels = path
    return (str(path),) if voxels == path else (str(path), str(voxels))


def _voxels_of(path: Path) -> Path:
    name = path.name.lower()
    if name.endswith(_META_IMAGES):
        return read_meta_header(path).data
    if name.endswith(NRRD_EXTENSIONS):
        return voxel_file(path, read_fields(path)) or path
    return path
