"""Brush and eraser are Slicer's own: its Segment Editor, with the right segment selected."""

from __future__ import annotations

from typing import Any

import slicer
import slicer.util


def open_segment_editor(segmentation_node: Any, volume_node: Any, segment_id: str) -> None:
    """Go to the Segment Editor with this segmentation, its volume and a segment selected."""
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    editor.setSegmentationNode(segmentation_node)
    if volume_node is not None:
        editor.setSourceVolumeNode(volume_node)
    editor.setCurrentSegmentID(segment_id)
