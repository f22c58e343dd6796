"""Reviewed teeth that were edited where nobody compared: before the panel has ever looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result, some_labels
from node_fixture import harden, with_geometry
from panel_fixture import settle
from teeth_node import segments_of, tag
from ToothSegLib.dataset.folder import Dataset

SEEN = "ToothSeg.Seen"


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
        (None, "<b>11 is gone</b> since the review: paint it, or mark it missing."),
    ],
)
def test_a_reopened_scene_that_is_painted_before_the_panel_looks(
    widget: Any, scene: Any, tmp_path: Path, voxels: int | None, told: str
) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import review_of

    scan, node = result()
    show(widget, scan, node)
    approve(widget, 11, 47)
    widget.parent.exit()
    scan, node = reload(scene, tmp_path, scan.GetName(), node.GetName())
    if voxels is None:
        node.GetSegmentation().RemoveSegment("tooth_11")
    elif voxels:
        give(scan, node, 11, 16, voxels)
    widget.parent.enter()
    settle()
    state = {0: "approved", 10: "predicted", 36: "lost", None: "lost"}[voxels]
    assert (review_of(node)[11], review_of(node)[47]) == (state, "approved")
    assert widget.ui.messageLabel.text == told
    opened: list[Any] = []
    Corrections(node, opened=opened.append).take_note()
    assert not opened  # it is told once


def two_reviewed(widget: Any) -> None:
    """Two results, "A teeth" and "B teeth", each reviewed to the end; the first one is shown."""
    import slicer

    ones, others = result(), result("anisotropic")
    for name, (scan, node) in zip("AB", (ones, others)):
        scan.SetName(name)
        node.SetName(f"{name} teeth")
    slicer.util.arrayFromVolume(others[0])[:] += 1  # or it would be the same scan
    slicer.util.arrayFromVolumeModified(others[0])
    for scan, node in (others, ones):
        show(widget, scan, node)
        approve(widget, *TEETH)


def test_what_was_edited_in_several_results_is_told_together(
    widget: Any, scene: Any, tmp_path: Path
) -> None:
    two_reviewed(widget)
    widget.parent.exit()
    a, a_teeth, b, b_teeth = reload(scene, tmp_path, "A", "A teeth", "B", "B teeth")
    give(a, a_teeth, 11, 16, 10)
    give(b, b_teeth, 36, 47, 10)
    b_teeth.GetSegmentation().RemoveSegment("tooth_16")
    widget.parent.enter()
    settle()
    assert widget.ui.messageLabel.text == (
        "<b>11, 16 were changed</b> since the review: look at them again. "
        "<i>B teeth</i>: <b>16 is gone</b> since the review: paint it, or mark it missing. "
        "<b>36, 47 were changed</b> since the review: look at them again."
    )
    # What comes later stands alone.
    give(a, a_teeth, 36, 47, 10)
    settle()
    assert widget.ui.messageLabel.text.startswith("<b>36 was changed</b> ")


def test_a_result_that_was_never_shown_is_looked_at_before_all_reviewed_are_exported(
    widget: Any, scene: Any, tmp_path: Path
) -> None:
    from ToothSegScene.review import review_of

    two_reviewed(widget)
    scan, node = reload(scene, tmp_path, "B", "B teeth")
    assert widget.logic.getParameterNode().segmentation.GetName() == "A teeth"
    give(scan, node, 11, 16, 10)
    widget.ui.datasetEdit.currentPath = str(tmp_path / "set")
    widget.ui.annotatorEdit.text = "ab"
    settle()
    widget.ui.exportReviewedButton.click()
    assert widget.ui.messageLabel.text.startswith(
        "<i>B teeth</i>: <b>11, 16 were changed</b> since the review: look at them again. 1 of 2 "
    )
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
        lambda: corrections.delete([47]),
        corrections.undo,
        corrections.redo,
        corrections.undo,
        lambda: corrections.mark_missing(47),
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


def test_results_without_the_list_of_earlier_versions_are_left_as_they_are(scene: Any) -> None:
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import review_of, set_reviewed

    _, node = result()
    for fdi in (11, 47):
        set_reviewed(node, fdi, True)
    Corrections(node).take_note()
    assert node.GetAttribute("ToothSeg.Reviewed") == "11 47"
    node.RemoveAttribute("ToothSeg.Reviewed")
    node.GetSegmentation().RemoveSegment("tooth_11")
    opened: list[Any] = []
    Corrections(node, opened=opened.append).take_note()
    assert (opened, 11 in review_of(node)) == ([], False)
    assert node.GetAttribute("ToothSeg.Reviewed") == "47"


def test_a_new_result_in_the_same_node_lacks_none_of_the_old_one(scene: Any) -> None:
    from ToothSegLib.report import Segmentation, measure_teeth
    from ToothSegScene.editing import Corrections
    from ToothSegScene.review import review_of, set_reviewed
    from ToothSegScene.segments import write_segmentation

    scan, node = result()
    set_reviewed(node, 11, True)
    Corrections(node).take_note()
    labels = with_geometry(np.where(some_labels() == 11, 0, some_labels()), "oblique")
    write_segmentation(scene, scan, Segmentation(labels, measure_teeth(labels, {})), node)
    Corrections(node).take_note()
    assert 11 not in review_of(node)


def test_the_tag_goes_with_the_mark_and_costs_little(
    sample_volume_node: Any, sample_labels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    from ToothSegLib.report import Segmentation, measure_teeth
    from ToothSegScene import fingerprints
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import write_segmentation

    made = Segmentation(sample_labels, measure_teeth(sample_labels, {}))
    node = write_segmentation(slicer.mrmlScene, sample_volume_node, made)
    teeth = [tooth.fdi for tooth in made.teeth]
    reads: list[int] = []
    read = fingerprints.masks_of
    monkeypatch.setattr(fingerprints, "masks_of", lambda *it: (reads.append(1), read(*it))[1])
    for fdi in teeth:
        set_reviewed(node, fdi, True)
    assert len(reads) == 1  # of an image that all of them share
    assert tag(segments_of(node)["tooth_11"], SEEN)
    set_reviewed(node, 11, False)
    assert tag(segments_of(node)["tooth_11"], SEEN) is None
