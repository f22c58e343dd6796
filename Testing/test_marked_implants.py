"""Scans to learn from say where their implants are, and a training knows them by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from head_fixture import head_of_three_teeth
from ToothSegLib.cli.main import main
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import PROSTHESIS_LABEL, Case
from ToothSegLib.synthesis.compose import few_teeth, make_case
from ToothSegLib.synthesis.detail import refined
from ToothSegLib.synthesis.posing import place_head
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.training.pretrain import load_scans
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

SEED = 41


@pytest.fixture(scope="module")
def head() -> Case:
    case = make_case(SEED, spacing_mm=1.0, wish=few_teeth(SEED))
    assert case.prosthesis is not None
    assert case.prosthesis.sum() > 50
    return case


def scan_of(head: Case, *, prostheses: bool) -> tuple[Volume, Volume]:
    return simulate_scan(
        head, SEED, size=(64, 80, 88), spacing_mm=1.0, third_molars=True, prostheses=prostheses
    )


def test_a_scan_labels_its_implants_where_asked(head: Case) -> None:
    _, plain = scan_of(head, prostheses=False)
    _, marked = scan_of(head, prostheses=True)
    made = marked.array == PROSTHESIS_LABEL
    assert made.sum() > 50
    assert not (plain.array == PROSTHESIS_LABEL).any()
    assert np.array_equal(np.where(made, 0, marked.array), plain.array)


def test_a_training_learns_them_as_prostheses_not_as_teeth(head: Case, tmp_path: Path) -> None:
    image, labels = scan_of(head, prostheses=True)
    write_volume(tmp_path / "a.nrrd", image)
    write_volume(tmp_path / "a-labels.nrrd", labels)
    (scan,) = load_scans(tmp_path, TASKS["toothnet"])
    assert scan.prosthesis is not None
    assert PROSTHESIS_LABEL not in scan.present
    assert not (scan.labels == PROSTHESIS_LABEL).any()
    assert not (scan.prosthesis & (scan.labels > 0)).any()
    # As much of them as there is, and as bright as titanium and ceramic are.
    volume = float(scan.prosthesis.sum()) * scan.spacing_mm**3
    assert volume == pytest.approx(float((labels.array == PROSTHESIS_LABEL).sum()), rel=0.1)
    grey = scan.tissue.float()
    assert float(grey[scan.prosthesis].mean()) > float(grey[scan.labels == 0].mean()) + 0.5


def test_a_scan_without_any_asks_nothing(head: Case, tmp_path: Path) -> None:
    image, labels = scan_of(head, prostheses=False)
    write_volume(tmp_path / "a.nrrd", image)
    write_volume(tmp_path / "a-labels.nrrd", labels)
    assert load_scans(tmp_path, TASKS["toothnet"])[0].prosthesis is None


def test_they_stay_in_place_where_a_case_is_refined_and_mirrored(head: Case) -> None:
    fine = refined(head, 2)
    assert fine.prosthesis is not None
    assert head.prosthesis is not None
    assert np.array_equal(fine.prosthesis[::2, ::2, ::2], head.prosthesis)
    assert (fine.tissue[fine.prosthesis & (fine.labels == 0)] == tissues.TITANIUM).any()
    marked = replace(fine, labels=fine.marked())
    sides = set()
    for seed in range(6):
        tissue, labels = place_head(marked, (0.0, 26.0, -2.0), np.random.default_rng(seed))
        sides.add(np.linalg.det(tissue.direction) > 0)
        assert np.array_equal(
            labels.array == PROSTHESIS_LABEL, fine.prosthesis & (fine.labels == 0)
        )
    assert sides == {True, False}


def test_of_a_case_that_does_not_know_nothing_is_marked() -> None:
    case = head_of_three_teeth()
    assert np.array_equal(case.marked(), case.labels)


def test_the_command_marks_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--few-teeth", "--seed", str(SEED), "--quiet", "--mark-implants"]
    scan = [*command, "--scan", "--spacing", "1", "-o", str(tmp_path)]
    assert main(scan) == 0
    labels = read_volume(tmp_path / f"case-{SEED:05d}-labels.nrrd")
    assert (labels.array == PROSTHESIS_LABEL).any()
    assert main([*command, "-o", str(tmp_path / "cases")]) == 2
    assert "--mark-implants without --scan or --physics" in capsys.readouterr().err
