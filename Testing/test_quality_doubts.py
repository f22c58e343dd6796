"""Findings about numbers and third molars that looks, sizes and places put in doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28, a_region, arch_places
from quality_fixture import Patient, a_patient
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality import find_findings
from ToothSegLib.report import Finding
from ToothSegLib.volume import Volume

SECOND, THIRD = np.eye(17)[15], np.eye(17)[16]
EMPTY = Volume(np.zeros((4, 4, 4), np.uint8), (1.0,) * 3, (0.0,) * 3, np.eye(3))
UNSURE, SURE = ("third-molar-unsure", "high", (38,)), ("third-molar", "low", (38,))


def with_third_molar(
    *absent: int, look: np.ndarray = THIRD, volume: float = 700.0, moved_mm: float = 0.0
) -> Patient:
    """A patient whose 38 was left out, and is sure to be that by its place.

    Args:
        absent: teeth that are not there.
        look: type probabilities of the 38.
        volume: of it, mm3.
        moved_mm: how far it has moved up towards the first molar.
    """
    patient = a_patient(*absent)
    places = arch_places(np.random.default_rng(0), False, {36, 38}, False, 1.0)
    way = places[36] - places[38]
    place = a_patient().region(37).centroid - way / 2
    place = place + moved_mm * way / np.linalg.norm(way)
    patient.leave_out(99, place, volume, sure=0.95, third=38)
    patient.regions[-1] = replace(patient.regions[-1], type_probabilities=look)
    return patient


def about_38(patient: Patient, **options: object) -> list[Finding]:
    findings = find_findings(
        patient.regions, patient.numbering, patient.labels, **options  # type: ignore[arg-type]
    )  # fmt: skip
    return [finding for finding in findings if finding.code.startswith("third-molar")]


def told(findings: list[Finding]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(finding.code, finding.urgency, finding.fdi) for finding in findings]


@pytest.mark.parametrize(
    ("look", "which"),
    [
        (SECOND, UNSURE),
        (THIRD, SURE),
        (0.7 * SECOND + 0.3 * THIRD, SURE),
        (0.9 * THIRD + 0.1 * SECOND, SURE),
        (np.eye(17)[8], SURE),
    ],
    ids=["a second molar", "a third", "rather a second", "rather a third", "an upper third"],
)
def test_what_looks_like_a_second_molar_is_no_sure_third_one(
    look: np.ndarray, which: tuple[str, str, tuple[int, ...]]
) -> None:
    assert told(about_38(with_third_molar(37, look=look))) == [which]


def test_a_third_molar_that_looks_like_another_tooth_says_which() -> None:
    (finding,) = about_38(with_third_molar(37, look=SECOND))
    assert "as third molar 38, but it looks like a second molar: it may be 37." in finding.message
    (finding,) = about_38(with_third_molar(37, look=np.eye(17)[7]))
    assert "it looks like an upper second molar: it may be that." in finding.message


def test_where_all_numbers_are_unsure_a_look_of_a_third_molar_is_not_told() -> None:
    patient = with_third_molar(37, look=SECOND)
    for fdi in ALL_28[:20]:
        patient.numbering.confidence[fdi + 100] = 0.6
    assert told(about_38(patient)) == [SURE]


@pytest.mark.parametrize(
    ("absent", "volume", "which"),
    [((37,), 1500.0, UNSURE), ((37,), 700.0, SURE), ((), 1500.0, SURE)],
)
def test_a_large_third_molar_may_hold_the_second_that_is_missing(
    absent: tuple[int, ...], volume: float, which: tuple[str, str, tuple[int, ...]]
) -> None:
    (finding,) = about_38(with_third_molar(*absent, volume=volume))
    assert told([finding]) == [which]
    if which == UNSURE:
        assert "times the usual volume, and no 37 was found: it may hold 37" in finding.message
        assert finding.message.endswith("if so, paint that.")


@pytest.mark.parametrize(("absent", "which"), [((37,), UNSURE), ((), SURE)])
def test_a_third_molar_of_two_heights_may_hold_the_second(
    absent: tuple[int, ...], which: tuple[str, str, tuple[int, ...]]
) -> None:
    (finding,) = about_38(with_third_molar(*absent), stacked=[(99, 9.0)])
    assert told([finding]) == [which]
    assert ("may be two teeth, 9 mm apart, and no 37" in finding.message) == bool(absent)


@pytest.mark.parametrize(("share", "code"), [(0.95, "number-unsure"), (0.6, "merged"), (0.1, "")])
def test_a_look_of_the_other_jaw(share: float, code: str) -> None:
    patient = a_patient()
    patient.change(46, type_probabilities=share * np.eye(17)[6] + (1 - share) * np.eye(17)[14])
    assert patient.told() == ([(code, "high", (46,))] if code else [])
    if code == "number-unsure":
        assert "looks like an upper first molar but stands in" in patient.findings()[0].message


def test_of_a_tooth_that_the_view_cuts_the_look_of_the_other_jaw_says_nothing() -> None:
    patient = a_patient()
    patient.change(46, type_probabilities=np.eye(17)[6])
    edge = np.zeros(patient.labels.shape, bool)
    edge[2, 2, 0] = True
    patient.paint(edge, 46)
    assert patient.codes() == ["cut-by-field-of-view"]
    patient.numbering.confidence[146] = 0.6
    unsure = next(f.message for f in patient.findings() if f.code == "number-unsure")
    assert unsure.endswith("(60 %): the scan does not show all of it.")


def test_jaws_that_are_swapped_are_told_once_though_looks_contradict_all_numbers() -> None:
    opposite = {1: 40, 2: 30, 3: 20, 4: 10}
    patient = a_patient(numbers={fdi: opposite[fdi // 10] + fdi % 10 for fdi in ALL_28})
    assert patient.told()[0] == ("order", "high", ALL_28)
    assert not {"numbers-unsure", "number-unsure"} & set(patient.codes())


def one_incisor(*pieces: float) -> Patient:
    """A scan that shows one lower incisor, whose number is a coin toss, and pieces below it."""
    tooth = a_region(1, np.array([3.0, 1.0, -8.0]), 150.0, np.eye(17)[9])
    patient = Patient([tooth], Numbering({1: 41}, {1: 0.5}), EMPTY)
    for label, volume in enumerate(pieces, start=2):
        patient.leave_out(label, tooth.centroid - [0.0, 0.0, 9.0], volume)
    return patient


def test_the_only_tooth_keeps_the_doubt_about_its_number_whatever_else_is_told_of_it() -> None:
    doubt = ("numbers-unsure", "high", (41,))
    assert doubt in one_incisor().told()
    patient = one_incisor(70.0)
    assert {doubt, ("split", "high", (41,))} <= set(patient.told())
    findings = find_findings(patient.regions, patient.numbering, EMPTY, stacked=[(1, 8.0)])
    assert {"merged", "numbers-unsure"} <= {finding.code for finding in findings}


def test_of_no_numbered_tooth_no_number_is_in_doubt() -> None:
    patient = Patient([], Numbering(), EMPTY)
    patient.leave_out(1, np.zeros(3), 300.0)
    assert "numbers-unsure" not in patient.codes()


def missing(patient: Patient) -> str:
    return next(f.message for f in patient.findings() if f.code == "missing-teeth")


def test_a_second_molar_before_a_third_one_is_at_no_end_of_its_row() -> None:
    assert "37 (between 36 and third molar 38). Look" in missing(with_third_molar(37))
    message = missing(with_third_molar(36, 37, 17))
    assert "36, 37 (between 35 and third molar 38), 17 (at the end of a row" in message
    assert message.count("36") == 1


def test_where_the_third_molar_has_moved_up_the_first_one_may_be_lost() -> None:
    told = "37 (between 36 and third molar 38, where no room is left), or 36 with its space closed."
    assert told in missing(with_third_molar(37, moved_mm=8.0))


def test_a_quadrant_with_nothing_but_its_third_molar_is_missing_to_its_end() -> None:
    message = missing(with_third_molar(*(30 + place for place in range(1, 8))))
    assert "37 (at the end of a row, or outside the scan)" in message
