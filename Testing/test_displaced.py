"""A tooth that lies off its row gets the number that is left over, if it looks like that tooth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import arch_places, label_map, maps_of
from ToothSegLib import instances
from ToothSegLib.arches.displaced import displaced_teeth
from ToothSegLib.arches.norms import VOLUMES_MM3
from ToothSegLib.arches.regions import Region, measure_regions
from ToothSegLib.errors import Cancelled
from ToothSegLib.grids.view_of_scan import View
from ToothSegLib.instances import separate_teeth
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.progress import Progress
from ToothSegLib.teeth import type_of

SPACING = 0.6
UPPER = (*range(11, 18), *range(21, 28))
ACROSS = (13.0, -3.0, 12.0)  # over the roots of 11


@pytest.fixture(scope="module")
def regions() -> list[Region]:
    """An upper arch, each region's label the tooth's number."""
    rng = np.random.default_rng(3)
    labels, origin = label_map(arch_places(rng, True, set(UPPER), False, 1.0), SPACING)
    return measure_regions(labels, maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.5))


def moved(region: Region, by: tuple[float, float, float], looks: dict[int, float]) -> Region:
    """The region elsewhere (LPS mm), looking like these types."""
    types = np.zeros_like(np.asarray(region.type_probabilities))
    for tooth_type, share in looks.items():
        types[tooth_type] = share
    centroid = tuple(float(a) + b for a, b in zip(region.centroid, by, strict=True))
    return replace(region, centroid=centroid, type_probabilities=types)


def with_13(regions: list[Region], by: tuple[float, float, float], canine: float) -> Numbering:
    """How the arch is numbered with 13 moved; it looks like a lateral incisor too."""
    looks = {type_of(13): canine, type_of(12): 0.9 - canine}
    return number_regions([moved(r, by, looks) if r.label == 13 else r for r in regions])


def test_a_canine_across_the_roots_of_the_incisors_has_its_number(regions: list[Region]) -> None:
    numbering = with_13(regions, ACROSS, 0.45)
    assert numbering.numbers == {region.label: region.label for region in regions}
    assert numbering.confidence[13] == pytest.approx(0.45, abs=0.01)
    assert 13 not in numbering.notes


@pytest.mark.parametrize(
    ("by", "canine"),
    [(ACROSS, 0.2), ((8.0, 30.0, 12.0), 0.45)],
    ids=["looks too little like it", "far away"],
)
def test_what_may_be_anything_keeps_no_number(
    regions: list[Region], by: tuple[float, float, float], canine: float
) -> None:
    numbering = with_13(regions, by, canine)
    assert numbering.numbers[13] is None
    assert numbering.notes[13] == "fits no place in the arch"


def test_a_crumb_in_its_place_does_not_keep_the_number(regions: list[Region]) -> None:
    """Far below a tooth's volume, it would lose the number in the end, and none would be left."""
    (tooth,) = (region for region in regions if region.label == 13)
    crumb = replace(tooth, label=99, volume_mm3=0.1 * tooth.volume_mm3)
    looks = {type_of(13): 0.8, type_of(12): 0.1}
    canine = moved(tooth, ACROSS, looks)
    others = [region for region in regions if region.label != 13]
    numbering = number_regions([*others, crumb, canine])
    assert (numbering.numbers[13], numbering.numbers[99]) == (13, None)
    assert numbering.notes[99] == "too small for a tooth"


def test_crowns_that_the_scan_cuts_make_no_giant_of_it(regions: list[Region]) -> None:
    """Where the lower jaw's crowns end at the scan's border, they say nothing of the size."""
    lower = []
    for region in regions:
        kind = type_of(region.label) + 8
        crown = moved(region, (0.0, 0.0, -17.0), {kind: 0.9})
        volume = 0.25 * VOLUMES_MM3[kind]
        lower.append(replace(crown, label=100 + region.label, cut=True, volume_mm3=volume))
    assert with_13([*regions, *lower], ACROSS, 0.45).numbers[13] == 13
    whole = [replace(region, cut=False) for region in lower]
    assert with_13([*regions, *whole], ACROSS, 0.45).numbers[13] is None


def asked(regions: list[Region], *extra: Region, missing: int | None) -> dict[int, int]:
    whole = number_regions(regions)
    assert whole.pose is not None
    there = [r for r in regions if r.label != missing]
    leftover = {region.label: None for region in extra}
    numbers = {r.label: whole.numbers[r.label] for r in there} | leftover
    found = displaced_teeth([*there, *extra], numbers, set(leftover), whole.pose)
    return {label: fdi for label, (fdi, _) in found.items()}


def extra_like_13(regions: list[Region], by: tuple[float, float, float], share: float) -> Region:
    (tooth,) = (region for region in regions if region.label == 13)
    other = moved(tooth, by, {type_of(13): 0.9})
    return replace(other, label=99, volume_mm3=share * tooth.volume_mm3)


def test_only_a_number_that_is_left_over_is_given(regions: list[Region]) -> None:
    extra = extra_like_13(regions, (6.0, 5.0, 9.0), 1.0)
    assert asked(regions, extra, missing=13) == {99: 13}
    assert asked(regions, extra, missing=12) == {}
    assert asked(regions, extra, missing=23) == {}


@pytest.mark.parametrize(
    ("by", "share"),
    [((6.0, 5.0, 0.0), 1.0), ((6.0, 5.0, -9.0), 1.0), ((6.0, 5.0, 9.0), 0.2),
     ((6.0, 5.0, 9.0), 3.0)],
    ids=["beside the row", "towards the bite", "a crumb", "a lump"],
)  # fmt: skip
def test_milk_teeth_crumbs_and_lumps_have_none(
    regions: list[Region], by: tuple[float, float, float], share: float
) -> None:
    assert asked(regions, extra_like_13(regions, by, share), missing=13) == {}


def test_of_a_large_patient_a_large_tooth_is_no_lump(regions: list[Region]) -> None:
    large = [replace(region, volume_mm3=2.3 * region.volume_mm3) for region in regions]
    assert asked(large, extra_like_13(large, (6.0, 5.0, 9.0), 1.0), missing=13) == {99: 13}


@pytest.mark.parametrize("side", [1, -1])
def test_of_two_numbers_of_one_look_the_nearer_is_given(regions: list[Region], side: int) -> None:
    """Both central incisors are missing, and a tooth lies in the bone above one's place."""
    (tooth,) = (region for region in regions if region.label == 21)
    extra = replace(moved(tooth, (0.0, 4.0, 9.0), {type_of(21): 0.9}), label=99)
    extra.centroid = np.array(extra.centroid) * [side, 1, 1]
    others = [region for region in regions if region.label not in (11, 21)]
    assert asked(others, extra, missing=None) == {99: 21 if side == 1 else 11}


def test_a_third_molar_off_its_row_gets_no_number(regions: list[Region]) -> None:
    (tooth,) = (region for region in regions if region.label == 17)
    third = replace(moved(tooth, (0.0, 9.0, 8.0), {8: 0.9}), label=99)
    assert asked(regions, third, missing=None) == {}


@pytest.mark.parametrize(("deeper", "found"), [(9.0, {99: 43}), (-9.0, {})])
def test_in_the_lower_jaw_deep_is_below(deeper: float, found: dict[int, int]) -> None:
    rng = np.random.default_rng(3)
    teeth = {fdi + 20 for fdi in UPPER}
    labels, origin = label_map(arch_places(rng, False, teeth, False, 1.0), SPACING)
    lower = measure_regions(labels, maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.5))
    (tooth,) = (region for region in lower if region.label == 43)
    extra = replace(moved(tooth, (4.0, 4.0, -deeper), {type_of(43): 0.9}), label=99)
    assert asked(lower, extra, missing=43) == found


def test_a_number_is_given_once_to_the_largest(regions: list[Region]) -> None:
    extra = extra_like_13(regions, (6.0, 5.0, 9.0), 1.0)
    smaller = replace(extra_like_13(regions, (7.0, 4.0, 8.0), 0.8), label=98)
    assert asked(regions, smaller, missing=13) == {98: 13}
    assert asked(regions, smaller, extra, missing=13) == {99: 13}


def test_what_looks_more_like_another_number_that_is_left_over_has_none(
    regions: list[Region],
) -> None:
    extra = extra_like_13(regions, (6.0, 5.0, 9.0), 1.0)
    # All teeth of the lower jaw are left over, too, and far away.
    for canine, lower, found in ((0.5, 0.4, {99: 13}), (0.4, 0.5, {})):
        looks = {type_of(13): canine, type_of(43): lower}
        assert asked(regions, moved(extra, (0.0, 0.0, 0.0), looks), missing=13) == found


@pytest.fixture(scope="module")
def joined() -> Maps:
    """13 and 12 as votes leave them: one above the other, in the same place along the row."""
    rng = np.random.default_rng(3)
    labels, origin = label_map(arch_places(rng, True, set(UPPER), False, 1.0), SPACING)
    maps = maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.5)
    return _canine_above_incisor(labels, maps)


def test_a_canine_that_is_one_region_with_an_incisor_is_parted_from_it(joined: Maps) -> None:
    found = separate_teeth(joined)
    assert found.numbering is not None
    numbers = {fdi for fdi in found.numbering.numbers.values() if fdi}
    assert numbers == set(UPPER)
    assert found.stacked == []


@pytest.mark.parametrize("most", [1, 2])
def test_telling_teeth_apart_can_be_stopped_between_numberings(
    joined: Maps, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Of the rough teeth, of the teeth, and of these once more, as when one was parted."""
    numbered: list[int] = []

    def number(regions: list[Region], view: View) -> Numbering:
        numbered.append(len(regions))
        return number_regions(regions, view)

    monkeypatch.setattr(instances, "number_regions", number)
    monkeypatch.setattr(instances, "part_merged", lambda labels, *_: labels)
    fractions: list[float] = []
    run = Progress(lambda fraction, _: fractions.append(fraction), lambda: len(numbered) >= most)
    with pytest.raises(Cancelled):
        separate_teeth(joined, run)
    assert len(numbered) == most
    assert fractions == sorted(fractions)


def _canine_above_incisor(labels: np.ndarray, maps: Maps) -> Maps:
    """13 is taken away, and the upper half of 12 looks like it and votes far above."""
    tooth, types = maps.tooth.copy(), maps.types.copy()
    assert maps.offsets is not None
    offsets = maps.offsets.copy()
    tooth[labels == 13] = 0.0
    height = np.indices(labels.shape)[0]
    incisor = labels == 12
    above = incisor & (height > np.quantile(height[incisor], 0.5))
    types[:, above] = 0.0
    types[type_of(13)][above] = 0.6
    types[type_of(12)][above] = 0.4
    offsets[2][above] += 11.0
    return replace(maps, tooth=tooth, types=types, offsets=offsets)
