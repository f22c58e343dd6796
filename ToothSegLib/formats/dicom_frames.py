"""What the headers of a DICOM file say of the place of each slice or frame, and nothing assumed.

GDCM fills in 1 mm, the origin and the patient's axes for what it does not find where it looks,
which depends on the kind of the file. So the tags are asked, those in the functional groups of
enhanced files too, which GDCM does not show (part 3 of the standard, C.7.6.16).
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_claims import check_claims
from ToothSegLib.formats.dicom_elements import (
    DEFLATED,
    IMPLICIT,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    SYNTAX,
    UNDEFINED,
    VOXELS,
    Elements,
    Tag,
)

_TAGS: dict[Tag, tuple[str, int]] = {
    (0x0020, 0x0032): ("position", 3),
    (0x0020, 0x0037): ("orientation", 6),
    (0x0028, 0x0030): ("pixel_spacing", 2),
    (0x0018, 0x0088): ("between_slices", 1),
    (0x0018, 0x0050): ("thickness", 1),
    (0x0018, 0x1164): ("detector_spacing", 2),
    (0x0028, 0x1053): ("slope", 1),
    (0x0028, 0x1052): ("intercept", 1),
    (0x0028, 0x0120): ("padding", 1),
    (0x0028, 0x0121): ("padding_limit", 1),
}
# What a volume with the place of each slice does without: odd values are refused where they are
# used.
_BETWEEN = (0x18, 0x88)
_SPARE: set[Tag] = {(0x18, 0x50), _BETWEEN, (0x18, 0x1164), (0x28, 0x120), (0x28, 0x121)}
_OFFSETS = (0x3004, 0x000C)
_SHARED, _PER_FRAME = (0x5200, 0x9229), (0x5200, 0x9230)
# Position, orientation, measures and rescaling of frames.
_GROUPS = ((0x0020, 0x9113), (0x0020, 0x9116), (0x0028, 0x9110), (0x0028, 0x9145))
_DEEPEST = 12
_LONGEST_VALUE = 512
_LEVEL = 1e-3
_LARGEST = 1e12  # and no number that is none

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Frame:
    """A slice, or a frame of several, by its header; None for what that does not say.

    Args:
        name: what to call it in an error.
        position: (x, y, z) LPS mm of the first voxel.
        orientation: LPS directions of the rows' voxels and of the columns', six numbers.
        pixel_spacing: mm from row to row and from column to column.
        between_slices: mm from centre to centre.
        thickness: mm.
        detector_spacing: mm at the detector, which is no size of voxels.
        slope, intercept: what makes grey values of the stored ones.
        padding, padding_limit: stored values from the one to the other mark where nothing was seen.
        has_own_position: the position is not one for all frames.
    """

    name: str
    position: Numbers | None = None
    orientation: Numbers | None = None
    pixel_spacing: Numbers | None = None
    between_slices: Numbers | None = None
    thickness: Numbers | None = None
    detector_spacing: Numbers | None = None
    slope: Numbers | None = None
    intercept: Numbers | None = None
    padding: Numbers | None = None
    padding_limit: Numbers | None = None
    has_own_position: bool = True


def frames_of(path: Path, reader: Any, count: int) -> list[Frame]:
    """The frames of a file in their order.

    Args:
        reader: SimpleITK's, which has read the header.
        count: how many there are.

    Raises:
        InputError: the header is damaged.
    """
    top: dict[str, Any] = {}
    for tag, (name, length) in _TAGS.items():
        key = f"{tag[0]:04x}|{tag[1]:04x}"
        text = reader.GetMetaData(key) if reader.HasMetaDataKey(key) else ""
        if (numbers := _numbers(path, tag, text, length)) is not None:
            top[name] = _as_stored(reader, numbers) if name.startswith("padding") else numbers
    if count == 1 and {"position", "orientation", "pixel_spacing"} <= set(top):
        return [Frame(path.name, **top)]
    if check_claims(path).syntax == DEFLATED and "pixel_spacing" not in top:
        raise InputError(
            f"{path} is packed as a whole (deflated), so what it says of its frames cannot be "
            "read; export it again without compression"
        )
    shared, each = _functional_groups(path)
    if each and len(each) != count:
        raise InputError(
            f"{path} is damaged: it has {count} frames and the places of {len(each)}; copy or "
            "export it again"
        )
    if not each and count > 1:
        each = _by_offsets(path, reader, count, top)
    frames = []
    for number, own in enumerate(each or [{}] * count, start=1):
        name = path.name if count == 1 else f"frame {number}"
        own_position = count == 1 or "position" in own
        frames.append(Frame(name, **{**top, **shared, **own}, has_own_position=own_position))
    return frames


def has_orientation(path: Path) -> bool:
    """Whether the frames of a file of several say which way they lie.

    Raises:
        InputError: the header is damaged.
    """
    shared, each = _functional_groups(path)
    return "orientation" in shared or any("orientation" in frame for frame in each)


def _as_stored(reader: Any, numbers: Numbers) -> Numbers:
    """Values of voxels in their own sign: some files have -2000 as 63536, and the other way."""
    bits, signed = (
        int(reader.GetMetaData(key)) if reader.HasMetaDataKey(key) else usual
        for key, usual in (("0028|0100", 16), ("0028|0103", 0))
    )
    half = 1 << (bits - 1)
    low = -half if signed else 0
    return tuple((number - low) % (2 * half) + low for number in numbers)


def _by_offsets(
    path: Path, reader: Any, count: int, top: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The place of each frame of a file that gives one for all, and how far each is from there.

    Nothing where it gives no such distances. They run along the frames' normal from the first one
    on; heights in the patient, which level frames may give instead, do not begin at 0.
    """
    key = f"{_OFFSETS[0]:04x}|{_OFFSETS[1]:04x}"
    text = reader.GetMetaData(key) if reader.HasMetaDataKey(key) else ""
    offsets = _numbers(path, _OFFSETS, text, count)
    if offsets is None or not {"position", "orientation"} <= set(top):
        return []
    along = np.cross(top["orientation"][:3], top["orientation"][3:])
    if offsets[0] != 0 and abs(along[2]) > 1 - _LEVEL:
        along = np.array((0, 0, 1))
    moved = np.asarray(top["position"]) + np.subtract(offsets, offsets[0])[:, None] * along
    return [{"position": tuple(place)} for place in moved.tolist()]


def _functional_groups(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What holds for all frames, and for each."""
    try:
        with open(path, "rb") as file:
            found = _Nested(file).of_file()
    except (struct.error, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged: the places of its frames cannot be read; copy or export it again"
        ) from error
    shared = found.get(_SHARED) or [{}]
    return _flat(path, shared[0]), [_flat(path, item) for item in found.get(_PER_FRAME, [])]


def _flat(path: Path, item: Mapping[Tag, Any]) -> dict[str, Any]:
    """The values of an item of a functional group."""
    values = {}
    for group in _GROUPS:
        for tag, text in (item.get(group) or [{}])[0].items():
            name, length = _TAGS.get(tag, ("", 0))
            numbers = _numbers(path, tag, text.decode("latin-1"), length) if name else None
            if numbers is not None:
                values[name] = numbers
    return values


def _numbers(path: Path, tag: Tag, text: str, length: int) -> Numbers | None:
    """The numbers of a value; None of an empty one, NaN of an odd one of ``_SPARE``."""
    if not text.strip(" \0"):
        return None
    try:
        numbers = tuple(float(part) for part in text.strip(" \0").split("\\"))
    except ValueError:
        numbers = ()
    if len(numbers) != length or not all(abs(number) < _LARGEST for number in numbers):
        # GDCM takes the distance of slices for their step, and ITK cannot with one that is none.
        if tag in _SPARE and (tag != _BETWEEN or all(map(math.isfinite, numbers))):
            return (math.nan,) * length
        raise InputError(
            f"{path} is damaged: element ({tag[0]:04x},{tag[1]:04x}) is '{text:.60}'; copy or "
            "export it again"
        )
    return numbers


class _Nested:
    """The elements of a file: those looked for, in their nesting."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._elements = file, Elements(file)

    def of_file(self) -> dict[Tag, Any]:
        """All before the voxels; nothing of a file that is packed as a whole."""
        found: dict[Tag, Any] = {}
        for tag, _, length in self._elements:
            if tag == VOXELS:
                break
            if tag == SYNTAX:
                syntax = self._file.read(length).strip(b" \0")
                if syntax == DEFLATED:
                    break
                self._elements.implicit = syntax == IMPLICIT
                continue
            self._take(tag, length, found, 0)
        return found

    def _take(self, tag: Tag, length: int, found: dict[Tag, Any], depth: int) -> None:
        """The value of an element: kept if it is looked for, passed over if not."""
        if tag in (_SHARED, _PER_FRAME, *_GROUPS):
            found[tag] = list(self._items(length, depth + 1))
        elif length == UNDEFINED:
            packed = tag == VOXELS  # of an icon
            for _ in self._items(length, depth + 1, packed=packed):
                pass
        elif tag in _TAGS and length <= _LONGEST_VALUE:
            found[tag] = self._file.read(length)
        else:
            self._file.seek(length, os.SEEK_CUR)

    def _items(self, length: int, depth: int, *, packed: bool = False) -> Iterator[dict[Tag, Any]]:
        """The items of a sequence of ``length`` bytes, or up to its mark of the end."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        for head in self._within(length):
            tag, size = self._elements.item(head)
            if tag == SEQUENCE_END:
                return
            if tag != ITEM:
                raise ValueError("no item")
            if packed:
                self._file.seek(size, os.SEEK_CUR)
                continue
            yield self._item(size, depth)

    def _item(self, length: int, depth: int) -> dict[Tag, Any]:
        found: dict[Tag, Any] = {}
        for head in self._within(length):
            if self._elements.tag(head) == ITEM_END:
                break
            tag, _, size = self._elements.parsed(head)
            self._take(tag, size, found, depth)
        return found

    def _within(self, length: int) -> Iterator[bytes]:
        """The first 8 bytes of one element after the other, within so many bytes from here on."""
        end = self._elements.size if length == UNDEFINED else self._file.tell() + length
        while self._file.tell() < end:
            yield self._file.read(8)
