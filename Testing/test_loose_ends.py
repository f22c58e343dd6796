"""A tooth that is one piece comes out in one piece, whatever the scan's voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.arches.regions import measure_regions
from ToothSegLib.found_teeth import find_teeth
from ToothSegLib.grids.grid import labels_to_source
from ToothSegLib.instances import Instances
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering
from ToothSegLib.progress import Progress
from ToothSegLib.separation.loose_ends import without_loose_ends
from ToothSegLib.volume import Volume


def tooth(neck: bool = True, end: int = 4, block: slice = slice(4, 20)) -> np.ndarray:
    """(40, 24, 24) a block, and beyond a neck of one voxel a smaller one ``end`` voxels high."""
    labels = np.zeros((40, 24, 24), np.uint8)
    labels[4:20, block, block] = 27
    labels[24 : 24 + end, 10:14, 10:14] = 27
    if neck:
        labels[20:24, 11, 11] = 27
    return labels


def on_coarse(labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The tooth, of voxels of 0.5 mm, on a grid of 1 mm that misses its neck."""
    coarse = Volume(np.zeros((20, 12, 12), np.uint8), (1.0, 1.0, 1.0))
    drawn = labels_to_source(Volume(labels, (0.5, 0.5, 0.5)), None, coarse)
    assert drawn[4, 5, 5] == drawn[12, 5, 5] == 27
    assert not drawn[11].any()
    return drawn, coarse.voxel_mm3


def test_what_a_lost_neck_leaves_behind_goes() -> None:
    whole = tooth()
    drawn, voxel_mm3 = on_coarse(whole)
    kept = without_loose_ends(drawn, whole, voxel_mm3)
    assert kept[4, 5, 5] == 27
    assert not kept[11:].any()
    assert np.array_equal(kept[:11], drawn[:11])
    assert drawn[12, 5, 5] == 27, "the labels given are not to be changed"


@pytest.mark.parametrize(
    "whole",
    [tooth(end=12), tooth(end=6, block=slice(8, 14))],
    ids=["small share, large", "large share, small"],
)
def test_a_root_that_came_off_stays(whole: np.ndarray) -> None:
    drawn, voxel_mm3 = on_coarse(whole)
    assert without_loose_ends(drawn, whole, voxel_mm3) is drawn


def test_a_tooth_that_was_in_pieces_before_stays_so() -> None:
    whole = tooth(neck=False)
    drawn, voxel_mm3 = on_coarse(whole)
    assert without_loose_ends(drawn, whole, voxel_mm3) is drawn


@pytest.mark.parametrize(("voxel_mm3", "stays"), [(0.1, False), (0.3, True)])
def test_a_speck_that_hangs_on_by_a_corner_goes_and_the_end_of_a_root_stays(
    voxel_mm3: float, stays: bool
) -> None:
    whole = tooth(neck=False)[:20]
    whole[20 - 1, 4:20, 4:20] = 0
    drawn = whole.copy()
    drawn[1:4, 3, 3] = drawn[3, 3, 2] = 27
    assert ndimage.label(drawn)[1] == 2
    assert ndimage.label(drawn, np.ones((3, 3, 3)))[1] == 1
    kept = without_loose_ends(drawn, whole, voxel_mm3)
    assert np.array_equal(kept, drawn if stays else whole)


def test_a_piece_at_the_border_of_the_field_of_view_stays() -> None:
    whole = tooth()
    drawn, voxel_mm3 = on_coarse(whole)
    assert without_loose_ends(drawn[:14], whole, voxel_mm3)[13].any()


@pytest.mark.parametrize("neck", [True, False])
def test_on_the_working_grid_nothing_changes(neck: bool) -> None:
    labels = tooth(neck)
    assert without_loose_ends(labels, labels, 0.125) is labels


def test_the_teeth_of_a_run_have_no_loose_ends() -> None:
    whole = tooth()
    image = Volume(whole.astype(np.float32), (0.5, 0.5, 0.5))
    scan = Volume(np.zeros((20, 12, 12), np.int16), (1.0, 1.0, 1.0))
    maps = Maps(image.array, np.zeros((17, *whole.shape), np.float16), None, 0.5, (0.0, 0.0, 0.0))
    maps.types[15] = 1
    ones = (whole > 0).astype(np.uint16)
    apart = Instances(ones, measure_regions(ones, maps), [], Numbering({1: 27}, {1: 0.9}))
    labels = find_teeth(
        apart, maps, image=image, scan=scan, source=scan, card={}, run=Progress(), timings={}
    ).labels.array
    assert labels[4, 5, 5] == 27
    assert ndimage.label(labels, np.ones((3, 3, 3)))[1] == 1
