"""DICOM files with exactly the elements that a test names, of kinds that ITK does not write."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
MULTIFRAME_SC = "1.2.840.10008.5.1.4.1.1.7.3"

THICKNESS, BETWEEN, DETECTOR = (0x18, 0x50), (0x18, 0x88), (0x18, 0x1164)
POSITION, ORIENTATION = (0x20, 0x32), (0x20, 0x37)
SPACING, INTERCEPT, SLOPE = (0x28, 0x30), (0x28, 0x1052), (0x28, 0x1053)
PADDING, PADDING_LIMIT = (0x28, 0x120), (0x28, 0x121)
OFFSETS = (0x3004, 0x0C)
SHARED, PER_FRAME = (0x5200, 0x9229), (0x5200, 0x9230)
_GROUP_OF = {
    POSITION: (0x20, 0x9113), ORIENTATION: (0x20, 0x9116), SPACING: (0x28, 0x9110),
    THICKNESS: (0x28, 0x9110), BETWEEN: (0x28, 0x9110), SLOPE: (0x28, 0x9145),
    INTERCEPT: (0x28, 0x9145),
}  # fmt: skip
_TYPES = {
    (0x20, 0x13): "IS",
    (0x28, 0x08): "IS",
    (0x08, 0x05): "CS",
    (0x08, 0x60): "CS",
    (0x08, 0x103E): "LO",
    (0x08, 0x08): "CS",
    (0x28, 0x04): "CS",
}
AXIAL = (1, 0, 0, 0, 1, 0)

Tags = Mapping[tuple[int, int], Any]


def grey_values(frames: int = 6) -> np.ndarray:
    """(frames, 7, 8) of them."""
    return np.random.default_rng(3).integers(0, 99, (frames, 7, 8)).astype(np.int16)


def write_dicom(
    path: Path, tags: Tags, *, kind: str = CT, array: np.ndarray | None = None, number: int = 1
) -> Path:
    """A file of one frame, (j, i), or several, with these elements; explicit little endian."""
    array = grey_values() if array is None else array
    rows, columns = array.shape[-2:]
    elements: dict[tuple[int, int], Any] = {
        (0x08, 0x16): kind, (0x08, 0x18): f"1.2.3.{number}", (0x08, 0x60): "CT",
        (0x20, 0x0D): "1.2.4", (0x20, 0x0E): "1.2.5", (0x20, 0x13): number,
        (0x28, 0x02): np.uint16(1), (0x28, 0x04): "MONOCHROME2", (0x28, 0x10): np.uint16(rows),
        (0x28, 0x11): np.uint16(columns), (0x28, 0x100): np.uint16(16),
        (0x28, 0x101): np.uint16(16), (0x28, 0x102): np.uint16(15), (0x28, 0x103): np.uint16(1),
        (0x7FE0, 0x10): array.astype("<i2").tobytes(), **tags,
    }  # fmt: skip
    if array.ndim == 3:
        elements[0x28, 0x08] = len(array)
    return _write(path, elements)


def write_without_picture(path: Path, kind: str, tags: Tags) -> Path:
    """A report, say: a file of that kind with these elements and no picture."""
    return _write(path, {(0x08, 0x16): kind, (0x08, 0x18): "1.2.3.99", **tags})


def _write(path: Path, elements: Tags) -> Path:
    meta = _element((2, 0x02), elements[0x08, 0x16])
    meta += _element((2, 0x03), elements[0x08, 0x18]) + _element((2, 0x10), "1.2.840.10008.1.2.1")
    head = _short((2, 0), "UL", struct.pack("<I", len(meta)))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + head + meta + _data_set(elements))
    return path


def without_header(data: bytes) -> bytes:
    """The file of `write_dicom` as programs of before part 10 wrote it: its data set alone."""
    length = int.from_bytes(data[140:144], "little")
    return data[144 + length :]


def groups(tags: Tags) -> dict[tuple[int, int], Any]:
    """Values as an item of functional groups has them."""
    item: dict[tuple[int, int], Any] = {}
    for tag, value in tags.items():
        item.setdefault(_GROUP_OF[tag], [{}])[0][tag] = value
    return item


def write_slices(folder: Path, tags: Tags, changed: Mapping[int, Tags], count: int = 5) -> Path:
    """Slices of 0.3 mm in files of their own; those of ``changed`` have other elements."""
    for number in range(count):
        mine = {
            POSITION: (1, 2, 3 + 0.3 * number),
            ORIENTATION: AXIAL,
            SPACING: (0.3, 0.3),
            THICKNESS: 0.3,
            **tags,
            **changed.get(number, {}),
        }
        mine = {tag: value for tag, value in mine.items() if value is not None}
        array = grey_values(count)[number]
        write_dicom(folder / f"slice{number}.dcm", mine, array=array, number=number + 1)
    return folder


def _data_set(elements: Tags) -> bytes:
    return b"".join(_element(tag, value) for tag, value in sorted(elements.items()))


def _element(tag: tuple[int, int], value: Any) -> bytes:
    if isinstance(value, list):
        items = b"".join(_item(item) for item in value)
        return _long(tag, "SQ", items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), undefined=True)
    if isinstance(value, bytes):
        return _long(tag, "OW", value)
    if isinstance(value, np.uint16):
        return _short(tag, "US", struct.pack("<H", value))
    if isinstance(value, str):
        kind = _TYPES.get(tag, "UI")
        return _short(tag, kind, _even(value, "\0" if kind == "UI" else " "))
    numbers = value if isinstance(value, tuple) else (value,)
    text = "\\".join(f"{number:g}" for number in numbers)
    return _short(tag, _TYPES.get(tag, "DS"), _even(text, " "))


def _item(elements: Tags) -> bytes:
    data = _data_set(elements)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data


def _even(text: str, filler: str) -> bytes:
    return (text + filler * (len(text) % 2)).encode()


def _short(tag: tuple[int, int], kind: str, data: bytes) -> bytes:
    return struct.pack("<HH2sH", *tag, kind.encode(), len(data)) + data


def _long(tag: tuple[int, int], kind: str, data: bytes, *, undefined: bool = False) -> bytes:
    length = 0xFFFFFFFF if undefined else len(data)
    return struct.pack("<HH2sHI", *tag, kind.encode(), 0, length) + data
