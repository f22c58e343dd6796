"""A result or a scan that is removed from the scene leaves nothing of itself in the panel."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from case_fixture import result
from panel_fixture import open_panel, settle


@pytest.mark.parametrize("away", [False, True])
def test_a_removed_result_is_kept_by_nobody(
    toothseg: Any, scene: Any, tmp_path: Path, away: bool
) -> None:
    import vtk

    widget = open_panel(toothseg)
    ui = widget.ui
    ui.datasetEdit.currentPath, ui.annotatorEdit.text = str(tmp_path / "set"), "ab"
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    segment = node.GetSegmentation().GetSegment("tooth_47")
    for tag in ("ToothSeg.FDI", "ToothSeg.Review"):
        segment.RemoveTag(tag)  # as one that was drawn by hand
    settle()
    widget.panel.result.selection.set((11, 16))
    ui.swapButton.click()
    ui.exportCaseButton.click()
    assert "Saved: revision" in ui.messageLabel.text
    references = [vtk.vtkWeakReference(), vtk.vtkWeakReference()]
    for reference, kept in zip(references, (node, segment)):
        reference.Set(kept)
    if away:
        widget.parent.exit()
    scene.RemoveNode(node)
    del node, segment, kept
    settle()
    gc.collect()
    assert [reference.Get() for reference in references] == [None, None]
    assert scan.GetScene() is scene


@pytest.mark.parametrize("away", [False, True])
def test_a_removed_scan_is_kept_by_nobody(toothseg: Any, scene: Any, away: bool) -> None:
    import vtk

    widget = open_panel(toothseg)
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    reference = vtk.vtkWeakReference()
    reference.Set(scan)
    if away:
        widget.parent.exit()
    scene.RemoveNode(scan)
    del scan
    settle()
    gc.collect()
    assert reference.Get() is None
