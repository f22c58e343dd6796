"""The result on the panel: odontogram, findings, categories."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from panel_fixture import FINDINGS, give_result, open_panel, settle, tree_row


@pytest.fixture
def widget(sample_volume_node: Any, toothseg: Any) -> Any:
    """The panel."""
    return open_panel(toothseg)


@pytest.fixture
def node(widget: Any, sample_volume_node: Any, sample_labels: Any) -> Any:
    """A segmentation with findings about 16 and 34, 35, shown on the panel."""
    return give_result(widget, sample_volume_node, sample_labels)


@pytest.fixture
def there(node: Any) -> list[int]:
    """The teeth that are in it."""
    from ToothSegScene.segments import teeth_of

    return sorted(teeth_of(node))


def _name(widget: Any, fdi: int) -> str:
    return str(widget.panel.result.odontogram.buttons[fdi].accessibleName)


def test_the_odontogram_shows_the_states(widget: Any, there: list[int]) -> None:
    assert _name(widget, 16).endswith("to check")
    assert _name(widget, 34).endswith("to check")
    assert _name(widget, 26).endswith("found")
    absent = set(widget.panel.result.odontogram.buttons) - set(there)
    assert all(_name(widget, fdi).endswith("not found") for fdi in absent)


def test_the_patients_right_is_on_the_left(widget: Any, node: Any) -> None:
    buttons = widget.panel.result.odontogram.buttons
    widget.parent.resize(480, 1000)
    widget.parent.show()
    settle()
    assert buttons[17].x < buttons[11].x < buttons[21].x < buttons[27].x
    assert buttons[47].x < buttons[41].x < buttons[31].x < buttons[37].x
    assert buttons[11].y < buttons[41].y
    assert buttons[16].x == buttons[46].x


def test_states_differ_in_shape_and_not_in_colour_alone(qt_app: Any, scene: Any) -> None:
    from PySide6.QtGui import QImage, qGray

    from ToothSegPanel.painting import paint_tooth
    from ToothSegPanel.state_style import STATES

    def grey(state: str) -> set[tuple[int, int]]:
        """The dark pixels, by which a colour-blind reader goes."""
        picture: QImage = paint_tooth(16, state, (255, 255, 255)).toImage()
        return {
            (x, y)
            for x in range(picture.width())
            for y in range(picture.height())
            if picture.pixelColor(x, y).alpha() > 128 and qGray(picture.pixel(x, y)) < 140
        }

    pictures = [frozenset(grey(state)) for state in STATES]
    assert len(set(pictures)) == len(STATES) == 5


def test_a_click_selects_and_centres_the_views(widget: Any, node: Any, slicer_app: Any) -> None:
    from ToothSegScene.nodes import nodes_of_class
    from ToothSegScene.segments import teeth_of

    camera = slicer_app.mrmlScene().AddNewNodeByClass("vtkMRMLCameraNode")
    distance = camera.GetPosition()[1] - camera.GetFocalPoint()[1]
    widget.panel.result.odontogram.buttons[36].click()
    centre = node.GetSegmentCenterRAS(teeth_of(node)[36])
    assert widget.panel.result.selection.teeth == (36,)
    assert camera.GetFocalPoint() == pytest.approx(centre)
    assert camera.GetPosition()[1] - camera.GetFocalPoint()[1] == pytest.approx(distance)
    slices = nodes_of_class(slicer_app.mrmlScene(), "vtkMRMLSliceNode")
    assert len(slices) == 3
    for view in slices:
        matrix = view.GetSliceToRAS()
        assert [matrix.GetElement(row, 3) for row in range(3)] == pytest.approx(centre)
    assert node.GetDisplayNode().GetVisibility3D()
    assert node.GetSegmentation().ContainsRepresentation("Closed surface")


def test_the_3d_views_turn_to_a_new_result(widget: Any, node: Any, slicer_app: Any) -> None:
    camera = slicer_app.mrmlScene().AddNewNodeByClass("vtkMRMLCameraNode")
    before = camera.GetPosition()[1] - camera.GetFocalPoint()[1]
    widget.panel._finished(SimpleNamespace(result_node=node, name="scan", region=""))
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    middle = [(bounds[axis] + bounds[axis + 1]) / 2 for axis in (0, 2, 4)]
    assert camera.GetFocalPoint() == pytest.approx(middle)
    assert camera.GetPosition()[1] - camera.GetFocalPoint()[1] == pytest.approx(before)


def test_ctrl_and_shift_select_several(widget: Any, node: Any) -> None:
    odontogram = widget.panel.result.odontogram
    held = (False, False)
    odontogram._modifiers = lambda: held
    odontogram.buttons[13].click()
    held = (False, True)
    odontogram.buttons[15].click()
    held = (True, False)
    odontogram.buttons[36].click()
    assert widget.panel.result.selection.teeth == (13, 14, 15, 36)
    checked = {fdi for fdi, button in odontogram.buttons.items() if button.checked}
    assert checked == {13, 14, 15, 36}


def test_the_keyboard_reaches_and_chooses_a_tooth(widget: Any, node: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    buttons = widget.panel.result.odontogram.buttons
    widget.parent.show()
    widget.parent.activateWindow()
    settle()
    buttons[16].setFocus()
    QTest.keyClick(buttons[16], Qt.Key.Key_Right)
    assert buttons[15].hasFocus()
    QTest.keyClick(buttons[15], Qt.Key.Key_Space)
    assert widget.panel.result.selection.teeth == (15,)


@pytest.mark.parametrize(("row", "text"), [(0, "16"), (1, "3"), (2, "UR6")])
def test_the_notation_changes_everywhere(widget: Any, node: Any, row: int, text: str) -> None:
    widget.ui.notationCombo.currentIndex = row
    settle()
    result = widget.panel.result
    assert result.odontogram.numbers[16].text == text
    assert tree_row(widget, 16).text(0) == f"{text} upper right first molar"
    result.odontogram.buttons[16].click()
    assert f"<b>{text} upper right first molar</b>" in widget.ui.selectionLabel.text
    assert text in widget.ui.findingsList.item(0).text()


def test_no_number_is_cut_in_any_notation(widget: Any, node: Any) -> None:
    from PySide6.QtGui import QFontMetrics

    from ToothSegPanel.notation import NOTATIONS

    for row in range(len(NOTATIONS)):
        widget.ui.notationCombo.currentIndex = row
        settle()
        for button in widget.panel.result.odontogram.numbers.values():
            assert button.width >= QFontMetrics(button.font).horizontalAdvance(button.text) + 4


def test_findings_are_ranked_and_select_their_teeth(widget: Any, node: Any) -> None:
    rows = widget.ui.findingsList
    assert [rows.item(row).text()[:10] for row in range(rows.count)] == [
        "The number", "34 and 35 ", "3 small pi",
    ]  # fmt: skip
    assert "high" in rows.item(0).toolTip()
    assert widget.ui.findingsButton.text == "To check (3)"
    rows.currentRow = 1
    assert widget.panel.result.selection.teeth == (34, 35)
    widget.panel.result.odontogram.buttons[26].click()
    assert rows.currentRow == -1  # the row's teeth are not those that are selected


def test_a_finding_about_a_piece_leads_to_its_place(
    widget: Any, node: Any, sample_labels: Any, slicer_app: Any
) -> None:
    """In the words of the library, which knows no Slicer, and on a scan that was moved."""
    from node_fixture import linear_transform
    from ToothSegLib.arches.regions import Region
    from ToothSegLib.numbering import Numbering
    from ToothSegLib.quality.left_out import no_place_findings
    from ToothSegLib.report import from_json, to_json
    from ToothSegScene.nodes import nodes_of_class
    from ToothSegScene.segments import REPORT

    axis, types = np.array([0.0, 0.0, 1.0]), np.full(17, 1 / 17)
    piece = Region(1, 100, 60.0, np.array([-7.0, 4.0, 12.0]), axis, types, 0.9)
    facts: Any = SimpleNamespace(beside=lambda region: None)
    report = from_json(node.GetAttribute(REPORT), sample_labels)
    report.findings = no_place_findings([piece], Numbering(), facts)
    node.SetAttribute(REPORT, to_json(report))
    moved = np.eye(4)
    moved[0, 3] = -20.0
    node.SetAndObserveTransformNodeID(linear_transform(moved).GetID())
    settle()
    rows = widget.ui.findingsList
    assert "(60 mm\N{SUPERSCRIPT THREE}, at L 13, P 4, S 12 mm)" in rows.item(0).text()
    rows.currentRow = 0
    slices = nodes_of_class(slicer_app.mrmlScene(), "vtkMRMLSliceNode")
    assert len(slices) == 3
    for view in slices:
        matrix = view.GetSliceToRAS()
        centre = [matrix.GetElement(row, 3) for row in range(3)]
        assert centre == pytest.approx((-13.0, -4.0, 12.0))


def test_a_finding_about_implants_leads_to_the_first(widget: Any, node: Any) -> None:
    from ToothSegLib.arches.regions import Region
    from ToothSegLib.separation.implants import Implants, implant_findings
    from ToothSegScene.places import in_words, places_of

    axis, types = np.array([0.0, 0.0, 1.0]), np.full(17, 1 / 17)
    places = [np.array([9.0, -3.0, 0.0]), np.array([-7.0, 4.0, -12.0])]
    implants = [Region(label, 100, 60.0, at, axis, types, 0.9) for label, at in enumerate(places)]
    (finding,) = implant_findings(Implants(implants))
    assert places_of(node, finding) == [(7.0, -4.0, -12.0), (-9.0, 3.0, 0.0)]
    told = in_words(node, finding)
    assert told.startswith("2 things at R 7, P 4, I 12; L 9, A 3, S 0 mm are as bright as metal")
    assert places_of(node, FINDINGS[0]) == []
    assert in_words(node, FINDINGS[0]) == FINDINGS[0].message


def test_reviewing_a_tooth_settles_its_finding(widget: Any, node: Any) -> None:
    widget.ui.findingsList.currentRow = 0
    assert widget.ui.reviewedButton.enabled
    widget.ui.reviewedButton.click()
    settle()
    assert _name(widget, 16).endswith("reviewed")
    assert widget.ui.findingsList.count == 2
    widget.ui.reviewedButton.click()  # it takes back what it did
    settle()
    assert _name(widget, 16).endswith("to check")
    assert widget.ui.findingsList.count == 3


def test_the_tree_hides_and_fades_a_category(widget: Any, node: Any, there: list[int]) -> None:
    import qt

    from ToothSegScene.display import looks_of

    molars = {fdi for fdi in there if fdi // 10 <= 2 and fdi % 10 >= 6}
    assert tree_row(widget, 4).text(0) == f"Upper molars  ({len(molars)} of 4)"
    tree_row(widget, 4).setCheckState(0, qt.Qt.Unchecked)
    settle()
    assert {fdi for fdi, look in looks_of(node).items() if not look.visible} == molars
    tree_row(widget, 16).setCheckState(0, qt.Qt.Checked)
    settle()
    assert tree_row(widget, 4).checkState(0) == qt.Qt.PartiallyChecked
    widget.ui.categoryTree.itemWidget(tree_row(widget, 1), 1).value = 40
    incisors = {fdi for fdi in there if fdi // 10 <= 2 and fdi % 10 <= 2}
    faded = {fdi for fdi, look in looks_of(node).items() if look.opacity == pytest.approx(0.4)}
    assert faded == incisors


def test_a_click_on_a_check_box_hides_and_a_click_beside_it_selects(widget: Any, node: Any) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QAbstractScrollArea, QStyle, QStyleOptionViewItem, QWidget

    from ToothSegScene.display import looks_of

    widget.parent.resize(480, 1100)
    widget.parent.show()
    widget.ui.categoriesButton.collapsed = False
    settle()
    tree = widget.ui.categoryTree
    row = tree.visualItemRect(tree_row(widget, 4))
    option = QStyleOptionViewItem()
    option.rect = row
    option.features = QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    box = QWidget.style(tree).subElementRect(
        QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, tree
    )
    viewport = QAbstractScrollArea.viewport(tree)

    def click(x: int) -> dict[int, bool]:
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(x, row.center().y()))
        settle()
        return {fdi: looks_of(node)[fdi].visible for fdi in (16, 26)}

    assert click(box.center().x()) == {16: False, 26: False}
    assert widget.panel.result.selection.teeth == ()
    assert click(box.center().x()) == {16: True, 26: True}
    click(box.center().x())
    assert click(box.right() + 60) == {16: True, 26: True}  # brought into view
    assert {16, 26} <= set(widget.panel.result.selection.teeth)


def test_a_segment_that_slicer_changes_shows(widget: Any, node: Any) -> None:
    from ToothSegScene.segments import teeth_of

    node.GetSegmentation().RemoveSegment(teeth_of(node)[26])
    settle()
    assert _name(widget, 26).endswith("not found")
    with pytest.raises(KeyError):
        tree_row(widget, 26)


def test_no_result_hides_its_sections(widget: Any, node: Any, slicer_app: Any) -> None:
    slicer_app.mrmlScene().RemoveNode(node)
    settle()
    ui = widget.ui
    for part in (ui.odontogramFrame, ui.correctionsButton, ui.exportButton, ui.resultSelector):
        assert not part.isVisibleTo(ui.resultFrame)


def test_what_is_only_for_display_stands_folded_below_the_work(widget: Any, node: Any) -> None:
    from PySide6.QtWidgets import QLayout

    ui = widget.ui
    names = ("findingsButton", "reviewButton", "correctionsButton", "categoriesButton")
    rows = [QLayout.indexOf(ui.resultLayout, getattr(ui, name)) for name in names]
    assert rows == sorted(rows)
    assert [getattr(ui, name).collapsed for name in names] == [False, True, False, True]


def test_an_empty_list_of_findings_takes_no_room(widget: Any, node: Any) -> None:
    from ToothSegScene.segments import REPORT

    assert widget.ui.findingsList.isVisibleTo(widget.ui.findingsButton)
    node.RemoveAttribute(REPORT)
    settle()
    assert widget.ui.findingsButton.text == "To check: no report with this segmentation"
    assert not widget.ui.findingsList.isVisibleTo(widget.ui.findingsButton)
    assert widget.ui.reviewedButton.isVisibleTo(widget.ui.findingsButton)


def test_a_tooth_says_why_it_is_to_be_checked(widget: Any, node: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QAbstractScrollArea

    buttons, rows = widget.panel.result.odontogram.buttons, widget.ui.findingsList
    number = widget.panel.result.odontogram.numbers[16]
    for part in (buttons[16], number):
        first, second = part.toolTip.split("\n")
        assert first.endswith("to check")
        assert second == FINDINGS[0].message
    assert buttons[16].accessibleDescription == FINDINGS[0].message
    assert "\n" not in buttons[26].toolTip
    widget.parent.show()
    buttons[34].click()
    assert rows.currentRow == 1
    assert widget.panel.result.selection.teeth == (34,)
    place = rows.visualItemRect(rows.item(1)).center()
    QTest.mouseClick(QAbstractScrollArea.viewport(rows), Qt.MouseButton.LeftButton, pos=place)
    assert widget.panel.result.selection.teeth == (34, 35)
    assert rows.currentRow == 1
    buttons[16].click()
    assert rows.currentRow == 0
    widget.ui.reviewedButton.click()
    assert "\n" not in buttons[16].toolTip


def test_the_mark_of_a_tooth_is_that_of_its_finding(widget: Any, node: Any) -> None:
    from PySide6.QtGui import QImage

    from ToothSegPanel.state_style import URGENCY_BADGES

    def colours(fdi: int) -> set[tuple[int, int, int]]:
        button = widget.panel.result.odontogram.buttons[fdi]
        image: QImage = button.icon.pixmap(button.iconSize).toImage()
        pixels = [
            image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())
        ]
        return {(colour.red(), colour.green(), colour.blue()) for colour in pixels}

    assert URGENCY_BADGES["high"] in colours(16)
    assert URGENCY_BADGES["medium"] not in colours(16)
    assert URGENCY_BADGES["medium"] in colours(34)
