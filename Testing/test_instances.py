"""One region a tooth, from maps that are blurred and err as networks' maps do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from dentition_fixture import arch_places, label_map, maps_of, separated
from ToothSegLib.arches.regions import Region
from ToothSegLib.grids.view_of_scan import View
from ToothSegLib.instances import MINIMAL_VOLUME_MM3, separate_teeth
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.separation.votes import label_by_votes, voted_centres

SPACING = 0.6
LOWER_FRONT = (43, 42, 41, 31, 32, 33)
RIGHT_MOLARS = (16, 17, 46, 47)


def a_label_map(*teeth: int, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """FDI labels of ``teeth`` and the grid's origin; ``apart`` stretches the row."""
    rng = np.random.default_rng(1)
    upper = arch_places(rng, True, set(teeth), False, apart)
    return label_map(upper | arch_places(rng, False, set(teeth), False, apart), SPACING)


def some_maps(*teeth: int, seed: int = 0, **options: object) -> tuple[np.ndarray, Maps]:
    labels, origin = a_label_map(*teeth, apart=1.05)
    rng = np.random.default_rng(seed)
    return labels, maps_of(labels, SPACING, origin, rng, **options)  # type: ignore[arg-type]


def overlaps(labels: np.ndarray, instances: np.ndarray) -> dict[int, float]:
    """By FDI number: overlap (IoU) with the instance that covers most of the tooth."""
    result = {}
    for fdi in np.unique(labels)[1:]:
        mask = labels == fdi
        counts = np.bincount(instances[mask])
        counts[0] = 0
        best = instances == counts.argmax()
        result[int(fdi)] = float((best & mask).sum() / (best | mask).sum())
    return result


@pytest.mark.parametrize("teeth", [LOWER_FRONT, RIGHT_MOLARS])
def test_votes_part_touching_teeth(teeth: tuple[int, ...]) -> None:
    labels, maps = some_maps(*teeth)
    instances, regions = separated(maps)
    assert instances.dtype == np.uint16
    assert len(regions) == len(teeth)
    assert min(overlaps(labels, instances).values()) > 0.75


@pytest.mark.parametrize("teeth", [(13, 12, 15, 16), (42, 32, 43, 33, 45)])
def test_categories_part_teeth_at_their_necks(teeth: tuple[int, ...]) -> None:
    labels, maps = some_maps(*teeth, with_offsets=False)
    instances, regions = separated(maps)
    assert len(regions) == len(teeth)
    assert min(overlaps(labels, instances).values()) > 0.75


def test_from_maps_to_numbers() -> None:
    teeth = (13, 12, 11, 21, 22, 23, 24)
    labels, maps = some_maps(*teeth)
    instances, regions = separated(maps)
    numbers = number_regions(regions).numbers
    assert set(numbers.values()) == set(teeth)
    for label, fdi in numbers.items():
        covered = labels[instances == label]
        assert np.bincount(covered[covered > 0]).argmax() == fdi


def test_the_numbering_is_told_what_the_maps_cover(monkeypatch: pytest.MonkeyPatch) -> None:
    views = []

    def numbered(regions: list[Region], view: View | None = None) -> Numbering:
        assert view is not None
        views.append(view)
        return number_regions(regions, view)

    monkeypatch.setattr("ToothSegLib.instances.number_regions", numbered)
    _, maps = some_maps(*RIGHT_MOLARS)
    blank = np.zeros((4, 4, 4), bool)
    separate_teeth(replace(maps, blank=blank))
    assert len(views) >= 2
    assert all(np.array_equal([view.low, view.high], maps.extent()) for view in views)
    assert all(view.blank is blank for view in views)


def test_regions_are_connected_and_numbered_by_size() -> None:
    _, maps = some_maps(*LOWER_FRONT, offset_noise_mm=1.5)
    instances, regions = separated(maps)
    assert [region.label for region in regions] == list(range(1, instances.max() + 1))
    voxels = [region.voxels for region in regions]
    assert voxels == sorted(voxels, reverse=True)
    for region in regions:
        assert (instances == region.label).sum() == region.voxels
        assert ndimage.label(instances == region.label)[1] == 1


def test_measures_of_a_region() -> None:
    labels, maps = some_maps(16)
    _, (region,) = separated(maps)
    assert region.volume_mm3 == pytest.approx((labels == 16).sum() * SPACING**3, rel=0.15)
    at = np.argwhere(labels == 16).mean(axis=0)[::-1] * SPACING + maps.origin
    assert np.abs(region.centroid - at).max() < 0.2
    assert region.axis[2] > 0.9  # the fixture's teeth stand upright
    assert region.type_probabilities.argmax() == 6
    assert region.type_probabilities.sum() == pytest.approx(1, abs=0.01)
    assert 0.8 < region.confidence <= 1


def test_a_spot_that_votes_for_the_neighbour_is_absorbed() -> None:
    labels, maps = some_maps(16, 17, offset_noise_mm=0.0)
    assert maps.offsets is not None
    middle = {fdi: np.argwhere(labels == fdi).mean(axis=0) for fdi in (16, 17)}
    z, y, x = np.round(middle[16]).astype(int)
    spot = (slice(z - 3, z + 3), slice(y - 3, y + 3), slice(x - 3, x + 3))
    away = (middle[17] - middle[16])[::-1] * SPACING
    maps.offsets[(slice(None), *spot)] += away[:, None, None, None].astype(np.float16)
    instances, regions = separated(maps)
    assert len(regions) == 2
    assert len(np.unique(instances[spot])) == 1
    assert min(overlaps(labels, instances).values()) > 0.8


def test_a_spot_of_noise_is_dropped_and_told() -> None:
    _, maps = some_maps(46)
    maps.tooth[1:4, 1:4, 1:4] = 0.9
    found = separate_teeth(maps)
    assert found.dropped_mm3 == pytest.approx([27 * SPACING**3])
    assert not found.labels[1:4, 1:4, 1:4].any()
    assert len(found.regions) == 1


def test_half_a_lower_incisor_is_kept() -> None:
    labels, maps = some_maps(31)
    middle = round(np.argwhere(labels)[:, 0].mean())
    maps.tooth[:middle] = 0
    _, (region,) = separated(maps)
    assert MINIMAL_VOLUME_MM3 < region.volume_mm3 < 0.6 * (labels > 0).sum() * SPACING**3


def test_a_molar_with_two_peaks_of_votes_is_one_tooth() -> None:
    labels, maps = some_maps(46, offset_noise_mm=0.0)
    assert maps.offsets is not None
    middle = np.argwhere(labels).mean(axis=0)[1]
    # The front half points 2 mm forward of the centre, the back half 2 mm behind it.
    front = np.arange(labels.shape[1]) < middle
    maps.offsets[1] += np.where(front, -2.0, 2.0)[:, None].astype(np.float16)
    _, regions = separated(maps)
    assert len(regions) == 1


def test_votes_that_spread_evenly_over_a_molar_have_one_middle() -> None:
    labels, maps = some_maps(46, offset_noise_mm=0.0)
    assert maps.offsets is not None
    maps.offsets[1] += np.random.default_rng(0).uniform(-3.5, 3.5, labels.shape).astype(np.float16)
    where = np.flatnonzero(maps.tooth >= 0.5)
    assert len(label_by_votes(maps, where)[1]) == 1


def test_a_molar_of_two_categories_is_one_tooth() -> None:
    labels, maps = some_maps(46, with_offsets=False)
    front = np.arange(labels.shape[1]) < np.argwhere(labels).mean(axis=0)[1] - 1
    types = maps.types.astype(np.float32)
    types[13, :, front] += 2 * types[14, :, front]
    maps.types = (types / types.sum(axis=0)).astype(np.float16)
    _, regions = separated(maps)
    assert len(regions) == 1


@pytest.mark.parametrize("unsure_mm", [0.0, 5.0])
def test_two_jaws_that_bite_on_each_other_stay_two_teeth(unsure_mm: float) -> None:
    """However little the networks know how far the roots go up and down."""
    labels, origin = label_map({16: np.array([0, 0, 7.0]), 46: np.array([0, 0, -7.0])}, SPACING)
    rng = np.random.default_rng(2)
    maps = maps_of(labels, SPACING, origin, rng)
    assert maps.offsets is not None
    maps.offsets[2] += rng.normal(0, unsure_mm, labels.shape).astype(np.float16)
    assert len(label_by_votes(maps, np.flatnonzero(maps.tooth >= 0.5))[1]) == 2
    instances, regions = separated(maps)
    assert len(regions) == 2
    assert min(overlaps(labels, instances).values()) > 0.85


def test_votes_that_gather_nowhere_leave_the_connected_piece() -> None:
    labels, maps = some_maps(31)
    assert maps.offsets is not None
    rng = np.random.default_rng(3)
    maps.offsets[:] = rng.uniform(-12, 12, maps.offsets.shape)
    _, regions = separated(maps)
    assert sum(region.voxels for region in regions) > 0.5 * (labels > 0).sum()


def test_a_vote_for_a_place_far_outside_counts_at_the_border() -> None:
    """Or the grid that votes are gathered on would not fit into any memory."""
    labels, maps = some_maps(31)
    assert maps.offsets is not None
    where = np.flatnonzero(labels)
    maps.offsets.reshape(3, -1)[:, where[:2]] = [[3e4, -3e4]] * 3
    votes = voted_centres(maps, where)
    edge = (np.array(labels.shape) - 1) * SPACING
    assert (votes > -11.0).all()
    assert (votes < edge + 11.0).all()
    assert len(separated(maps)[1]) == 1


@pytest.mark.parametrize("with_offsets", [True, False])
def test_no_tooth_is_no_region(with_offsets: bool) -> None:
    _, maps = some_maps(31, with_offsets=with_offsets)
    maps.tooth[:] = 0.1
    found = separate_teeth(maps)
    assert (found.labels.max(), found.regions, found.dropped_mm3) == (0, [], [])
    assert found.labels.shape == maps.tooth.shape


@pytest.mark.parametrize("with_offsets", [True, False])
def test_nothing_but_noise_is_no_region(with_offsets: bool) -> None:
    _, maps = some_maps(31, with_offsets=with_offsets)
    maps.tooth[:] = 0.1
    maps.tooth[5, 5, 5:9] = maps.tooth[0, 0, 0] = 0.9
    found = separate_teeth(maps)
    assert found.regions == []
    assert found.dropped_mm3 == pytest.approx([4 * SPACING**3, SPACING**3])


def test_a_tooth_that_fills_the_grid() -> None:
    shape = (12, 12, 12)
    types = np.zeros((17, *shape), np.float16)
    types[6] = 1
    offsets = np.zeros((3, *shape), np.float16)
    for given in (None, offsets):
        maps = Maps(np.ones(shape, np.float32), types, given, 0.5, (0.0, 0.0, 0.0))
        assert sum(region.voxels for region in separated(maps)[1]) == 12**3


def test_the_same_maps_give_the_same_labels() -> None:
    _, maps = some_maps(*RIGHT_MOLARS)
    assert np.array_equal(separated(maps)[0], separated(maps)[0])
