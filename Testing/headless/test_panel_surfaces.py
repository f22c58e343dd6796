"""A result whose segments are kept as surfaces is not shown as one without anything to do."""

from __future__ import annotations

from typing import Any

from panel_fixture import settle
from teeth_node import LABELMAP, SURFACE

TOLD = (
    "The segments are kept as Closed surface: make Binary labelmap their source representation in "
    "the Segmentations module."
)


def test_the_panel_says_why_it_knows_no_teeth(widget: Any, scan_and_node: tuple[Any, Any]) -> None:
    node, ui = scan_and_node[1], widget.ui
    assert ui.findingsButton.text == "To check (1)"
    node.CreateClosedSurfaceRepresentation()
    segmentation = node.GetSegmentation()
    segmentation.SetSourceRepresentationName(SURFACE)
    segmentation.RemoveRepresentation(LABELMAP)  # as "Make source" does
    settle()
    assert TOLD in ui.messageLabel.text
    assert ui.findingsButton.text == "To check: not known"
    segmentation.CreateRepresentation(LABELMAP)
    segmentation.SetSourceRepresentationName(LABELMAP)
    settle()
    assert TOLD not in ui.messageLabel.text
    assert ui.findingsButton.text.startswith("To check (")  # surfaces lose thin teeth
