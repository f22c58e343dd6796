"""Findings have places as coordinates: a click goes there, each further one to the next."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from case_fixture import result
from panel_fixture import open_panel, settle
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.left_out import no_place_findings
from ToothSegLib.report import Finding, from_json, to_json
from ToothSegLib.separation.implants import Implants, implant_findings
from ToothSegLib.volume import Volume

# Volume in mm3, and LPS mm: not where the sentences say, which tell whole millimetres.
PIECES = {20.0: (3.4, 8.25, -2.6), 90.0: (-7.27, 4.4, 12.45), 40.0: (11.75, -6.1, 3.2)}
BY_SIZE_RAS = [(7.27, -4.4, 12.45), (-11.75, 6.1, 3.2), (-3.4, -8.25, -2.6)]


def findings() -> list[Finding]:
    """By the library: pieces, of which the sentence tells the largest, and implants."""
    axis, types = np.array([0.0, 0.0, 1.0]), np.full(17, 1 / 17)
    regions = [
        Region(label, 9, volume, np.array(at), axis, types, 0.9)
        for label, (volume, at) in enumerate(PIECES.items(), 1)
    ]
    facts = Facts(regions, Numbering(), Volume(np.zeros((4, 4, 4), np.uint8)), None)
    return [
        *no_place_findings(regions, Numbering(), facts),
        *implant_findings(Implants(regions[:2])),
        Finding("dropped-pieces", "low", "3 small pieces were taken for noise."),
    ]


@pytest.fixture
def widget(toothseg: Any) -> Any:
    """The panel with a result of these findings, large enough to be clicked on."""
    widget = open_panel(toothseg)
    scan, node = result()
    report = from_json(node.GetAttribute("ToothSeg.Report"), Volume(np.zeros((1, 1, 1), np.uint8)))
    report.findings = findings()
    node.SetAttribute("ToothSeg.Report", to_json(report))
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    widget.parent.resize(600, 1600)
    widget.parent.show()
    settle()
    return widget


def click(widget: Any, row: int) -> tuple[float, ...]:
    """Click on a row with the mouse; where the slices are then, RAS mm."""
    import slicer
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QAbstractScrollArea

    rows = widget.ui.findingsList
    at = rows.visualItemRect(rows.item(row)).center()
    QTest.mouseClick(QAbstractScrollArea.viewport(rows), Qt.MouseButton.LeftButton, pos=at)
    settle()
    slices = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceNode").GetSliceToRAS()
    return tuple(slices.GetElement(axis, 3) for axis in range(3))


def test_clicks_go_from_place_to_place_and_round(widget: Any) -> None:
    rows = widget.ui.findingsList
    assert "the largest at R 7, P 4, S 12 mm)" in rows.item(0).text()
    assert "to the first of 3 places" in rows.item(0).toolTip()
    for turn in range(4):
        assert click(widget, 0) == pytest.approx(BY_SIZE_RAS[turn % 3])
        assert f"This is place {turn % 3 + 1} of 3" in rows.item(0).toolTip()
    assert "2 things at R 7, P 4, S 12; L 3, P 8, I 3 mm are" in rows.item(1).text()
    assert click(widget, 1) == pytest.approx(BY_SIZE_RAS[0])
    assert click(widget, 1) == pytest.approx(BY_SIZE_RAS[2])
    assert click(widget, 0) == pytest.approx(BY_SIZE_RAS[0])


def test_a_click_after_the_arrow_keys_goes_on_at_once(widget: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    rows = widget.ui.findingsList
    click(widget, 1)
    QTest.keyClick(rows, Qt.Key.Key_Up)
    settle()
    assert rows.currentRow == 0
    assert click(widget, 0) == pytest.approx(BY_SIZE_RAS[1])


def test_the_place_stays_in_hand_when_the_panel_is_shown_anew(widget: Any) -> None:
    click(widget, 0)
    click(widget, 0)
    widget.ui.notationCombo.currentIndex = 2
    settle()
    assert "This is place 2 of 3" in widget.ui.findingsList.item(0).toolTip()
    assert click(widget, 0) == pytest.approx(BY_SIZE_RAS[2])


def test_a_finding_without_a_place_takes_clicks(widget: Any) -> None:
    before = click(widget, 0)
    assert click(widget, 2) == click(widget, 2) == before
    assert "place" not in widget.ui.findingsList.item(2).toolTip()


def test_a_report_of_an_older_version_leads_to_where_its_sentences_say(widget: Any) -> None:
    node = widget.logic.getParameterNode().segmentation
    report = json.loads(node.GetAttribute("ToothSeg.Report"))
    for finding in report["findings"]:
        del finding["places_lps"]
    node.SetAttribute("ToothSeg.Report", json.dumps(report))
    settle()
    rows = widget.ui.findingsList
    assert "the largest at R 7, P 4, S 12 mm)" in rows.item(0).text()
    assert "2 things at R 7, P 4, S 12; L 3, P 8, I 3 mm are" in rows.item(1).text()
    assert click(widget, 0) == click(widget, 0) == pytest.approx((7.0, -4.0, 12.0))
    assert click(widget, 1) == pytest.approx((7.0, -4.0, 12.0))
    assert click(widget, 1) == pytest.approx((-3.0, -8.0, -3.0))
