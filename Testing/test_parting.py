"""Two teeth in one region come apart again, and one large tooth stays whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import ToothSegLib.instances as instances_module
from dentition_fixture import a_region, arch_places, label_map, maps_of, separated
from ToothSegLib.arches.arch import Pose
from ToothSegLib.arches.arch_line import ArchLine
from ToothSegLib.arches.norms import VOLUMES_MM3
from ToothSegLib.arches.patient_size import size_if_enough
from ToothSegLib.arches.regions import measure_regions, numbered_regions
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.separation import parting
from ToothSegLib.separation.parting import part_merged
from ToothSegLib.separation.votes import label_by_votes
from ToothSegLib.teeth import type_of

SPACING = 0.6
LOWER = tuple(range(31, 38)) + tuple(range(41, 48))


def an_arch(*teeth: int, size: float = 1.0) -> tuple[np.ndarray, Maps]:
    rng = np.random.default_rng(3)
    labels, origin = label_map(arch_places(rng, False, set(teeth), False, 1.03), SPACING, size)
    return labels, maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.3)


def vote_together(labels: np.ndarray, maps: Maps, one: int, other: int) -> None:
    """Both teeth's voxels point at the middle between the two."""
    assert maps.offsets is not None
    both = np.isin(labels, (one, other))
    at = np.argwhere(both)
    away = (at.mean(axis=0) - at) * SPACING
    for axis in range(3):
        maps.offsets[axis][both] = away[:, 2 - axis]


def smear_votes(labels: np.ndarray, maps: Maps, one: int, other: int) -> None:
    """Both teeth's voxels point at anywhere between the two middles."""
    assert maps.offsets is not None
    ends = [np.argwhere(labels == fdi).mean(axis=0) for fdi in (one, other)]
    at = np.argwhere(np.isin(labels, (one, other)))
    share = np.random.default_rng(1).beta(1.3, 1.3, (len(at), 1))
    away = (ends[0] + share * (ends[1] - ends[0]) - at) * SPACING
    for axis in range(3):
        maps.offsets[axis][tuple(at.T)] = away[:, 2 - axis]


def best_overlap(instances: np.ndarray, mask: np.ndarray) -> float:
    found = instances == np.bincount(instances[mask])[1:].argmax() + 1
    return float((found & mask).sum() / (found | mask).sum())


@pytest.mark.parametrize("pair", [(32, 33), (44, 45), (41, 31)])
def test_two_that_vote_for_one_middle_are_parted(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, maps = an_arch(*LOWER, size=1.15)  # their crowns touch
    vote_together(labels, maps, *pair)
    instances, regions = separated(maps)
    assert len(regions) == len(LOWER)
    assert min(best_overlap(instances, labels == fdi) for fdi in pair) > 0.65
    assert sorted(filter(None, number_regions(regions).numbers.values())) == sorted(LOWER)
    monkeypatch.setattr(instances_module, "part_merged", lambda *_: None)
    assert len(separated(maps)[1]) < len(LOWER)


def test_the_smaller_half_gets_the_new_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """The larger one keeps the region's, and a half of less than a tooth is none."""
    labels, maps = an_arch(*LOWER, size=1.15)
    vote_together(labels, maps, 32, 33)
    parted = []

    def spied(before: np.ndarray, *rest: Any) -> np.ndarray | None:
        after = parting.part_merged(before, *rest)
        if after is not None:
            parted.append((before, after))
        return after

    monkeypatch.setattr(instances_module, "part_merged", spied)
    separated(maps)
    ((before, after),) = parted
    new = after == before.max() + 1
    (old,) = np.unique(before[new])
    assert 0 < new.sum() <= (after == old).sum()
    parted.clear()
    monkeypatch.setattr(parting, "_LEAST_OF_A_TOOTH", 5.0)
    separated(maps)
    assert not parted


@pytest.mark.parametrize("teeth", [LOWER, (33, 35, 36, 37)])
def test_of_two_regions_beside_one_missing_tooth_only_one_holds_it(
    teeth: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """33 and 35 are as large as two, 34 is missing: the larger for its place is parted. Of few
    teeth nobody knows how large this patient's are."""
    places = arch_places(np.random.default_rng(3), False, set(LOWER), False, 1.0)
    labels, regions, numbering = np.zeros((1, len(LOWER), 8), int), [], Numbering()
    numbering.pose = Pose(np.eye(3), np.zeros(3))
    for row, fdi in enumerate(LOWER):
        if fdi != 34 and fdi in teeth:
            labels[0, row] = fdi
            times = {33: 1.8, 35: 2.0}.get(fdi, 1.0)
            volume = times * VOLUMES_MM3[type_of(fdi)]
            regions.append(a_region(fdi, places[fdi], volume, np.eye(17)[type_of(fdi)]))
            numbering.numbers[fdi] = fdi
    asked = []

    def half(suspect: Any, labels: np.ndarray, *_: object) -> tuple[np.ndarray, ...]:
        asked.append((suspect.own, suspect.other))
        where = np.nonzero(labels == suspect.region.label)
        return tuple(axis[:4] for axis in where)

    monkeypatch.setattr(parting, "_other_half", half)
    parted = part_merged(labels, object(), regions, numbering)  # type: ignore[arg-type]
    if len(teeth) < 5:
        assert parted is None
        return
    assert asked == [(35, 34)]
    assert parted is not None
    assert (parted[labels == 35] == labels.max() + 1).sum() == 4
    assert (parted == labels)[labels != 35].all()


@pytest.mark.parametrize("pair", [(34, 33), (44, 45)])
def test_two_that_look_like_one_are_parted_by_their_size_and_their_votes(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, maps = an_arch(*LOWER, size=1.15)
    smear_votes(labels, maps, *pair)
    own, other = (type_of(fdi) for fdi in pair)
    # Nine of ten voxels look like the one.
    wrong = (labels == pair[1]) & (np.random.default_rng(2).random(labels.shape) < 0.8)
    maps.types[own][wrong], maps.types[other][wrong] = 0.8, 0.1
    instances, regions = separated(maps)
    assert len(regions) == len(LOWER)
    assert min(best_overlap(instances, labels == fdi) for fdi in pair) > 0.6
    monkeypatch.setattr(parting, "_SPREAD", ())
    assert len(separated(maps)[1]) < len(LOWER)


def test_a_tooth_beside_a_gap_stays_whole() -> None:
    teeth = tuple(fdi for fdi in LOWER if fdi != 35)
    labels, maps = an_arch(*teeth)
    # The canine's neighbour looks in half like the one that is missing behind it.
    half = (labels == 34) & (np.arange(labels.shape[0])[:, None, None] % 2 == 0)
    for kind, other in ((12, 13), (13, 12)):
        maps.types[kind][half], maps.types[other][half] = 0.1, 0.8 if other == 13 else 0.1
    assert len(separated(maps)[1]) == len(teeth)


def test_leaning_front_teeth_are_told_apart_along_the_arch() -> None:
    labels, maps = an_arch(*LOWER)
    assert maps.offsets is not None
    # How far out a leaning tooth's centre lies is not known: votes scatter in that direction.
    front = np.isin(labels, (31, 32, 41, 42))
    maps.offsets[1][front] += np.random.default_rng(0).normal(0.0, 7.0, int(front.sum()))
    where = np.flatnonzero(maps.tooth >= 0.5)
    assert len(label_by_votes(maps, where)[1]) > len(LOWER)
    pose = number_regions(measure_regions(labels, maps)).pose
    assert pose is not None
    assert len(label_by_votes(maps, where, ArchLine(pose))[1]) == len(LOWER)
    assert len(separated(maps)[1]) == len(LOWER)


@pytest.mark.parametrize(
    ("signs", "two"),
    [
        # As they were in simulated scans: two teeth, and single ones.
        (parting._Signs(1.65, 0.94, 0.18, 1.46, 1.11, 1.08), True),
        (parting._Signs(1.84, 0.96, 0.06, 1.51, 0.76, 1.02), True),
        (parting._Signs(1.34, 0.73, 0.68, 1.05, 0.97, 0.96), True),
        (parting._Signs(2.22, 1.02, 0.39, 0.98, 0.67, 0.95), True),
        (parting._Signs(1.92, 1.20, 0.01, 1.14, 0.43, 1.0), False),
        (parting._Signs(1.84, 0.93, 0.74, 1.08, 0.51, 1.0), False),
        (parting._Signs(1.33, 0.64, 0.04, 0.92, 0.81, 1.0), False),
        (parting._Signs(1.62, 0.90, 0.00, 1.40, 1.06, 1.08), False),
        (parting._Signs(1.13, 0.61, 0.27, 1.27, 1.26, 1.0, 0.69), True),
        (parting._Signs(1.06, 0.57, 0.40, 1.22, 0.96, 1.0, 0.57), True),
        (parting._Signs(1.06, 0.57, 0.40, 1.00, 0.96, 1.0, 0.57), False),
        (parting._Signs(1.06, 0.57, 0.40, 1.22, 0.50, 1.0, 0.57), False),
        (parting._Signs(1.06, 0.57, 0.40, 1.22, 0.96, 1.0, 0.2), False),
        (parting._Signs(1.15, 0.72, 0.49, 1.11, 0.74, 1.0, 0.46), True),
        (parting._Signs(1.10, 0.73, 0.07, 1.22, 1.10, 1.0, 0.57), False),
        # All of it looks like the other: a wrong number, and no two teeth.
        (parting._Signs(1.35, 0.65, 0.95, 1.30, 0.60, 1.0), False),
    ],
)
def test_what_speaks_for_two(signs: parting._Signs, two: bool) -> None:
    assert signs.of_two() is two


@pytest.mark.parametrize(("size", "teeth"), [(parting._ANY_SIZE, 14), (parting._LARGE, 13)])
def test_two_that_hold_no_more_than_one_are_parted_too(
    size: float, teeth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, maps = an_arch(*LOWER, size=1.15)
    pair = np.isin(labels, (41, 42))
    heights = np.flatnonzero(pair.any(axis=(1, 2)))
    crowns_only = np.arange(labels.shape[0])[:, None, None] < np.percentile(heights, 45)
    maps.tooth[pair & crowns_only] = 0.1
    vote_together(labels, maps, 41, 42)
    spread = np.random.default_rng(4).normal(0.0, 1.2, int(pair.sum()))
    assert maps.offsets is not None
    maps.offsets[0][pair] += spread.astype(np.float16)
    monkeypatch.setattr(parting, "_ANY_SIZE", size)
    assert len(separated(maps)[1]) == teeth


def test_a_patients_size_is_told_by_whole_teeth() -> None:
    """Crowns of the other jaw that end at the scan's border would make the others giants."""
    upper = [tooth + 10 * quadrant for quadrant in (1, 2) for tooth in range(1, 8)]
    numbers: dict[int, int | None] = {fdi: fdi for fdi in (*upper, *LOWER)}

    def sized(whole: int, volume: float) -> float | None:
        regions = []
        for fdi in (*upper, *LOWER):
            cut = fdi in LOWER or fdi not in upper[:whole]
            share = 0.2 if cut else volume
            region = a_region(fdi, np.zeros(3), share * VOLUMES_MM3[type_of(fdi)], np.zeros(17))
            regions.append(replace(region, cut=cut))
        return size_if_enough(numbered_regions(regions, numbers))

    assert sized(14, 1.2) == pytest.approx(1.2)
    assert sized(5, 0.8) == pytest.approx(0.8)
    assert sized(4, 1.2) == 1.0  # hardly any is whole: no smaller than people are


def test_a_crumb_does_not_hold_a_number_that_a_part_of_another_tooth_has() -> None:
    labels, maps = an_arch(*LOWER)
    vote_together(labels, maps, 31, 32)
    merged = np.where(labels == 32, 31, labels)
    regions = measure_regions(merged, maps)
    numbering = Numbering({r.label: r.label for r in regions}, pose=number_regions(regions).pose)
    at = next(region.centroid for region in regions if region.label == 31) + [0.0, -4.0, 0.0]
    for share, parted in ((0.1, True), (0.6, False)):
        crumb = a_region(200, at, share * VOLUMES_MM3[type_of(32)], np.eye(17)[type_of(32)])
        there = Numbering(numbering.numbers | {200: 32}, pose=numbering.pose)
        found = part_merged(merged, maps, [*regions, crumb], there)
        assert (found is not None) == parted
