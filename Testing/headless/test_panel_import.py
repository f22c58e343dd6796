"""A scene that is added to one with a result: nothing of either passes for the other's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from case_fixture import TEETH, result
from panel_fixture import settle


def show(widget: Any, scan: Any, node: Any, patient: str) -> None:
    """The result of a patient in the panel."""
    scan.SetName(f"{patient} scan")
    node.SetName(f"{patient} teeth")
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()


@pytest.fixture
def saved(widget: Any, scene: Any, tmp_path: Path) -> Path:
    """The scene of patient B, with its result shown; a scene of patient A is open."""
    import slicer

    show(widget, *result(), "B")
    assert slicer.util.saveScene(str(tmp_path / "b.mrb"))
    scene.Clear(0)
    settle()
    show(widget, *result("anisotropic"), "A")
    return tmp_path / "b.mrb"


def add(path: Path) -> None:
    """The scene of a file, beside what is there."""
    import slicer

    slicer.util.loadScene(str(path), {"clear": False})
    settle()


def seen(*names: str) -> list[bool]:
    import slicer

    return [bool(slicer.util.getNode(name).GetDisplayVisibility()) for name in names]


def test_an_imported_result_has_no_step_to_undo(widget: Any, saved: Path) -> None:
    from ToothSegScene.segments import teeth_of

    widget.panel.result.selection.set((11, 16))
    widget.ui.swapButton.click()
    add(saved)
    node = widget.logic.getParameterNode().segmentation
    assert node.GetName() == "B teeth"
    assert set(teeth_of(node)) == set(TEETH)
    assert not widget.ui.undoButton.enabled
    assert "nothing to undo" in widget.ui.undoButton.toolTip
    widget.panel.result.selection.set((11,))
    widget.ui.deleteButton.click()
    widget.ui.undoButton.click()
    assert set(teeth_of(node)) == set(TEETH)
    assert not widget.ui.undoButton.enabled


@pytest.mark.parametrize("away", [False, True])
def test_one_result_is_seen_after_an_import(widget: Any, saved: Path, away: bool) -> None:
    import slicer

    from ToothSegScene.display import is_in_slices

    if away:
        widget.parent.exit()
    add(saved)
    if away:
        widget.parent.enter()
        settle()
    assert widget.logic.getParameterNode().segmentation.GetName() == "B teeth"
    assert seen("A teeth", "B teeth") == [False, True]
    assert is_in_slices(slicer.util.getNode("B scan"))
    slicer.util.getNode("A teeth").SetDisplayVisibility(True)  # and looks at both for a while
    settle()
    assert seen("A teeth", "B teeth") == [True, True]


def test_a_scene_without_a_result_leaves_those_there_as_they_are_seen(
    widget: Any, saved: Path, scene: Any, tmp_path: Path
) -> None:
    import slicer

    add(saved)
    slicer.util.getNode("A teeth").SetDisplayVisibility(True)
    markups = slicer.vtkMRMLScene()
    markups.AddNewNodeByClass("vtkMRMLTextNode", "Remark")
    markups.SetURL(str(tmp_path / "remark.mrml"))
    assert markups.Commit()
    add(tmp_path / "remark.mrml")
    assert slicer.util.getNode("Remark") is not None
    assert seen("A teeth", "B teeth") == [True, True]
