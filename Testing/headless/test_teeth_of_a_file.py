"""Teeth that come from a file, of the command line or of Slicer, and their way into a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, result, some_labels
from node_fixture import linear_transform, volume_node, with_geometry
from panel_fixture import open_panel, settle
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.formats.slicer_header import segmentation_header
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


def grey(name: str = "oblique", seed: int = 3) -> Volume:
    """A scan of random voxels."""
    array = np.random.default_rng(seed).integers(-900, 3000, (9, 10, 12)).astype(np.int16)
    return with_geometry(array, name)


@pytest.fixture
def widget(toothseg: Any, tmp_path: Path) -> Any:
    """The panel, which knows a data set and who works."""
    widget = open_panel(toothseg)
    widget.ui.datasetEdit.currentPath = str(tmp_path / "set")
    widget.ui.annotatorEdit.text = "ab"
    return widget


@pytest.fixture
def loaded(scene: Any, tmp_path: Path) -> Any:
    """A file as `toothseg segment` writes it, as a segmentation node."""
    import slicer

    labels = with_geometry(some_labels(), "oblique")
    write_volume(tmp_path / "scan.seg.nrrd", labels, header=segmentation_header(labels))
    return slicer.util.loadSegmentation(str(tmp_path / "scan.seg.nrrd"))


def choose(widget: Any, scan: Any, node: Any) -> None:
    """As the user does under "Volume" and "Result"."""
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()


def test_a_file_of_the_command_line_is_saved_with_the_scan_that_is_chosen(
    widget: Any, loaded: Any, tmp_path: Path
) -> None:
    from PySide6.QtTest import QTest

    choose(widget, volume_node(grey()), loaded)
    ui = widget.ui
    assert ui.patientEdit.enabled
    QTest.keyClicks(ui.patientEdit, "p1")
    settle()
    assert ui.patientEdit.text == "p1"
    assert loaded.GetNodeReference("ToothSeg.Volume") is None  # no save yet, perhaps another scan
    ui.autosaveCheck.click()
    assert "Saved: revision 1" in ui.savedLabel.text
    widget.panel.result.selection.set((16,))
    ui.approveButton.click()
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert (case.revision, case.record.patient, case.record.teeth) == (2, "p1", TEETH)
    assert case.record.review[16] == "approved"
    np.testing.assert_array_equal(case.labels().array, some_labels())
    np.testing.assert_array_equal(case.image().array, grey().array)
    assert check_dataset(tmp_path / "set") == []


def test_it_is_exported_with_all_that_are_reviewed(
    widget: Any, loaded: Any, tmp_path: Path
) -> None:
    from ToothSegScene.review import set_reviewed

    choose(widget, volume_node(grey()), loaded)
    for fdi in TEETH:
        set_reviewed(loaded, fdi, True)
    widget.ui.exportReviewedButton.click()
    assert "1 of 1 results" in widget.ui.messageLabel.text
    assert len(Dataset.open(tmp_path / "set").cases()) == 1


def test_a_file_of_slicer_tells_the_whole_grid(widget: Any, scene: Any, tmp_path: Path) -> None:
    import slicer

    from ToothSegScene.export import export_segmentation
    from ToothSegScene.own_scan import scan_for

    export_segmentation(result()[1], tmp_path / "teeth.seg.nrrd")
    loaded = slicer.util.loadSegmentation(str(tmp_path / "teeth.seg.nrrd"))
    array = np.zeros((9, 10, 13), np.int16)
    wider = volume_node(with_geometry(array, "oblique"), "Wider")
    assert scan_for(loaded, wider) is None
    again = volume_node(grey(), "Again")
    assert scan_for(loaded, again) is again


@pytest.mark.parametrize("other", ["moved", "smaller", "under a transform", "none"])
def test_another_scan_does_not_stand_for_its_own(
    widget: Any, loaded: Any, dialogs: Any, tmp_path: Path, other: str
) -> None:
    grid = grey("canonical" if other == "moved" else "oblique")
    if other == "smaller":
        grid = grid.part((slice(0, 8), slice(0, 10), slice(0, 12)))
    scan = None if other == "none" else volume_node(grid)
    if other == "under a transform":
        scan.SetAndObserveTransformNodeID(linear_transform(np.eye(4)).GetID())
    choose(widget, scan, loaded)
    assert not widget.ui.patientEdit.enabled
    widget.ui.exportCaseButton.click()
    (shown,) = dialogs.take()
    assert shown.text.startswith("No run has made 'scan")
    assert "of a scan, and it is not on the voxels of the volume that is chosen" in shown.text
    assert not (tmp_path / "set").exists()


def test_once_saved_it_takes_no_other_scan(widget: Any, loaded: Any, scene: Any) -> None:
    from ToothSegScene.own_scan import scan_for, scan_is_lost

    first = volume_node(grey())
    choose(widget, first, loaded)
    widget.ui.exportCaseButton.click()
    second = volume_node(grey(seed=4), "Other")  # on the same grid
    choose(widget, second, loaded)
    assert scan_for(loaded, second) is first
    scene.RemoveNode(first)
    settle()
    assert scan_is_lost(loaded)
    assert scan_for(loaded, second) is None
    again = volume_node(grey(), "Again")
    settle()
    assert scan_for(loaded, second) is again


def test_a_result_of_a_run_whose_scan_is_gone_takes_none(widget: Any, scene: Any) -> None:
    from ToothSegScene.own_scan import scan_for

    scan, node = result()
    scene.RemoveNode(scan)
    assert scan_for(node, volume_node(grey())) is None
