"""Lengths that a DICOM file claims for its elements, looked through before GDCM makes room.

GDCM sets aside and clears what an element claims, up to four gigabytes, and only then sees that the
file is shorter. Small lies are left to it. The layout is in part 5 of the standard.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from ToothSegLib.errors import InputError

BEARABLE = 1 << 24
_UNDEFINED = 0xFFFFFFFF
_SYNTAX = (0x0002, 0x0010)
_DEFLATED = b"1.2.840.10008.1.2.1.99"
# Types whose length is in four bytes, behind two that mean nothing.
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_TYPES = _LONG | {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip


def check_lengths(path: Path) -> None:
    """Refuse a file in which an element claims far more bytes than are left.

    What cannot be made out is let through: GDCM reads more kinds of files than are known here.

    Raises:
        InputError: as said.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(132 if file.read(132)[128:] == b"DICM" else 0)
        order = "<"
        while len(head := file.read(8)) == 8:
            group, element = struct.unpack(order + "HH", head[:4])
            if order == "<" and group == 0x0800:  # behind the part-10 header of a big-endian file
                order = ">"
                group, element = struct.unpack(order + "HH", head[:4])
            length = _length(head, file, order)
            if length == _UNDEFINED or group == 0xFFFE:
                continue  # a sequence, an item or its end: what is within follows
            left = size - file.tell()
            if length > max(left, BEARABLE):
                raise InputError(
                    f"{path} is cut short: element ({group:04x},{element:04x}) promises {length} "
                    f"bytes, the file has {max(left, 0)} more; copy or export it again"
                )
            if (group, element) != _SYNTAX:
                file.seek(length, os.SEEK_CUR)
            elif file.read(length).strip(b" \0") == _DEFLATED:
                return  # all that follows is packed


def _length(head: bytes, file: BinaryIO, order: str) -> int:
    """Of the value that follows, by whether the element names its type."""
    kind = head[4:6]
    if kind not in _TYPES:
        return int(struct.unpack(order + "I", head[4:])[0])
    if kind not in _LONG:
        return int(struct.unpack(order + "H", head[6:])[0])
    more = file.read(4)
    return int(struct.unpack(order + "I", more)[0]) if len(more) == 4 else 0
