"""What a DICOM file claims, looked through before GDCM makes room for it.

GDCM sets aside and clears what an element or a picture claims, gigabytes of it, and only then sees
that the file is shorter. The layout of the elements is in part 5 of the standard.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import BinaryIO

from ToothSegLib.errors import InputError

# Small lies are left to GDCM, which knows more kinds of odd files than are known here.
_BEARABLE = 1 << 24
# Packed pictures of nothing but air are small; more than this no packing makes of a whole scan.
_PACKED_RATIO = 5000
_UNDEFINED = 0xFFFFFFFF
_LONGEST_NUMBER = 4096
_SYNTAX = (0x0002, 0x0010)
_KINDS = ((0x0002, 0x0002), (0x0008, 0x0016))
_FIRST_GROUPS = (0x0002, 0x0008)
# A file without a mark begins with one of the first elements of these groups, all short.
_LAST_OF_FIRST, _LONGEST_FIRST = 0x0020, 256
_NOT_PACKED = {b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2"}
DEFLATED = b"1.2.840.10008.1.2.1.99"  # all elements are packed
_SAMPLES, _FRAMES, _ROWS, _COLUMNS = (0x28, 0x02), (0x28, 0x08), (0x28, 0x10), (0x28, 0x11)
_BITS, _SIGNED = (0x28, 0x100), (0x28, 0x103)
_TEXTS = {
    (0x08, 0x08): "image_type",
    (0x08, 0x18): "instance",
    (0x20, 0x0D): "study",
    (0x20, 0x0E): "series",
    (0x20, 0x32): "position",
    (0x20, 0x37): "orientation",
}
_VOXELS = (0x7FE0, 0x10)
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_SIZES = {_SAMPLES, _FRAMES, _ROWS, _COLUMNS, _BITS, _SIGNED}
_ALLOWED = {_SAMPLES: (1, 3, 4), _BITS: (1, 8, 12, 16, 24, 32, 64), _SIGNED: (0, 1)}
# Types whose length is in four bytes, behind two that mean nothing.
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_TYPES = _LONG | {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip


@dataclass(frozen=True)
class Claims:
    """What a file says that it is.

    Args:
        kind: UID of its SOP class; empty if it does not say.
        has_picture: it tells the size of one.
        is_sound: it could be followed from element to element up to its end.
        syntax: UID of how it is written and packed; empty if it does not say.
        frames: how many.
        samples: values a voxel.
        texts: what is said of ``image_type``, ``instance``, ``study``, ``series``, ``position`` and
            ``orientation``, as it is written.
    """

    kind: bytes
    has_picture: bool
    is_sound: bool
    syntax: bytes = b""
    frames: int = 1
    samples: int = 1
    texts: Mapping[str, str] = field(default_factory=dict)


def is_bare_slice(path: Path) -> bool:
    """Whether a file without the mark DICM is one of DICOM all the same, with a picture or damaged.

    Some devices and archives leave out preamble and header, and GDCM reads such files.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(8)
        if len(head) < 8:
            return False
        group, element = struct.unpack("<HH", head[:4])
        length = element_length(head, file, "<")
    if group not in _FIRST_GROUPS or element > _LAST_OF_FIRST or length > _LONGEST_FIRST:
        return False
    try:
        claims = check_claims(path)
    except InputError:
        return True
    return claims.has_picture or not claims.is_sound


def check_claims(path: Path) -> Claims:
    """Refuse a file that claims far more bytes than it has, or impossible voxels.

    What cannot be made out is let through. Voxels that are not packed are counted: GDCM makes up
    those that a file promises and lacks, and passes over a slice that ends among its voxels.

    Raises:
        InputError: as said.
        OSError: the file cannot be read.
    """
    sizes: dict[tuple[int, int], int] = {}
    texts: dict[str, str] = {}
    kind, has_picture, depth = b"", False, 0
    is_sound: bool | None = None
    voxels = None  # bytes of them, if they are not packed
    with open(path, "rb") as file:
        there = os.fstat(file.fileno()).st_size
        marked = file.read(132)[128:] == b"DICM"
        file.seek(132 if marked else 0)
        if marked and file.read(2) != b"\x02\x00":  # GDCM would take any bytes for lengths
            raise InputError(
                f"{path} is damaged: no header follows the mark DICM; copy or export it again"
            )
        file.seek(132 if marked else 0)
        syntax, order = b"", "<"
        while len(head := file.read(8)) == 8:
            tag = struct.unpack(order + "HH", head[:4])
            if order == "<" and tag[0] == 0x0800:  # behind the part-10 header of big-endian files
                order = ">"
                tag = struct.unpack(order + "HH", head[:4])
            if is_sound is None and tag[0]:  # zeros say nothing
                is_sound = tag[0] in _FIRST_GROUPS
            if tag[0] == 0x0002 and head[4:6] not in _TYPES:  # it is always written there
                raise InputError(
                    f"{path} is damaged: element (0002,{tag[1]:04x}) has no type; copy or export "
                    "it again"
                )
            length = element_length(head, file, order)
            if tag == _VOXELS and depth == 0:  # not those of an icon in a sequence
                voxels = None if length == _UNDEFINED else length
            if tag == _VOXELS and length == _UNDEFINED:
                _pass_packed(path, file, there, order)
                continue
            if length == _UNDEFINED:  # a sequence or an item: what is within follows
                depth += tag[0] != 0xFFFE
                continue
            left = there - file.tell()
            bearable = 0 if tag == _VOXELS and depth == 0 else _BEARABLE
            _check_length(path, tag, length, left, bearable=bearable, marked=marked)
            is_sound = is_sound and length <= left
            if tag[0] == 0xFFFE:
                depth = max(depth - (tag == _SEQUENCE_END), 0)  # an end too many hides nothing
                continue
            has_picture = has_picture or (depth == 0 and tag == _ROWS)
            if tag in _KINDS and depth == 0 and length <= _LONGEST_NUMBER:
                kind = file.read(length).strip(b" \0")
            elif tag == _SYNTAX:
                syntax = file.read(length).strip(b" \0")
                if syntax == DEFLATED:
                    return Claims(kind, has_picture, is_sound=True, syntax=syntax)
            elif tag in _TEXTS and depth == 0 and length <= _LONGEST_NUMBER:
                texts[_TEXTS[tag]] = file.read(length).decode("latin-1").strip(" \0")
            elif (
                tag in _SIZES and depth == 0 and tag not in sizes and 0 < length <= _LONGEST_NUMBER
            ):
                # Those within a sequence are of an icon, or of another picture.
                sizes[tag] = _number(path, file.read(length), tag, order)
            else:
                file.seek(length, os.SEEK_CUR)
    packed = syntax not in _NOT_PACKED
    # A file without a header of its own is not packed, if its voxels have a length.
    bare = voxels is not None and syntax in (b"", *_NOT_PACKED)
    _check_sizes(path, sizes, there, voxels if bare else None, packed=packed)
    return Claims(
        kind,
        has_picture,
        is_sound=bool(is_sound) and not head,
        syntax=syntax,
        frames=sizes.get(_FRAMES, 1),
        samples=sizes.get(_SAMPLES, 1),
        texts=texts,
    )


def _check_length(
    path: Path, tag: tuple[int, int], length: int, left: int, *, bearable: int, marked: bool = True
) -> None:
    if length > max(left, bearable):
        other = "" if marked else ", or no DICOM file"
        raise InputError(
            f"{path} is cut short{other}: element ({tag[0]:04x},{tag[1]:04x}) promises {length} "
            f"bytes, the file has {max(left, 0)} more; copy or export it again"
        )


def _pass_packed(path: Path, file: BinaryIO, there: int, order: str) -> None:
    """Go behind packed voxels, piece by piece: what is in them is no element."""
    while len(head := file.read(8)) == 8:
        *tag, length = struct.unpack(order + "HHI", head)
        if tuple(tag) != _ITEM or length == _UNDEFINED:
            return
        _check_length(path, _ITEM, length, there - file.tell(), bearable=0)
        file.seek(length, os.SEEK_CUR)


def _check_sizes(
    path: Path,
    sizes: dict[tuple[int, int], int],
    there: int,
    voxels: int | None,
    *,
    packed: bool,
) -> None:
    for tag, allowed in _ALLOWED.items():
        if sizes.get(tag, allowed[0]) not in allowed:
            raise InputError(
                f"{path} is damaged: element ({tag[0]:04x},{tag[1]:04x}) is {sizes[tag]}; copy or "
                "export it again"
            )
    counts = [sizes.get(tag, 1) for tag in (_ROWS, _COLUMNS, _FRAMES, _SAMPLES)]
    needed = prod(counts) * sizes.get(_BITS, 8) // 8
    if voxels is not None:
        most = voxels
    else:
        most = max(there * _PACKED_RATIO if packed else there, _BEARABLE)
    if needed > most:
        raise InputError(
            f"{path} is cut short: its header promises {needed} bytes of voxels, the file has "
            f"{there if voxels is None else voxels}; copy or export it again"
        )
    # Some pad the voxels; a whole frame too many is no padding.
    if voxels is not None and voxels - needed >= needed // max(sizes.get(_FRAMES, 1), 1) > 0:
        raise InputError(
            f"{path} is damaged: its header promises {needed} bytes of voxels, the file has "
            f"{voxels}; copy or export it again"
        )


def _number(path: Path, value: bytes, tag: tuple[int, int], order: str) -> int:
    if tag == _FRAMES:  # written as text
        text = value.strip(b" \0") or b"1"
        if not re.fullmatch(rb"[+-]?\d{1,12}", text):  # GDCM would take what it begins with
            raise InputError(
                f"{path} is damaged: the number of frames is {text[:20].decode('latin-1')!r}; "
                "copy or export it again"
            )
        return int(text)
    return int.from_bytes(value, "little" if order == "<" else "big")


def element_length(head: bytes, file: BinaryIO, order: str) -> int:
    """Of the value that follows, by whether the element names its type."""
    kind = head[4:6]
    if kind not in _TYPES:
        return int(struct.unpack(order + "I", head[4:])[0])
    if kind not in _LONG:
        return int(struct.unpack(order + "H", head[6:])[0])
    more = file.read(4)
    return int(struct.unpack(order + "I", more)[0]) if len(more) == 4 else 0
