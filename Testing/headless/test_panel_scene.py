"""The panel and the scene: saved, loaded, closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panel_fixture import give_result, open_panel, settle


def test_a_saved_scene_brings_the_panel_back(
    toothseg: Any, sample_volume_node: Any, sample_labels: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    widget = open_panel(toothseg)
    node = give_result(widget, sample_volume_node, sample_labels)
    ui = widget.ui
    ui.smoothingSlider.value = 0.25
    ui.emptySegmentsCheck.checked = True
    ui.groupingCombo.currentIndex = 2
    ui.bundleCombo.currentIndex = 1
    ui.folderEdit.currentPath = str(tmp_path)
    widget.panel.result.selection.set((16,))
    ui.reviewedButton.click()
    widget.panel.result.selection.set((31,))
    ui.missingButton.click()
    settle()
    states = {
        fdi: button.accessibleName for fdi, button in widget.panel.result.odontogram.buttons.items()
    }
    names = node.GetName(), sample_volume_node.GetName()
    bundle = ui.bundleCombo.currentText
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))

    scene.Clear(0)
    settle()
    assert ui.inputSelector.currentNode() is None
    slicer.util.loadScene(str(path))
    settle()

    parameters = widget.logic.getParameterNode()
    assert (parameters.segmentation.GetName(), parameters.inputVolume.GetName()) == names
    assert ui.resultSelector.currentNode() is parameters.segmentation
    assert ui.inputSelector.currentNode() is parameters.inputVolume
    assert ui.smoothingSlider.value == 0.25
    assert ui.emptySegmentsCheck.checked
    assert ui.groupingCombo.currentIndex == 2
    assert ui.bundleCombo.currentText == bundle
    assert ui.folderEdit.currentPath == ""  # it may tell who the patient is
    assert states == {
        fdi: button.accessibleName for fdi, button in widget.panel.result.odontogram.buttons.items()
    }
    assert "reviewed" in states[16]
    assert "missing" in states[31]
    assert ui.findingsList.count == 2


@pytest.mark.parametrize("region", [False, True])
def test_a_loaded_scene_brings_the_volume_that_was_chosen(
    toothseg: Any, scene: Any, tmp_path: Path, region: bool
) -> None:
    import slicer

    widget = open_panel(toothseg)
    rng = np.random.default_rng(0)
    for name in ("A", "B"):
        voxels = rng.integers(0, 9, (5, 6, 7)).astype(np.int16)
        slicer.util.addVolumeFromArray(voxels, name=name)
    widget.ui.inputSelector.setCurrentNode(slicer.util.getNode("B"))
    settle()
    if region:
        roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Jaw")
        widget.logic.getParameterNode().roi = roi
        settle()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    settle()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    settle()
    parameters = widget.logic.getParameterNode()
    assert parameters.inputVolume.GetName() == "B"
    assert widget.ui.inputSelector.currentNode() is parameters.inputVolume
    assert (parameters.roi and parameters.roi.GetName()) == ("Jaw" if region else None)
    assert widget.ui.roiSelector.currentNode() is parameters.roi


def test_a_scene_that_is_added_leaves_the_tooth_in_hand(
    toothseg: Any, sample_volume_node: Any, sample_labels: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    widget = open_panel(toothseg)
    node = give_result(widget, sample_volume_node, sample_labels)
    widget.panel.result.selection.set((16,))
    other = slicer.vtkMRMLScene()
    other.AddNewNodeByClass("vtkMRMLTextNode", "Remark")
    other.SetURL(str(tmp_path / "remark.mrml"))
    assert other.Commit()
    slicer.util.loadScene(str(tmp_path / "remark.mrml"), {"clear": False})
    settle()
    assert slicer.util.getNode("Remark") is not None
    assert widget.ui.resultSelector.currentNode() is node
    assert widget.panel.result.selection.teeth == (16,)


def test_a_closed_scene_empties_the_panel(
    toothseg: Any, sample_volume_node: Any, sample_labels: Any, scene: Any
) -> None:
    widget = open_panel(toothseg)
    give_result(widget, sample_volume_node, sample_labels)
    widget.panel.result.selection.set((16,))
    widget.ui.deleteButton.click()
    scene.Clear(0)
    settle()
    assert widget.panel.result.selection.teeth == ()
    assert not widget.ui.odontogramFrame.isVisibleTo(widget.ui.resultFrame)
    assert not widget.ui.undoButton.enabled


def test_a_scene_without_the_module_gets_no_parameter_node(toothseg: Any, scene: Any) -> None:
    # Earlier tests may have left some: closing a scene keeps singletons.
    while (left := scene.GetFirstNodeByClass("vtkMRMLScriptedModuleNode")) is not None:
        scene.RemoveNode(left)
    toothseg.widgetRepresentation()
    scene.Clear(0)
    left = scene.GetFirstNodeByClass("vtkMRMLScriptedModuleNode")
    assert left is None, f"{left.GetID()}, tag {left.GetSingletonTag()}"


def test_two_results_keep_their_own_history(
    toothseg: Any, sample_volume_node: Any, sample_labels: Any
) -> None:
    widget = open_panel(toothseg)
    first = give_result(widget, sample_volume_node, sample_labels)
    widget.panel.result.selection.set((16,))
    widget.ui.deleteButton.click()
    give_result(widget, sample_volume_node, sample_labels)
    assert not widget.ui.undoButton.enabled
    widget.ui.resultSelector.setCurrentNode(first)
    settle()
    assert widget.ui.undoButton.toolTip == "Undo: delete 16"


def test_a_bundle_of_ones_own(toothseg: Any, scene: Any, dialogs: Any, tmp_path: Path) -> None:
    from ToothSegLib.models import models_folder

    widget = open_panel(toothseg)
    dialogs.answer(str(tmp_path))
    widget.ui.bundleFolderButton.click()
    _, refused = dialogs.take()
    assert "card.json" in refused.text
    assert widget.logic.getParameterNode().bundle == ""
    folder = str(models_folder() / "published")
    dialogs.answer(folder)
    widget.ui.bundleFolderButton.click()
    dialogs.take()
    assert widget.logic.getParameterNode().bundle == folder
    assert folder in widget.ui.bundleCombo.currentText


def test_the_log_can_be_copied(toothseg: Any, scene: Any) -> None:
    import qt

    widget = open_panel(toothseg)
    assert not widget.ui.copyLogButton.enabled
    widget.ui.logText.plainText = "what the process said"
    widget.ui.copyLogButton.click()
    assert qt.QApplication.clipboard().text() == "what the process said"
