"""Findings: what a reader should look at first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import ALL_28, LOWER_VOLUMES, UPPER_VOLUMES, a_region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality import find_findings
from ToothSegLib.regions import Region
from ToothSegLib.report import Finding
from ToothSegLib.teeth import type_of


def a_patient(
    *absent: int, larger: float = 1.0, **volumes: float
) -> tuple[list[Region], Numbering, np.ndarray]:
    """A flawless dentition; ``volumes`` are factors, ``_16=0.4`` for a small 16."""
    regions, numbering = [], Numbering()
    labels = np.zeros((40, 6, 6), np.uint8)
    for fdi in ALL_28:
        if fdi in absent:
            continue
        norm = (UPPER_VOLUMES if fdi < 30 else LOWER_VOLUMES)[fdi % 10 - 1]
        volume = norm * larger * volumes.get(f"_{fdi}", 1.0)
        regions.append(a_region(fdi + 100, np.zeros(3), volume, np.eye(17)[type_of(fdi)]))
        numbering.numbers[fdi + 100] = fdi
        numbering.confidence[fdi + 100] = 0.99
        labels[ALL_28.index(fdi) + 2, 2, 2] = fdi
    return regions, numbering, labels


def found(patient: tuple[list[Region], Numbering, np.ndarray], **options: object) -> list[Finding]:
    return find_findings(*patient, **options)  # type: ignore[arg-type]


def told(findings: list[Finding]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(finding.code, finding.urgency, finding.fdi) for finding in findings]


@pytest.mark.parametrize("larger", [0.6, 1.0, 1.6])
def test_a_flawless_dentition_of_any_size_has_no_findings(larger: float) -> None:
    assert found(a_patient(larger=larger)) == []


def test_no_teeth() -> None:
    (finding,) = find_findings([], Numbering(), np.zeros((4, 4, 4), np.uint8))
    assert (finding.code, finding.urgency) == ("no-teeth", "high")


def test_the_teeth_of_an_empty_row_are_told_together_and_gaps_one_by_one() -> None:
    findings = found(a_patient(14, 17, 31, 41, 37))
    assert told(findings) == [
        ("missing-tooth", "low", (14,)),
        ("missing-tooth", "low", (41,)),
        ("missing-tooth", "low", (31,)),
        ("missing-teeth", "low", (17, 37)),
    ]
    assert "No 14 (upper right first premolar) was found between 15 and 13." in findings[0].message
    assert "between 42 and 32" in findings[1].message


@pytest.mark.parametrize(("sure", "urgency"), [(0.6, "high"), (0.9, "medium")])
def test_an_unsure_number(sure: float, urgency: str) -> None:
    patient = a_patient()
    patient[1].confidence[125] = sure
    (finding,) = found(patient)
    assert told([finding]) == [("number-unsure", urgency, (25,))]
    assert f"({100 * sure:.0f} %)" in finding.message


def test_a_whole_row_in_doubt_is_one_finding() -> None:
    patient = a_patient()
    for label in list(patient[1].confidence)[:20]:
        patient[1].confidence[label] = 0.6
    (finding,) = found(patient)
    assert told([finding]) == [("numbers-unsure", "high", ALL_28[:20])]


def test_a_faint_tooth() -> None:
    regions, *rest = a_patient()
    regions[0] = replace(regions[0], confidence=0.6)
    assert told(find_findings(regions, *rest)) == [("unclear-tooth", "medium", (11,))]


def test_a_faint_scan_is_one_finding() -> None:
    regions, *rest = a_patient()
    regions = [replace(region, confidence=0.6) for region in regions]
    assert told(find_findings(regions, *rest)) == [("unclear-teeth", "high", ALL_28)]


@pytest.mark.parametrize(("factor", "words"), [(0.4, "is small"), (2.2, "is large")])
def test_an_odd_size_is_told_once_and_not_again_as_asymmetry(factor: float, words: str) -> None:
    (finding,) = found(a_patient(_16=factor))
    assert told([finding]) == [("odd-size", "medium", (16,))]
    assert words in finding.message


def test_a_single_tooth_is_judged_by_the_norm() -> None:
    patient = a_patient(*(fdi for fdi in ALL_28 if fdi != 36), _36=0.3)
    odd = [finding for finding in found(patient) if finding.code == "odd-size"]
    assert "the norm" in odd[0].message


def test_asymmetry_names_the_larger_first() -> None:
    (finding,) = found(a_patient(_22=1.35, _12=0.8))
    assert told([finding]) == [("asymmetry", "low", (22, 12))]


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("end", [0, -1])
def test_a_cut_tooth_is_told_and_its_size_is_not_judged(axis: int, end: int) -> None:
    regions, numbering, labels = a_patient(_47=0.2)
    face: list = [2, 2, 2]
    face[axis] = end
    labels[tuple(face)] = 47
    findings = find_findings(regions, numbering, labels)
    assert told(findings) == [("cut-by-field-of-view", "medium", (47,))]


def test_what_was_left_out_is_told() -> None:
    regions, numbering, labels = a_patient()
    extra = [a_region(label, np.array([1.0, 2.0, 3.0]), 300.0, np.ones(17)) for label in (1, 2, 3)]
    numbering.numbers |= {1: None, 2: None, 3: None}
    numbering.third_molars |= {1: 48, 2: 38}
    numbering.confidence |= {1: 0.99, 2: 0.5, 3: 0.9}
    findings = find_findings(regions + extra, numbering, labels, dropped_mm3=[30.0, 12.0, 2.0])
    assert told(findings) == [
        ("third-molar-unsure", "high", (38,)),
        ("no-place", "medium", ()),
        ("third-molar", "low", (48,)),
        ("dropped-pieces", "low", ()),
    ]
    assert "it may be 37" in findings[0].message
    assert "300 mm3 at (1, 2, 3) mm" in findings[1].message
    assert "2 small pieces" in findings[3].message
    assert "42 mm3" in findings[3].message


def test_fragments_are_told_in_one_line() -> None:
    regions, numbering, labels = a_patient()
    for label, volume in ((1, 80.0), (2, 60.0), (3, 40.0)):
        regions = [*regions, a_region(label, np.array([1.0, 2.0, label]), volume, np.ones(17))]
        numbering.numbers[label] = None
        numbering.confidence[label] = 0.9
    (finding,) = find_findings(regions, numbering, labels)
    assert finding.code == "fragments"
    assert "3 pieces (together 180 mm3, the largest at (1, 2, 1) mm LPS)" in finding.message


def test_the_most_urgent_comes_first() -> None:
    patient = a_patient(14, _16=0.4)
    patient[1].confidence[125] = 0.5
    assert [finding.urgency for finding in found(patient)] == ["high", "medium", "low"]
