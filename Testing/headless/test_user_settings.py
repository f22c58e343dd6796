"""Folders, initials, autosave and notation belong to the person and not to a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from case_fixture import result
from panel_fixture import open_panel, settle
from ToothSegLib.dataset.folder import Dataset


def enter(widget: Any, folder: Path, who: str) -> None:
    """What a user enters once."""
    widget.ui.datasetEdit.currentPath = str(folder)
    widget.ui.annotatorEdit.text = who
    if not widget.ui.autosaveCheck.checked:
        widget.ui.autosaveCheck.click()
    settle()


def entered(widget: Any) -> tuple[str, str, bool]:
    ui = widget.ui
    return ui.datasetEdit.currentPath, ui.annotatorEdit.text, ui.autosaveCheck.checked


def show_result(widget: Any) -> Any:
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    return node


def test_the_next_patient_is_saved_as_the_one_before(
    widget: Any, scene: Any, tmp_path: Path
) -> None:
    enter(widget, tmp_path / "set", "ab")
    scene.Clear(0)
    settle()
    assert entered(widget) == (str(tmp_path / "set"), "ab", True)
    show_result(widget)
    widget.panel.result.selection.set((36,))
    widget.ui.approveButton.click()
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.history()[-1].who == "ab"


def test_the_next_start_of_slicer_knows_them(toothseg: Any, widget: Any, tmp_path: Path) -> None:
    """A module that is loaded again stands in for it."""
    from compat.module_host import load_module

    folder = tmp_path / "scans, of @all; 50 %"
    enter(widget, folder, "ab")
    toothseg.close()
    import bootstrap

    again = load_module(bootstrap.MODULE_FOLDER / "ToothSeg.py")
    try:
        panel = open_panel(again)
        assert entered(panel) == (str(folder), "ab", True)
        panel.ui.autosaveCheck.click()
    finally:
        again.close()
    once_more = load_module(bootstrap.MODULE_FOLDER / "ToothSeg.py")
    try:
        assert entered(open_panel(once_more)) == (str(folder), "ab", False)
    finally:
        once_more.close()


def test_a_colleagues_scene_brings_nothing_of_theirs(
    widget: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    enter(widget, tmp_path / "theirs", "cd")
    show_result(widget)
    # As scenes of earlier versions have it.
    node = widget.logic.getParameterNode().parameterNode
    node.SetParameter("datasetFolder", str(tmp_path / "theirs"))
    node.SetParameter("annotator", "cd")
    node.SetParameter("autosave", "True")
    path = tmp_path / "theirs.mrb"
    assert slicer.util.saveScene(str(path))
    scene.Clear(0)
    settle()
    enter(widget, tmp_path / "mine", "ab")
    widget.ui.autosaveCheck.click()
    slicer.util.loadScene(str(path))
    settle()
    assert widget.logic.getParameterNode().segmentation is not None
    assert entered(widget) == (str(tmp_path / "mine"), "ab", False)


def test_the_notation_stays_with_the_reader(widget: Any, scene: Any, tmp_path: Path) -> None:
    import slicer

    ui, numbers = widget.ui, widget.panel.result.odontogram.numbers
    show_result(widget)
    # As scenes of earlier versions have it.
    widget.logic.getParameterNode().parameterNode.SetParameter("notation", "Palmer")
    path = tmp_path / "theirs.mrb"
    assert slicer.util.saveScene(str(path))
    ui.notationCombo.currentIndex = 1
    settle()
    assert numbers[16].text == "3"
    scene.Clear(0)
    settle()
    show_result(widget)
    assert (ui.notationCombo.currentText, numbers[16].text) == ("Universal", "3")
    scene.Clear(0)
    slicer.util.loadScene(str(path))
    settle()
    assert (ui.notationCombo.currentText, numbers[16].text) == ("Universal", "3")


def test_a_notation_that_is_none_is_fdi(toothseg: Any) -> None:
    from ToothSegScene.user_settings import remember

    remember("notation", "ISO")
    widget = open_panel(toothseg)
    show_result(widget)
    assert widget.ui.notationCombo.currentText == "FDI"
    assert widget.panel.result.odontogram.numbers[16].text == "16"


def test_a_scene_tells_nothing_of_who_worked_on_it(widget: Any, scene: Any, tmp_path: Path) -> None:
    import slicer

    enter(widget, tmp_path / "my-folder", "my-initials")
    show_result(widget)
    (tmp_path / "exports-of-john").mkdir()
    widget.ui.folderEdit.currentPath = str(tmp_path / "exports-of-john")
    settle()
    widget.ui.exportSegmentationButton.click()
    assert len(list((tmp_path / "exports-of-john").iterdir())) == 1
    path = tmp_path / "scene.mrml"
    assert slicer.util.saveScene(str(path))
    text = path.read_text()
    assert "ToothSeg" in text
    assert "my-initials" not in text
    assert "my-folder" not in text
    assert "exports-of-john" not in text


def test_the_export_folder_is_for_the_scene_that_is_open(
    widget: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    line = widget.ui.folderEdit
    show_result(widget)
    # As scenes of earlier versions have it.
    widget.logic.getParameterNode().parameterNode.SetParameter("exportFolder", "theirs")
    line.currentPath = str(tmp_path)
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert line.currentPath == str(tmp_path)
    path = tmp_path / "theirs.mrb"
    assert slicer.util.saveScene(str(path))
    scene.Clear(0)
    settle()
    assert line.currentPath == ""
    slicer.util.loadScene(str(path))
    settle()
    assert line.currentPath == ""
    assert not widget.ui.exportSurfacesButton.enabled


def test_what_was_declined_for_one_patient_is_asked_again_for_the_next(
    widget: Any, scene: Any, tmp_path: Path, dialogs: Any
) -> None:
    import qt

    enter(widget, tmp_path / "set", "ab")
    show_result(widget).SetName("SMITH^JOHN teeth")
    widget.panel.result.selection.set((36,))
    dialogs.answer(qt.QMessageBox.Cancel)
    widget.ui.approveButton.click()
    assert len(dialogs.take()) == 1
    assert not widget.ui.autosaveCheck.checked
    scene.Clear(0)
    settle()
    assert widget.ui.autosaveCheck.checked


def test_the_stand_in_takes_texts_of_a_group_alone(slicer_app: Any) -> None:
    settings = slicer_app.userSettings()
    assert settings.value("ToothSeg/nothing", "x") == "x"
    settings.setValue("ToothSeg/a", "1, 2")
    settings.sync()
    assert slicer_app.userSettings().value("ToothSeg/a") == "1, 2"
    assert settings.contains("ToothSeg/a")
    settings.remove("ToothSeg/a")
    assert not settings.contains("ToothSeg/a")
    for wrong in (True, 1, None):
        with pytest.raises(TypeError):
            settings.setValue("ToothSeg/a", wrong)
    with pytest.raises(ValueError, match="group"):
        settings.setValue("a", "b")
    with pytest.raises(TypeError):
        settings.value("ToothSeg/a", "", type=str)
    with pytest.raises(AttributeError):
        settings.group()
