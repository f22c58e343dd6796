"""Right numbers for regions: any posture, gaps, extras; left and right never swap.

Fewer cases than ``benchmarks/numbering_accuracy.py`` prints, of the same strata.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28, ALL_32, a_region, blurred_type, simulated_regions
from numbering_strata import STRATA, accuracy
from ToothSegLib.arches.alignment import EXTRA
from ToothSegLib.arches.regions import Region
from ToothSegLib.grids.view_of_scan import View
from ToothSegLib.numbering import _borne_out, number_regions
from ToothSegLib.teeth import mirror

# Share of teeth rightly numbered. Where gaps have closed, a first premolar and a second, or a
# canine, stand in the same place, so that only the look is left to tell them apart.
THRESHOLDS = {
    "up to 4 missing, gaps closed": 0.90,
    "the same, types clearer": 0.93,
    "first premolars extracted, closed": 0.92,
    "a supernumerary tooth": 0.97,
}


def numbers_of(regions: list[Region]) -> dict[int, int | None]:
    return number_regions(regions).numbers


@pytest.mark.parametrize("name", STRATA)
def test_numbers_are_right(name: str) -> None:
    right, _, mirrored = accuracy(STRATA[name], trials=4)
    assert right >= THRESHOLDS.get(name, 0.99)
    assert mirrored == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_dentition_gets_mirrored_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    teeth = tuple(int(fdi) for fdi in rng.choice(ALL_28, 20, replace=False))
    regions, truth = simulated_regions(rng, teeth)
    assert numbers_of(regions) == truth
    mirrored = [replace(r, centroid=r.centroid * [-1, 1, 1]) for r in regions]
    assert numbers_of(mirrored) == {label: mirror(fdi) for label, fdi in truth.items()}


def test_a_tooth_that_looks_like_another_through_and_through_keeps_its_place() -> None:
    """Two neighbours each have all of the other's look and nothing of their own."""
    regions, truth = simulated_regions(np.random.default_rng(5), confusion=0.1)
    for region in regions:
        if truth[region.label] in (24, 25):
            region.type_probabilities = np.eye(17)[{24: 5, 25: 4}[truth[region.label]]]
    assert numbers_of(regions) == truth


def test_the_order_and_names_of_the_regions_do_not_matter() -> None:
    regions, truth = simulated_regions(np.random.default_rng(5), close_gaps=True)
    again = [replace(region, label=region.label + 100) for region in regions[::-1]]
    renamed = {label - 100: fdi for label, fdi in numbers_of(again).items()}
    assert renamed == numbers_of(regions) == truth


def test_a_number_is_given_once() -> None:
    rng = np.random.default_rng(6)
    regions, _ = simulated_regions(rng)
    doubles = [
        replace(r, label=r.label + 50, centroid=r.centroid + rng.normal(0, 2, 3)) for r in regions
    ]
    given = [fdi for fdi in numbers_of(regions + doubles).values() if fdi is not None]
    assert len(given) == len(set(given)) >= 24


def test_third_molars_are_told_apart_and_left_out() -> None:
    regions, truth = simulated_regions(np.random.default_rng(7), (*ALL_28, 18, 38))
    result = number_regions(regions)
    third = {label: fdi for label, fdi in truth.items() if fdi % 10 == 8}
    assert result.third_molars == third
    for label in third:
        assert result.numbers[label] is None
        assert result.notes[label] == "third molar"


def test_an_impacted_third_molar_does_not_get_the_number_of_a_missing_second_one() -> None:
    """It lies deep, and looks like a second one in part."""
    teeth = (*(fdi for fdi in ALL_28 if fdi != 17), 18)
    regions, truth = simulated_regions(np.random.default_rng(7), teeth, tilt_deg=0.0, confusion=0.1)
    (third,) = (region for region in regions if truth[region.label] == 18)
    third.centroid = third.centroid + [0.0, 0.0, 6.0]
    third.type_probabilities = 0.6 * np.eye(17)[8] + 0.4 * np.eye(17)[7]
    result = number_regions(regions)
    assert result.third_molars == {third.label: 18}
    assert 17 not in result.numbers.values()


def test_a_speck_alone_has_no_number() -> None:
    speck = a_region(1, np.array([5.0, 6.0, 7.0]), 27.0, np.full(17, 1 / 17))
    assert numbers_of([speck]) == {1: None}


def test_what_fits_no_place_has_no_number() -> None:
    rng = np.random.default_rng(8)
    regions, truth = simulated_regions(rng)
    far = regions[0].centroid + [0, 60, 60]
    result = number_regions([*regions, a_region(99, far, 40.0, np.full(17, 1 / 17))])
    assert result.numbers == truth | {99: None}
    assert result.notes == {99: "fits no place in the arch"}
    assert result.third_molars == {}
    assert result.confidence[99] > 0.9


def test_confidence_tells_the_clear_from_the_doubtful() -> None:
    rng = np.random.default_rng(9)
    regions, _ = simulated_regions(rng, confusion=0.1)
    assert min(number_regions(regions).confidence.values()) > 0.95
    # Nothing tells the side of a single tooth.
    (single,) = simulated_regions(rng, (16,))[0]
    assert number_regions([single]).confidence[single.label] < 0.7


def test_a_number_is_not_given_against_the_chances() -> None:
    """12 is lost and its gap closed. The single most probable way pushes the row to the molars by
    one, and most of the other ways, all together more probable, do not.
    """
    teeth = tuple(fdi for fdi in ALL_28 if fdi != 12)
    regions, truth = simulated_regions(
        np.random.default_rng(7), teeth, close_gaps=True, confusion=0.4, tilt_deg=0.0
    )
    result = number_regions(regions)
    for label, fdi in truth.items():
        if fdi in (16, 17):
            assert result.numbers[label] == fdi
            assert result.confidence[label] > 0.5


@pytest.mark.parametrize(("chance", "left_out"), [(0.2, True), (0.8, False)])
def test_of_two_ways_that_differ_in_an_extra_the_likelier_counts_for_more(
    chance: float, left_out: bool
) -> None:
    """The second region is in slot 1 with this chance, and else no tooth of the arch."""
    chances = np.zeros((2, 32))
    chances[0, 0], chances[1, 1] = 0.9, chance
    without, with_it = (_borne_out(np.array([0, slot]), chances) for slot in (EXTRA, 1))
    assert (without > with_it) is left_out


def test_lower_central_incisors_may_be_lost_and_their_gap_closed() -> None:
    """The lateral ones, which look it, do not become the central ones."""
    wrong = 0
    for seed in range(4):
        teeth = tuple(fdi for fdi in ALL_28 if fdi not in (31, 41))
        regions, truth = simulated_regions(
            np.random.default_rng(seed), teeth, close_gaps=True, tilt_deg=0.0
        )
        numbers = numbers_of(regions)
        wrong += sum(numbers[label] != fdi for label, fdi in truth.items())
    assert wrong <= 1


@pytest.mark.parametrize("seed", [1, 4])
def test_a_crumb_beside_a_gap_that_has_closed_shifts_nobody(seed: int) -> None:
    """It looks like the tooth that is lost. A whole tooth there would rather be that tooth."""
    rng = np.random.default_rng(seed)
    lost = int(rng.choice([12, 22, 14, 24, 35, 45, 41, 31]))
    teeth = tuple(fdi for fdi in ALL_28 if fdi != lost)
    regions, truth = simulated_regions(rng, teeth, close_gaps=True, tilt_deg=0.0)
    behind = next(region for region in regions if truth[region.label] == lost + 1)
    place = behind.centroid + rng.normal(0, 3, 3)
    crumb = a_region(99, place, 35.0, blurred_type(rng, lost, 0.3))
    assert numbers_of([*regions, crumb]) == truth | {99: None}


def looking_like_thirds(seed: int, teeth: tuple[int, ...]) -> tuple[int, int]:
    """How many of four last molars, all of which look like third ones, are 7s, and how many 8s."""
    regions, truth = simulated_regions(
        np.random.default_rng(seed), teeth, tilt_deg=0.0, confusion=0.1
    )
    for region in regions:
        fdi = truth[region.label]
        if fdi % 10 >= 7:
            third = 8 if fdi < 30 else 16
            region.type_probabilities[:] = 0.003
            region.type_probabilities[[third - 1, third]] = 0.05, 0.9
    numbers = numbers_of(regions)
    last = [numbers[label] for label, fdi in truth.items() if fdi % 10 >= 7]
    return sum(fdi is not None and fdi % 10 == 7 for fdi in last), last.count(None)


def test_a_molar_behind_a_first_one_is_no_third_molar_for_its_looks_alone() -> None:
    seconds = [looking_like_thirds(seed, ALL_28) for seed in range(4)]
    assert sum(sevens for sevens, _ in seconds) >= 15
    # With the second one's gap before it, it is one.
    gone = tuple(fdi for fdi in ALL_32 if fdi % 10 != 7)
    thirds = [looking_like_thirds(seed, gone) for seed in range(4)]
    assert sum(none for _, none in thirds) >= 15


@pytest.mark.parametrize("times", [0.4, 2.5])
def test_how_large_a_patients_teeth_are_says_nothing_of_their_numbers(times: float) -> None:
    regions, _ = simulated_regions(np.random.default_rng(12), confusion=0.4)
    usual = number_regions(regions)
    for region in regions:
        region.volume_mm3 *= times
    others = number_regions(regions)
    assert others.numbers == usual.numbers
    assert others.confidence == pytest.approx(usual.confidence, abs=1e-3)


def test_how_faint_a_tooth_is_says_nothing_of_its_number() -> None:
    """Nine tenths of what the networks see of each may be no tooth at all."""
    regions, _ = simulated_regions(np.random.default_rng(12), confusion=0.4)
    clear = number_regions(regions)
    for region in regions:
        region.type_probabilities = 0.1 * region.type_probabilities
        region.type_probabilities[0] += 0.9
    faint = number_regions(regions)
    assert faint.numbers == clear.numbers
    assert faint.confidence == pytest.approx(clear.confidence, abs=1e-3)


def test_types_without_any_information_do_not_break_it() -> None:
    rng = np.random.default_rng(11)
    regions = [a_region(label, rng.normal(0, 20, 3), 300.0, np.eye(17)[0]) for label in range(1, 6)]
    result = number_regions(regions)
    assert set(result.numbers) == {1, 2, 3, 4, 5}
    assert all(0 <= value <= 1 for value in result.confidence.values())


def test_no_regions() -> None:
    result = number_regions([])
    assert (result.numbers, result.confidence, result.third_molars) == ({}, {}, {})


@pytest.mark.parametrize("fdi", [16, 26, 36, 46])
def test_a_root_broken_off_below_a_molar_shifts_nobody(fdi: int) -> None:
    """It has the molar's look and some size, but lies below its crown, not beside it."""
    shifted = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        regions, truth = simulated_regions(rng, confusion=0.15, tilt_deg=0.0)
        molar = next(region for region in regions if truth[region.label] == fdi)
        apical = np.array([1.0, 1.5, 8.0 if fdi < 30 else -8.0])
        molar.volume_mm3 *= 0.8
        root = a_region(
            99, molar.centroid + apical, 0.35 * molar.volume_mm3, blurred_type(rng, fdi, 0.15)
        )
        numbers = number_regions([*regions, root]).numbers
        shifted += any(numbers[label] != number for label, number in truth.items())
    assert shifted <= 1


def view_of(regions: list[Region], behind_mm: float) -> View:
    """A scan that ends so far behind the last tooth, and further away all around."""
    centres = np.array([region.centroid for region in regions])
    margin = np.array([15.0, behind_mm, 15.0])
    return View(centres.min(axis=0) - margin, centres.max(axis=0) + margin)


def wrong_numbers(lost: tuple[int, ...], closed: bool, behind_mm: float, trials: int = 6) -> int:
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(trials):
        teeth = tuple(fdi for fdi in ALL_28 if fdi not in lost)
        regions, truth = simulated_regions(
            rng, teeth, confusion=0.15, tilt_deg=0.0, close_gaps=closed
        )
        numbers = number_regions(regions, view_of(regions, behind_mm)).numbers
        wrong += sum(numbers[label] != fdi for label, fdi in truth.items())
    return wrong


def test_an_empty_place_at_the_end_of_a_row_counts_where_the_scan_shows_it() -> None:
    """Second molars that stand in the space of lost first ones."""
    first = (16, 26, 36, 46)
    shown, cut = (wrong_numbers(first, True, behind) for behind in (20.0, 6.0))
    assert shown < cut


@pytest.mark.parametrize("lost", [(17, 27, 37, 47), (16, 17, 26, 27, 36, 37, 46, 47)])
def test_a_row_may_end_early_in_a_scan_that_goes_on(lost: tuple[int, ...]) -> None:
    assert wrong_numbers(lost, False, 20.0) == 0


def test_no_place_outside_of_a_scanners_cylinder_counts_as_shown() -> None:
    """As if the array ended there: its corners are filled with one value."""
    rng = np.random.default_rng(5)
    regions, _ = simulated_regions(rng, (15, 14, 13, 12, 11, 21, 22, 23, 24, 25), tilt_deg=0.0)
    whole = view_of(regions, 30.0)
    behind = np.zeros((20, 20, 20), bool)
    size = whole.high - whole.low
    last = max(region.centroid[1] for region in regions) + 5.0 - whole.low[1]
    behind[:, round(last / size[1] * 20) :] = True
    # What is shown of the molars' places speaks against a row that ends at the premolars.
    told = [
        np.mean(list(number_regions(regions, view).confidence.values()))
        for view in (whole, replace(whole, blank=behind), None)
    ]
    assert told[0] < told[1] == pytest.approx(told[2])
