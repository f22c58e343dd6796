"""Counting implants that pass for teeth, and teeth that do not."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.evaluation import implant_check
from ToothSegLib.evaluation.implant_check import Told, as_table, crowned_and_filled, told
from ToothSegLib.report import Finding, Segmentation
from ToothSegLib.synthesis import tissues
from ToothSegLib.volume import Volume

SCREW, CROWN, TOOTH = np.s_[4:10, 4:8, 4:8], np.s_[10:14, 4:8, 4:8], np.s_[4:14, 12:16, 4:8]


def scene() -> tuple[Volume, Volume]:
    """Tissues and truth of an implant with its crown, and of tooth 11 beside it."""
    tissue, truth = np.zeros((2, 20, 20, 20), np.uint8)
    tissue[SCREW], tissue[CROWN], tissue[TOOTH] = (
        tissues.TITANIUM,
        tissues.CERAMIC,
        tissues.DENTINE,
    )
    truth[TOOTH] = 11
    volume = Volume(tissue, (1.0,) * 3, (0.0,) * 3, np.eye(3))
    return volume, volume.with_array(truth)


def outcome(labels: dict[int, tuple[slice, ...]], findings: tuple[Finding, ...] = ()) -> Told:
    tissue, truth = scene()
    found = np.zeros(truth.shape, np.uint8)
    for fdi, where in labels.items():
        found[where] = fdi
    result = Segmentation(truth.with_array(found), [], list(findings), {}, {})
    return told(result, truth, tissue)


def test_what_is_right() -> None:
    assert outcome({11: TOOTH}) == Told(implants=1, passed=0, doubted=0, teeth=1, missed=0)


@pytest.mark.parametrize("part", [SCREW, CROWN], ids=["its screw", "its crown"])
def test_an_implant_with_a_number_has_passed(part: tuple[slice, ...]) -> None:
    doubt = Finding("perhaps-implant", "high", "12 may be an implant.", (12,))
    assert outcome({11: TOOTH, 12: part}) == Told(1, 1, 0, 1, 0)
    assert outcome({11: TOOTH, 12: part}, (doubt,)) == Told(1, 1, 1, 1, 0)


def test_a_number_on_neither_is_counted() -> None:
    assert outcome({11: TOOTH, 12: np.s_[15:19, 12:16, 12:16]}) == Told(1, 0, 0, 1, 0, nothing=1)
    # One that a tooth has a part of is another fault.
    assert outcome({11: TOOTH, 12: np.s_[13:19, 12:16, 4:8]}).nothing == 0


def test_a_tooth_without_a_number_is_missed() -> None:
    assert outcome({}) == Told(1, 0, 0, 1, 1)


@pytest.mark.parametrize("where", [CROWN, np.s_[4:14, 12:16, 4:5]], ids=["another", "a slice"])
def test_a_tooth_whose_number_stands_elsewhere_is_missed(where: tuple[slice, ...]) -> None:
    assert outcome({11: where}).missed == 1


def test_a_crowned_tooth_is_no_implant() -> None:
    tissue, truth = scene()
    tissue.array[TOOTH] = tissues.METAL
    result = Segmentation(truth, [], [], {}, {})
    assert told(result, truth, tissue) == Told(1, 0, 0, 1, 0)


def test_teeth_are_filled_where_they_are_drawn_from() -> None:
    case = crowned_and_filled(implant_check.FIRST_SEED)
    assert case.detail is not None
    assert (case.detail.inside == tissues.ROOT_FILLING).sum() > 500
    assert not (case.detail.outside == tissues.TITANIUM).any()


def test_the_table_sums_each_kind() -> None:
    results = [("a", Told(1, 1, 0, 2, 0)), ("a", Told(2, 0, 0, 3, 1, 4)), ("b", Told(*5 * [0]))]
    text = as_table(results)
    assert "| 2: a | 3 | 1 | 0 | 4 | 5 | 1 |" in text
    assert "| 1: b | 0 | 0 | 0 | 0 | 0 | 0 |" in text
