"""The DICOM series of a folder: which files they have, and which of them are volumes."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.disk.output_folder import is_litter
from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import DICOM_EXTENSIONS, IMAGE_IOS, NRRD_EXTENSIONS
from ToothSegLib.formats.dicom_claims import TEXTS, Claims, check_claims, is_bare_slice
from ToothSegLib.formats.dicom_elements import DEFLATED, is_marked
from ToothSegLib.formats.itk_io import itk_errors
from ToothSegLib.formats.itk_path import path_for_itk

# Common neighbours of scans that need not be opened to know that they are no DICOM.
_OTHERS = (*NRRD_EXTENSIONS, *IMAGE_IOS, ".json", ".jsonl", ".txt", ".csv", ".png", ".jpg", ".stl",
           ".raw", ".zraw", ".pdf")  # fmt: skip
# Radiographs, label maps and other things reckoned from scans, what radiotherapy plans: several of
# them, or frames, are no volume of grey values.
_NO_SCANS = tuple(
    b"1.2.840.10008.5.1.4.1.1." + end for end in (b"1", b"66", b"481", b"11", b"88", b"104")
)
# What GDCM reads: not packed, JPEG, JPEG-LS, JPEG 2000 and runs of lengths.
_STANDARD = b"1.2.840.10008.1.2"
_READ = {_STANDARD, *(
    _STANDARD + end
    for end in (b".1", b".1.99", b".2", b".4.50", b".4.51", b".4.53", b".4.55", b".4.57", b".4.70",
                b".4.80", b".4.81", b".4.90", b".4.91", b".4.92", b".4.93", b".5")
)}  # fmt: skip
# So few pictures that all look another way are scout views.
_FEW = 3


@dataclass(frozen=True)
class Series:
    """Files with one SeriesInstanceUID.

    Args:
        uid: that.
        files: along their normal; by their numbers where they do not tell their places.
        claims: what they say of themselves, by file.
    """

    uid: str
    files: tuple[str, ...]
    claims: Mapping[str, Claims]


def is_dicom(path: Path) -> bool:
    """Whether the file has the mark of DICOM part 10."""
    with open(path, "rb") as file:
        return is_marked(file)


def may_be_slice(path: Path) -> bool:
    """Whether a file of any name has that mark, or a slice's elements without it."""
    return is_dicom(path) or is_bare_slice(path)


def is_worth_a_look(path: Path) -> bool:
    """Whether a file may make its folder one of DICOM, by its name if that says enough."""
    name = path.name.lower()
    if name == "dicomdir" or name[:1] == "." or name.endswith(_OTHERS):
        return False
    if name.endswith(DICOM_EXTENSIONS):
        return True
    try:
        return path.is_file() and may_be_slice(path)
    except OSError:
        return False


def series_files(folder: Path) -> dict[str, Series]:
    """Every series of a folder, by its UID, without scout views among the slices.

    The files are asked one by one. GDCM's own list of a folder ends without a word at the first
    entry that it cannot look at, and reads every file again for each series.

    Raises:
        InputError: the folder cannot be searched, or a file may be a slice and cannot be read.
        OSError: the folder cannot be looked into.
    """
    path_for_itk(folder)
    claims = _claims_in(folder)
    pictures = {
        name: picture
        for name, claim in claims.items()
        if (picture := _picture(folder / name, claim)) is not None
    }
    _check_left_out(folder, claims, set(pictures))
    found: dict[str, dict[str, Claims]] = {}
    for name, claim in pictures.items():
        found.setdefault(claim.texts.get("series", ""), {})[str(folder / name)] = claim
    return {uid: _series(uid, claims) for uid, claims in sorted(found.items())}


def _claims_in(folder: Path) -> dict[str, Claims]:
    """What each file of a folder that may be one of DICOM says that it is."""
    claims: dict[str, Claims] = {}
    for path in sorted(folder.iterdir()):
        # Other files in the folder are no business of ours, nor the hidden ones that macOS puts
        # beside every file, whose bytes look like elements.
        if path.name.startswith("."):
            continue
        try:
            if not path.is_file():
                _check_link(path)
            elif path.suffix.lower() in DICOM_EXTENSIONS or may_be_slice(path):
                if path.stat().st_size == 0:
                    raise InputError(f"{path} is empty; copy or export it again")
                claims[path.name] = check_claims(path)
        except OSError as error:
            if not _is_other(path):
                raise InputError(
                    f"{path} cannot be read ({error.strerror or error}); see that you may read it, "
                    "or take it out of the folder if it is no slice"
                ) from error
    return claims


def _check_link(path: Path) -> None:
    """Refuse a link to nowhere that may be a slice: the end of a scan would lack."""
    if path.is_symlink() and not path.exists() and not _is_other(path):
        raise InputError(
            f"{path} is a link that leads nowhere; put the file itself there, or take the link out "
            "of the folder if it is no slice"
        )


def _is_other(path: Path) -> bool:
    """Whether a file is no slice by its name."""
    return path.name.lower().endswith(_OTHERS) or is_litter(path)


def _picture(path: Path, claims: Claims) -> Claims | None:
    """What a file says of itself if it holds a picture that can be read; None if it does not.

    GDCM is asked, which takes longer, where the file's elements could not be followed.
    """
    if claims.is_sound and claims.syntax != DEFLATED:  # which hides all that is asked for
        if not claims.has_picture:
            return None
        if "series" in claims.texts:
            return claims
    try:
        reader = header(path, claims)
    except InputError:
        return None
    except MemoryError:  # as reading it will say
        return claims
    keys = {what: f"{tag[0]:04x}|{tag[1]:04x}" for tag, what in TEXTS.items()}
    texts = {
        what: str(reader.GetMetaData(key)).strip(" \0")
        for what, key in keys.items()
        if reader.HasMetaDataKey(key)
    }
    return replace(claims, has_picture=True, texts={**claims.texts, **texts})


def give_back_memory() -> None:
    """Let go of what GDCM has read of the files: C's library keeps it, hundreds of megabytes."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # of the C libraries only glibc has it
            ctypes.CDLL(None).malloc_trim(0)


def _series(uid: str, claims: Mapping[str, Claims]) -> Series:
    series = Series(uid, _in_order(claims), claims)
    slices = without_scouts(series)
    return slices if len(slices.files) > 1 else series


def _in_order(claims: Mapping[str, Claims]) -> tuple[str, ...]:
    """Files along the normal of the first, else by their numbers, else by their names."""
    names = sorted(claims)
    row, column = np.reshape(_numbers(claims[names[0]], "orientation", (1, 0, 0, 0, 1, 0)), (2, 3))
    normal = np.cross(row, column)
    heights = [float(normal @ _numbers(claims[name], "position", (0, 0, 0))) for name in names]
    if len(set(heights)) < len(names):
        heights = [_numbers(claims[name], "number", (0,))[0] for name in names]
    return tuple(name for _, name in sorted(zip(heights, names)))


def _numbers(claims: Claims, what: str, usual: tuple[float, ...]) -> tuple[float, ...]:
    """So many numbers as usual; those where it does not say them."""
    try:
        numbers = tuple(float(part) for part in claims.texts.get(what, "").split("\\"))
    except ValueError:
        return usual
    is_one = len(numbers) == len(usual) and all(map(math.isfinite, numbers))
    return numbers if is_one else usual


def without_scouts(series: Series) -> Series:
    """The same without the files that say of themselves that they are scout views."""
    files = (f for f in series.files if f not in series.claims or not _is_scout(series.claims[f]))
    return replace(series, files=tuple(files))


def _is_scout(claims: Claims) -> bool:
    return "LOCALIZER" in claims.texts.get("image_type", "").upper().split("\\")


def _check_left_out(folder: Path, claims: dict[str, Claims], listed: set[str]) -> None:
    """Refuse what is in no series and may be a slice: the end of a scan would lack.

    Whatever is whole and claims no picture is something else: a DICOMDIR, a report, structures.
    """
    kinds = {claims[name].kind for name in listed & set(claims)}
    for name, claim in claims.items():
        if name in listed:
            continue
        is_known = claim.is_sound and claim.kind not in (b"", *kinds)
        if claim.has_picture or not is_known:
            check_syntax(folder / name, claim)
            raise InputError(
                f"{folder / name} is damaged, or no DICOM file that can be read; copy or export it "
                "again, or take it out of the folder if it is no slice"
            )


def check_syntax(path: Path, claims: Claims) -> None:
    """Refuse a file that is written in a way that GDCM does not know, which is no damage.

    For files that could not be read.

    Raises:
        InputError: as said.
    """
    if claims.syntax and claims.syntax not in _READ:
        syntax = claims.syntax[:64].decode("latin-1")
        raise InputError(
            f"{path} is packed in a way that cannot be read (transfer syntax {syntax}); export it "
            "again without compression"
        )


def header(path: Path, claims: Claims | None = None) -> Any:
    """SimpleITK's reader with the header of a file.

    Args:
        path: of the file.
        claims: what `check_claims` says of it, if it has been asked already.

    Raises:
        InputError: it is damaged.
        MemoryError: there is too little memory for it.
    """
    import SimpleITK as sitk

    claims = check_claims(path) if claims is None else claims
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path_for_itk(path))
    try:
        with itk_errors(path, room=path.stat().st_size):  # GDCM reads the voxels too
            reader.ReadImageInformation()
    except InputError:
        check_syntax(path, claims)
        raise
    return reader


def is_volume(series: Series) -> bool:
    """Several slices, or several frames, of grey values.

    Not a single picture, pictures in colour (screenshots), radiographs, scout views, nor what was
    reckoned or planned from a scan (label maps, doses).
    """
    claims = [series.claims[file] for file in series.files if file in series.claims]
    for one in claims[:1]:
        no_scan = any(one.kind == kind or one.kind.startswith(kind + b".") for kind in _NO_SCANS)
        if no_scan or one.samples > 1 or _is_scout(one):
            return False
    if len(series.files) > 1:
        views = {one.texts.get("orientation", "") for one in claims}
        return len(series.files) > _FEW or len(views) < len(series.files)
    try:
        return header(Path(series.files[0])).GetSize()[2:] > (1,)
    except InputError:
        return False  # a report, a structure set
    except MemoryError:  # as reading it will say
        return any(one.frames > 1 for one in claims)
