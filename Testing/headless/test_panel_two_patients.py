"""Two patients in one scene: the volume and the result that are chosen are of the same one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from case_fixture import result
from panel_fixture import settle


@pytest.fixture
def a(widget: Any) -> Any:
    """Patient A: scan and teeth, which are shown."""
    scan, teeth = patient("A", "oblique")
    choose(widget, result=teeth)
    return SimpleNamespace(scan=scan, teeth=teeth)


def patient(name: str, grid: str) -> tuple[Any, Any]:
    scan, teeth = result(grid)
    scan.SetName(name)
    teeth.SetName(f"{name} teeth")
    return scan, teeth


def scan_only(name: str) -> Any:
    """The scan of a patient, on a grid like A's, that has not been segmented."""
    import slicer

    scan, teeth = patient(name, "oblique")
    slicer.util.arrayFromVolume(scan)[:] += 1  # A's voxels would be A's scan, loaded again
    slicer.util.arrayFromVolumeModified(scan)
    slicer.mrmlScene.RemoveNode(teeth)
    settle()
    return scan


def choose(widget: Any, **nodes: Any) -> None:
    """As the user does under "Volume" or "Result"."""
    selectors = {"volume": widget.ui.inputSelector, "result": widget.ui.resultSelector}
    for name, node in nodes.items():
        selectors[name].setCurrentNode(node)
        settle()


def chosen(widget: Any) -> tuple[Any, Any]:
    parameters, ui = widget.logic.getParameterNode(), widget.ui
    both = parameters.inputVolume, parameters.segmentation
    assert (ui.inputSelector.currentNode(), ui.resultSelector.currentNode()) == both
    return both


def would_run(widget: Any) -> list[Any]:
    """The scan and the target of a run that is asked for."""
    asked: list[Any] = []
    widget.logic.start = lambda *nodes, **options: asked.extend(nodes)
    widget.ui.segmentButton.click()
    return asked


def test_a_volume_without_a_result_shows_none(widget: Any, a: Any) -> None:
    from ToothSegScene.display import is_in_slices

    b = scan_only("<B>")
    choose(widget, volume=b)
    assert chosen(widget) == (b, None)
    assert not widget.ui.exportButton.isVisibleTo(widget.parent)
    assert not a.teeth.GetDisplayVisibility()
    assert is_in_slices(b)
    assert widget.ui.messageLabel.text == (
        "&lt;B&gt; is not segmented yet. <i>A teeth</i> is still there to choose under "
        "<i>Result</i>."
    )
    choose(widget, result=a.teeth)
    assert chosen(widget) == (a.scan, a.teeth)
    assert a.teeth.GetDisplayVisibility()
    assert is_in_slices(a.scan)
    assert widget.ui.messageLabel.text == ""


def test_a_volume_brings_its_newest_result(widget: Any, a: Any) -> None:
    from ToothSegScene.segments import VOLUME

    (scan, _), (_, newest) = patient("B", "anisotropic"), patient("B again", "anisotropic")
    newest.SetNodeReferenceID(VOLUME, scan.GetID())
    choose(widget, volume=scan)
    assert chosen(widget) == (scan, newest)
    assert widget.ui.messageLabel.text == ""
    choose(widget, volume=a.scan)
    assert chosen(widget) == (a.scan, a.teeth)
    assert (a.teeth.GetDisplayVisibility(), newest.GetDisplayVisibility()) == (1, 0)


def test_the_scan_of_the_result_is_what_a_run_takes(widget: Any, a: Any) -> None:
    scan, teeth = patient("B", "anisotropic")
    choose(widget, result=teeth)
    assert would_run(widget) == [scan, None]
    choose(widget, result=a.teeth)
    assert would_run(widget) == [a.scan, None]


def test_a_run_that_ends_leaves_the_volume_that_is_chosen(widget: Any, a: Any) -> None:
    b, (scan, teeth) = scan_only("B"), patient("C", "anisotropic")
    choose(widget, volume=b)
    run = SimpleNamespace(result_node=teeth, target=None, name="C", region="")
    said = widget.panel._finished(run)
    assert said == "<b>C is done</b>: choose <i>C teeth</i> under <i>Result</i>."
    assert chosen(widget) == (b, None)
    assert not teeth.GetDisplayVisibility()
    choose(widget, volume=scan)
    assert chosen(widget) == (scan, teeth)
    assert teeth.GetDisplayVisibility()


def test_what_comes_in_the_place_of_a_removed_scan_is_not_chosen(
    widget: Any, a: Any, scene: Any
) -> None:
    from node_fixture import volume_node
    from ToothSegScene.volumes import grid_of

    again = grid_of(a.scan).with_array(grid_of(a.scan).array.copy())
    b = scan_only("B")
    scene.RemoveNode(a.scan)
    settle()
    assert chosen(widget) == (b, a.teeth)
    loaded = volume_node(again, "A again")
    settle()
    assert chosen(widget) == (loaded, a.teeth)  # and not B, of which a run would be


def test_a_scan_that_bears_the_id_of_one_that_has_left_is_chosen(widget: Any, a: Any) -> None:
    from ToothSegPanel.pair import Pair

    b, pair = scan_only("B"), Pair()
    parameters = SimpleNamespace(inputVolume=b, segmentation=a.teeth)
    pair.leaves(a.scan, parameters)
    pair.follow_result(parameters)
    assert parameters.inputVolume is b
    pair.left(b)
    pair.follow_result(parameters)
    assert parameters.inputVolume is b
    pair.left(a.scan)
    pair.follow_result(parameters)
    assert parameters.inputVolume is a.scan


def test_a_removed_result_gives_way_to_one_of_the_same_scan(
    widget: Any, a: Any, scene: Any
) -> None:
    from ToothSegScene.segments import VOLUME

    _, second = patient("A again", "oblique")
    second.SetNodeReferenceID(VOLUME, a.scan.GetID())
    patient("B", "anisotropic")
    choose(widget, result=second)
    scene.RemoveNode(second)
    settle()
    assert chosen(widget) == (a.scan, a.teeth)
    scene.RemoveNode(a.teeth)
    settle()
    assert chosen(widget) == (a.scan, None)


def from_a_file(teeth: Any) -> None:
    """Let a result know as little as one that comes from a file of the command line."""
    teeth.RemoveAttribute("ToothSeg.Report")
    teeth.RemoveAttribute("ToothSeg.Scan")
    for role in ("ToothSeg.Volume", teeth.GetReferenceImageGeometryReferenceRole()):
        teeth.SetNodeReferenceID(role, None)


def test_teeth_from_a_file_bring_the_volume_that_they_lie_on(widget: Any, a: Any) -> None:
    scan, teeth = patient("B", "anisotropic")
    from_a_file(teeth)
    choose(widget, result=teeth)
    assert chosen(widget) == (scan, teeth)
    assert widget.panel.result._result() == (teeth, scan)
    choose(widget, volume=a.scan)
    assert chosen(widget) == (a.scan, a.teeth)
    choose(widget, volume=scan)
    assert chosen(widget) == (scan, None)


def test_teeth_from_a_file_get_no_volume_that_they_do_not_lie_on(
    widget: Any, a: Any, scene: Any
) -> None:
    scan, teeth = patient("B", "anisotropic")
    from_a_file(teeth)
    scene.RemoveNode(scan)
    settle()
    choose(widget, result=teeth)
    assert chosen(widget) == (a.scan, teeth)
    told = "B teeth does not lie on the voxels of A: choose its scan as Volume, or load that."
    assert widget.ui.messageLabel.text.endswith(told)
    assert widget.panel.result._result() == (teeth, None)
    assert not widget.ui.exportLabelmapButton.enabled
    two = [patient(name, "anisotropic")[0] for name in ("C", "D")]
    settle()
    assert chosen(widget) == (a.scan, teeth)  # which of the two nobody knows
    assert widget.ui.messageLabel.text.endswith(told)
    choose(widget, volume=two[1])
    assert chosen(widget)[0] is two[1]
    assert told not in widget.ui.messageLabel.text


@pytest.mark.parametrize("grid", ["oblique", "anisotropic"])
def test_teeth_drawn_in_slicer_bring_the_volume_that_they_were_drawn_on(
    widget: Any, a: Any, grid: str
) -> None:
    scan, teeth = patient("B", grid)
    drawn_on = teeth.GetReferenceImageGeometryReferenceRole()
    from_a_file(teeth)
    teeth.SetNodeReferenceID(drawn_on, scan.GetID())
    choose(widget, result=teeth)
    assert chosen(widget) == (scan, teeth)
    opened = []
    widget.panel.result._open_editor = lambda *what: opened.append(what)
    widget.panel.result.selection.set((16,))
    widget.ui.editorButton.click()
    assert opened == [(teeth, scan, "tooth_16")]
    choose(widget, volume=a.scan)
    assert chosen(widget) == (a.scan, a.teeth)


def test_teeth_drawn_on_a_filtered_copy_are_of_the_scan_that_is_chosen_again(
    widget: Any, a: Any, scene: Any
) -> None:
    import slicer

    from ToothSegScene.own_scan import scan_for

    (original, teeth), (filtered, other) = (patient(f"B{n}", "anisotropic") for n in (1, 2))
    scene.RemoveNode(other)
    slicer.util.arrayFromVolume(filtered)[:] += 1
    slicer.util.arrayFromVolumeModified(filtered)
    from_a_file(teeth)
    teeth.SetNodeReferenceID(teeth.GetReferenceImageGeometryReferenceRole(), filtered.GetID())
    choose(widget, volume=original)
    choose(widget, result=teeth)
    assert chosen(widget) == (filtered, teeth)
    told = "<i>B1 teeth</i> was drawn on B2, which is the volume now. If it is of B1, choose that"
    assert widget.ui.messageLabel.text.startswith(told)
    choose(widget, volume=original)
    assert chosen(widget) == (original, teeth)
    assert widget.ui.messageLabel.text == ""
    assert widget.panel.result.scan is scan_for(teeth, original) is original


def test_what_is_to_be_drawn_yet_goes_with_any_volume(widget: Any, a: Any, scene: Any) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "New")
    choose(widget, result=empty)
    assert chosen(widget) == (a.scan, empty)
    assert widget.panel.result._result() == (empty, a.scan)
    assert widget.ui.messageLabel.text == ""


def test_the_question_before_overwriting_names_both(
    widget: Any, a: Any, scene: Any, dialogs: Any
) -> None:
    import qt

    widget.logic.getParameterNode().output = "overwrite"
    b = scan_only("B")
    dialogs.answer(qt.QMessageBox.Ok)
    assert would_run(widget) == [a.scan, a.teeth]
    scene.RemoveNode(a.scan)
    settle()
    dialogs.answer(qt.QMessageBox.Ok)
    assert would_run(widget) == [b, a.teeth]
    assert [shown.text for shown in dialogs.take()] == [
        "The run of A will replace all segments of A teeth (4). That cannot be undone.",
        "The run of B will replace all segments of A teeth (4), which is not of B. "
        "That cannot be undone.",
    ]


def test_an_export_and_the_pseudonym_say_whose_they_are(
    widget: Any, a: Any, tmp_path: Path
) -> None:
    ui = widget.ui
    assert ui.patientEdit.placeholderText == "optional; of A"
    assert ui.patientEdit.toolTip.startswith(
        "Pseudonym of A. Needed only if there are several scans of this patient"
    )
    ui.folderEdit.currentPath = str(tmp_path)
    ui.exportSurfacesButton.click()
    assert ui.messageLabel.text.startswith("4 files of A teeth written to ")
    choose(widget, volume=scan_only("B"))
    assert ui.patientEdit.placeholderText == "optional; of B"
