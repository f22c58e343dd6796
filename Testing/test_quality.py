"""Findings about single teeth and about missing ones: what a reader should look at first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28
from quality_fixture import Patient, a_patient
from ToothSegLib.numbering import Numbering
from ToothSegLib.teeth import type_of
from ToothSegLib.volume import Volume


@pytest.mark.parametrize("larger", [0.6, 1.0, 1.6])
@pytest.mark.parametrize("with_scan", [False, True])
def test_a_flawless_dentition_of_any_size_has_no_findings(larger: float, with_scan: bool) -> None:
    assert a_patient(larger=larger, with_scan=with_scan).told() == []


def test_no_teeth() -> None:
    labels = Volume(np.zeros((4, 4, 4), np.uint8), (1.0,) * 3, (0.0,) * 3, np.eye(3))
    assert Patient([], Numbering(), labels).told() == [("no-teeth", "high", ())]


def test_missing_teeth_are_one_finding_that_tells_the_gaps() -> None:
    patient = a_patient(14, 17, 31, 41, 37)
    (finding,) = patient.findings()
    assert patient.told() == [("missing-teeth", "low", (14, 17, 31, 37, 41))]
    assert "14 (between 15 and 13)" in finding.message
    assert "31, 41 (between 42 and 32)" in finding.message
    assert "17, 37 (at the end of a row" in finding.message


def test_where_a_row_ends_at_six_the_first_molar_may_be_the_one_that_is_lost() -> None:
    (finding,) = a_patient(37).findings()
    assert finding.fdi == (37,)
    told = "37 (at the end of a row, or outside the scan), or 36 with its space closed."
    assert told in finding.message
    (finding,) = a_patient(16, 17, 27, 47).findings()
    assert "16, 17 (at the end of a row, or outside the scan), 27, 47 (at" in finding.message
    assert "or 26, 46 with their space closed." in finding.message


def test_a_row_that_ends_at_the_border_of_the_scan_is_no_closed_space() -> None:
    patient = a_patient(37, with_scan=True)
    assert patient.scan is not None
    middle = int(np.argwhere(patient.labels.array == 36)[:, 1].mean())
    seen = (slice(None), slice(middle), slice(None))
    patient.labels, patient.scan = patient.labels.part(seen), patient.scan.part(seen)
    message = next(f.message for f in patient.findings() if f.code == "missing-teeth")
    assert "36" not in message


def test_a_gap_that_has_closed_is_told_as_such() -> None:
    patient = a_patient(14)
    for tooth in (15, 16, 17):
        way = patient.region(13).centroid - patient.region(15).centroid
        patient.change(tooth, centroid=patient.region(tooth).centroid + 0.5 * way)
    (finding,) = patient.findings()
    assert finding.code == "missing-teeth"
    assert "14 (between 15 and 13, where no room is left)" in finding.message


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ((13,), "12 may be a canine."),
        ((13, 23), "12, 22 may be canines."),
        ((12, 13), ""),
        ((33,), ""),
    ],
)
def test_a_lateral_incisor_before_a_missing_canine_may_be_the_canine(
    missing: tuple[int, ...], told: str
) -> None:
    (finding,) = a_patient(*missing).findings()
    assert finding.message.endswith(told or "were overlooked.")


def test_where_the_view_ends_behind_a_lateral_incisor_it_is_no_canine() -> None:
    behind = tuple(fdi for fdi in ALL_28 if fdi < 30 and fdi % 10 > 2)
    (finding,) = a_patient(*behind).findings()
    assert "canine" not in finding.message


def test_a_whole_jaw_that_is_missing_is_named_as_such() -> None:
    (finding,) = a_patient(*(fdi for fdi in ALL_28 if fdi > 30)).findings()
    assert "all lower teeth" in finding.message


@pytest.mark.parametrize(("sure", "urgency"), [(0.6, "high"), (0.85, "medium")])
def test_an_unsure_number(sure: float, urgency: str) -> None:
    patient = a_patient()
    patient.numbering.confidence[125] = sure
    assert patient.told() == [("number-unsure", urgency, (25,))]
    assert f"({100 * sure:.0f} %)" in patient.findings()[0].message


@pytest.mark.parametrize(
    ("fdi", "looks", "words"),
    [
        (13, 4, "looks like a first premolar but stands in the place of a canine: check the"),
        (34, 11, "looks like a canine but stands in the place of a first premolar: check the"),
    ],
)
def test_a_look_that_contradicts_a_sure_number(fdi: int, looks: int, words: str) -> None:
    """Numbers at 99 %, by the place alone."""
    patient = a_patient()
    patient.change(fdi, type_probabilities=np.eye(17)[looks])
    assert patient.told() == [("number-unsure", "high", (fdi,))]
    assert words in patient.findings()[0].message
    patient.numbering.confidence[fdi + 100] = 0.85
    assert patient.told() == [("number-unsure", "high", (fdi,))]


@pytest.mark.parametrize(
    ("fdi", "another", "own", "other", "told"),
    [
        (13, 14, 0.05, 0.7, True),
        (13, 14, 0.15, 0.7, False),
        (13, 14, 0.05, 0.5, False),
        (12, 13, 0.2, 0.6, True),
        (12, 13, 0.3, 0.6, False),
        (12, 13, 0.2, 0.5, False),
    ],
)
def test_how_much_of_another_look_it_takes(
    fdi: int, another: int, own: float, other: float, told: bool
) -> None:
    """Of the teeth that it may be: half of what is seen as no tooth at all says nothing."""
    looks = np.zeros(17)
    looks[[0, type_of(fdi), type_of(another), 8]] = 1.0, own, other, 1 - own - other
    patient = a_patient()
    patient.change(fdi, type_probabilities=looks / 2)
    assert patient.codes() == ["number-unsure"] * told


def test_looks_that_contradict_half_of_the_numbers_are_one_finding() -> None:
    patient = a_patient()
    upper = [fdi for fdi in ALL_28 if fdi < 30]
    for fdi in upper:
        other = type_of(fdi) + (1 if fdi % 10 < 7 else -1)
        patient.change(fdi, type_probabilities=np.eye(17)[other])
    assert patient.told() == [("numbers-unsure", "high", tuple(upper))]


def test_a_whole_row_in_doubt_is_one_finding() -> None:
    patient = a_patient()
    for tooth in ALL_28[:20]:
        patient.numbering.confidence[tooth + 100] = 0.6
    assert patient.told() == [("numbers-unsure", "high", ALL_28[:20])]


def test_a_faint_tooth() -> None:
    patient = a_patient()
    patient.change(11, confidence=0.6)
    assert patient.told() == [("unclear-tooth", "medium", (11,))]


def test_one_faint_tooth_of_two_is_no_faint_scan() -> None:
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi not in (31, 41)))
    patient.change(31, confidence=0.6)
    assert ("unclear-tooth", "medium", (31,)) in patient.told()


def test_a_faint_scan_is_one_finding() -> None:
    patient = a_patient()
    for tooth in ALL_28:
        patient.change(tooth, confidence=0.6)
    assert patient.told() == [("unclear-teeth", "high", ALL_28)]


@pytest.mark.parametrize(("factor", "words"), [(0.4, "is small"), (2.2, "is large")])
def test_an_odd_size_is_told_once_and_not_again_as_asymmetry(factor: float, words: str) -> None:
    patient = a_patient(volumes={16: factor})
    assert patient.told() == [("odd-size", "medium", (16,))]
    assert words in patient.findings()[0].message


@pytest.mark.parametrize(("teeth", "told"), [((12, 22), False), ((11, 21), True)])
def test_upper_lateral_incisors_may_be_smaller_than_others(
    teeth: tuple[int, int], told: bool
) -> None:
    patient = a_patient(volumes=dict.fromkeys(teeth, 0.47))
    assert patient.codes() == ["odd-size"] * (2 * told)


def test_sizes_are_judged_by_the_patients_own_spread() -> None:
    """Where every other pair differs by half, one more that does so is nothing to look at."""
    uneven = {fdi: 1.25 if fdi // 10 in (1, 3) else 0.8 for fdi in ALL_28}
    assert a_patient(volumes=uneven).told() == []


def test_where_sizes_are_uneven_a_tooth_may_be_nearly_twice_as_large_as_usual() -> None:
    uneven = {fdi: 1.35 if fdi % 2 else 0.74 for fdi in ALL_28}
    assert "odd-size" not in a_patient(volumes=uneven | {12: 2.8, 22: 2.8}).codes()


def test_a_single_tooth_is_judged_by_the_norm() -> None:
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi != 36), volumes={36: 0.3})
    odd = [finding for finding in patient.findings() if finding.code == "odd-size"]
    assert "the norm" in odd[0].message


def test_a_tooth_without_its_root_is_short() -> None:
    """Of a volume that alone would be no finding."""
    patient = a_patient(volumes={43: 0.6, 33: 0.8})
    assert patient.told() == []
    root = patient.labels.array == 43
    heights = np.flatnonzero(root.any(axis=(1, 2)))
    root[heights[len(heights) // 2] :] = False
    patient.paint(root, 0)
    (finding,) = patient.findings()
    assert (finding.code, finding.fdi) == ("odd-size", (43,))
    assert "is short for its kind" in finding.message


def test_a_tooth_of_half_its_length_is_short_whatever_its_volume() -> None:
    patient = a_patient()
    root = patient.labels.array == 21
    heights = np.flatnonzero(root.any(axis=(1, 2)))
    root[heights[len(heights) // 2] :] = False
    patient.paint(root, 0)
    assert patient.told() == [("odd-size", "medium", (21,))]


def test_lengths_are_judged_by_the_patients_own() -> None:
    """Of a patient all of whose roots are short, no tooth is short."""
    patient = a_patient()
    patient.labels = replace(patient.labels, spacing=(1.0, 1.0, 0.55))
    assert patient.told() == []


def test_a_tooth_that_has_grown_is_wider_than_its_place() -> None:
    """Of a volume that alone would be no finding, and with no number left for another."""
    patient = a_patient(volumes={35: 1.7, 45: 1.3})
    assert patient.told() == []
    patient.paint(patient.near(35, 4.0), 35)
    assert patient.told() == [("odd-size", "medium", (35,))]


def test_asymmetry_names_the_larger_first() -> None:
    assert a_patient(volumes={22: 1.35, 12: 0.8}).told() == [("asymmetry", "low", (22, 12))]


def test_of_uneven_teeth_too_one_may_not_be_far_larger_than_its_fellow() -> None:
    """All pairs differ by a quarter: by the patient's own spread 2.5 times is nothing odd."""
    uneven = {fdi: 1.12 if fdi // 10 in (1, 4) else 0.9 for fdi in ALL_28}
    assert a_patient(volumes=uneven | {15: 1.5, 25: 0.65}).told() == []
    far = a_patient(volumes=uneven | {15: 1.6, 25: 0.64})
    assert far.told() == [("asymmetry", "low", (15, 25))]


def test_the_most_urgent_comes_first() -> None:
    patient = a_patient(14, volumes={16: 0.4})
    patient.numbering.confidence[125] = 0.5
    assert [finding.urgency for finding in patient.findings()] == ["high", "medium", "low"]
