"""A run that overwrites a result: what was saved, named or reviewed was of the former one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import labels_on, result, save, some_labels
from node_fixture import volume_node, with_geometry
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.report import Segmentation, measure_teeth


def another_scan(name: str = "B", shape: tuple[int, int, int] = (9, 10, 12)) -> Any:
    """A volume node with other voxels than those of `result`, on the same grid if of its shape."""
    grey = np.random.default_rng(4).integers(-900, 3000, shape).astype(np.int16)
    return volume_node(with_geometry(grey, "oblique"), name)


def overwrite(node: Any, scan: Any) -> None:
    """What a run leaves that overwrites a result: two teeth."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    grid = slicer.util.arrayFromVolume(scan).shape
    array = np.zeros(grid, np.uint8)
    array[1:4, 1:4, 1:5] = 21
    array[5:8, 5:9, 6:9] = 46
    labels = with_geometry(array, "oblique")
    made = Segmentation(labels, measure_teeth(labels, {21: 0.9, 46: 0.8}))
    write_segmentation(slicer.mrmlScene, scan, made, node)


def reviewed_in(folder: Path) -> tuple[Any, Any, Any]:
    """A result, half reviewed and saved; its scan, its node and what keeps it."""
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.review import set_reviewed

    scan, node = result()
    keeper = Autosave(node, folder)
    keeper.save(Author("ab"))
    set_reviewed(node, 36, True)
    node.SetAttribute("ToothSeg.Missing", "13")
    keeper.save(Author("ab"), "approved")
    return scan, node, keeper


@pytest.mark.parametrize("shape", [(9, 10, 12), (10, 11, 13)])
def test_the_teeth_of_another_scan_become_a_case_of_their_own(
    scene: Any, tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    from ToothSegScene.autosave import Author
    from ToothSegScene.review import set_reviewed

    _, node, keeper = reviewed_in(tmp_path / "set")
    first = keeper.case.id
    scan = another_scan(shape=shape)
    overwrite(node, scan)
    set_reviewed(node, 21, True)
    assert keeper.save(Author("ab"), "approved") == 1
    dataset = Dataset.open(tmp_path / "set")
    assert keeper.case.id != first
    assert dataset.case(first).revision == 2
    np.testing.assert_array_equal(dataset.case(first).labels().array, some_labels())
    other = dataset.case(keeper.case.id)
    np.testing.assert_array_equal(other.labels().array, labels_on(node, scan))
    assert other.record.review == {21: "approved", 46: "predicted"}
    assert check_dataset(tmp_path / "set") == []


def test_a_new_run_on_the_same_scan_does_not_go_over_reviewed_work(
    scene: Any, tmp_path: Path
) -> None:
    from ToothSegScene.autosave import Author

    scan, node, keeper = reviewed_in(tmp_path / "set")
    overwrite(node, scan)
    with pytest.raises(Outdated, match="revision 2 of this scan, saved by ab on 20"):
        keeper.save(Author("ab"), "approved")
    with pytest.raises(Outdated, match="revision 2 of this scan"):
        save(node, tmp_path / "set")  # also when the scene is opened again
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.revision == 2
    assert case.record.review[36] == "approved"


def test_voxels_that_were_replaced_in_the_volume_are_another_scan(
    scene: Any, tmp_path: Path
) -> None:
    """Somebody filters or crops the scan in its own node after the teeth were found."""
    import slicer

    from ToothSegScene.autosave import Author
    from ToothSegScene.review import set_reviewed

    scan, node, keeper = reviewed_in(tmp_path / "set")
    first = keeper.case.id
    slicer.util.arrayFromVolume(scan)[:] = 7
    slicer.util.arrayFromVolume(scan)[0, 0, 0] = 8
    slicer.util.arrayFromVolumeModified(scan)
    set_reviewed(node, 11, True)
    assert keeper.save(Author("ab"), "approved") == 1
    assert keeper.case.id != first
    assert Dataset.open(tmp_path / "set").case(first).revision == 2


def test_nothing_of_the_former_result_is_left_in_the_node(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.review import review_of

    scan, node, _ = reviewed_in(tmp_path / "set")
    assert node.GetName() == "Scan teeth"
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(str(tmp_path / "A.seg.nrrd"))
    overwrite(node, scan)
    assert node.GetAttribute("ToothSeg.Case") is None
    assert review_of(node) == {21: "predicted", 46: "predicted"}
    node.SetName("Mine")
    overwrite(node, scan)
    assert node.GetName() == "Mine"  # it is still of the scan for which somebody named it so
    assert node.GetStorageNode().GetFileName() == str(tmp_path / "A.seg.nrrd")

    overwrite(node, another_scan())
    assert node.GetName() == "B teeth"
    assert not node.GetStorageNode().GetFileName()


def test_a_name_goes_with_the_volume_that_it_was_given_for(scene: Any) -> None:
    import slicer

    fresh = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    scan = another_scan()
    overwrite(fresh, scan)
    assert fresh.GetName() == "Mine"  # it held nothing of anybody
    scene.RemoveNode(scan)
    overwrite(fresh, another_scan("C"))
    assert fresh.GetName() == "C teeth"

    painted = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "By hand")
    painted.GetSegmentation().AddEmptySegment("Segment_1")
    scan = another_scan("D")
    painted.SetReferenceImageGeometryParameterFromVolumeNode(scan)
    overwrite(painted, scan)
    assert painted.GetName() == "By hand"

    loaded = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "SMITH^JOHN")
    loaded.GetSegmentation().AddEmptySegment("tooth_11")
    overwrite(loaded, scan)
    assert loaded.GetName() == "D teeth"


def test_the_same_revision_of_another_data_set_is_another_one(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.review import set_reviewed

    _, node, keeper = reviewed_in(tmp_path / "set")
    _, of_cd = result()
    set_reviewed(of_cd, 11, True)
    assert save(of_cd, tmp_path / "other", who="cd").id == keeper.case.id
    set_reviewed(of_cd, 16, True)
    case = save(of_cd, tmp_path / "other", who="cd")
    assert case.revision == keeper.case.revision == 2
    with pytest.raises(Outdated, match="saved by cd"):
        save(node, tmp_path / "other")
    # A folder that was moved is the same data set.
    (tmp_path / "set").rename(tmp_path / "moved")
    set_reviewed(node, 47, True)
    assert save(node, tmp_path / "moved").revision == 3


def test_one_result_goes_into_two_data_sets_in_turn(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.autosave import Author, Autosave
    from ToothSegScene.review import set_reviewed

    _, node = result()
    one, two = (Autosave(node, tmp_path / name) for name in ("one", "two"))
    assert one.save(Author("ab")) == 1
    set_reviewed(node, 11, True)
    # By another name: what one person saves twice in a second is one revision, in any folder.
    assert two.save(Author("cd")) == 1
    set_reviewed(node, 16, True)
    assert one.save(Author("ab"), "approved") == 2
    assert two.save(Author("ab"), "approved") == 2
    assert save(node, tmp_path / "one").revision == 2
    assert len(node.GetAttribute("ToothSeg.Case").split("; ")) == 2
