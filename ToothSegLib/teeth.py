"""The teeth: codes, names, categories and colours.

FDI numbers (ISO 3950) name the teeth everywhere. Three coarser codes are derived from them:
the *class index* 1-28 orders the teeth by category, so that a category is one contiguous range;
the *type* 1-16 says jaw and position but not the side; the *category* 1-8 says jaw and kind.
Third molars have a type and a category, but no class index: they are never part of a result.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

POSITION_NAMES = (
    "central incisor", "lateral incisor", "canine", "first premolar",
    "second premolar", "first molar", "second molar", "third molar",
)  # fmt: skip
QUADRANT_NAMES = ("upper right", "upper left", "lower left", "lower right")
PALMER_QUADRANTS = ("UR", "UL", "LL", "LR")

N_TYPES = 17
N_CATEGORIES = 9

# DICOM CID 4018 (SNOMED CT, scheme SCT), quadrants 1-4, positions 1-8.
_SNOMED = (
    (422653006, 424877001, 860767006, 57826002, 36492000, 865995000, 863902006, 68085002),
    (424399000, 423185002, 860780009, 61897005, 23226009, 865988009, 863901004, 87704003),
    (425106001, 423331005, 860782001, 2400006, 24573005, 866006002, 863898000, 74344005),
    (424575004, 423937004, 860785004, 80140008, 8873007, 866005003, 863899008, 38994002),
)

# Hue in degrees. Kinds that touch, along the arch or between the jaws, are far apart.
_CATEGORY_HUES = (205, 48, 125, 0, 270, 22, 175, 325)


@dataclass(frozen=True)
class Category:
    """One of the eight kinds of tooth, with the range of class indices that it covers."""

    index: int
    name: str
    first_class: int
    last_class: int


@dataclass(frozen=True)
class ToothCode:
    """Everything that is known of a tooth by its place in the mouth alone."""

    fdi: int
    universal: int
    palmer: str  # in letters, "UR1"
    name: str
    category: int  # 1-8
    category_name: str
    class_index: int | None  # 1-28; None for a third molar
    type: int  # 1-16
    quadrant: int  # 1-4
    position: int  # 1-8 from the midline
    snomed: str
    colour: tuple[int, int, int]  # RGB, 0-255


# Category of each type: background, upper positions 1-8, lower positions 1-8.
CATEGORY_OF_TYPE = (0, 1, 1, 2, 3, 3, 4, 4, 4, 5, 5, 6, 7, 7, 8, 8, 8)

CATEGORIES = (
    Category(1, "upper incisors", 1, 4),
    Category(2, "upper canines", 5, 6),
    Category(3, "upper premolars", 7, 10),
    Category(4, "upper molars", 11, 14),
    Category(5, "lower incisors", 15, 18),
    Category(6, "lower canines", 19, 20),
    Category(7, "lower premolars", 21, 24),
    Category(8, "lower molars", 25, 28),
)

# Each arch from the patient's right to the left, third molars included.
UPPER_ARCH = (18, 17, 16, 15, 14, 13, 12, 11, 21, 22, 23, 24, 25, 26, 27, 28)
LOWER_ARCH = (48, 47, 46, 45, 44, 43, 42, 41, 31, 32, 33, 34, 35, 36, 37, 38)


def type_of(fdi: int) -> int:
    """Type 0-16 of an FDI number; 0 (background) stays 0. ValueError for no such tooth."""
    if fdi == 0:
        return 0
    quadrant, position = _split(fdi)
    return position if quadrant <= 2 else 8 + position


def mirror(fdi: int) -> int:
    """The same tooth of the other side (11 <-> 21, 36 <-> 46); 0 stays 0."""
    if fdi == 0:
        return 0
    quadrant, position = _split(fdi)
    return 10 * (2, 1, 4, 3)[quadrant - 1] + position


def opposite(fdi: int) -> int:
    """The tooth of the same place in the other jaw (11 <-> 41, 26 <-> 36); 0 stays 0."""
    if fdi == 0:
        return 0
    quadrant, position = _split(fdi)
    return 10 * (4, 3, 2, 1)[quadrant - 1] + position


def by_fdi(fdi: int) -> ToothCode:
    """The record of a tooth, third molars included. KeyError for no such tooth."""
    return _BY_FDI[int(fdi)]


def _split(fdi: int) -> tuple[int, int]:
    quadrant, position = divmod(int(fdi), 10)
    if not (1 <= quadrant <= 4 and 1 <= position <= 8):
        raise ValueError(f"{fdi} is not the FDI number of an adult tooth")
    return quadrant, position


def _colour(category: int, place: int) -> tuple[int, int, int]:
    """A shade of the category's hue, light and deep in turn along the arch (``place`` 0-15)."""
    saturation, value = ((0.38, 1.0), (0.85, 0.78))[place % 2]
    # A slight drift of hue makes each tooth's colour its own.
    hue = (_CATEGORY_HUES[category - 1] + (place - 7.5)) / 360 % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _build() -> list[ToothCode]:
    records = []
    next_class = {category.index: category.first_class for category in CATEGORIES}
    for arch, first_universal, step in ((UPPER_ARCH, 1, 1), (LOWER_ARCH, 32, -1)):
        for place, fdi in enumerate(arch):
            quadrant, position = _split(fdi)
            category = CATEGORY_OF_TYPE[type_of(fdi)]
            class_index = None
            if position <= 7:
                class_index = next_class[category]
                next_class[category] += 1
            records.append(
                ToothCode(
                    fdi=fdi,
                    universal=first_universal + step * place,
                    palmer=f"{PALMER_QUADRANTS[quadrant - 1]}{position}",
                    name=f"{QUADRANT_NAMES[quadrant - 1]} {POSITION_NAMES[position - 1]}",
                    category=category,
                    category_name=CATEGORIES[category - 1].name,
                    class_index=class_index,
                    type=type_of(fdi),
                    quadrant=quadrant,
                    position=position,
                    snomed=str(_SNOMED[quadrant - 1][position - 1]),
                    colour=_colour(category, place),
                )
            )
    return records


_ALL = _build()
_BY_FDI = {tooth.fdi: tooth for tooth in _ALL}

TEETH = tuple(sorted((t for t in _ALL if t.class_index), key=lambda t: t.class_index or 0))
"""The 28 teeth of a result, in the order of their class index."""

THIRD_MOLARS = tuple(tooth for tooth in _ALL if tooth.class_index is None)
"""18, 28, 48, 38: known to the networks, left out of results."""

FDI_NUMBERS = tuple(tooth.fdi for tooth in TEETH)
"""Of these 28."""

ALL_FDI_NUMBERS = (*UPPER_ARCH, *LOWER_ARCH)
"""Of all 32, third molars included: along the arches, each from the patient's right to the left."""

# Look-up by FDI number as an index, 0-48; 0 where there is no such tooth among the 28 (for the
# class) or the 32 (for the type): `numpy.asarray(FDI_TO_CLASS)[labels]` recodes a label map.
FDI_TO_CLASS = tuple((_BY_FDI[fdi].class_index or 0) if fdi in _BY_FDI else 0 for fdi in range(49))
FDI_TO_TYPE = tuple(_BY_FDI[fdi].type if fdi in _BY_FDI else 0 for fdi in range(49))
CLASS_TO_FDI = (0, *FDI_NUMBERS)


def row_of(fdi: int) -> list[int]:
    """The numbers of the arch that a tooth stands in, the patient's right to left, of the 28."""
    row = UPPER_ARCH if fdi in UPPER_ARCH else LOWER_ARCH
    return [number for number in row if number in FDI_NUMBERS]


def neighbours(fdi: int) -> list[int]:
    """The numbers on both sides of a tooth in its row, of the 28."""
    row = row_of(fdi)
    place = row.index(fdi)
    return [number for number in row[max(place - 1, 0) : place + 2] if number != fdi]
