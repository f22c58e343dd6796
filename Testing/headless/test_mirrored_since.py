"""A flip that was hardened on scan and teeth makes every number one of the other side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result, save, some_labels
from export_fixture import names_in
from node_fixture import harden, linear_transform
from panel_fixture import open_panel, settle
from ToothSegLib.errors import InputError

MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
WORDS = "Scan teeth has been mirrored, right to left, since it was segmented"


def surfaces(node: Any, folder: Path) -> None:
    from ToothSegScene.export import export_surfaces

    export_surfaces(node, folder)


def segmentation(node: Any, folder: Path) -> None:
    from ToothSegScene.export import export_segmentation

    export_segmentation(node, folder / "teeth.seg.nrrd")


def models(node: Any, folder: Path) -> None:
    from ToothSegScene.export import export_models

    export_models(node)


def labelmap(node: Any, folder: Path) -> None:
    from ToothSegScene.export import export_labelmap
    from ToothSegScene.training_case import volume_of

    export_labelmap(node, volume_of(node))


def case(node: Any, folder: Path) -> None:
    save(node, folder / "set")


WAYS_OUT = [surfaces, segmentation, models, labelmap, case]


@pytest.mark.parametrize("way_out", WAYS_OUT)
def test_nothing_leaves(scene: Any, tmp_path: Path, way_out: Callable[[Any, Path], None]) -> None:
    scan, node = result()
    harden((scan, node), MIRROR)
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(InputError, match=f"{WORDS}.*: segment the scan again, or mirror both back"):
        way_out(node, tmp_path)
    assert names_in(tmp_path) == []
    assert scene.GetNumberOfNodes() == nodes
    harden((scan, node), MIRROR)
    way_out(node, tmp_path)


def test_it_is_told_on_the_panel_and_every_review_is_open(toothseg: Any) -> None:
    from ToothSegScene.review import progress, set_reviewed

    widget = open_panel(toothseg)
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    for fdi in TEETH:
        set_reviewed(node, fdi, True)
    settle()
    widget.parent.exit()
    harden((scan, node), MIRROR)
    widget.parent.enter()
    settle()
    assert WORDS in widget.ui.messageLabel.text
    assert progress(node) == (0, len(TEETH))


def test_a_step_from_before_can_be_undone_once_it_is_mirrored_back(scene: Any) -> None:
    from ToothSegScene.editing import Corrections

    scan, node = result()
    corrections = Corrections(node)
    corrections.delete([47])
    for _ in range(2):
        harden((scan, node), MIRROR)
        corrections.take_note()
    for _ in range(3):
        corrections.undo()
    assert corrections.can_undo is None
    np.testing.assert_array_equal(labels_on(node, scan), some_labels())


@pytest.mark.parametrize("geometry", ["mirrored", "oblique, negative"])
def test_a_scan_whose_file_is_so_is_not_mirrored(scene: Any, geometry: str) -> None:
    """Nor is one that was turned upside down, or lost."""
    from ToothSegScene.run_place import mirrored_in_words

    scan, node = result(geometry)
    assert mirrored_in_words(node) == ""
    harden((scan, node), np.diag([1.0, -1.0, -1.0, 1.0]))
    assert mirrored_in_words(node) == ""
    harden((node,), MIRROR)
    scene.RemoveNode(scan)
    assert mirrored_in_words(node).startswith(WORDS)


def test_teeth_with_a_geometry_of_their_own_go_by_the_scan(scene: Any) -> None:
    import slicer

    from ToothSegScene.run_place import mirrored_in_words

    scan, node = result()
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    node.GetSegmentation().SetConversionParameter(name, "")
    assert mirrored_in_words(node) == ""
    harden((scan, node), MIRROR)
    assert mirrored_in_words(node).startswith(WORDS)


def test_the_advice_to_harden_tells_of_teeth_from_before(scene: Any) -> None:
    from ToothSegScene.volumes import check_scan

    scan, _ = result()
    scan.SetAndObserveTransformNodeID(linear_transform(MIRROR).GetID())
    with pytest.raises(InputError, match="segmented before would then be of the other side"):
        check_scan(scan)
