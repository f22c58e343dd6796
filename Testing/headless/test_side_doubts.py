"""A scan whose file leaves left and right open is segmented with that doubt in the module too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from node_fixture import linear_transform
from ToothSegLib.volume_io import read_volume

VOXELS = np.arange(20 * 24 * 28, dtype="<i2")
HEADER = (
    "NRRD0004\ntype: short\ndimension: 3\nsizes: 28 24 20\nendian: little\nencoding: raw\n"
    "{place}\n\n"
)
PLACES = {
    "sure": "space: left-posterior-superior\nspace directions: (.4,0,0) (0,.4,0) (0,0,.4)",
    "unsure": "spacings: 0.4 0.4 0.4",
}


def scan_file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.nrrd"
    path.write_bytes(HEADER.format(place=PLACES[name]).encode() + VOXELS.tobytes())
    return path


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The volumes that jobs are given, none of which begins."""
    from ToothSegScene import run

    volumes: list[Any] = []

    class NoJob:
        def __init__(self, volume: Any, **options: Any) -> None:
            volumes.append(volume)

        def start(self) -> None:
            pass

    monkeypatch.setattr(run, "Job", NoJob)
    return volumes


@pytest.mark.parametrize("name", PLACES)
def test_a_run_is_told_what_the_reader_of_the_library_says(
    scene: Any, tmp_path: Path, given: list[Any], name: str
) -> None:
    import slicer

    from ToothSegScene.run import Run

    path = scan_file(tmp_path, name)
    scan = slicer.util.loadVolume(str(path))
    expected = read_volume(path).doubts
    assert len(expected) == (name == "unsure")
    Run(scan)
    turned = linear_transform(np.diag([-1.0, -1.0, 1.0, 1.0]))
    scan.SetAndObserveTransformNodeID(turned.GetID())
    Run(scan)
    assert [volume.doubts for volume in given] == [expected, expected]
    path.unlink()
    Run(scan)
    assert given[-1].doubts == ()


def test_a_stack_of_pictures_is_known_by_its_name(scene: Any, given: list[Any]) -> None:
    import slicer

    from ToothSegScene.run import Run

    scan = slicer.util.addVolumeFromArray(VOXELS.reshape(20, 24, 28), name="Scan")
    Run(scan)
    scan.AddDefaultStorageNode()
    Run(scan)
    scan.GetStorageNode().SetFileName("/scans/slice_000.tif")
    Run(scan)
    assert [len(volume.doubts) for volume in given] == [0, 0, 1]
    assert "pictures (TIF)" in given[-1].doubts[0]
