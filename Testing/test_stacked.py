"""A milk tooth and the bud below it in one region are known by their votes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dentition_fixture import arch_places, label_map, maps_of
from ToothSegLib.instances import separate_teeth
from ToothSegLib.maps import Maps
from ToothSegLib.separation.stacked import part_stacked, stacked_regions

SPACING = 0.6
UP = np.array([0.0, 0.0, 1.0])
TEETH = (*range(31, 38), *range(41, 48))


def an_arch() -> tuple[np.ndarray, Maps]:
    rng = np.random.default_rng(3)
    labels, origin = label_map(arch_places(rng, False, set(TEETH), False, 1.0), SPACING)
    return labels, maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.5)


def vote_apart(labels: np.ndarray, maps: Maps, fdi: int, apart_mm: float, share: float) -> None:
    """That share of a tooth, its top, votes for a middle above that of the rest."""
    assert maps.offsets is not None
    height = np.indices(labels.shape)[0]
    tooth = labels == fdi
    top = tooth & (height > np.quantile(height[tooth], 1 - share))
    maps.offsets[2][top] += apart_mm


def test_a_milk_tooth_and_the_bud_below_it_are_one_region_that_is_told() -> None:
    labels, maps = an_arch()
    assert separate_teeth(maps).stacked == []
    vote_apart(labels, maps, 35, 9.5, 0.5)
    found = separate_teeth(maps)
    assert len(found.regions) == len(TEETH)
    ((label, apart),) = found.stacked
    middle = np.argwhere(labels == 35).mean(axis=0).round().astype(int)
    assert found.labels[tuple(middle)] == label
    assert apart == pytest.approx(9.5, abs=1.0)


@pytest.mark.parametrize(
    ("apart_mm", "share", "told"),
    [(7.5, 0.3, True), (4.5, 0.5, False), (9.5, 0.03, False)],
    ids=["two teeth", "crown and root", "a crumb"],
)
def test_how_far_apart_and_how_much(apart_mm: float, share: float, told: bool) -> None:
    labels, maps = an_arch()
    vote_apart(labels, maps, 44, apart_mm, share)
    assert [stack.label for stack in stacked_regions(labels, maps, UP)] == [44] * told


@pytest.mark.parametrize(("share", "parted"), [(0.25, False), (0.5, True)])
def test_less_than_half_of_an_incisor_is_not_parted_from_it(share: float, parted: bool) -> None:
    labels, maps = an_arch()
    vote_apart(labels, maps, 31, 9.5, share)
    (stack,) = stacked_regions(labels, maps, UP)
    found = part_stacked(labels, maps, UP, stack)
    assert (found is not None) == parted
    if found is not None:
        upper = found == labels.max() + 1
        assert (labels[upper] == 31).all()
        assert upper.sum() == pytest.approx(share * (labels == 31).sum(), rel=0.1)


@pytest.mark.parametrize(("at_the_ends", "told"), [(0.45, False), (0.85, True)])
def test_a_long_root_whose_votes_do_not_thin_out_is_one_tooth(
    at_the_ends: float, told: bool
) -> None:
    """Spread over 9 mm, as where the end of a root is hard to see, and more at both ends."""
    labels, maps = an_arch()
    assert maps.offsets is not None
    rng = np.random.default_rng(0)
    tooth = labels == 33
    ends = rng.choice([-4.5, 4.5], tooth.sum()) + rng.normal(0, 1, tooth.sum())
    between = rng.uniform(-4.5, 4.5, tooth.sum())
    maps.offsets[2][tooth] += np.where(rng.random(tooth.sum()) < at_the_ends, ends, between)
    assert [stack.label for stack in stacked_regions(labels, maps, UP)] == [33] * told


def test_heights_are_those_of_the_head() -> None:
    """Votes that part sideways are no two heights."""
    labels, maps = an_arch()
    vote_apart(labels, maps, 35, 9.5, 0.5)
    assert stacked_regions(labels, maps, np.array([1.0, 0.0, 0.0])) == []


def test_the_cut_lies_across_the_heads_own_height() -> None:
    """The head lies on its side, as its pose tells: up is along x."""
    labels, maps = an_arch()
    assert maps.offsets is not None
    up = np.array([1.0, 0.0, 0.0])
    tooth = labels == 36
    across = np.indices(labels.shape)[2]
    top = tooth & (across > np.median(across[tooth]))
    maps.offsets[0][top] += 11.0
    (stack,) = (one for one in stacked_regions(labels, maps, up) if one.label == 36)
    parted = part_stacked(labels, maps, up, stack)
    assert parted is not None
    new = parted == labels.max() + 1
    assert (new & top).sum() > 0.9 * max(new.sum(), top.sum())


def test_no_part_leaves_a_splinter_in_the_other() -> None:
    labels, maps = an_arch()
    assert maps.offsets is not None
    vote_apart(labels, maps, 36, 9.5, 0.5)
    middle = np.argwhere(labels == 36).mean(axis=0).round().astype(int)
    k, j, i = middle - [6, 0, 0]  # deep in the lower half
    maps.offsets[2, k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] += 9.5
    (stack,) = stacked_regions(labels, maps, UP)
    parted = part_stacked(labels, maps, UP, stack)
    assert parted is not None
    for part in (36, labels.max() + 1):
        assert ndimage.label(parted == part)[1] == 1


def test_no_region() -> None:
    labels, maps = an_arch()
    assert stacked_regions(np.zeros_like(labels), maps, UP) == []
