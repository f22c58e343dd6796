"""A transform that is hardened on scan and teeth moves them, and edits nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result, some_labels
from node_fixture import TURN, harden


@pytest.fixture
def moved() -> np.ndarray:
    """(4, 4) RAS, a turn and a shift."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = TURN, (5.0, -7.0, 11.0)
    return matrix


@pytest.fixture
def reviewed(scene: Any) -> tuple[Any, Any, Any]:
    """Scan, result with every tooth approved, and its corrections, which have looked."""
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_reviewed

    scan, node = result()
    for fdi in TEETH:
        set_reviewed(node, fdi, True)
    corrections = Corrections(node)
    corrections.take_note()
    return scan, node, corrections


def test_reviews_stay_and_there_is_nothing_to_undo(
    reviewed: tuple[Any, Any, Any], moved: np.ndarray
) -> None:
    from ToothSegScene.review import review_of

    scan, node, corrections = reviewed
    harden((scan, node), moved)
    corrections.take_note()
    assert review_of(node) == dict.fromkeys(TEETH, "approved")
    assert corrections.can_undo is None
    np.testing.assert_array_equal(labels_on(node, scan), some_labels())


def test_a_step_from_before_is_undone_where_the_teeth_are_now(
    reviewed: tuple[Any, Any, Any], moved: np.ndarray
) -> None:
    scan, node, corrections = reviewed
    corrections.delete([47])
    corrections.swap(11, 16)
    corrections.undo()
    harden((scan, node), moved)
    assert (corrections.can_undo, corrections.can_redo) == ("delete 47", "swap 11 and 16")
    corrections.undo()
    np.testing.assert_array_equal(labels_on(node, scan), some_labels())
    corrections.redo()
    np.testing.assert_array_equal(labels_on(node, scan) == 47, False)


def test_what_is_painted_after_it_is_a_step_alone(
    reviewed: tuple[Any, Any, Any], moved: np.ndarray
) -> None:
    import slicer

    from ToothSegScene.review import review_of

    scan, node, corrections = reviewed
    harden((scan, node), moved)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "tooth_16", scan)
    array[8, 0:3, 0:2] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "tooth_16", scan)
    corrections.take_note()
    assert review_of(node) == {**dict.fromkeys(TEETH, "approved"), 16: "corrected"}
    assert corrections.can_undo == "edit by hand"
    corrections.undo()
    np.testing.assert_array_equal(labels_on(node, scan), some_labels())
    assert corrections.can_undo is None
