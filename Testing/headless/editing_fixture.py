"""The hand-made dentition as the Segment Editor and the reader may leave it."""

from __future__ import annotations

from typing import Any

from teeth_node import LABELMAP, make_node, some_labels

LAYOUTS = ("one layer", "separate layers", "no surfaces", "shrunken layer", "hidden parts")


def arrange(scene: Any, layout: str) -> Any:
    """The node as the Segment Editor and the reader may leave it."""
    import slicer

    node = make_node(scene, some_labels(), surfaces=layout != "no surfaces")
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    if layout in ("separate layers", "shrunken layer"):
        for fdi in (15, 47):
            segmentation.SeparateSegmentLabelmap(f"tooth_{fdi}")
    if layout == "shrunken layer":
        segment = segmentation.GetSegment("tooth_47")
        image = segment.GetRepresentation(LABELMAP)
        small, extent = slicer.vtkOrientedImageData(), [0] * 6
        slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(image, extent)
        slicer.vtkOrientedImageDataResample.CopyImage(image, small, extent)
        segment.AddRepresentation(LABELMAP, small)
    if layout == "hidden parts":
        node.SetAttribute("ToothSeg.Missing", "12 18")
        display.SetSegmentVisibility("tooth_15", False)
        display.SetSegmentOpacity3D("tooth_16", 0.25)
        display.SetSegmentOverrideColor("tooth_46", 0.1, 0.2, 0.3)
        segmentation.SetSegmentIndex("tooth_21", 0)
    return node
