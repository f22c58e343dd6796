"""Results that are made anew by `toothseg batch`: until all is there the earlier one stays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import batch_fixture
from batch_fixture import run_here
from batch_stub import write_scan
from dataset_fixture import files_in
from stub_fixture import put_cascade
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.record import RECORD_NAME, WHAT_TO_DO
from ToothSegLib.cli.main import main
from ToothSegLib.errors import Cancelled
from ToothSegLib.volume_io import read_volume, write_volume

ROOT = Path(__file__).parents[1]


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The result of a scan, which lies in ``scans`` beside it."""
    write_scan(tmp_path / "scans" / "a.nrrd")
    assert again(monkeypatch, tmp_path / "out") == ["done"]
    return tmp_path / "out"


def again(monkeypatch: pytest.MonkeyPatch, out: Path) -> list[str]:
    return run_here(monkeypatch, out.parent / "scans", out)


def told(out: Path) -> str:
    """Why the scan failed or was kept."""
    line: dict[str, Any] = json.loads((out / MANIFEST_NAME).read_text())
    return str(line["error"])


def correct(out: Path) -> dict[str, bytes]:
    """Correct the labels; the files of the result then."""
    path = out / "a" / "a-labels.nrrd"
    volume = read_volume(path)
    write_volume(path, volume.with_array(np.roll(volume.array, 1, axis=0)))
    return files_in(out / "a")


def test_a_scan_that_cannot_be_read_for_a_while_costs_no_correction(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = out.parent / "scans" / "a.nrrd"
    whole, before = scan.read_bytes(), files_in(out / "a")
    scan.write_bytes(whole[:-20])  # as while it is being copied
    assert again(monkeypatch, out) == ["failed"]
    assert files_in(out / "a") == before
    corrected = correct(out)
    scan.write_bytes(whole)
    assert again(monkeypatch, out) == ["kept"]
    assert files_in(out / "a") == corrected


def test_a_run_that_is_cancelled_costs_no_correction(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(out.parent / "scans" / "a.nrrd", (31, 41))
    before = files_in(out / "a")

    def cancelled(*_: object, **__: object) -> None:
        raise Cancelled("cancelled")

    with monkeypatch.context() as patch:
        patch.setattr(batch_fixture, "segment", cancelled)
        with pytest.raises(Cancelled):
            again(patch, out)
    assert files_in(out / "a") == before
    corrected = correct(out)
    assert again(monkeypatch, out) == ["failed"]
    assert "edited by hand (a-labels.nrrd)" in told(out)
    assert files_in(out / "a") == corrected


def test_a_correction_that_is_saved_during_the_run_stays(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(out.parent / "scans" / "a.nrrd", (31, 41))
    segment, corrected = batch_fixture.segment, {}

    def meanwhile(*words: Any, **options: object) -> object:
        corrected.update(correct(out))
        return segment(*words, **options)

    monkeypatch.setattr(batch_fixture, "segment", meanwhile)
    assert again(monkeypatch, out) == ["failed"]
    assert "edited by hand (a-labels.nrrd)" in told(out)
    assert files_in(out / "a") == corrected


def test_results_without_a_record_are_told_by_their_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, scan = tmp_path / "out", write_scan(tmp_path / "scans" / "a.nrrd")
    with monkeypatch.context() as patch:
        put_cascade(patch)
        options = ["--no-stl", "--no-picture", "--quiet"]
        assert main(["segment", str(scan), "-o", str(out / "a"), *options]) == 0
    shutil.copytree(out, tmp_path / "other")
    corrected = correct(out)
    assert again(monkeypatch, out) == ["failed"]
    assert files_in(out / "a") == corrected
    words = "a-labels.nrrd was changed since it was written, as by a correction"
    assert told(out).endswith(f"{words}: {WHAT_TO_DO}")
    assert again(monkeypatch, tmp_path / "other") == ["done"]


# Forks a child for every output folder, which ends, as if killed, before one of its moves.
KILLER = """
import os, sys
from pathlib import Path
import pytest
sys.path.insert(0, "Testing")
from batch_fixture import run_here
really = os.replace
for number, out in enumerate(sys.argv[2:]):
    if os.fork() == 0:
        left = [number]
        def replace(source, target):
            if f"{os.sep}a{os.sep}" in str(target) and ".part" not in str(source):
                if left[0] == 0:
                    os._exit(9)
                left[0] -= 1
            really(source, target)
        os.replace = replace
        run_here(pytest.MonkeyPatch(), Path(sys.argv[1]), Path(out))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 9
"""


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_killed_between_any_two_moves_the_next_batch_finds_it_whole(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(out.parent / "scans" / "a.nrrd", (31, 41))
    copies = [out.parent / f"out{number}" for number in range(8)]
    for copy in copies:
        shutil.copytree(out, copy)
    words = [sys.executable, "-c", KILLER, out.parent / "scans", *copies]
    subprocess.run([str(word) for word in words], cwd=ROOT, check=True)
    for copy in copies:
        assert list((copy / "a").glob(".toothseg-*"))
        assert again(monkeypatch, copy) == ["kept"]
        teeth = np.unique(read_volume(copy / "a" / "a-labels.nrrd").array).tolist()
        assert teeth == [0, 31, 41]
        assert sorted(files_in(copy / "a")) == [
            "a-labels.nrrd", "a-report.json", "a.seg.nrrd", RECORD_NAME,
        ]  # fmt: skip
