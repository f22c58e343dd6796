"""A reviewed tooth that loses voxels while its neighbour is painted is open again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teeth_node import SHAPE, digest, fdi_labels, segments_of, tag, voxels_of


@pytest.fixture
def opened() -> list[Any]:
    """What was told of the teeth that are open again, and of those that were painted."""
    return []


@pytest.fixture
def corrections(node: Any, opened: list[Any]) -> Any:
    """Corrections of the node, with 15 approved and 21 corrected before they first looked."""
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_corrected, set_reviewed

    set_reviewed(node, 15, True)
    set_corrected(node, 21)
    corrections = Corrections(node, opened=opened.append)
    corrections.take_note()
    return corrections


def _review(node: Any, fdi: int) -> str | None:
    return tag(segments_of(node)[f"tooth_{fdi}"], "ToothSeg.Review")


def _hand_over(node: Any, fdi: int, to: int, voxels: int) -> None:
    """Give the first voxels of a tooth to another one, or to none: what a brush does in Slicer."""
    image = segments_of(node)[f"tooth_{fdi}"].GetRepresentation("Binary labelmap")
    array = voxels_of(image)
    array.ravel()[np.flatnonzero(array == fdi + 100)[:voxels]] = to and to + 100
    image.GetPointData().GetScalars().Modified()
    image.Modified()


def _select(scene: Any, node: Any, fdi: int) -> None:
    """In the Segment Editor."""
    editor = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.SetAndObserveSegmentationNode(node)
    editor.SetSelectedSegmentID(f"tooth_{fdi}")


@pytest.mark.parametrize("voxels", [1, 40])
def test_an_approved_tooth_that_was_bitten_is_open_again(
    node: Any, corrections: Any, opened: list[Any], voxels: int
) -> None:
    before = fdi_labels(node, SHAPE)
    _hand_over(node, 15, 16, voxels)
    assert corrections.can_undo == "edit by hand"
    assert [(bitten.teeth, bitten.gone, bitten.painted) for bitten in opened] == [
        ((15,), (), (16,))
    ]
    assert (_review(node, 15), _review(node, 16)) == ("predicted", "predicted")
    bitten = fdi_labels(node, SHAPE)
    assert (bitten == 15).sum() == (before == 15).sum() - voxels
    corrections.undo()
    np.testing.assert_array_equal(fdi_labels(node, SHAPE), before)
    assert _review(node, 15) == "approved"
    corrections.redo()
    np.testing.assert_array_equal(fdi_labels(node, SHAPE), bitten)
    assert _review(node, 15) == "predicted"
    assert len(opened) == 1


def test_a_hole_that_was_left_by_an_eraser_counts_too(
    node: Any, corrections: Any, opened: list[Any], scene: Any
) -> None:
    _select(scene, node, 16)
    _hand_over(node, 15, 16, 9)
    _hand_over(node, 16, 0, 9)  # too far: the first voxels of 16 are not those, but some are gone
    _hand_over(node, 21, 0, 1)
    corrections.take_note()
    assert [(bitten.teeth, bitten.painted) for bitten in opened] == [((15, 21), (16,))]
    assert _review(node, 21) == "predicted"


def test_the_tooth_in_hand_counts_as_corrected(
    node: Any, corrections: Any, opened: list[Any], scene: Any
) -> None:
    _select(scene, node, 15)
    _hand_over(node, 15, 0, 9)
    corrections.take_note()
    assert not opened
    assert _review(node, 15) == "corrected"


def test_a_tooth_that_has_only_grown_was_painted_itself(
    node: Any, corrections: Any, opened: list[Any], scene: Any
) -> None:
    _select(scene, node, 46)
    _hand_over(node, 16, 15, 9)
    corrections.take_note()
    assert not opened
    assert (_review(node, 15), _review(node, 16)) == ("corrected", "predicted")


def test_what_was_reviewed_after_it_was_painted_stays_so(
    node: Any, corrections: Any, opened: list[Any]
) -> None:
    from ToothSegScene.review import set_corrected

    _hand_over(node, 14, 15, 9)
    set_corrected(node, 14)
    corrections.take_note()
    assert not opened
    assert _review(node, 14) == "corrected"


def test_nothing_is_touched_where_no_voxel_has_changed(node: Any, corrections: Any) -> None:
    start = digest(node)
    corrections.smooth([16], 0.5)
    corrections.undo()
    corrections.take_note()
    assert digest(node) == start


def test_what_is_marked_in_another_module_is_what_it_was(
    node: Any, corrections: Any, opened: list[Any]
) -> None:
    segments_of(node)["tooth_16"].RemoveTag("ToothSeg.Review")
    corrections.leave()
    for fdi in (14, 16):
        segments_of(node)[f"tooth_{fdi}"].SetTag("ToothSeg.Review", "approved")
    corrections.come_back()
    assert (_review(node, 14), _review(node, 16)) == ("predicted", None)
    assert [(bitten.teeth, bitten.kept) for bitten in opened] == [((), (14, 16))]
    assert corrections.can_undo is None
