"""A folder that the user takes out of its line: nothing is written, and nobody remembers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from case_fixture import result
from panel_fixture import open_panel, settle
from ToothSegLib.dataset.folder import Dataset

EXPORTS = ("exportSurfacesButton", "exportSegmentationButton")
TRAINING = ("exportCaseButton", "exportReviewedButton", "openCaseButton")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory of the process, empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def widget(toothseg: Any, here: Path) -> Any:
    """The panel with a result, and initials."""
    widget = open_panel(toothseg)
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    widget.ui.annotatorEdit.text = "ab"
    settle()
    return widget


def test_an_emptied_export_folder_stays_empty(widget: Any, tmp_path: Path) -> None:
    ui = widget.ui
    ui.folderEdit.currentPath = str(tmp_path)
    assert ui.exportSurfacesButton.enabled
    ui.folderEdit.currentPath = ""
    for name in EXPORTS:
        button = getattr(ui, name)
        assert not button.enabled
        assert "Choose a folder first." in button.toolTip
    widget.panel.refresh()
    assert ui.folderEdit.currentPath == ""


def test_an_emptied_data_set_is_forgotten(widget: Any, scene: Any, tmp_path: Path) -> None:
    ui = widget.ui
    ui.datasetEdit.currentPath = str(tmp_path / "set")
    ui.autosaveCheck.click()
    ui.datasetEdit.currentPath = ""
    for name in TRAINING:
        assert not getattr(ui, name).enabled
    assert "Not saved" in ui.savedLabel.text
    assert "Choose the folder of a data set first." in ui.savedLabel.text
    scene.Clear(0)
    settle()
    assert ui.datasetEdit.currentPath == ""
    assert ui.autosaveCheck.checked
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    widget.panel.result.selection.set((36,))
    widget.ui.approveButton.click()
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.revision == 1


@pytest.mark.parametrize("text", ["", " "])
@pytest.mark.parametrize("name", EXPORTS + TRAINING)
def test_a_click_without_a_folder_is_refused_in_a_line(
    widget: Any, here: Path, tmp_path: Path, dialogs: Any, name: str, text: str
) -> None:
    """Even where no signal has told that the folder is gone."""
    ui = widget.ui
    lines = (ui.folderEdit, ui.datasetEdit)
    for line in lines:
        line.currentPath = str(tmp_path)
        line.blockSignals(True)
        line.currentPath = text
    button = getattr(ui, name)
    assert button.enabled
    button.click()
    for line in lines:
        line.blockSignals(False)
    (shown,) = dialogs.take()
    assert shown.text.startswith("Choose ")
    assert "\n" not in shown.text
    assert list(here.iterdir()) == []
