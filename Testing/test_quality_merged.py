"""Findings about two teeth for one and one for two."""

from __future__ import annotations

import numpy as np
import pytest

from dentition_fixture import a_region
from quality_fixture import Patient, a_patient
from ToothSegLib.quality import find_findings
from ToothSegLib.teeth import type_of


def merged(keep: int, other: int) -> Patient:
    """A patient two of whose teeth are one region."""
    patient = a_patient()
    one, two = patient.region(keep), patient.region(other)
    volume = one.volume_mm3 + two.volume_mm3
    middle = (one.centroid * one.volume_mm3 + two.centroid * two.volume_mm3) / volume
    types = (one.type_probabilities + two.type_probabilities) / 2
    patient.change(keep, volume_mm3=volume, centroid=middle, type_probabilities=types)
    patient.regions.remove(two)
    patient.paint(patient.labels.array == other, keep)
    return patient


@pytest.mark.parametrize(("keep", "other"), [(11, 12), (46, 45), (31, 41)])
def test_two_merged_neighbours_are_one_finding(keep: int, other: int) -> None:
    patient = merged(keep, other)
    assert patient.told() == [("merged", "high", (keep, other))]
    assert f"no {other} was found" in patient.findings()[0].message


def test_neighbours_merged_with_the_rest_of_the_row_pushed_along() -> None:
    """The number that is left over is the last one's."""
    patient = merged(15, 14)
    patient.change(15, volume_mm3=1.7 * a_patient().region(15).volume_mm3)
    for tooth, number in ((15, 14), (16, 15), (17, 16)):
        patient.numbering.numbers[tooth + 100] = number
    labels = patient.labels.array.copy()
    for tooth in (15, 16, 17):
        labels[patient.labels.array == tooth] = tooth - 1
    patient.labels = patient.labels.with_array(labels)
    assert ("merged", "high", (14,)) in patient.told()


def test_a_tooth_merged_with_the_one_it_bites_on() -> None:
    patient = merged(26, 36)
    assert patient.told()[0] == ("merged", "high", (26,))
    assert "either jaw" in patient.findings()[0].message


def test_of_what_the_view_cuts_looks_say_nothing() -> None:
    patient = a_patient()
    either = np.eye(17)[[type_of(26), type_of(36)]].mean(axis=0)
    patient.change(26, type_probabilities=either)
    assert patient.codes() == ["merged"]
    edge = np.zeros(patient.labels.shape, bool)
    edge[2, 2, 0] = True
    patient.paint(edge, 26)
    assert patient.codes() == ["cut-by-field-of-view"]


@pytest.mark.parametrize("reach_mm", [4.0, 5.5])
def test_a_large_tooth_of_a_full_row_is_not_two(reach_mm: float) -> None:
    patient = a_patient(volumes={35: 1.7, 45: 1.3})
    patient.paint(patient.near(35, reach_mm), 35)
    assert "merged" not in patient.codes()
    assert ("odd-size", "medium", (35,)) in patient.told()


@pytest.mark.parametrize("third", [0, 48])
def test_a_second_molar_may_hold_the_third_though_no_number_is_left(third: int) -> None:
    """Unless that was found beside it."""
    patient = a_patient(volumes={47: 1.9})
    patient.paint(patient.near(47, 5.5), 47)
    if third:
        patient.leave_out(1, patient.region(47).centroid + [0.0, 10.0, 0.0], 700.0, third=third)
    assert (("merged", "high", (47,)) in patient.told()) == (not third)


@pytest.mark.parametrize(
    ("away_mm", "split"),
    [((0.0, 0.0, 6.0), True), ((0.0, 0.0, 15.0), False), ((9.0, 0.0, 0.0), False)],
    ids=["above it", "far above it", "in the cheek"],
)
def test_half_a_tooth_that_was_left_out(away_mm: tuple[float, ...], split: bool) -> None:
    patient = a_patient(volumes={26: 0.5})
    whole = patient.region(26)
    patient.leave_out(1, whole.centroid + np.array(away_mm), whole.volume_mm3)
    assert (patient.told() == [("split", "high", (26,))]) is split
    assert ("split" in patient.codes()) is split
    if split:
        (finding,) = patient.findings()
        assert "may be cut in two: it is small, and a piece of" in finding.message
        assert finding.places_lps == (patient.regions[-1].place,)


def test_a_crown_of_the_other_jaw_is_no_half() -> None:
    """As where the field of view ends just above the lower teeth."""
    patient = a_patient(volumes={36: 0.5})
    whole = patient.region(36)
    patient.leave_out(1, whole.centroid + [2.0, 0.0, 5.0], whole.volume_mm3)
    assert "split" in patient.codes()
    patient.regions[-1].type_probabilities = np.eye(17)[type_of(26)]
    assert "split" not in patient.codes()


def test_what_lies_in_the_place_of_a_tooth_that_is_not_small_may_be_an_extra_one() -> None:
    """As a mesiodens behind a central incisor."""
    patient = a_patient(volumes={21: 0.9})
    patient.leave_out(1, patient.region(21).centroid + [-2.0, 4.0, 3.0], 150.0)
    (finding,) = patient.findings()
    assert (finding.code, finding.fdi) == ("split", (21,))
    assert "may be cut in two, or have an extra tooth: a piece of 150 mm3 at (" in finding.message
    assert "small" not in finding.message
    assert finding.places_lps == (patient.regions[-1].place,)


@pytest.mark.parametrize(("times", "reach_mm"), [(1.0, 4.0), (1.4, 0.0)], ids=["wide", "large"])
def test_a_tooth_beside_a_gap_that_is_only_wide_or_only_large_is_not_two(
    times: float, reach_mm: float
) -> None:
    patient = a_patient(34, volumes={35: times, 45: times})
    if reach_mm:
        patient.paint(patient.near(35, reach_mm), 35)
    assert patient.codes() == ["missing-teeth"]


def test_a_peg_tooth_that_is_crowded_is_no_half_of_its_neighbour() -> None:
    patient = a_patient(volumes={12: 0.4, 11: 0.8})
    way = patient.region(11).centroid - patient.region(12).centroid
    patient.change(12, centroid=patient.region(12).centroid + 0.45 * way)
    assert "split" not in patient.codes()


def test_crumbs_in_the_place_of_a_missing_tooth_are_no_halves() -> None:
    """Neither where one of them got its number nor where two got those of neighbours."""
    patient = a_patient(volumes={11: 0.25})
    crumb = patient.region(11)
    patient.leave_out(1, crumb.centroid + [0.0, 0.0, 6.0], crumb.volume_mm3)
    assert patient.told() == [("odd-size", "medium", (11,)), ("fragments", "medium", (11,))]
    patient = a_patient(volumes={11: 0.25, 21: 0.25})
    for fdi, other in ((11, 21), (21, 11)):
        way = patient.region(other).centroid - patient.region(fdi).centroid
        patient.change(fdi, centroid=patient.region(fdi).centroid + 0.25 * way)
    assert "split" not in patient.codes()


def test_a_third_molar_is_no_half_of_its_neighbour() -> None:
    patient = a_patient(volumes={26: 0.8})
    beside = patient.region(26).centroid + [0.0, 0.0, 6.0]
    patient.leave_out(1, beside, 0.7 * patient.region(26).volume_mm3, 0.99, 28)
    assert patient.told() == [("third-molar", "low", (28,))]


def test_halves_that_both_got_a_number() -> None:
    patient = a_patient(14, volumes={15: 0.5})
    patient.numbering.numbers[1] = 14
    patient.numbering.confidence[1] = 0.99
    beside = patient.region(15).centroid + [2.0, -2.0, 0.0]
    patient.leave_out(1, beside, patient.region(15).volume_mm3)
    patient.numbering.numbers[1] = 14
    assert ("split", "high", (15, 14)) in patient.told()


def test_one_number_for_two_regions() -> None:
    patient = a_patient(numbers={16: 17})
    assert patient.told() == [
        ("number-twice", "high", (17,)),
        ("missing-teeth", "low", (16,)),
    ]
    assert "2 regions" in patient.findings()[0].message


def test_of_two_regions_with_one_number_the_larger_is_the_tooth() -> None:
    patient = a_patient(numbers={16: 17}, volumes={16: 0.2})
    patient.change(16, confidence=0.1)
    assert patient.findings()[0].message.startswith("2 regions (760 and 170 mm3) have the number")
    assert "unclear-tooth" not in patient.codes()


def test_the_size_of_two_regions_with_one_number_says_nothing() -> None:
    patient = a_patient(numbers={16: 17}, volumes={17: 0.3, 16: 0.3})
    assert "odd-size" not in patient.codes()


def test_a_doubt_that_only_follows_is_not_told() -> None:
    patient = merged(11, 12)
    patient.numbering.confidence[113] = 0.7
    assert patient.told() == [("merged", "high", (11, 12))]


def test_a_doubt_about_a_number_is_told_beside_a_tooth_that_has_pushed_nothing_along() -> None:
    """One merged with its antagonist has its own place and no other's."""
    patient = merged(26, 36)
    patient.numbering.confidence[125] = 0.3
    told = patient.told()
    assert ("merged", "high", (26,)) in told
    assert ("number-unsure", "high", (25,)) in told


def test_a_look_that_contradicts_a_number_is_told_beside_merged_teeth_too() -> None:
    patient = merged(11, 12)
    patient.change(13, type_probabilities=np.eye(17)[4])
    assert patient.told()[:2] == [("merged", "high", (11, 12)), ("number-unsure", "high", (13,))]


def test_what_was_added_as_the_end_of_a_root_is_told() -> None:
    patient = a_patient()
    pieces = [
        (fdi + 100, a_region(1, np.array([4.0, 5.0, 20.0]), 183.0, np.eye(17)[1]))
        for fdi in (11, 41)
    ]
    patient.leave_out(5, np.array([150.0, 0.0, 0.0]), 300.0, 0.99, third=38)
    pieces.append((5, pieces[0][1]))
    findings = find_findings(patient.regions, patient.numbering, patient.labels, rejoined=pieces)
    told = [finding for finding in findings if finding.code == "root-joined"]
    assert [(finding.urgency, finding.fdi) for finding in told] == [("low", (11,)), ("low", (41,))]
    assert told[0].message.startswith(
        "183 mm3 above 11, at (4, 5, 20) mm LPS, were taken for the end of its root: look whether"
    )
    assert "183 mm3 below 41" in told[1].message
    assert told[1].places_lps == ((4.0, 5.0, 20.0),)


def test_two_teeth_one_above_the_other_are_told_once() -> None:
    """As large as two, in a scan that cuts it or not."""
    patient = a_patient(volumes={35: 2.2})
    for _ in range(2):
        findings = find_findings(
            patient.regions, patient.numbering, patient.labels, stacked=[(135, 9.0)]
        )
        (merged,) = (
            finding for finding in findings if 35 in finding.fdi and finding.urgency == "high"
        )
        assert (merged.code, merged.fdi) == ("merged", (35,))
        assert "two teeth, one above the other" in merged.message
        assert "9 mm apart" in merged.message
        assert "odd-size" not in [finding.code for finding in findings]
        edge = np.zeros(patient.labels.shape, bool)
        edge[2, 2, 0] = True
        patient.paint(edge, 35)
