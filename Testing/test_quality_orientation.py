"""Heads that the file turns the wrong way are told, and what follows from it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dentition_fixture import ALL_28
from quality_fixture import Patient, a_patient
from ToothSegLib.numbering import number_regions

_OTHER_JAW = {1: 40, 2: 30, 3: 20, 4: 10}


def upside_down(*absent: int, **volumes: float) -> Patient:
    """The slices stand in reverse: each tooth is numbered, and looks, like its antagonist."""
    upright = a_patient()
    sizes = {
        fdi: upright.region(_OTHER_JAW[fdi // 10] + fdi % 10).volume_mm3
        / upright.region(fdi).volume_mm3
        for fdi in ALL_28
    }
    sizes |= {int(name[1:]): volume for name, volume in volumes.items()}
    return a_patient(*absent, volumes=sizes)


@pytest.mark.parametrize("absent", [(), (11,), (31,)])
def test_a_scan_that_is_upside_down_is_one_finding(absent: tuple[int, ...]) -> None:
    patient = upside_down(*absent)
    there = tuple(fdi for fdi in ALL_28 if fdi not in absent)
    patient.numbering.confidence[117] = 0.85
    told = [finding for finding in patient.told() if finding[0] != "missing-teeth"]
    assert told == [("order", "high", there)]
    assert "may be upside down" in patient.findings()[0].message


def test_that_it_is_upside_down_is_told_before_two_crowded_teeth() -> None:
    patient = upside_down()
    one, other = (patient.region(fdi).centroid for fdi in (32, 33))
    patient.change(32, centroid=other)
    patient.change(33, centroid=one)
    assert patient.told() == [("order", "high", ALL_28)]
    assert "may be upside down" in patient.findings()[0].message


def test_without_central_incisors_nothing_tells_it() -> None:
    assert "order" not in upside_down(11, 31).codes()


@pytest.mark.parametrize(("upper", "lower"), [(0.25, 1.0), (0.4, 1.0), (1.0, 1.9)])
def test_small_or_large_incisors_of_one_jaw_are_no_sign_of_it(upper: float, lower: float) -> None:
    """Crumbs, milk teeth beside the first new ones, lower ones nearly as large as upper ones."""
    sizes = {11: upper, 21: upper, 31: lower, 41: lower}
    assert "order" not in a_patient(volumes=sizes).codes()


@pytest.mark.parametrize("short", [True, False])
def test_upper_incisors_decayed_to_their_roots_do_not_turn_the_head(short: bool) -> None:
    """Decay takes upper incisors first and spares the lower front teeth."""
    roots, spared = (11, 12, 21, 22), (31, 32, 33, 41, 42, 43)
    sizes = {fdi: 0.35 if fdi in roots else 1.0 if fdi in spared else 0.72 for fdi in ALL_28}
    patient = a_patient(volumes=sizes)
    for fdi in roots if short else ():
        crown = patient.labels.array == fdi
        heights = np.flatnonzero(crown.any(axis=(1, 2)))
        crown[heights[len(heights) * 2 // 5] :] = False
        patient.paint(crown, 0)
    told = patient.told()
    assert (("order", "high", ALL_28) in told) is not short
    assert (
        {fdi for code, _, teeth in told if code == "odd-size" for fdi in teeth} == {*roots}
    ) is short


def turned(patient: Patient, axes: str, degrees: list[float]) -> Patient:
    """The regions turned in the head, and numbered anew; the label map is left as it is."""
    turn = Rotation.from_euler(axes, degrees, degrees=True).as_matrix()
    for region in list(patient.regions):
        patient.change(region.label - 100, centroid=turn @ region.centroid)
    patient.numbering = number_regions(patient.regions)
    return patient


@pytest.mark.parametrize("axis", ["z", "x"])
def test_a_head_that_faces_backwards_is_one_finding(axis: str) -> None:
    findings = turned(a_patient(), axis, [180.0]).findings()
    assert [(finding.code, finding.urgency) for finding in findings] == [("order", "high")]
    assert "arches open forwards" in findings[0].message


def test_specks_behind_the_teeth_do_not_turn_the_head_round() -> None:
    """Molars alone, and noise in the throat."""
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi % 10 < 6))
    throat = np.mean([region.centroid for region in patient.regions], axis=0) + [0.0, 40.0, 0.0]
    for label in range(1, 9):
        patient.leave_out(label, throat + [label - 4.5, 0.0, 0.0], 40.0)
    assert "order" not in patient.codes()


@pytest.mark.parametrize("seed", range(3))
def test_a_tilted_head_does_not_face_backwards(seed: int) -> None:
    tilt = np.random.default_rng(seed).uniform(-35, 35, 3).tolist()
    messages = [finding.message for finding in turned(a_patient(), "xyz", tilt).findings()]
    assert not any("open forwards" in message for message in messages)
