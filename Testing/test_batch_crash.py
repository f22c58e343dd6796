"""Batches that end in the middle: whole results only, and the same command goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from batch_stub import PACED, SLOW, write_scan
from kill_fixture import Attempts, kills
from ToothSegLib.batch.folder import LOCK_NAME
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.volume_io import read_volume

HERE = Path(__file__).resolve().parent
KILLS = kills(5)
# So many that the last kill still comes in the middle.
SCANS = max(15, 3 * KILLS)
FILES = ["labels.nrrd", "report.json", "seg.nrrd"]

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def start(scans: Path, out: Path, jobs: int = 2) -> subprocess.Popen[str]:
    """`toothseg batch` with the stubbed cascade, in a process group of its own."""
    paths = os.pathsep.join(map(str, (HERE, HERE.parent)))
    return subprocess.Popen(
        [
            sys.executable,
            str(HERE / "batch_stub.py"),
            "batch",
            str(scans),
            "-o",
            str(out),
            "--no-stl",
            "--no-picture",
            "--device",
            "cpu",
            "--jobs",
            str(jobs),
        ],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def folders(out: Path) -> list[Path]:
    """Of the results, whole or not."""
    return sorted(path for path in out.glob("[!.]*") if path.is_dir())


def has_results(out: Path, least: int) -> bool:
    """Whether there are so many."""
    return out.is_dir() and len(folders(out)) >= least


def in_work(out: Path) -> bool:
    """Whether a scan's files are in the making."""
    return any(out.glob(".toothseg-batch-*/tmp*"))


def results(out: Path) -> dict[str, list[int]]:
    """The teeth in every result's labels; each result must be whole."""
    found = {}
    for folder in folders(out):
        files = sorted(path.name for path in folder.iterdir())
        name = folder.name
        assert files == [f"{name}-{FILES[0]}", f"{name}-{FILES[1]}", f"{name}.{FILES[2]}",
                         RECORD_NAME], files  # fmt: skip
        labels = read_volume(folder / files[0]).array
        teeth = (np.flatnonzero(np.bincount(labels.ravel())[1:]) + 1).tolist()
        report = json.loads((folder / files[1]).read_text())
        record = json.loads((folder / RECORD_NAME).read_text())
        assert [tooth["fdi"] for tooth in report["teeth"]] == teeth == record["entry"]["teeth"]
        found[name] = teeth
    return found


def manifest(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / MANIFEST_NAME).read_text().splitlines()]


def wait_until(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Wait for something that the process does."""
    while not ready():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def end(process: subprocess.Popen[str]) -> None:
    """Read what it said and let it go."""
    process.communicate()


def nothing_is_left_of(process: subprocess.Popen[str]) -> bool:
    """Whether all that it started ends; the system takes a moment to take note."""
    for _ in range(1200):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@needs_signals
@pytest.mark.timeout(900 if KILLS < 10 else 7200)
def test_kill_9_at_random_moments_leaves_whole_results_and_the_rest_is_done_later(
    tmp_path: Path,
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    truth = {f"s{n:03}": [11 + n % 7, 31 + n % 5] for n in range(SCANS)}
    for name, teeth in truth.items():
        # Paced, so that no machine is done with all of them before the kill comes.
        write_scan(scans / f"{name}.nrrd", tuple(teeth), what=PACED)
    moments = random.Random(20240229)
    done: dict[str, list[int]] = {}
    attempts = Attempts(KILLS, enough=2)
    for kill in attempts:
        if len(done) == SCANS:  # all done before the kill came: once more from the start
            out, done = tmp_path / f"out-{kill}", {}
        process = start(scans, out)
        # From the moment on that there is something new, or at once.
        least = len(done) + 1 if kill % 4 else 0
        wait_until(process, partial(has_results, out, least))
        time.sleep(moments.uniform(0.0, 0.3))
        if kill % 2:
            os.killpg(process.pid, signal.SIGKILL)  # the workers too
        else:
            process.kill()
        end(process)
        now = results(out)
        assert done.items() <= now.items()
        assert now.items() <= truth.items()
        attempts.hits += len(done) < len(now) < SCANS
        if (out / MANIFEST_NAME).exists():
            assert len(manifest(out)) == SCANS
        done = now
    assert attempts.hits > 1, "no kill comes in the middle of the work: this test tests nothing"
    process = start(scans, out)
    said = process.communicate()
    assert process.returncode == 0, said
    assert said[0].startswith(f"{SCANS} of {SCANS} scans are done")
    assert results(out) == truth
    assert {line["status"] for line in manifest(out)} <= {"done", "kept"}
    others = sorted(path.name for path in out.iterdir() if path.name not in truth)
    assert others == [LOCK_NAME, MANIFEST_NAME]


@needs_signals
@pytest.mark.timeout(300)
def test_ctrl_c_ends_all_processes_and_leaves_whole_results(tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_scan(scans / "a.nrrd", (11, 21))
    write_scan(scans / "b.nrrd", (31, 41), what=SLOW)
    process = start(scans, out, jobs=1)
    wait_until(process, lambda: (out / "a").is_dir() and in_work(out))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said = process.communicate()
    assert said == ("", "toothseg: cancelled; the same command goes on with the rest\n")
    assert process.returncode == 130
    assert nothing_is_left_of(process)
    assert results(out) == {"a": [11, 21]}
    assert sorted(path.name for path in out.iterdir()) == [LOCK_NAME, "a", MANIFEST_NAME]
    assert [line["status"] for line in manifest(out)] == ["done", "waiting"]


@needs_signals
@pytest.mark.timeout(300)
def test_workers_end_with_a_batch_that_is_killed(tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_scan(scans / "b.nrrd", (31, 41), what=SLOW)
    process = start(scans, out, jobs=1)
    wait_until(process, lambda: in_work(out))
    process.kill()
    end(process)
    assert nothing_is_left_of(process)
    assert results(out) == {}
