"""Review mode and autosave, through the panel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import choose, labels_on, some_labels, the_case
from panel_fixture import give_result, in_hand, settle
from ToothSegLib.dataset.checks import check_dataset


@pytest.fixture
def node(scan_and_node: tuple[Any, Any]) -> Any:
    """Four teeth, of which 36 has a finding and 16 is the least confident."""
    return scan_and_node[1]


def test_the_review_goes_by_urgency_then_by_confidence(widget: Any, node: Any) -> None:
    ui = widget.ui
    assert ui.reviewButton.text == "Review (0 of 4)"
    ui.reviewButton.collapsed = False  # this is what starts it
    assert in_hand(widget) == (36,)
    assert "36 is large." in ui.reviewLabel.text
    assert "confidence 95 %" in ui.reviewLabel.text
    ui.approveButton.click()
    assert in_hand(widget) == (16,)
    ui.nextButton.click()  # 16 is left open
    assert in_hand(widget) == (47,)
    ui.correctedButton.click()
    assert in_hand(widget) == (11,)
    assert (ui.reviewProgress.value, ui.reviewProgress.maximum) == (2, 4)
    assert ui.reviewProgress.format == "2 of 4 reviewed"
    ui.previousButton.click()
    assert in_hand(widget) == (47,)
    ui.nextButton.click()
    ui.approveButton.click()
    assert in_hand(widget) in ((16,), (11,))
    ui.approveButton.click()
    ui.approveButton.click()
    assert ui.reviewButton.text == "Review (4 of 4)"
    assert not ui.nextButton.enabled
    assert "No other tooth" in ui.nextButton.toolTip
    from ToothSegScene.review import review_of

    assert review_of(node) == {11: "approved", 16: "approved", 36: "approved", 47: "corrected"}


def test_each_button_has_a_key_that_works_while_the_section_is_open(widget: Any, node: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from ToothSegPanel.review_panel import BUTTONS
    from ToothSegScene.review import progress

    for name, (key, _) in BUTTONS.items():
        assert f"Key: {key}" in getattr(widget.ui, name).toolTip
    widget.parent.show()
    widget.parent.activateWindow()
    settle()
    widget.ui.findingsList.setFocus()
    widget.panel.result.selection.set((36,))
    QTest.keyClick(widget.parent, Qt.Key.Key_A)
    settle(0.3)
    assert progress(node) == (0, 4)
    widget.ui.reviewButton.collapsed = False
    settle()
    QTest.keyClick(widget.parent, Qt.Key.Key_A)
    settle(0.3)
    assert progress(node) == (1, 4)
    assert in_hand(widget) == (16,)
    QTest.keyClick(widget.parent, Qt.Key.Key_N)
    settle(0.3)
    assert in_hand(widget) == (47,)
    QTest.keyClick(widget.parent, Qt.Key.Key_P)
    settle(0.3)
    assert in_hand(widget) == (16,)
    QTest.keyClick(widget.parent, Qt.Key.Key_C)
    settle(0.3)
    assert progress(node) == (2, 4)


def test_every_step_is_saved_and_a_new_scene_goes_on_from_there(
    widget: Any, node: Any, folder: Path, scene: Any, dialogs: Any
) -> None:
    ui = widget.ui
    ui.autosaveCheck.click()
    assert the_case(folder).revision == 1
    ui.reviewButton.collapsed = False
    ui.approveButton.click()
    assert in_hand(widget) == (16,)
    widget.panel.result.corrections.choose_number(15)
    ui.renumberButton.click()
    ui.undoButton.click()
    case = the_case(folder)
    whats = [[change.what for change in entry.changes] for entry in case.history()]
    assert whats == [[], ["approved"], ["renumber", "renumber"], ["undo", "undo"]]
    assert f"revision 4 of {case.id}" in ui.savedLabel.text
    assert check_dataset(folder) == []

    scene.Clear(0)
    settle()
    ui.datasetEdit.currentPath = str(folder)
    dialogs.answer(choose(case.id))
    ui.openCaseButton.click()
    settle()
    assert [shown.title for shown in dialogs.take()] == ["Go on with a case"]
    assert f"{case.id}: 1 of 4 reviewed" in ui.messageLabel.text
    assert in_hand(widget) == (case.next_tooth(),) == (16,)
    assert not ui.reviewButton.collapsed
    assert ui.reviewButton.text == "Review (1 of 4)"
    loaded = widget.logic.getParameterNode().segmentation
    scan = ui.inputSelector.currentNode()
    np.testing.assert_array_equal(labels_on(loaded, scan), some_labels())


def test_the_cursor_is_a_clock_while_a_case_is_loaded(
    widget: Any, node: Any, folder: Path, dialogs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtWidgets import QApplication

    from ToothSegLib.errors import InputError

    seen: list[Any] = []

    def fail(*_arguments: Any) -> None:
        seen.append(QApplication.overrideCursor())
        raise InputError("the case is damaged")

    widget.ui.exportCaseButton.click()
    monkeypatch.setattr("ToothSegScene.training_case.place_case", fail)
    dialogs.answer(lambda dialog: seen.append(QApplication.overrideCursor()) or choose("")(dialog))
    widget.ui.openCaseButton.click()
    asked, opening = seen
    assert asked is None
    assert opening is not None
    assert QApplication.overrideCursor() is None
    assert "The case is damaged." in [shown.text for shown in dialogs.take()]


def test_the_picture_of_the_guide(
    widget: Any,
    full_sample_node: Any,
    full_sample_labels: Any,
    panel_screenshot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The review of the sample, two thirds done, as docs/annotating.md shows it."""
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QWidget

    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of

    node = give_result(widget, full_sample_node, full_sample_labels)
    unsure = node.GetSegmentation().GetSegment(teeth_of(node)[16])
    unsure.SetTag("ToothSeg.Confidence", "0.610")
    ui = widget.ui
    folder = Path(os.environ.get("TOOTHSEG_SCREENSHOTS") or tmp_path).resolve()
    monkeypatch.chdir(tmp_path)
    ui.datasetEdit.currentPath = "teeth-set"
    ui.annotatorEdit.text = "ab"
    for fdi in sorted(set(teeth_of(node)) - {16, 34, 35})[:19]:
        set_reviewed(node, fdi, True)
    ui.autosaveCheck.click()
    ui.correctionsButton.collapsed = True
    for name in ("reviewButton", "trainingButton"):
        getattr(ui, name).collapsed = False
    assert in_hand(widget) == (16,)
    settle()
    assert "revision 1 of case-" in ui.savedLabel.text
    assert ui.reviewProgress.format.startswith("19 of ")
    image = QImage(str(panel_screenshot(widget.parent, folder / "panel-review.png")))
    # The bar is there and filled by two thirds, its words on it.
    bar = QWidget.mapTo(ui.reviewProgress, widget.parent, QPoint(0, ui.reviewProgress.height // 2))
    row = [image.pixelColor(x, bar.y()) for x in range(480)]
    blues = [colour for colour in row if colour.blue() > colour.red() + 40]
    assert 0.5 < len(blues) / ui.reviewProgress.width < 0.8
