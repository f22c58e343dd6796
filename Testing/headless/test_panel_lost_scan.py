"""The section "Training data" where the scan of a result is gone or of no use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from case_fixture import choose, result, save
from node_fixture import bent_transform
from panel_fixture import open_panel, settle


@pytest.fixture
def widget(toothseg: Any, tmp_path: Path) -> Any:
    """The panel, with a data set and initials."""
    widget = open_panel(toothseg)
    widget.ui.datasetEdit.currentPath = str(tmp_path / "set")
    widget.ui.annotatorEdit.text = "ab"
    settle()
    return widget


def show(widget: Any, scan: Any, node: Any) -> None:
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()


def approve(node: Any) -> None:
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of

    for fdi in teeth_of(node):
        set_reviewed(node, fdi, True)


def test_a_reviewed_result_whose_scan_is_gone_is_not_passed_over(
    widget: Any, scene: Any, dialogs: Any
) -> None:
    (scan, node), (lost, without) = result(), result("anisotropic")
    for result_node in (node, without):
        approve(result_node)
    show(widget, scan, node)
    scene.RemoveNode(lost)
    settle()
    widget.ui.exportReviewedButton.click()
    assert "1 of 2 results are in the data set." in widget.ui.messageLabel.text
    (shown,) = dialogs.take()
    assert shown.text == (
        f"{without.GetName()}: The scan of {without.GetName()!r} is not in the scene: a case for "
        "training needs both."
    )


def test_what_needs_the_scan_is_not_offered_without_it(widget: Any, scene: Any) -> None:
    ui = widget.ui
    (scan, node), other = result(), result("anisotropic")
    show(widget, scan, node)
    needing = (ui.exportCaseButton, ui.autosaveCheck)
    assert all(button.enabled for button in needing)
    scene.RemoveNode(scan)
    settle()
    for button in needing:
        assert not button.enabled
        assert "The scan of this result is not in the scene: load it again." in button.toolTip
    assert ui.exportReviewedButton.enabled
    assert ui.openCaseButton.enabled
    show(widget, *other)
    assert all(button.enabled for button in needing)


def test_a_case_is_opened_beside_a_result_whose_scan_is_of_no_use(
    widget: Any, scene: Any, tmp_path: Path, dialogs: Any
) -> None:
    scan, node = result()
    case = save(node, tmp_path / "set")
    transform = bent_transform()
    for moved in (scan, node):
        moved.SetAndObserveTransformNodeID(transform.GetID())
    show(widget, scan, node)
    dialogs.answer(choose(case.id))
    widget.ui.openCaseButton.click()
    settle()
    dialogs.take()  # the list of cases, and no error
    opened = widget.logic.getParameterNode().segmentation
    assert opened is not node
    assert case.id in widget.ui.messageLabel.text


def test_a_lost_scan_is_told_below_the_button_as_long_as_it_is_lost(
    widget: Any, scene: Any
) -> None:
    from node_fixture import volume_node
    from ToothSegScene.volumes import grid_of

    scan, node = result()
    node.SetName("A & B teeth")
    show(widget, scan, node)
    message = widget.ui.messageLabel
    assert not message.isVisibleTo(widget.parent)
    again = grid_of(scan).with_array(grid_of(scan).array.copy())
    scene.RemoveNode(scan)
    settle()
    lost = "The scan of A &amp; B teeth is not in the scene: load it again."
    assert message.isVisibleTo(widget.parent)
    assert lost in message.text
    widget.panel.run.say("Done.")
    assert message.text.startswith(f"Done.<br>{lost}")
    volume_node(again)
    settle()
    assert lost not in message.text
