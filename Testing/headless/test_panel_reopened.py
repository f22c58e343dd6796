"""What the line under "Review" tells of a result that was saved before: by a scene, or a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from case_fixture import STROKES, choose
from panel_fixture import settle, stroke
from ToothSegLib.dataset.folder import Dataset


@pytest.fixture
def saved(widget: Any, scan_and_node: tuple[Any, Any], folder: Path, tmp_path: Path) -> Any:
    """The case of a result whose scene was saved, closed and opened again."""
    import slicer

    widget.ui.autosaveCheck.click()
    (case,) = Dataset.open(folder).cases()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    settle()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    settle()
    return case


def test_a_scene_that_is_opened_again_tells_its_case(
    widget: Any, saved: Any, folder: Path, tmp_path: Path
) -> None:
    ui = widget.ui
    told = f"From revision 1 of {saved.id}. What has changed since is not known: "
    assert ui.savedLabel.text.startswith(told)
    ui.datasetEdit.currentPath = str(tmp_path / "other")
    settle()
    assert ui.savedLabel.text == "Nothing saved yet."  # there
    ui.datasetEdit.currentPath = str(folder)
    settle()
    assert ui.savedLabel.text.startswith(told)
    widget.panel.result.selection.set((36,))
    ui.approveButton.click()
    assert ui.savedLabel.text == f"Saved: revision 2 of {saved.id}."


def test_what_is_painted_then_is_saved_on_the_return(widget: Any, saved: Any, folder: Path) -> None:
    parameters = widget.logic.getParameterNode()
    scan, node = parameters.inputVolume, parameters.segmentation
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    settle()
    assert widget.ui.savedLabel.text == f"Saved: revision 2 of {saved.id}."


def test_a_case_that_is_opened_is_told_as_it_is(
    widget: Any, saved: Any, folder: Path, scene: Any, dialogs: Any
) -> None:
    ui = widget.ui
    scene.Clear(0)
    settle()
    dialogs.answer(choose("", listed=1))
    ui.openCaseButton.click()
    dialogs.take()
    settle()
    assert ui.savedLabel.text == f"From revision 1 of {saved.id}."
    parameters = widget.logic.getParameterNode()
    stroke(parameters.inputVolume, parameters.segmentation, STROKES[0])
    assert ui.savedLabel.text.startswith("<b>Changed since it was saved</b>")


def test_a_mark_that_names_another_folder_is_not_followed(
    widget: Any, scan_and_node: tuple[Any, Any], folder: Path, tmp_path: Path
) -> None:
    for case in (tmp_path, f"../{tmp_path.name}"):
        scan_and_node[1].SetAttribute("ToothSeg.Case", f"{case} 7 {'ab' * 8}")
        widget.ui.datasetEdit.currentPath = str(tmp_path / Path(case).name)
        widget.ui.autosaveCheck.checked = True
        widget.panel.refresh()
        assert widget.ui.savedLabel.text == "Nothing saved yet."


def test_a_mark_that_is_none_is_passed_over(scan_and_node: tuple[Any, Any]) -> None:
    from ToothSegScene.training_case import revisions_of

    node = scan_and_node[1]
    node.SetAttribute("ToothSeg.Case", "case-1 x ab; ; case-2 7 cd")
    assert revisions_of(node) == [("case-2", 7)]
