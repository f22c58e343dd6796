"""What a DICOM file claims, looked through before GDCM makes room for it.

GDCM sets aside and clears what an element or a picture claims, gigabytes of it, and only then sees
that the file is shorter.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_elements import (
    DEFLATED,
    IMPLICIT,
    ITEM,
    SEQUENCE_END,
    SYNTAX,
    TYPES,
    UNDEFINED,
    VOXELS,
    Elements,
    Tag,
)

# Small lies are left to GDCM, which knows more kinds of odd files than are known here.
_BEARABLE = 1 << 24
# Packed pictures of nothing but air are small; more than this no packing makes of a whole scan.
_PACKED_RATIO = 5000
_LONGEST_NUMBER = 4096
# So many elements of zeros alone, in a file without a mark, are the air of a scan of another kind.
_MOST_ZEROS = 1024
_ZEROS = ((0x0000, 0x0000), b"\0\0", 0)
_KINDS = ((0x0002, 0x0002), (0x0008, 0x0016))
_FIRST_GROUPS = (0x0002, 0x0008)
# A file without a mark begins with one of the first elements of these groups, all short.
_LAST_OF_FIRST, _LONGEST_FIRST = 0x0020, 256
# Some lack even those; what stands in these is looked for then.
_GROUPS_OF_SLICES = (*_FIRST_GROUPS, 0x0010, 0x0018, 0x0020, 0x0028)
_NOT_PACKED = {IMPLICIT, b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2"}
_SAMPLES, _FRAMES, _ROWS, _COLUMNS = (0x28, 0x02), (0x28, 0x08), (0x28, 0x10), (0x28, 0x11)
_BITS, _SIGNED = (0x28, 0x100), (0x28, 0x103)
_PART, _PARTS = (0x20, 0x9162), (0x20, 0x9163)
TEXTS: dict[Tag, str] = {
    (0x08, 0x08): "image_type",
    (0x08, 0x18): "instance",
    (0x20, 0x0D): "study",
    (0x20, 0x0E): "series",
    (0x20, 0x13): "number",
    (0x20, 0x32): "position",
    (0x20, 0x37): "orientation",
    (0x20, 0x9161): "concatenation",
}
"""Elements whose values `Claims.texts` has."""
_SIZES = {_SAMPLES, _FRAMES, _ROWS, _COLUMNS, _BITS, _SIGNED, _PART, _PARTS}
_KEPT = {*_KINDS, *TEXTS, *_SIZES}
_ALLOWED = {_SAMPLES: (1, 3, 4), _BITS: (1, 8, 12, 16, 24, 32, 64), _SIGNED: (0, 1)}


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
        texts: what is said of ``image_type``, ``instance``, ``study``, ``series``, ``number``,
            ``position``, ``orientation`` and ``concatenation``, as it is written.
        part: its number among the files that one scan of many frames was written to, and how many
            they are; 0 for what it does not say.
    """

    kind: bytes
    has_picture: bool
    is_sound: bool
    syntax: bytes = b""
    frames: int = 1
    samples: int = 1
    texts: Mapping[str, str] = field(default_factory=dict)
    part: tuple[int, int] = (0, 0)


def is_bare_slice(path: Path) -> bool:
    """Whether a file without the mark DICM is one of DICOM all the same, with a picture or damaged.

    Some devices and archives leave out preamble and header, and GDCM reads such files.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        elements = Elements(file)
        head = file.read(8)
        if elements.is_marked or len(head) < 8:
            return False
        (group, element), _, length = elements.parsed(head)
    if group not in _GROUPS_OF_SLICES or length > _LONGEST_FIRST:
        return False
    looks_like_one = group in _FIRST_GROUPS and element <= _LAST_OF_FIRST
    try:
        claims = check_claims(path)
    except InputError:
        return looks_like_one
    if looks_like_one:
        return claims.has_picture or not claims.is_sound
    return claims.has_picture and "series" in claims.texts


def check_claims(path: Path) -> Claims:
    """Refuse a file that claims far more bytes than it has, or impossible voxels.

    What cannot be made out is let through. Voxels that are not packed are counted: GDCM makes up
    those that a file promises and lacks, and passes over a slice that ends among its voxels.

    Raises:
        InputError: as said.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        elements = Elements(file)
        if elements.is_marked:
            if file.read(2) != b"\x02\x00":  # GDCM would take any bytes for lengths
                raise InputError(
                    f"{path} is damaged: no header follows the mark DICM; copy or export it again"
                )
            file.seek(-2, os.SEEK_CUR)
        claiming = _Claiming(path, elements)
        zeros = 0
        for tag, kind, length in elements:
            zeros = zeros + 1 if (tag, kind, length) == _ZEROS else 0
            if zeros == _MOST_ZEROS and not (elements.is_marked or claiming.has_picture):
                return Claims(claiming.kind, has_picture=False, is_sound=True)  # minutes of them
            claiming.take(tag, kind, length)
            if claiming.syntax == DEFLATED:
                return Claims(claiming.kind, claiming.has_picture, is_sound=True, syntax=DEFLATED)
    claiming.check_sizes()
    return claiming.claims()


class _Claiming:
    """What a file has claimed so far: by the elements that have been taken."""

    def __init__(self, path: Path, elements: Elements) -> None:
        self.kind, self.syntax, self.has_picture = b"", b"", False
        self._path, self._elements, self._file = path, elements, elements.file
        self._sizes: dict[Tag, int] = {}
        self._texts: dict[str, str] = {}
        self._depth = 0  # of sequences
        self._is_sound: bool | None = None
        self._voxels: int | None = None  # bytes of them, if they are not packed

    def take(self, tag: Tag, kind: bytes, length: int) -> None:
        """Judge an element whose head was read, keep what is asked for, and go behind it.

        Raises:
            InputError: it has no type where one is needed, or claims too much.
        """
        if self._is_sound is None and tag[0]:  # zeros say nothing
            self._is_sound = tag[0] in _FIRST_GROUPS
        if tag[0] == SYNTAX[0] and kind not in TYPES:  # it is always written there
            raise InputError(
                f"{self._path} is damaged: element (0002,{tag[1]:04x}) has no type; copy or export "
                "it again"
            )
        at_top = self._depth == 0  # what is in a sequence is of an icon, or of another picture
        if tag == VOXELS and at_top:
            self._voxels = None if length == UNDEFINED else length
        if length == UNDEFINED:
            if tag == VOXELS:
                self._pass_packed()
            else:  # a sequence or an item: what is within follows
                self._depth += tag[0] != ITEM[0]
            return
        bearable = 0 if tag == VOXELS and at_top else _BEARABLE
        other = "" if self._elements.is_marked else ", or no DICOM file"
        self._check_length(tag, length, bearable, other)
        if tag[0] == ITEM[0]:
            self._depth = max(self._depth - (tag == SEQUENCE_END), 0)  # one too many hides nothing
            return
        self.has_picture = self.has_picture or (tag == _ROWS and at_top)
        if tag == SYNTAX or (tag in _KEPT and at_top and length <= _LONGEST_NUMBER):
            self._keep(tag, length)
        else:
            self._file.seek(length, os.SEEK_CUR)

    def _keep(self, tag: Tag, length: int) -> None:
        value = self._file.read(length)
        text = value.strip(b" \0")
        if tag == SYNTAX:
            self.syntax = text
        elif tag in _KINDS:
            self.kind = text
        elif tag in TEXTS:
            self._texts[TEXTS[tag]] = text.decode("latin-1")
        elif tag not in self._sizes and length > 0:
            self._sizes[tag] = _number(self._path, value, tag, self._elements.order)

    def _check_length(self, tag: Tag, length: int, bearable: int = 0, other: str = "") -> None:
        left = self._elements.size - self._file.tell()
        self._is_sound = self._is_sound and length <= left
        if length > max(left, bearable):
            raise InputError(
                f"{self._path} is cut short{other}: element ({tag[0]:04x},{tag[1]:04x}) promises "
                f"{length} bytes, the file has {max(left, 0)} more; copy or export it again"
            )

    def _pass_packed(self) -> None:
        """Go behind packed voxels, piece by piece: what is in them is no element."""
        while len(head := self._file.read(8)) == 8:
            tag, length = self._elements.item(head)
            if tag != ITEM or length == UNDEFINED:
                return
            self._check_length(ITEM, length)
            self._file.seek(length, os.SEEK_CUR)

    def check_sizes(self) -> None:
        """Refuse impossible voxels, and others than there are. Raises InputError."""
        path, sizes, there = self._path, self._sizes, self._elements.size
        for tag, allowed in _ALLOWED.items():
            if sizes.get(tag, allowed[0]) not in allowed:
                raise InputError(
                    f"{path} is damaged: element ({tag[0]:04x},{tag[1]:04x}) is {sizes[tag]}; copy "
                    "or export it again"
                )
        # A file without a header of its own is not packed, if its voxels have a length.
        voxels = self._voxels if self.syntax in (b"", *_NOT_PACKED) else None
        counts = [sizes.get(tag, 1) for tag in (_ROWS, _COLUMNS, _FRAMES, _SAMPLES)]
        needed = prod(counts) * sizes.get(_BITS, 8) // 8
        if voxels is not None:
            most = voxels
        else:
            packed = self.syntax not in _NOT_PACKED
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

    def claims(self) -> Claims:
        """What the file says that it is, once all elements are taken."""
        return Claims(
            self.kind,
            self.has_picture,
            is_sound=bool(self._is_sound) and self._elements.ends_evenly,
            syntax=self.syntax,
            frames=self._sizes.get(_FRAMES, 1),
            samples=self._sizes.get(_SAMPLES, 1),
            texts=self._texts,
            part=(self._sizes.get(_PART, 0), self._sizes.get(_PARTS, 0)),
        )


def _number(path: Path, value: bytes, tag: Tag, order: str) -> int:
    if tag == _FRAMES:  # written as text
        text = value.strip(b" \0") or b"1"
        if not re.fullmatch(rb"[+-]?\d{1,12}", text):  # GDCM would take what it begins with
            raise InputError(
                f"{path} is damaged: the number of frames is {text[:20].decode('latin-1')!r}; "
                "copy or export it again"
            )
        return int(text)
    return int.from_bytes(value, "little" if order == "<" else "big")
