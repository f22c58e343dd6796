"""Labels that can hardly be right are told, whoever has approved them; good ones are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dentition_fixture import ALL_28
from quality_fixture import a_patient
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.label_doubts import label_doubts
from ToothSegLib.teeth import FDI_NUMBERS, mirror
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


def mirrored(labels: Volume) -> Volume:
    """Every tooth with the number of its fellow on the other side."""
    table = np.zeros(256, np.uint8)
    for fdi in FDI_NUMBERS:
        table[fdi] = mirror(fdi)
    return labels.with_array(table[labels.array])


def with_crumb(labels: Volume, fdi: int) -> Volume:
    array = labels.array.copy()
    array[3:5, 3:5, 3:5] = fdi
    return labels.with_array(array)


def test_good_labels_are_not_doubted() -> None:
    for absent in ((), (16, 26, 37, 45), set(ALL_28) - {36}):
        patient = a_patient(*absent, with_scan=True)
        assert label_doubts(patient.labels, patient.scan) == []
    empty = patient.labels.with_array(np.zeros_like(patient.labels.array))
    assert label_doubts(empty, patient.scan) == []


def moved(labels: Volume, axis: int = 1) -> Volume:
    """By 6 mm, as of another scan of the same device."""
    return labels.with_array(np.roll(labels.array, 6, axis))


@pytest.mark.parametrize("axis", [1, 2], ids=["backwards", "to the left"])
def test_labels_of_another_scan_are_told(axis: int) -> None:
    patient = a_patient(with_scan=True)
    doubt = label_doubts(moved(patient.labels, axis), patient.scan)[0]
    assert doubt.startswith("what is labelled is hardly brighter than what is beside it")
    assert doubt.endswith("are these labels of another scan?")


def test_an_import_of_what_is_approved_tells_it_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = a_patient(with_scan=True)
    assert patient.scan is not None
    for name, volume in (("scan", patient.scan), ("labels", moved(patient.labels))):
        write_volume(tmp_path / f"{name}.nrrd", volume)
    entry = {"image": "scan.nrrd", "label": "labels.nrrd"}
    (tmp_path / "datalist.json").write_text(json.dumps({"training": [entry]}))
    take = ["dataset", "import", str(tmp_path / "set"), str(tmp_path), "--format", "monai"]
    assert main([*take, "--approved"]) == 0
    assert "are these labels of another scan?" in capsys.readouterr().err


def test_a_tooth_of_a_few_voxels_is_told_and_misleads_nothing_else() -> None:
    (doubt,) = label_doubts(with_crumb(a_patient(14).labels, 14), None)
    assert doubt.startswith("tooth 14 has 8 voxels (8.0 mm3), too few for a tooth")


def test_sides_that_are_exchanged_are_told() -> None:
    (doubt,) = label_doubts(mirrored(a_patient().labels), None)
    assert "on the right lie left of those numbered as on the left" in doubt


def test_a_tooth_on_the_other_side_than_its_number_says_is_told() -> None:
    (doubt,) = label_doubts(a_patient(46, numbers={36: 46}).labels, None)
    assert doubt.startswith("46 (lower right first molar) and 45 are out of order")


def test_it_is_said_when_labels_are_approved_and_when_the_set_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = mirrored(a_patient().labels)
    write_volume(tmp_path / "scan.nrrd", labels.with_array(labels.array.astype(np.int16)))
    write_volume(tmp_path / "labels.nrrd", labels)
    folder = str(tmp_path / "set")
    add = ["dataset", "add", folder, str(tmp_path / "scan.nrrd"), "--labels"]
    assert main([*add, str(tmp_path / "labels.nrrd")]) == 0  # they wait for a look
    assert capsys.readouterr().err == ""
    (case,) = Dataset.open(folder).cases()
    assert main(["dataset", "check", folder]) == 0
    assert capsys.readouterr().out == "Everything is consistent.\n"
    line = f"{case.id}: {label_doubts(labels, None)[0]}\n"
    assert main(["dataset", "revise", folder, case.id, "--approved"]) == 0
    assert capsys.readouterr().err == line
    assert main(["dataset", "check", folder]) == 0
    assert capsys.readouterr().out == f"{line}Everything is consistent.\n"
    add[2] = str(tmp_path / "again")
    assert main([*add, str(tmp_path / "labels.nrrd"), "--approved"]) == 0
    assert capsys.readouterr().err == line
