"""NIfTI, MetaImage and GIPL files, with SimpleITK.

ITK takes a NIfTI or GIPL file that was cut short without a word and leaves the rest of the memory
as it finds it, so the voxels are counted here before ITK reads them. Of floats in NIfTI that are no
numbers it makes 0, so they are looked for in the same go.
"""

from __future__ import annotations

import gzip
import locale
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import IMAGE_IOS
from ToothSegLib.formats.inflate import DEFLATE_RATIO, GZIP_OR_ZLIB, Inflated
from ToothSegLib.formats.itk_path import by_itself, path_for_itk
from ToothSegLib.formats.itk_quiet import itk_quiet
from ToothSegLib.formats.meta_header import MetaHeader, read_meta_header
from ToothSegLib.formats.nifti_place import (
    NiftiPlace,
    check_right_angles,
    in_its_place,
    read_nifti_place,
)
from ToothSegLib.formats.nifti_voxels import plain_nifti
from ToothSegLib.formats.not_numbers import NotNumbers, not_numbers
from ToothSegLib.grids.itk_image import from_itk
from ToothSegLib.volume import Volume, check_size, side_unknown

NO_DIRECTION_IN_GIPL = side_unknown("the format GIPL has no direction of axes that can be read")
NO_DIRECTION_IN_META = side_unknown("it does not give the direction of its axes (TransformMatrix)")
_GIPL_HEADER_BYTES = 256
_NIFTI_HEADER_BYTES = 352  # with the four that tell of extensions
_CHUNK = 1 << 20
_NO_ROOM = ("allocate memory", "bad_alloc")


def read_itk(path: Path, extension: str) -> Volume:
    """Read a 3-D file of one of the formats in ``IMAGE_IOS``.

    Raises:
        InputError: the file is damaged or cut short, is no volume, or has no voxel size.
    """
    import SimpleITK as sitk

    meta = read_meta_header(path) if IMAGE_IOS[extension] == "MetaImageIO" else None
    nifti = _nifti_place(path) if IMAGE_IOS[extension] == "NiftiImageIO" else None
    reader = sitk.ImageFileReader()
    reader.SetImageIO(IMAGE_IOS[extension])
    in_two_files = meta is not None and meta.data != path
    with by_itself(path, extension, in_two_files=in_two_files) as alone:
        reader.SetFileName(path_for_itk(alone))
        volume = _checked_volume(path, reader, meta, nifti)
    if nifti is not None:
        return in_its_place(nifti, volume)
    doubts: tuple[str, ...] = ()
    if meta is None:
        doubts = (NO_DIRECTION_IN_GIPL,)
    elif not meta.has_direction:
        doubts = (NO_DIRECTION_IN_META,)
    return replace(volume, doubts=doubts)


def _checked_volume(
    path: Path, reader: Any, meta: MetaHeader | None, nifti: NiftiPlace | None
) -> Volume:
    """The volume, its voxels counted before they are read; ``path`` is what a message names."""
    import SimpleITK as sitk

    try:
        with itk_errors(path):
            reader.ReadImageInformation()
    except InputError:
        if nifti is not None:
            check_right_angles(path, nifti)
        raise
    extract = scalar_volume_size(path, reader)
    voxel_bytes = sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    if meta is not None:
        if meta.packed:
            _check_packed_meta(meta, extract, voxel_bytes)
        elif meta.binary:
            _check_voxels(meta.data, meta.start, extract, voxel_bytes)
    else:
        start, floats = _GIPL_HEADER_BYTES, None
        if nifti is not None:
            start, voxel_bytes = _nifti_layout(path, reader)
            floats = nifti.floats
        unpacked = _look_at_voxels(
            path, start, extract, voxel_bytes, floats, keep=nifti is not None
        )
        volume = None if unpacked is None else plain_nifti(unpacked, reader)
        if volume is not None:
            return volume
        del unpacked
    reader.SetExtractSize(extract + [0] * (reader.GetDimension() - 3))
    # NIfTI's library reads the voxels into room of its own first.
    with itk_errors(path, room=2 * prod(extract) * voxel_bytes):
        image = reader.Execute()
    return from_itk(image)


def scalar_volume_size(path: Path, reader: Any) -> list[int]:
    """Voxels along (i, j, k) by the header that ``reader`` has read.

    Raises:
        InputError: not a volume of three axes with one real number a voxel.
    """
    import SimpleITK as sitk

    size = [int(n) for n in reader.GetSize()]
    text = " x ".join(map(str, size))
    components = reader.GetNumberOfComponents()
    if components > 1 or "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
        raise InputError(
            f"{path} has {max(components, 2)} values a voxel (a colour picture or a vector field); "
            "give one volume of grey values, or one label map"
        )
    if len(size) < 3 or any(n > 1 for n in size[3:]):
        raise InputError(f"{path} has {len(size)} axes ({text}); a volume of 3 is needed")
    check_size(path, size[:3])
    return size[:3]


@contextmanager
def itk_errors(path: Path, *, room: int = 0) -> Iterator[None]:
    """Turn ITK's errors into `InputError`, and keep its remarks from the terminal.

    Args:
        path: what a message names.
        room: bytes that the step takes, for libraries that do not say when they got too little.

    Raises:
        InputError: the file is damaged.
        MemoryError: there is too little memory for it.
    """
    _take_paths_in_utf8()
    try:
        with itk_quiet:
            yield
    except RuntimeError as error:
        if any(words in str(error) for words in _NO_ROOM) or not _is_there(room):
            raise MemoryError(f"too little memory for {path}") from error
        raise InputError(
            f"{path} is damaged, or not what its name says; copy or export it again"
        ) from error


def _is_there(room: int) -> bool:
    """Whether so many bytes of memory can be had."""
    try:
        np.empty(room, np.uint8)
    except (MemoryError, ValueError):  # more than can be addressed
        return False
    return True


@lru_cache(maxsize=1)
def _take_paths_in_utf8() -> None:
    """Let C's functions on Windows understand what SimpleITK gives them, paths in UTF-8; by
    themselves they take them for the system's code page, where umlauts are others. In Slicer they
    do so already."""
    if sys.platform == "win32":
        with suppress(locale.Error):  # Windows before 2018
            locale.setlocale(locale.LC_CTYPE, ".UTF-8")


def _nifti_place(path: Path) -> NiftiPlace:
    """What the header says. Refuses a file without spacing, of which ITK would make 1 mm."""
    try:
        place = read_nifti_place(path)
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path} is damaged, or not what its name says; copy or export it again"
        ) from error
    if not (np.abs(place.pixdim) > 0).all():
        raise InputError(f"{path} has no voxel size (pixdim is 0); export it again with it")
    return place


def _nifti_layout(path: Path, reader: Any) -> tuple[int, int]:
    """Offset of the voxels in the file, and bytes a voxel.

    Raises:
        InputError: the header lets the voxels begin before its own end.
    """
    start = int(float(reader.GetMetaData("vox_offset")))
    # ITK makes 348 of what is less, and reads the header's last four bytes as voxels.
    if start < _NIFTI_HEADER_BYTES:
        raise InputError(
            f"{path} does not say where its voxels begin (its vox_offset is below "
            f"{_NIFTI_HEADER_BYTES}, the length of its header); export it again from another "
            f"program, or set vox_offset to {_NIFTI_HEADER_BYTES}"
        )
    return start, int(reader.GetMetaData("bitpix")) // 8


def _look_at_voxels(
    path: Path,
    start: int,
    size: list[int],
    voxel_bytes: int,
    floats: np.dtype | None,
    *,
    keep: bool,
) -> bytearray | None:
    """Refuse a NIfTI or GIPL file that is cut short, or whose floats are not all numbers.

    Returns:
        With ``keep`` what a packed file unpacks to, header included; None if it has no checksum
        just behind the voxels, or a wrong one.
    """
    # A .gz is one stream from the file's beginning, header included.
    packed = path.name.lower().endswith(".gz")
    numbers = NotNumbers(floats, start if packed else 0) if floats is not None else None
    kept = None
    if packed:
        needed = start + prod(size) * voxel_bytes
        # Of a lie that no file of this length can hold nothing is kept.
        can_hold = needed <= DEFLATE_RATIO * path.stat().st_size
        kept = bytearray() if keep and can_hold else None
        there, is_sound = _inflated(path, 0, needed, numbers=numbers, kept=kept)
        _refuse_short(path, size, needed - start, there - start)
        kept = kept if is_sound else None
    else:
        _check_voxels(path, start, size, voxel_bytes, numbers=numbers)
    if numbers is not None and numbers.count:
        raise not_numbers(str(path), numbers.count, prod(size))
    return kept


def _check_voxels(
    path: Path,
    start: int,
    size: list[int],
    voxel_bytes: int,
    *,
    numbers: NotNumbers | None = None,
) -> None:
    """Count the bytes of voxels that are not packed from ``start`` on.

    ``numbers`` looks at all that is promised.
    """
    needed = prod(size) * voxel_bytes
    there = path.stat().st_size - start
    if numbers is not None and there >= needed:
        _look_through(path, start, needed, numbers)
    _refuse_short(path, size, needed, there)


def _check_packed_meta(meta: MetaHeader, size: list[int], voxel_bytes: int) -> None:
    """Refuse packed voxels of a MetaImage that are not all there.

    ITK takes no more of the file than the header says, and of that one stream alone.
    """
    needed = prod(size) * voxel_bytes
    there, _ = _inflated(meta.data, meta.start, needed, most=meta.packed_bytes, members=False)
    _refuse_short(meta.data, size, needed, there)


def _refuse_short(path: Path, size: list[int], needed: int, there: int) -> None:
    if there < needed:
        text = " x ".join(map(str, size))
        raise InputError(
            f"{path} is cut short: its header promises {needed} bytes of voxels ({text}), the file "
            f"has {max(there, 0)}; copy or export it again"
        )


def _look_through(path: Path, start: int, needed: int, numbers: NotNumbers) -> None:
    with open(path, "rb") as file:
        file.seek(start)
        while needed > 0 and (piece := file.read(min(needed, _CHUNK))):
            numbers.look_at(piece)
            needed -= len(piece)


def _inflated(
    path: Path,
    start: int,
    enough: int,
    *,
    most: int | None = None,
    members: bool = True,
    numbers: NotNumbers | None = None,
    kept: bytearray | None = None,
) -> tuple[int, bool]:
    """Bytes that the gzip or zlib stream at ``start`` inflates to, counted up to ``enough``.

    Args:
        path: of the file.
        start: of the stream in the file, bytes.
        enough: where to stop counting.
        most: bytes of the file that belong to it; all if None.
        members: whether what follows the end of the stream is another one.
        numbers: looks at what was unpacked.
        kept: takes what was unpacked.

    Returns:
        The bytes, and whether the stream ended there with the checksum that it promises.
    """
    count = 0
    try:
        with open(path, "rb") as file:
            file.seek(start)
            next_mark = b"" if members else None
            stream = Inflated(file, GZIP_OR_ZLIB, most=most, next_mark=next_mark)
            for piece in stream:
                if numbers is not None:
                    numbers.look_at(piece[: enough - count])
                if kept is not None:
                    kept += piece
                count += len(piece)
                if count >= enough:
                    break
    except zlib.error:
        return count, False  # damaged: what could be unpacked counts
    return count, stream.is_at_end and count == enough
