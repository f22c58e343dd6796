"""What to label next, through the panel: the scans of a batch by gain, and one of them opened."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch_fixture import make_batch
from case_fixture import labels_on, save
from panel_fixture import open_panel, settle
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.ranking import Ranked
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.volume_io import read_volume


@pytest.fixture
def widget(toothseg: Any) -> Any:
    """The panel, in an empty scene, with its section unfolded."""
    widget = open_panel(toothseg)
    widget.ui.trainingButton.collapsed = False
    widget.parent.show()
    settle()
    return widget


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results of three scans."""
    return make_batch(monkeypatch, tmp_path)


def list_scans(widget: Any, out: Path, dialogs: Any) -> list[str]:
    """Ask for the scans of a batch; the rows."""
    dialogs.answer(str(out))
    widget.ui.labelNextButton.click()
    (shown,) = dialogs.take()
    assert shown.kind == "getExistingDirectory"
    return rows(widget)


def rows(widget: Any) -> list[str]:
    scans = widget.ui.rankingList
    return [scans.item(row).text() for row in range(scans.count)]


def nodes(scene: Any) -> list[str]:
    scene_nodes = scene.GetNodes()
    return [scene_nodes.GetItemAsObject(i).GetID() for i in range(scene_nodes.GetNumberOfItems())]


def test_scans_are_listed_by_gain_with_the_teeth_to_look_at_first(
    widget: Any, out: Path, dialogs: Any
) -> None:
    ui = widget.ui
    assert not ui.rankingFrame.visible
    assert list_scans(widget, out, dialogs) == [
        "worst: gain 2.6\n34, 35 (perhaps one tooth in two pieces)",
        "unsure: gain 1.4\n16 (number unsure)",
        "sure: gain 0.1",
    ]
    assert ui.rankingFrame.visible
    assert ui.openScanButton.enabled
    assert ui.rankingLabel.text == "3 scans, by what a correction may teach."
    ui.notationCombo.currentIndex = 2
    settle()
    assert rows(widget)[1] == "unsure: gain 1.4\nUR6 (number unsure)"
    dialogs.answer("")  # the user thinks better of it: the list stays
    ui.labelNextButton.click()
    (shown,) = dialogs.take()
    assert shown.text == str(out)  # where to begin
    assert len(rows(widget)) == 3


def test_no_more_than_twenty_scans_are_listed(widget: Any, out: Path, dialogs: Any) -> None:
    for number in range(25):
        shutil.copytree(out / "sure", out / f"sure {number:02}")
    (out / MANIFEST_NAME).unlink()  # or only those would be listed that it has
    assert len(list_scans(widget, out, dialogs)) == 20
    assert widget.ui.rankingLabel.text.startswith("The first 20 of 28 scans")


@pytest.mark.parametrize("how", ["button", "double click", "return"])
def test_a_scan_is_opened_ready_for_its_review(
    widget: Any, out: Path, dialogs: Any, how: str
) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QListWidget

    ui = widget.ui
    list_scans(widget, out, dialogs)
    scans = ui.rankingList
    scans.currentRow = 1
    if how == "button":
        ui.openScanButton.click()
    elif how == "double click":
        row = scans.visualItemRect(scans.item(1)).center()
        left, place = Qt.MouseButton.LeftButton, QPoint(row.x(), row.y())
        QTest.mouseClick(QListWidget.viewport(scans), left, pos=place)
        QTest.mouseDClick(QListWidget.viewport(scans), left, pos=place)
    else:
        QTest.keyClick(scans, Qt.Key.Key_Return)
    settle()
    parameters = widget.logic.getParameterNode()
    volume, node = parameters.inputVolume, parameters.segmentation
    assert volume.GetName() == "unsure"
    assert node.GetNodeReference("ToothSeg.Volume") is volume
    import slicer

    scan = read_volume(out.parent / "scans" / "unsure.nrrd")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(volume), scan.array)
    from ToothSegScene.volumes import volume_from_node

    assert volume_from_node(volume)[0].same_grid(scan)
    labels = read_volume(out / "unsure" / "unsure-labels.nrrd")
    np.testing.assert_array_equal(labels_on(node, volume), labels.array)
    assert ui.reviewButton.text == "Review (0 of 2)"
    assert not ui.reviewButton.collapsed
    assert widget.panel.result.selection.teeth == (16,)
    assert "61 %" in ui.reviewLabel.text
    assert "The number of 16 is unsure." in ui.reviewLabel.text
    assert "<b>unsure</b> is open." in ui.messageLabel.text
    assert len(rows(widget)) == 3  # the next one is at hand


def test_what_is_reviewed_is_left_out_and_what_is_begun_is_told(
    widget: Any, out: Path, dialogs: Any, tmp_path: Path
) -> None:
    from ToothSegScene.review import set_reviewed

    ui = widget.ui
    ui.datasetEdit.currentPath = str(tmp_path / "set")  # yet to be made
    assert len(list_scans(widget, out, dialogs)) == 3
    ui.openScanButton.click()
    node = widget.logic.getParameterNode().segmentation
    for fdi in (11, 34):
        set_reviewed(node, fdi, True)
    case = save(node, tmp_path / "set")
    assert len(list_scans(widget, out, dialogs)) == 3
    ui.openScanButton.click()
    assert f"{case.id}: 2 of 3 reviewed" in ui.messageLabel.text
    set_reviewed(node, 35, True)
    save(node, tmp_path / "set")
    assert [row.split(":")[0] for row in list_scans(widget, out, dialogs)] == ["unsure", "sure"]
    assert "(1 reviewed already)" in ui.rankingLabel.text
    ui.datasetEdit.currentPath = str(tmp_path / "other")
    assert not ui.rankingFrame.visible  # what it says is of another data set
    assert rows(widget) == []
    assert len(list_scans(widget, out, dialogs)) == 3
    ui.datasetEdit.currentPath = ""
    assert rows(widget) == []


def test_nothing_is_left_to_label(
    widget: Any, out: Path, dialogs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegPanel import ranking_panel

    shutil.rmtree(out / "unsure")
    shutil.rmtree(out / "sure")
    seen = json.loads((out / "worst" / RECORD_NAME).read_text())["voxels_sha256"]
    monkeypatch.setattr(ranking_panel.RankingPanel, "_reviewed", lambda panel: {seen})
    assert list_scans(widget, out, dialogs) == []
    assert "Nothing is left to label" in widget.ui.rankingLabel.text
    assert widget.ui.rankingLabel.visible
    assert not widget.ui.openScanButton.visible


def test_results_that_cannot_be_read_are_named(widget: Any, out: Path, dialogs: Any) -> None:
    (out / "sure" / "sure-report.json").write_text('{"teeth"')
    assert len(list_scans(widget, out, dialogs)) == 2
    summary, left_out = widget.ui.rankingLabel.text.split("\n")
    assert summary == "2 scans, by what a correction may teach."
    assert left_out.startswith("1 result could not be read and is left out: sure (JSONDecodeError")
    for number in range(3):
        shutil.copytree(out / "sure", out / f"sure {number}")
    (out / MANIFEST_NAME).unlink()  # or only those would be looked at that it has
    assert len(list_scans(widget, out, dialogs)) == 2
    left_out = widget.ui.rankingLabel.text.split("\n")[1]
    assert left_out.startswith("4 results could not be read and are left out: sure (")
    assert ") and 1 more. Run toothseg batch again" in left_out


def test_a_name_of_a_folder_is_no_markup(widget: Any, out: Path, dialogs: Any) -> None:
    import qt

    shutil.copytree(out / "sure", out / "<b>sure<b>")
    (out / "<b>sure<b>" / "sure-report.json").unlink()
    (out / MANIFEST_NAME).unlink()
    assert len(list_scans(widget, out, dialogs)) == 3
    assert "left out: <b>sure<b> (sure-report.json: No such" in widget.ui.rankingLabel.text
    assert widget.ui.rankingLabel.textFormat == qt.Qt.PlainText


def test_a_folder_without_a_batch_is_said_in_a_line(
    widget: Any, out: Path, dialogs: Any, tmp_path: Path
) -> None:
    list_scans(widget, out, dialogs)
    for name in ("sure", "unsure", "worst"):  # where one is whole, it is listed alone
        (out / name / f"{name}-report.json").write_text("{}")
    for folder, said in (
        (tmp_path / "scans", "holds no results of toothseg batch"),
        (out, "sure holds no whole result"),
    ):
        dialogs.answer(str(folder))
        widget.ui.labelNextButton.click()
        _, shown = dialogs.take()
        assert said in shown.text
        assert "\n" not in shown.text
        assert not shown.detail
        assert rows(widget) == []


def test_a_data_set_that_is_none_is_said_in_a_line(
    widget: Any, out: Path, dialogs: Any, tmp_path: Path
) -> None:
    widget.ui.datasetEdit.currentPath = str(tmp_path)
    dialogs.answer(str(out))
    widget.ui.labelNextButton.click()
    _, shown = dialogs.take()
    assert "is no data set" in shown.text


@pytest.mark.parametrize("fault", ["scan gone", "scan changed", "record torn", "labels cut"])
def test_what_cannot_be_opened_leaves_the_scene_as_it_was(
    widget: Any, out: Path, dialogs: Any, scene: Any, fault: str
) -> None:
    list_scans(widget, out, dialogs)
    widget.ui.rankingList.currentRow = 1
    scan = out.parent / "scans" / "unsure.nrrd"
    said = {"scan gone": "no longer at", "scan changed": "has changed since"}.get(
        fault, "holds no whole result"
    )
    if fault == "scan gone":
        scan.unlink()
    elif fault == "scan changed":
        shutil.copy(out.parent / "scans" / "worst.nrrd", scan)
    elif fault == "record torn":
        (out / "unsure" / RECORD_NAME).write_text('{"format"')
    else:
        (out / "unsure" / "unsure-labels.nrrd").write_bytes(b"NRRD0004\n")
    before = nodes(scene)
    widget.ui.openScanButton.click()
    settle()
    (shown,) = dialogs.take()
    assert said in shown.text
    assert "\n" not in shown.text
    assert not shown.detail
    assert nodes(scene) == before
    assert widget.logic.getParameterNode().inputVolume is None


def test_a_result_that_the_scene_refuses_leaves_no_volume(
    out: Path, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegLib.batch.result import read_result
    from ToothSegLib.errors import InputError
    from ToothSegScene import batch_result

    def refuse(*_: Any) -> None:
        raise InputError("no")

    monkeypatch.setattr(batch_result, "write_segmentation", refuse)
    before = nodes(scene)
    with pytest.raises(InputError, match="no"):
        batch_result.place_result(scene, read_result(out / "sure"))
    assert nodes(scene) == before


def test_a_scan_that_is_in_the_scene_is_used(out: Path, scene: Any) -> None:
    from ToothSegLib.batch.result import read_result
    from ToothSegScene.batch_result import place_result

    volume, first = place_result(scene, read_result(out / "sure"))
    again, second = place_result(scene, read_result(out / "sure"))
    assert again is volume
    assert first is not second
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


@pytest.mark.parametrize("style", ["light", "dark"])
def test_the_rows_are_shown_whole(
    widget: Any, out: Path, dialogs: Any, panel_screenshot: Any, tmp_path: Path, style: str
) -> None:
    """With the light theme the picture is that of docs/annotating.md."""
    from ToothSegPanel.ranking_panel import in_words

    list_scans(widget, out, dialogs)
    shown = os.environ.get("TOOTHSEG_SCREENSHOTS") if style == "light" else None
    folder = Path(shown or tmp_path)
    teeth = {
        16: "number unsure",
        34: "perhaps one tooth in two pieces",
        35: "perhaps one tooth in two pieces",
        11: "outline unclear",
        46: "only 71 % sure",
        47: "only 80 % sure",
    }
    gains = [(fdi, 1.0) for fdi in teeth]
    remarks = ["left and right unsure"]
    long = Ranked("p17__second-visit", 7.5, gains, reasons=teeth, remarks=remarks)
    assert in_words(long, "FDI") == (
        "p17__second-visit: gain 7.5\nleft and right unsure\n16 (number unsure), 34, 35 "
        "(perhaps one tooth in two pieces), 11 (outline unclear), 46 (only 71 % sure) and 1 more"
    )
    ranking = widget.panel.result.ranking
    _, middle, short = ranking._scans
    others = [replace(middle, name="p04__first-visit"), replace(short, name="p21__first-visit")]
    ranking._show([long, *others])
    panel_screenshot(widget.parent, folder / "panel-ranking.png", style=style)
    scans = widget.ui.rankingList
    heights = [scans.visualItemRect(scans.item(row)).height() for row in range(scans.count)]
    line = scans.fontMetrics().height()
    assert [height // line for height in heights] == [4, 2, 1]
