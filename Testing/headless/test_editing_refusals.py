"""A correction that cannot be done changes nothing, whatever the node is or lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from teeth_node import (
    LABELMAP,
    SHAPE,
    SURFACE,
    digest,
    fdi_labels,
    make_node,
    oriented_image,
    segments_of,
    some_labels,
)
from ToothSegLib.errors import ToothSegError


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda c: c.renumber(14, 15), "15 is taken: swap 14 and 15, or merge them"),
        (lambda c: c.renumber(11, 12), "no tooth 11"),
        (lambda c: c.swap(14, 13), "no tooth 13 to swap with"),
        (lambda c: c.shift_quadrant(1, 3), "not by 3"),
        (lambda c: c.shift_quadrant(9, 1), "quadrant 9"),
        (lambda c: c.shift_quadrant(1, -2), "not by -2"),
        (lambda c: c.renumber_from(46, 45.5), "45.5 is none of the 32"),
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
