"""A box that cuts teeth is moved out, and only where it does."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib import cascade, looking
from ToothSegLib.grids.grid import Box
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume
from ToothSegLib.widening import widened

SCAN = Volume(np.zeros((60, 70, 80), np.int16), (1.0,) * 3, (0.0,) * 3, np.eye(3))
BOX = (20.0, 20.0, 20.0), (50.0, 50.0, 40.0)


def tooth_at(*voxels: tuple[slice, slice, slice]) -> Volume:
    """Probability of tooth in BOX at 0.5 mm; 1 in the blocks (k, j, i)."""
    array = np.zeros((40, 60, 60), np.float16)
    for block in voxels:
        array[block] = 1
    return Volume(array, (0.5,) * 3, (20.25, 20.25, 20.25), np.eye(3))


MIDDLE = slice(20, 30)


def test_teeth_inside_leave_the_box_as_it_is() -> None:
    assert widened(BOX, tooth_at((MIDDLE, MIDDLE, MIDDLE)), SCAN) is None


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ((MIDDLE, MIDDLE, slice(0, 10)), ((-0.5, 20, 20), BOX[1])),
        ((MIDDLE, MIDDLE, slice(50, 60)), (BOX[0], (75, 50, 40))),
        ((MIDDLE, slice(50, 60), MIDDLE), (BOX[0], (50, 69.5, 40))),
        ((slice(30, 40), MIDDLE, MIDDLE), (BOX[0], (50, 50, 59.5))),
    ],
)
def test_a_tooth_at_a_border_moves_it_within_the_scan(
    block: tuple[slice, slice, slice], expected: object
) -> None:
    assert widened(BOX, tooth_at(block), SCAN) == expected


def test_a_box_grows_no_larger_than_a_dentition() -> None:
    """Bone that looks like teeth goes on beyond any box."""
    scan = Volume(np.zeros((200, 200, 200), np.int8), (1.0,) * 3)
    box: Box = (80.0, 80.0, 80.0), (120.0, 120.0, 120.0)
    for _ in range(9):
        edges = [round(b - a) for a, b in zip(*box, strict=True)]
        everywhere = Volume(np.ones(edges[::-1], np.float16), (1.0,) * 3, box[0])
        wider = widened(box, everywhere, scan)
        if wider is None:
            break
        box = wider
    assert np.allclose(np.subtract(box[1], box[0]), [110.0, 109.0, 122.0])


@pytest.mark.parametrize("where", [slice(0, 5), slice(55, 60)])
def test_a_touch_is_not_a_tooth(where: slice) -> None:
    assert widened(BOX, tooth_at((slice(20, 23), slice(20, 23), where)), SCAN) is None


def test_a_tooth_that_is_lost_just_before_the_border_is_cut_all_the_same() -> None:
    """A network sees least at the very border of what it is shown."""
    assert widened(BOX, tooth_at((MIDDLE, MIDDLE, slice(1, 10))), SCAN) is not None
    assert widened(BOX, tooth_at((MIDDLE, MIDDLE, slice(50, 59))), SCAN) is not None
    assert widened(BOX, tooth_at((MIDDLE, MIDDLE, slice(3, 57))), SCAN) is None


def test_what_is_hardly_a_tooth_moves_nothing() -> None:
    faint = tooth_at((slice(None), slice(None), slice(None)))
    assert widened(BOX, faint.with_array(0.4 * faint.array), SCAN) is None


def test_where_the_scan_ends_there_is_nothing_to_look_at() -> None:
    scan = SCAN.part((slice(20, 41), slice(None), slice(None)))
    box = (20.0, 20.0, 19.5), (50.0, 50.0, 40.5)
    for end in (slice(0, 10), slice(30, 40)):
        assert widened(box, tooth_at((end, MIDDLE, MIDDLE)), scan) is None


def test_a_box_that_reaches_beyond_the_scan_is_not_looked_at_twice() -> None:
    """The coarse look's voxels rarely end with the scan's."""
    scan = SCAN.part((slice(20, 41), slice(None), slice(None)))
    box = (20.0, 20.0, 19.1), (50.0, 50.0, 40.9)
    for end in (slice(0, 10), slice(30, 40)):
        assert widened(box, tooth_at((end, MIDDLE, MIDDLE)), scan) is None


def test_half_an_arch_in_the_box_becomes_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    scan = scan.part((slice(10, 118), slice(0, 72), slice(50, 130)))  # the front teeth
    monkeypatch.setattr(looking, "small_scan", lambda *_, **__: None)
    whole = cascade.segment(scan)
    (_, y, z), high = whole.provenance["box_lps_mm"]  # type: ignore[misc]
    middle = np.mean([tooth.centroid_lps[0] for tooth in whole.teeth])
    half = (float(middle), y, z), tuple(high)
    monkeypatch.setattr(looking, "find_dentitions", lambda *_: [half])
    found = cascade.segment(scan)
    assert {tooth.fdi for tooth in found.teeth} == {tooth.fdi for tooth in whole.teeth}
    monkeypatch.setattr(looking, "widened", lambda *_: None)
    assert len(cascade.segment(scan).teeth) < len(whole.teeth)
