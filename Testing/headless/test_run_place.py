"""Places that a report tells of, once scan and teeth have been moved in the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from case_fixture import save, some_labels
from node_fixture import TURN, linear_transform, volume_node, with_geometry
from ToothSegLib.report import Finding, Segmentation, measure_teeth

pytestmark = pytest.mark.usefixtures("scene")

PLACE = (2.0, 6.0, 7.0)
"""(k, j, i) of a voxel of 16, where a piece is said to be."""


def moved_by(angle_matrix: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = angle_matrix, (30.0, -20.0, 50.0)
    return matrix


@pytest.fixture
def told() -> tuple[Any, Any, Finding]:
    """A scan, its teeth, and a finding about a piece in the middle of 16."""
    import slicer

    from ToothSegScene.review import findings_of
    from ToothSegScene.segments import write_segmentation

    grey = np.random.default_rng(3).integers(-900, 3000, (9, 10, 12)).astype(np.int16)
    scan = volume_node(with_geometry(grey, "oblique"))
    labels = with_geometry(some_labels(), "oblique")
    x, y, z = (labels.index_to_lps @ [*PLACE[::-1], 1.0])[:3].round().astype(int)
    piece = Finding("dropped-pieces", "low", f"A piece at ({x}, {y}, {z}) mm LPS was left out.")
    made = Segmentation(labels, measure_teeth(labels, {}), [piece])
    node = write_segmentation(slicer.mrmlScene, scan, made)
    return scan, node, findings_of(node)[0]


def from_16(node: Any, finding: Finding) -> np.ndarray:
    """From the middle of 16 to the place, RAS mm of the world."""
    from ToothSegScene.places import places_of
    from ToothSegScene.segments import teeth_of

    return np.subtract(places_of(node, finding)[0], node.GetSegmentCenterRAS(teeth_of(node)[16]))


def put_under(transform: Any, *nodes: Any) -> None:
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.mark.parametrize("turn", [np.eye(3), TURN], ids=["moved", "turned"])
@pytest.mark.parametrize("hardened", ["none", "scan", "teeth", "both"])
def test_a_place_moves_with_the_teeth(
    told: tuple[Any, Any, Finding], turn: np.ndarray, hardened: str
) -> None:
    scan, node, finding = told
    before = from_16(node, finding)
    assert np.linalg.norm(before) < 4
    put_under(linear_transform(moved_by(turn)), scan, node)
    if hardened in ("scan", "both"):
        scan.HardenTransform()
    if hardened in ("teeth", "both"):
        node.HardenTransform()
    assert np.allclose(from_16(node, finding), turn @ before, atol=0.02)


def test_a_place_is_found_by_the_scan_where_the_teeth_have_another_grid(
    told: tuple[Any, Any, Finding],
) -> None:
    import slicer

    from ToothSegScene.places import places_of

    scan, node, finding = told
    before = np.array([*places_of(node, finding)[0], 1.0])
    put_under(linear_transform(moved_by(TURN)), scan)
    scan.HardenTransform()
    fine = slicer.util.addVolumeFromArray(np.zeros((20, 20, 20), np.int16), name="Fine")
    node.SetReferenceImageGeometryParameterFromVolumeNode(fine)
    assert np.allclose(places_of(node, finding)[0], (moved_by(TURN) @ before)[:3], atol=0.02)


def test_a_case_that_is_opened_beside_a_result_keeps_the_places(
    told: tuple[Any, Any, Finding], tmp_path: Any, scene: Any
) -> None:
    from ToothSegScene.training_case import place_case

    scan, node, finding = told
    before = from_16(node, finding)
    put_under(linear_transform(moved_by(TURN)), scan, node)
    scan.HardenTransform()
    node.HardenTransform()
    case = save(node, tmp_path / "set")
    for beside, of in ((node, scan), (node, None)):
        if of is None:
            scene.RemoveNode(scan)
        _, opened = place_case(scene, case, beside)
        assert np.allclose(from_16(opened, finding), TURN @ before, atol=0.02)
