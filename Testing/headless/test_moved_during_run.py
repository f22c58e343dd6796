"""A scan that is moved while it is segmented: each label gets to its own voxel."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from node_fixture import linear_transform, roi_node
from stub_panel_fixture import a_scan
from stub_worker import use_stub_worker
from ToothSegLib.errors import InputError

TEETH = (11, 12, 21, 22)


def harden(volume: Any, millimetres: float) -> None:
    """The transform that is above it by then."""
    import slicer

    slicer.vtkSlicerTransformLogic.hardenTransform(volume)


def put_elsewhere(volume: Any, millimetres: float) -> None:
    x, y, z = volume.GetOrigin()
    volume.SetOrigin(x + millimetres, y, z)


def mirror(volume: Any, millimetres: float) -> None:
    import slicer
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0]) @ slicer.util.arrayFromVTKMatrix(matrix)
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(mirrored))


def finished(run: Any) -> Any:
    """The state of a run at its end."""
    end = time.monotonic() + 60
    while (state := run.poll()).running:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not state.failed, state.message
    return state


@pytest.fixture
def scan(scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Four teeth in a row, for runs that cost nothing."""
    use_stub_worker(monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return a_scan("Scan", *TEETH)


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("move", [harden, put_elsewhere])
@pytest.mark.parametrize("millimetres", [2.0, 8.0])
def test_labels_stay_with_their_voxels(
    scan: Any, move: Any, millimetres: float, within: bool
) -> None:
    import slicer

    from ToothSegScene.run import Run
    from ToothSegScene.segments import read_labels

    if move is harden:
        matrix = np.eye(4)
        matrix[0, 3] = millimetres
        scan.SetAndObserveTransformNodeID(linear_transform(matrix).GetID())
    roi = None
    if within:
        bounds = np.zeros(6)
        scan.GetRASBounds(bounds)
        low, high = bounds[::2] - 1, bounds[1::2] + 1
        width = bounds[1] - bounds[0]
        low[0], high[0] = bounds[0] + width / 4, bounds[1] - width / 4
        roi = roi_node(low, high)
    voxels = slicer.util.arrayFromVolume(scan).astype(int)
    run = Run(scan, roi=roi)
    move(scan, millimetres)
    finished(run)
    expected = np.where(voxels > 1000, voxels - 1000, 0)
    if within:
        expected[np.isin(expected, (11, 22))] = 0
    np.testing.assert_array_equal(read_labels(run.result_node, scan).array, expected)


def test_a_scan_that_is_mirrored_meanwhile_is_refused(scan: Any, scene: Any) -> None:
    from ToothSegScene.run import Run

    run = Run(scan)
    mirror(scan, 0.0)
    with pytest.raises(InputError, match="was mirrored, right to left, while"):
        finished(run)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
