"""A run through the button: progress, result, cancel, and a scene that changes meanwhile."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from panel_fixture import give_result, open_panel, settle, wait_until
from slicers_python import hide
from stub_panel_fixture import a_scan, open_stub_panel

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def widget(
    full_sample_node: Any, toothseg: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> Any:
    """The panel, set to the processor, which every machine has, with the packages of Slicer."""
    hide(monkeypatch, tmp_path_factory.mktemp("python"))
    widget = open_panel(toothseg)
    widget.logic.getParameterNode().device = "cpu"
    return widget


@pytest.fixture
def slow_widget(toothseg: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel with a scan whose run costs nothing and takes a minute."""
    widget = open_stub_panel(toothseg, tmp_path, monkeypatch)
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.bundle = a_scan("A", 11), "slow"
    settle()
    return widget


@pytest.fixture(autouse=True)
def _private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs make their folders where the test can see them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _nodes(scene: Any) -> list[str]:
    return [scene.GetNthNode(place).GetID() for place in range(scene.GetNumberOfNodes())]


def _is_running(widget: Any) -> bool:
    return widget.panel.run.run is not None


@pytest.fixture
def picture(widget: Any, panel_screenshot: Any, tmp_path_factory: Any) -> Callable[..., None]:
    """Takes a picture of the panel, and looks whether its ground and its text differ in lightness.

    The pictures go where the variable ``TOOTHSEG_SCREENSHOTS`` says: those of the README are made
    with ``Resources/Screenshots``.
    """
    folder = Path(os.environ.get("TOOTHSEG_SCREENSHOTS") or tmp_path_factory.mktemp("pictures"))

    def take(name: str, style: str = "light") -> None:
        from PySide6.QtGui import QImage

        image = QImage(str(panel_screenshot(widget.parent, folder / f"{name}.png", style=style)))
        ground = image.pixelColor(2, 2).lightness()
        assert ground < 80 if style == "dark" else ground > 200
        lights = {image.pixelColor(x, y).lightness() for x in range(480) for y in range(20, 45)}
        assert max(abs(light - ground) for light in lights) > 120
        settle()

    return take


def test_the_sample_through_the_button(
    widget: Any, tmp_path: Path, picture: Callable[..., None]
) -> None:
    from ToothSegScene.segments import teeth_of

    ui = widget.ui
    picture("panel-before")
    ui.segmentButton.click()
    assert not ui.segmentButton.isVisibleTo(widget.parent)
    assert ui.progressFrame.isVisibleTo(widget.parent)
    seen: list[tuple[int, str]] = []
    pictured = False

    def look() -> bool:
        nonlocal pictured
        seen.append((ui.progressBar.value, ui.stageLabel.text))
        if not pictured and seen[-1][0] >= 40 and "left" in seen[-1][1]:
            picture("panel-during")
            pictured = True
        return not _is_running(widget)

    wait_until(look, 400)
    values = [value for value, _ in seen]
    assert values == sorted(values)
    assert len(set(values)) >= 5
    assert len({text.split(",")[0] for _, text in seen}) >= 4
    assert pictured

    node = widget.logic.getParameterNode().segmentation
    teeth = sorted(teeth_of(node))
    assert len(teeth) >= 20
    assert f"{len(teeth)} teeth found" in ui.messageLabel.text
    assert ui.segmentButton.isVisibleTo(widget.parent)
    assert ui.segmentButton.enabled
    assert ui.odontogramFrame.isVisibleTo(widget.parent)
    assert node.GetNodeReference("ToothSeg.Volume") is ui.inputSelector.currentNode()
    assert node.GetAttribute("ToothSeg.Scan")
    assert list(tmp_path.iterdir()) == []

    # As after a minute's work with it.
    ui.findingsList.currentRow = 0
    for fdi in (11, 21):
        widget.panel.result.selection.set((fdi,))
        ui.reviewedButton.click()
    widget.panel.result.odontogram.buttons[36].click()
    settle()
    picture("panel-after")
    picture("panel-after-dark", "dark")


def test_cancel_on_the_way_leaves_the_scene_as_it_was(
    slow_widget: Any, scene: Any, tmp_path: Path
) -> None:
    widget, ui = slow_widget, slow_widget.ui
    before = _nodes(scene)
    ui.segmentButton.click()
    wait_until(lambda: "looking" in ui.stageLabel.text.lower() and ui.progressBar.value > 0)
    assert list(tmp_path.iterdir())
    ui.cancelButton.click()
    assert not _is_running(widget)
    settle()
    assert _nodes(scene) == before
    assert widget.logic.getParameterNode().segmentation is None
    assert list(tmp_path.iterdir()) == []
    assert "Cancelled" in ui.messageLabel.text
    assert ui.segmentButton.enabled


def test_closing_the_scene_ends_the_run(slow_widget: Any, scene: Any, tmp_path: Path) -> None:
    widget = slow_widget
    widget.ui.segmentButton.click()
    wait_until(lambda: bool(list(tmp_path.iterdir())))
    scene.Clear(0)
    assert not _is_running(widget)
    settle()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert list(tmp_path.iterdir()) == []
    assert not widget.ui.segmentButton.enabled


def test_removing_the_volume_ends_the_run(
    slow_widget: Any, scene: Any, dialogs: Any, tmp_path: Path
) -> None:
    widget = slow_widget
    widget.ui.segmentButton.click()
    settle()
    scene.RemoveNode(widget.logic.getParameterNode().inputVolume)
    wait_until(lambda: not _is_running(widget), 60)
    (shown,) = dialogs.take()
    assert shown.text.startswith("The volume A was removed while it was segmented")
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert list(tmp_path.iterdir()) == []


def test_leaving_the_module_does_not_end_the_run(slow_widget: Any, toothseg: Any) -> None:
    widget = slow_widget
    widget.ui.segmentButton.click()
    toothseg.widgetRepresentation().exit()
    settle()
    assert _is_running(widget)
    toothseg.widgetRepresentation().enter()
    assert _is_running(widget)
    assert widget.ui.progressFrame.isVisibleTo(widget.parent)
    widget.ui.cancelButton.click()


def test_a_volume_that_cannot_be_used_is_refused_in_a_line(
    widget: Any, scene: Any, dialogs: Any
) -> None:
    import numpy as np
    import slicer

    flat = slicer.util.addVolumeFromArray(np.zeros((8, 8, 8), np.int16), name="nothing")
    widget.logic.getParameterNode().inputVolume = flat
    widget.ui.segmentButton.click()
    wait_until(lambda: not _is_running(widget), 60)
    (shown,) = dialogs.take()
    assert "\n" not in shown.text
    assert not shown.detail
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_overwriting_writes_into_the_result_shown(widget: Any) -> None:
    """What the panel asks of the logic, without running the networks again."""
    parameters = widget.logic.getParameterNode()
    asked: list[tuple[Any, Any]] = []

    def start(volume: Any, segmentation: Any, **options: Any) -> None:
        asked.append((volume, segmentation))

    widget.logic.start = start
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    parameters.segmentation = node
    widget.ui.segmentButton.click()
    widget.ui.outputCombo.currentIndex = 1
    widget.ui.segmentButton.click()
    assert asked == [(parameters.inputVolume, None), (parameters.inputVolume, node)]


def test_segments_are_overwritten_only_after_asking(
    full_sample_labels: Any, widget: Any, full_sample_node: Any, dialogs: Any
) -> None:
    import qt

    node = give_result(widget, full_sample_node, full_sample_labels)
    asked: list[Any] = []
    widget.logic.start = lambda volume, segmentation, **options: asked.append(segmentation)
    widget.ui.outputCombo.currentIndex = 1
    for answer, started in ((qt.QMessageBox.Cancel, []), (qt.QMessageBox.Ok, [node])):
        dialogs.answer(answer)
        widget.ui.segmentButton.click()
        (shown,) = dialogs.take()
        assert node.GetName() in shown.text
        assert asked == started


def test_the_self_test_passes(toothseg: Any, scene: Any) -> None:
    """The same that desktop Slicer runs."""
    import ToothSeg

    ToothSeg.ToothSegTest().runTest()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
