"""DICOM: a folder of slices, or one multi-frame file, with SimpleITK (GDCM)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import IMAGE_IOS, NRRD_EXTENSIONS
from ToothSegLib.formats.dicom_claims import Claims, check_claims
from ToothSegLib.formats.dicom_elements import DEFLATED
from ToothSegLib.formats.dicom_frames import Frame, frames_of, has_orientation
from ToothSegLib.formats.dicom_padding import without_padding
from ToothSegLib.formats.dicom_parts import check_whole, has_folders, series_below
from ToothSegLib.formats.dicom_place import Place, place_slices
from ToothSegLib.formats.dicom_series import (
    Series,
    check_syntax,
    give_back_memory,
    header,
    is_volume,
    series_files,
)
from ToothSegLib.formats.dicom_text import readable
from ToothSegLib.formats.itk_io import itk_errors, scalar_volume_size
from ToothSegLib.machine.in_threads import in_threads
from ToothSegLib.volume import Volume, check_size

_SERIES_DESCRIPTION, _CHARACTERS = "0008|103e", "0008|0005"
_MOST_LISTED = 12
_DIRECTORY = b"1.2.840.10008.1.3.10"


def read_dicom_folder(folder: Path, series: str | None = None) -> Volume:
    """Read the one 3-D series of a folder, or the one with the UID ``series``.

    Where the folder itself holds no volume, or not that series, its folders are looked through; a
    series that lies in several of them is one.

    Raises:
        InputError: no series, several to choose from, missing slices, or damaged files.
    """
    found = series_files(folder)
    volumes = {uid: one for uid, one in found.items() if is_volume(one)}
    is_here = bool(volumes) if series is None else series in found and not has_folders(folder)
    if not is_here:
        found = series_below(folder, found)
        volumes = {uid: one for uid, one in found.items() if is_volume(one)}
    if not found:
        raise InputError(f"{folder} holds no DICOM series" + _instead(folder))
    if series is not None and series not in found:
        raise InputError(f"{folder} has no series {series}; it has {_listed(found)}")
    if series is not None:
        return _read_series(folder, found[series])
    if len(volumes) > 1:
        raise InputError(
            f"{folder} holds {len(volumes)} series; say which by its UID: {_listed(volumes)}"
        )
    if not volumes:
        _refuse_pictures(folder, found)
    ((_, only),) = (volumes or found).items()
    if is_here:
        check_whole(folder, only)
    return _read_series(folder, only)


def _instead(folder: Path) -> str:
    """What to give in place of a folder without DICOM: a volume that lies in it, if one does."""
    volumes = [
        path.name
        for path in folder.iterdir()
        if path.name[0] != "." and path.name.lower().endswith((*NRRD_EXTENSIONS, *IMAGE_IOS))
    ]
    if not volumes:
        return "; give the folder that holds its slices"
    # A scan's label map has a longer name than the scan.
    name = min(volumes, key=lambda name: (len(name), name))
    return f", but {name}: name that file, or use toothseg batch for all of them"


def _refuse_pictures(folder: Path, found: Mapping[str, Series]) -> None:
    """Say what there is instead of a volume; one picture alone is refused where it is read."""
    if len(found) == 1 and len(next(iter(found.values())).files) == 1:
        (only,) = found.values()
        path = Path(only.files[0])
        if header(path).GetSize()[2:] in ((), (1,)):
            return
    single = [one.claims.get(one.files[0]) for one in found.values() if len(one.files) == 1]
    if len(single) == len(found) > 1 and all(one and one.frames == 1 for one in single):
        raise InputError(
            f"{folder} holds {len(found)} series of one picture each: each has a SeriesInstanceUID "
            "(0020,000e) of its own; export the scan again as one series"
        )
    raise InputError(
        f"{folder} holds no scan, only pictures, scout views, label maps or doses: "
        f"{_listed(found)}; give the folder that holds the slices"
    )


def _read_series(folder: Path, series: Series) -> Volume:
    if len(series.files) == 1:
        return read_dicom_file(Path(series.files[0]))
    return _read_slices(folder, series)


def read_dicom_file(path: Path) -> Volume:
    """Read one file that holds a whole volume (multi-frame).

    Raises:
        InputError: the file is damaged, one slice of many, or does not tell its voxels' size.
    """
    import SimpleITK as sitk

    claims = check_claims(path)
    if claims.kind == _DIRECTORY:
        raise InputError(
            f"{path} is the list of a disc's files (DICOMDIR) and no scan; give the folder that it "
            "lies in"
        )
    _check_not_a_part(path, claims)
    try:
        reader = header(path, claims)
    except InputError as error:
        check_syntax(path, claims)
        if claims.frames == 1 or claims.syntax == DEFLATED or has_orientation(path):
            raise
        raise InputError(
            f"{path} does not give the direction of its axes (ImageOrientationPatient), without "
            "which its frames cannot be read; export it again with it"
        ) from error
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
    room = 2 * prod(size) * _voxel_bytes(reader)  # GDCM's own, and ITK's
    with _unpacking({str(path): claims}), itk_errors(path, room=room):
        array = sitk.GetArrayFromImage(reader.Execute())
    in_order = np.array_equal(place.order, np.arange(len(place.order)))
    return _placed(array if in_order else array[place.order], place, frames)


def _check_not_a_part(path: Path, claims: Claims) -> None:
    """Refuse one of several files that the frames of one scan were divided among."""
    number, count = claims.part
    if claims.texts.get("concatenation") and count != 1:
        which = f"part {number or '?'} of {count or 'several'}"
        raise InputError(
            f"{path} is {which} of one scan (a concatenation), which are not put together; export "
            "it as one file or as single slices"
        )


def _read_slices(folder: Path, series: Series) -> Volume:
    import SimpleITK as sitk

    files = series.files
    headers = in_threads(lambda file: header(Path(file), series.claims.get(file)), files)
    give_back_memory()
    sizes = [scalar_volume_size(Path(file), header) for file, header in zip(files, headers)]
    check_size(folder, [*sizes[0][:2], len(files)])
    for file, size in zip(files, sizes):
        if size[2] > 1:
            if file in series.claims:
                _check_not_a_part(Path(file), series.claims[file])
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
    room = prod(sizes[0]) * (len(files) + 2) * _voxel_bytes(headers[0])
    with _unpacking(series.claims), itk_errors(folder, room=room):
        array = sitk.GetArrayFromImage(reader.Execute())
    return _placed(array, place, frames)


@contextmanager
def _unpacking(claims: Mapping[str, Claims]) -> Iterator[None]:
    """Say of voxels that cannot be read which file is packed in a way that GDCM does not know."""
    try:
        yield
    except InputError:
        for file, claim in claims.items():
            check_syntax(Path(file), claim)
        raise


def _voxel_bytes(reader: Any) -> int:
    """Of a voxel as ITK reads it."""
    import SimpleITK as sitk

    return int(sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent())


def _placed(array: NDArray, place: Place, frames: list[Frame]) -> Volume:
    array = without_padding(array, [frames[index] for index in place.order])
    return Volume(array, place.spacing, place.origin, place.direction, place.doubts)


def _listed(series: Mapping[str, Series]) -> str:
    """The series in words: UID, description, number of files."""
    words = []
    for uid, one in list(series.items())[:_MOST_LISTED]:
        try:
            reader = header(Path(one.files[0]))
            about, characters = (
                reader.GetMetaData(tag) if reader.HasMetaDataKey(tag) else ""
                for tag in (_SERIES_DESCRIPTION, _CHARACTERS)
            )
        except InputError:  # it can be chosen all the same, and is told of then
            about = characters = ""
        words.append(f"{uid} ('{readable(about, characters).strip()}', {len(one.files)} files)")
    if len(series) > _MOST_LISTED:
        words.append(f"and {len(series) - _MOST_LISTED} more")
    return "; ".join(words)
