"""Results that somebody has corrected in their place: `toothseg batch` never replaces them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import batch_fixture
from batch_fixture import run_here
from batch_stub import write_scan
from dataset_fixture import files_in
from ToothSegLib.batch.entry import Entry
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.record import RECORD_NAME, WHAT_TO_DO
from ToothSegLib.batch.run import BatchResult
from ToothSegLib.cli.batch import summary
from ToothSegLib.cli.main import main
from ToothSegLib.models import Bundle
from ToothSegLib.results.edited import edited_files
from ToothSegLib.volume_io import read_volume, write_volume

MOLAR = "stl/36_lower_left_first_molar.stl"


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of two scans, which lie in ``scans`` beside it."""
    write_scan(tmp_path / "scans" / "a.nrrd", (11, 21))
    write_scan(tmp_path / "scans" / "b.nrrd", (31, 41))
    assert run_here(monkeypatch, tmp_path / "scans", tmp_path / "out") == ["done"] * 2
    return tmp_path / "out"


def again(monkeypatch: pytest.MonkeyPatch, out: Path, **wishes: bool) -> list[str]:
    return run_here(monkeypatch, out.parent / "scans", out, **wishes)


def line(out: Path, number: int) -> dict[str, Any]:
    """A line of the manifest."""
    return dict(json.loads((out / MANIFEST_NAME).read_text().splitlines()[number]))


def correct(out: Path) -> dict[str, bytes]:
    """What Slicer's Save does; the files of the result then."""
    path = out / "a" / "a.seg.nrrd"
    volume = read_volume(path)
    write_volume(path, volume.with_array(np.roll(volume.array, 1, axis=0)))
    return files_in(out / "a")


def newer(path: Path) -> None:
    """Of a time after its record, as whatever is saved later is."""
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))


def make_old(folder: Path) -> None:
    """Make a record one of an older version, which has no checksums."""
    record = json.loads((folder / RECORD_NAME).read_text())
    del record["checksums"]
    (folder / RECORD_NAME).write_text(json.dumps(record))


@pytest.mark.parametrize("old", [False, True])
def test_a_correction_is_kept_and_told(
    out: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    if old:
        make_old(out / "a")
    before = correct(out)
    assert again(monkeypatch, out) == ["kept", "kept"]
    assert files_in(out / "a") == before
    told = line(out, 0)
    assert told["error"] == f"edited by hand since (a.seg.nrrd), and kept as it is: {WHAT_TO_DO}"
    assert (told["name"], told["code"], told["teeth"]) == ("a", 0, [11, 21])
    assert line(out, 1)["error"] is None


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_correction_whose_report_is_gone_fails_alone_and_is_ranked_no_more(
    out: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], cut_off: bool
) -> None:
    correct(out)
    report = out / "a" / "a-report.json"
    if cut_off:
        report.write_bytes(report.read_bytes()[:-10])
    else:
        report.unlink()
    before = files_in(out / "a")
    # Before the next batch, too, the others are ranked.
    assert main(["rank", str(out)]) == 0
    told = capfd.readouterr().out
    assert told.splitlines()[1].split()[1] == "b"
    assert f"1 result is left out, not whole: a ({'' if cut_off else 'a-report.json: No'}" in told
    assert again(monkeypatch, out) == ["failed", "kept"]
    assert files_in(out / "a") == before
    entry = line(out, 0)
    assert (entry["code"], entry["error"]) == (
        2,
        "its result was edited by hand (a.seg.nrrd), and a-report.json is missing or cut off: "
        + WHAT_TO_DO,
    )
    assert main(["rank", str(out)]) == 0
    told = capfd.readouterr().out
    assert told.splitlines()[1].split()[1] == "b"
    assert told.endswith("1 result is left out, not made or kept by the last batch: a\n")
    # What the error tells to do ends it.
    shutil.rmtree(out / "a")
    assert again(monkeypatch, out) == ["done", "kept"]


def of_other_weights(scans: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Bundle, "weights", {"stage1": "0" * 64})


def another_scan(scans: Path, patch: pytest.MonkeyPatch) -> None:
    write_scan(scans / "a.nrrd", (13, 14))
    write_scan(scans / "b.nrrd", (33, 34))


@pytest.mark.parametrize("change", [of_other_weights, another_scan])
@pytest.mark.parametrize("same_size", [False, True])
def test_a_correction_is_not_replaced_by_the_result_of_something_else(
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, pytest.MonkeyPatch], None],
    same_size: bool,
) -> None:
    before = correct(out)
    if same_size:
        # As large by chance, and with the time of the original.
        path = out / "a" / RECORD_NAME
        record = json.loads(path.read_text())
        record["files"]["a.seg.nrrd"] = len(before["a.seg.nrrd"])
        path.write_text(json.dumps(record))
        before[RECORD_NAME] = path.read_bytes()
    change(out.parent / "scans", monkeypatch)
    assert again(monkeypatch, out) == ["failed", "done"]
    assert files_in(out / "a") == before
    told = line(out, 0)
    assert (told["code"], told["error"]) == (
        2,
        f"its earlier result was edited by hand (a.seg.nrrd) and is not replaced: {WHAT_TO_DO}",
    )


@pytest.mark.parametrize("name", ["a.png", MOLAR])
def test_a_file_of_somebody_in_the_way_of_a_new_result_stays(
    out: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert again(monkeypatch, out, stl=True) == ["done", "done"]
    (out / "a" / name).write_bytes(b"mine")
    before = files_in(out / "a")
    assert again(monkeypatch, out, stl=True) == ["kept", "kept"]

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the networks were run in vain")

    shutil.rmtree(out.parent / "scans")
    write_scan(out.parent / "scans" / "a.nrrd", (13, 14))
    monkeypatch.setattr(batch_fixture, "segment", never)
    assert again(monkeypatch, out, stl=True, picture=True) == ["failed"]
    assert files_in(out / "a") == before
    told = line(out, 0)
    assert told["code"] == 2
    assert told["error"].startswith(
        f"{out / 'a' / name} is no file of its earlier result and is not replaced"
    )


def test_a_file_where_surfaces_should_go_is_told_beforehand(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the networks were run in vain")

    (out / "a" / "stl").write_bytes(b"mine")
    (out / "b" / "b.png").mkdir()
    monkeypatch.setattr(batch_fixture, "segment", never)
    assert again(monkeypatch, out, stl=True, picture=True) == ["failed", "failed"]
    assert f"{out / 'a' / 'stl'} is no folder, but surfaces are to go" in line(out, 0)["error"]
    assert f"{out / 'b' / 'b.png'} is a folder where a file should go" in line(out, 1)["error"]


def test_one_that_comes_while_the_networks_run_stays(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert again(monkeypatch, out, stl=True) == ["done", "done"]
    own, segment = out / "a" / MOLAR, batch_fixture.segment

    def meanwhile(*words: Any, **options: object) -> object:
        own.write_bytes(b"mine")
        return segment(*words, **options)

    write_scan(out.parent / "scans" / "a.nrrd", (13, 14))
    with monkeypatch.context() as patch:
        patch.setattr(batch_fixture, "segment", meanwhile)
        assert again(patch, out, stl=True) == ["failed", "kept"]
    assert own.read_bytes() == b"mine"
    assert str(own) in line(out, 0)["error"]
    own.unlink()
    assert again(monkeypatch, out, stl=True) == ["done", "kept"]
    # Those of its own are taken away where they are no longer asked for.
    assert again(monkeypatch, out) == ["done", "done"]
    assert not own.parent.exists()


def test_a_correction_of_the_same_size_is_noticed_by_its_time(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(out)
    path = out / "a" / RECORD_NAME
    record = json.loads(path.read_text())
    record["files"]["a.seg.nrrd"] = (out / "a" / "a.seg.nrrd").stat().st_size
    path.write_text(json.dumps(record))
    newer(out / "a" / "a.seg.nrrd")
    newer(out / "b" / "b.seg.nrrd")  # a copy, say, with the same bytes
    assert again(monkeypatch, out) == ["kept", "kept"]
    assert line(out, 0)["error"].startswith("edited by hand since (a.seg.nrrd)")
    assert line(out, 1)["error"] is None


@pytest.mark.parametrize("name", ["a.seg.nrrd", "a-labels.nrrd", "a-report.json"])
@pytest.mark.parametrize("left", [0, 40, -1])
def test_what_is_cut_off_is_made_anew(
    out: Path, monkeypatch: pytest.MonkeyPatch, name: str, left: int
) -> None:
    path = out / "a" / name
    whole = path.read_bytes()
    path.write_bytes(whole[: left if left >= 0 else -10])
    assert again(monkeypatch, out) == ["done", "kept"]
    assert len(path.read_bytes()) > 100
    assert line(out, 0)["error"] is None


BINARY_STL = b"edited".ljust(80) + (2).to_bytes(4, "little") + bytes(100)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50) + b"IEND\xaeB`\x82"
HEAD = b"NRRD0004\ntype: uchar\ndimension: 4\nsizes: 2 3 3 3\nencoding: "
LAYERS = HEAD + b"gzip\n\n" + gzip.compress(bytes(20)) + gzip.compress(bytes(34))


@pytest.mark.parametrize(
    ("name", "whole", "cut"),
    [
        ("stl/11.stl", BINARY_STL, BINARY_STL[:-1]),
        ("stl/11.stl", b"solid a\nfacet\nendsolid a\n", b"solid a\nfacet normal " + bytes(90)),
        ("a.png", PNG, PNG[:-3]),
        ("a.seg.nrrd", LAYERS, LAYERS[:-3]),
        ("a.seg.nrrd", HEAD + b"raw\n\n" + bytes(54), HEAD + b"raw\n\n"),
        ("a.seg.nrrd", HEAD + b"raw\n\n" + bytes(54), b"no image"),
        ("a-report.json", b'{"teeth": []}', b'{"teeth": ['),
    ],
    ids=["STL", "STL in words", "PNG", "layers", "raw voxels", "another file", "report"],
)
def test_which_files_are_whole(tmp_path: Path, name: str, whole: bytes, cut: bytes) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    record = {"files": {name: 1, "absent.png": 1}}
    path.write_bytes(whole)
    assert edited_files(tmp_path, record, 0, all_of_them=True) == [name]
    path.write_bytes(cut)
    assert edited_files(tmp_path, record, 0, all_of_them=True) == []


def test_the_summary_counts_what_was_edited() -> None:
    entries = [Entry("a", "a", status="kept", error="edited", teeth=(11,)), Entry("b", "b")]
    text = summary(BatchResult(entries, Path("out/manifest.jsonl")))
    assert "1 was edited by hand and kept; what to do is in the manifest" in text


def test_the_summary_can_not_command_the_terminal() -> None:
    entries = [Entry("a", "a\x1b[31m\nb", status="failed", error="it is empty", code=2)]
    lines = summary(BatchResult(entries, Path("out/manifest.jsonl"))).splitlines()
    assert lines[2] == "  a\\x1b[31m b: it is empty"
