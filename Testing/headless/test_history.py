"""Undo and redo among what the reader does by other means, and their bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teeth_node import SHAPE, digest, fdi_labels, paint, segments_of, tag
from ToothSegLib.errors import ToothSegError


def test_a_brush_stroke_between_two_verbs_is_a_step_of_its_own(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    start = digest(node)
    corrections.renumber(21, 22)
    first = fdi_labels(node, SHAPE)
    paint(node, "tooth_22", np.s_[15:17, 25:27, 1:4])
    painted = fdi_labels(node, SHAPE)
    assert (painted == 22).sum() > (first == 22).sum()
    assert corrections.can_undo == "edit by hand"
    corrections.smooth([22], 0.5)
    smoothed = fdi_labels(node, SHAPE)

    corrections.undo()
    assert np.array_equal(fdi_labels(node, SHAPE), painted)
    assert corrections.can_undo == "edit by hand"
    corrections.undo()
    assert np.array_equal(fdi_labels(node, SHAPE), first)
    corrections.undo()
    assert digest(node) == start
    for expected in (first, painted, smoothed):
        corrections.redo()
        assert np.array_equal(fdi_labels(node, SHAPE), expected)


def test_an_undo_pressed_after_a_stroke_takes_back_the_stroke_alone(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.delete([21])
    deleted = fdi_labels(node, SHAPE)
    paint(node, "tooth_14", np.s_[0:1, 0:1, 40:44])
    corrections.undo()
    assert np.array_equal(fdi_labels(node, SHAPE), deleted)
    assert corrections.can_redo == "edit by hand"


def test_a_segment_removed_or_added_outside_comes_back_in_order(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    start = digest(node)
    corrections.swap(14, 15)
    swapped = digest(node)
    node.GetSegmentation().RemoveSegment("tooth_46")
    node.GetSegmentation().AddEmptySegment("implant", "Implant")
    corrections.merge(14, [15])
    corrections.undo()
    assert "implant" in segments_of(node)
    assert "tooth_46" not in segments_of(node)
    corrections.undo()
    assert digest(node) == swapped
    corrections.undo()
    assert digest(node) == start


def test_what_the_reader_sets_meanwhile_survives_an_undo(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.renumber(14, 13)
    node.GetDisplayNode().SetSegmentVisibility("tooth_46", False)
    segments_of(node)["tooth_47"].SetTag("ToothSeg.Review", "approved")
    segments_of(node)["Bone"].SetName("Mandible")
    assert corrections.can_undo == "renumber 14 to 13"
    corrections.undo()
    assert "tooth_14" in segments_of(node)
    assert not node.GetDisplayNode().GetSegmentVisibility("tooth_46")
    assert tag(segments_of(node)["tooth_47"], "ToothSeg.Review") == "approved"
    assert segments_of(node)["Bone"].GetName() == "Mandible"


def test_a_new_result_in_the_node_ends_the_history(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.delete([14])
    node.SetAttribute("ToothSeg.Report", "{}")
    assert corrections.can_undo is None
    with pytest.raises(ToothSegError, match="nothing to undo"):
        corrections.undo()


def test_a_new_step_forgets_what_was_undone(node: Any) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    corrections.delete([14])
    corrections.undo()
    corrections.delete([15])
    assert corrections.can_redo is None
    assert corrections.can_undo == "delete 15"


def test_history_is_bounded_by_number_and_by_memory(node: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.history import History

    few = Corrections(node, History(most_steps=2))
    for new in (22, 23, 24):
        few.renumber(new - 1, new)
    few.undo()
    few.undo()
    assert few.can_undo is None
    assert "tooth_22" in segments_of(node)

    history = History(most_bytes=1)
    small = Corrections(node, history)
    small.smooth([16], 0.5)
    small.delete([15])
    assert small.can_undo == "delete 15"
    one = history.size
    small.undo()
    assert small.can_undo is None

    roomy = History()
    many = Corrections(node, roomy)
    for mm in (0.4, 0.6, 0.8, 1.0, 1.2):
        many.smooth([16], mm)
    # Five teeth of six are the same in all states, and kept once.
    assert one < roomy.size < 3 * one


def _review(node: Any, fdi: int) -> str | None:
    return tag(segments_of(node)[f"tooth_{fdi}"], "ToothSeg.Review")


def test_a_mark_on_what_was_painted_is_undone_with_the_paint(node: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_corrected, set_reviewed

    corrections = Corrections(node)
    corrections.take_note()
    programs = fdi_labels(node, SHAPE)
    paint(node, "tooth_16", np.s_[15:17, 25:27, 1:4])
    corrections.take_note()
    painted = fdi_labels(node, SHAPE)
    set_corrected(node, 16)
    set_reviewed(node, 15, True)
    node.GetDisplayNode().SetSegmentVisibility("tooth_16", False)
    corrections.undo()
    np.testing.assert_array_equal(fdi_labels(node, SHAPE), programs)
    assert (_review(node, 16), _review(node, 15)) == ("predicted", "approved")
    assert not node.GetDisplayNode().GetSegmentVisibility("tooth_16")
    # And the other way round: nobody has looked at what was painted since it went.
    set_reviewed(node, 16, True)
    corrections.redo()
    np.testing.assert_array_equal(fdi_labels(node, SHAPE), painted)
    assert (_review(node, 16), _review(node, 15)) == ("predicted", "approved")


def test_approvals_of_what_was_smoothed_do_not_go_to_the_rough_teeth(node: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_reviewed

    set_reviewed(node, 21, True)
    corrections = Corrections(node)
    before = fdi_labels(node, SHAPE)
    corrections.smooth([15, 16, 21], 0.8)
    changed = set(np.unique(before[before != fdi_labels(node, SHAPE)])) - {0}
    assert changed == {16, 21}  # 15 is as smooth as can be
    for fdi in (15, 16, 46):
        set_reviewed(node, fdi, True)
    corrections.undo()
    found = {fdi: _review(node, fdi) for fdi in (15, 16, 21, 46)}
    assert found == {15: "approved", 16: "predicted", 21: "approved", 46: "approved"}
