"""The header of a MetaImage, looked through before ITK reads it.

ITK makes room for as many axes as a header claims without looking at the number, and opens any file
that it names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ToothSegLib.errors import InputError
from ToothSegLib.formats.voxel_file import beside, several_files

_LONGEST_LINE = 4096
_LONGEST_SHOWN = 200
_MOST_LINES = 1000
_MOST_AXES = 4
# How many numbers a field has: a power of the number of axes.
_POWERS = {
    "DimSize": 1, "ElementSpacing": 1, "ElementSize": 1, "Offset": 1, "Position": 1, "Origin": 1,
    "CenterOfRotation": 1, "TransformMatrix": 2, "Rotation": 2, "Orientation": 2, "HeaderSize": 0,
    "ElementNumberOfChannels": 0, "CompressedDataSize": 0, "NDims": 0,
}  # fmt: skip
# Not told, or the one that ITK takes all of them for.
_UNITS = ("", "?", "mm")


@dataclass(frozen=True)
class MetaHeader:
    """What of a MetaImage's header says where its voxels are."""

    data: Path
    start: int  # of the voxels in `data`, bytes
    binary: bool
    packed: bool
    packed_bytes: int | None  # of the voxels in `data`, None where they go to its end
    has_direction: bool


def read_meta_header(path: Path) -> MetaHeader:
    """Look through a header.

    Raises:
        InputError: it is damaged, gives no voxel size, or one that is not in mm, its voxels lie in
            another folder, or it does not say where they begin and end.
        OSError: the file cannot be read.
    """
    fields, end = _fields(path)
    axes = fields.get("NDims", "")
    if not axes.isdecimal() or not 1 <= int(axes[:9]) <= _MOST_AXES:
        raise InputError(
            f"{path} is damaged, or not what its name says (NDims is '{axes:.40}'); copy or export "
            "it again"
        )
    for name, power in _POWERS.items():
        if name in fields and not _are_numbers(fields[name], int(axes) ** power):
            raise InputError(
                f"{path} is damaged: its {name} '{fields[name]:.40}' is not {int(axes) ** power} "
                "numbers; copy or export it again"
            )
    if not {"ElementSpacing", "ElementSize"} & set(fields):
        raise InputError(f"{path} has no voxel size (ElementSpacing); export it again with it")
    if (unit := fields.get("DistanceUnits", "")).lower() not in _UNITS:
        raise InputError(
            f"{path} is measured in '{unit:.40}' (DistanceUnits), and only mm is read; export it "
            "again in mm"
        )
    directed = bool({"TransformMatrix", "Rotation", "Orientation"} & set(fields))
    name = fields["ElementDataFile"].replace("\0", "?")  # no name of a file has it
    local = name.upper() == "LOCAL"
    start, packed_bytes = _voxels_within(path, fields, end if local else 0)
    binary, packed = _is_true(fields, "BinaryData", "True"), _is_true(fields, "CompressedData")
    if local:
        return MetaHeader(path, start, binary, packed, packed_bytes, directed)
    if re.match(r"LIST\b", name, re.IGNORECASE) or re.search(r"%\d*d.*( \d+){2}", name):
        raise several_files(path, name)
    data = beside(path, name, most_letters=_LONGEST_SHOWN)
    return MetaHeader(data, start, binary, packed, packed_bytes, directed)


def _is_true(fields: Mapping[str, str], name: str, default: str = "False") -> bool:
    """As ITK takes it: by the first letter."""
    return fields.get(name, default)[:1] in ("T", "t", "1")


def _voxels_within(path: Path, fields: Mapping[str, str], end: int) -> tuple[int, int | None]:
    """Where the voxels begin in their file, and how many bytes packed ones have, if that is told.

    Where ITK cannot tell it unpacks something else, or nothing, and leaves the memory as it was.

    Args:
        path: of the file with the header.
        fields: of the header.
        end: of the header, 0 where the voxels lie in a file of their own.

    Raises:
        InputError: voxels begin within the header, or packed ones begin or end who knows where.
    """
    start = int(float(fields.get("HeaderSize", "0")))
    length = int(float(fields.get("CompressedDataSize", "0")))
    if 0 < start < end:
        raise InputError(
            f"{path} is damaged: its voxels would begin within its header (HeaderSize is {start}, "
            f"the header has {end} bytes); export it again"
        )
    if not _is_true(fields, "CompressedData"):
        return max(start, end), None
    if start < 0:
        raise InputError(
            f"{path} does not say where its packed voxels begin (HeaderSize is {start}); export it "
            "again"
        )
    start = max(start, end)
    if length < 0 or (length == 0 and start > 0):
        raise InputError(
            f"{path} does not say how long its packed voxels are (CompressedDataSize); export it "
            "again"
        )
    return start, length or None


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """Names and values up to the last one, and where the header ends."""
    fields: dict[str, str] = {}
    with open(path, "rb") as file:
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE)
            # ITK takes either for the sign between a name and its value.
            key, value, *_ = [*re.split("[=:]", line.decode("utf-8", "replace"), maxsplit=1), ""]
            if line.endswith(b"\n") and not line.strip():
                continue
            if key.strip() in fields:
                raise InputError(
                    f"{path} is damaged, or not what its name says: it gives "
                    f"'{key.strip():.40}' twice; copy or export it again"
                )
            if not line.endswith(b"\n"):
                break
            if not re.search(b"[=:]", line):  # ITK takes the next line for its value
                raise InputError(
                    f"{path} is damaged, or not what its name says: '{key.strip():.40}' in its "
                    "header is no name with a value; copy or export it again"
                )
            fields[key.strip()] = value.strip()
            if key.strip() == "ElementDataFile":
                return fields, file.tell()
    raise InputError(
        f"{path} is damaged, or not what its name says: its header has no end (ElementDataFile); "
        "copy or export it again"
    )


def _are_numbers(text: str, count: int) -> bool:
    words = text.split()
    if len(words) != count:
        return False
    try:
        return all(abs(float(word)) < 2**63 for word in words)  # false for what is no number
    except ValueError:
        return False
