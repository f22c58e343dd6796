"""Third molars, and findings that name no tooth: each can be seen, judged and brought to an end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import result, some_labels
from node_fixture import with_geometry
from panel_fixture import settle, tree_row
from ToothSegLib.report import Finding, Segmentation, from_json, measure_teeth, to_json
from ToothSegLib.volume import Volume

NO_TOOTH = Finding("dropped-pieces", "low", "3 small pieces were taken for noise.")
NOT_FOUND = Finding("missing-teeth", "low", "No 13 was found.", (13,))


def third_molar_findings() -> list[Finding]:
    """In the words of the library: 18 is unsure, 38 and 48 are sure."""
    from ToothSegLib.arches.regions import Region
    from ToothSegLib.numbering import Numbering
    from ToothSegLib.quality.facts import Facts
    from ToothSegLib.quality.left_out import third_molar_findings

    axis, types = np.array([0.0, 0.0, 1.0]), np.full(17, 1 / 17)
    places = {18: (-7.0, 4.0, 12.0), 38: (9.0, 5.0, -3.0), 48: (-9.0, 5.0, -3.0)}
    regions = [Region(fdi, 9, 600.0, np.array(at), axis, types, 0.9) for fdi, at in places.items()]
    numbering = Numbering()
    for fdi in places:
        numbering.third_molars[fdi] = fdi
        numbering.confidence[fdi] = 0.6 if fdi == 18 else 0.99
    facts = Facts(regions, numbering, Volume(np.zeros((4, 4, 4), np.uint8)), None)
    return third_molar_findings(regions, numbering, facts, all_unsure=False)


@pytest.fixture
def node(widget: Any) -> Any:
    """Four teeth, with findings about third molars that were left out, and about no tooth."""
    scan, node = result()
    report = from_json(node.GetAttribute("ToothSeg.Report"), Volume(np.zeros((1, 1, 1), np.uint8)))
    report.findings = [*third_molar_findings(), NO_TOOTH, NOT_FOUND]
    node.SetAttribute("ToothSeg.Report", to_json(report))
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    return node


def told(widget: Any) -> list[str]:
    return [finding.code for finding in widget.panel.result.findings.findings]


def choose(widget: Any, code: str) -> None:
    widget.ui.findingsList.currentRow = told(widget).index(code)


def test_a_click_goes_to_a_third_molar_that_was_left_out(
    widget: Any, node: Any, slicer_app: Any
) -> None:
    rows = widget.ui.findingsList
    assert "A tooth at R 7, P 4, S 12 mm was left out as third molar 18" in rows.item(0).text()
    assert "38, 48 at L 9, P 5, I 3; R 9, P 5, I 3 mm are in the scan" in rows.item(1).text()
    slices = slicer_app.mrmlScene().GetFirstNodeByClass("vtkMRMLSliceNode").GetSliceToRAS()
    for row, place in ((0, (7.0, -4.0, 12.0)), (1, (-9.0, -5.0, -3.0))):
        rows.currentRow = row
        centre = [slices.GetElement(axis, 3) for axis in range(3)]
        assert centre == pytest.approx(place)


@pytest.mark.parametrize("code", ["third-molar-unsure", "third-molar", "dropped-pieces"])
def test_a_finding_without_a_tooth_is_settled_by_a_mark(widget: Any, node: Any, code: str) -> None:
    ui = widget.ui
    before = told(widget)
    choose(widget, code)
    assert ui.reviewedButton.enabled
    assert "what the finding tells of" in ui.reviewedButton.toolTip
    ui.reviewedButton.click()
    assert told(widget) == [other for other in before if other != code]
    assert ui.reviewedButton.text == "Take back: revie&wed"
    ui.reviewedButton.click()
    assert told(widget) == before
    choose(widget, code)
    ui.reviewedButton.click()
    widget.panel.result.odontogram.buttons[13].click()
    assert not ui.reviewedButton.enabled  # 13 is not there, and the finding no longer in hand
    widget.panel.result.odontogram.buttons[16].click()
    assert ui.reviewedButton.text == "Mark as revie&wed"  # of the tooth, and the finding is settled
    ui.reviewedButton.click()
    assert code not in told(widget)


def test_a_tooth_that_was_not_found_is_to_be_marked_missing(widget: Any, node: Any) -> None:
    choose(widget, "missing-teeth")
    assert not widget.ui.reviewedButton.enabled
    assert "mark it missing" in widget.ui.reviewedButton.toolTip


def test_marks_of_findings_survive_the_scene_but_not_the_next_run(
    widget: Any, node: Any, scene: Any, tmp_path: Path
) -> None:
    import slicer

    for code in ("third-molar-unsure", "third-molar", "dropped-pieces"):
        choose(widget, code)
        widget.ui.reviewedButton.click()
    widget.panel.result.selection.set((13,))
    widget.ui.missingButton.click()
    assert widget.ui.findingsButton.text == "To check: nothing"
    name = node.GetName()
    slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    settle()
    assert widget.ui.findingsButton.text == "To check: nothing"
    node = slicer.util.getNode(name)
    report = from_json(node.GetAttribute("ToothSeg.Report"), Volume(np.zeros((1, 1, 1), np.uint8)))
    report.timings["instances"] = 1.5
    node.SetAttribute("ToothSeg.Report", to_json(report))
    settle()
    assert told(widget) == ["third-molar-unsure", "third-molar", "dropped-pieces"]


def test_a_report_that_cannot_be_read_is_dismissed(widget: Any, node: Any) -> None:
    node.SetAttribute("ToothSeg.Report", "no\nJSON")
    settle()
    choose(widget, "unreadable-report")
    widget.ui.reviewedButton.click()
    assert widget.ui.findingsButton.text == "To check: nothing"


def with_third_molar() -> Any:
    """Five teeth, of which one is 18, and a finding about it; the segmentation node."""
    import slicer

    from ToothSegScene.segments import VOLUME, write_segmentation

    _, node = result()
    labels = some_labels()
    labels[0:2, 5:8, 9:12] = 18
    volume = with_geometry(labels, "oblique")
    findings = [Finding("third-molar", "low", "Third molars 18, 28 were left out.", (18, 28))]
    segmentation = Segmentation(volume, measure_teeth(volume, {}), findings)
    return write_segmentation(slicer.mrmlScene, node.GetNodeReference(VOLUME), segmentation, node)


def test_a_case_with_a_third_molar_is_reviewed_to_the_end(widget: Any, tmp_path: Path) -> None:
    from ToothSegLib.dataset.folder import Dataset

    node = with_third_molar()
    widget.logic.getParameterNode().segmentation = node
    ui = widget.ui
    ui.datasetEdit.currentPath = str(tmp_path / "set")
    ui.annotatorEdit.text = "ab"
    settle()
    assert told(widget) == ["third-molar"]
    ui.reviewButton.collapsed = False
    seen = []
    for _ in range(5):
        seen.append(widget.panel.result.selection.teeth)
        ui.approveButton.click()
    assert seen[0] == (18,)  # the one with a finding
    assert len(set(seen)) == 5
    assert ui.reviewButton.text == "Review (5 of 5)"
    assert told(widget) == []
    widget.panel.result.selection.set(())
    assert ui.reviewLabel.text == "<b>Every tooth is reviewed.</b>"
    ui.exportCaseButton.click()
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.record.teeth == (11, 16, 18, 36, 47)
    assert case.record.reviewed


def test_a_third_molar_is_listed_and_can_be_corrected(widget: Any) -> None:
    import qt

    from ToothSegScene.display import looks_of
    from ToothSegScene.review import state_of
    from ToothSegScene.segments import teeth_of

    node = with_third_molar()
    widget.logic.getParameterNode().segmentation = node
    settle()
    assert tree_row(widget, 4).text(0) == "Upper molars  (2 of 5)"
    assert tree_row(widget, 18).text(0) == "18 upper right third molar"
    tree_row(widget, 4).setCheckState(0, qt.Qt.Unchecked)
    assert not looks_of(node)[18].visible
    assert state_of(node, 18) == "to check"
    widget.panel.result.selection.set((18,))
    assert "18 upper right third molar" in widget.ui.reviewLabel.text
    assert not widget.ui.missingButton.enabled
    widget.panel.result.corrections.choose_number(17)
    widget.ui.renumberButton.click()
    assert sorted(teeth_of(node)) == [11, 16, 17, 36, 47]
    widget.ui.undoButton.click()
    assert 18 in teeth_of(node)


def test_a_third_molar_of_a_full_quadrant_is_selected(widget: Any, scene: Any) -> None:
    from teeth_node import make_node

    labels = np.zeros((4, 4, 10), np.uint8)
    for place in range(8):
        labels[1:3, 1:3, place] = 11 + place
    node = make_node(scene, labels, surfaces=False)
    widget.logic.getParameterNode().segmentation = node
    settle()
    widget.panel.result.selection.set((18,))
    assert widget.ui.deleteButton.enabled
    assert not widget.ui.renumberButton.enabled


@pytest.mark.parametrize("button", ["renumberButton", "shiftBackButton", "renumberFromButton"])
def test_a_second_molar_that_is_a_third_one_gets_its_number(
    widget: Any, node: Any, tmp_path: Path, button: str
) -> None:
    import slicer

    from case_fixture import labels_on
    from ToothSegLib.dataset.folder import Dataset
    from ToothSegLib.formats.slicer_header import terminology_entry
    from ToothSegLib.teeth import by_fdi
    from ToothSegScene.export import export_segmentation
    from ToothSegScene.segments import VOLUME, teeth_of
    from ToothSegScene.surface_files import export_surfaces

    ui, scan = widget.ui, node.GetNodeReference(VOLUME)
    ui.datasetEdit.currentPath = str(tmp_path / "set")
    ui.annotatorEdit.text = "ab"
    before = labels_on(node, scan)
    widget.panel.result.selection.set((16,))
    assert ui.newNumberCombo.currentText.startswith("15 ")  # not for every tooth
    widget.panel.result.selection.set((47,))
    widget.panel.result.corrections.choose_number(48)
    getattr(ui, button).click()
    settle()
    assert sorted(teeth_of(node)) == [11, 16, 36, 48]
    assert widget.panel.result.selection.teeth == (48,)
    assert ui.undoButton.enabled
    segment, tooth = node.GetSegmentation().GetSegment("tooth_48"), by_fdi(48)
    assert segment.GetName() == "48 lower right third molar"
    assert np.allclose(np.multiply(segment.GetColor(), 255), tooth.colour)
    assert segment.GetTerminology() == terminology_entry(tooth)
    assert tree_row(widget, 48).text(0) == "48 lower right third molar"
    assert not widget.panel.result.odontogram.buttons[47].toolTip.endswith("reviewed")
    assert not ui.missingButton.enabled
    ui.exportCaseButton.click()
    (case,) = Dataset.open(tmp_path / "set").cases()
    assert case.record.teeth == (11, 16, 36, 48)
    np.testing.assert_array_equal(case.labels().array == 48, before == 47)
    surfaces = export_surfaces(node, tmp_path)
    assert any("48" in path.name for path in surfaces)
    file = export_segmentation(node, tmp_path / "teeth.seg.nrrd")
    again = slicer.util.loadSegmentation(str(file))
    assert sorted(teeth_of(again)) == [11, 16, 36, 48]
    widget.logic.getParameterNode().segmentation = node
    settle()
    ui.undoButton.click()
    np.testing.assert_array_equal(labels_on(node, scan), before)
    assert sorted(teeth_of(node)) == [11, 16, 36, 47]
