"""A folder of scans that changes between two batches, and what of it cannot be looked into."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch_fixture import run_here
from batch_stub import write_scan
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.ranking import ranking, unlisted
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.batch.result import read_result
from ToothSegLib.batch.scans import find_scans
from ToothSegLib.cli.main import main
from ToothSegLib.errors import InputError
from ToothSegLib.formats import dicom_series
from ToothSegLib.volume_io import read_volume, write_volume
from volume_fixture import a_scan, write_dicom_series


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / MANIFEST_NAME).read_text().splitlines()]


def results(out: Path) -> list[str]:
    return sorted(path.parent.name for path in out.glob(f"*/{RECORD_NAME}"))


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder among the scans that must not be looked into; root could."""
    folder = tmp_path / "scans" / "patient-2"
    write_scan(folder / "b.nrrd")
    scandir = os.scandir

    def refuse(path: str | int) -> Iterator[Any]:
        if str(path) == str(folder):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return folder


def test_a_folder_that_cannot_be_read_is_a_failure_in_the_manifest(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tmp_path / "scans" / "a.nrrd")
    assert run_here(monkeypatch, tmp_path / "scans", tmp_path / "out") == ["done", "failed"]
    line = lines(tmp_path / "out")[1]
    assert (line["source"], line["status"], line["code"]) == ("patient-2", "failed", 2)
    assert line["error"].startswith("the folder cannot be read (Permission denied)")


def test_where_nothing_else_is_there_the_reason_is_told(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"no scans in .*; patient-2: the folder cannot be read"):
        run_here(monkeypatch, tmp_path / "scans", tmp_path / "out")


@pytest.mark.parametrize("fault", ["slice", "frames", "folder"])
def test_a_dicom_folder_with_a_file_that_cannot_be_read_fails_alone(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "scans" / "bad"
    write_dicom_series(bad, a_scan(), "1.2.3.5")
    write_scan(tmp_path / "scans" / "good.nrrd")

    def refuse_in(place: Path, really: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def refuse(path: Path) -> Any:
            if place in (path, path.parent):
                raise PermissionError(13, "Permission denied")
            return really(path)

        return refuse

    if fault == "slice":
        check = refuse_in(bad, dicom_series.check_claims)
        monkeypatch.setattr(dicom_series, "check_claims", check)
    elif fault == "frames":  # between two looks
        for path in sorted(bad.iterdir())[1:]:
            path.unlink()
        monkeypatch.setattr(dicom_series, "header", refuse_in(bad, dicom_series.header))
    else:
        monkeypatch.setattr(Path, "iterdir", refuse_in(bad, Path.iterdir))
    assert run_here(monkeypatch, tmp_path / "scans", tmp_path / "out") == ["failed", "done"]
    assert lines(tmp_path / "out")[0]["source"] == "bad"
    assert "Permission denied" in lines(tmp_path / "out")[0]["error"]


def write_apart(path: Path, voxels: str, teeth: tuple[int, ...]) -> None:
    """A scan of `write_scan` as a header, and its voxels in another file."""
    array = read_volume(write_scan(path.with_name("source") / "scan.nrrd", teeth)).array
    shutil.rmtree(path.with_name("source"))
    sizes = " ".join(map(str, array.shape[::-1]))
    path.write_text(
        f"NRRD0004\ntype: short\ndimension: 3\nsizes: {sizes}\nspacings: 0.5 0.5 0.5\n"
        f"endian: little\nencoding: raw\ndata file: {voxels}\nabout:={'x' * 400}\n\n"
    )
    (path.parent / voxels).parent.mkdir(exist_ok=True)
    (path.parent / voxels).write_bytes(array.astype("<i2").tobytes())


@pytest.mark.parametrize("voxels", ["./p.raw", "raw/p.raw"])
def test_other_voxels_behind_the_same_header_are_another_scan(
    voxels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    for teeth in ((11, 21), (31, 41)):
        write_apart(scans / "p.nhdr", voxels, teeth)
        assert run_here(monkeypatch, scans, out) == ["done"]
        assert set(np.unique(read_volume(out / "p" / "p-labels.nrrd").array)) == {0, *teeth}
        assert run_here(monkeypatch, scans, out) == ["kept"]


def test_a_second_series_leaves_the_result_of_the_first_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    first, second = a_scan(), a_scan((6, 7, 9))
    write_dicom_series(scans / "p1", first, "1.2.3.6")
    slices = list((scans / "p1").iterdir())
    assert run_here(monkeypatch, scans, out) == ["done"]
    write_dicom_series(scans / "p1", second, "1.2.3.7")
    assert run_here(monkeypatch, scans, out) == ["kept", "done"]
    assert [(line["name"], line["series"]) for line in lines(out)] == [
        ("p1", "1.2.3.6"), ("p1__1.2.3.7", "1.2.3.7"),
    ]  # fmt: skip
    assert results(out) == ["p1", "p1__1.2.3.7"]
    # The scan of the first is found among the two.
    assert read_result(out / "p1").image.shape == read_volume(scans / "p1", series="1.2.3.6").shape
    assert run_here(monkeypatch, scans, out) == ["kept", "kept"]
    # Another scan under the same series is not that of the result; that result is not ranked.
    for path in slices:
        path.unlink()
    write_dicom_series(scans / "p1", first.with_array(first.array + 1), "1.2.3.6")
    assert run_here(monkeypatch, scans, out) == ["done", "kept"]
    assert results(out) == ["p1", "p1__1.2.3.6", "p1__1.2.3.7"]
    assert unlisted(out) == ["p1"]
    assert sorted(scan.name for scan in ranking(out).scans) == ["p1__1.2.3.6", "p1__1.2.3.7"]
    assert main(["rank", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "1 result is left out, not made or kept by the last batch: p1"
    assert len(told) == 1 + 2 + 1


def test_a_neighbour_of_the_same_name_leaves_a_result_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scan = write_scan(scans / "x__y" / "a.nrrd")
    assert run_here(monkeypatch, scans, out) == ["done"]
    labels = out / "x__y__a" / "a-labels.nrrd"
    volume = read_volume(labels)
    write_volume(labels, volume.with_array(np.roll(volume.array, 1, axis=0)))
    corrected = labels.read_bytes()
    # One of other bytes, and one of the same.
    write_scan(scans / "x" / "y" / "a.nrrd", (31, 41))
    shutil.copy(scan, scans / "x" / "y__a.nrrd")
    assert run_here(monkeypatch, scans, out) == ["done", "done", "kept"]
    names = [(line["source"], line["name"]) for line in lines(out)]
    assert names[2] == ("x__y/a.nrrd", "x__y__a")
    assert [name[:-8] for _, name in names[:2]] == ["x__y__a-", "x__y__a-"]
    assert labels.read_bytes() == corrected
    assert unlisted(out) == []
    assert run_here(monkeypatch, scans, out) == ["kept"] * 3


def test_a_name_that_another_scan_has_is_no_former_name(tmp_path: Path) -> None:
    write_dicom_series(tmp_path / "p1", a_scan(), "1.2.3.6")
    write_dicom_series(tmp_path / "p1", a_scan(), "1.2.3.7")

    def formers() -> list[str | None]:
        return [scan.former_name for scan in find_scans(tmp_path, tmp_path / "out").scans]

    assert formers() == ["p1", "p1"]
    write_scan(tmp_path / "P1.nrrd")
    assert formers() == [None, None, None]
