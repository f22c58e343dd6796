"""A crumb in the place of a missing tooth does not keep its number."""

from __future__ import annotations

import numpy as np
import pytest

from dentition_fixture import ALL_28
from quality_fixture import Patient, a_patient
from ToothSegLib.quality import find_findings
from ToothSegLib.separation.crumbs import without_crumbs


def judged(patient: Patient):  # type: ignore[no-untyped-def]
    assert patient.scan is not None
    return without_crumbs(patient.regions, patient.numbering, patient.labels, patient.scan)


@pytest.mark.parametrize("larger", [0.6, 1.0, 1.6])
def test_a_crumb_has_no_number_and_the_tooth_is_told_missing(larger: float) -> None:
    patient = a_patient(volumes={11: 0.1}, larger=larger, with_scan=True)
    numbering, labels = judged(patient)
    assert numbering.numbers == patient.numbering.numbers | {111: None}
    assert numbering.confidence[111] == pytest.approx(0.01)
    assert not (labels.array == 11).any()
    others = patient.labels.array != 11
    assert (labels.array[others] == patient.labels.array[others]).all()
    told = [(f.code, f.fdi) for f in find_findings(patient.regions, numbering, labels)]
    assert ("missing-teeth", (11,)) in told


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_retained_roots_and_peg_teeth_stay(share: float) -> None:
    patient = a_patient(volumes={12: share, 26: share}, with_scan=True)
    numbering, labels = judged(patient)
    assert numbering is patient.numbering
    assert labels is patient.labels


def test_what_the_view_has_cut_stays() -> None:
    patient = a_patient(volumes={47: 0.05}, with_scan=True)
    face = np.zeros(patient.labels.shape, bool)
    face[2, 2, 0] = True
    patient.paint(face, 47)
    assert judged(patient)[0] is patient.numbering


def test_few_teeth_do_not_tell_how_small_one_is() -> None:
    absent = [fdi for fdi in ALL_28 if fdi not in (11, 12, 13, 14)]
    patient = a_patient(*absent, volumes={11: 0.1}, with_scan=True)
    assert judged(patient)[0] is patient.numbering
