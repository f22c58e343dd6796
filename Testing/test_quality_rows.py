"""Findings about the rows: numbers out of order, gaps, two teeth for one and one for two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dentition_fixture import ALL_28, a_region, simulated_regions
from quality_fixture import SPACING_MM, Patient, a_patient
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.quality import find_findings
from ToothSegLib.teeth import mirror, type_of
from ToothSegLib.volume import Volume


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


@pytest.mark.parametrize(("one", "other"), [(13, 14), (31, 41)])
def test_exchanged_numbers(one: int, other: int) -> None:
    """Of two teeth beside the midline too: the sides are not exchanged for that."""
    patient = a_patient(numbers={one: other, other: one})
    codes = [code for code, _, _ in patient.told()]
    assert codes == ["order"]
    assert set(patient.findings()[0].fdi) == {one, other}


def test_left_and_right_swapped_is_one_finding() -> None:
    patient = a_patient(numbers={fdi: mirror(fdi) for fdi in ALL_28})
    assert patient.told()[0] == ("order", "high", ALL_28)
    assert "on the right lie left" in patient.findings()[0].message


def test_upper_and_lower_swapped_is_one_finding() -> None:
    opposite = {1: 40, 2: 30, 3: 20, 4: 10}
    patient = a_patient(numbers={fdi: opposite[fdi // 10] + fdi % 10 for fdi in ALL_28})
    assert patient.told()[0] == ("order", "high", ALL_28)
    assert "upper lie below" in patient.findings()[0].message


def test_a_head_on_its_side_is_one_urgent_finding() -> None:
    """As of a header with wrong axes: the numbers go by place, so all are wrong and look sure."""
    patient = a_patient()
    turn = Rotation.from_euler("y", -90, degrees=True).as_matrix()
    regions = [replace(r, centroid=turn @ r.centroid, axis=turn @ r.axis) for r in patient.regions]
    array, (x, y, z) = patient.labels.array, patient.labels.origin
    numbering = number_regions(regions)
    table = np.zeros(256, np.uint8)
    for region in regions:
        table[region.label - 100] = numbering.numbers[region.label] or 0
    assert not any(numbering.numbers[r.label] == r.label - 100 for r in regions)
    labels = Volume(table[array], (SPACING_MM,) * 3, tuple(map(float, turn @ [x, y, z])), turn)
    told = [(f.code, f.urgency) for f in find_findings(regions, numbering, labels)]
    assert told.count(("order", "high")) == 1
    assert ("off-row", "medium") not in told


def test_a_tilted_head_is_in_order_though_upper_teeth_lie_below_lower_ones() -> None:
    """Chin up by 40 degrees, with the upper molars and the lower front teeth alone."""
    patient = a_patient(*(fdi for fdi in ALL_28 if (fdi > 30) == (fdi % 10 > 3)))
    turn = Rotation.from_euler("x", -40, degrees=True).as_matrix()
    for region in list(patient.regions):
        patient.change(region.label - 100, centroid=turn @ region.centroid)
    assert patient.region(17).centroid[2] < patient.region(31).centroid[2]
    assert "order" not in patient.codes()


def test_a_gap_without_a_number_for_it() -> None:
    """A tooth was overlooked, and those behind it are off by one."""
    patient = a_patient(16, numbers={17: 16})
    assert ("wide-gap", "medium", (16, 15)) in patient.told()


@pytest.mark.parametrize(("apart_mm", "told"), [(3.9, False), (6.0, True)])
def test_between_small_incisors_a_gap_of_half_their_width_is_no_lost_tooth(
    apart_mm: float, told: bool
) -> None:
    """The lower right side stands apart from the left one."""
    patient = a_patient()
    for fdi in range(41, 48):
        patient.change(fdi, centroid=patient.region(fdi).centroid - [apart_mm, 0.0, 0.0])
    assert (("wide-gap", "medium", (41, 31)) in patient.told()) is told


def test_between_molars_five_millimetres_are_no_lost_tooth() -> None:
    patient = a_patient()
    patient.change(47, centroid=patient.region(47).centroid + [0.0, 5.5, 0.0])
    assert "wide-gap" not in patient.codes()


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


def test_crowded_teeth_are_in_order() -> None:
    patient = a_patient()
    for tooth in (32, 42):
        way = patient.region(tooth - 1).centroid - patient.region(tooth).centroid
        patient.change(tooth, centroid=patient.region(tooth).centroid + 0.4 * way + np.eye(3)[1])
    assert patient.told() == []


def test_what_fills_the_place_of_a_missing_tooth_from_far_below_is_told() -> None:
    """A blob with the look of 37, 15 mm below its place, gets the number and is sure of it."""
    patient = a_patient()
    patient.change(37, centroid=patient.region(37).centroid - [0.0, 0.0, 15.0])
    patient.numbering = number_regions(patient.regions)
    assert patient.numbering.numbers[137] == 37
    assert patient.numbering.confidence[137] > 0.9
    assert patient.told() == [("off-row", "medium", (37,))]
    assert "lies 14 mm below its row: an impacted tooth, or no" in patient.findings()[0].message


@pytest.mark.parametrize(
    ("tooth", "up_mm", "words"),
    [
        (13, 14.0, "mm above its row: an impacted tooth, or no tooth"),
        (13, -14.0, "mm below its row: a tooth of the other jaw, or no tooth"),
        (33, 14.0, "mm above its row: a tooth of the other jaw, or no tooth"),
        (33, -7.5, ""),
        (13, 7.5, ""),
    ],
)
def test_height_is_judged_along_the_heads_own_axis(tooth: int, up_mm: float, words: str) -> None:
    patient = a_patient()
    patient.change(tooth, centroid=patient.region(tooth).centroid + [0.0, 0.0, up_mm])
    turn = Rotation.from_euler("x", 30, degrees=True).as_matrix()
    for region in list(patient.regions):
        patient.change(region.label - 100, centroid=turn @ region.centroid)
    messages = [f.message for f in patient.findings() if f.code == "off-row"]
    assert len(messages) == bool(words)
    assert all(words in message for message in messages)


def codes_of_an_open_mouth(opening_mm: float, seed: int, **up_mm: float) -> dict[str, list[int]]:
    """Code of each finding about the rows -> its teeth, of a simulated head.

    Args:
        opening_mm: at the incisors.
        seed: of the head.
        up_mm: such as f13: how far a tooth lies above its place.
    """
    rng = np.random.default_rng(seed)
    regions, truth = simulated_regions(
        rng, confusion=0.15, tilt_deg=10.0, mouth_opening_mm=opening_mm
    )
    numbering = Numbering(dict(truth), dict.fromkeys(truth, 0.99))
    for region in regions:
        region.centroid = region.centroid + [0.0, 0.0, up_mm.get(f"f{truth[region.label]}", 0.0)]
    labels = Volume(np.zeros((4, 4, 4), np.uint8), (1.0,) * 3, (0.0,) * 3, np.eye(3))
    findings = find_findings(regions, numbering, labels)
    return {f.code: list(f.fdi) for f in findings if f.code in ("order", "off-row")}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("opening_mm", [0.0, 45.0, 60.0])
def test_a_mouth_that_is_wide_open_is_in_order(opening_mm: float, seed: int) -> None:
    assert codes_of_an_open_mouth(opening_mm, seed) == {}


@pytest.mark.parametrize(("fdi", "up_mm"), [(13, 14.0), (34, -14.0), (37, -14.0)])
def test_with_an_open_mouth_too_a_tooth_off_its_row_is_told(fdi: int, up_mm: float) -> None:
    assert codes_of_an_open_mouth(40.0, 3, **{f"f{fdi}": up_mm}) == {"off-row": [fdi]}


UPPER_RIGHT, LOWER_RIGHT = (17, 16, 15, 14), (44, 45, 46, 47)


def test_rows_of_one_side_without_an_incisor_are_one_finding() -> None:
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi not in (*UPPER_RIGHT, *LOWER_RIGHT)))
    findings = [f for f in patient.findings() if f.code == "numbers-by-form"]
    (finding,) = findings
    assert (finding.urgency, set(finding.fdi)) == ("medium", {*UPPER_RIGHT, *LOWER_RIGHT})
    assert "off by one" in finding.message


@pytest.mark.parametrize("besides", [(12,), (24,)])
def test_an_incisor_or_the_other_side_settles_a_row(besides: tuple[int, ...]) -> None:
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi not in (*UPPER_RIGHT, *besides)))
    assert "numbers-by-form" not in patient.codes()


def test_where_all_numbers_are_unsure_that_is_enough() -> None:
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi not in UPPER_RIGHT))
    for fdi in UPPER_RIGHT:
        patient.numbering.confidence[fdi + 100] = 0.6
    assert "numbers-unsure" in patient.codes()
    assert "numbers-by-form" not in patient.codes()


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
