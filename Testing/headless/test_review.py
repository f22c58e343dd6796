"""The state of every tooth and the findings still open, as the reader works through a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teeth_node import TEETH, make_node, segments_of, some_labels, tag
from ToothSegLib.errors import InputError
from ToothSegLib.report import Finding, Segmentation, measure_teeth, to_json
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegLib.volume import Volume

FINDINGS = [
    Finding("missing-tooth", "low", "No 13 was found.", (13,)),
    Finding("odd-size", "medium", "16 is large.", (16,)),
    Finding("asymmetry", "low", "46 and 47 differ.", (46, 47)),
    Finding("no-place", "medium", "A region fits no place."),
    Finding("number-unsure", "high", "The number of 14 is unsure.", (14,)),
]


@pytest.fixture
def node(scene: Any) -> Any:
    """A small dentition with a report of five findings."""
    labels = Volume(some_labels())
    node = make_node(scene, labels.array, surfaces=False)
    report = Segmentation(labels, measure_teeth(labels, {}), FINDINGS)
    node.SetAttribute("ToothSeg.Report", to_json(report))
    return node


def codes(node: Any) -> list[str]:
    from ToothSegScene.review import findings_of

    return [finding.code for finding in findings_of(node)]


def test_states_after_a_run(node: Any) -> None:
    from ToothSegScene.review import progress, state_of, states_of

    states = states_of(node)
    assert set(states) == set(FDI_NUMBERS)
    assert {fdi for fdi, state in states.items() if state != "absent"} == set(TEETH)
    assert {fdi for fdi, state in states.items() if state == "to check"} == {14, 16, 46, 47}
    assert states[15] == states[21] == "present"
    assert state_of(node, 16) == "to check"
    assert progress(node) == (0, len(TEETH))


def test_findings_are_ranked_and_complete(node: Any) -> None:
    assert codes(node) == ["number-unsure", "odd-size", "no-place", "missing-tooth", "asymmetry"]


def test_approval_settles_a_tooth_and_can_be_taken_back(node: Any) -> None:
    from ToothSegScene.review import progress, set_reviewed, state_of

    set_reviewed(node, 14, True)
    assert tag(segments_of(node)["tooth_14"], "ToothSeg.Review") == "approved"
    assert state_of(node, 14) == "reviewed"
    assert "number-unsure" not in codes(node)
    assert progress(node) == (1, len(TEETH))
    set_reviewed(node, 14, False)
    assert state_of(node, 14) == "to check"
    assert "number-unsure" in codes(node)


def test_a_finding_of_two_teeth_is_open_until_both_are_settled(node: Any) -> None:
    from ToothSegScene.review import set_reviewed, state_of

    set_reviewed(node, 46, True)
    assert "asymmetry" in codes(node)
    assert (state_of(node, 46), state_of(node, 47)) == ("reviewed", "to check")
    set_reviewed(node, 47, True)
    assert "asymmetry" not in codes(node)


def test_corrections_settle_findings_and_undo_opens_them_again(node: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import progress, states_of

    corrections = Corrections(node)
    corrections.renumber(14, 13)  # what was called 14 is the 13 that was not found
    states = states_of(node)
    assert (states[13], states[14]) == ("reviewed", "absent")
    assert codes(node) == ["odd-size", "no-place", "asymmetry"]
    corrections.delete([16])
    assert codes(node) == ["no-place", "asymmetry"]
    assert states_of(node)[16] == "absent"
    assert progress(node) == (1, len(TEETH) - 1)
    corrections.undo()
    corrections.undo()
    assert codes(node) == ["number-unsure", "odd-size", "no-place", "missing-tooth", "asymmetry"]


def test_missing_is_what_the_reader_declares_absent_what_was_not_found(node: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import state_of

    assert state_of(node, 13) == "absent"
    Corrections(node).mark_missing(13)
    assert state_of(node, 13) == "missing"
    assert "missing-tooth" not in codes(node)
    # The mark says nothing against a tooth that is there.
    node.SetAttribute("ToothSeg.Missing", "13 15")
    assert state_of(node, 15) == "present"


def test_an_empty_segment_is_absent(node: Any) -> None:
    from ToothSegScene.review import state_of

    labels = segments_of(node)["tooth_15"]
    labels.SetLabelValue(77)  # no voxel has this value
    assert state_of(node, 15) == "absent"


def test_review_of_a_tooth_that_is_not_there_is_refused(node: Any) -> None:
    from ToothSegScene.review import set_reviewed, state_of

    with pytest.raises(InputError, match="no tooth 13 to review"):
        set_reviewed(node, 13, True)
    with pytest.raises(KeyError):
        state_of(node, 18)


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"format": "toothseg-report"}'])
def test_an_unreadable_report_is_told_and_harms_nothing(node: Any, text: str) -> None:
    from ToothSegScene.review import findings_of, state_of

    node.SetAttribute("ToothSeg.Report", text)
    (finding,) = findings_of(node)
    assert (finding.code, finding.urgency) == ("unreadable-report", "low")
    assert state_of(node, 14) == "present"


def test_a_node_without_report_or_teeth(scene: Any) -> None:
    from ToothSegScene.review import findings_of, progress, states_of

    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert findings_of(node) == []
    assert set(states_of(node).values()) == {"absent"}
    assert progress(node) == (0, 0)


def test_the_review_is_saved_with_the_scene(scene: Any, node: Any, tmp_path: Path) -> None:
    import slicer

    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import findings_of, progress, set_reviewed, states_of

    corrections = Corrections(node)
    corrections.mark_missing(13)
    corrections.smooth([16], 0.6)
    set_reviewed(node, 47, True)
    expected = states_of(node), findings_of(node), progress(node)
    assert np.unique(list(expected[0].values())).size == 5
    slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    loaded = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert (states_of(loaded), findings_of(loaded), progress(loaded)) == expected
