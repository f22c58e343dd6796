"""Files and DICOM folders to `Volume`, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.file_endings import (
    DICOM_EXTENSIONS,
    IMAGE_IOS,
    NRRD_EXTENSIONS,
    READABLE,
    ending_of,
)
from ToothSegLib.formats import dicom_io, dicom_series, itk_io, nrrd_io
from ToothSegLib.formats.itk_path import printable
from ToothSegLib.formats.not_numbers import not_numbers
from ToothSegLib.volume import Volume

LEAST_SPACING_MM = 0.02
GREATEST_SPACING_MM = 5.0


def read_volume(path: str | os.PathLike[str], *, series: str | None = None) -> Volume:
    """Read a scan or a label map: NRRD, NIfTI, MetaImage, GIPL, or DICOM.

    The voxels keep their type, except where the file's rescale slope asks for another.

    Args:
        path: a file, or a folder of DICOM slices.
        series: SeriesInstanceUID, for a folder that holds several.

    Raises:
        InputError: there is no such file, it is damaged, it is not one volume of grey values, or
            it does not say how large its voxels are.
    """
    path = Path(path)
    try:
        if path.is_dir():
            with os.scandir(path):  # GDCM reads a folder that it may not open as an empty one
                pass
            return dicom_io.read_dicom_folder(path, series)
        if series is not None:
            raise InputError(f"{path} is a file; a series can be chosen in a folder only")
        with open(path, "rb") as file:
            if not file.read(1):
                raise InputError(f"{path} is empty; copy or export it again")
        return _read_file(path)
    except InputError as error:
        if str(path) in str(error) or str(printable(path)) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory; crop it to the jaws first") from error


def write_volume(
    path: str | os.PathLike[str],
    volume: Volume,
    *,
    compression_level: int = 1,
    header: Mapping[str, Any] | None = None,
) -> None:
    """Write a volume as NRRD in LPS; the file is there whole or not at all.

    Args:
        path: ends in .nrrd.
        compression_level: gzip, 1 (fast) to 9 (small); 0 for none.
        header: more fields and key/value pairs for the file's header.

    Raises:
        OutputError: another ending, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".nrrd":
        raise OutputError(f"{path} must end in .nrrd")
    nrrd_io.write_nrrd(path, volume, compression_level, header)


def check_scan(volume: Volume, name: str = "the scan") -> None:
    """Refuse a volume in which no tooth can be found, whatever the network.

    Apart from reading, so that label maps can be read too.

    Raises:
        InputError: voxels that are neither integers nor floating point numbers, a single slice,
            voxels of an impossible size, a constant image, or values that are not numbers.
    """
    kind = volume.array.dtype
    if kind.kind not in "iuf":
        raise InputError(
            f"{name} holds {kind.name} voxels; grey values are integers or floating point numbers, "
            "so convert them (array.astype) first"
        )
    size = " x ".join(map(str, volume.shape[::-1]))
    if min(volume.shape) < 2:
        raise InputError(f"{name} has a single slice ({size} voxels); a volume is needed")
    if min(volume.spacing) < LEAST_SPACING_MM or max(volume.spacing) > GREATEST_SPACING_MM:
        spacing = " x ".join(f"{mm:g}" for mm in volume.spacing)
        raise InputError(
            f"{name} has voxels of {spacing} mm; {LEAST_SPACING_MM:g} to {GREATEST_SPACING_MM:g} "
            "mm can be used, so check the unit of its spacing"
        )
    # The extremes of an array with NaN or infinity are not finite, so no mask is needed for the
    # usual case.
    least, greatest = volume.array.min(), volume.array.max()
    if not (np.isfinite(least) and np.isfinite(greatest)):
        bad = volume.array.size - int(np.isfinite(volume.array).sum())
        raise not_numbers(name, bad, volume.array.size)
    if least == greatest:
        raise InputError(f"{name} is {least:g} everywhere; it shows nothing, so export it again")


def as_scan(given: object) -> Volume:
    """The volume that was given, in a type that the networks' way to the teeth can take.

    Args:
        given: a volume; see `in_known_type`.

    Raises:
        InputError: something else was given, or as `check_scan`.
    """
    if not isinstance(given, Volume):
        raise InputError(
            f"the scan is given as {type(given).__name__}; give a Volume: read_volume(path), "
            "from_itk(image), or Volume(array, spacing)"
        )
    given = in_known_type(given)
    check_scan(given)
    return given


def in_known_type(volume: Volume) -> Volume:
    """The volume with voxels of a type that SciPy knows, where it has grey values.

    float16 and long double become float32, and another byte order becomes the machine's.
    """
    kind = volume.array.dtype
    if kind.kind == "f" and kind.itemsize not in (4, 8):
        with np.errstate(over="ignore"):  # it becomes infinite, which is refused
            return volume.with_array(volume.array.astype(np.float32))
    if not kind.isnative:
        return volume.with_array(volume.array.astype(kind.newbyteorder("=")))
    return volume


def _read_file(path: Path) -> Volume:
    ending = ending_of(path.name)
    if ending in NRRD_EXTENSIONS:
        return nrrd_io.read_nrrd(path)
    if ending in IMAGE_IOS:
        return itk_io.read_itk(path, ending)
    if ending in DICOM_EXTENSIONS or dicom_series.may_be_slice(path):
        return dicom_io.read_dicom_file(path)
    raise InputError(
        f"{path} is of no known kind; give a file in {', '.join(READABLE)}, or a folder of DICOM "
        "slices"
    )
