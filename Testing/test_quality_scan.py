"""Findings that the grid and the grey values tell: cut teeth, metal, scans of something else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from scipy import ndimage

from dentition_fixture import ALL_28
from quality_fixture import ENAMEL, SOFT, TOOTH, Patient, a_patient
from ToothSegLib.grids.cut_by_view import cut_teeth
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality import find_findings, subject
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.metal import _touches
from ToothSegLib.volume import Volume


def scanned(*absent: int) -> tuple[Patient, Volume]:
    patient = a_patient(*absent, with_scan=True)
    assert patient.scan is not None
    return patient, patient.scan


def changed(patient: Patient, grey: np.ndarray) -> Patient:
    assert patient.scan is not None
    patient.scan = patient.scan.with_array(grey)
    return patient


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("end", [0, -1])
def test_a_cut_tooth_is_told_and_its_size_is_not_judged(axis: int, end: int) -> None:
    patient = a_patient(volumes={47: 0.2})
    face = np.zeros(patient.labels.shape, bool)
    where: list = [2, 2, 2]
    where[axis] = end
    face[tuple(where)] = True
    patient.paint(face, 47)
    assert patient.told() == [("cut-by-field-of-view", "medium", (47,))]


def cylinder(patient: Patient, through: int, scan: Volume) -> tuple[np.ndarray, set[int]]:
    """Mask of what lies outside a cylinder through a tooth, and the teeth that it cuts."""
    middle = np.argwhere(patient.labels.array > 0).mean(axis=0)[1:]
    edge = np.argwhere(patient.labels.array == through).mean(axis=0)[1:]
    away = np.moveaxis(np.indices(scan.shape[1:]), 0, -1) - middle
    beyond = np.linalg.norm(away, axis=-1) > np.linalg.norm(edge - middle)
    outside = np.broadcast_to(beyond, scan.shape)
    labels = patient.labels.array
    cut = {fdi for fdi in ALL_28 if 0.2 < outside[labels == fdi].mean() < 0.8}
    return outside, cut


@pytest.mark.parametrize("filling", [-3000, -1000, 0])
def test_teeth_cut_by_a_cylinder_filled_with_one_value(filling: int) -> None:
    patient, scan = scanned()
    outside, cut = cylinder(patient, 16, scan)
    patient.paint(outside, 0)
    findings = changed(patient, np.where(outside, filling, scan.array)).findings()
    told = [set(finding.fdi) for finding in findings if finding.code == "cut-by-field-of-view"]
    assert 16 in cut
    assert len(told) == 1
    assert cut <= told[0]


FINE_AND_COARSE_MM = [0.1, 0.2, 0.4]


def a_round_tooth(step_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A cube with a tooth of 8 mm: mm from its middle along an axis, grey values, its mask."""
    size = round(14 / step_mm)
    at = (np.arange(size) - size / 2) * step_mm
    tooth = (np.abs(at[:, None, None]) < 4) & (np.hypot(at[:, None], at) < 4)
    grey = np.where(tooth, TOOTH, SOFT) + np.random.default_rng(0).normal(0, 20, tooth.shape)
    return at, grey, tooth


@pytest.mark.parametrize("step_mm", FINE_AND_COARSE_MM)
@pytest.mark.parametrize("short_mm", [-0.3, 0.0, 0.2, 0.5])
def test_a_cut_is_told_at_any_voxel_size(step_mm: float, short_mm: float) -> None:
    """A label of a grid of 0.5 mm may end before the filling, or reach into it."""
    at, grey, tooth = a_round_tooth(step_mm)
    radius = np.hypot(at[:, None], at + 20.0)  # of a cylinder of 20 mm through the middle
    grey = np.where(radius < 20.0, grey, -1000).astype(np.int16)
    labels = (11 * tooth * (radius < 20.0 - short_mm)).astype(np.uint8)
    spacing = (step_mm,) * 3
    boxes = label_boxes(labels)
    assert cut_teeth(Volume(labels, spacing), Volume(grey, spacing), boxes) == {11}


@pytest.mark.parametrize(("beyond_mm", "cut"), [(7.5, set()), (3.0, {11})])
def test_a_tooth_whose_rim_just_meets_the_filling_is_whole(beyond_mm: float, cut: set[int]) -> None:
    at, grey, tooth = a_round_tooth(0.2)
    filled = at[:, None, None] + at > beyond_mm  # beyond a plane across the upper edge
    filled = np.broadcast_to(filled, tooth.shape)
    scan = Volume(np.where(filled, -1000, grey).astype(np.int16), (0.2,) * 3)
    labels = scan.with_array((11 * tooth * ~filled).astype(np.uint8))
    assert cut_teeth(labels, scan, label_boxes(labels.array)) == cut


def test_a_cut_is_told_where_there_is_darker_than_the_filling() -> None:
    """As in a corner that was clipped: the filling is what most of the flat has."""
    at, grey, tooth = a_round_tooth(0.2)
    filled = np.broadcast_to(at[:, None] > 0.0, tooth.shape)
    grey = np.where(filled, -1000, grey)
    grey[:, 20:24, 32:38] = -3000
    scan = Volume(grey.astype(np.int16), (0.2,) * 3)
    labels = scan.with_array((11 * tooth * ~filled).astype(np.uint8))
    assert cut_teeth(labels, scan, label_boxes(labels.array)) == {11}


def test_a_splinter_thinner_than_the_steps_of_a_fine_scan_is_not_cut() -> None:
    grey = np.random.default_rng(0).normal(0, 20, (30, 30, 30)).astype(np.int16)
    labels = np.zeros(grey.shape, np.uint8)
    labels[[10, 11, 11], [17, 16, 17], [18, 18, 17]] = 11  # none of these is every third
    scan = Volume(grey, (0.1,) * 3)
    boxes = label_boxes(labels)
    assert cut_teeth(scan.with_array(labels), scan, boxes) == set()


@pytest.mark.parametrize("step_mm", FINE_AND_COARSE_MM)
@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("up", [False, True])
def test_a_label_may_end_just_before_the_array_that_cuts_it(
    step_mm: float, axis: int, up: bool
) -> None:
    at, grey, tooth = a_round_tooth(step_mm)
    middle, short = len(at) // 2, round(0.8 / step_mm)
    kept, missed = (
        (slice(n, None) if up else slice(None, len(at) - n)) for n in (middle, middle + short)
    )
    labels = np.zeros(grey.shape, np.uint8)
    some = tuple(missed if n == axis else slice(None) for n in range(3))
    labels[some] = 11 * tooth[some]
    view = tuple(kept if n == axis else slice(None) for n in range(3))
    spacing = (step_mm,) * 3
    cut, scan = Volume(labels[view], spacing), Volume(grey[view].astype(np.int16), spacing)
    assert cut_teeth(cut, scan, label_boxes(cut.array)) == {11}


@pytest.mark.parametrize("step_mm", FINE_AND_COARSE_MM)
def test_a_whole_tooth_just_before_the_end_of_the_array_is_not_cut(step_mm: float) -> None:
    _, grey, tooth = a_round_tooth(step_mm)
    end = int(np.argwhere(tooth)[:, 0].max()) + 1 + round(0.8 / step_mm)
    labels = (11 * tooth[:end]).astype(np.uint8)
    spacing = (step_mm,) * 3
    scan = Volume(grey[:end].astype(np.int16), spacing)
    assert cut_teeth(Volume(labels, spacing), scan, label_boxes(labels)) == set()


@pytest.mark.parametrize("step_mm", FINE_AND_COARSE_MM)
@pytest.mark.parametrize("short_mm", [0.0, 0.3])
def test_air_about_a_tooth_is_no_cut_at_any_voxel_size(step_mm: float, short_mm: float) -> None:
    at, grey, tooth = a_round_tooth(step_mm)
    grey = np.where(tooth, grey, -1000).astype(np.int16)
    labels = (11 * tooth * (np.hypot(at[:, None], at) < 4 - short_mm)).astype(np.uint8)
    spacing = (step_mm,) * 3
    boxes = label_boxes(labels)
    assert cut_teeth(Volume(labels, spacing), Volume(grey, spacing), boxes) == set()


def test_clipped_air_beside_teeth_is_no_end_of_the_view() -> None:
    """Air about the crowns has one value where the scale ends, but no smooth border."""
    patient, scan = scanned()
    teeth = patient.labels.array > 0
    air = (
        ~ndimage.binary_dilation(teeth) & (np.abs(np.arange(scan.shape[0]) - 25) < 9)[:, None, None]
    )
    assert "cut-by-field-of-view" not in changed(patient, np.where(air, -1000, scan.array)).codes()


@pytest.mark.parametrize("clipped", [False, True])
def test_a_metal_crown(clipped: bool) -> None:
    patient, scan = scanned()
    crown = patient.labels.array == 36
    heights = np.flatnonzero(crown.any(axis=(1, 2)))
    crown[: heights[-6]] = False
    grey = np.where(crown, 3 * int(ENAMEL), scan.array)
    if clipped:
        grey = np.minimum(grey, int(1.2 * ENAMEL))
    findings = changed(patient, grey).findings()
    assert [finding.code for finding in findings] == ["touching-metal"]
    assert 36 in findings[0].fdi
    assert set(findings[0].fdi) <= {35, 36, 37, 25, 26, 27}  # the crowns bite on each other


def test_metal_in_more_than_half_of_the_teeth_of_a_scale_that_ends_below_it() -> None:
    patient, scan = scanned()
    filled = {fdi for fdi in ALL_28 if fdi % 10 > 3}
    grey = np.where(np.isin(patient.labels.array, list(filled)), 3 * ENAMEL, scan.array)
    findings = changed(patient, np.minimum(grey, 1.2 * ENAMEL).astype(np.int16)).findings()
    (metal,) = (finding for finding in findings if finding.code == "touching-metal")
    assert filled <= set(metal.fdi)
    assert not {11, 21, 31, 41} & set(metal.fdi)


@pytest.mark.parametrize(("ends_at", "told"), [(1.23, ALL_28), (0.97, ())])
def test_brackets_on_all_teeth_of_a_scale_that_ends_above_enamel(
    ends_at: float, told: tuple[int, ...]
) -> None:
    """As a scale of 12 bits does. Where it ends at enamel, all of it may be that."""
    patient, scan = scanned()
    beside = [patient.near(fdi, 2.0) for fdi in ALL_28]
    brackets = np.any(beside, axis=0) & (patient.labels.array == 0)
    grey = np.where(brackets, 3 * ENAMEL, scan.array)
    findings = changed(patient, np.minimum(grey, ends_at * ENAMEL).astype(np.int16)).findings()
    metal = [finding.fdi for finding in findings if finding.code == "touching-metal"]
    assert metal == ([told] if told else [])


def test_metal_beside_a_tooth_is_told_and_a_few_hot_voxels_or_metal_further_away_are_not() -> None:
    patient, scan = scanned()
    wire = patient.near(36, 1.0) & (patient.labels.array == 0)
    far = patient.near(36, 5.0) & ~patient.near(36, 4.0) & (patient.labels.array == 0)
    hot = np.zeros(scan.shape, bool)
    hot[tuple(np.argwhere(patient.labels.array == 36)[:3].T)] = True
    told = []
    for where in (wire, far, hot):
        findings = changed(patient, np.where(where, 3 * int(ENAMEL), scan.array)).findings()
        metal = (finding for finding in findings if finding.code == "touching-metal")
        told.append({fdi for finding in metal for fdi in finding.fdi})
    assert 36 in told[0]
    assert 36 not in told[1]
    assert told[2] == set()


@pytest.mark.parametrize("lump_mm", [0.0, 1.5])
def test_a_millimetre_is_one_across_thick_slices_too(lump_mm: float) -> None:
    spacing = (0.3, 0.3, 2.0)
    labels = np.zeros((12, 30, 30), np.uint8)
    labels[6:11, 8:22, 8:22] = 16
    labels[1:4, 8:22, 8:22] = 46
    grey = np.where(labels > 0, 2000, 0).astype(np.int16)
    grey[6, 10:20, 10:20] = 9000  # a crown, 6 mm above the other tooth's
    facts = SimpleNamespace(
        scan=Volume(grey, spacing), labels=Volume(labels, spacing), boxes=label_boxes(labels)
    )
    assert _touches(cast(Facts, facts), 16, 9000, lump_mm)
    assert not _touches(cast(Facts, facts), 46, 9000, lump_mm)


def test_enamel_that_the_scale_clips_is_no_metal() -> None:
    patient, scan = scanned()
    assert changed(patient, np.minimum(scan.array, int(0.9 * ENAMEL))).told() == []


def not_a_head(patient: Patient) -> str:
    """The words of the one finding that there is about the scan."""
    findings = [finding for finding in patient.findings() if finding.code == "not-a-head-scan"]
    assert [finding.urgency for finding in findings] == ["high"]
    assert patient.codes()[0] == "not-a-head-scan"
    return findings[0].message


def test_a_negative() -> None:
    patient, scan = scanned()
    assert "no brighter than what is beside it" in not_a_head(changed(patient, -scan.array))
    assert "touching-metal" not in patient.codes()


def test_a_label_map() -> None:
    patient, _ = scanned()
    assert "grey values, as label maps have" in not_a_head(
        changed(patient, patient.labels.array.astype(np.int16))
    )


def test_noise() -> None:
    patient, scan = scanned()
    noise = np.random.default_rng(1).normal(0, 300, scan.shape).astype(np.int16)
    assert "noise without structures" in not_a_head(changed(patient, noise))


def test_slices_of_nothing_below_the_head_make_no_label_map(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only some slices of a large scan are looked at: those in its middle."""
    patient, scan = scanned()
    grey = scan.array.copy()
    grey[:3] = -1000
    monkeypatch.setattr(subject, "_MOST_VOXELS", 4 * scan.shape[1] * scan.shape[2])
    assert "not-a-head-scan" not in changed(patient, grey).codes()


@pytest.mark.parametrize("times", [0.1, 10.0])
def test_a_wrong_voxel_size(times: float) -> None:
    patient = a_patient(larger=times)
    assert "voxel size may be wrong" in not_a_head(patient)


def test_a_thin_slab() -> None:
    patient, scan = scanned()
    middle = (slice(20, 30), slice(None), slice(None))
    thin = replace(patient, labels=patient.labels.part(middle), scan=scan.part(middle))
    assert "it is only 10 mm thick" in not_a_head(thin)


@pytest.mark.parametrize(("implants", "told"), [(1, "an implant or a pontic"), (7, "7 implants")])
def test_a_mouth_with_implants_alone(implants: int, told: str) -> None:
    _, scan = scanned()
    empty = scan.with_array(np.zeros(scan.shape, np.uint8))
    (finding,) = find_findings([], Numbering(), empty, scan=scan, implants=implants)
    assert (finding.code, finding.urgency) == ("no-teeth", "high")
    assert finding.message.startswith(f"No teeth were found, but {told}")
    (without,) = find_findings([], Numbering(), empty, scan=scan)
    assert "implant" not in without.message


def test_a_scan_of_something_else_without_teeth_is_one_finding() -> None:
    _, scan = scanned()
    noise = np.random.default_rng(1).normal(0, 300, scan.shape).astype(np.int16)
    empty = Patient([], a_patient().numbering, scan.with_array(np.zeros(scan.shape, np.uint8)))
    empty.scan = scan.with_array(noise)
    (finding,) = empty.findings()
    assert finding.code == "no-teeth"
    assert "noise without structures" in finding.message
