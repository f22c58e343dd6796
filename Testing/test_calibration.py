"""Confidences are read through the table of the card, wherever a result is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28, arch_places, label_map, maps_of
from ToothSegLib import cascade
from ToothSegLib.calibration import calibrated, look_up
from ToothSegLib.looking import Looker, Seen, Sight
from ToothSegLib.models import load_bundle
from ToothSegLib.numbering import Numbering
from ToothSegLib.volume import Volume

# As older cards begin: with a place that no tooth was seen at.
TABLE_OF_A_CARD = [[0.0, 0.0], [0.9784, 0.9167], [0.9995, 0.985], [1.0, 0.995]]
TABLE = [[0.5, 0.2], [0.9, 0.6], [1.0, 0.7]]


def a_numbering() -> Numbering:
    return Numbering({1: 11, 2: None}, {1: 0.7, 2: 0.7}, {2: "third molar"}, {2: 18})


@pytest.mark.parametrize(("sure", "expected"), [(0.5, 0.2), (0.7, 0.4), (0.9, 0.6), (1.0, 0.7)])
def test_between_entries_it_is_a_straight_line(sure: float, expected: float) -> None:
    assert look_up(TABLE, sure) == pytest.approx(expected)


def test_beyond_the_last_entry_it_is_flat() -> None:
    assert look_up(TABLE[:2], 0.97) == pytest.approx(0.6)


@pytest.mark.parametrize("older", [[], [[0.0, 0.0]]])
@pytest.mark.parametrize(("sure", "expected"), [(0.3, 0.3), (0.9, 0.9), (0.96, 0.92), (0.98, 0.92)])
def test_below_the_first_entry_nothing_is_made_up(
    older: list[list[float]], sure: float, expected: float
) -> None:
    """Neither higher nor lower than it was, but for what a surer tooth has."""
    assert look_up([*older, [0.98, 0.92], [1.0, 0.97]], sure) == pytest.approx(expected)


def test_a_table_that_says_nothing_changes_nothing() -> None:
    assert look_up([[0.0, 0.0]], 0.7) == 0.7


def test_a_tooth_that_is_surer_never_gets_less_in_a_card_of_old() -> None:
    values = [look_up(TABLE_OF_A_CARD, sure) for sure in np.linspace(0, 1, 2001)]
    assert (np.diff(values) >= 0).all()
    # Hardly any tooth had so little: no doubt to be told.
    assert look_up(TABLE_OF_A_CARD, 0.96) > 0.91


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

    low, high = maps.extent()
    box = tuple(low.tolist()), tuple(high.tolist())

    def look(*_: object) -> tuple[Sight, list]:
        return Sight("cpu", "torch", seen=Seen(box, scan, maps)), []

    monkeypatch.setattr(Looker, "look", look)
    plain = load_bundle()
    bundle = replace(plain, card={**plain.card, "calibration": [[0.0, 0.2], [1.0, 0.3]]})
    teeth = cascade.segment(scan, bundle=bundle, device="cpu").teeth
    assert len(teeth) >= 10
    assert all(0.2 <= tooth.confidence <= 0.3 for tooth in teeth)
