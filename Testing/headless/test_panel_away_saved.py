"""What is painted in another module reaches the data set, and the review with it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from case_fixture import STROKES, TEETH, labels_on, result
from panel_fixture import settle, stroke
from ToothSegLib.dataset.folder import Dataset


@pytest.fixture
def saving(widget: Any, folder: Path) -> Path:
    """The folder of a data set into which every step is saved, the first one too."""
    widget.ui.autosaveCheck.click()
    return folder


def test_the_return_saves_what_was_painted(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    scan, node = scan_and_node
    ui = widget.ui
    widget.panel.result.selection.set((16,))
    widget.parent.exit()
    for where in STROKES:
        stroke(scan, node, where)
    widget.parent.enter()
    assert widget.panel.result.selection.teeth == (16,)
    ui.correctedButton.click()
    (case,) = Dataset.open(saving).cases()
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
    assert case.record.review[16] == "corrected"
    whats = [[change.what for change in entry.changes] for entry in case.history()]
    assert whats == [[], ["edited by hand"], ["corrected"]]


def test_a_tooth_that_is_painted_last_reaches_the_data_set(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, node = scan_and_node
    ui = widget.ui
    for fdi in TEETH:
        widget.panel.result.selection.set((fdi,))
        ui.approveButton.click()
    monkeypatch.setattr(widget.panel.result, "_open_editor", lambda *_: widget.parent.exit())
    widget.panel.result.selection.set((21,))
    ui.editorButton.click()
    stroke(scan, node, STROKES[0], "tooth_21")
    widget.parent.enter()
    settle()
    (case,) = Dataset.open(saving).cases()
    assert 21 in case.record.teeth
    assert case.record.review[21] == "corrected"
    assert ui.savedLabel.text == f"Saved: revision {case.revision} of {case.id}."


def test_a_visit_that_changes_nothing_saves_nothing(
    widget: Any, saving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[Any] = []
    monkeypatch.setattr(
        widget.panel.result.training, "_autosave", lambda node, what: saves.append(node)
    )
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert saves == []


@pytest.mark.parametrize("painted", ["before", "after"])
def test_a_run_that_ends_leaves_what_is_painted_in_hand(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path, painted: str
) -> None:
    scan, node = scan_and_node
    widget.parent.exit()
    if painted == "before":
        stroke(scan, node, STROKES[0])
    _, arrived = result()
    arrived.SetName("B")
    arrived.SetNodeReferenceID("ToothSeg.Volume", scan.GetID())
    run = SimpleNamespace(result_node=arrived, target=None, name="Other", region="")
    widget.panel._finished(run)
    if painted == "after":
        stroke(scan, node, STROKES[0])
    widget.parent.enter()
    settle()
    (case,) = Dataset.open(saving).cases()
    assert case.revision == 2
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
    assert widget.ui.resultSelector.currentNode() is node
    assert (node.GetDisplayVisibility(), arrived.GetDisplayVisibility()) == (1, 0)
    told = "<b>Other is done</b>: choose <i>B</i> under <i>Result</i>."
    assert widget.ui.messageLabel.text == told
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")


def test_the_return_saves_a_result_that_is_not_shown(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    scan, node = scan_and_node
    _, other = result()
    other.SetNodeReferenceID("ToothSeg.Volume", scan.GetID())
    widget.ui.resultSelector.setCurrentNode(other)
    settle()
    for where in STROKES[:2]:
        widget.parent.exit()
        stroke(scan, node, where)
        widget.parent.enter()
        settle()
    (case,) = Dataset.open(saving).cases()
    assert case.revision == 3
    np.testing.assert_array_equal(case.labels().array, labels_on(node, scan))
    assert widget.ui.savedLabel.text == "Nothing saved yet."  # that is the one shown


def test_nothing_is_called_saved_that_has_changed_since(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    assert widget.ui.savedLabel.text.startswith("Saved: revision 1 of ")
    stroke(*scan_and_node, STROKES[0])  # by a script, with the panel open
    assert widget.ui.savedLabel.text.startswith("<b>Changed since it was saved</b>")
    widget.panel.result.selection.set((16,))
    widget.ui.correctedButton.click()
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")


def editors_history(node: Any) -> Any:
    """What the Segment Editor's Undo goes back by; Slicer keeps it past the visit."""
    import slicer

    history = slicer.vtkSegmentationHistory()
    history.SetMaximumNumberOfStates(10)
    history.SetSegmentation(node.GetSegmentation())
    return history


def approve(widget: Any, *teeth: int) -> None:
    for fdi in teeth:
        widget.panel.result.selection.set((fdi,))
        widget.ui.approveButton.click()


def test_the_editors_undo_leaves_what_was_approved_since(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    undo = editors_history(node)
    before = labels_on(node, scan)
    widget.parent.exit()
    undo.SaveState()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    approve(widget, *TEETH)
    widget.parent.exit()
    undo.RestorePreviousState()
    widget.parent.enter()
    settle()
    np.testing.assert_array_equal(labels_on(node, scan), before)
    (case,) = Dataset.open(saving).cases()
    np.testing.assert_array_equal(case.labels().array, before)
    expected = {11: "approved", 16: "predicted", 36: "approved", 47: "approved"}
    for review in (review_of(node), case.record.review):
        assert {fdi: review[fdi] for fdi in TEETH} == expected
    assert widget.ui.messageLabel.text == (
        "<b>16 was changed</b> by hand: look at it again. <b>The review of 11, 36, 47 is as you "
        "left it</b>: the Segment Editor's Undo takes back voxels only."
    )
    assert widget.ui.savedLabel.text == f"Saved: revision {case.revision} of {case.id}."
    widget.ui.undoButton.click()
    assert set(review_of(node).values()) == {"approved"}


def test_the_editors_undo_brings_no_approval_back(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    undo = editors_history(node)
    approve(widget, 11, 36)
    widget.parent.exit()
    undo.SaveState()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    widget.panel.result.selection.set((36,))
    widget.ui.reviewedButton.click()  # takes it back
    assert review_of(node)[36] == "predicted"
    widget.parent.exit()
    undo.RestorePreviousState()
    widget.parent.enter()
    settle()
    (case,) = Dataset.open(saving).cases()
    for review in (review_of(node), case.record.review):
        assert (review[11], review[36]) == ("approved", "predicted")


def test_an_undo_within_the_visit_leaves_all_as_it_was(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    undo = editors_history(node)
    undo.SaveState()  # as in an earlier visit, of which only this is left
    approve(widget, 11, 16)
    (case,) = Dataset.open(saving).cases()
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    undo.RestorePreviousState()
    widget.parent.enter()
    settle()
    assert (review_of(node)[11], review_of(node)[16]) == ("approved", "approved")
    assert not widget.ui.undoButton.enabled
    assert Dataset.open(saving).case(case.id).revision == case.revision


def test_what_was_approved_and_is_painted_is_corrected(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path
) -> None:
    from ToothSegScene.review import review_of

    scan, node = scan_and_node
    approve(widget, 11, 16)
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    widget.parent.enter()
    settle()
    assert (review_of(node)[11], review_of(node)[16]) == ("approved", "corrected")


def test_a_saved_scene_has_changed_no_tooth(
    widget: Any, scan_and_node: tuple[Any, Any], saving: Path, tmp_path: Path
) -> None:
    import slicer

    scan, node = scan_and_node
    segmentation = node.GetSegmentation()
    widget.parent.exit()
    stroke(scan, node, STROKES[0])
    segmentation.SeparateSegmentLabelmap("tooth_16")
    widget.parent.enter()
    settle()
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")
    assert segmentation.GetNumberOfLayers() == 2
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    assert segmentation.GetNumberOfLayers() == 1
    widget.panel.refresh()
    assert widget.ui.savedLabel.text.startswith("Saved: revision 2 of ")
