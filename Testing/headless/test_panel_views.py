"""Teeth are not reviewed over the slices of another scan without a word."""

from __future__ import annotations

from typing import Any

import pytest

from case_fixture import result
from panel_fixture import settle

TOLD = (
    "The slice views show {}, not Scan, the scan of Scan teeth: click on a tooth to see that one."
)


def loaded(name: str = "After") -> Any:
    """Another scan, which Slicer puts into all slice views."""
    import slicer

    scan, teeth = result()
    slicer.util.arrayFromVolume(scan)[:] += 1
    slicer.util.arrayFromVolumeModified(scan)
    scan.SetName(name)
    slicer.mrmlScene.RemoveNode(teeth)
    slicer.util.setSliceViewerLayers(background=scan)
    return scan


def layers_of(view: str) -> Any:
    """The composite node of a slice view."""
    import slicer

    return slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceCompositeNode{view}")


def in_slices() -> set[str]:
    """Names of the volumes in the backgrounds of the slice views."""
    import slicer

    views = map(layers_of, ("Red", "Yellow", "Green"))
    return {slicer.mrmlScene.GetNodeByID(view.GetBackgroundVolumeID()).GetName() for view in views}


@pytest.fixture
def mapped(scene: Any) -> Any:
    """``mapped("Red")``: the layout has these slice views."""
    views = {name: scene.GetNodeByID(f"vtkMRMLSliceNode{name}") for name in ("Red", "Green")}

    def only(*names: str) -> None:
        for name, view in views.items():
            view.SetMappedInLayout(name in names)

    yield only
    only()


@pytest.mark.parametrize("away", [True, False])
def test_a_scan_that_was_loaded_since_is_told_until_the_teeth_s_own_is_back(
    widget: Any, scan_and_node: Any, away: bool
) -> None:
    ui = widget.ui
    assert (in_slices(), ui.messageLabel.text) == ({"Scan"}, "")
    if away:
        widget.parent.exit()
    loaded()
    if away:
        widget.parent.enter()
    settle()
    assert (in_slices(), ui.messageLabel.text) == ({"After"}, TOLD.format("After"))
    widget.panel.run.say("What was done last.")
    assert ui.messageLabel.text == f"What was done last.<br>{TOLD.format('After')}"
    widget.panel.run.say("")
    widget.panel.result.odontogram.buttons[11].click()
    settle()
    assert (in_slices(), ui.messageLabel.text) == ({"Scan"}, "")


def test_a_scan_that_the_reader_puts_there_is_told_at_once(widget: Any, scan_and_node: Any) -> None:
    import slicer

    scan, _ = scan_and_node
    other = loaded()
    settle()
    for shown, told in ((scan, ""), (other, TOLD.format("After")), (scan, "")):
        slicer.util.setSliceViewerLayers(background=shown)
        settle()
        assert widget.ui.messageLabel.text == told


def test_the_next_tooth_of_a_review_brings_its_scan(widget: Any, scan_and_node: Any) -> None:
    loaded()
    widget.panel.result.selection.set((11,))
    widget.ui.approveButton.click()
    assert in_slices() == {"Scan"}


def test_so_does_the_place_of_a_finding_without_a_tooth(
    widget: Any, scan_and_node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegLib.report import Finding

    panel = widget.panel.result
    monkeypatch.setattr(panel, "_places", lambda finding: [(0.0, 0.0, 0.0)])
    loaded()
    panel._show_finding(Finding("dropped-pieces", "low", "A piece was left out."), 0)
    assert in_slices() == {"Scan"}


def test_only_what_the_layout_shows_counts(widget: Any, scan_and_node: Any, mapped: Any) -> None:
    scan, _ = scan_and_node
    other = loaded()
    layers_of("Green").SetBackgroundVolumeID(scan.GetID())
    mapped("Red")
    widget.panel.refresh()
    assert widget.ui.messageLabel.text == TOLD.format("After")
    mapped("Red", "Green")
    widget.panel.refresh()
    assert widget.ui.messageLabel.text == ""
    layers_of("Green").SetBackgroundVolumeID(other.GetID())
    layers_of("Red").SetForegroundVolumeID(scan.GetID())
    widget.panel.refresh()
    assert widget.ui.messageLabel.text == TOLD.format("After")
    layers_of("Red").SetForegroundOpacity(0.5)
    widget.panel.refresh()
    assert widget.ui.messageLabel.text == ""
    layers_of("Red").SetForegroundOpacity(0.0)


def test_empty_views_mislead_nobody(widget: Any, scan_and_node: Any) -> None:
    import slicer

    slicer.util.setSliceViewerLayers(background=None)
    widget.panel.refresh()
    assert widget.ui.messageLabel.text == ""
    widget.panel.result.odontogram.buttons[11].click()
    assert in_slices() == {"Scan"}
