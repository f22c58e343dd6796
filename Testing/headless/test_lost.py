"""A tooth of which no voxel is left after an edit by hand is not forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import case_fixture
from teeth_node import SHAPE, fdi_labels, segments_of, voxels_of


@pytest.fixture
def opened() -> list[Any]:
    """What was told."""
    return []


@pytest.fixture
def corrections(node: Any, opened: list[Any]) -> Any:
    """Corrections of the node, with every tooth approved before they first looked."""
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of

    for fdi in teeth_of(node):
        set_reviewed(node, fdi, True)
    corrections = Corrections(node, opened=opened.append)
    corrections.take_note()
    return corrections


def _paint_over(node: Any, fdi: int, to: int) -> None:
    """Give all of a tooth to another one, or to none."""
    image = segments_of(node)[f"tooth_{fdi}"].GetRepresentation("Binary labelmap")
    array = voxels_of(image)
    array[array == fdi + 100] = to and to + 100
    image.GetPointData().GetScalars().Modified()
    image.Modified()


def _facts(node: Any) -> tuple[bool, list[str], str | None]:
    """Whether all is reviewed, the findings' codes, and what a data set would hold of 15."""
    from ToothSegScene.review import findings_of, review_of
    from ToothSegScene.training_case import is_reviewed

    codes = [finding.code for finding in findings_of(node) if 15 in finding.fdi]
    return is_reviewed(node), codes, review_of(node).get(15)


@pytest.mark.parametrize("how", ["painted over", "erased", "its segment removed"])
@pytest.mark.parametrize("reviewed", [True, False])
def test_a_tooth_that_is_gone_waits_for_a_word(
    node: Any, corrections: Any, opened: list[Any], how: str, reviewed: bool
) -> None:
    from ToothSegScene.review import progress, set_reviewed

    set_reviewed(node, 15, reviewed)
    corrections.take_note()
    before, (_, there) = fdi_labels(node, SHAPE), progress(node)
    if how == "its segment removed":
        node.GetSegmentation().RemoveSegment("tooth_15")
    else:
        _paint_over(node, 15, 16 if how == "painted over" else 0)
    corrections.take_note()
    assert [(bitten.gone, bitten.teeth) for bitten in opened] == [((15,), ())]
    assert _facts(node) == (False, ["lost"], "lost")
    assert progress(node) == (there - 1, there)

    corrections.undo()
    np.testing.assert_array_equal(fdi_labels(node, SHAPE), before)
    assert _facts(node) == (reviewed, [], "approved" if reviewed else "predicted")
    corrections.redo()
    assert _facts(node) == (False, ["lost"], "lost")
    corrections.mark_missing(15)
    assert _facts(node) == (True, [], "missing")


def test_one_that_is_painted_again_is_back(node: Any, corrections: Any) -> None:
    image = segments_of(node)["tooth_15"].GetRepresentation("Binary labelmap")
    was = voxels_of(image).copy()
    _paint_over(node, 15, 0)
    corrections.take_note()
    voxels_of(image)[:] = was
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    corrections.take_note()
    everything, codes, word = _facts(node)
    assert (everything, codes) == (False, [])
    assert word == "predicted"  # nobody has looked at what was drawn anew


def test_one_that_a_verb_takes_away_is_not_lost(
    node: Any, corrections: Any, opened: list[Any]
) -> None:
    corrections.delete([15])
    corrections.take_note()
    assert not opened
    assert _facts(node) == (True, [], None)


def test_it_is_lost_in_the_data_set_too(scene: Any, tmp_path: Path) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import review_of, set_reviewed
    from ToothSegScene.training_case import is_reviewed, place_case

    _, node = case_fixture.result()
    for fdi in case_fixture.TEETH:
        set_reviewed(node, fdi, True)
    corrections = Corrections(node)
    corrections.take_note()
    assert case_fixture.save(node, tmp_path).record.reviewed
    node.GetSegmentation().RemoveSegment(node.GetSegmentation().GetNthSegmentID(1))
    corrections.take_note()
    case = case_fixture.save(node, tmp_path)
    record = case.record
    assert (record.revision, record.reviewed, record.waiting) == (2, False, [16])
    _, again = place_case(scene, case)
    assert not is_reviewed(again)
    assert review_of(again)[16] == "lost"
