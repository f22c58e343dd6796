"""Teeth that the Segment Editor's own Undo brings back, with the tags that they had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from panel_fixture import settle

STROKE = np.s_[8:9, 0:3, 0:2]
LOOK = "delete it again, or look at it."


def visit(widget: Any, do: Any) -> None:
    """Go to the Segment Editor and come back."""
    widget.parent.exit()
    do()
    widget.parent.enter()
    settle()


def paint(scan: Any, node: Any) -> None:
    """A brush stroke on 47."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "tooth_47", scan)
    array[STROKE] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "tooth_47", scan)


@pytest.mark.parametrize(
    ("teeth", "new", "button", "there", "gone", "told"),
    [
        ((36,), 0, "deleteButton", {36}, set(), f"<b>36 is there again</b>: {LOOK}"),
        ((36,), 0, "missingButton", {36}, set(),
         f"<b>36 is there again</b>: {LOOK} 36 is marked missing all the same."),
        ((36,), 37, "renumberButton", {36}, {37}, f"<b>36 is there again</b>: {LOOK}"),
        ((11, 16), 0, "mergeButton", {11, 16}, set(), f"<b>16 is there again</b>: {LOOK}"),
    ],
)  # fmt: skip
def test_a_tooth_that_comes_back_is_open_and_told(
    widget: Any,
    scan_and_node: tuple[Any, Any],
    teeth: tuple[int, ...],
    new: int,
    button: str,
    there: set[int],
    gone: set[int],
    told: str,
) -> None:
    import slicer

    from ToothSegScene.review import review_of, set_reviewed

    scan, node = scan_and_node
    for fdi in teeth:
        set_reviewed(node, fdi, True)
    settle()
    undo = slicer.vtkSegmentationHistory()
    undo.SetMaximumNumberOfStates(10)
    undo.SetSegmentation(node.GetSegmentation())
    visit(widget, lambda: (undo.SaveState(), paint(scan, node)))
    widget.panel.result.selection.set(teeth)
    if new:
        widget.panel.result.corrections.choose_number(new)
    getattr(widget.ui, button).click()
    visit(widget, undo.RestorePreviousState)
    review = review_of(node)
    assert {fdi: review[fdi] for fdi in there} == dict.fromkeys(there, "predicted")
    assert {fdi for fdi, state in review.items() if state == "lost"} == gone
    assert told in widget.ui.messageLabel.text


def test_a_tooth_that_was_drawn_by_hand_stays_corrected(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    import slicer

    from ToothSegScene.review import review_of

    scan, node = scan_and_node

    def draw() -> None:
        node.GetSegmentation().AddEmptySegment("Segment_1", "21")
        array = np.zeros(slicer.util.arrayFromVolume(scan).shape, np.uint8)
        array[STROKE] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "Segment_1", scan)

    visit(widget, draw)
    assert review_of(node)[21] == "corrected"
    assert "there again" not in widget.ui.messageLabel.text
