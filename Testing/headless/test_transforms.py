"""A scan under a transform: the networks see the head as the views show it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, save, some_labels
from node_fixture import (
    TURN,
    bent_transform,
    linear_transform,
    roi_node,
    volume_node,
    with_geometry,
)
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume

UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0])
OTHERS = {"tilted": 1.1 * TURN, "sheared": np.array([[1.0, 0.3, 0], [0, 1.0, 0], [0, 0.1, 0.9]])}


def a_scan(geometry: str = "oblique") -> Any:
    """In it the stub of the networks sees four teeth."""
    grey = 1000 + some_labels().astype(np.int16)
    return volume_node(with_geometry(grey, geometry))


def above(axes: np.ndarray, *nodes: Any) -> None:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, (30.0, -20.0, 10.0)
    transform = linear_transform(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.fixture
def segment(toothseg: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs in a process of their own, without networks."""
    from stub_worker import use_stub_worker
    from ToothSeg import ToothSegLogic

    use_stub_worker(monkeypatch)
    return lambda scan, roi=None: ToothSegLogic().process(scan, roi=roi, bundle="quick")


def seen_at(node: Any) -> np.ndarray:
    """Where the run has seen the four teeth, LPS mm."""
    report = json.loads(node.GetAttribute("ToothSeg.Report"))
    return np.array([tooth["centroid_lps"] for tooth in report["teeth"]])


def test_the_networks_see_the_head_as_shown(segment: Any) -> None:
    from ToothSegScene.segments import teeth_of

    scan = a_scan()
    above(UPSIDE_DOWN, scan)
    node = segment(scan)
    assert np.array_equal(labels_on(node, scan), some_labels())
    assert node.GetTransformNodeID() == scan.GetTransformNodeID()
    ids = teeth_of(node).values()
    shown = [node.GetSegmentCenterRAS(segment_id) for segment_id in ids]
    assert np.allclose(seen_at(node), np.array(shown) * (-1, -1, 1), atol=0.4)
    scan.HardenTransform()
    hardened = segment(scan)
    assert np.array_equal(labels_on(hardened, scan), some_labels())
    assert np.allclose(seen_at(hardened), seen_at(node), atol=0.011)


def test_scaled_and_sheared_too_and_within_a_region(segment: Any) -> None:
    from ToothSegLib.report import measure_teeth
    from ToothSegScene.volumes import grid_of

    scan, axes = a_scan(), OTHERS["tilted"] @ OTHERS["sheared"]
    above(axes, scan)
    node = segment(scan, roi_node(np.full(3, -500.0), np.full(3, 500.0)))
    assert np.array_equal(labels_on(node, scan), some_labels())
    own = measure_teeth(grid_of(scan).with_array(some_labels()), {})
    ras = np.array([tooth.centroid_lps for tooth in own]) * (-1, -1, 1)
    shown = ras @ axes.T + (30.0, -20.0, 10.0)
    assert np.allclose(seen_at(node), shown * (-1, -1, 1), atol=0.01)


@pytest.mark.parametrize("axes", OTHERS)
def test_a_part_goes_back_to_its_voxels(scene: Any, axes: str) -> None:
    from ToothSegLib.report import Segmentation, measure_teeth
    from ToothSegScene.segments import write_segmentation
    from ToothSegScene.transforms import to_world_of
    from ToothSegScene.volumes import as_shown, grid_of

    scan = a_scan()
    above(OTHERS[axes], scan)
    part = (slice(0, 9), slice(1, 10), slice(2, 9))
    shown = as_shown(grid_of(scan).part(part), to_world_of(scan))
    labels = shown.with_array(some_labels()[part])
    made = Segmentation(labels, measure_teeth(labels, {}))
    node = write_segmentation(scene, scan, made, to_run=to_world_of(scan))
    expected = np.zeros_like(some_labels())
    expected[part] = some_labels()[part]
    assert np.array_equal(labels_on(node, scan), expected)
    assert json.loads(node.GetAttribute("ToothSeg.Report"))["provenance"]["region"] == {
        "first": [2, 1, 0], "size": [7, 9, 9],
    }  # fmt: skip


def test_without_a_transform_nothing_is_computed(scene: Any) -> None:
    from ToothSegScene.transforms import to_world_of
    from ToothSegScene.volumes import as_shown

    scan, volume = a_scan(), Volume(np.zeros((2, 3, 4), np.int16))
    assert as_shown(volume, to_world_of(scan)) is volume
    scan.SetAndObserveTransformNodeID(bent_transform().GetID())
    assert as_shown(volume, to_world_of(scan)) is volume  # such a scan is refused elsewhere


def test_a_transform_that_flattens_is_refused(scene: Any) -> None:
    from ToothSegScene.volumes import volume_from_node

    scan = a_scan()
    above(np.diag([1.0, 1.0, 0.0]), scan)
    with pytest.raises(InputError, match="flattens"):
        volume_from_node(scan)


def test_a_head_that_is_only_shown_upright_is_no_case_for_training(
    segment: Any, tmp_path: Any
) -> None:
    from ToothSegScene.volumes import grid_of

    scan = a_scan()
    above(UPSIDE_DOWN, scan)
    node = segment(scan)
    with pytest.raises(InputError, match=r"'Scan' turns it by more than 45 degrees: harden"):
        save(node, tmp_path / "set")
    scan.HardenTransform()
    node.HardenTransform()
    case = save(node, tmp_path / "set")
    assert np.array_equal(case.labels().array, some_labels())
    assert case.image().same_grid(grid_of(scan))


@pytest.mark.parametrize(
    ("degrees", "turned"), [(0, False), (40, False), (50, True), (180, True), (320, False)]
)
def test_what_counts_as_turned(scene: Any, degrees: float, turned: bool) -> None:
    from ToothSegScene.transforms import is_turned

    angle = np.radians(degrees)
    axes = np.eye(3)
    axes[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    scan = a_scan()
    above(axes * (1.0, 1.3, 0.8), scan)
    assert is_turned(scan) == turned
