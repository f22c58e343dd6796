"""Corrections of a segmentation node on Slicer's core: what they do, and that undo undoes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from teeth_node import (
    HALF_A,
    HALF_B,
    LABELMAP,
    SHAPE,
    SPACING,
    SURFACE,
    TEETH,
    digest,
    fdi_labels,
    make_node,
    oriented_image,
    segments_of,
    some_labels,
    tag,
    voxels_of,
    world,
)
from ToothSegLib import corrections as on_labels
from ToothSegLib import splitting
from ToothSegLib.errors import ToothSegError
from ToothSegLib.slicer_header import terminology_entry
from ToothSegLib.teeth import by_fdi

LAYOUTS = ("one layer", "separate layers", "no surfaces", "shrunken layer", "hidden parts")


# A verb, and what it makes of the label map.
Verb = tuple[Callable[[Any, Any], Any], Callable[[Any], Any]]
VERBS: dict[str, Verb] = {
    "renumber 15 to 17": (
        lambda c, n: c.renumber(15, 17),
        lambda a: on_labels.renumbered(a, {15: 17}),
    ),
    "swap 14 and 46": (
        lambda c, n: c.swap(14, 46),
        lambda a: on_labels.renumbered(a, {14: 46, 46: 14}),
    ),
    "shift upper right distally": (
        lambda c, n: c.shift_quadrant(1, 1),
        lambda a: on_labels.renumbered(a, {14: 15, 15: 16, 16: 17}),
    ),
    "shift lower right mesially": (
        lambda c, n: c.shift_quadrant(4, -1),
        lambda a: on_labels.renumbered(a, {46: 45, 47: 46}),
    ),
    "renumber from 15 to 16": (
        lambda c, n: c.renumber_from(15, 16),
        lambda a: on_labels.renumbered(a, {15: 16, 16: 17}),
    ),
    "merge 46, 47": (
        lambda c, n: c.merge(46, [47]),
        lambda a: on_labels.merge(a, 46, [47]),
    ),
    "split 16": (
        lambda c, n: c.split(16, world(n, HALF_A), world(n, HALF_B), 17),
        lambda a: splitting.split(
            a, 16, tuple(np.multiply(HALF_A, SPACING)), tuple(np.multiply(HALF_B, SPACING)), 17,
            SPACING,
        ),
    ),
    "delete 14, 21": (
        lambda c, n: c.delete([14, 21]),
        lambda a: on_labels.delete(a, [14, 21]),
    ),
    "mark 15 missing": (
        lambda c, n: c.mark_missing(15),
        lambda a: on_labels.delete(a, [15]),
    ),
    "mark 11 missing": (lambda c, n: c.mark_missing(11), lambda a: a),
    "keep the largest piece of 16, 15": (
        lambda c, n: c.keep_largest([16, 15]),
        lambda a: on_labels.keep_largest(a, [16, 15]),
    ),
    "smooth 15, 16": (
        lambda c, n: c.smooth([15, 16], 0.6),
        lambda a: on_labels.smooth(a, [15, 16], 0.6, SPACING),
    ),
}  # fmt: skip


@pytest.fixture
def node(scene: Any) -> Any:
    return make_node(scene, some_labels())


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


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", VERBS)
def test_verb_does_to_segments_what_it_does_to_labels_and_undo_restores_all(
    scene: Any, name: str, layout: str
) -> None:
    from ToothSegScene.editing import Corrections

    node = arrange(scene, layout)
    assert np.array_equal(fdi_labels(node, SHAPE), some_labels())
    corrections = Corrections(node)
    before = digest(node)
    do, expected = VERBS[name]
    do(corrections, node)
    assert corrections.can_undo == name
    after = digest(node)
    assert after != before
    assert np.array_equal(fdi_labels(node, SHAPE), expected(some_labels()))

    corrections.undo()
    assert digest(node) == before
    assert (corrections.can_undo, corrections.can_redo) == (None, name)
    corrections.redo()
    assert digest(node) == after
    corrections.undo()
    assert digest(node) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_verbs_one_after_the_other_and_all_the_way_back(scene: Any, layout: str) -> None:
    from ToothSegScene.editing import Corrections

    node = arrange(scene, layout)
    corrections = Corrections(node)
    digests = [digest(node)]
    corrections.renumber(21, 22)
    digests.append(digest(node))
    corrections.split(16, world(node, HALF_A), world(node, HALF_B), 17)
    digests.append(digest(node))
    corrections.smooth([17, 15], 0.5)
    digests.append(digest(node))
    corrections.merge(47, [46])
    digests.append(digest(node))
    corrections.shift_quadrant(1, -1)
    digests.append(digest(node))
    corrections.delete([47])
    digests.append(digest(node))
    corrections.mark_missing(13)
    digests.append(digest(node))
    for expected in digests[-2::-1]:
        corrections.undo()
        assert digest(node) == expected
    for expected in digests[1:]:
        corrections.redo()
        assert digest(node) == expected


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


def test_split_takes_its_points_in_world_coordinates(scene: Any, node: Any) -> None:
    import vtk

    from ToothSegScene.editing import Corrections

    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    to_world = vtk.vtkTransform()
    to_world.Translate(40, -30, 20)
    to_world.RotateX(35)
    transform.SetMatrixTransformToParent(to_world.GetMatrix())
    node.SetAndObserveTransformNodeID(transform.GetID())
    Corrections(node).split(16, world(node, HALF_B), world(node, HALF_A), 17)
    labels = fdi_labels(node, SHAPE)
    assert labels[HALF_B[::-1]] == 16
    assert labels[HALF_A[::-1]] == 17


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda c: c.renumber(14, 15), "15 is taken: swap 14 and 15, or merge them"),
        (lambda c: c.renumber(11, 12), "no tooth 11"),
        (lambda c: c.swap(14, 13), "no tooth 13 to swap with"),
        (lambda c: c.shift_quadrant(1, 3), "not by 3"),
        (lambda c: c.shift_quadrant(9, 1), "quadrant 9"),
        (lambda c: c.shift_quadrant(4, 1), "47 would leave the row"),
        (lambda c: c.renumber_from(46, 45.5), "45.5 is none of the 28"),
        (lambda c: c.merge(14, []), "14 alone"),
        (lambda c: c.merge(14, [13]), "no tooth 13"),
        (lambda c: c.split(16, [0, 0, 0], [1, 0, 0], 17), "mm away from tooth 16"),
        (lambda c: c.split(16, [0, 0, 0], [1, 0, 0], 15), "15 is taken"),
        (lambda c: c.delete([]), "no tooth is chosen"),
        (lambda c: c.delete([14, 13]), "no tooth 13"),
        (lambda c: c.mark_missing(18), "18 is none of the 28"),
        (lambda c: c.keep_largest([13]), "no tooth 13"),
        (lambda c: c.keep_largest([]), "no tooth is chosen"),
        (lambda c: c.smooth([14], 12), "12 mm is no smoothing"),
        (lambda c: c.undo(), "nothing to undo"),
        (lambda c: c.redo(), "nothing to redo"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    node: Any, do: Callable[[Any], Any], words: str
) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    before = digest(node)
    with pytest.raises(ToothSegError, match=words) as caught:
        do(corrections)
    assert "\n" not in str(caught.value)
    assert digest(node) == before
    assert corrections.can_undo is None


def test_what_would_change_nothing_is_no_step(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    before = digest(node)
    corrections.keep_largest([14, 15])
    assert digest(node) == before
    assert corrections.can_undo is None


def test_smoothing_stops_at_neighbours_and_at_what_is_no_tooth(scene: Any) -> None:
    from ToothSegScene.editing import Corrections

    labels = some_labels()
    around = np.zeros(SHAPE, np.uint8)
    around[4:7, 8:10, 25:28] = labels[4:7, 8:10, 25:28] == 16  # a hole in 16 with bone in it
    labels[around > 0] = 0
    labels[4:7, 8:10, 33:36] = 15  # and a part of another tooth
    node = make_node(scene, labels)
    segments_of(node)["Bone"].AddRepresentation(LABELMAP, oriented_image(around))
    Corrections(node).smooth([16], 1.0)
    changed = fdi_labels(node, SHAPE)
    assert around.any()
    assert not np.array_equal(changed, labels)
    assert not changed[around > 0].any()
    for fdi in (14, 15, 21, 46, 47):
        assert np.array_equal(changed == fdi, labels == fdi)


def test_smoothing_may_grow_out_of_a_tight_layer_but_not_out_of_the_scan(scene: Any) -> None:
    import slicer

    from ToothSegScene.editing import Corrections

    node = arrange(scene, "shrunken layer")
    extent = segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetExtent()
    image = oriented_image(np.zeros(SHAPE, np.uint8))
    converter = slicer.vtkSegmentationConverter
    node.GetSegmentation().SetConversionParameter(
        converter.GetReferenceImageGeometryParameterName(),
        converter.SerializeImageGeometry(image),
    )
    # Only the tight layer is left, of a tooth with a flat side that rounds off.
    for name in list(segments_of(node)):
        if name != "tooth_47":
            node.GetSegmentation().RemoveSegment(name)
    array = voxels_of(segments_of(node)["tooth_47"].GetRepresentation(LABELMAP))
    label = segments_of(node)["tooth_47"].GetLabelValue()
    array[:] = 0
    array[1:-1, 1:-1] = label
    segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetPointData().GetScalars().Modified()
    before = digest(node)
    corrections = Corrections(node)
    corrections.smooth([47], 1.0)
    grown = segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetExtent()
    assert grown != extent
    assert grown[0] >= 0
    corrections.undo()
    assert segments_of(node)["tooth_47"].GetRepresentation(LABELMAP).GetExtent() == extent
    assert digest(node)["layers"] == before["layers"]


def test_declared_missing_and_found_again(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.mark_missing(15)
    corrections.mark_missing(11)
    assert node.GetAttribute("ToothSeg.Missing") == "11 15"
    with pytest.raises(ToothSegError, match="11 is marked as missing already"):
        corrections.mark_missing(11)
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


def test_teeth_of_two_layers_that_overlap_are_merged_without_loss_to_a_third(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    segmentation = node.GetSegmentation()
    segmentation.SeparateSegmentLabelmap("tooth_15")
    image = segments_of(node)["tooth_15"].GetRepresentation(LABELMAP)
    label = segments_of(node)["tooth_15"].GetLabelValue()
    # Drawn over 14 and over a part of 21.
    voxels_of(image)[some_labels() == 14] = label
    over = np.zeros(SHAPE, bool)
    over[:7] = some_labels()[:7] == 21
    voxels_of(image)[over] = label
    image.GetPointData().GetScalars().Modified()
    node.RemoveClosedSurfaceRepresentation()
    node.CreateClosedSurfaceRepresentation()
    node_before = digest(node)
    corrections = Corrections(node)
    corrections.merge(14, [15])
    labels = fdi_labels(node, SHAPE)
    assert np.array_equal(labels == 21, some_labels() == 21)
    assert np.array_equal(labels == 14, np.isin(some_labels(), (14, 15)))
    corrections.undo()
    assert digest(node) == node_before


def test_segments_that_are_no_label_maps_are_refused(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    with pytest.raises(ToothSegError, match="kept as Closed surface: make Binary labelmap"):
        Corrections(node).delete([14])
    assert Corrections(node).can_undo is None


def test_segments_on_two_grids_are_renumbered_but_not_reshaped(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    coarse = oriented_image((some_labels() == 14)[::2].astype(np.uint8))
    coarse.SetSpacing(0.5, 0.4, 1.2)
    segment = segments_of(node)["tooth_14"]
    segment.AddRepresentation(LABELMAP, coarse)
    segment.SetLabelValue(1)
    corrections = Corrections(node)
    with pytest.raises(ToothSegError, match="different voxel grids"):
        corrections.smooth([15], 0.5)
    before = digest(node)
    corrections.swap(14, 15)
    assert segments_of(node)["tooth_15"].GetRepresentation(LABELMAP) is coarse
    corrections.undo()
    assert digest(node) == before


def test_a_node_that_has_left_the_scene_is_told(scene: Any, node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    scene.RemoveNode(node)
    with pytest.raises(ToothSegError, match="no longer in the scene"):
        corrections.delete([14])


def test_a_node_without_display_or_segments(scene: Any) -> None:
    from ToothSegScene.editing import Corrections

    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    with pytest.raises(ToothSegError, match="no tooth 14"):
        Corrections(empty).delete([14])
    node = make_node(scene, some_labels())
    node.RemoveAllDisplayNodeIDs()
    corrections = Corrections(node)
    corrections.swap(14, 15)
    corrections.undo()
    assert np.array_equal(fdi_labels(node, SHAPE), some_labels())


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
