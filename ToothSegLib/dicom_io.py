"""DICOM: a folder of slices, or one multi-frame file, with SimpleITK (GDCM)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.dicom_claims import Claims, check_claims, is_bare_slice
from ToothSegLib.dicom_frames import Frame, frames_of
from ToothSegLib.dicom_padding import without_padding
from ToothSegLib.dicom_place import Place, place_slices
from ToothSegLib.errors import InputError
from ToothSegLib.itk_io import itk_errors, scalar_volume_size
from ToothSegLib.volume import Volume, check_size

DICOM_EXTENSIONS = (".dcm", ".dicom", ".ima")
_SERIES_DESCRIPTION = "0008|103e"


def is_dicom(path: Path) -> bool:
    """Whether the file has the mark of DICOM part 10."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def may_be_slice(path: Path) -> bool:
    """Whether a file of any name has that mark, or a slice's elements without it."""
    return is_dicom(path) or is_bare_slice(path)


def series_files(folder: Path) -> dict[str, tuple[str, ...]]:
    """The files of every series of a folder, in their order, by the series' UID.

    Raises:
        InputError: the folder cannot be searched, or a file may be a slice and cannot be read.
    """
    import SimpleITK as sitk

    claims: dict[str, Claims] = {}
    for path in sorted(folder.iterdir()):
        # Other files in the folder are no business of ours.
        if path.is_file() and (path.suffix.lower() in DICOM_EXTENSIONS or may_be_slice(path)):
            if path.stat().st_size == 0 and not path.name.startswith("."):
                raise InputError(f"{path} is empty; copy or export it again")
            claims[path.name] = check_claims(path)
    with itk_errors(folder):
        series = {
            uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
            for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
        }
    _check_left_out(folder, claims, {Path(file).name for one in series.values() for file in one})
    return series


def _check_left_out(folder: Path, claims: dict[str, Claims], listed: set[str]) -> None:
    """Refuse what GDCM passed over without a word and may be a slice: the end of a scan would lack.

    Whatever is whole and claims no picture is something else: a DICOMDIR, a report, structures.
    """
    kinds = {claims[name].kind for name in listed & set(claims)}
    for name, claim in claims.items():
        # macOS puts hidden ones beside every file.
        if name in listed or name.startswith("."):
            continue
        is_known = claim.is_sound and claim.kind not in (b"", *kinds)
        if claim.has_picture or not is_known:
            raise InputError(
                f"{folder / name} is damaged, or no DICOM file that can be read; copy or export it "
                "again, or take it out of the folder if it is no slice"
            )


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
        InputError: the file is damaged, one slice of many, or does not tell its voxels' size.
    """
    import SimpleITK as sitk

    reader = _header(path)
    size = scalar_volume_size(path, reader)
    if size[2] == 1:
        raise InputError(f"{path} is a single slice; give the folder that holds all of them")
    frames = frames_of(path, reader, size[2])
    place = place_slices(path, frames)
    rescaled = {(frame.slope or (1.0,), frame.intercept or (0.0,)) for frame in frames}
    if len(rescaled) > 1:
        raise InputError(
            f"{path} has frames whose grey values are scaled differently (RescaleSlope), which "
            "cannot be read; export it as single slices"
        )
    with itk_errors(path):
        array = sitk.GetArrayFromImage(reader.Execute())
    in_order = np.array_equal(place.order, np.arange(len(place.order)))
    return _placed(array if in_order else array[place.order], place, frames)


def _read_slices(folder: Path, files: tuple[str, ...]) -> Volume:
    import SimpleITK as sitk

    headers = [_header(Path(file)) for file in files]
    sizes = [scalar_volume_size(Path(file), header) for file, header in zip(files, headers)]
    check_size(folder, [*sizes[0][:2], len(files)])
    for file, size in zip(files, sizes):
        if size[2] > 1:
            raise InputError(
                f"{folder}: {Path(file).name} holds {size[2]} frames, and its series has "
                f"{len(files)} files; give one such file alone"
            )
        if size != sizes[0]:
            raise InputError(
                f"{folder}: {Path(file).name} has {' x '.join(map(str, size))} voxels, "
                f"{Path(files[0]).name} {' x '.join(map(str, sizes[0]))}; give the slices of one "
                "series alone, or export it again"
            )
    frames = [frames_of(Path(file), header, 1)[0] for file, header in zip(files, headers)]
    place = place_slices(folder, frames)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([files[index] for index in place.order])
    # ITK casts all slices to the type of the first; one that is scaled otherwise would not fit.
    if len({header.GetPixelID() for header in headers}) > 1:
        reader.SetOutputPixelType(sitk.sitkFloat32)
    with itk_errors(folder):
        array = sitk.GetArrayFromImage(reader.Execute())
    return _placed(array, place, frames)


def _placed(array: NDArray, place: Place, frames: list[Frame]) -> Volume:
    array = without_padding(array, [frames[index] for index in place.order])
    return Volume(array, place.spacing, place.origin, place.direction, place.doubts)


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
