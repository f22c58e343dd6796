"""Scans with names that are long, or of bytes that are no UTF-8, as on an old stick."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from batch_stub import write_scan
from stub_fixture import put_cascade
from ToothSegLib.cli.main import main
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.disk.file_names import output_stem
from ToothSegLib.file_endings import READABLE
from ToothSegLib.report import is_as_written
from ToothSegLib.volume_io import read_volume, write_volume


def segment(scan: Path, *words: str) -> int:
    """Into ``out`` beside the scan's folder."""
    out = scan.parents[1] / "out"
    return main(["segment", str(scan), "-o", str(out), "--quiet", *words])


def test_a_name_in_latin_1_gives_files_and_a_report_in_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_cascade(monkeypatch)
    plain = write_scan(tmp_path / "in" / "scan.nrrd")
    scan = plain.with_name(os.fsdecode(b"caf\xe9.nrrd"))
    try:
        plain.rename(scan)
    except OSError:
        pytest.skip("this disk takes no such names")
    assert segment(scan, "--no-picture") == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "caf_xe9-labels.nrrd", "caf_xe9-report.json", "caf_xe9.seg.nrrd", "stl",
    ]  # fmt: skip
    report = json.loads((out / "caf_xe9-report.json").read_text(encoding="utf-8"))
    assert is_as_written(report)
    assert report["provenance"]["source"] == "caf_xe9.nrrd"
    assert segment(scan, "--no-picture") == 0
    labels = out / "caf_xe9-labels.nrrd"
    volume = read_volume(labels)
    write_volume(labels, volume.with_array(np.roll(volume.array, 1, axis=0)))
    assert segment(scan, "--no-picture") == 2
    assert "caf_xe9-labels.nrrd was changed since" in capfd.readouterr().err


def test_names_of_as_many_bytes_as_a_disk_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_cascade(monkeypatch)
    longest = "\xe9" * 100 + "x" * 43  # 243 bytes
    scan = write_scan(tmp_path / "in" / f"{longest}.nrrd")
    assert segment(scan, "--slices") == 0
    assert (tmp_path / "out" / f"{longest}-labels.nrrd").is_file()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the networks were run in vain")

    put_cascade(monkeypatch, never)
    scan = scan.rename(scan.with_name(f"{longest}x.nrrd"))
    assert segment(scan, "--overwrite") == 2
    line = capfd.readouterr().err
    assert line.count("\n") == 1
    assert "has 244 bytes without its ending, too many for the names of the results" in line


def test_a_file_of_the_longest_name_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    for content in (b"a", b"b"):
        with replacing(path) as file:
            file.write(content)
    assert path.read_bytes() == b"b"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["J\xfcrgen 1", "a\\b", "scan"])
def test_names_in_utf_8_stay(name: str) -> None:
    assert output_stem(f"{name}.nrrd").endswith(name.rpartition(os.sep)[2])


@pytest.mark.parametrize("ending", READABLE)
def test_the_ending_of_a_format_goes(ending: str) -> None:
    assert output_stem(f"a.b{ending}") == output_stem(f"a.b{ending.upper()}") == "a.b"
    assert output_stem(ending) == ending


@pytest.mark.parametrize("name", ["1.2.840.113619.2.5.1", "Scan 3.5mm", "IM0001", "a.b"])
def test_a_dot_in_a_name_is_no_ending(name: str) -> None:
    assert output_stem(name) == name


def test_names_cannot_command_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_cascade(monkeypatch)
    scan = write_scan(tmp_path / "in" / "a\x1b[31m.nrrd")
    out = tmp_path / "out"
    assert main(["segment", str(scan), "-o", str(out), "--no-picture", "--no-stl"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert f"{out}/a\\x1b[31m-labels.nrrd" in lines
    assert all(line.isprintable() for line in lines)


def test_quiet_is_quiet_about_a_scan_without_a_space(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    put_cascade(monkeypatch)
    scan = write_scan(tmp_path / "in" / "scan.nrrd")
    spaceless = scan.read_bytes().replace(b"space: left-posterior-superior", b"space dimension: 3")
    scan.write_bytes(spaceless)
    assert read_volume(scan).doubts
    assert segment(scan, "--no-picture", "--no-stl") == 0
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""  # a warning would come to the terminal past --quiet
