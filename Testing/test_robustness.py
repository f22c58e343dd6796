"""Disturbing a labelled scan: only what its labels bear."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.evaluation import robustness
from ToothSegLib.evaluation.robustness import DISTURBANCES, fitting, run
from ToothSegLib.report import Segmentation
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


def labelled(*teeth: int) -> Volume:
    labels = np.zeros((20, 12, 12), np.uint8)
    for number, fdi in enumerate(teeth):
        labels[3 * number : 3 * number + 3, 3:6, 3:6] = fdi
    return Volume(labels, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))


def test_a_jaw_is_cut_off_only_where_there_are_two() -> None:
    jaws = {"upper jaw only", "lower jaw only"}
    assert jaws < DISTURBANCES.keys()
    assert fitting(labelled(36, 11)).keys() == DISTURBANCES.keys()
    for teeth in ((11, 28), (31, 48)):
        assert fitting(labelled(*teeth)).keys() == DISTURBANCES.keys() - jaws


def test_a_scan_of_one_jaw_is_disturbed_in_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = labelled(31, 41)
    monkeypatch.setattr(robustness, "segment", lambda *_, **__: type("R", (), {"labels": labels}))
    monkeypatch.setattr(robustness, "evaluate", lambda *_: None)
    monkeypatch.setattr(robustness, "without_slivers", lambda *_: (None, None))
    seen = [name for name, _ in run(None, labels, labels)]  # type: ignore[arg-type]
    assert seen == [name for name in DISTURBANCES if "jaw" not in name]


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Volume], int]:
    """The command on a scan with these labels, without networks and but for one disturbance."""
    bundle = type("Bundle", (), {"name": "none"})()
    kept = {name: DISTURBANCES[name] for name in ("as it is", "upper jaw only")}
    monkeypatch.setattr(robustness, "DISTURBANCES", kept)
    monkeypatch.setattr(robustness, "load_bundle", lambda name: bundle)

    def run_on(labels: Volume) -> int:
        grey = 100 * labelled(31, 41).array.astype(np.int16)
        write_volume(tmp_path / "scan.nrrd", labelled().with_array(grey))
        write_volume(tmp_path / "labels.nrrd", labels)
        words = ["robustness", str(tmp_path / "scan.nrrd"), str(tmp_path / "labels.nrrd")]
        monkeypatch.setattr(sys, "argv", words)
        return robustness.main()

    return run_on


def test_labels_may_be_stored_as_other_numbers(
    main: Callable[[Volume], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = labelled(31, 41)
    monkeypatch.setattr(robustness, "segment", lambda *_, **__: Segmentation(labels))
    main(labels.with_array(labels.array.astype(np.float32)))
    assert "| as it is | 2 | 2 | 1.000 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (Volume(np.full((4, 5, 6), 31, np.uint8)), "not on the scan's grid: 6 x 5 x 4 voxels"),
        (labelled().with_array(np.full((20, 12, 12), 300, np.int16)), "the labels hold 300"),
    ],
)
def test_labels_that_do_not_fit_are_refused_before_anything_is_segmented(
    main: Callable[[Volume], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    labels: Volume,
    said: str,
) -> None:
    monkeypatch.setattr(robustness, "segment", lambda *_, **__: pytest.fail("segmented"))
    assert main(labels) == 2
    told = capsys.readouterr().err
    assert told.startswith("robustness: error: ")
    assert said in told
