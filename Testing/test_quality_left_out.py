"""Findings about what got no number: third molars, teeth without a place, pieces."""

from __future__ import annotations

import numpy as np
import pytest

from dentition_fixture import ALL_28
from quality_fixture import a_patient
from ToothSegLib.quality.facts import Facts
from ToothSegLib.teeth import type_of

FAR = np.array([150.0, 0.0, 0.0])


def test_a_third_molar_alone_is_told_where_nothing_else_is() -> None:
    patient = a_patient(*ALL_28)
    patient.leave_out(1, FAR, 300.0, 0.5, 38)
    told = {finding.code: finding.message for finding in patient.findings()}
    assert told["no-teeth"].startswith("Of the 28 teeth none was found, but third molars (38)")
    assert "it may be another molar" in told["third-molar-unsure"]


def test_of_third_molars_the_doubt_about_a_whole_row_is_not_told_again() -> None:
    patient = a_patient()
    for tooth in ALL_28[:20]:
        patient.numbering.confidence[tooth + 100] = 0.6
    patient.leave_out(1, FAR, 600.0, 0.5, 38)
    assert patient.told()[1:] == [("third-molar", "low", (38,))]


def test_what_was_left_out_is_told() -> None:
    patient = a_patient()
    for label, sure, third in ((1, 0.99, 48), (2, 0.5, 38), (3, 0.9, 0)):
        patient.leave_out(label, FAR, 300.0, sure, third)
    patient.dropped = [30.0, 12.0, 2.0]
    assert patient.told() == [
        ("third-molar-unsure", "high", (38,)),
        ("no-place", "medium", ()),
        ("third-molar", "low", (48,)),
        ("dropped-pieces", "low", ()),
    ]
    unsure, place, third, pieces = (finding.message for finding in patient.findings())
    assert unsure.startswith("A tooth at (150, 0, 0) mm LPS was left out as third molar 38, but")
    assert "it may be 37" in unsure
    assert third.startswith("Third molar 48 at (150, 0, 0) mm LPS is in the scan")
    assert "300 mm3 at (150, 0, 0) mm" in place
    assert [len(finding.places_lps) for finding in patient.findings()] == [1, 1, 1, 0]
    assert "2 small pieces" in pieces
    assert "42 mm3" in pieces


@pytest.mark.parametrize(
    ("share", "kind", "by_mm", "volume", "told"),
    [(0.3, 13, 7.0, 520.0, True), (0.3, 23, 7.0, 520.0, True), (0.3, 12, 7.0, 520.0, False),
     (0.3, 13, 40.0, 520.0, False), (1.0, 13, 7.0, 520.0, False), (0.3, 13, 7.0, 1000.0, False)],
    ids=["13", "a canine of either side", "no canine", "far away", "no larger", "too large"],
)  # fmt: skip
def test_a_tooth_whose_number_its_milk_tooth_has_is_named(
    share: float, kind: int, by_mm: float, volume: float, told: bool
) -> None:
    patient = a_patient(volumes={13: share})
    place = patient.region(13).centroid + [0.0, -by_mm, 9.0]
    patient.leave_out(1, place, volume)
    patient.regions[-1].type_probabilities = np.eye(17)[type_of(kind)]
    (finding,) = (f for f in patient.findings() if f.code == "no-place")
    assert ("looks like 13, whose number a smaller tooth has" in finding.message) == told
    assert (13 in finding.fdi) == told


def test_of_what_is_left_out_the_size_is_judged_by_the_patients_other_teeth() -> None:
    """A small third molar of a small patient, and a large patient's canine, are whole teeth."""
    small = a_patient(larger=0.6)
    small.leave_out(1, FAR, 150.0, 0.99, 48)
    assert small.findings()[0].message.startswith("Third molar 48")
    large = a_patient(larger=1.6, volumes={13: 0.3})
    large.leave_out(1, large.region(13).centroid + [0.0, -7.0, 9.0], 880.0)
    large.regions[-1].type_probabilities = np.eye(17)[type_of(13)]
    (finding,) = (f for f in large.findings() if f.code == "no-place")
    assert "looks like 13" in finding.message


@pytest.mark.parametrize(
    ("kind", "by_mm", "volume", "told"),
    [(13, 7.0, 520.0, True), (12, 7.0, 520.0, False), (13, 40.0, 520.0, False),
     (13, 7.0, 1200.0, False)],
    ids=["13", "no canine", "far away", "too large"],
)  # fmt: skip
def test_what_looks_like_a_tooth_that_was_not_found_is_named_as_such(
    kind: int, by_mm: float, volume: float, told: bool
) -> None:
    patient = a_patient(13, 23)
    patient.leave_out(1, a_patient().region(13).centroid + [0.0, -by_mm, 9.0], volume)
    patient.regions[-1].type_probabilities = np.eye(17)[type_of(kind)]
    (finding,) = (f for f in patient.findings() if f.code == "no-place")
    assert ("looks like 13, which was not found" in finding.message) == told
    assert (13 in finding.fdi) == told
    assert (finding.urgency == "high") == told


def test_of_two_milk_teeth_the_nearer_is_named() -> None:
    patient = a_patient(volumes={11: 0.3, 21: 0.3})
    for label, fdi in ((1, 11), (2, 21)):
        place = patient.region(fdi).centroid + [0.0, -3.0, 9.0]
        patient.leave_out(label, place, 480.0)
        patient.regions[-1].type_probabilities = np.eye(17)[type_of(fdi)]
    told = [f.message for f in patient.findings() if f.code == "no-place"]
    assert ["looks like 11" in message for message in told] == [True, False]
    assert ["looks like 21" in message for message in told] == [False, True]


def test_sure_third_molars_are_one_finding() -> None:
    patient = a_patient()
    for label, third in ((1, 48), (2, 18)):
        patient.leave_out(label, FAR + [label, 0.0, 0.0], 600.0, 0.99, third)
    assert patient.told() == [("third-molar", "low", (18, 48))]
    (finding,) = patient.findings()
    assert "molars 18, 48 at (152, 0, 0), (151, 0, 0) mm LPS are in the scan" in finding.message
    assert finding.places_lps == ((152.0, 0.0, 0.0), (151.0, 0.0, 0.0))


def test_a_piece_in_the_place_of_a_third_molar_is_told_as_such() -> None:
    patient = a_patient()
    patient.leave_out(1, FAR, 160.0, 0.99, 48)
    assert patient.told() == [("third-molar", "low", (48,))]
    assert patient.findings()[0].message.startswith(
        "A piece of 160 mm3 at (150, 0, 0) mm LPS, in the place of third molar 48, was left out"
    )
    assert patient.findings()[0].places_lps == ((150.0, 0.0, 0.0),)


def test_fragments_are_told_in_one_line_with_the_teeth_beside_them() -> None:
    patient = a_patient()
    beside = patient.region(11).centroid - [0.0, 5.0, 0.0]
    for label, volume, place in ((1, 60.0, FAR), (2, 80.0, beside), (3, 40.0, FAR + 1.128)):
        patient.leave_out(label, place, volume)
    (finding,) = patient.findings()
    assert (finding.code, finding.urgency, finding.fdi) == ("fragments", "medium", (11,))
    assert "3 pieces (together 180 mm3, the largest beside 11" in finding.message
    largest, *others = finding.places_lps
    assert largest == pytest.approx(beside, abs=0.01)
    assert others == [(150.0, 0.0, 0.0), (151.13, 1.13, 1.13)]


def test_a_fragment_beside_a_tooth_that_has_no_voxel_on_the_scans_grid() -> None:
    """As of a small tooth in a scan of large voxels."""
    patient = a_patient()
    patient.paint(patient.labels.array == 11, 0)
    patient.leave_out(1, patient.region(11).centroid - [0.0, 5.0, 0.0], 60.0)
    (told,) = (finding for finding in patient.findings() if finding.code == "fragments")
    assert 11 not in told.fdi


def test_many_fragments_go_through_the_voxels_of_a_tooth_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = a_patient()
    beside = patient.region(11).centroid - [0.0, 5.0, 0.0]
    for label in range(1, 6):
        patient.leave_out(label, beside, 60.0)
    gone_through: list[int] = []
    plain = Facts._chosen_points

    def counted(facts: Facts, fdi: int) -> np.ndarray:
        gone_through.append(fdi)
        return plain(facts, fdi)

    monkeypatch.setattr(Facts, "_chosen_points", counted)
    assert patient.told() == [("fragments", "medium", (11,))]
    assert 11 in gone_through
    assert len(gone_through) == len(set(gone_through))
