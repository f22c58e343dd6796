"""The voxels of an NRRD file, with no more work or memory than its header says they take.

pynrrd, which reads the header, unpacks whatever a stream holds, skips as many lines as it is told
to and opens any file that a detached header names. A damaged or a malicious file makes gigabytes,
hours or another file's contents of that.
"""

from __future__ import annotations

import bz2
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.formats.inflate import DEFLATE_RATIO, GZIP_MARK, Inflated
from ToothSegLib.formats.voxel_file import beside, several_files

_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(
        ("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"
    ),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int",
         "int64", "int64_t"), "i8",
    ),
    **dict.fromkeys(
        ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"
    ),
    "float": "f4",
    "double": "f8",
}  # fmt: skip
_PIECE = 1 << 20
# A scan's header has some tens of lines; voxels written as text have a line a row at the most.
_MOST_LINES = 100_000


def read_voxels(path: Path, header: Mapping[str, Any], file: BinaryIO, count: int) -> NDArray:
    """(count,) voxels in the type and the byte order of the file.

    Args:
        path: of the file with the header.
        header: as `read_header` reads it.
        file: just behind the header.
        count: voxels by the header's sizes.

    Raises:
        InputError: an unknown type or encoding, or voxels in a file elsewhere.
        ValueError, OSError, EOFError, zlib.error: they are damaged, fewer or more than promised.
    """
    dtype = _dtype(path, header)
    apart = voxel_file(path, header)
    if apart is None:
        return _from(path, header, file, dtype, count)
    with open(apart, "rb") as data:
        return _from(path, header, data, dtype, count)


def voxel_file(path: Path, header: Mapping[str, Any]) -> Path | None:
    """The file that a header names for its voxels; None where they follow it.

    Args:
        path: of the file with the header.
        header: as `read_header` reads it.

    Raises:
        InputError: they lie in several files, elsewhere, or are not there.
        OSError: the file cannot be looked for.
    """
    detached = header.get("data file", header.get("datafile"))
    if detached is None:
        return None
    _check_one_file(path, str(detached))
    return beside(path, str(detached).replace("\0", "?"))


def is_whole_nrrd(path: Path) -> bool:
    """Whether an NRRD file, also one with several layers, goes on to the end of its voxels.

    As far as can be told from the file alone: of voxels that are not packed there is one.

    Raises:
        OSError: it cannot be read.
    """
    is_packed: bool | None = None
    with open(path, "rb") as file:
        if not file.readline(_PIECE).startswith(b"NRRD"):
            return False
        while (line := file.readline(_PIECE)).strip():
            key, _, value = line.partition(b":")
            if key.strip().lower() == b"encoding":
                is_packed = value.strip().lower() in (b"gzip", b"gz")
        if not is_packed:
            return is_packed is not None and bool(file.read(1))
        stream = Inflated(file)
        try:
            for _ in stream:
                pass
        except zlib.error:
            return False
        return stream.is_at_end


def _dtype(path: Path, header: Mapping[str, Any]) -> np.dtype:
    code = _TYPES.get(str(header["type"]).lower())
    if code is None:
        raise InputError(f"{path} has voxels of the type '{header['type']}', which is not known")
    order = {"little": "<", "big": ">"}.get(str(header.get("endian", "")).lower())
    if order is None and code[1] != "1" and not _is_text(header):
        raise InputError(f"{path} does not say the order of its bytes (endian); export it again")
    return np.dtype((order or "=") + code)


def _check_one_file(path: Path, name: str) -> None:
    """Refuse voxels in several files: LIST, or a name with a number in it and its bounds."""
    if re.match(r"LIST\b", name) or re.search(r"%\d*d.*( -?\d+){3}", name):
        raise several_files(path, name)


def _is_text(header: Mapping[str, Any]) -> bool:
    return str(header["encoding"]).lower() in ("ascii", "text", "txt")


def _from(
    path: Path, header: Mapping[str, Any], file: BinaryIO, dtype: np.dtype, count: int
) -> NDArray:
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    encoding = str(header["encoding"]).lower()
    if not 0 <= lines <= _MOST_LINES or skip < -1:
        raise InputError(f"{path} skips {lines} lines and {skip} bytes; the header is damaged")
    for _ in range(lines):
        file.readline(_PIECE)
    needed = count * dtype.itemsize
    there = os.fstat(file.fileno()).st_size - file.tell()
    if _is_text(header):
        file.seek(max(skip, 0), os.SEEK_CUR)
        voxels = np.fromfile(file, dtype, count + 1, sep=" ")
        return _counted(voxels, voxels.size, count)
    if encoding == "raw":
        if skip == -1:
            skip = there - needed
        if there - skip != needed or skip < 0:
            raise ValueError(f"{needed} bytes of voxels are promised, {there - max(skip, 0)} there")
        file.seek(skip, os.SEEK_CUR)
        return _counted(voxels := np.fromfile(file, dtype, count), voxels.size, count)
    if encoding not in ("gzip", "gz", "bzip2", "bz2"):
        raise InputError(
            f"{path} is packed as '{encoding}'; raw, gzip, bzip2 and ascii can be read"
        )
    if encoding.startswith("g") and needed > DEFLATE_RATIO * there:
        raise ValueError(f"{needed} bytes of voxels are promised, which {there} bytes cannot hold")
    return _unpacked(file, encoding, needed, skip).view(dtype)


def _unpacked(file: BinaryIO, encoding: str, needed: int, skip: int) -> NDArray[np.uint8]:
    """The ``needed`` bytes of a packed stream behind the first ``skip``; all else is an error."""
    kept = bytearray()
    ahead = max(skip, 0)
    for piece in _pieces(file, encoding):
        passed = min(ahead, len(piece))
        ahead -= passed
        kept += piece[passed:] if passed else piece
        if len(kept) > needed:
            if skip != -1:
                raise ValueError(f"more than the {needed} bytes of voxels that are promised")
            del kept[: len(kept) - needed]  # the last ones count
    if len(kept) < needed:
        raise ValueError(f"{needed} bytes of voxels are promised, {len(kept)} there")
    return np.frombuffer(kept, np.uint8)


def _pieces(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """What a stream unpacks to, a few megabytes at a time, however tightly it is packed."""
    if encoding.startswith("b"):
        unpack = bz2.BZ2Decompressor()
        while not unpack.eof:
            data = file.read(_PIECE) if unpack.needs_input else b""
            if unpack.needs_input and not data:
                raise EOFError("the packed voxels end too early")
            yield unpack.decompress(data, 4 * _PIECE)
        return
    stream = Inflated(file, next_mark=GZIP_MARK)
    yield from stream
    if not stream.is_at_end:
        raise EOFError("the packed voxels end too early")


def _counted(voxels: NDArray, there: int, count: int) -> NDArray:
    if there != count:
        raise ValueError(f"{count} voxels are promised, {there} there")
    return voxels
