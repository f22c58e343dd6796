"""A run within a region: what lies outside is not known to be background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import result, save, some_labels
from node_fixture import volume_node, with_geometry
from panel_fixture import open_panel, settle
from ToothSegLib.report import Segmentation, measure_teeth

WORDS = "Only a part of the scan was segmented"


def result_within(first: int, stop: int) -> tuple[Any, Any]:
    """A volume node and what a run gives within some of its columns."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    grey = np.random.default_rng(3).integers(-900, 3000, (9, 10, 12)).astype(np.int16)
    scan = volume_node(with_geometry(grey, "oblique"))
    whole = with_geometry(some_labels(), "oblique")
    part = whole.part((slice(0, 9), slice(0, 10), slice(first, stop)))
    made = Segmentation(part, measure_teeth(part, {}), provenance={"bundle": "default"})
    return scan, write_segmentation(slicer.mrmlScene, scan, made)


@pytest.mark.parametrize(
    ("first", "stop", "region"),
    [(0, 12, None), (2, 9, {"first": [2, 0, 0], "size": [7, 10, 9]})],
)
def test_the_report_tells_the_part(
    scene: Any, first: int, stop: int, region: dict[str, list[int]] | None
) -> None:
    _, node = result_within(first, stop)
    provenance = json.loads(node.GetAttribute("ToothSeg.Report"))["provenance"]
    assert provenance["bundle"] == "default"
    assert provenance.get("region") == region


@pytest.mark.parametrize("stop", [7, 12])
def test_every_save_says_so(toothseg: Any, tmp_path: Path, dialogs: Any, stop: int) -> None:
    from ToothSegLib.dataset.folder import Dataset
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.segments import teeth_of
    from ToothSegScene.training_case import cautions_in_words, place_case

    widget = open_panel(toothseg)
    ui = widget.ui
    ui.datasetEdit.currentPath, ui.annotatorEdit.text = str(tmp_path / "set"), "ab"
    scan, node = result_within(0, stop)
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    part = stop < 12
    ui.autosaveCheck.click()
    assert (WORDS in ui.savedLabel.text) == part
    for fdi in teeth_of(node):
        set_reviewed(node, fdi, True)
    ui.exportCaseButton.click()
    assert "Saved: revision 2" in ui.messageLabel.text
    assert (WORDS in ui.messageLabel.text) == part
    ui.exportReviewedButton.click()
    assert "1 of 1 results" in ui.messageLabel.text
    assert (WORDS in ui.messageLabel.text) == part
    (case,) = Dataset.open(tmp_path / "set").cases()
    _, opened = place_case(node.GetScene(), case, node)  # with its report
    assert (WORDS in cautions_in_words(opened)) == part


@pytest.mark.parametrize("beside", ["nothing", "a result of the whole scan"])
def test_a_case_that_is_opened_again_says_so(scene: Any, tmp_path: Path, beside: str) -> None:
    from ToothSegLib.dataset.checks import check_dataset
    from ToothSegLib.dataset.folder import Dataset
    from ToothSegScene.review import set_reviewed
    from ToothSegScene.training_case import cautions_in_words, place_case

    save(result_within(2, 9)[1], tmp_path / "set")
    scene.Clear(0)
    (case,) = Dataset.open(tmp_path / "set").cases()
    whole = None if beside == "nothing" else result()[1]
    _, opened = place_case(scene, case, whole)
    assert WORDS in cautions_in_words(opened)
    set_reviewed(opened, 16, True)
    again = save(opened, tmp_path / "set")  # and so it goes on, from hand to hand
    assert again.revision == 2
    assert again.record.prediction.provenance["region"] == {"first": [2, 0, 0], "size": [7, 10, 9]}
    assert check_dataset(tmp_path / "set") == []
