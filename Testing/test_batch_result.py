"""A result of a batch, read back with its scan."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from batch_fixture import make_batch, run_here
from batch_stub import write_scan
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.batch.result import read_result
from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume, write_volume


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of three scans; these lie in ``scans`` beside it."""
    return make_batch(monkeypatch, tmp_path)


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_result(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_result_comes_back_with_its_scan(out: Path) -> None:
    result = read_result(out / "unsure")
    scan = read_volume(out.parent / "scans" / "unsure.nrrd")
    np.testing.assert_array_equal(result.image.array, scan.array)
    assert result.image.same_grid(scan)
    assert result.name == "unsure"
    assert [tooth.fdi for tooth in result.segmentation.teeth] == [11, 16]
    assert result.segmentation.findings[0].code == "number-unsure"
    assert set(np.unique(result.segmentation.labels.array)) == {0, 11, 16}


def test_scans_and_results_that_are_moved_together_are_found(out: Path, tmp_path: Path) -> None:
    there = tmp_path / "share"
    there.mkdir()
    shutil.move(out, there / "out")
    shutil.move(tmp_path / "scans", there / "scans")
    assert read_result(there / "out" / "sure").name == "sure"
    shutil.move(there / "out", tmp_path / "elsewhere" / "out")
    assert str(tmp_path / "scans" / "sure.nrrd") in refused(tmp_path / "elsewhere" / "out" / "sure")


def test_a_scan_that_has_moved_is_found_after_the_batch_has_seen_it(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(tmp_path / "scans", tmp_path / "archive")
    text = refused(out / "sure")
    assert text.startswith(f"the scan of sure is no longer at {tmp_path / 'scans' / 'sure.nrrd'}")
    assert run_here(monkeypatch, tmp_path / "archive", out) == ["kept"] * 3
    assert read_result(out / "sure").name == "sure"


def test_another_scan_in_its_place_is_noticed(out: Path, tmp_path: Path) -> None:
    write_scan(tmp_path / "scans" / "sure.nrrd", (21, 11))
    assert "it has changed since" in refused(out / "sure")


def test_a_damaged_result_is_refused(out: Path) -> None:
    folder = out / "sure"
    record = json.loads((folder / RECORD_NAME).read_text())
    labels = folder / "sure-labels.nrrd"
    (out / "unsure" / "unsure-report.json").write_text("{}")
    assert "unsure-report.json is not" in refused(out / "unsure")
    # Of the right size by its record, but not what the report tells of.
    volume = read_volume(labels)
    write_volume(labels, volume.with_array(np.where(volume.array == 21, 11, volume.array)))
    record["files"][labels.name] = labels.stat().st_size
    (folder / RECORD_NAME).write_text(json.dumps(record))
    assert "report and labels differ in [21]" in refused(folder)
    labels.write_bytes(labels.read_bytes()[:-20])
    assert f"sure-labels.nrrd is not {record['files'][labels.name]} bytes long" in refused(folder)
    (folder / RECORD_NAME).write_text('{"format": ')
    assert "holds no whole result" in refused(folder)
    (folder / RECORD_NAME).unlink()
    assert "holds no whole result" in refused(folder)


def test_a_result_that_was_edited_by_hand_is_refused_with_what_to_do(out: Path) -> None:
    labels = out / "sure" / "sure-labels.nrrd"
    volume = read_volume(labels)
    write_volume(labels, volume.with_array(np.where(volume.array == 21, 22, volume.array)))
    text = refused(out / "sure")
    assert "sure was edited by hand (sure-labels.nrrd)" in text
    assert "toothseg dataset add" in text


@pytest.mark.parametrize("key", ["scan", "voxels_sha256"])
def test_a_result_of_an_older_version_says_what_to_do(out: Path, key: str) -> None:
    path = out / "sure" / RECORD_NAME
    record = json.loads(path.read_text())
    del record[key]
    path.write_text(json.dumps(record))
    text = refused(out / "sure")
    assert "older version" in text
    assert "run toothseg batch again" in text
