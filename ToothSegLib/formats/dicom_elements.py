"""The elements of a DICOM file, one behind the other (part 5 of the standard)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

Tag = tuple[int, int]

SYNTAX: Tag = (0x0002, 0x0010)
VOXELS: Tag = (0x7FE0, 0x0010)
ITEM: Tag = (0xFFFE, 0xE000)
ITEM_END: Tag = (0xFFFE, 0xE00D)
SEQUENCE_END: Tag = (0xFFFE, 0xE0DD)
UNDEFINED = 0xFFFFFFFF
"""The length of a sequence or an item that goes on to the mark of its end, and of packed voxels."""
IMPLICIT = b"1.2.840.10008.1.2"
"""Elements without types."""
DEFLATED = b"1.2.840.10008.1.2.1.99"
"""All elements are packed."""
# Types whose length is in four bytes, behind two that mean nothing.
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
TYPES = _LONG | {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip


def is_marked(file: BinaryIO) -> bool:
    """Whether a file, at its beginning, has the mark of DICOM part 10; it stands behind it then."""
    return file.read(132)[128:] == b"DICM"


class Elements:
    """The heads of a file's elements: tag, type and length.

    Whoever takes one reads the value, which the file stands at, or goes behind it. What is within
    a sequence or an item that is not gone behind comes next.

    Args:
        file: at its beginning.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = os.fstat(file.fileno()).st_size
        self.is_marked = is_marked(file)
        self.order = "<"
        self.implicit = False
        """Whether elements are known to have no types; without that it is seen of each."""
        self.ends_evenly = False
        """Whether, at the end, no bytes are left that are too few for a head."""
        file.seek(132 if self.is_marked else 0)

    def __iter__(self) -> Iterator[tuple[Tag, bytes, int]]:
        while len(head := self.file.read(8)) == 8:
            # Behind the part-10 header of big-endian files.
            if self.order == "<" and head[:2] == b"\x00\x08":
                self.order = ">"
            yield self.parsed(head)
        self.ends_evenly = not head

    def tag(self, head: bytes) -> Tag:
        """Tag of an element, of its first 4 bytes or more. Raises struct.error: they are fewer."""
        group, element = struct.unpack(self.order + "HH", head[:4])
        return group, element

    def parsed(self, head: bytes) -> tuple[Tag, bytes, int]:
        """Tag, type and length of an element, of its first 8 bytes, which the file stands behind.

        Raises:
            struct.error: they are fewer.
        """
        tag, kind = self.tag(head), head[4:6]
        if kind not in TYPES or (self.implicit and tag[0] != SYNTAX[0]):
            (length,) = struct.unpack(self.order + "I", head[4:])
        elif kind in _LONG:
            more = self.file.read(4)
            length = struct.unpack(self.order + "I", more)[0] if len(more) == 4 else 0
        else:
            (length,) = struct.unpack(self.order + "H", head[6:])
        return tag, kind, length

    def item(self, head: bytes) -> tuple[Tag, int]:
        """Tag and length of an item or a mark of an end, which have no types, of these 8 bytes.

        Raises:
            struct.error: they are fewer.
        """
        return self.tag(head), struct.unpack(self.order + "I", head[4:])[0]
