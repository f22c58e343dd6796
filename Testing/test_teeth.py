from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ToothSegLib import teeth
from ToothSegLib.teeth import CATEGORIES, LOWER_ARCH, TEETH, THIRD_MOLARS, UPPER_ARCH, by_fdi

ALL = (*TEETH, *THIRD_MOLARS)

# Typed in from DICOM PS3.16, CID 4018, apart from the library's table.
CID_4018 = {
    11: "422653006", 12: "424877001", 13: "860767006", 14: "57826002",
    15: "36492000", 16: "865995000", 17: "863902006", 18: "68085002",
    21: "424399000", 22: "423185002", 23: "860780009", 24: "61897005",
    25: "23226009", 26: "865988009", 27: "863901004", 28: "87704003",
    31: "425106001", 32: "423331005", 33: "860782001", 34: "2400006",
    35: "24573005", 36: "866006002", 37: "863898000", 38: "74344005",
    41: "424575004", 42: "423937004", 43: "860785004", 44: "80140008",
    45: "8873007", 46: "866005003", 47: "863899008", 48: "38994002",
}  # fmt: skip


def test_the_28_teeth_are_quadrants_1_to_4_without_third_molars() -> None:
    expected = {10 * quadrant + position for quadrant in range(1, 5) for position in range(1, 8)}
    assert {tooth.fdi for tooth in TEETH} == expected
    assert len(TEETH) == 28
    assert set(teeth.FDI_NUMBERS) == expected
    assert {tooth.fdi for tooth in THIRD_MOLARS} == {18, 28, 38, 48}
    assert sorted(teeth.ALL_FDI_NUMBERS) == sorted(expected | {18, 28, 38, 48})


def test_snomed_codes_are_those_of_cid_4018() -> None:
    assert {tooth.fdi: tooth.snomed for tooth in ALL} == CID_4018
    assert len(set(CID_4018.values())) == 32


@pytest.mark.parametrize("tooth", ALL, ids=lambda tooth: str(tooth.fdi))
def test_universal_numbers_follow_the_formula_of_each_quadrant(tooth: teeth.ToothCode) -> None:
    formula = {
        1: 9 - tooth.position,  # 18..11 are 1..8
        2: 8 + tooth.position,  # 21..28 are 9..16
        3: 25 - tooth.position,  # 38..31 are 17..24
        4: 24 + tooth.position,  # 41..48 are 25..32
    }
    assert tooth.universal == formula[tooth.quadrant]


@pytest.mark.parametrize(
    ("fdi", "palmer", "name"),
    [
        (11, "UR1", "upper right central incisor"),
        (23, "UL3", "upper left canine"),
        (36, "LL6", "lower left first molar"),
        (48, "LR8", "lower right third molar"),
    ],
)
def test_names_and_palmer_signs(fdi: int, palmer: str, name: str) -> None:
    tooth = by_fdi(fdi)
    assert (tooth.palmer, tooth.name) == (palmer, name)


def test_class_indices_are_1_to_28_and_each_category_is_one_range() -> None:
    assert [tooth.class_index for tooth in TEETH] == list(range(1, 29))
    assert [category.last_class - category.first_class + 1 for category in CATEGORIES] == [
        4, 2, 4, 4, 4, 2, 4, 4,
    ]  # fmt: skip
    for category in CATEGORIES:
        members = [t.class_index for t in TEETH if t.category == category.index]
        assert members == list(range(category.first_class, category.last_class + 1))


def test_types_say_jaw_and_position() -> None:
    assert [teeth.type_of(fdi) for fdi in (0, 11, 21, 18, 31, 41, 36, 48)] == [
        0, 1, 1, 8, 9, 9, 14, 16,
    ]  # fmt: skip
    for tooth in ALL:
        assert tooth.type == teeth.type_of(tooth.fdi)
        assert teeth.CATEGORY_OF_TYPE[tooth.type] == tooth.category
        kind = tooth.category_name.rstrip("s")
        assert kind.split()[0] in tooth.name
        assert tooth.name.endswith(kind.split()[1])
    assert len(teeth.CATEGORY_OF_TYPE) == teeth.N_TYPES
    assert set(teeth.CATEGORY_OF_TYPE) == set(range(teeth.N_CATEGORIES))


def test_third_molars_are_molars_without_a_class() -> None:
    assert {tooth.category_name for tooth in THIRD_MOLARS} == {"upper molars", "lower molars"}
    assert all(tooth.class_index is None for tooth in THIRD_MOLARS)


def test_mirror_changes_the_side_and_nothing_else() -> None:
    assert [teeth.mirror(fdi) for fdi in (0, 11, 27, 36, 48)] == [0, 21, 17, 46, 38]
    for tooth in ALL:
        other = by_fdi(teeth.mirror(tooth.fdi))
        assert other.type == tooth.type
        assert ("left" in other.name) != ("left" in tooth.name)


def test_the_opposite_tooth_has_the_same_side_and_place_in_the_other_jaw() -> None:
    assert [teeth.opposite(fdi) for fdi in (0, 11, 27, 36, 48)] == [0, 41, 37, 26, 18]
    for tooth in ALL:
        other = by_fdi(teeth.opposite(tooth.fdi))
        assert other.position == tooth.position
        assert ("left" in other.name) == ("left" in tooth.name)
        assert ("upper" in other.name) != ("upper" in tooth.name)


@pytest.mark.parametrize("fdi", [1, 10, 19, 51, 90, 111, -11])
def test_what_is_no_adult_tooth_is_refused(fdi: int) -> None:
    with pytest.raises(ValueError, match=str(fdi)):
        teeth.type_of(fdi)
    with pytest.raises(ValueError, match=str(fdi)):
        teeth.mirror(fdi)
    with pytest.raises(ValueError, match=str(fdi)):
        teeth.opposite(fdi)
    with pytest.raises(KeyError):
        by_fdi(fdi)


def test_lookup_tables_agree_with_the_records() -> None:
    to_class = np.asarray(teeth.FDI_TO_CLASS)
    to_type = np.asarray(teeth.FDI_TO_TYPE)
    assert to_class.size == to_type.size == 49
    assert [teeth.CLASS_TO_FDI[i] for i in to_class[list(teeth.FDI_NUMBERS)]] == list(
        teeth.FDI_NUMBERS
    )
    assert np.count_nonzero(to_class) == 28
    assert np.count_nonzero(to_type) == 32
    assert all(to_type[tooth.fdi] == tooth.type for tooth in ALL)


def _lab(rgb: tuple[int, int, int]) -> np.ndarray:
    """CIE L*a*b* (D65) of an sRGB colour, in which distance is what the eye tells apart."""
    linear = np.asarray(rgb) / 255
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(matrix @ linear / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_neighbours_can_be_told_apart() -> None:
    neighbours = [*pairwise(UPPER_ARCH), *pairwise(LOWER_ARCH), *zip(UPPER_ARCH, LOWER_ARCH)]
    for one, other in neighbours:
        difference = np.linalg.norm(_lab(by_fdi(one).colour) - _lab(by_fdi(other).colour))
        assert difference > 20, (one, other)
    assert len({tooth.colour for tooth in ALL}) == 32
    assert all(0 <= channel <= 255 for tooth in ALL for channel in tooth.colour)
