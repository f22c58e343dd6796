"""Damaged and lying scans by the thousand: small sound files, changed by chance.

Half of the changes know the format: they put numbers that no one expects into the header's fields.
The others know nothing and change bytes. The same number always gives the same file.
"""

from __future__ import annotations

import gzip
import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume
from volume_fixture import a_scan, write_dicom_series

KINDS = (
    ".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", "packed.mha", ".mhd", ".gipl", "frames.dcm",
    "series",
)  # fmt: skip
# NRRD, NIfTI and DICOM are what scanners and hospitals hand out: they come up twice as often.
_WEIGHTS = (4, 1, 3, 2, 1, 1, 1, 1, 3, 3)

_WORDS = (
    "", "0", "-1", "1", "2", "3", "nan", "inf", "-inf", "1e308", "1e-308", "4294967295", "99999",
    "2147483647", "-2147483648", "9223372036854775807", "99999999999999999999", "none", "???",
    "../../../etc/passwd", "/dev/zero", "LIST", "%d %f", "(1,2", ")", "\0", "ä", "a" * 5000,
    "65535 65535 65535", "1000000 1000000 1000000", "1 1 1", "7 7", "0 0 0", "block", "double",
    "ascii", "gzip", "bzip2", "hex", "raw", "big", "mm", "furlong", "True", "2000000000",
)  # fmt: skip
_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
_FLOATS = (0.0, -0.0, -1.0, float("nan"), float("inf"), 1e30, -1e30, 1e-30, 3.5, 348.0, 1e6)
_INTEGERS = (0, 1, 2, 3, 7, 255, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)

# nifti1.h: offset and type of each field that says how to read the voxels, and where they lie.
_NIFTI_FIELDS = (
    *((0, "i"), (39, "b"), (70, "h"), (72, "h"), (108, "f"), (112, "f"), (116, "f"), (123, "b")),
    *((40 + 2 * n, "h") for n in range(8)),
    *((76 + 4 * n, "f") for n in range(8)),
    *((252, "h"), (254, "h"), *((256 + 4 * n, "f") for n in range(6))),
    *((280 + 4 * n, "f") for n in range(12)),
)
# Group, element: sizes, how the voxels are packed, where the slices lie, frames.
_DICOM_TAGS = (
    (0x0002, 0x0010), (0x0008, 0x0016), (0x0008, 0x0018), (0x0020, 0x000E), (0x0020, 0x0032),
    (0x0020, 0x0037), (0x0028, 0x0002), (0x0028, 0x0004), (0x0028, 0x0008), (0x0028, 0x0010),
    (0x0028, 0x0011), (0x0028, 0x0030), (0x0028, 0x0100), (0x0028, 0x0101), (0x0028, 0x0102),
    (0x0028, 0x0103), (0x0028, 0x1052), (0x0028, 0x1053), (0x5200, 0x9229), (0x5200, 0x9230),
    (0x7FE0, 0x0010),
)  # fmt: skip
_DICOM_NUMBERS = {(0x0028, n) for n in (0x0002, 0x0010, 0x0011, *range(0x0100, 0x0104))}


class Fuzzer:
    """Makes damaged files out of sound ones.

    Args:
        seeds: an empty folder for the sound ones.
    """

    def __init__(self, seeds: Path) -> None:
        self._seeds = {kind: _sound(seeds, kind) for kind in KINDS}

    def sound(self, kind: str) -> Path:
        """The file (or the folder) that the damaged ones of a kind are made from."""
        return self._seeds[kind]

    def damaged(self, number: int, folder: Path) -> Path:
        """The file or folder of that number, made within an empty folder."""
        chance = random.Random(number)
        kind = chance.choices(KINDS, _WEIGHTS)[0]
        seed = self._seeds[kind]
        target = folder / seed.name
        if kind in (".nhdr", ".mhd", "series"):
            target = folder / "fuzzed"
            shutil.copytree(seed if kind == "series" else seed.parent, target)
            file = chance.choice(sorted(target.iterdir()))
            path = target if kind == "series" else target / seed.name
        else:
            shutil.copy(seed, target)
            path = file = target
        data = file.read_bytes()
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            data = _changed(data, kind, chance)
        file.write_bytes(data)
        return path


def _sound(folder: Path, kind: str) -> Path:
    scan = a_scan(direction=np.eye(3))
    place = folder / kind.strip(".")
    place.mkdir()
    if kind == "series":
        write_dicom_series(place, scan, "1.2.3.4")
        return place
    path = place / (f"scan{kind}" if kind.startswith(".") else kind)
    if kind == ".nrrd":
        write_volume(path, scan)
    elif kind == ".nhdr":
        (place / "scan.raw").write_bytes(scan.array.tobytes())
        path.write_text(
            "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
            f"sizes: {' '.join(map(str, scan.shape[::-1]))}\n"
            "space directions: (0.3,0,0) (0,0.4,0) (0,0,0.5)\nendian: little\nencoding: raw\n"
            "space origin: (0,0,0)\ndata file: scan.raw\n\n"
        )
    elif kind == "frames.dcm":
        image = to_itk(Volume(scan.array, scan.spacing))
        image.SetMetaData("0008|0060", "CT")
        image.SetMetaData("0008|0016", "1.2.840.10008.5.1.4.1.1.2.1")
        sitk.WriteImage(image, str(path))
    else:
        sitk.WriteImage(to_itk(scan), str(path), useCompression=kind == "packed.mha")
    return path


def _changed(data: bytes, kind: str, chance: random.Random) -> bytes:
    if data[:2] == b"\x1f\x8b" and chance.random() < 0.7:
        # Within the stream, or the checksum would hide the rest.
        try:
            return gzip.compress(_changed(gzip.decompress(data), kind, chance), 1)
        except (OSError, EOFError, ValueError, zlib.error):
            pass
    if chance.random() < 0.5:
        return chance.choice(_BLIND)(data, chance)
    if kind in (".nii", ".nii.gz"):
        return _nifti(data, chance)
    if kind in ("frames.dcm", "series"):
        return _dicom(data, chance)
    return _text_header(data, chance)


def _some_bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[_place(changed, chance)] = chance.choice((*_BYTES, chance.randrange(256)))
    return bytes(changed)


def _one_bit(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[_place(changed, chance)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _without_a_part(data: bytes, chance: random.Random) -> bytes:
    start = _place(data, chance)
    return data[:start] + data[start + chance.choice((1, 2, 4, 16, 200)) :]


def _part_twice(data: bytes, chance: random.Random) -> bytes:
    start = _place(data, chance)
    end = start + chance.choice((1, 2, 4, 16, 200))
    return data[:end] + data[start:]


def _with_rubbish(data: bytes, chance: random.Random) -> bytes:
    start = _place(data, chance)
    return data[:start] + chance.randbytes(chance.choice((1, 4, 64, 4096))) + data[start:]


def _a_number(data: bytes, chance: random.Random) -> bytes:
    size = chance.choice((2, 4))
    number = chance.choice(_INTEGERS) % 256**size
    start = _place(data, chance)
    return (
        data[:start]
        + number.to_bytes(size, chance.choice(("little", "big")))
        + data[start + size :]
    )


_BLIND: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _some_bytes, _one_bit, _cut, _without_a_part, _part_twice, _with_rubbish, _a_number,
)  # fmt: skip


def _place(data: bytes | bytearray, chance: random.Random) -> int:
    """Somewhere in the file, most often in its header."""
    near = min(len(data), 400)
    return chance.randrange((near if chance.random() < 0.7 else len(data)) or 1)


def _text_header(data: bytes, chance: random.Random) -> bytes:
    """A field of a header of lines (NRRD, MetaImage) gets another value, goes, or comes twice."""
    lines = data.split(b"\n")
    named = [n for n, line in enumerate(lines[:40]) if re.match(rb"[\x20-\x7e]+(:|=)", line)]
    if not named:
        return _some_bytes(data, chance)
    n = chance.choice(named)
    what = chance.random()
    if what < 0.1:
        del lines[n]
    elif what < 0.2:
        lines.insert(n, lines[n])
    elif what < 0.3:
        extra = chance.choice((b"line skip: ", b"byte skip: ", b"data file: ", b"units: "))
        lines.insert(n, extra + chance.choice(_WORDS).encode())
    else:
        mark = b":" if b":" in lines[n] else b"="
        head, _, value = lines[n].partition(mark)
        words = value.split()
        if words and chance.random() < 0.5:
            words[chance.randrange(len(words))] = chance.choice(_WORDS).encode()
            value = b" ".join(words)
        else:
            value = chance.choice(_WORDS).encode()
        lines[n] = head + mark + b" " + value
    return b"\n".join(lines)


def _nifti(data: bytes, chance: random.Random) -> bytes:
    offset, kind = chance.choice(_NIFTI_FIELDS)
    size = struct.calcsize(kind)
    if len(data) < offset + size:
        return _with_rubbish(data, chance)
    if kind == "f":
        new = struct.pack("<f", chance.choice(_FLOATS))
    else:
        new = (chance.choice(_INTEGERS) % 256**size).to_bytes(size, "little")
    return data[:offset] + new + data[offset + size :]


def _dicom(data: bytes, chance: random.Random) -> bytes:
    """The value or the length of one of the elements that matter (little endian)."""
    group, element = chance.choice(_DICOM_TAGS)
    at = data.find(struct.pack("<HH", group, element), 132)
    if at < 0 or at + 12 > len(data):
        return _some_bytes(data, chance)
    # A length is 4 bytes behind the tag where no type is written, behind type and two bytes where
    # values can be long, else 2 bytes behind the type.
    kind = data[at + 4 : at + 6]
    written = kind.isalpha() and kind.isupper()
    if written and kind not in (b"OW", b"OB", b"SQ", b"UN", b"UT"):
        start, size = at + 8, 2
    else:
        start, size = at + (12 if written else 8), 4
    length = int.from_bytes(data[start - size : start], "little")
    what = chance.random()
    if what < 0.2:  # the length lies
        lie = (chance.choice(_INTEGERS) % 256**size).to_bytes(size, "little")
        return data[: start - size] + lie + data[start:]
    if what < 0.3:  # the element goes
        return data[:at] + data[start + length :]
    if (group, element) in _DICOM_NUMBERS:
        new = (chance.choice(_INTEGERS) % 65536).to_bytes(2, "little")
        return data[:start] + new + data[start + 2 :]
    if group == 0x7FE0:
        return data[: start + chance.randrange(max(min(length, len(data)), 1))]
    word = chance.choice(_WORDS).encode()
    if chance.random() < 0.5 and length < 200:
        parts = data[start : start + length].split(b"\\")
        parts[chance.randrange(len(parts))] = word
        word = b"\\".join(parts)
    word += b" " * (len(word) % 2)
    return data[: start - size] + len(word).to_bytes(size, "little") + word + data[start + length :]
