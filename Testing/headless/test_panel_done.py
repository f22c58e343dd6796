"""After a correction, its undo and its redo the line below the button says what was done."""

from __future__ import annotations

from typing import Any

import numpy as np

from case_fixture import TEETH
from panel_fixture import settle


def said(widget: Any) -> str:
    """The line below the button."""
    return str(widget.ui.messageLabel.text)


def choose(widget: Any, *teeth: int) -> None:
    widget.panel.result.selection.set(teeth)


def test_what_was_said_before_an_undo_does_not_stay(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    from ToothSegScene.segments import teeth_of

    node, ui = scan_and_node[1], widget.ui
    choose(widget, 16)
    widget.panel.result.corrections.choose_number(17)
    ui.renumberButton.click()
    assert said(widget) == "Done: renumber 16 to 17."
    widget.parent.exit()
    node.GetSegmentation().RemoveSegment("tooth_36")
    widget.parent.enter()
    settle()
    assert said(widget) == "<b>36 is gone</b> by hand: Undo brings it back."
    ui.undoButton.click()
    settle()
    assert said(widget) == "Undone: edit by hand."
    assert 36 in teeth_of(node)
    ui.notationCombo.currentIndex = 2
    ui.undoButton.click()
    settle()
    assert said(widget) == "Undone: renumber UR6 to UR7."
    assert tuple(teeth_of(node)) == TEETH
    ui.redoButton.click()
    settle()
    assert said(widget) == "Redone: renumber UR6 to UR7."


def test_a_verb_that_changes_nothing_says_so(widget: Any, scan_and_node: tuple[Any, Any]) -> None:
    choose(widget, 36)
    widget.ui.deleteButton.click()
    assert said(widget) == "Done: delete 36."
    choose(widget, 16)
    widget.ui.largestButton.click()  # it is of one piece
    assert said(widget) == "Keep largest: nothing has changed."
    assert widget.ui.undoButton.toolTip == "Undo: delete 36"


def test_a_split_says_what_was_done(widget: Any, scan_and_node: tuple[Any, Any]) -> None:
    import slicer

    scan, node = scan_and_node
    choose(widget, 36)
    widget.panel.result.corrections.choose_number(37)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "tooth_36", scan)
    to_ras = slicer.util.vtkMatrixFromArray(np.eye(4))
    scan.GetIJKToRASMatrix(to_ras)
    ends = (np.argwhere(array)[place][::-1] for place in (0, -1))
    points = [to_ras.MultiplyPoint((*map(float, end), 1.0))[:3] for end in ends]
    widget.panel.result.corrections._split_at(points)
    assert said(widget) == "Done: split 36."


def test_a_lost_tooth_of_a_scene_without_steps_is_promised_no_undo(
    widget: Any, scan_and_node: tuple[Any, Any]
) -> None:
    from ToothSegScene.review import findings_of

    node = scan_and_node[1]
    node.GetSegmentation().RemoveSegment("tooth_36")
    settle()
    (lost,) = (each for each in findings_of(node) if each.code == "lost")
    assert "Paint it again, or click Undo right after it happened;" in lost.message
