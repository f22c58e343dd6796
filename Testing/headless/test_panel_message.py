"""The line below the button: what was done last, and why no run can be started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from node_fixture import bent_transform
from panel_fixture import GivenPoints, settle, wait_until
from stub_panel_fixture import a_scan, open_stub_panel

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def widget(toothseg: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return open_stub_panel(toothseg, tmp_path, monkeypatch)


def start(widget: Any, volume: Any) -> None:
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.bundle = volume, "quick"
    widget.ui.segmentButton.click()


def end(widget: Any) -> None:
    wait_until(lambda: widget.panel.run.run is None)
    settle()


def result_of(widget: Any, volume: Any) -> Any:
    start(widget, volume)
    end(widget)
    return widget.logic.getParameterNode().segmentation


def said(widget: Any) -> str:
    label = widget.ui.messageLabel
    return str(label.text) if label.isVisibleTo(widget.parent) else ""


def test_what_was_said_goes_with_the_volume_and_the_result(widget: Any) -> None:
    a, b = a_scan("A", 11, 12, 16), a_scan("B", 21, 36)
    of_a = result_of(widget, a)
    assert said(widget).startswith("<b>3 teeth found</b> in A")
    settle()
    assert said(widget).startswith("<b>3 teeth found</b> in A")
    of_b = result_of(widget, b)
    assert said(widget).startswith("<b>2 teeth found</b> in B")
    widget.ui.resultSelector.setCurrentNode(of_a)
    settle()
    assert said(widget) == ""
    start(widget, a)
    end(widget)
    assert "in A" in said(widget)
    widget.ui.inputSelector.setCurrentNode(b)
    settle()
    assert said(widget) == ""
    assert of_b.GetScene() is not None


def test_a_run_that_ends_while_away_is_still_told(widget: Any) -> None:
    result_of(widget, a_scan("B", 21, 36))
    start(widget, a_scan("A", 11, 12, 16))
    widget.parent.exit()
    end(widget)
    widget.parent.enter()
    settle()
    assert said(widget).startswith("<b>3 teeth found</b> in A")


def test_why_nothing_can_be_run_is_told_beside_what_was_done(widget: Any, scene: Any) -> None:
    a = a_scan("A", 11, 12, 16)
    result_of(widget, a)
    a.SetAndObserveTransformNodeID(bent_transform().GetID())
    widget.panel.refresh()
    assert not widget.ui.segmentButton.enabled
    assert said(widget).startswith("<b>3 teeth found</b> in A")
    assert "under the non-linear transform" in said(widget)
    scene.RemoveNode(a)
    settle()
    assert "Load a scan and choose it as volume." in said(widget)


@pytest.mark.parametrize("step", ["another result", "points", "none"])
def test_a_run_that_ends_leaves_the_result_in_hand(
    widget: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    points = GivenPoints()
    result = widget.panel.result
    monkeypatch.setattr(result, "points", points)
    monkeypatch.setattr(result.corrections, "_points", points)
    b = result_of(widget, a_scan("B", 21, 36))
    c = result_of(widget, a_scan("C", 21, 36, 37))
    start(widget, a_scan("A", 11, 12, 16))
    shown = b if step == "another result" else c
    if step != "none":
        widget.ui.resultSelector.setCurrentNode(shown)
    settle()
    result.selection.set((36,))
    if step == "points":
        widget.ui.splitButton.click()
    end(widget)
    parameters = widget.logic.getParameterNode()
    if step == "none":
        assert parameters.segmentation not in (b, c)
        assert "3 teeth found" in said(widget)
        return
    assert parameters.segmentation is shown
    assert result.selection.teeth == (36,)
    assert (points.done is not None) == (step == "points")
    assert said(widget) == "<b>A is done</b>: choose <i>A teeth</i> under <i>Result</i>."
    import slicer

    arrived = slicer.util.getNode("A teeth")
    assert (shown.GetDisplayVisibility(), arrived.GetDisplayVisibility()) == (1, 0)
    widget.ui.resultSelector.setCurrentNode(arrived)
    settle()
    assert (shown.GetDisplayVisibility(), arrived.GetDisplayVisibility()) == (0, 1)
    points.done = None
