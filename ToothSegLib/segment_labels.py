"""Label maps as FDI numbers, from files of 3D Slicer too, whose voxels hold the segments' values.

Slicer keeps a segment's value when the segment gets another name or another number; what it is
then stands in the header alone. See `slicer_header`, and docs/slicer-module.md for the tag.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import NRRD_EXTENSIONS
from ToothSegLib.formats.nrrd_io import read_fields
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.teeth import ALL_FDI_NUMBERS
from ToothSegLib.tooth_names import teeth_by_name, tooth_by_name
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

NO_TOOTH = "0"
"""Value of the tag ToothSeg.FDI of a segment that is no tooth, whatever its name speaks of."""

_TAG = "ToothSeg.FDI"
_VALUE = re.compile(r"Segment(\d+)_LabelValue")
_OWN_ID = re.compile(r"tooth_[1-4][1-8]")
_MEND = "correct it in 3D Slicer and save it again"


@dataclass(frozen=True)
class _Segment:
    """What the header of a file says of a segment."""

    name: str
    value: int
    tag: str | None
    own: bool  # ToothSeg made it


def read_labels(path: str | os.PathLike[str]) -> Volume:
    """Read a label map; the values of a segmentation's file become FDI numbers.

    A segment is the tooth of its tag ToothSeg.FDI, or none by that tag, else of its name if that
    can mean one tooth only, else of its value, unless other values of the file are known to be no
    FDI numbers. Maps without segments are given as they are, with whatever values they have.

    Raises:
        InputError: the file cannot be read, or it is not certain which tooth a segment is.
    """
    labels = read_volume(path)
    fdi_by_value = segment_teeth(Path(path), labels)
    if all(value == fdi for value, fdi in fdi_by_value.items()):
        return labels
    # A value that no segment makes a tooth of is kept, however large.
    kind = np.promote_types(np.uint8, np.min_scalar_type(max(fdi_by_value.values())))
    table = np.zeros(max(fdi_by_value) + 1, kind)
    for value, fdi in fdi_by_value.items():
        table[value] = fdi
    return labels.with_array(table[labels.array])


def segment_teeth(
    path: Path, labels: Volume, table: Mapping[int, int] | None = None
) -> dict[int, int]:
    """FDI number by each value that occurs in a file of segments; none for another file.

    Args:
        path: of the file.
        labels: its voxels.
        table: what values mean where no segment says it, 0 what is no tooth; by default they are
            FDI numbers.

    Raises:
        InputError: it is not certain which tooth a segment is.
    """
    segments = []
    if path.name.lower().endswith(NRRD_EXTENSIONS):
        segments = _segments(path, read_fields(path))
    if not segments:
        return {}
    if labels.array.dtype.kind not in "iu" or labels.array.min() < 0:
        raise InputError(
            f"{path} has segments, but its voxels are no label values; export it again"
        )
    there = list(label_boxes(labels.array))
    meaning = {value: value for value in there}
    if table is not None:
        meaning = {value: table[value] for value in there if value in table}
    return _fdi_by_value(path, segments, there, meaning)


def _fdi_by_value(
    path: Path, segments: list[_Segment], there: list[int], meaning: Mapping[int, int]
) -> dict[int, int]:
    """What the values that occur mean; those that nothing tells are left out."""
    numbers_are_fdi = any(segment.own for segment in segments)
    known: dict[int, int] = {}
    names: dict[int, str] = {}
    # A segment without voxels is no tooth, whatever its name.
    for segment in (segment for segment in segments if segment.value in there):
        if segment.value in names:
            raise InputError(
                f"{path} gives the segments '{names[segment.value]}' and '{segment.name}' the same "
                f"label value, {segment.value}; {_MEND}"
            )
        names[segment.value] = segment.name
        fdi = _tooth(path, segment, numbers_are_fdi, meaning.get(segment.value))
        if fdi is None:
            continue
        twice = next((value for value, other in known.items() if other == fdi > 0), None)
        if twice is not None:
            raise InputError(
                f"{path} has two segments for tooth {fdi}, '{names[twice]}' and '{segment.name}'; "
                f"{_MEND}"
            )
        known[segment.value] = fdi
    values_are_kept = all(meaning.get(value) == fdi for value, fdi in known.items() if fdi > 0)
    for value in there:
        if value not in known and not values_are_kept:
            who = f"a segment '{names[value]}'" if value in names else f"voxels of {value}"
            raise InputError(
                f"{path} has {who} of which no tooth's number is known; name it by number and "
                "tooth, such as '16 upper right first molar', or remove it, and save again"
            )
    return {value: fdi for value, fdi in ({**meaning, **known}).items() if value in there}


def _tooth(
    path: Path, segment: _Segment, numbers_are_fdi: bool, by_value: int | None
) -> int | None:
    """The tooth that tag or name make of a segment, 0 for none; None leaves it to the value.

    Raises:
        InputError: tag, name and value speak of different teeth.
    """
    if segment.tag == NO_TOOTH:
        return 0
    who = f"{path}: the segment '{segment.name}'"
    by_name = tooth_by_name(segment.name, numbers_are_fdi=numbers_are_fdi)
    meant = {by_name} if by_name else teeth_by_name(segment.name)
    if segment.tag is not None:
        fdi = int(segment.tag) if segment.tag.isdecimal() else 0
        if fdi not in ALL_FDI_NUMBERS:
            raise InputError(f"{who} has the tag {_TAG} '{segment.tag}', no FDI number; {_MEND}")
        # Universal numbers are the user's to write, so all that a name may mean counts here.
        if teeth_by_name(segment.name) and fdi not in teeth_by_name(segment.name):
            raise InputError(
                f"{who} is tooth {fdi} by its tag {_TAG}; renumber it in the module ToothSeg, or "
                "give it the name of its number, and save again"
            )
        return fdi
    if by_name is None and meant and by_value not in meant:
        raise InputError(
            f"{who} with the label value {segment.value} may be more than one tooth; name it by "
            "number and tooth, such as '16 upper right first molar', and save again"
        )
    return by_name


def _segments(path: Path, fields: Mapping[str, str]) -> list[_Segment]:
    """In the order of the header; those that have a label value."""
    segments = []
    for key, text in fields.items():
        match = _VALUE.fullmatch(key)
        if match is None:
            continue
        about = {
            name: fields.get(f"Segment{match[1]}_{name}", "") for name in ("Name", "ID", "Tags")
        }
        if not text.strip().isdecimal():
            raise InputError(
                f"{path}: the label value of '{about['Name']}' is '{text:.40}'; {_MEND}"
            )
        tags = dict(tag.split(":", 1) for tag in about["Tags"].split("|") if ":" in tag)
        tag = tags.get(_TAG)
        own = tag is not None or _OWN_ID.fullmatch(about["ID"]) is not None
        segments.append(_Segment(about["Name"], int(text), tag, own))
    return segments
