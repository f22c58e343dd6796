"""Confidences are read through the table of the card, wherever a result is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28, arch_places, label_map, maps_of
from ToothSegLib import cascade
from ToothSegLib.calibration import calibrated, look_up
from ToothSegLib.models import load_bundle
from ToothSegLib.numbering import Numbering
from ToothSegLib.volume import Volume

TABLE = [[0.5, 0.2], [0.9, 0.6], [1.0, 0.7]]


def a_numbering() -> Numbering:
    return Numbering({1: 11, 2: None}, {1: 0.7, 2: 0.7}, {2: "third molar"}, {2: 18})


@pytest.mark.parametrize(("sure", "expected"), [(0.1, 0.2), (0.7, 0.4), (0.9, 0.6), (1.0, 0.7)])
def test_between_entries_it_is_a_straight_line_and_beyond_them_flat(
    sure: float, expected: float
) -> None:
    assert look_up(TABLE, sure) == pytest.approx(expected)


def test_without_a_table_nothing_changes() -> None:
    assert calibrated(a_numbering(), {}) == a_numbering()
    assert calibrated(a_numbering(), {"calibration": []}) == a_numbering()


def test_only_teeth_of_the_result_are_calibrated() -> None:
    before = a_numbering()
    after = calibrated(before, {"calibration": TABLE})
    assert after.confidence == {1: pytest.approx(0.4), 2: 0.7}
    assert before == a_numbering()
    assert after == replace(before, confidence=after.confidence)


def test_the_cascade_reads_the_table_of_its_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    places = arch_places(rng, True, set(ALL_28), False, 1.0)
    labels, origin = label_map(places, 1.0)
    maps = maps_of(labels, 1.0, origin, rng, with_offsets=False)
    scan = Volume((labels > 0) * np.float32(1000), (1.0,) * 3, maps.origin, np.eye(3))

    def look(*_: object) -> tuple[cascade._Sight, list]:
        return cascade._Sight(cascade.choose_device("cpu"), "torch", None, scan, maps), []

    monkeypatch.setattr(cascade, "_look_where_it_works", look)
    plain = load_bundle()
    bundle = replace(plain, card={**plain.card, "calibration": [[0.0, 0.2], [1.0, 0.3]]})
    teeth = cascade.segment(scan, bundle=bundle, device="cpu").teeth
    assert len(teeth) >= 10
    assert all(0.2 <= tooth.confidence <= 0.3 for tooth in teeth)
