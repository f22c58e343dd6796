"""The same scan through the scene and from its file: the same voxels, to the bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from node_fixture import TURN, linear_transform
from ToothSegLib.cascade import segment
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

# The front of the sample scan: small, and teeth enough.
FRONT = (slice(10, 118), slice(0, 72), slice(50, 130))
ANGLE = math.radians(5)
TILT = np.array(
    [
        [math.cos(ANGLE), -math.sin(ANGLE), 0.0],
        [math.sin(ANGLE), math.cos(ANGLE), 0.0],
        [0.0, 0.0, 1.0],
    ]
)
ORIGIN = (0.1, 0.2, 1 / 3)


@pytest.fixture(scope="module")
def front() -> np.ndarray:
    return read_volume(resource_path("Samples", "sample-cbct.nrrd")).part(FRONT).array


def oblique(array: np.ndarray) -> Volume:
    return Volume(array, (0.5, 0.48, 0.51), ORIGIN, TILT)


def negative(array: np.ndarray) -> Volume:
    """The axes run backwards, the head is the same."""
    return Volume(array[::-1, :, ::-1], (0.5,) * 3, ORIGIN, np.diag([-1.0, 1.0, -1.0]))


def anisotropic(array: np.ndarray) -> Volume:
    """Two slices in one, another order of the axes, oblique beside.

    Right-handed: Slicer turns others round when it reads them, and so changes the voxels' order.
    """
    thick = (array[::2].astype(np.float32) + array[1::2]) / 2
    axes = TILT[:, [0, 2, 1]] * (1.0, 1.0, -1.0)
    return Volume(thick.transpose(1, 0, 2)[::-1], (0.5, 1.0, 0.5), ORIGIN, axes)


@pytest.mark.parametrize("geometry", [oblique, negative, anisotropic])
def test_the_scene_gives_the_voxels_of_the_file(
    scene: Any, front: np.ndarray, tmp_path: Path, geometry: Any
) -> None:
    import slicer

    from ToothSegScene.segments import read_labels, write_segmentation
    from ToothSegScene.volumes import volume_from_node

    path = tmp_path / "scan.nrrd"
    write_volume(path, geometry(front))
    expected = segment(read_volume(path), device="cpu").labels
    assert expected.array.any()

    scan = slicer.util.loadVolume(str(path))
    above = np.eye(4)
    above[:3, :3], above[:3, 3] = TURN, (10.0, 20.0, 30.0)
    scan.SetAndObserveTransformNodeID(linear_transform(above).GetID())
    volume, _ = volume_from_node(scan)
    result = segment(volume, device="cpu")
    assert np.array_equal(result.labels.array, expected.array)
    assert result.labels.same_grid(expected, 1e-9)

    node = write_segmentation(scene, scan, result)
    assert np.array_equal(read_labels(node, scan).array, expected.array)
    saved = tmp_path / "teeth.seg.nrrd"
    scan.SetAndObserveTransformNodeID(None)
    node.SetAndObserveTransformNodeID(None)
    assert slicer.util.saveNode(node, str(saved))
    assert_same_teeth(read_volume(saved), node, expected)


def assert_same_teeth(saved: Volume, node: Any, expected: Volume) -> None:
    """What Slicer wrote, cropped as it likes, read with our own reader."""
    segmentation = node.GetSegmentation()
    fdis = np.zeros(256, np.uint8)
    for place in range(segmentation.GetNumberOfSegments()):
        segment_id = segmentation.GetNthSegmentID(place)
        fdis[segmentation.GetSegment(segment_id).GetLabelValue()] = int(segment_id[-2:])
    first = np.round((expected.lps_to_index @ [*saved.origin, 1.0])[:3]).astype(int)
    k, j, i = (slice(a, a + n) for a, n in zip(first[::-1], saved.shape))
    assert expected.part((k, j, i)).same_grid(saved)
    there = np.zeros_like(expected.array)
    there[k, j, i] = fdis[saved.array]
    assert np.array_equal(there, expected.array)
