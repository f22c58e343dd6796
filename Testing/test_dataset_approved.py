"""What comes into a data set as reviewed, and with the report of a run: said, or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataset_fixture import labels_of, scan
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.formats.scan_checksum import scan_sha256
from ToothSegLib.report import SCAN_SHA256, Segmentation, to_json
from ToothSegLib.volume_io import write_volume


@pytest.mark.parametrize("layout", ["nnunet", "monai"])
def test_an_import_approves_cases_that_are_there_unreviewed(
    tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = str(tmp_path / "set"), str(tmp_path / "out")
    image = scan()
    review = {11: "corrected", 21: "missing"}
    case = Dataset.create(folder).add(image, labels_of(image), CaseMeta(who="ab", review=review))
    assert main(["dataset", "export", folder, out, "--format", layout, "--quiet"]) == 0
    take = ["dataset", "import", folder, out, "--format", layout, "--who", "cd"]
    assert main(take) == 0
    assert capsys.readouterr().out == "0 cases added, 1 there already\n"
    assert main([*take, "--approved"]) == 0
    said = capsys.readouterr().out
    assert said == f"0 cases added, 0 there already\nthere unreviewed, approved now: {case.id}\n"
    record = DatasetCase(case.folder).record
    assert record.review == {11: "corrected", 18: "approved", 21: "missing", 36: "approved"}
    assert [entry.who for entry in record.history] == ["ab", "cd"]
    assert main([*take, "--approved"]) == 0
    assert capsys.readouterr().out == "0 cases added, 1 there already\n"


def test_an_approved_import_says_of_a_lost_tooth_that_it_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = str(tmp_path / "set"), str(tmp_path / "out")
    image = scan()
    meta = CaseMeta(who="ab", review={11: "approved", 21: "lost"})
    case = Dataset.create(folder).add(image, labels_of(image), meta)
    assert main(["dataset", "export", folder, out, "--format", "nnunet", "--quiet"]) == 0
    take = ["dataset", "import", folder, out, "--format", "nnunet", "--who", "cd", "--approved"]
    assert main(take) == 0
    assert f"approved now: {case.id}" in capsys.readouterr().out
    record = DatasetCase(case.folder).record
    assert record.reviewed
    assert record.review[21] == "missing"
    assert main(take) == 0
    assert capsys.readouterr().out == "0 cases added, 1 there already\n"
    assert DatasetCase(case.folder).revision == 2


def test_what_has_no_labels_cannot_be_approved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_volume(tmp_path / "scan.nrrd", scan())
    words = [str(tmp_path / "set"), str(tmp_path / "scan.nrrd"), "--approved"]
    assert main(["dataset", "add", *words]) == 2
    assert "error: --approved without --labels" in capsys.readouterr().err
    assert not os.path.exists(tmp_path / "set")


def test_the_report_of_another_scan_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = {"one": scan(1), "two": scan(2)}
    for name, image in scans.items():
        write_volume(tmp_path / f"{name}.nrrd", image)
        provenance = {"bundle": "toothnet", "weights": {}, SCAN_SHA256: scan_sha256(image)}
        report = to_json(Segmentation(labels_of(image), provenance=provenance))
        (tmp_path / f"{name}.json").write_text(report, encoding="utf-8")
    write_volume(tmp_path / "labels.nrrd", labels_of(scans["one"]))
    add = ["dataset", "add", str(tmp_path / "set"), str(tmp_path / "one.nrrd")]
    add += ["--labels", str(tmp_path / "labels.nrrd"), "--report"]
    assert main([*add, str(tmp_path / "two.json")]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "two.json is the report of another scan" in line
    assert main([*add, str(tmp_path / "one.json")]) == 0
