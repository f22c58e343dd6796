from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ToothSegLib.grids import grid
from ToothSegLib.grids.coarsening import block_means
from ToothSegLib.grids.grid import labels_to_source, to_working_grid
from ToothSegLib.volume import Volume

AXIS_ORDERS = [
    np.eye(3)[:, list(order)] * signs
    for order in permutations(range(3))
    for signs in product((1.0, -1.0), repeat=3)
]
OBLIQUE = Rotation.from_euler("xyz", (14, -9, 21), degrees=True).as_matrix()
# Two balls that no turn or mirror takes into each other: centre (LPS mm), radius (mm), value.
BALLS = (((-9.0, 2.0, 5.0), 4.0, 1000.0), ((7.0, -3.0, -4.0), 3.0, 2000.0))


def balls(spacing, direction) -> Volume:
    """A scan of the balls, 30 mm cubed, centred on the LPS origin."""
    spacing = np.asarray(spacing, float)
    shape = tuple(np.ceil(30 / spacing[::-1]).astype(int))
    centre = (np.asarray(shape[::-1]) - 1) / 2
    origin = -(direction * spacing) @ centre
    volume = Volume(np.zeros(shape, np.int16), tuple(spacing), tuple(origin), direction)
    return volume.with_array(_balls_at(volume).astype(np.int16))


def _beyond(volume: Volume) -> list[np.ndarray]:
    """Distance of each voxel centre from the surface of each ball, mm; negative within."""
    k, j, i = np.indices(volume.shape)
    points = (np.stack([i, j, k, np.ones_like(i)], axis=-1) @ volume.index_to_lps.T)[..., :3]
    return [np.linalg.norm(points - centre, axis=-1) - radius for centre, radius, _ in BALLS]


def _balls_at(volume: Volume) -> np.ndarray:
    """Grey values, with an edge of a quarter of a millimetre."""
    return sum(
        value * np.clip(0.5 - beyond / 0.25, 0, 1)
        for beyond, (_, _, value) in zip(_beyond(volume), BALLS)
    )


def ball_labels(volume: Volume) -> np.ndarray:
    labels = np.zeros(volume.shape, np.uint8)
    for label, beyond in zip((16, 26), _beyond(volume)):
        labels[beyond <= 0] = label
    return labels


def tooth_probability(volume: Volume) -> Volume:
    """What a network gives: it falls over a voxel or two at the surface."""
    edges = [1 / (1 + np.exp(beyond / 0.3)) for beyond in _beyond(volume)]
    return volume.with_array(np.maximum(*edges).astype(np.float32))


def centroid(labels: Volume, label: int) -> np.ndarray:
    index = np.argwhere(labels.array == label).mean(axis=0)[::-1]
    return (labels.index_to_lps @ [*index, 1.0])[:3]


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def test_there_are_48_axis_orders() -> None:
    assert len({order.tobytes() for order in AXIS_ORDERS}) == 48


@pytest.mark.parametrize("direction", AXIS_ORDERS, ids=range(48))
def test_labels_round_trip_at_equal_spacing_is_the_identity(direction, rng) -> None:
    labels = rng.choice([0, 11, 12, 26, 37, 48], (5, 7, 9)).astype(np.uint8)
    source = Volume(labels, (0.5, 0.5, 0.5), (12.3, -4.5, 67.8), direction)
    working = to_working_grid(source)
    assert np.array_equal(working.direction, np.eye(3))
    assert np.array_equal(np.bincount(labels.ravel()), np.bincount(working.array.astype(int).flat))
    there = working.with_array(working.array.astype(np.uint8))
    assert np.array_equal(labels_to_source(there, None, source), labels)
    # However wrong or undecided the probabilities are, coinciding voxels keep their labels.
    for values in (rng.random(there.shape), np.full(there.shape, 0.5)):
        probability = there.with_array(values.astype(np.float32))
        assert np.array_equal(labels_to_source(there, probability, source), labels)


@pytest.mark.parametrize("direction", AXIS_ORDERS, ids=range(48))
def test_each_voxel_keeps_its_place_in_every_axis_order(direction, rng) -> None:
    array = rng.integers(-1000, 3000, (3, 4, 5)).astype(np.int16)
    source = Volume(array, (0.5, 0.5, 0.5), (1.0, 2.0, 3.0), direction)
    working = to_working_grid(source)
    assert working.array.dtype == np.float32
    assert working.array.flags.c_contiguous
    for k, j, i in np.ndindex(source.shape):
        point = source.index_to_lps @ [i, j, k, 1]
        x, y, z = np.rint((working.lps_to_index @ point)[:3]).astype(int)
        assert working.array[z, y, x] == array[k, j, i]


@pytest.mark.parametrize(
    ("spacing", "direction"),
    [
        ((0.5, 0.5, 0.5), OBLIQUE),
        ((0.3, 0.4, 0.6), OBLIQUE * [1, -1, 1]),
        ((0.6, 0.6, 0.6), np.eye(3)),
        ((0.4, 0.7, 0.45), AXIS_ORDERS[21]),
        ((0.5, 0.5, 0.5), np.array([[1.0, 0, 0.2], [0, 1, 0], [0, 0, 0.98]])),  # a tilted gantry
    ],
)
def test_content_keeps_its_place_and_side_on_any_grid(spacing, direction) -> None:
    source = balls(spacing, direction)
    working = to_working_grid(source)
    assert np.array_equal(working.direction, np.eye(3))
    assert working.spacing == (0.5, 0.5, 0.5)
    for centre, _, value in BALLS:
        x, y, z = np.rint((working.lps_to_index @ [*centre, 1])[:3]).astype(int)
        assert working.array[z, y, x] == pytest.approx(value, abs=1)
    truth = working.with_array(ball_labels(working))
    # A shift by half a voxel would be 0.25 mm; the nearest voxel alone cannot do much better.
    for probability, mm, part in ((None, 0.2, 0.1), (tooth_probability(working), 0.03, 0.03)):
        back = source.with_array(labels_to_source(truth, probability, source))
        assert back.array.dtype == np.uint8
        for label, (centre, radius, _) in zip((16, 26), BALLS):
            assert centroid(back, label) == pytest.approx(centre, abs=mm)
            volume = np.count_nonzero(back.array == label) * source.voxel_mm3
            assert volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=part)


def test_the_probability_makes_surfaces_smooth_on_a_finer_grid() -> None:
    source = balls((0.3, 0.3, 0.3), np.eye(3))
    working = to_working_grid(source)
    labels = working.with_array(ball_labels(working))
    expected = ball_labels(source) > 0
    blocky = labels_to_source(labels, None, source) > 0
    refined = labels_to_source(labels, tooth_probability(working), source) > 0
    assert dice(refined, expected) > 0.985
    assert np.count_nonzero(refined != expected) < 0.5 * np.count_nonzero(blocky != expected)


def test_a_region_taken_out_is_not_given_to_its_neighbour() -> None:
    labels = np.zeros((8, 8, 16), np.uint8)
    labels[2:6, 2:6, 2:7] = 27
    probability = np.zeros(labels.shape, np.float32)
    probability[2:6, 2:6, 2:13] = 1  # 28 touches 27 and was taken out of the labels
    working = Volume(labels, (0.5, 0.5, 0.5))
    fine = Volume(np.zeros((32, 32, 64), np.uint8), (0.125,) * 3, (-0.1875,) * 3)
    back = labels_to_source(working, working.with_array(probability), fine)
    first_voxel_of_28 = 7 * 4
    assert not back[:, :, first_voxel_of_28 + 1 :].any()
    assert (back[16, 16, 2 * 4 : first_voxel_of_28 - 1] == 27).all()


def test_neighbours_meet_midway_on_a_finer_grid() -> None:
    labels = np.zeros((6, 6, 10), np.uint8)
    labels[1:5, 1:5, 1:5], labels[1:5, 1:5, 5:9] = 11, 21
    working = Volume(labels, (0.5, 0.5, 0.5))
    tooth = working.with_array((labels > 0).astype(np.float32))
    fine = Volume(np.zeros((24, 24, 40), np.uint8), (0.125,) * 3, (-0.1875,) * 3)
    row = labels_to_source(working, tooth, fine)[12, 12]
    assert row[5 * 4 - 1] == 11
    assert row[5 * 4] == 21
    assert set(row) == {0, 11, 21}


def test_a_coarser_grid_does_not_alias() -> None:
    stripes = np.zeros((40, 40, 40), np.int16)
    stripes[:, :, ::2] = 1000  # finer than the working grid can show
    for spacing in (0.2, 0.25, 0.3):
        working = to_working_grid(Volume(stripes, (spacing,) * 3))
        inner = working.array[3:-3, 3:-3, 3:-3]
        assert inner.mean() == pytest.approx(500, abs=25)
        assert inner.std() < 150  # 500 in the scan


def test_block_means_are_exact_and_cover_the_last_voxels(rng) -> None:
    array = rng.integers(0, 4000, (4, 6, 5)).astype(np.uint16)
    working = to_working_grid(Volume(array, (0.25, 0.25, 0.25)))
    assert working.shape == (2, 3, 3)
    assert working.origin == pytest.approx((0.125, 0.125, 0.125))
    assert working.array[1, 2, 0] == pytest.approx(array[2:4, 4:6, 0:2].mean())
    assert working.array[1, 2, 2] == pytest.approx(array[2:4, 4:6, 4].mean())


def test_block_means_are_those_of_one_axis_after_the_other(rng) -> None:
    array = rng.normal(0, 1000, (7, 8, 11)).astype(np.float32)
    wanted = array
    for axis, factor in enumerate((2, 3, 4)):
        last = np.repeat(np.take(wanted, [-1], axis), -wanted.shape[axis] % factor, axis)
        along = np.moveaxis(np.concatenate([wanted, last], axis), axis, 0)
        blocks = along.reshape(-1, factor, *along.shape[1:])
        wanted = np.moveaxis(sum(blocks[:, n] for n in range(factor)) / np.float32(factor), 0, axis)
    found = block_means(Volume(array, (0.25, 0.3, 0.5)), 1.0).array
    assert found.dtype == np.float32
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.3, 0.4, 0.6)])
@pytest.mark.parametrize("direction", [np.eye(3), AXIS_ORDERS[21], OBLIQUE])
def test_a_box_is_covered_and_agrees_with_the_whole(spacing, direction) -> None:
    source = balls(spacing, direction)
    low, high = np.array([-14.0, -3.2, -0.1]), np.array([-3.9, 7.0, 9.0])
    part = to_working_grid(source, 0.5, (tuple(low), tuple(high)))
    first = np.asarray(part.origin) - 0.25
    last = first + 0.5 * np.asarray(part.shape[::-1])
    assert (first <= low + 1e-6).all()
    assert (last >= high - 1e-6).all()
    assert (low - first < 0.5).all()
    assert (last - high < 0.5 + 1e-6).all()
    assert np.abs(part.array - _balls_at(part)).mean() < 30
    assert part.array.max() == pytest.approx(1000, abs=1)


def test_a_box_looks_at_its_border_as_it_does_within_a_larger_one(rng) -> None:
    scan = Volume(rng.integers(0, 1000, (50, 50, 50)).astype(np.int16), (0.3,) * 3)
    low, high = np.array([4.1, 4.2, 4.3]), np.array([9.1, 8.2, 9.3])
    part, wider = (
        to_working_grid(scan, 0.5, (tuple(low - more), tuple(high + more))) for more in (0.0, 3.0)
    )
    assert np.allclose(part.array, wider.array[6:-6, 6:-6, 6:-6], atol=0.1)


def test_labels_of_a_large_scan_come_in_slabs_without_a_seam(monkeypatch) -> None:
    source = balls((0.3, 0.4, 0.6), OBLIQUE)
    working = to_working_grid(source)
    labels, probability = working.with_array(ball_labels(working)), tooth_probability(working)
    at_once = labels_to_source(labels, probability, source)
    assert at_once.any()
    monkeypatch.setattr(grid, "_SLAB_VOXELS", 5 * source.shape[1] * source.shape[2])
    assert np.array_equal(labels_to_source(labels, probability, source), at_once)


def test_beyond_the_scan_is_air(rng) -> None:
    """Not what a dead voxel has, though that is darker."""
    array = rng.integers(100, 1000, (10, 10, 10)).astype(np.int16)
    array[0] = -1000
    array[5, 5, 5] = -30_000
    for spacing in (0.5, 0.6):
        source = Volume(array, (spacing,) * 3)
        working = to_working_grid(source, 0.5, ((-3, -3, -3), (8, 8, 8)))
        assert working.array[0, 0, 0] == -1000
        assert working.array[-1, -1, -1] == -1000
        nowhere = to_working_grid(source, 0.5, ((50, 50, 50), (52, 52, 52)))
        assert nowhere.shape == pytest.approx((4, 4, 4), abs=1)
        assert (nowhere.array == -1000).all()


def test_the_scan_itself_is_never_changed() -> None:
    source = Volume(np.ones((4, 4, 4), np.float32), (0.5, 0.5, 0.5))
    to_working_grid(source).array[:] = 7
    assert (source.array == 1).all()


def test_labels_beyond_the_scan_and_no_labels_give_an_empty_map() -> None:
    source = Volume(np.zeros((4, 5, 6), np.int16), (0.5, 0.5, 0.5))
    away = Volume(np.full((3, 3, 3), 11, np.uint8), (0.5, 0.5, 0.5), (90.0, 0.0, 0.0))
    none = Volume(np.zeros((3, 3, 3), np.uint8), (0.5, 0.5, 0.5))
    for labels in (away, none):
        back = labels_to_source(labels, None, source)
        assert back.shape == (4, 5, 6)
        assert not back.any()


def test_a_tooth_reaches_as_far_as_the_voxels_that_hold_it() -> None:
    """Where the box ends with the scan and cuts it."""
    labels = Volume(np.full((4, 4, 4), 11, np.uint8), (0.5,) * 3)
    fine = Volume(np.zeros((16, 16, 16), np.uint8), (0.125,) * 3, (-0.1875,) * 3)
    assert (labels_to_source(labels, None, fine) == 11).all()


def test_voxels_of_nearly_the_working_size_are_not_taken_for_it() -> None:
    """Small differences add up to where the last teeth are."""
    working = to_working_grid(balls((0.497, 0.497, 0.497), np.eye(3)))
    inside = [beyond < 1.0 for beyond in _beyond(working)]
    for near, (centre, _, _) in zip(inside, BALLS):
        k, j, i = np.nonzero(near)
        found = np.average(np.stack([i, j, k]), axis=1, weights=working.array[near])
        assert (working.index_to_lps @ [*found, 1.0])[:3] == pytest.approx(centre, abs=0.05)


def test_a_probability_on_another_grid_is_a_mistake() -> None:
    labels = Volume(np.ones((3, 3, 3), np.uint8), (0.5, 0.5, 0.5))
    shifted = Volume(np.ones((3, 3, 3), np.float32), (0.5, 0.5, 0.5), (1.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="different grids"):
        labels_to_source(labels, shifted, labels)


@pytest.mark.parametrize("spacing_mm", [0.5, 1.5])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("ends", [(1, 1, 1), (-1, -1, -1), (1, -1, 1)])
def test_the_order_in_which_a_file_stores_its_voxels_changes_nothing(
    spacing_mm: float, axes: tuple[int, int, int], ends: tuple[int, int, int]
) -> None:
    values = np.random.default_rng(3).integers(0, 2000, (16, 17, 19)).astype(np.int16)
    scan = Volume(values, (0.5, 0.5, 0.5), (-4.0, 3.0, 2.0))
    # Axis n of the stored array is axis axes[n] of the scan, from its other end if ends[n] is -1.
    array = values.transpose(axes)[tuple(slice(None, None, end) for end in ends)]
    direction, origin = np.zeros((3, 3)), np.array(scan.origin)
    for n, (axis, end) in enumerate(zip(axes, ends, strict=True)):
        direction[2 - axis, 2 - n] = end
        if end < 0:
            origin[2 - axis] += 0.5 * (values.shape[axis] - 1)
    stored = Volume(array, scan.spacing, tuple(origin), direction)
    expected, found = (to_working_grid(volume, spacing_mm) for volume in (scan, stored))
    assert found.same_grid(expected)
    assert np.array_equal(found.array, expected.array)
