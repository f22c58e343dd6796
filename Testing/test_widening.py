"""A box that cuts teeth is moved out, and only where it does."""

from __future__ import annotations

import numpy as np
import pytest

import ToothSegLib.cascade as cascade
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


def test_a_touch_is_not_a_tooth() -> None:
    assert widened(BOX, tooth_at((slice(20, 23), slice(20, 23), slice(0, 5))), SCAN) is None


def test_where_the_scan_ends_there_is_nothing_to_look_at() -> None:
    scan = SCAN.part((slice(20, 41), slice(None), slice(None)))
    box = (20.0, 20.0, 19.5), (50.0, 50.0, 40.5)
    tooth = tooth_at((slice(0, 10), MIDDLE, MIDDLE))
    assert widened(box, tooth, scan) is None


def test_half_an_arch_in_the_box_becomes_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    whole = cascade.segment(scan)
    (x, y, z), high = whole.provenance["box_lps_mm"]  # type: ignore[misc]
    middle = np.mean([tooth.centroid_lps[0] for tooth in whole.teeth])
    half = (float(middle), y, z), tuple(high)
    monkeypatch.setattr(cascade, "find_dentition", lambda *_: half)
    found = cascade.segment(scan)
    assert {tooth.fdi for tooth in found.teeth} == {tooth.fdi for tooth in whole.teeth}
    monkeypatch.setattr(cascade, "widened", lambda *_: None)
    assert len(cascade.segment(scan).teeth) < len(whole.teeth)
