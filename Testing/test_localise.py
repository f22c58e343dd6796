"""The coarse look finds the teeth wherever they are, and says when there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from torch import Tensor, nn

from ToothSegLib.cascade import segment
from ToothSegLib.compute.backends import load_network
from ToothSegLib.grids.grid import extent
from ToothSegLib.localise import (
    _extents,
    find_dentitions,
    small_scan,
    sureness,
    tooth_evidence_mm3,
)
from ToothSegLib.maps import Maps
from ToothSegLib.models import load_bundle
from ToothSegLib.progress import Progress
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

CPU = "cpu"


class Bright(nn.Module):
    """Takes for tooth what is far above the rest."""

    def forward(self, image: Tensor) -> Tensor:
        return 20.0 * (image - 1.5)


def a_scan(blocks: list[tuple[tuple[int, int, int], int]], spacing: float = 1.0) -> Volume:
    """A dark scan of 100 voxels a side with bright cubes: (corner (k, j, i), edge)."""
    array = np.zeros((100, 100, 100), np.float32)
    for (k, j, i), edge in blocks:
        array[k : k + edge, j : j + edge, i : i + edge] = 100.0
    # Enough grey below the brightest for the normalisation's 99th percentile.
    array[:4] = 10.0
    return Volume(array, (spacing,) * 3, (-20.0, 5.0, 30.0), np.eye(3))


def find_all(scan: Volume) -> list[tuple[np.ndarray, np.ndarray]]:
    boxes = find_dentitions(Bright(), scan, CPU, Progress())
    return [(np.array(low), np.array(high)) for low, high in boxes]


def find(scan: Volume) -> tuple[np.ndarray, np.ndarray] | None:
    """The likeliest box."""
    return next(iter(find_all(scan)), None)


def test_the_box_holds_the_teeth_with_a_margin() -> None:
    box = find(a_scan([((50, 40, 30), 15)]))
    assert box is not None
    low, high = np.array([10.0, 45.0, 80.0]), np.array([24.0, 59.0, 94.0])
    assert np.all(box[0] < low - 6)
    assert np.all(box[0] > low - 21)
    assert np.all(box[1] > high + 6)
    assert np.all(box[1] < high + 21)


def test_there_is_most_room_up_and_down_for_roots_and_the_other_jaw() -> None:
    box = find(a_scan([((50, 40, 40), 15)]))
    assert box is not None
    for room in (np.array([20.0, 45.0, 80.0]) - box[0], box[1] - [34.0, 59.0, 94.0]):
        assert room[0] + 1 < room[1] < room[2] - 3


@pytest.mark.parametrize(("teeth", "else_"), [(0, 94), (80, 0)])
def test_what_lies_too_far_away_is_no_part_of_the_dentition(teeth: int, else_: int) -> None:
    """Whichever comes first, the box is that of the teeth, and not of the speck."""
    near = find(a_scan([((50, 40, teeth), 15)]))
    both = find(a_scan([((50, 40, teeth), 15), ((50, 40, else_), 6)]))
    assert near is not None
    assert both is not None
    assert np.allclose(near[0], both[0], atol=1.6)
    assert np.allclose(near[1], both[1], atol=1.6)


def test_a_part_of_the_arch_that_stands_apart_is_not_lost() -> None:
    box = find(a_scan([((50, 40, 30), 15), ((50, 78, 60), 9)]))
    assert box is not None
    assert box[1][0] > 48
    assert box[1][1] > 91


def test_what_stands_beside_the_teeth_comes_before_what_is_larger_and_far_away() -> None:
    teeth, beside, far = ((50, 40, 40), 15), ((50, 40, 5), 6), ((50, 40, 88), 10)
    box = find(a_scan([teeth, beside, far]))
    assert box is not None
    assert box[0][0] < -8.0
    assert box[1][0] < 66.0


@pytest.mark.parametrize(("lower", "upper"), [(40, 58), (10, 82)])
def test_both_jaws_belong_to_one_dentition(lower: int, upper: int) -> None:
    """Also where the mouth is wide open."""
    box = find(a_scan([((lower, 40, 30), 12), ((upper, 40, 30), 12)]))
    assert box is not None
    assert box[0][2] < 30 + lower - 4
    assert box[1][2] > 30 + upper + 11 + 4


def test_crumbs_in_a_row_are_as_good_as_one_tooth() -> None:
    """Of thin roots no more than specks may be seen, each too little for a tooth."""
    box = find(a_scan([((50, 40, i), 3) for i in (30, 37, 44, 51)]))
    assert box is not None
    assert box[0][0] < 10.0
    assert box[1][0] > 33.0


@pytest.mark.parametrize("corner", [(80, 85, 85), (6, 2, 1)])
def test_the_box_stays_within_the_scan(corner: tuple[int, int, int]) -> None:
    box = find(a_scan([(corner, 15)]))
    assert box is not None
    assert np.all(box[0] >= np.array([-20.0, 5.0, 30.0]) - 1.5)
    assert np.all(box[1] <= np.array([80.0, 105.0, 130.0]) + 1.0)


@pytest.mark.parametrize("blocks", [[], [((50, 50, 50), 2)]])
def test_no_teeth(blocks: list[tuple[tuple[int, int, int], int]]) -> None:
    assert find(a_scan(blocks)) is None


def test_what_could_be_the_dentition_as_well_gets_a_box_of_its_own() -> None:
    """Such as teeth at the end of a whole head, whose forehead has more that looks like teeth."""
    forehead, teeth, speck = ((80, 10, 40), 14), ((6, 5, 30), 9), ((40, 94, 90), 3)
    boxes = find_all(a_scan([speck, teeth, forehead], spacing=1.5))
    assert len(boxes) == 2
    first = np.array([-20.0, 5.0, 30.0])
    for (low, high), ((k, j, i), edge) in zip(boxes, (forehead, teeth), strict=True):
        middle = first + 1.5 * (np.array([i, j, k]) + (edge - 1) / 2)
        assert np.all(low < middle)
        assert np.all(middle < high)
    assert len(find_all(a_scan([((50, 40, 30), 15), ((50, 78, 60), 9)]))) == 1


def test_no_more_than_three_places_are_looked_at_closely() -> None:
    corners = [(k, j, i) for k in (5, 90) for j in (5, 90) for i in (5, 90)]
    assert len(find_all(a_scan([(corner, 6) for corner in corners], spacing=1.5))) == 3


def specks(count_along: int, edge: int = 120) -> np.ndarray:
    """Groups of 8 to 64 voxels in rows, the first and the last of them in a corner of the grid."""
    groups = np.zeros((edge,) * 3, np.int32)
    starts = np.linspace(0, edge - 4, count_along).astype(int)
    sizes = np.random.default_rng(0).integers(2, 5, (count_along**3, 3))
    for label, (at, size) in enumerate(zip(product(starts, repeat=3), sizes, strict=True), start=1):
        groups[tuple(slice(a, a + n) for a, n in zip(at, size, strict=True))] = label
    return groups


def test_groups_reach_as_far_as_their_voxels() -> None:
    groups = specks(4, 40)
    extents = _extents(groups)
    large = [label for label in range(1, 65) if 1.5**3 * (groups == label).sum() >= 60.0]
    assert 0 < len(large) < 64
    expected = {}
    for label in large:
        where = np.argwhere(groups == label)[:, ::-1]
        expected[tuple(where.min(axis=0)), tuple(where.max(axis=0))] = len(where)
    assert {(tuple(low), tuple(high)): voxels for voxels, low, high in extents} == expected
    assert [voxels for voxels, _, _ in extents] == sorted(expected.values(), reverse=True)
    assert _extents(np.zeros((3, 4, 5), np.int32)) == []


def test_the_grid_is_not_gone_through_for_each_of_many_groups() -> None:
    """512 of them cost no more than 100 looks at the grid."""

    def seconds(step: Callable[[np.ndarray], object]) -> float:
        started = time.process_time()
        step(groups)
        return time.process_time() - started

    groups = specks(8)
    assert groups.max() == 512
    once = min(seconds(lambda grid: np.argwhere(grid == 7)) for _ in range(3))
    assert min(seconds(_extents) for _ in range(2)) < 100 * once


@pytest.mark.parametrize("sparse", [True, False])
def test_sure_types_are_evidence_of_teeth(sparse: bool) -> None:
    tooth = np.zeros((4, 5, 6), np.float32)
    tooth[1:3] = 0.9
    types = np.zeros((17, 4, 5, 6), np.float16)
    types[0], types[3] = 0.25, 0.75
    at = np.flatnonzero(tooth) if sparse else None
    shown = types.reshape(17, -1)[:, at] if sparse else types
    maps = Maps(tooth, shown, None, 0.5, (0.0, 0.0, 0.0), at)
    assert tooth_evidence_mm3(maps) == pytest.approx(0.75 * 60 * 0.125)
    assert sureness(maps) == pytest.approx(0.75)
    nothing = Maps(0 * tooth, types[..., :0].reshape(17, 0), None, 0.5, (0, 0, 0), np.zeros(0, int))
    assert tooth_evidence_mm3(nothing) == 0.0
    assert sureness(nothing) == 1.0


@pytest.mark.parametrize(
    ("shape", "seen", "small"),
    [
        ((50, 80, 80), True, True),
        ((60, 80, 80), True, False),
        ((50, 80, 80), False, False),
        ((60, 60, 60), False, True),
        ((20, 100, 40), False, True),
        ((20, 101, 40), True, False),
    ],
)
def test_all_of_a_small_scan_is_worth_a_close_look(
    shape: tuple[int, int, int], seen: bool, small: bool
) -> None:
    scan = Volume(np.zeros(shape, np.int8), (1.0,) * 3, (-20.0, 5.0, 30.0), np.eye(3))
    box = small_scan(scan, seen=seen)
    assert (box is not None) == small
    if box is not None:
        assert np.allclose(box[0], (-20.5, 4.5, 29.5))
        assert np.allclose(np.subtract(box[1], box[0]), shape[::-1])


def test_a_small_scan_is_looked_at_whole_whatever_the_coarse_look_saw() -> None:
    whole = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    depth, _, width = whole.shape
    # Of this side of the lower jaw the coarse look sees nothing.
    side = whole.part((slice(depth // 2), slice(None), slice(width // 2)))
    locator = load_network(load_bundle("toothnet"), "locator", "cpu", "torch")
    assert not find_dentitions(locator, side, "cpu", Progress())
    for part in (side, whole.part((slice(depth // 2), slice(None), slice(width // 2, None)))):
        result = segment(part, bundle="toothnet", device="cpu")
        assert np.allclose(result.provenance["box_lps_mm"], extent(part))
        assert {tooth.fdi // 10 for tooth in result.teeth} & {3, 4}
        assert len(result.teeth) >= 5
