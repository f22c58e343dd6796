"""Export through the panel; what the files hold is tested with ``ToothSegScene.export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from case_fixture import result
from panel_fixture import give_result, open_panel, settle


@pytest.fixture
def widget(toothseg: Any, sample_volume_node: Any, sample_labels: Any) -> Any:
    """The panel with the sample's teeth."""
    widget = open_panel(toothseg)
    give_result(widget, sample_volume_node, sample_labels)
    return widget


def test_without_a_folder_only_the_scene_takes_exports(widget: Any) -> None:
    assert not widget.ui.exportSurfacesButton.enabled
    assert "Choose a folder" in widget.ui.exportSurfacesButton.toolTip
    assert widget.ui.exportModelsButton.enabled
    assert widget.ui.exportLabelmapButton.enabled


def test_a_segmentation_file_goes_with_the_volume_that_it_lies_on(
    widget: Any, sample_volume_node: Any, scene: Any, tmp_path: Path
) -> None:
    """It tells neither its volume nor what there is to check."""
    import slicer

    ui = widget.ui
    assert ui.findingsButton.text == "To check (3)"
    ui.folderEdit.currentPath = str(tmp_path)
    ui.exportSegmentationButton.click()
    (path,) = tmp_path.glob("*.seg.nrrd")
    parameters = widget.logic.getParameterNode()
    parameters.segmentation = slicer.util.loadSegmentation(str(path))
    settle()
    assert ui.findingsButton.text == "To check: no report with this segmentation"
    ui.exportLabelmapButton.click()
    assert "labels is in the scene" in ui.messageLabel.text
    assert widget.panel.result._result()[1] is sample_volume_node
    scene.RemoveNode(sample_volume_node)
    settle()
    assert not ui.exportLabelmapButton.enabled


def test_a_run_that_ends_during_an_export_is_not_what_was_exported(
    widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ToothSegScene.export

    ui, parameters = widget.ui, widget.logic.getParameterNode()
    node = parameters.segmentation
    node.SetName("Exported")
    write = ToothSegScene.export.export_surfaces

    def export(exported: Any, *arguments: Any, **options: Any) -> Any:
        files = write(exported, *arguments, **options)
        parameters.segmentation = other  # Qt works at the dialog's steps
        return files

    other = result("anisotropic")[1]
    other.SetName("Arrived")
    monkeypatch.setattr(ToothSegScene.export, "export_surfaces", export)
    ui.folderEdit.currentPath = str(tmp_path)
    ui.exportSurfacesButton.click()
    assert parameters.segmentation is other
    assert "files of Exported written to" in ui.messageLabel.text
    settle()


def test_surfaces_by_the_choices_of_the_panel(widget: Any, tmp_path: Path) -> None:
    ui = widget.ui
    folder = tmp_path / "Zähne"
    folder.mkdir()
    ui.folderEdit.currentPath = str(folder)
    ui.formatCombo.currentIndex = 1
    ui.groupingCombo.currentIndex = 1
    ui.exportSurfacesButton.click()
    assert (folder / "upper_molars.obj").is_file()
    assert len(list(folder.glob("*.obj"))) == 8
    assert str(folder) in ui.messageLabel.text


def test_the_cursor_is_a_clock_while_files_are_written(
    widget: Any, dialogs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtWidgets import QApplication

    from ToothSegLib.errors import OutputError

    seen = []

    def fail(*_arguments: Any) -> None:
        seen.append(QApplication.overrideCursor())
        raise OutputError("the disk is full")

    monkeypatch.setattr("ToothSegScene.export.export_models", fail)
    widget.ui.exportModelsButton.click()
    assert seen != [None]
    assert QApplication.overrideCursor() is None
    (shown,) = dialogs.take()
    assert "The disk is full" in shown.text


@pytest.mark.parametrize("stop", [False, True])
def test_the_export_of_surfaces_shows_how_far_it_is_and_can_be_stopped(
    widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: bool
) -> None:
    import slicer

    from ToothSegScene import surface_files

    shown: list[Any] = []
    seen: list[tuple[int, str]] = []
    make, write = slicer.util.createProgressDialog, surface_files._write

    def make_and_keep(*arguments: Any, **named: Any) -> Any:
        shown.append(make(*arguments, **named))
        return shown[-1]

    def write_and_look(*arguments: Any) -> Any:
        (dialog,) = shown
        seen.append((dialog.value, dialog.labelText))
        if stop and len(seen) == 3:
            dialog.cancel()
        return write(*arguments)

    monkeypatch.setattr(slicer.util, "createProgressDialog", make_and_keep)
    monkeypatch.setattr(surface_files, "_write", write_and_look)
    widget.ui.folderEdit.currentPath = str(tmp_path)
    widget.ui.exportSurfacesButton.click()
    files = len(list(tmp_path.iterdir()))
    if stop:
        assert (len(seen), files) == (3, 0)
        assert widget.ui.messageLabel.text == "Cancelled; nothing was written."
    else:
        assert files == len(seen) == 28
        assert [value for value, _ in seen] == sorted(value for value, _ in seen)
        assert seen[0] == (60, "Writing surfaces")
        assert seen[-1][0] > 90


@pytest.mark.parametrize("stop", [False, True])
def test_the_bar_is_there_while_surfaces_are_made_and_moves_with_each_tooth(
    widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: bool
) -> None:
    import slicer

    from ToothSegScene import surface_files

    shown: list[Any] = []
    seen: list[int] = []
    make, meshes = slicer.util.createProgressDialog, surface_files.tooth_meshes

    def make_and_keep(*arguments: Any, **named: Any) -> Any:
        shown.append(make(*arguments, **named))
        return shown[-1]

    def look_and_make(node: Any, teeth: Any, smoothing: float, done: Any) -> Any:
        (dialog,) = shown
        assert dialog.visible

        def done_and_look(count: int) -> None:
            done(count)
            seen.append(dialog.value)
            if stop and len(seen) == 3:
                dialog.cancel()

        return meshes(node, teeth, smoothing, done_and_look)

    monkeypatch.setattr(slicer.util, "createProgressDialog", make_and_keep)
    monkeypatch.setattr(surface_files, "tooth_meshes", look_and_make)
    widget.ui.folderEdit.currentPath = str(tmp_path)
    widget.ui.exportSurfacesButton.click()
    if stop:
        assert len(seen) == 3
        assert list(tmp_path.iterdir()) == []
        assert widget.ui.messageLabel.text == "Cancelled; nothing was written."
    else:
        assert seen == [round(60 * count / 28) for count in range(1, 29)]
        assert "28 files" in widget.ui.messageLabel.text


def test_existing_files_are_replaced_only_on_request(
    widget: Any, tmp_path: Path, dialogs: Any
) -> None:
    ui = widget.ui
    ui.folderEdit.currentPath = str(tmp_path)
    ui.exportSegmentationButton.click()
    (path,) = tmp_path.glob("*.seg.nrrd")
    path.write_bytes(b"mine")
    ui.exportSegmentationButton.click()
    (shown,) = dialogs.take()
    assert "exists" in shown.text
    assert path.read_bytes() == b"mine"
    ui.replaceCheck.checked = True
    ui.exportSegmentationButton.click()
    assert path.stat().st_size > 1000


def test_the_tick_to_replace_files_is_for_one_export_of_one_result_into_one_folder(
    widget: Any, scene: Any, tmp_path: Path, dialogs: Any
) -> None:
    ui = widget.ui
    (tmp_path / "other").mkdir()

    def tick() -> None:
        ui.replaceCheck.checked = True
        widget.panel.refresh()
        assert ui.replaceCheck.checked

    ui.folderEdit.currentPath = str(tmp_path)
    for button in (ui.exportSegmentationButton, ui.exportSurfacesButton):
        tick()
        button.click()
        assert not ui.replaceCheck.checked
    ui.exportSegmentationButton.click()
    assert "exists" in dialogs.take()[0].text
    tick()
    ui.folderEdit.currentPath = str(tmp_path / "other")
    assert not ui.replaceCheck.checked
    tick()
    ui.resultSelector.setCurrentNode(result("anisotropic")[1])
    settle()
    assert not ui.replaceCheck.checked
    tick()
    scene.Clear(0)
    assert not ui.replaceCheck.checked


def test_the_tick_stays_where_an_export_failed(widget: Any, tmp_path: Path, dialogs: Any) -> None:
    widget.ui.folderEdit.currentPath = str(tmp_path / "nowhere")
    widget.ui.replaceCheck.checked = True
    widget.ui.exportSurfacesButton.click()
    dialogs.take()
    assert widget.ui.replaceCheck.checked


def test_a_folder_that_is_not_there_is_said_in_a_line(
    widget: Any, tmp_path: Path, dialogs: Any
) -> None:
    widget.ui.folderEdit.currentPath = str(tmp_path / "nowhere")
    widget.ui.exportSurfacesButton.click()
    (shown,) = dialogs.take()
    assert "nowhere" in shown.text
    assert "\n" not in shown.text


def test_models_and_label_map_come_into_the_scene(widget: Any, scene: Any) -> None:
    widget.ui.exportModelsButton.click()
    widget.ui.exportLabelmapButton.click()
    settle()
    assert scene.GetNumberOfNodesByClass("vtkMRMLModelNode") >= 20
    assert scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == 1
    # A label map is no scan: the choice of the volume stays.
    assert widget.ui.inputSelector.currentNode().GetClassName() == "vtkMRMLScalarVolumeNode"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("scan teeth", "scan teeth"),
        ("a/b: c?", "a b  c"),
        ("...", "teeth"),
        ("Köpfchen", "Köpfchen"),
    ],
)
def test_a_name_becomes_a_file_name(slicer_app: Any, name: str, stem: str) -> None:
    from ToothSegPanel.export_panel import _file_stem

    assert _file_stem(name) == stem
