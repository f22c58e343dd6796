"""DICOM: a folder of slices, or one multi-frame file, with SimpleITK (GDCM)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.dicom_claims import check_claims
from ToothSegLib.errors import InputError
from ToothSegLib.itk_image import from_itk
from ToothSegLib.itk_io import itk_errors, scalar_volume_size
from ToothSegLib.volume import Volume, check_size

DICOM_EXTENSIONS = (".dcm", ".dicom", ".ima")
_SERIES_DESCRIPTION = "0008|103e"
_PIXEL_SPACING_TAGS = ("0028|0030", "0018|1164", "0018|2010")
_SLICE_TAGS = ("0018|0088", "0018|0050", "5200|9229", "5200|9230")
# A slice may lie this far from its place, as a part of the distance between slices. Rounding in
# the header is far below it, a missing slice far above.
_UNEVEN = 0.05


def is_dicom(path: Path) -> bool:
    """Whether the file has the mark of DICOM part 10."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def series_files(folder: Path) -> dict[str, tuple[str, ...]]:
    """The files of every series of a folder, in their order, by the series' UID.

    Raises:
        InputError: the folder cannot be searched.
    """
    import SimpleITK as sitk

    for path in sorted(folder.iterdir()):
        # Other files in the folder are no business of ours.
        if path.is_file() and (path.suffix.lower() in DICOM_EXTENSIONS or is_dicom(path)):
            check_claims(path)
    with itk_errors(folder):
        return {
            uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
            for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
        }


def read_dicom_folder(folder: Path, series: str | None = None) -> Volume:
    """Read the one 3-D series of a folder, or the one with the UID ``series``.

    Raises:
        InputError: no series, several to choose from, missing slices, or damaged files.
    """
    found = series_files(folder)
    if not found:
        raise InputError(f"{folder} holds no DICOM series; give the folder that holds its slices")
    if series is not None and series not in found:
        raise InputError(f"{folder} has no series {series}; it has {_listed(found)}")
    if series is None:
        volumes = {uid: files for uid, files in found.items() if is_volume(files)}
        if len(volumes) > 1:
            raise InputError(
                f"{folder} holds {len(volumes)} series; say which by its UID: {_listed(volumes)}"
            )
        series = next(iter(volumes or found))
    files = found[series]
    return read_dicom_file(Path(files[0])) if len(files) == 1 else _read_slices(folder, files)


def read_dicom_file(path: Path) -> Volume:
    """Read one file that holds a whole volume (multi-frame).

    Raises:
        InputError: the file is damaged, one slice of many, or has no voxel size.
    """
    reader = _header(path)
    size = scalar_volume_size(path, reader)
    if size[2] == 1:
        raise InputError(f"{path} is a single slice; give the folder that holds all of them")
    spacing = reader.GetSpacing()
    # GDCM fills in 1 mm for what it does not find; functional groups it knows, but does not show.
    between_slices = _has(reader, *_SLICE_TAGS) or spacing[2] != 1
    if not between_slices or not (_has(reader, *_PIXEL_SPACING_TAGS) or spacing[:2] != (1, 1)):
        raise InputError(f"{path} has no voxel size; export it again with its spacing")
    with itk_errors(path):
        return from_itk(reader.Execute())


def _read_slices(folder: Path, files: tuple[str, ...]) -> Volume:
    import SimpleITK as sitk

    headers = [_header(Path(file)) for file in files]
    size = scalar_volume_size(Path(files[0]), headers[0])
    check_size(folder, [*size[:2], len(files)])
    if not _has(headers[0], *_PIXEL_SPACING_TAGS):
        raise InputError(f"{folder} has no voxel size (PixelSpacing); export it again with it")
    normal = np.reshape(headers[0].GetDirection(), (3, 3))[:, 2]
    origins = np.array([header.GetOrigin() for header in headers])
    order = np.argsort(origins @ normal)
    step = _slice_step(folder, origins[order], normal)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([files[index] for index in order])
    with itk_errors(folder):
        volume = from_itk(reader.Execute())
    # ITK takes the slices as stacked at right angles; a tilted gantry shifts each along the last.
    spacing = float(np.linalg.norm(step))
    direction = np.column_stack([volume.direction[:, :2], step / spacing])
    return Volume(volume.array, (*volume.spacing[:2], spacing), tuple(origins[order[0]]), direction)


def _slice_step(
    folder: Path, origins: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(3,) mm from one slice to the next. Refuses slices that are missing or lie double."""
    gaps = np.diff(origins @ normal)
    usual = float(np.median(gaps))
    if usual <= 0 or gaps.min() < (1 - _UNEVEN) * usual or gaps.max() > (1 + _UNEVEN) * usual:
        raise InputError(
            f"{folder} has slices that are missing or lie double: they are {gaps.min():.3g} to "
            f"{gaps.max():.3g} mm apart, mostly {usual:.3g} mm; export the whole series again"
        )
    return (origins[-1] - origins[0]) / (len(origins) - 1)


def _header(path: Path) -> Any:
    import SimpleITK as sitk

    check_claims(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    with itk_errors(path):
        reader.ReadImageInformation()
    return reader


def is_volume(files: tuple[str, ...]) -> bool:
    """Several slices, or several frames; not a single picture (a scout, a screenshot)."""
    if len(files) > 1:
        return True
    try:
        return _header(Path(files[0])).GetSize()[2:] > (1,)
    except InputError:
        return False  # a report, a structure set


def _has(reader: Any, *tags: str) -> bool:
    return any(reader.HasMetaDataKey(tag) for tag in tags)


def _listed(series: dict[str, tuple[str, ...]]) -> str:
    """The series in words: UID, description, number of files."""
    words = []
    for uid, files in series.items():
        reader = _header(Path(files[0]))
        about = reader.GetMetaData(_SERIES_DESCRIPTION) if _has(reader, _SERIES_DESCRIPTION) else ""
        words.append(f"{uid} ('{about.strip()}', {len(files)} files)")
    return "; ".join(words)
