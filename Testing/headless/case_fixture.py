"""A small result of four teeth, and its way into a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from node_fixture import volume_node, with_geometry
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.report import Finding, Segmentation, measure_teeth

TEETH = (11, 16, 36, 47)
FINDING = Finding("odd-size", "high", "36 is large.", (36,))
# Places in the background of `some_labels`, to be painted.
STROKES = (np.s_[8:9, 0:3, 0:2], np.s_[8:9, 0:3, 4:6], np.s_[8:9, 0:3, 8:10])


def some_labels() -> np.ndarray:
    """(k, j, i): four teeth, no two alike, and one of them at the border."""
    labels = np.zeros((9, 10, 12), np.uint8)
    labels[0:3, 1:4, 1:5] = 11
    labels[1:4, 5:9, 6:9] = 16
    labels[5:9, 6:10, 0:3] = 36
    labels[6:8, 1:3, 8:11] = 47
    return labels


def result(name: str = "oblique") -> tuple[Any, Any]:
    """A volume node of random grey values and its segmentation node."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    grey = np.random.default_rng(3).integers(-900, 3000, (9, 10, 12)).astype(np.int16)
    scan = volume_node(with_geometry(grey, name))
    labels = with_geometry(some_labels(), name)
    teeth = measure_teeth(labels, {11: 0.9, 16: 0.4, 36: 0.95, 47: 0.8})
    made_by = {"bundle": "default", "weights": {"fine": "ab" * 32}}
    segmentation = Segmentation(labels, teeth, [FINDING], provenance=made_by)
    return scan, write_segmentation(slicer.mrmlScene, scan, segmentation)


def save(node: Any, folder: Path, what: str = "", who: str = "ab") -> Any:
    """Save by a new `Autosave`, as a new start of Slicer does; its case."""
    from ToothSegScene.autosave import Author, Autosave

    keeper = Autosave(node, folder)
    keeper.save(Author(who), what)
    return keeper.case


def the_case(folder: Path) -> DatasetCase:
    """The only one of a data set."""
    (case,) = Dataset.open(folder).cases()
    return case


def labels_on(node: Any, volume: Any) -> np.ndarray:
    from ToothSegScene.segments import read_labels

    return read_labels(node, volume).array


def choose(text: str, *, listed: int | None = None) -> Callable[[Any], int]:
    """An answer for the dialog of cases: find by a text, see how many there are, open the first."""
    import qt

    def answer(dialog: Any) -> int:
        dialog.findChild(qt.QLineEdit, "caseFilter").text = text
        cases = dialog.findChild(qt.QListWidget, "caseList")
        assert listed is None or cases.count == listed
        dialog.findChild(qt.QDialogButtonBox, "caseButtons").button(
            qt.QDialogButtonBox.Open
        ).click()
        return int(dialog.result())

    return answer
