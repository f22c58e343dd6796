"""The next scan in one scene: nothing of the one before stays in force unseen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from case_fixture import result
from panel_fixture import settle


def choose(widget: Any, node: Any) -> None:
    """As the user does under "Result"."""
    widget.ui.resultSelector.setCurrentNode(node)
    settle()


def other_result() -> tuple[Any, Any]:
    """Another patient's: the same teeth on another grid."""
    return result("anisotropic")


def seen(*nodes: Any) -> list[bool]:
    return [bool(node.GetDisplayVisibility()) for node in nodes]


def test_the_result_that_is_chosen_is_seen_alone(widget: Any, scene: Any) -> None:
    from ToothSegScene.display import is_in_slices

    bone = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Bone")
    bone.CreateDefaultDisplayNodes()
    (scan, first), (other_scan, second) = result(), other_result()
    choose(widget, first)
    assert seen(bone, first, second) == [True, True, False]
    choose(widget, second)
    assert seen(bone, first, second) == [True, False, True]
    assert is_in_slices(other_scan)
    assert not is_in_slices(scan)
    choose(widget, None)
    choose(widget, first)
    assert seen(bone, first, second) == [True, True, False]
    assert is_in_slices(scan)


def test_a_result_that_waited_is_seen_in_3d_once_it_is_chosen(widget: Any) -> None:
    (scan, _), (_, arrived) = other_result(), result()
    widget.logic.getParameterNode().inputVolume = scan
    settle()
    run = SimpleNamespace(result_node=arrived, target=None, name="Scan", region="")
    assert "under <i>Result</i>" in widget.panel._finished(run)
    segmentation = arrived.GetSegmentation()
    assert not segmentation.ContainsRepresentation("Closed surface")
    choose(widget, arrived)
    assert segmentation.ContainsRepresentation("Closed surface")
    assert arrived.GetDisplayNode().GetVisibility3D()
    assert seen(arrived) == [True]


def test_a_result_that_the_user_hides_stays_hidden(widget: Any, scene: Any, tmp_path: Path) -> None:
    import slicer

    (_, first), (_, second) = result(), other_result()
    choose(widget, first)
    choose(widget, second)
    second.SetDisplayVisibility(False)
    first.SetDisplayVisibility(True)  # and looks at the other one for a while
    settle()
    widget.panel.result.selection.set((36,))
    widget.ui.reviewedButton.click()
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert seen(first, second) == [True, False]
    names = first.GetName(), second.GetName()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    settle()
    first, second = map(slicer.util.getNode, names)
    assert widget.logic.getParameterNode().segmentation is second
    assert seen(first, second) == [True, False]
    choose(widget, first)
    assert seen(first, second) == [True, False]
    choose(widget, second)
    assert seen(first, second) == [False, True]


def test_a_second_run_of_a_scan_hides_the_first(widget: Any) -> None:
    from ToothSegScene.segments import VOLUME

    scan, first = result()
    choose(widget, first)
    _, second = result()
    second.SetNodeReferenceID(VOLUME, scan.GetID())
    run = SimpleNamespace(result_node=second, name="Scan", region="")
    widget.panel._finished(run)
    assert seen(first, second) == [False, True]
    second.SetDisplayVisibility(False)
    widget.panel._finished(run)  # it was overwritten
    assert seen(first, second) == [False, True]


def test_going_on_with_a_case_hides_the_result_before(widget: Any) -> None:
    (_, before), (scan, node) = result(), other_result()
    choose(widget, before)
    widget.panel.result._case_opened(scan, node)
    settle()
    assert seen(before, node) == [False, True]


def test_no_other_scan_takes_the_place_of_one_that_was_removed(widget: Any, scene: Any) -> None:
    import numpy as np
    import slicer

    from case_fixture import labels_on, some_labels
    from node_fixture import volume_node
    from ToothSegScene.volumes import grid_of

    scan, node = result()
    choose(widget, node)
    ui = widget.ui
    widget.panel.result.selection.set((16,))
    assert ui.exportLabelmapButton.enabled
    again = grid_of(scan).with_array(grid_of(scan).array.copy())
    other = volume_node(again.with_array(again.array[::-1].copy()), "Other")  # on the same grid
    scene.RemoveNode(scan)
    ui.inputSelector.setCurrentNode(other)
    settle()
    for button in (ui.exportLabelmapButton, ui.editorButton):
        assert not button.enabled
        assert "The scan of this result is not in the scene: load it again." in button.toolTip
    found = volume_node(again, "Scan again")
    settle()
    assert node.GetNodeReference("ToothSeg.Volume") is found
    assert ui.editorButton.enabled
    ui.exportLabelmapButton.click()
    labels = slicer.util.getNode("*labels*")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(labels), some_labels())
    assert (labels_on(node, found) == some_labels()).all()


def test_a_run_that_overwrites_changes_the_scan_too(widget: Any, scene: Any) -> None:
    from case_fixture import some_labels
    from node_fixture import volume_node, with_geometry
    from ToothSegLib.report import Segmentation
    from ToothSegScene.own_scan import find_scan, remember_scan, scan_is_lost
    from ToothSegScene.segments import write_segmentation
    from ToothSegScene.volumes import grid_of

    (first, node), (second, _) = result(), other_result()
    remember_scan(node)
    made = Segmentation(with_geometry(some_labels(), "anisotropic"))
    write_segmentation(scene, second, made, node)
    remember_scan(node)
    again = grid_of(first)
    again = again.with_array(again.array.copy())
    scene.RemoveNode(second)
    scene.RemoveNode(first)
    volume_node(again)
    find_scan(node)
    assert scan_is_lost(node)


def test_a_result_remembers_the_voxels_that_it_was_made_of(widget: Any, scene: Any) -> None:
    import numpy as np
    import slicer

    from node_fixture import linear_transform, volume_node
    from ToothSegScene.own_scan import find_scan, remember_scan
    from ToothSegScene.volumes import grid_of

    scan, node = result()
    remember_scan(node)
    first = grid_of(scan).with_array(grid_of(scan).array.copy())
    slicer.util.arrayFromVolume(scan)[:] += 1
    slicer.util.arrayFromVolumeModified(scan)
    choose(widget, node)  # the panel looks
    scene.RemoveNode(scan)
    again = volume_node(first)
    find_scan(node)
    assert node.GetNodeReference("ToothSeg.Volume") is again
    # The same voxels in another place are the same scan.
    again.SetAndObserveTransformNodeID(linear_transform(np.diag([-1.0, -1.0, 1.0, 1.0])).GetID())
    slicer.vtkSlicerTransformLogic.hardenTransform(again)
    remember_scan(node)
    moved = grid_of(again).with_array(grid_of(again).array.copy())
    scene.RemoveNode(again)
    volume_node(first)
    find_scan(node)
    assert node.GetNodeReference("ToothSeg.Volume") is None
    again = volume_node(moved)
    find_scan(node)
    assert node.GetNodeReference("ToothSeg.Volume") is again


def test_a_segmentation_from_a_file_takes_the_volume_that_is_chosen(
    widget: Any, scene: Any
) -> None:
    scan, node = result()
    node.RemoveAttribute("ToothSeg.Report")
    node.SetNodeReferenceID("ToothSeg.Volume", None)
    widget.ui.inputSelector.setCurrentNode(scan)
    choose(widget, node)
    opened: list[Any] = []
    widget.panel.result._open_editor = lambda *what: opened.append(what[1])
    widget.panel.result.selection.set((16,))
    widget.ui.editorButton.click()
    assert opened == [scan]
    assert widget.ui.exportLabelmapButton.enabled


@pytest.fixture
def region(widget: Any) -> Any:
    """A region that the user has just made for the volume."""
    scan, _ = result()
    widget.logic.getParameterNode().inputVolume = scan
    roi = widget.ui.roiSelector.addNode()
    roi.SetName("R <1>")
    widget.panel.refresh()
    return roi


def test_a_region_is_told_on_the_button_and_with_the_result(widget: Any, region: Any) -> None:
    parameters = widget.logic.getParameterNode()
    assert parameters.roi is region
    assert widget.ui.segmentButton.text == "&Segment teeth within the region"
    assert "Only within the region R <1>" in widget.ui.segmentButton.toolTip
    asked: list[Any] = []
    widget.logic.start = lambda *nodes, **options: asked.append(options["roi"])
    widget.ui.segmentButton.click()
    assert asked == [region]
    _, node = result()
    node.SetNodeReferenceID("ToothSeg.Volume", parameters.inputVolume.GetID())
    run = SimpleNamespace(result_node=node, name="A&B", region="R <1>")
    assert "4 teeth found</b> in A&amp;B within R &lt;1&gt;;" in widget.panel._finished(run)
    run.region = ""
    assert "in A&amp;B; " in widget.panel._finished(run)
    parameters.roi = None
    assert widget.ui.segmentButton.text == "&Segment teeth"


def test_a_region_does_not_pass_to_the_next_volume(widget: Any, region: Any, scene: Any) -> None:
    parameters = widget.logic.getParameterNode()
    scan = parameters.inputVolume
    widget.parent.exit()
    widget.parent.enter()
    assert parameters.roi is region
    other, _ = other_result()
    widget.ui.inputSelector.setCurrentNode(other)
    assert parameters.roi is None
    assert widget.ui.roiSelector.currentNode() is None
    assert widget.ui.segmentButton.text == "&Segment teeth"
    assert "The region R &lt;1&gt; was for another volume" in widget.ui.messageLabel.text
    parameters.roi = region  # it is meant
    settle()
    assert parameters.roi is region
    scene.RemoveNode(other)  # and the next one comes by way of no volume at all
    widget.ui.inputSelector.setCurrentNode(None)
    settle()
    widget.ui.inputSelector.setCurrentNode(scan)
    assert parameters.roi is None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_other_region_takes_the_place_of_one_that_is_deleted(
    widget: Any, scene: Any, place: int
) -> None:
    scan, _ = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume = scan
    regions = [widget.ui.roiSelector.addNode() for _ in range(3)]
    parameters.roi = regions[place]
    settle()
    scene.RemoveNode(regions[place - 1])
    settle()
    assert parameters.roi is regions[place]
    scene.RemoveNode(regions[place])
    settle()
    assert parameters.roi is None
    assert widget.ui.roiSelector.currentNode() is None
    assert widget.ui.segmentButton.text == "&Segment teeth"


def test_no_selector_of_the_panel_deletes_nodes(widget: Any) -> None:
    for selector in (widget.ui.inputSelector, widget.ui.resultSelector, widget.ui.roiSelector):
        assert not selector.removeEnabled


def test_a_region_comes_back_with_its_scene(
    widget: Any, region: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    widget.ui.inputSelector.setCurrentNode(other_result()[0])
    widget.ui.roiSelector.setCurrentNode(region)  # for this one, too
    settle()
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    settle()
    parameters = widget.logic.getParameterNode()
    assert parameters.roi.GetName() == "R <1>"
    assert parameters.inputVolume is not None
