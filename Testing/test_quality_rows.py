"""Findings about the rows: numbers out of order, gaps, teeth off their row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dentition_fixture import ALL_28, simulated_regions
from quality_fixture import SPACING_MM, a_patient
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.quality import find_findings
from ToothSegLib.teeth import mirror
from ToothSegLib.volume import Volume


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
