"""With another notation than FDI the panel speaks it in tips, in prompts and of its steps."""

from __future__ import annotations

from typing import Any

import pytest

from panel_fixture import GivenPoints, give_result, open_panel, settle


@pytest.fixture
def widget(
    monkeypatch: pytest.MonkeyPatch, sample_volume_node: Any, sample_labels: Any, toothseg: Any
) -> Any:
    """The panel with the sample's teeth without 14, in Universal numbers."""
    from ToothSegPanel import result_panel

    monkeypatch.setattr(result_panel, "PlacedPoints", GivenPoints)
    widget = open_panel(toothseg)
    array = sample_labels.array.copy()
    array[array == 14] = 0
    give_result(widget, sample_volume_node, sample_labels.with_array(array))
    widget.ui.notationCombo.currentIndex = 1
    settle()
    return widget


def test_tips_steps_and_prompt_speak_the_chosen_notation(widget: Any, dialogs: Any) -> None:
    ui, result = widget.ui, widget.panel.result
    result.selection.set((26,))
    result.corrections.choose_number(25)
    assert "Number 13 is taken: swap 14 and 13" in ui.renumberButton.toolTip
    result.selection.set((16, 15))
    ui.swapButton.click()
    assert ui.undoButton.toolTip == "Undo: swap 3 and 4"
    result.selection.set((16,))
    ui.smoothSpin.value = 2.0  # the sample is coarse
    ui.smoothButton.click()
    assert ui.undoButton.toolTip == "Undo: smooth 3"
    ui.undoButton.click()
    assert ui.redoButton.toolTip == "Redo: smooth 3"
    result.corrections.choose_number(14)
    ui.splitButton.click()
    assert ui.selectionLabel.text == (
        "<b>Click on the half of 3 that keeps its number, then on the half that becomes 5.</b>"
    )
    result.points.click([(900.0, 0.0, 0.0), (0.0, 900.0, 0.0)])
    (shown,) = dialogs.take()
    assert "mm away from tooth 3:" in shown.text


def test_the_review_says_that_findings_speak_fdi(widget: Any) -> None:
    label = widget.ui.reviewLabel
    widget.panel.result.selection.set((16,))
    assert label.text.startswith("<b>3 upper right first molar</b>")
    assert label.text.endswith("The number of 16 is unsure (61 %).<br>(Numbers in the text: FDI)")
    widget.ui.notationCombo.currentIndex = 0
    settle()
    assert "FDI" not in label.text


def test_both_sides_of_the_odontogram_are_named_in_full(widget: Any) -> None:
    import qt

    tips = {part.toolTip for part in widget.ui.odontogramFrame.findChildren(qt.QLabel)}
    assert tips >= {"The patient's right", "The patient's left"}
