"""Every correction button, and its undo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from panel_fixture import GivenPoints, give_result, open_panel, settle


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch, scene: Any) -> GivenPoints:
    """Where the user will click."""
    from ToothSegPanel import result_panel

    given = GivenPoints()
    monkeypatch.setattr(result_panel, "PlacedPoints", lambda: given)
    return given


@pytest.fixture
def widget(points: GivenPoints, sample_volume_node: Any, toothseg: Any) -> Any:
    """The panel, with points from the test, and with a smoothing that the coarse sample feels."""
    widget = open_panel(toothseg)
    widget.ui.smoothSpin.value = 2.0
    return widget


@pytest.fixture
def node(widget: Any, sample_volume_node: Any, sample_labels: Any) -> Any:
    """The sample's teeth without 14, so that a number is free."""
    array = sample_labels.array.copy()
    array[array == 14] = 0
    return give_result(widget, sample_volume_node, sample_labels.with_array(array))


def _labels(node: Any) -> np.ndarray:
    import slicer

    from ToothSegScene.segments import read_labels

    return read_labels(node, slicer.util.getNode("vtkMRMLScalarVolumeNode*")).array.copy()


def test_the_cursor_is_a_clock_during_a_verb_its_undo_and_its_redo(
    widget: Any, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtWidgets import QApplication

    from ToothSegScene.editing import Corrections

    seen: dict[str, bool] = {}

    def look(name: str) -> Any:
        real = getattr(Corrections, name)

        def verb(corrections: Any, *arguments: Any) -> None:
            seen[name] = QApplication.overrideCursor() is not None
            real(corrections, *arguments)

        return verb

    for name in ("delete", "undo", "redo"):
        monkeypatch.setattr(Corrections, name, look(name))
    _do(widget, (31,), "deleteButton")
    widget.ui.undoButton.click()
    widget.ui.redoButton.click()
    assert seen == {"delete": True, "undo": True, "redo": True}
    assert QApplication.overrideCursor() is None


def _do(widget: Any, teeth: tuple[int, ...], button: str, new: int | None = None) -> None:
    result = widget.panel.result
    result.selection.set(teeth)
    if new is not None:
        result.corrections.choose_number(new)
    part = getattr(widget.ui, button)
    assert part.enabled, part.toolTip
    part.click()
    settle()


@pytest.mark.parametrize(
    ("teeth", "button", "new", "name", "selected"),
    [
        ((15,), "renumberButton", 14, "renumber 15 to 14", (14,)),
        ((16, 26), "swapButton", None, "swap 16 and 26", (16, 26)),
        ((15,), "renumberFromButton", 14, "renumber from 15 to 14", (14,)),
        ((16, 17), "mergeButton", None, "merge 16, 17", (16,)),
        ((31,), "deleteButton", None, "delete 31", ()),
        ((31,), "missingButton", None, "mark 31 missing", (31,)),
        ((36,), "smoothButton", None, "smooth 36", (36,)),
    ],
)
def test_a_verb_its_undo_and_redo(
    widget: Any,
    node: Any,
    teeth: tuple[int, ...],
    button: str,
    new: int | None,
    name: str,
    selected: tuple[int, ...],
) -> None:
    ui = widget.ui
    before = _labels(node)
    assert not ui.undoButton.enabled
    assert "nothing to undo" in ui.undoButton.toolTip
    _do(widget, teeth, button, new)
    after = _labels(node)
    assert not np.array_equal(before, after)
    assert widget.panel.result.selection.teeth == selected
    assert ui.undoButton.toolTip == f"Undo: {name}"
    ui.undoButton.click()
    np.testing.assert_array_equal(_labels(node), before)
    assert ui.redoButton.toolTip == f"Redo: {name}"
    ui.redoButton.click()
    np.testing.assert_array_equal(_labels(node), after)
    assert not ui.redoButton.enabled


def test_a_mark_of_missing_is_taken_back_without_the_history(widget: Any, node: Any) -> None:
    from ToothSegScene.review import state_of

    ui = widget.ui
    _do(widget, (14,), "missingButton")
    assert state_of(node, 14) == "missing"
    assert ui.missingButton.text == "Take back: missing"
    widget.panel.result.forget()  # as after the scene was loaded again
    widget.panel.refresh()
    _do(widget, (14,), "missingButton")
    assert state_of(node, 14) == "absent"
    assert node.GetAttribute("ToothSeg.Missing") is None
    assert ui.missingButton.text == "Mark missing"
    assert ui.undoButton.toolTip == "Undo: take back that 14 is missing"
    ui.undoButton.click()
    settle()
    assert state_of(node, 14) == "missing"
    assert ui.missingButton.text == "Take back: missing"
    ui.redoButton.click()
    assert state_of(node, 14) == "absent"
    widget.panel.result.selection.set((14, 15))
    assert not ui.missingButton.enabled


def test_shifting_a_quadrant_both_ways(widget: Any, node: Any) -> None:
    before = _labels(node)
    _do(widget, (27,), "deleteButton")
    _do(widget, (22,), "shiftBackButton")
    assert widget.panel.result.selection.teeth == (23,)
    np.testing.assert_array_equal(_labels(node) == 23, before == 22)
    _do(widget, (23,), "shiftForwardButton")
    np.testing.assert_array_equal(_labels(node) == 22, before == 22)


def test_keeping_the_largest_piece(
    widget: Any, sample_volume_node: Any, sample_labels: Any
) -> None:
    array = sample_labels.array.copy()
    array[:2, :2, :2] = 16
    node = give_result(widget, sample_volume_node, sample_labels.with_array(array))
    _do(widget, (16,), "largestButton")
    assert not _labels(node)[:2, :2, :2].any()
    widget.ui.undoButton.click()
    np.testing.assert_array_equal(_labels(node), array)


def test_splitting_by_a_click_on_each_half(
    widget: Any, points: GivenPoints, sample_volume_node: Any, sample_labels: Any
) -> None:
    array = sample_labels.array.copy()
    array[array == 17] = 16
    node = give_result(widget, sample_volume_node, sample_labels.with_array(array))
    clicks = [_middle(sample_labels, fdi) for fdi in (16, 17)]
    _do(widget, (16,), "splitButton", 17)
    assert widget.ui.selectionLabel.text == (
        "<b>Click on the half of 16 that keeps its number, then on the half that becomes 17.</b>"
    )
    assert widget.ui.splitButton.text == "Stop splitting"
    points.click(clicks)
    labels = _labels(node)
    for fdi in (16, 17):
        truth = sample_labels.array == fdi
        assert np.count_nonzero(labels[truth] == fdi) > 0.85 * np.count_nonzero(truth)
    assert widget.panel.result.selection.teeth == (16, 17)
    widget.ui.undoButton.click()
    np.testing.assert_array_equal(_labels(node), array)


def _middle(labels: Any, fdi: int) -> tuple[float, float, float]:
    k, j, i = np.argwhere(labels.array == fdi).mean(axis=0)
    left, posterior, superior, _ = labels.index_to_lps @ [i, j, k, 1]
    return -left, -posterior, superior


def test_a_split_is_given_up_by_selecting_elsewhere(
    widget: Any, node: Any, points: GivenPoints
) -> None:
    before = _labels(node)
    _do(widget, (16,), "splitButton", 14)
    widget.panel.result.odontogram.buttons[26].click()
    assert points.done is None
    assert widget.ui.splitButton.text == "Split..."
    np.testing.assert_array_equal(_labels(node), before)


def test_a_split_takes_the_number_that_is_chosen_at_the_end(
    widget: Any, points: GivenPoints, sample_volume_node: Any, sample_labels: Any, dialogs: Any
) -> None:
    from ToothSegScene.segments import teeth_of

    array = sample_labels.array.copy()
    array[array == 17] = 16
    array[array == 14] = 0
    node = give_result(widget, sample_volume_node, sample_labels.with_array(array))
    clicks = [_middle(sample_labels, fdi) for fdi in (16, 17)]
    _do(widget, (16,), "splitButton", 14)
    widget.panel.result.corrections.choose_number(15)
    points.click(clicks)
    (shown,) = dialogs.take()
    assert "15 is taken" in shown.text
    np.testing.assert_array_equal(_labels(node), array)
    _do(widget, (16,), "splitButton", 14)
    widget.panel.result.corrections.choose_number(17)
    points.click(clicks)
    assert widget.panel.result.selection.teeth == (16, 17)
    assert 17 in teeth_of(node)
    assert 14 not in teeth_of(node)


@pytest.mark.parametrize("button", ["undoButton", "smoothButton", "editorButton"])
def test_a_split_is_given_up_by_doing_something_else(
    widget: Any, node: Any, points: GivenPoints, button: str
) -> None:
    widget.panel.result._open_editor = lambda *what: None
    _do(widget, (26,), "smoothButton")
    _do(widget, (16,), "splitButton", 14)
    getattr(widget.ui, button).click()
    assert points.done is None
    assert widget.ui.splitButton.text == "Split..."
    assert "Click on the half" not in widget.ui.selectionLabel.text


def test_a_split_is_given_up_when_the_result_goes(
    widget: Any, node: Any, points: GivenPoints, scene: Any
) -> None:
    _do(widget, (16,), "splitButton", 14)
    scene.RemoveNode(node)
    settle()
    assert points.done is None
    assert widget.panel.result.selection.teeth == ()


def test_a_button_that_cannot_says_why(widget: Any, node: Any) -> None:
    widget.panel.result.selection.set((16,))
    widget.panel.result.corrections.choose_number(15)
    for button, reason in (
        ("renumberButton", "Number 15 is taken"),
        ("swapButton", "Select two teeth"),
        ("mergeButton", "Select two or more"),
        ("redoButton", "nothing to redo"),
    ):
        part = getattr(widget.ui, button)
        assert not part.enabled
        assert reason in part.toolTip


def test_an_error_is_one_line_without_a_traceback(
    widget: Any, node: Any, points: GivenPoints, dialogs: Any
) -> None:
    before = _labels(node)
    _do(widget, (16,), "splitButton", 14)
    points.click([(900.0, 0.0, 0.0), (0.0, 900.0, 0.0)])
    (shown,) = dialogs.take()
    assert "\n" not in shown.text
    assert not shown.detail
    np.testing.assert_array_equal(_labels(node), before)


def test_the_segment_editor_opens_on_the_tooth(
    widget: Any, node: Any, sample_volume_node: Any
) -> None:
    from ToothSegScene.segments import teeth_of

    opened: list[Any] = []
    widget.panel.result._open_editor = lambda *what: opened.append(what)
    _do(widget, (16,), "editorButton")
    assert opened == [(node, sample_volume_node, teeth_of(node)[16])]


def test_smoothing_all_teeth_reviews_none_of_them(widget: Any, node: Any) -> None:
    from ToothSegScene.segments import teeth_of

    ui = widget.ui
    words = ui.reviewButton.text, ui.findingsButton.text
    assert words == ("Review (0 of 27)", "To check (3)")
    _do(widget, tuple(sorted(teeth_of(node))), "smoothButton")
    assert (ui.reviewButton.text, ui.findingsButton.text) == words
