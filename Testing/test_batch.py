"""`toothseg batch` from its options to its files, with a cascade that costs nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import batch_stub
from batch_stub import EXIT, FAULT, KILLED, write_scan
from ToothSegLib.batch import one_scan, pool, run
from ToothSegLib.batch.entry import Entry, Options, Scan, Task
from ToothSegLib.batch.folder import LOCK_NAME, working_folder
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.batch.run import BatchResult
from ToothSegLib.cli import batch
from ToothSegLib.cli.main import main
from ToothSegLib.compute.device_faults import give_up
from ToothSegLib.dataset.voxels import source_of
from ToothSegLib.errors import OutputError
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.progress import ProgressCallback
from ToothSegLib.teeth import ALL_FDI_NUMBERS
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

QUICK = ("--no-stl", "--no-picture", "--device", "cpu", "--jobs", "2")


@pytest.fixture(autouse=True)
def _stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "segment_one", batch_stub.work)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what has to do with files alone: no processes, which take seconds to start."""

    def work_here(tasks, jobs, threads, tell, cancelled, work):  # type: ignore[no-untyped-def]
        yield from (work(task, lambda fraction, stage: None) for task in tasks)

    monkeypatch.setattr(run.pool, "work_here", work_here)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two scans of the same name, and one label map."""
    folder = tmp_path / "scans"
    write_scan(folder / "one" / "scan.nrrd", (11, 21))
    write_scan(folder / "two" / "scan.nrrd", (31,))
    write_scan(folder / "two" / "scan-labels.nrrd", (31,))
    return folder


def toothseg_batch(scans: Path, *more: str) -> int:
    return main(["batch", str(scans), "-o", str(scans.parent / "out"), *QUICK, *more])


def manifest(scans: Path) -> dict[str, dict[str, Any]]:
    """The lines by their source."""
    lines = (scans.parent / "out" / MANIFEST_NAME).read_text(encoding="utf-8").splitlines()
    return {line["source"]: line for line in map(json.loads, lines)}


def test_every_scan_has_its_folder_and_its_line(
    scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert toothseg_batch(scans) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.startswith("2 of 2 scans are done\n3 teeth in all; 1 with an urgent finding")
    assert "1 left out" in out
    results = scans.parent / "out"
    assert sorted(path.name for path in results.iterdir()) == [
        LOCK_NAME, MANIFEST_NAME, "one__scan", "two__scan",
    ]  # fmt: skip
    assert sorted(path.name for path in (results / "two__scan").iterdir()) == [
        "scan-labels.nrrd", "scan-report.json", "scan.seg.nrrd", RECORD_NAME,
    ]  # fmt: skip
    labels = read_volume(results / "one__scan" / "scan-labels.nrrd").array
    assert set(np.unique(labels)) == {0, 11, 21}
    # A data set knows the scan by this.
    record = json.loads((results / "one__scan" / RECORD_NAME).read_text())
    scan = read_volume(scans / "one" / "scan.nrrd")
    assert record["voxels_sha256"] == source_of(scan).voxels_sha256
    lines = manifest(scans)
    assert list(lines) == ["one/scan.nrrd", "two/scan.nrrd", "two/scan-labels.nrrd"]
    two = lines["two/scan.nrrd"]
    assert (two["status"], two["teeth"], two["code"]) == ("done", [31], 0)
    assert two["findings"] == {"high": 1, "medium": 0, "low": 0}
    assert len(two["sha256"]) == 64
    assert lines["two/scan-labels.nrrd"]["status"] == "left out"


@pytest.mark.usefixtures("in_process")
def test_what_is_done_is_kept_until_something_that_it_was_made_of_changes(
    scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    toothseg_batch(scans)
    results = scans.parent / "out"
    record = results / "one__scan" / RECORD_NAME
    before = record.stat().st_mtime_ns
    write_scan(scans / "two" / "scan.nrrd", (41, 42))  # another scan of this name
    note = results / "two__scan" / "my notes.txt"
    note.write_text("of a reader")
    capfd.readouterr()
    assert toothseg_batch(scans) == 0
    assert "2 of 2 scans are done, 1 of them by an earlier run" in capfd.readouterr().out
    assert record.stat().st_mtime_ns == before
    lines = manifest(scans)
    assert [lines[f"{n}/scan.nrrd"]["status"] for n in ("one", "two")] == ["kept", "done"]
    assert lines["one/scan.nrrd"]["teeth"] == [11, 21]
    assert lines["two/scan.nrrd"]["teeth"] == [41, 42]
    assert note.read_text() == "of a reader"
    # A file that is gone or cut, and other wishes, make a result incomplete too.
    (results / "one__scan" / "scan-report.json").unlink()
    (results / "two__scan" / "scan-labels.nrrd").write_bytes(b"cut")
    assert toothseg_batch(scans) == 0
    assert {line["status"] for line in manifest(scans).values()} == {"done", "left out"}
    assert toothseg_batch(scans, "--slices") == 0
    assert manifest(scans)["one/scan.nrrd"]["status"] == "done"


@pytest.mark.usefixtures("in_process")
def test_other_weights_are_another_result(scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(scans / "two")
    toothseg_batch(scans)

    class Other(Bundle):
        weights = {"stage1": "0" * 64}

    monkeypatch.setattr(run, "load_bundle", lambda model: Other(**vars(load_bundle(model))))
    # The worker has the true weights, and says that it was asked for others.
    assert toothseg_batch(scans) == 2
    assert "are not those of the batch" in manifest(scans)["one/scan.nrrd"]["error"]


@pytest.mark.usefixtures("in_process")
def test_teeth_seen_larger_are_another_result(scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(scans / "two")
    toothseg_batch(scans)

    def larger(model: str | None) -> Bundle:
        bundle = load_bundle(model)
        return replace(bundle, card={**bundle.card, "magnification": 1.4})

    monkeypatch.setattr(run, "load_bundle", larger)
    monkeypatch.setattr(one_scan, "load_bundle", larger)
    assert toothseg_batch(scans) == 0
    assert manifest(scans)["one/scan.nrrd"]["status"] == "done"
    assert toothseg_batch(scans) == 0
    assert manifest(scans)["one/scan.nrrd"]["status"] == "kept"
    monkeypatch.setattr(one_scan, "load_bundle", load_bundle)
    shutil.rmtree(scans.parent / "out")
    assert toothseg_batch(scans) == 2
    assert "are not those of the batch" in manifest(scans)["one/scan.nrrd"]["error"]


def test_what_fails_does_not_stop_the_rest(
    scans: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pool, "may_be_graphics", lambda device: asked.append(device) or True)
    (scans / "bad.nrrd").write_bytes(b"no image")
    write_scan(scans / "killed.nrrd", what=KILLED)
    assert toothseg_batch(scans) == 2
    write_scan(scans / "exit.nrrd", what=EXIT)
    write_scan(scans / "fault.nrrd", what=FAULT)
    capfd.readouterr()
    assert toothseg_batch(scans) == 1
    out, err = capfd.readouterr()
    assert err == ""
    assert "2 of 6 scans are done" in out
    assert "4 failed; the same command tries them again" in out
    lines = manifest(scans)
    for name, words, code in (
        ("bad", "no NRRD file", 2),
        ("killed", "fewer --jobs", 2),
        ("exit", "broke off with code 7; if a graphics device is to blame, run the batch", 1),
        ("fault", "ZeroDivisionError: a fault in two lines", 1),
    ):
        line = lines[f"{name}.nrrd"]
        assert (line["status"], line["code"]) == ("failed", code)
        assert words in line["error"]
        assert "\n" not in line["error"]
        assert not (scans.parent / "out" / name).exists()
    assert asked == ["cpu"]


def work_that_loses_the_device(task: Task, progress: ProgressCallback | None = None) -> Entry:
    """An entry whose code is the process; odd scans lose the device."""
    if task.scan.name in ("s1", "s3"):
        give_up("cuda")
    return Entry.of(task.scan, "done", code=os.getpid())


def test_a_process_that_has_lost_its_device_is_replaced() -> None:
    scans = [Scan(f"s{n}", f"s{n}.nrrd", f"s{n}.nrrd", None, ()) for n in range(4)]
    tasks = [Task(scan, "", "", Options(), {}) for scan in scans]
    told = pool.work_here(tasks, 1, 1, lambda *_: None, lambda: False, work_that_loses_the_device)
    entries = list(told)
    assert [entry.name for entry in entries] == ["s0", "s1", "s2", "s3"]
    assert {entry.status for entry in entries} == {"done"}
    first, second, third, fourth = (entry.code for entry in entries)
    assert first == second != third == fourth


@pytest.mark.usefixtures("in_process")
def test_a_label_map_by_another_name_is_left_out(scans: Path) -> None:
    shutil.rmtree(scans / "one")
    done = scans / "two" / "scan-labels.nrrd"
    toothseg_batch(scans)
    shutil.copy(scans.parent / "out" / "two__scan" / "scan-labels.nrrd", scans / "truth.nrrd")
    done.unlink()
    assert toothseg_batch(scans) == 0
    line = manifest(scans)["truth.nrrd"]
    assert (line["status"], line["error"]) == ("left out", "it holds a label map, not grey values")


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int16", (0, 255)), ("int16", (0, 1000)), ("int16", (-1000, 1000)), ("float32", (0, 0.5)),
        ("float32", (0, 11, 21)), ("float64", (0, 11, 21)), ("int32", (0, *ALL_FDI_NUMBERS)),
    ],
)  # fmt: skip
def test_masks_and_label_maps_of_any_type_are_left_out(
    scans: Path, dtype: str, values: tuple[float, ...]
) -> None:
    array = np.zeros((4, 5, 6), dtype)
    array[1:3].flat[: len(values)] = values
    array[array == 0] = values[0]
    write_volume(scans / "truth.nrrd", Volume(array, (0.5, 0.5, 0.5)))
    assert toothseg_batch(scans) == 0
    line = manifest(scans)["truth.nrrd"]
    assert (line["status"], line["error"]) == ("left out", "it holds a label map, not grey values")


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("values", [range(34), (0, 11, 21, 1000), (-1000, 0, 1000), (0, 11.5, 21)])
def test_few_grey_values_are_a_scan(scans: Path, values: Sequence[float]) -> None:
    array = np.zeros((4, 5, 6), np.float32)
    array[2:].flat[: len(values)] = values
    write_volume(scans / "scan.nrrd", Volume(array, (0.5, 0.5, 0.5)))
    assert toothseg_batch(scans) == 0
    assert manifest(scans)["scan.nrrd"]["status"] == "done"


def test_two_batches_into_one_folder_are_refused(
    scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = scans.parent / "out"
    with working_folder(out) as stage:
        assert toothseg_batch(scans) == 2
        err = capfd.readouterr().err
        assert err.count("\n") == 1
        assert f"in use by process {os.getpid()} on " in err
        assert stage.is_dir()
    assert not stage.exists()
    with working_folder(out):  # the lock went with its holder
        pass


def test_what_a_killed_batch_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".toothseg-batch-old" / "stage").mkdir(parents=True)
    with working_folder(tmp_path) as stage:
        assert [path.name for path in tmp_path.glob(".toothseg-batch-*")] == [stage.name]


@pytest.mark.usefixtures("in_process")
def test_no_folder_on_the_way_to_a_result_is_for_its_maker_alone(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows nobody else could read what is made in it, wherever that is moved to."""
    really, modes = os.mkdir, {}

    def note(path: Any, mode: int = 0o777, **options: Any) -> None:
        modes[str(path)] = mode
        really(path, mode, **options)

    monkeypatch.setattr(os, "mkdir", note)
    assert toothseg_batch(scans) == 0
    for name in (".toothseg-batch-", f"{os.sep}tmp", ".toothseg-"):  # of a batch, a scan, its files
        assert any(name in path for path in modes), name
    assert set(modes.values()) == {0o777}


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("absent", "there is no folder"),
        (
            "one/scan.nrrd",
            "is a file: name the folder that holds the scans, or use toothseg s",
        ),
        ("", "lie in the output folder"),
        ("empty", "no scans in"),
    ],
)
def test_no_scans_is_an_error(
    scans: Path, where: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (scans / "empty").mkdir()
    folder, out = (scans / where, "out") if where else (scans, ".")
    assert main(["batch", str(folder), "-o", str(scans.parent / out), *QUICK]) == 2
    err = capfd.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert not (scans.parent / "out").exists()


def test_an_output_folder_that_cannot_be_is_an_error(scans: Path) -> None:
    with pytest.raises(OutputError, match="is a file"), working_folder(scans / "one" / "scan.nrrd"):
        pass


@pytest.mark.usefixtures("in_process")
def test_quiet_says_nothing(scans: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert toothseg_batch(scans, "--quiet") == 0
    assert capfd.readouterr() == ("", "")


def test_the_summary_of_many_failures_stays_on_one_screen() -> None:
    entries = [Entry(f"s{n}", f"s{n}", status="failed", error="no", code=2) for n in range(99)]
    text = batch.summary(BatchResult(entries, Path("out/manifest.jsonl")))
    assert len(text.splitlines()) < 24
    assert "and 91 more" in text


def test_jobs_fit_the_memory_and_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, cores, jobs in ((64.0, 16, 8), (10.0, 16, 3), (1.0, 16, 1), (64.0, 1, 1)):
        monkeypatch.setattr(run, "free_memory_gib", lambda free=free: free)
        monkeypatch.setattr(run, "cores", lambda cores=cores: cores)
        assert run.default_jobs("cpu") == jobs
    monkeypatch.setattr(run, "free_memory_gib", lambda: None)
    assert run.default_jobs("cpu") == 1


def test_progress_counts_scans_and_names_the_one_in_work() -> None:
    seen: list[tuple[float, str]] = []
    told = run._Told(4, lambda fraction, words: seen.append((fraction, words)))
    task = Namespace(scan=Namespace(name="scan7"))
    told.tell(task, 0.5, "marking teeth")  # type: ignore[arg-type]
    told.done(Entry("scan7", "scan7.nrrd", status="done"))
    assert seen == [(0.125, "0 of 4 done, scan7: marking teeth"), (0.25, "1 of 4 done")]


def test_without_dask_the_option_says_what_to_install(
    scans: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    out = str(scans.parent / "out")
    assert main(["batch", str(scans), "-o", out, "--dask", "tcp://localhost:1"]) == 2
    assert "pip install '.[dask]'" in capfd.readouterr().err
    assert not (scans.parent / "out").exists()


def no_rights(*_: object, **__: object) -> None:
    """As some shares answer that are mounted from elsewhere."""
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


@pytest.mark.usefixtures("in_process")
def test_a_share_that_knows_no_rights_is_written_to(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "chmod", no_rights)
    assert toothseg_batch(scans) == 0
    out = scans.parent / "out"
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
        "one__scan",
        "two__scan",
    ]


def test_no_hidden_folder_stays_of_a_batch_that_cannot_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "touch", no_rights)
    with pytest.raises(OutputError, match="not supported"), working_folder(tmp_path):
        pytest.fail("the block must not run")
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
