"""A scan that was turned without its teeth is noticed, also where its box stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import result, save, some_labels
from node_fixture import TURN, harden, linear_transform, volume_node
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError
from ToothSegLib.report import Segmentation, measure_teeth
from ToothSegLib.volume import Volume

OFF = "Scan teeth does not lie on the voxels of Scan: put both under the same transform, or harden"
MIDDLE = np.array([-20.0, 30.0, 10.0])  # RAS mm of `square_result`
HALF, QUARTER = np.diag([-1.0, -1.0, 1.0]), np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])


def about_middle(turn: np.ndarray) -> np.ndarray:
    """(4, 4) RAS, a turn that leaves the middle of the scan where it is."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, MIDDLE - turn @ MIDDLE
    return matrix


def square_result() -> tuple[Any, Any]:
    """A scan of square slices, as cone beams make them, and its result."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    grey = np.random.default_rng(3).integers(-900, 3000, (9, 12, 12)).astype(np.int16)
    labels = np.zeros(grey.shape, np.uint8)
    labels[:, 0:10] = some_labels()
    origin = tuple(MIDDLE * [-1, -1, 1] - 0.25 * np.array([11, 11, 8]))
    scan = volume_node(Volume(grey, (0.5, 0.5, 0.5), origin))
    made = Volume(labels, (0.5, 0.5, 0.5), origin)
    made_of = Segmentation(made, measure_teeth(made, {}))
    return scan, write_segmentation(slicer.mrmlScene, scan, made_of)


def give_geometry(node: Any, matrix: np.ndarray, sizes: tuple[int, int, int]) -> None:
    """What **Specify geometry** of the module Segmentations does; (i, j, k) sizes."""
    import slicer

    converter = slicer.vtkSegmentationConverter
    extent = [value for size in sizes for value in (0, size - 1)]
    text = converter.SerializeImageGeometry(slicer.util.vtkMatrixFromArray(matrix), extent)
    name = converter.GetReferenceImageGeometryParameterName()
    node.GetSegmentation().SetConversionParameter(name, text)


def geometry_of(node: Any) -> np.ndarray:
    from ToothSegScene.segment_values import scan_of

    return np.reshape(scan_of(node.GetSegmentation())[0], (4, 4))


def crop_of(matrix: np.ndarray, first: tuple[int, int, int]) -> np.ndarray:
    """The geometry of a part of a grid."""
    cropped = matrix.copy()
    cropped[:3, 3] += matrix[:3, :3] @ first
    return cropped


@pytest.mark.parametrize("turn", [HALF, QUARTER])
@pytest.mark.parametrize("alone", ["scan", "teeth"])
@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("report", [False, True])
def test_a_turn_about_the_middle_of_one_of_the_two_is_refused(
    scene: Any, tmp_path: Path, turn: np.ndarray, alone: str, saved: bool, report: bool
) -> None:
    from ToothSegScene.review import set_reviewed

    scan, node = square_result()
    if not report:
        node.RemoveAttribute("ToothSeg.Report")
    if saved:
        save(node, tmp_path / "set")
    harden((scan if alone == "scan" else node,), about_middle(turn))
    set_reviewed(node, 11, True)
    with pytest.raises(InputError, match=OFF):
        save(node, tmp_path / "set")
    if saved:
        (case,) = Dataset.open(tmp_path / "set").cases()
        assert case.revision == 1
    harden((node if alone == "scan" else scan,), about_middle(turn))
    assert save(node, tmp_path / "set").revision == 1 + saved


def test_a_scan_that_was_made_larger_alone_is_refused(scene: Any) -> None:
    from ToothSegScene.own_scan import off_in_words

    scan, node = square_result()
    harden((scan,), about_middle(1.1 * np.eye(3)))
    assert off_in_words(node).startswith(OFF)
    harden((node,), about_middle(1.1 * np.eye(3)))
    assert off_in_words(node) == ""


@pytest.mark.parametrize("turn", [HALF, QUARTER, TURN])
def test_teeth_on_a_part_of_the_grid_are_refused_where_the_scan_turned_away(
    scene: Any, turn: np.ndarray
) -> None:
    from ToothSegScene.own_scan import off_in_words

    scan, node = square_result()
    give_geometry(node, crop_of(geometry_of(node), (4, 4, 3)), (4, 4, 3))
    assert off_in_words(node) == ""
    harden((scan,), about_middle(turn))
    assert off_in_words(node).startswith(OFF)
    harden((node,), about_middle(turn))
    assert off_in_words(node) == ""
    above = linear_transform(about_middle(TURN))
    for each in (scan, node):
        each.SetAndObserveTransformNodeID(above.GetID())
    assert off_in_words(node) == ""


def test_a_geometry_of_its_own_may_be_turned_or_have_as_many_voxels(scene: Any) -> None:
    from ToothSegScene.own_scan import off_in_words

    _, node = square_result()
    known = geometry_of(node)
    turned = about_middle(TURN) @ crop_of(known, (4, 4, 3))
    give_geometry(node, turned, (4, 4, 3))
    assert off_in_words(node) == ""
    half = crop_of(known, (2, 2, 2)) @ np.diag([0.5, 0.5, 0.5, 1.0])
    give_geometry(node, half, (12, 12, 9))
    assert off_in_words(node) == ""


def test_directions_that_a_file_has_rounded_are_none_of_it(scene: Any) -> None:
    from ToothSegScene.own_scan import off_in_words

    _, node = result()
    give_geometry(node, np.round(geometry_of(node), 2), (12, 10, 9))
    assert off_in_words(node) == ""
    give_geometry(node, np.round(geometry_of(node), 1), (12, 10, 9))
    assert off_in_words(node).startswith(OFF)
