"""What a correction makes of the segments: names, tags, layers and surfaces, saved scenes too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teeth_node import (
    HALF_A,
    HALF_B,
    LABELMAP,
    SHAPE,
    SURFACE,
    TEETH,
    digest,
    fdi_labels,
    segments_of,
    tag,
    voxels_of,
    world,
)
from ToothSegLib.editing import corrections as on_labels
from ToothSegLib.errors import ToothSegError
from ToothSegLib.formats.slicer_header import terminology_entry
from ToothSegLib.teeth import by_fdi


def test_renumbered_tooth_is_the_new_one_in_every_respect(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    node.GetDisplayNode().SetSegmentVisibility("tooth_14", False)
    surface = segments_of(node)["tooth_14"].GetRepresentation(SURFACE)
    Corrections(node).renumber(14, 43)
    segments = segments_of(node)
    assert "tooth_14" not in segments
    segment, tooth = segments["tooth_43"], by_fdi(43)
    assert segment.GetName() == "43 lower right canine"
    assert np.allclose(np.multiply(segment.GetColor(), 255), tooth.colour)
    assert segment.GetTerminology() == terminology_entry(tooth)
    assert tag(segment, "ToothSeg.FDI") == "43"
    assert tag(segment, "ToothSeg.Category") == "lower canines"
    assert tag(segment, "ToothSeg.Confidence") == "0.140"  # it was of this shape
    assert tag(segment, "ToothSeg.Review") == "corrected"
    assert tag(segment, "Clinic.Note") == "note of 14"
    assert not node.GetDisplayNode().GetSegmentVisibility("tooth_43")
    assert segment.GetRepresentation(SURFACE) is surface
    assert list(segments)[0] == "tooth_43"
    assert tag(segments["tooth_15"], "ToothSeg.Review") == "predicted"


def test_shared_layer_stays_one_and_only_changed_surfaces_are_made_anew(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    segmentation = node.GetSegmentation()
    layers = segmentation.GetNumberOfLayers(LABELMAP)
    image = segments_of(node)["tooth_14"].GetRepresentation(LABELMAP)
    old = {name: s.GetRepresentation(SURFACE) for name, s in segments_of(node).items()}
    corrections = Corrections(node)
    corrections.split(16, world(node, HALF_A), world(node, HALF_B), 17)
    corrections.swap(14, 15)
    corrections.smooth([46], 0.5)
    assert segmentation.GetNumberOfLayers(LABELMAP) == layers
    segments = segments_of(node)
    for fdi in (14, 15, 16, 17, 21, 46, 47):
        assert segments[f"tooth_{fdi}"].GetRepresentation(LABELMAP) is image
    new = {name: s.GetRepresentation(SURFACE) for name, s in segments.items()}
    assert new["tooth_14"] is old["tooth_15"]
    assert new["tooth_15"] is old["tooth_14"]
    for name in ("tooth_21", "tooth_47"):
        assert new[name] is old[name]
    for name in ("tooth_16", "tooth_46"):
        assert new[name] is not old[name]
    # The new half's surface lies about its voxels: between the halves' clicks and the far end.
    bounds = np.array(new["tooth_17"].GetBounds()).reshape(3, 2)
    local = [0.0, 0.0, 0.0]
    node.TransformPointFromWorld(world(node, HALF_B), local)
    assert (bounds[:, 0] < local).all()
    assert (local < bounds[:, 1]).all()


def test_declared_missing_and_found_again(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.mark_missing(15)
    corrections.mark_missing(11)
    assert node.GetAttribute("ToothSeg.Missing") == "11 15"
    with pytest.raises(ToothSegError, match="11 is marked as missing already"):
        corrections.mark_missing(11)
    with pytest.raises(ToothSegError, match="14 is not marked as missing"):
        corrections.take_back_missing(14)
    corrections.renumber(14, 15)
    assert node.GetAttribute("ToothSeg.Missing") == "11"
    corrections.undo()
    assert node.GetAttribute("ToothSeg.Missing") == "11 15"
    corrections.undo()
    corrections.undo()
    assert node.GetAttribute("ToothSeg.Missing") is None


def test_empty_segment_of_a_number_gives_way(node: Any) -> None:
    import slicer

    from ToothSegScene.editing import Corrections

    for fdi in (13, 17):
        empty = slicer.vtkSegment()
        empty.SetTag("ToothSeg.FDI", str(fdi))
        empty.SetLabelValue(200 + fdi)
        empty.AddRepresentation(LABELMAP, segments_of(node)["tooth_14"].GetRepresentation(LABELMAP))
        node.GetSegmentation().AddSegment(empty, f"tooth_{fdi}")
    before = digest(node)
    corrections = Corrections(node)
    corrections.renumber(14, 13)
    corrections.split(16, world(node, HALF_A), world(node, HALF_B), 17)
    segments = segments_of(node)
    assert list(segments).count("tooth_13") == list(segments).count("tooth_17") == 1
    assert {13, 15, 16, 17} <= set(np.unique(fdi_labels(node, SHAPE)))
    corrections.undo()
    corrections.undo()
    assert digest(node) == before


def test_a_tooth_is_what_its_tag_says_whatever_its_id(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    segments_of(node)["Bone"].SetTag("ToothSeg.FDI", "none")
    for segment_id, fdi in (("tooth_14", "15"), ("tooth_15", "14")):
        segments_of(node)[segment_id].SetTag("ToothSeg.FDI", fdi)
    before = fdi_labels(node, SHAPE)
    Corrections(node).renumber(14, 13)
    assert np.array_equal(fdi_labels(node, SHAPE), on_labels.renumbered(before, {14: 13}))
    assert tag(segments_of(node)["tooth_14"], "ToothSeg.FDI") == "15"


def test_corrections_are_saved_with_the_scene(scene: Any, node: Any, tmp_path: Any) -> None:
    import slicer

    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.split(16, world(node, HALF_A), world(node, HALF_B), 17)
    corrections.mark_missing(14)
    labels = fdi_labels(node, SHAPE)
    reviews = {name: tag(s, "ToothSeg.Review") for name, s in segments_of(node).items()}
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    scene.Clear(0)
    slicer.util.loadScene(str(path))
    loaded = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert loaded.GetAttribute("ToothSeg.Missing") == "14"
    assert {name: tag(s, "ToothSeg.Review") for name, s in segments_of(loaded).items()} == reviews
    found = {int(fdi) for fdi in np.unique(labels) if fdi}
    assert found == set(TEETH) - {14} | {17}
    for fdi in found:
        segment = segments_of(loaded)[f"tooth_{fdi}"]
        array = voxels_of(segment.GetRepresentation(LABELMAP))
        assert (array == segment.GetLabelValue()).sum() == (labels == fdi).sum()
    Corrections(loaded).renumber(21, 11)
    assert "tooth_11" in segments_of(loaded)
