"""Reviewed teeth that were edited where nobody compared: before the panel has ever looked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result
from node_fixture import harden
from panel_fixture import open_panel, settle
from teeth_node import segments_of, tag
from ToothSegLib.dataset.folder import Dataset

SEEN = "ToothSeg.Seen"


@pytest.fixture
def widget(toothseg: Any) -> Any:
    """The panel."""
    return open_panel(toothseg)


def show(widget: Any, scan: Any, node: Any) -> None:
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()


def approve(widget: Any, *teeth: int) -> None:
    for fdi in teeth:
        widget.panel.result.selection.set((fdi,))
        widget.ui.approveButton.click()


def give(scan: Any, node: Any, fdi: int, to: int, voxels: int) -> None:
    """The first voxels of a tooth to another one, as the Segment Editor's brush does."""
    import slicer

    labels = labels_on(node, scan)
    labels[tuple(np.argwhere(labels == fdi)[:voxels].T)] = to
    for tooth in (fdi, to):
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            (labels == tooth).astype(np.uint8), node, f"tooth_{tooth}", scan
        )


def reload(scene: Any, folder: Path, *names: str) -> list[Any]:
    """Save the scene and load it again; nodes of these names."""
    import slicer

    path = str(folder / "scene.mrb")
    assert slicer.util.saveScene(path)
    scene.Clear(0)
    settle()
    slicer.util.loadScene(path)
    settle()
    return [slicer.util.getNode(name) for name in names]


@pytest.mark.parametrize(
    ("voxels", "told"),
    [
        (0, ""),
        (10, "<b>11 was changed</b> since the review: look at it again."),
        (36, "<b>11 is gone</b> since the review: paint it, or mark it missing."),
    ],
)
def test_a_reopened_scene_that_is_painted_before_the_panel_looks(
    widget: Any, scene: Any, tmp_path: Path, voxels: int, told: str
) -> None:
    from ToothSegScene.review import review_of

    scan, node = result()
    show(widget, scan, node)
    approve(widget, 11, 47)
    widget.parent.exit()
    scan, node = reload(scene, tmp_path, scan.GetName(), node.GetName())
    if voxels:
        give(scan, node, 11, 16, voxels)
    widget.parent.enter()
    settle()
    state = {0: "approved", 10: "predicted", 36: "lost"}[voxels]
    assert (review_of(node)[11], review_of(node)[47]) == (state, "approved")
    assert widget.ui.messageLabel.text == told


def test_a_result_that_was_never_shown_is_looked_at_before_all_reviewed_are_exported(
    widget: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    from ToothSegScene.review import review_of

    ones, others = result(), result("anisotropic")
    for name, (scan, node) in zip("AB", (ones, others)):
        scan.SetName(name)
        node.SetName(f"{name} teeth")
    slicer.util.arrayFromVolume(others[0])[:] += 1  # or it would be the same scan
    slicer.util.arrayFromVolumeModified(others[0])
    for scan, node in (others, ones):
        show(widget, scan, node)
        approve(widget, *TEETH)
    scan, node = reload(scene, tmp_path, "B", "B teeth")
    assert widget.logic.getParameterNode().segmentation.GetName() == "A teeth"
    give(scan, node, 11, 16, 10)
    widget.ui.datasetEdit.currentPath = str(tmp_path / "set")
    widget.ui.annotatorEdit.text = "ab"
    settle()
    widget.ui.exportReviewedButton.click()
    assert "1 of 2 results" in widget.ui.messageLabel.text
    assert "Not yet reviewed to the end: B teeth." in widget.ui.messageLabel.text
    assert review_of(node)[11] == "predicted"
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.record.reviewed


def test_whatever_changes_a_tooth_knowingly_goes_with_its_mark(scene: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import review_of, set_reviewed

    scan, node = result()
    for fdi in TEETH:
        set_reviewed(node, fdi, True)
    corrections = Corrections(node)

    def look_anew() -> dict[int, str]:
        opened: list[Any] = []
        Corrections(node, opened=opened.append).take_note()
        assert not opened
        return review_of(node)

    steps = (
        lambda: corrections.smooth([16], 0.6),
        corrections.undo,
        corrections.redo,
        lambda: corrections.smooth([16, 36], 0.9),
        lambda: corrections.merge(11, [16]),
        lambda: corrections.renumber(11, 12),
        corrections.undo,
        lambda: harden((scan, node), np.diag([1.0, -1.0, -1.0, 1.0])),
    )
    for step in steps:
        before = review_of(node)
        step()
        review = look_anew()
        assert "predicted" not in review.values(), (before, review)
    scribble = labels_on(node, scan)
    scribble[8:9, 0:3, 0:2] = 36
    import slicer

    slicer.util.updateSegmentBinaryLabelmapFromArray(
        (scribble == 36).astype(np.uint8), node, "tooth_36", scan
    )
    corrections.take_note()  # it has only grown: painted itself
    assert look_anew()[36] == "corrected"


def test_marks_of_earlier_versions_are_left_as_they_are(scene: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import review_of, set_reviewed

    scan, node = result()
    set_reviewed(node, 11, True)
    segments_of(node)["tooth_11"].RemoveTag(SEEN)
    give(scan, node, 11, 16, 10)
    opened: list[Any] = []
    Corrections(node, opened=opened.append).take_note()
    assert (opened, review_of(node)[11]) == ([], "approved")
    assert tag(segments_of(node)["tooth_11"], SEEN)


def test_the_tag_goes_with_the_mark_and_costs_little(
    sample_volume_node: Any, sample_labels: Any
) -> None:
    import slicer

    from ToothSegLib.report import Segmentation, measure_teeth
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import write_segmentation

    made = Segmentation(sample_labels, measure_teeth(sample_labels, {}))
    node = write_segmentation(slicer.mrmlScene, sample_volume_node, made)
    teeth = [tooth.fdi for tooth in made.teeth]
    start = time.monotonic()
    for fdi in teeth:
        set_reviewed(node, fdi, True)
    assert (time.monotonic() - start) / len(teeth) < 0.05
    assert tag(segments_of(node)["tooth_11"], SEEN)
    set_reviewed(node, 11, False)
    assert tag(segments_of(node)["tooth_11"], SEEN) is None
