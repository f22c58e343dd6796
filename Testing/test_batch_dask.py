"""A batch on a Dask cluster: the same results, whatever the workers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import batch_stub
from batch_stub import FAULT, SLOW, write_scan
from ToothSegLib.batch import run
from ToothSegLib.batch.entry import Entry, Options, Task
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.one_scan import segment_one
from ToothSegLib.cli.main import main
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.progress import ProgressCallback

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore")

QUICK = Options(stl=False, picture=False, device="cpu")


@pytest.fixture(autouse=True)
def _stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "segment_one", batch_stub.work)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers in threads of this process; a scheduler and the protocol as in a real one."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        protocol="tcp",
    ) as made:
        yield made


def test_a_cluster_gives_the_same_as_this_machine(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for index in range(5):
        write_scan(tmp_path / "scans" / f"s{index}.nrrd", (11 + index,))
    write_scan(tmp_path / "scans" / "fault.nrrd", what=FAULT)
    words = ["batch", str(tmp_path / "scans"), "--no-stl", "--no-picture", "--device", "cpu"]
    address = cluster.scheduler_address
    assert main([*words, "-o", str(tmp_path / "out"), "--dask", address]) == 1
    assert "5 of 6 scans are done" in capfd.readouterr().out
    assert main([*words, "-o", str(tmp_path / "here"), "--jobs", "1"]) == 1
    lines = [_manifest(tmp_path / name) for name in ("out", "here")]
    assert [line["teeth"] for line in lines[0]] == [None, [11], [12], [13], [14], [15]]
    assert lines[0] == lines[1]
    assert main([*words, "-o", str(tmp_path / "out"), "--dask", address]) == 1
    assert "5 of them by an earlier run" in capfd.readouterr().out


def _manifest(out: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (out / MANIFEST_NAME).read_text().splitlines())
    return [{**line, "seconds": None} for line in lines]


def test_what_is_cancelled_is_never_written(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tmp_path / "scans" / "slow.nrrd", what=SLOW)
    out = tmp_path / "out"
    over, given_up = threading.Event(), threading.Event()
    monkeypatch.setattr(batch_stub, "time", SimpleNamespace(sleep=lambda _: over.wait(100)))

    def watched(task: Task, progress: ProgressCallback | None) -> Entry:
        try:
            return segment_one(task, progress)
        except Cancelled:
            given_up.set()
            raise

    monkeypatch.setattr(batch_stub, "segment_one", watched)

    def at_work() -> bool:
        return any(out.glob(".toothseg-batch-*/tmp*"))

    address = cluster.scheduler_address
    with pytest.raises(Cancelled):
        run.run_batch(tmp_path / "scans", out, QUICK, dask=address, cancelled=at_work)
    over.set()
    assert given_up.wait(60)
    assert [path.name for path in out.iterdir() if path.name[0] != "."] == [MANIFEST_NAME]
    assert not list(out.glob(".toothseg-batch-*"))


def sees_no_folder(task: Task, progress: ProgressCallback | None = None) -> Entry:
    """As on a worker where the output folder lies elsewhere."""
    return segment_one(replace(task, run=f"{task.run}-elsewhere"), progress)


def test_a_worker_that_does_not_see_the_output_folder_is_told(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tmp_path / "scans" / "a.nrrd")
    monkeypatch.setattr(run, "segment_one", sees_no_folder)
    out = tmp_path / "out"
    run.run_batch(tmp_path / "scans", out, QUICK, dask=cluster.scheduler_address)
    (line,) = _manifest(out)
    assert (line["status"], line["code"]) == ("failed", 2)
    assert line["error"].startswith(f"the Dask worker does not see {out} under the same path")


def test_no_scheduler_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ToothSegLib.batch.cluster._CONNECT_S", 0.5)
    write_scan(tmp_path / "scans" / "a.nrrd")
    with pytest.raises(InputError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        run.run_batch(tmp_path / "scans", tmp_path / "out", QUICK, dask="tcp://127.0.0.1:9")
