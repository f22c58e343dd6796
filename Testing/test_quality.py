"""Findings about single teeth and about what is not there: what a reader should look at first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28
from quality_fixture import Patient, a_patient
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.facts import Facts
from ToothSegLib.teeth import type_of
from ToothSegLib.volume import Volume

FAR = np.array([150.0, 0.0, 0.0])


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


def test_a_third_molar_alone_is_told_where_nothing_else_is() -> None:
    patient = a_patient(*ALL_28)
    patient.leave_out(1, FAR, 300.0, 0.5, 38)
    told = {finding.code: finding.message for finding in patient.findings()}
    assert told["no-teeth"].startswith("Of the 28 teeth none was found, but third molars (38)")
    assert "it may be another molar" in told["third-molar-unsure"]


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


def test_of_third_molars_the_doubt_about_a_whole_row_is_not_told_again() -> None:
    patient = a_patient()
    for tooth in ALL_28[:20]:
        patient.numbering.confidence[tooth + 100] = 0.6
    patient.leave_out(1, FAR, 600.0, 0.5, 38)
    assert patient.told()[1:] == [("third-molar", "low", (38,))]


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


def test_the_most_urgent_comes_first() -> None:
    patient = a_patient(14, volumes={16: 0.4})
    patient.numbering.confidence[125] = 0.5
    assert [finding.urgency for finding in patient.findings()] == ["high", "medium", "low"]
