"""Disturbing a labelled scan: only what its labels bear."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.evaluation import robustness
from ToothSegLib.evaluation.robustness import DISTURBANCES, fitting, run
from ToothSegLib.volume import Volume


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
