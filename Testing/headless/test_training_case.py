"""Results into a data set and back: the same labels, bit for bit, and nothing lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import FINDING, labels_on, result, save, some_labels
from node_fixture import GEOMETRIES, TURN, harden, linear_transform, volume_node
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume


@pytest.mark.parametrize("name", GEOMETRIES)
def test_labels_come_back_bit_for_bit_in_a_new_scene(scene: Any, tmp_path: Path, name: str) -> None:
    from ToothSegScene.review import review_of, set_corrected, set_reviewed
    from ToothSegScene.training_case import place_case

    _, node = result(name)
    set_reviewed(node, 11, True)
    set_corrected(node, 47)
    node.SetAttribute("ToothSeg.Missing", "13")
    review = review_of(node)
    save(node, tmp_path / "set")
    scene.Clear(0)
    (case,) = Dataset.open(tmp_path / "set").cases()
    scan, loaded = place_case(scene, case)
    np.testing.assert_array_equal(labels_on(loaded, scan), some_labels())
    assert review_of(loaded) == review
    assert review == {
        11: "approved", 13: "missing", 16: "predicted", 36: "predicted", 47: "corrected",
    }  # fmt: skip
    # And from there to the data set again: nothing differs.
    assert save(loaded, tmp_path / "set").revision == 1


def test_labels_are_the_same_on_another_grid_under_another_transform(
    scene: Any, tmp_path: Path
) -> None:
    """The scan in the new scene has its axes in another order and direction, and is cut."""
    from ToothSegScene.training_case import place_case

    save(result()[1], tmp_path / "set")
    scene.Clear(0)
    (case,) = Dataset.open(tmp_path / "set").cases()
    scan, loaded = place_case(scene, case)
    image = case.image()
    k, _, _ = image.shape
    step = image.index_to_lps
    # Axes i, j, k of the other grid run along -k, i and j of this one, from k = 8, i = 2 on.
    columns = np.stack([-step[:3, 2], step[:3, 0], step[:3, 1]], axis=1)
    spacing = np.linalg.norm(columns, axis=0)
    origin = (step @ [2, 0, k - 1, 1])[:3]
    there = np.transpose(some_labels()[::-1, :, 2:], (1, 2, 0))
    other = volume_node(
        Volume(np.zeros(there.shape, np.int16), tuple(spacing), tuple(origin), columns / spacing)
    )
    np.testing.assert_array_equal(labels_on(loaded, other), there)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = TURN, (5.0, -7.0, 11.0)
    turn = linear_transform(matrix)
    for node in (scan, loaded):
        node.SetAndObserveTransformNodeID(turn.GetID())
    np.testing.assert_array_equal(labels_on(loaded, scan), some_labels())
    assert save(loaded, tmp_path / "set").revision == 1


def test_a_scan_that_is_there_is_used_and_its_findings_go_on(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.review import findings_of, set_reviewed, waiting
    from ToothSegScene.training_case import place_case

    scan, node = result()
    assert waiting(node) == [36, 16, 47, 11]  # the finding first, then the least confident
    set_reviewed(node, 36, True)
    save(node, tmp_path / "set")
    (case,) = Dataset.open(tmp_path / "set").cases()
    found, loaded = place_case(scene, case, node)
    assert found is scan
    assert loaded is not node
    assert waiting(loaded) == [16, 47, 11]
    set_reviewed(loaded, 36, False)
    assert findings_of(loaded) == [FINDING]


def test_a_search_of_the_scene_keeps_no_node(scene: Any, tmp_path: Path) -> None:
    """Else a closed scene would leave its scans and teeth in the memory."""
    from ToothSegScene.training_case import place_case, results_in, same_scan

    scan, node = result()
    case = save(node, tmp_path / "set")
    before = scan.GetReferenceCount(), node.GetReferenceCount()
    assert results_in(scene) == [node]
    assert same_scan(scene, case.record.source) is scan
    assert (scan.GetReferenceCount(), node.GetReferenceCount()) == before
    place_case(scene, case)
    scene.Clear(0)
    assert (scan.GetReferenceCount(), node.GetReferenceCount()) == (1, 1)  # the test's own


def test_nothing_but_voxels_numbers_and_states_is_written(scene: Any, tmp_path: Path) -> None:
    scan, node = result()
    scan.SetName("SMITH^JOHN")
    scan.SetAttribute("DICOM.instanceUIDs", "1.2.840.10008.5.1")
    node.SetName("SMITH^JOHN teeth")
    node.SetAttribute("DICOM.PatientName", "SMITH^JOHN")
    node.GetSegmentation().GetNthSegment(0).SetName("SMITH^JOHN 11")
    node.GetSegmentation().GetNthSegment(0).SetTag("DICOM.PatientID", "SMITH^JOHN")
    save(node, tmp_path / "set")
    files = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    assert len(files) >= 6
    for path in files:
        assert b"SMITH" not in path.read_bytes()
        assert b"1.2.840" not in path.read_bytes()
        assert "SMITH" not in str(path)


def test_a_pseudonym_that_no_data_set_has_yet_stays(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.training_case import place_case

    scan, node = result()
    case = save(node, tmp_path / "set")
    scan.SetAttribute("ToothSeg.Patient", "p17")
    place_case(scene, case)
    assert scan.GetAttribute("ToothSeg.Patient") == "p17"


def test_a_scan_without_labels_gets_its_first(scene: Any, tmp_path: Path) -> None:
    from ToothSegLib.dataset.folder import CaseMeta
    from ToothSegScene.training_case import image_of, place_case

    scan, node = result()
    dataset = Dataset.create(tmp_path / "set")
    case = dataset.add(image_of(node), None, CaseMeta(who="ab"))
    assert place_case(scene, case) == (scan, None)
    assert save(node, tmp_path / "set").revision == 1


def test_a_result_without_teeth_or_scan_is_refused(scene: Any, tmp_path: Path) -> None:
    scan, node = result()
    scene.RemoveNode(scan)
    with pytest.raises(InputError, match="is not in the scene"):
        save(node, tmp_path / "set")
    node.GetSegmentation().RemoveAllSegments()
    with pytest.raises(InputError, match="holds no teeth"):
        save(node, tmp_path / "set")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("again", [False, True])
def test_a_hardened_transform_leaves_the_case_the_same(
    scene: Any, tmp_path: Path, again: bool
) -> None:
    """With the scene open, and in a new start of Slicer with the scene saved before."""
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.editing import Corrections

    scan, node = result()
    keeper = Autosave(node, tmp_path / "set")
    keeper.save(Author("ab"))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = TURN, (5.0, -7.0, 11.0)
    harden((scan, node), matrix)
    keeper = Autosave(node, tmp_path / "set") if again else keeper
    assert keeper.save(Author("ab")) is None
    Corrections(node).swap(11, 16)
    assert keeper.save(Author("ab"), "swap") == 2
    (case,) = Dataset.open(tmp_path / "set").cases()
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
    assert case.labels().same_grid(case.image())
    assert check_dataset(tmp_path / "set") == []


def test_a_scan_that_was_mirrored_since_is_refused(scene: Any, tmp_path: Path) -> None:
    scan, node = result()
    save(node, tmp_path / "set")
    harden((scan, node), np.diag([-1.0, 1.0, 1.0, 1.0]))
    node.RemoveAttribute("ToothSeg.Report")  # which tells so by itself
    with pytest.raises(InputError, match=r"mirrored against that of .*: load the scan again"):
        save(node, tmp_path / "set")
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.revision == 1
