"""Teeth that overlap are no case: one of them would be saved with voxels that nobody approved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, result, save
from ToothSegLib.errors import InputError


def paint(scan: Any, node: Any, segment: str, voxels: np.ndarray) -> None:
    """Add voxels to a segment, as the Segment Editor does where it may overlap others."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, scan)
    array[tuple(voxels.T)] = 1
    node.GetSegmentation().SeparateSegmentLabelmap(segment)
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment, scan)


@pytest.mark.parametrize(
    ("painted", "over", "voxels", "told"),
    [
        ("tooth_16", 11, 20, "11 and 16 overlap in 20 voxels, and a case has one tooth a voxel"),
        ("tooth_11", 16, 1, "11 and 16 overlap in 1 voxel, "),
    ],
)
def test_teeth_that_overlap_are_refused(
    scene: Any, tmp_path: Path, painted: str, over: int, voxels: int, told: str
) -> None:
    import slicer

    scan, node = result()
    where = np.argwhere(labels_on(node, scan) == over)[:voxels]
    paint(scan, node, painted, where)
    with pytest.raises(InputError, match=told):
        save(node, tmp_path / "set")
    assert not (tmp_path / "set").exists()
    # What the message asks for.
    other = f"tooth_{over}"
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, other, scan)
    array[tuple(where.T)] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, other, scan)
    assert save(node, tmp_path / "set").revision == 1


def test_layers_that_do_not_overlap_are_saved(scene: Any, tmp_path: Path) -> None:
    scan, node = result()
    paint(scan, node, "tooth_16", np.array([[8, 0, 0]]))
    assert node.GetSegmentation().GetNumberOfLayers() == 2
    case = save(node, tmp_path / "set")
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
