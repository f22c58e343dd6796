"""Scans are gone through once for their checksums, and label maps are kept of one case alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_fixture import TEETH, labels_on, result, save
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.volume import Volume


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The voxels that checksums have been worked out of."""
    from ToothSegScene import scan_checksums

    real, seen = scan_checksums.voxels_sha256, []

    def voxels_sha256(array: np.ndarray) -> str:
        seen.append(array)
        return real(array)

    monkeypatch.setattr(scan_checksums, "voxels_sha256", voxels_sha256)
    return seen


def patients(count: int) -> list[tuple[Any, Any]]:
    """Scans with their results, all on one grid, the newest first."""
    import slicer

    found = [result() for _ in range(count)]
    for number, (scan, _) in enumerate(found):
        slicer.util.arrayFromVolume(scan)[:] += number
        slicer.util.arrayFromVolumeModified(scan)
    return found


def test_an_unchanged_scan_is_not_gone_through_again(
    scene: Any, tmp_path: Path, hashed: list[np.ndarray]
) -> None:
    import slicer

    from ToothSegScene.training_case import place_case, same_scan

    every = patients(3)
    case = save(every[-1][1], tmp_path / "set")
    assert place_case(scene, case)[0] is every[-1][0]
    assert len(hashed) == 3
    assert place_case(scene, case)[0] is every[-1][0]
    assert len(hashed) == 3
    scan = every[-1][0]
    slicer.util.arrayFromVolume(scan)[:] += 9
    slicer.util.arrayFromVolumeModified(scan)
    assert same_scan(scene, case.record.source) is None
    assert len(hashed) == 4


def test_the_result_of_a_batch_is_placed_by_the_same_checksums(
    scene: Any, hashed: list[np.ndarray]
) -> None:
    from types import SimpleNamespace

    from ToothSegLib.dataset.voxels import source_of
    from ToothSegLib.report import Segmentation, measure_teeth
    from ToothSegScene.batch_result import place_result
    from ToothSegScene.training_case import image_of

    every = patients(3)
    image: Volume = image_of(every[-1][1])
    labels = image.with_array(labels_on(every[-1][1], every[-1][0]))
    made: Any = SimpleNamespace(
        name="scan",
        image=image,
        source=source_of(image),
        segmentation=Segmentation(labels, measure_teeth(labels, {})),
    )
    for _ in range(2):
        assert place_result(scene, made)[0] is every[-1][0]
        assert len(hashed) == 3


def test_a_save_lets_go_of_the_labels_of_other_cases(scene: Any, tmp_path: Path) -> None:
    from ToothSegPanel.case_saver import CaseSaver
    from ToothSegScene.review import set_reviewed

    saver, folder = CaseSaver(), str(tmp_path / "set")
    nodes = [node for _, node in patients(3)]
    for node in nodes:
        saver.save(node, folder, "ab", "", "")
    keepers = [keeper for _, keeper in saver._keepers.values()]
    assert [keeper._labels is None for keeper in keepers] == [True, True, False]
    set_reviewed(nodes[0], TEETH[0], True)
    nodes[0].GetSegmentation().RemoveSegment("tooth_47")
    assert saver.save(nodes[0], folder, "ab", "", "").new
    case = Dataset.open(folder).case(keepers[0].case.id)
    changes = [(change.fdi, change.what) for change in case.history()[-1].changes]
    assert changes == [(47, "edited by hand"), (11, "approved")]
