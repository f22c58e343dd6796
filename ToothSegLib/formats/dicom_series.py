"""The DICOM series of a folder: which files they have, and which of them are volumes."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_claims import Claims, check_claims, is_bare_slice
from ToothSegLib.formats.itk_io import IMAGE_IOS, itk_errors, path_for_itk
from ToothSegLib.formats.nrrd_io import NRRD_EXTENSIONS

DICOM_EXTENSIONS = (".dcm", ".dicom", ".ima")
# Common neighbours of scans that need not be opened to know that they are no DICOM.
_OTHERS = (*NRRD_EXTENSIONS, *IMAGE_IOS, ".json", ".jsonl", ".txt", ".csv", ".png", ".jpg", ".stl",
           ".raw", ".zraw", ".pdf")  # fmt: skip
# Radiographs, label maps and other things reckoned from scans, what radiotherapy plans: several of
# them, or frames, are no volume of grey values.
_NO_SCANS = tuple(
    b"1.2.840.10008.5.1.4.1.1." + end for end in (b"1", b"66", b"481", b"11", b"88", b"104")
)
_ALL_SYNTAXES = b"1.2.840.10008.1.2"
# So few pictures that all look another way are scout views.
_FEW = 3


@dataclass(frozen=True)
class Series:
    """Files with one SeriesInstanceUID.

    Args:
        uid: that.
        files: in GDCM's order.
        claims: what they say of themselves, by file; of some without mark and ending nothing.
    """

    uid: str
    files: tuple[str, ...]
    claims: Mapping[str, Claims]


def is_dicom(path: Path) -> bool:
    """Whether the file has the mark of DICOM part 10."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


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

    Raises:
        InputError: the folder cannot be searched, or a file may be a slice and cannot be read.
    """
    import SimpleITK as sitk

    claims: dict[str, Claims] = {}
    for path in sorted(folder.iterdir()):
        # Other files in the folder are no business of ours, nor the hidden ones that macOS puts
        # beside every file, whose bytes look like elements.
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix.lower() in DICOM_EXTENSIONS or may_be_slice(path):
            if path.stat().st_size == 0:
                raise InputError(f"{path} is empty; copy or export it again")
            claims[path.name] = check_claims(path)
    name = path_for_itk(folder)
    with itk_errors(folder):
        found = {
            uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(name, uid)
            for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(name)
        }
    _give_back_memory()
    _check_left_out(folder, claims, {Path(file).name for one in found.values() for file in one})
    return {uid: _series(uid, files, claims) for uid, files in found.items()}


def _give_back_memory() -> None:
    """Let go of what GDCM has read of the files: C's library keeps it, hundreds of megabytes."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # of the C libraries only glibc has it
            ctypes.CDLL(None).malloc_trim(0)


def _series(uid: str, files: tuple[str, ...], claims: Mapping[str, Claims]) -> Series:
    known = {file: claims[Path(file).name] for file in files if Path(file).name in claims}
    series = Series(uid, files, known)
    slices = without_scouts(series)
    return slices if len(slices.files) > 1 else series


def without_scouts(series: Series) -> Series:
    """The same without the files that say of themselves that they are scout views."""
    files = (f for f in series.files if f not in series.claims or not _is_scout(series.claims[f]))
    return replace(series, files=tuple(files))


def _is_scout(claims: Claims) -> bool:
    return "LOCALIZER" in claims.texts.get("image_type", "").upper().split("\\")


def _check_left_out(folder: Path, claims: dict[str, Claims], listed: set[str]) -> None:
    """Refuse what GDCM passed over without a word and may be a slice: the end of a scan would lack.

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
    """Refuse a file that is written in a way that only its maker knows."""
    if claims.syntax and not claims.syntax.startswith(_ALL_SYNTAXES):
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
