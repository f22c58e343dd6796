"""Nobody's work is replaced: only what an earlier run on the scan wrote, as it wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batch_stub import write_scan
from dataset_fixture import files_in
from stub_fixture import bright_voxels, put_cascade
from ToothSegLib.cli.main import main
from ToothSegLib.volume_io import read_volume, write_volume

INCISOR = "stl/11_upper_right_central_incisor.stl"


def segment(scan: Path, *words: str) -> int:
    """Into ``out`` beside the scan's folder, where a result may be already."""
    out = scan.parents[1] / "out"
    return main(["segment", str(scan), "-o", str(out), "--no-picture", "--quiet", *words])


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put_cascade(monkeypatch)
    return write_scan(tmp_path / "in" / "scan.nrrd")


def refused(scan: Path, patch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> str:
    """The line that a run is refused with, before the networks run; nothing is changed by it."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the networks were run in vain")

    before = files_in(scan.parents[1] / "out")
    put_cascade(patch, never)
    assert segment(scan) == 2
    put_cascade(patch)
    assert files_in(scan.parents[1] / "out") == before
    line = capfd.readouterr().err
    assert line.count("\n") == 1
    assert line.endswith("name another output folder, or give --overwrite to replace it\n")
    return line


@pytest.mark.parametrize("name", ["scan-labels.nrrd", "scan.seg.nrrd", "scan-report.json", INCISOR])
def test_files_of_others_stay(
    scan: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = scan.parents[1] / "out" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{}")
    line = refused(scan, monkeypatch, capfd)
    assert f"{path} was not written by an earlier run on this scan" in line
    assert segment(scan, "--overwrite") == 0
    assert path.read_bytes() != b"{}"
    assert segment(scan) == 0


@pytest.mark.parametrize("name", ["scan.seg.nrrd", "scan-labels.nrrd", "scan-report.json", INCISOR])
def test_corrections_stay(
    scan: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert segment(scan) == 0
    path = scan.parents[1] / "out" / name
    if name.endswith(".nrrd"):
        volume = read_volume(path)
        write_volume(path, volume.with_array(np.roll(volume.array, 1, axis=0)))
    elif name.endswith(".json"):
        path.write_text(path.read_text().replace("11", "12", 1))
    else:
        path.write_bytes(b"edited".ljust(84, b"\0"))  # no facets
    corrected = path.read_bytes()
    assert f"{path} was changed since it was written" in refused(scan, monkeypatch, capfd)
    assert path.read_bytes() == corrected
    assert segment(scan, "--overwrite") == 0
    assert path.read_bytes() != corrected


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
@pytest.mark.parametrize(
    ("name", "options"), [("scan.png", ()), ("scan-slices.png", ("--slices",)), ("stl", ())]
)
def test_what_can_not_be_replaced_is_told_beforehand(
    scan: Path,
    name: str,
    options: tuple[str, ...],
    more: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the networks were run in vain")

    put_cascade(monkeypatch, never)
    path = scan.parents[1] / "out" / name
    if name == "stl":
        path.parent.mkdir()
        path.write_text("a file")
    else:
        path.mkdir(parents=True)
    words = ["segment", str(scan), "-o", str(path.parent), *options, *more]
    assert main(words) == 2
    line = capfd.readouterr().err
    assert line.startswith(f"toothseg: error: {path} is ")
    assert "move it elsewhere" in line
    assert line.count("\n") == 1
    # Where it is not in the way it may stay.
    put_cascade(monkeypatch)
    assert main([*words[:4], "--no-picture", "--no-stl", "--quiet"]) == 0
    assert path.exists()


def test_what_is_unchanged_or_cut_off_is_replaced(scan: Path) -> None:
    assert segment(scan) == 0
    out = scan.parents[1] / "out"
    path = out / "scan.seg.nrrd"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert segment(scan, "--no-stl") == 0
    assert read_volume(path).array.any()
    assert not (out / "stl").exists()


def test_a_report_of_an_older_version_can_not_tell_corrections(
    scan: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert segment(scan) == 0
    path = scan.parents[1] / "out" / "scan-report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    del report["checksums"], report["checksum"]
    path.write_text(json.dumps(report), encoding="utf-8")
    assert "scan-report.json is of an older version" in refused(scan, monkeypatch, capfd)


def test_a_correction_that_is_saved_during_the_run_stays(
    scan: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = scan.parents[1] / "out" / "scan.seg.nrrd"

    def meanwhile(volume, **_):
        path.parent.mkdir()
        path.write_bytes(b"drawn by hand")
        return bright_voxels(volume)

    put_cascade(monkeypatch, meanwhile)
    assert segment(scan) == 2
    assert "scan.seg.nrrd was not written by an earlier run" in capfd.readouterr().err
    assert [path.name for path in path.parent.iterdir()] == ["scan.seg.nrrd"]
    assert path.read_bytes() == b"drawn by hand"


def test_another_scan_of_the_same_name_stays(
    scan: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert segment(scan) == 0
    report = scan.parents[1] / "out" / "scan-report.json"
    provenance = json.loads(report.read_text(encoding="utf-8"))["provenance"]
    assert not [value for value in provenance.values() if str(scan.parent) in str(value)]
    other = write_scan(scan.parents[1] / "other" / "scan.nrrd", (31, 41))
    words = f"{report} is of another scan, which has the same name: name another output folder"
    assert words in refused(other, monkeypatch, capfd)
    # As many voxels with the same values, elsewhere.
    volume = read_volume(scan)
    write_volume(other, replace(volume, origin=(1.0, 2.0, 3.0)))
    assert words in refused(other, monkeypatch, capfd)
    # The same scan in another file.
    write_volume(other, volume, compression_level=0)
    assert other.read_bytes() != scan.read_bytes()
    assert segment(other) == 0
    write_scan(other, (31, 41))
    assert segment(other, "--overwrite") == 0
    assert segment(other) == 0
