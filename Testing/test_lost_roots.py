"""A root of a second molar goes back to its tooth, and third molars stay what they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ToothSegLib.instances as instances_module
from dentition_fixture import arch_places, label_map, maps_of
from ToothSegLib.arches.regions import Region, measure_regions
from ToothSegLib.instances import separate_teeth
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.separation.lost_roots import rejoin_roots

SPACING = 0.6
LOWER = (*range(31, 38), *range(41, 48))
UPPER = (*range(11, 18), *range(21, 28))


def an_arch(upper: bool) -> tuple[np.ndarray, Maps]:
    rng = np.random.default_rng(5)
    teeth = set(UPPER if upper else LOWER)
    labels, origin = label_map(arch_places(rng, upper, teeth, False, 1.0), SPACING, 1.0)
    return labels, maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.2)


def with_root(labels: np.ndarray, tooth: int, share: float, third: int = 0) -> np.ndarray:
    """That share of a tooth's voxels, the deepest, is the third molar's; by default the next."""
    voxels = np.argwhere(labels == tooth)
    depth = voxels[:, 0] if tooth < 30 else -voxels[:, 0]
    root = voxels[np.argsort(-depth)[: int(share * len(voxels))]]
    result = labels.copy()
    result[tuple(root.T)] = third or tooth + 1
    return result


def rejoined(labels: np.ndarray, maps: Maps, third: int) -> np.ndarray | None:
    """What becomes of labels that are their own numbers."""
    regions = measure_regions(labels, maps)
    numbering = replace(
        number_regions([region for region in regions if region.label != third]),
        third_molars={third: third},
    )
    numbering.numbers[third] = None
    found = rejoin_roots(labels, regions, numbering)
    assert found is None or [region.label for region in found[1]] == [third]
    return None if found is None else found[0]


@pytest.mark.parametrize("seven", [17, 27, 37, 47])
def test_a_root_that_was_taken_for_a_third_molar_goes_back(seven: int) -> None:
    labels, maps = an_arch(upper=seven < 30)
    joined = rejoined(with_root(labels, seven, 0.35), maps, seven + 1)
    assert joined is not None
    assert np.array_equal(joined, labels)


@pytest.mark.parametrize("six", [16, 36])
def test_what_was_taken_for_a_third_molar_is_no_root_of_the_first(six: int) -> None:
    labels, maps = an_arch(upper=six < 30)
    assert rejoined(with_root(labels, six, 0.35, six + 2), maps, six + 2) is None


@pytest.mark.parametrize(
    ("share", "away_mm", "up_mm"),
    [(0.75, 0.0, 0.0), (0.35, 7.5, 4.0), (0.35, 5.0, 9.0)],
    ids=["too large for a root", "behind it", "not below it"],
)
def test_a_third_molar_stays(share: float, away_mm: float, up_mm: float) -> None:
    labels, maps = an_arch(upper=False)
    parted = with_root(labels, 37, share)
    root = parted == 38
    parted[root] = 0
    back, up = round(away_mm / SPACING), round(up_mm / SPACING)
    moved = np.roll(root, (up, back), axis=(0, 1))
    parted[moved & (parted == 0)] = 38
    assert rejoined(parted, maps, 38) is None


def test_what_does_not_touch_the_second_molar_stays() -> None:
    labels, maps = an_arch(upper=False)
    parted = with_root(labels, 37, 0.35)
    top = np.argwhere(parted == 38)[:, 0].max()
    parted[top - 1 : top + 1][parted[top - 1 : top + 1] == 38] = 0
    assert rejoined(parted, maps, 38) is None


@pytest.mark.parametrize("parted", [False, True])
def test_the_last_step_of_telling_teeth_apart(
    monkeypatch: pytest.MonkeyPatch, parted: bool
) -> None:
    """And what was added to which tooth is told, by the labels of the outcome, whatever becomes of
    them afterwards."""
    _, maps = an_arch(upper=False)
    before = separate_teeth(maps)
    one, other = before.regions[-2:]

    def rejoin(found: np.ndarray, regions: list[Region], _: Numbering) -> object:
        return np.where(found == other.label, one.label, found), [regions[other.label - 1]]

    def turn_round(found: np.ndarray, *_: object) -> object:
        turned = np.where(found > 0, found.max() + 1 - found, 0).astype(found.dtype)
        regions = measure_regions(turned, maps)
        return turned, regions, number_regions(regions), []

    monkeypatch.setattr(instances_module, "rejoin_roots", rejoin)
    if parted:
        monkeypatch.setattr(instances_module, "_parted_by_height", turn_round)
    after = separate_teeth(maps)
    assert before.rejoined == []
    assert len(after.regions) == len(before.regions) - 1
    ((label, piece),) = after.rejoined
    assert piece.volume_mm3 == other.volume_mm3
    both = np.isin(before.labels, (one.label, other.label))
    assert np.array_equal(after.labels == label, both)


@pytest.mark.parametrize("fdi", [35, 41, 14])
def test_the_end_of_any_root_that_fits_no_place_goes_back(fdi: int) -> None:
    labels, maps = an_arch(upper=fdi < 30)
    parted = with_root(labels, fdi, 0.25)
    piece = fdi + 1  # a neighbour's number, which `with_root` gives: another label for it
    parted[(parted == piece) & (labels == fdi)] = 99
    found = rejoin_extra(parted, maps)
    assert found is not None
    assert np.array_equal(found[0], labels)
    assert [region.label for region in found[1]] == [99]


def test_a_root_that_the_field_of_view_cuts_goes_back_too() -> None:
    """It lies at the very border of the array."""
    labels, maps = an_arch(upper=False)
    parted = with_root(labels, 35, 0.25, 99)
    first = int(np.argwhere(parted == 99)[:, 0].min()) + 2
    seen = replace(
        maps,
        tooth=maps.tooth[first:],
        types=maps.types[:, first:],
        offsets=None,
        origin=(*maps.origin[:2], maps.origin[2] + first * SPACING),
    )
    found = rejoin_extra(parted[first:], seen)
    assert found is not None
    assert np.array_equal(found[0], labels[first:])


def test_what_would_make_a_tooth_far_too_large_is_none_of_its_root() -> None:
    """An extra tooth below one that is large and whole."""
    labels, maps = an_arch(upper=False)
    parted = with_root(labels, 35, 0.25, 99)
    regions = measure_regions(parted, maps)
    numbering = number_regions([region for region in regions if region.label != 99])
    numbering.numbers[99] = None
    assert rejoin_roots(parted, regions, numbering) is not None
    (tooth,) = (region for region in regions if region.label == 35)
    tooth.volume_mm3 *= 2.5
    assert rejoin_roots(parted, regions, numbering) is None


@pytest.mark.parametrize("fdi", [16, 26, 17])
def test_the_palatal_root_of_an_upper_molar_goes_back(fdi: int) -> None:
    """It lies 0.4 widths palatal of the rest, as in simulated heads."""
    labels, maps = an_arch(upper=True)
    voxels = np.argwhere(labels == fdi)
    middle = voxels.mean(axis=0)
    inwards = (voxels[:, 2] - middle[2]) * (1 if fdi < 20 else -1) * SPACING
    root = voxels[(inwards > 1.0) & (voxels[:, 0] > middle[0])]
    parted = labels.copy()
    parted[tuple(root.T)] = 99
    found = rejoin_extra(parted, maps)
    assert found is not None
    assert np.array_equal(found[0], labels)


@pytest.mark.parametrize(
    ("up_mm", "back_mm", "stays"),
    [(4.0, 5.0, True), (13.0, 0.0, True), (10.5, 1.0, False)],
    ids=["palatal of it", "far above it", "where its root ends"],
)
def test_an_extra_tooth_stays(up_mm: float, back_mm: float, stays: bool) -> None:
    """Of the size of a root's end, and touching the lateral incisor."""
    labels, maps = an_arch(upper=True)
    centre = np.argwhere(labels == 12).mean(axis=0) * SPACING + [up_mm, back_mm, 0.4 * back_mm]
    at = np.moveaxis(np.indices(labels.shape), 0, -1) * SPACING
    parted = labels.copy()
    parted[(np.linalg.norm(at - centre, axis=-1) < 3.6) & (labels == 0)] = 99
    assert (rejoin_extra(parted, maps) is None) == stays


@pytest.mark.parametrize(("behind_mm", "stays"), [(4.0, False), (7.0, True)])
def test_what_lies_below_and_further_along_the_row_is_another_tooths(
    behind_mm: float, stays: bool
) -> None:
    """As the bud of a third molar: it touches the second one."""
    labels, maps = an_arch(upper=False)
    middles = [np.argwhere(labels == fdi).mean(axis=0) * SPACING for fdi in (36, 37)]
    way = (middles[1] - middles[0]) * [0, 1, 1]
    centre = middles[1] + behind_mm * way / np.linalg.norm(way) - [5.0, 0.0, 0.0]
    at = np.moveaxis(np.indices(labels.shape), 0, -1) * SPACING
    parted = labels.copy()
    parted[(np.linalg.norm(at - centre, axis=-1) < 3.6) & (labels == 0)] = 99
    assert (rejoin_extra(parted, maps) is None) == stays


def rejoin_extra(labels: np.ndarray, maps: Maps) -> tuple[np.ndarray, list[Region]] | None:
    """What becomes of label 99, which has no number, beside labels that are their own numbers."""
    regions = measure_regions(labels, maps)
    numbering = number_regions([region for region in regions if region.label != 99])
    numbering.numbers[99] = None
    return rejoin_roots(labels, regions, numbering)
