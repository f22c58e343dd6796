"""A job's process: progress, result, cancelling at any moment, and every way to fail."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stub_worker import use_stub_worker
from ToothSegLib.errors import BundleError, Cancelled, InputError, OutputError, ToothSegError
from ToothSegLib.jobs import child
from ToothSegLib.jobs.job import Job, JobState
from ToothSegLib.volume import Volume

TESTING = Path(__file__).resolve().parent
PATIENCE_S = 60.0


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where jobs make their folders, and nothing else does."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def stub(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Jobs run the stub; at the end of a test none may have left anything."""
    use_stub_worker(monkeypatch)
    yield folders
    gc.collect()
    assert not list(folders.iterdir())


def a_scan() -> Volume:
    """Two teeth of the stub's kind, oblique, in a view with negative strides."""
    array = np.zeros((5, 6, 7), np.int16)
    array[1:3, 1:3, 1:3] = 1000 + 11
    array[3:, 3:, 3:] = 1000 + 36
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, -1.0]])
    return Volume(array[::-1], (0.3, 0.1 + 0.2, 1 / 3), (1.1, -2.2, 1e-7), turn)


def started(**options: str) -> Job:
    job = Job(a_scan(), **options)
    job.start()
    return job


def until(job: Job, wanted: Callable[[JobState], bool]) -> JobState:
    """Poll until a state is seen."""
    end = time.monotonic() + PATIENCE_S
    while not wanted(state := job.poll()):
        assert state.running, f"ended before: {state}\n{job.log}"
        assert time.monotonic() < end, f"still waiting: {state}\n{job.log}"
        time.sleep(0.02)
    return state


def was_killed(process: subprocess.Popen[bytes]) -> bool:
    """Whether it was ended by force; a busy machine may take a moment to take note."""
    return process.wait(30) == (1 if sys.platform == "win32" else -signal.SIGKILL)


def ended(job: Job) -> JobState:
    return until(job, lambda state: not state.running)


def test_a_result_comes_back_to_the_bit(stub: Path) -> None:
    scan = a_scan()
    job = Job(scan, bundle="any", device="cpu", precision="full")
    assert not job.poll().running
    job.start()
    assert job.poll().running
    assert ended(job).fraction == 1.0
    result = job.result()
    values = scan.array.astype(int) - 1000
    assert np.array_equal(result.labels.array, np.where(values > 0, values, 0))
    assert result.labels.array.dtype == np.uint8
    assert result.labels.spacing == scan.spacing
    assert result.labels.origin == scan.origin
    assert np.array_equal(result.labels.direction, scan.direction)
    assert [tooth.fdi for tooth in result.teeth] == [11, 36]
    assert result.provenance["options"] == ["any", "cpu", "full"]
    assert job.result() is result


@pytest.mark.skipif(sys.platform == "win32", reason="the wait is a C function of Unix")
def test_a_program_that_waits_outside_python_hears_the_job(stub: Path) -> None:
    """As Slicer does: while Qt waits for events no other Python thread runs."""
    wait_and_let_nobody_run = ctypes.PyDLL(None).usleep
    job = started(bundle="chatty")
    end = time.monotonic() + PATIENCE_S
    while (state := job.poll()).running:
        assert time.monotonic() < end, f"still waiting: {state}"
        wait_and_let_nobody_run(50_000)
    assert not state.failed, state.message
    assert "said with print" in job.log
    assert [tooth.fdi for tooth in job.result().teeth] == [11, 36]


def test_progress_rises_and_the_time_left_is_told(stub: Path) -> None:
    job = started(bundle="slow")
    assert job.poll() == JobState(stage="starting", running=True)
    states = [until(job, lambda state: state.stage == "looking")]
    states.append(until(job, lambda state: state.seconds_left is not None))
    states.append(until(job, lambda state: state.fraction > states[-1].fraction))
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions)
    assert states[1].seconds_left > 1.0  # it sleeps for a minute in all
    with pytest.raises(ToothSegError, match="not ended"):
        job.result()
    job.cancel()


@pytest.mark.parametrize("moment", ["starting", "looking"])
def test_after_a_cancel_the_process_and_its_folder_are_gone(stub: Path, moment: str) -> None:
    job = started(bundle="slow")
    until(job, lambda state: state.stage == moment)
    process = job._process
    assert list(stub.iterdir())
    job.cancel()
    assert was_killed(process)
    assert not list(stub.iterdir())
    assert job.poll() == JobState(message="cancelled")
    with pytest.raises(Cancelled):
        job.result()
    job.cancel()


def test_a_cancel_while_torch_is_imported(folders: Path) -> None:
    job = started()
    until(job, lambda state: state.stage == "starting the networks")
    process = job._process
    job.cancel()
    assert was_killed(process)
    assert not list(folders.iterdir())


def test_a_result_that_nobody_takes_can_be_given_up(stub: Path) -> None:
    job = started()
    ended(job)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()


def test_a_job_that_is_forgotten_ends(stub: Path) -> None:
    job = started(bundle="slow")
    until(job, lambda state: state.stage == "looking")
    process = job._process
    del job
    gc.collect()
    assert was_killed(process)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.parametrize("bundle", ["slow", "slow removal"])
def test_when_its_parent_is_killed_the_child_ends_too(tmp_path: Path, bundle: str) -> None:
    code = (
        f"import sys, tempfile, time; sys.path.insert(0, {str(TESTING)!r})\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "import pytest, test_job\n"
        "test_job.use_stub_worker(pytest.MonkeyPatch())\n"
        f"job = test_job.started(bundle={bundle!r})\n"
        "test_job.until(job, lambda state: state.stage == 'looking')\n"
        "print(job._process.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert len(list(tmp_path.iterdir())) == 1
        os.kill(pid, 0)
        parent.kill()
    end = time.monotonic() + PATIENCE_S
    while list(tmp_path.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_where_a_driver_may_have_ended_it_the_processor_is_advised(stub: Path, device: str) -> None:
    message = ended(started(bundle="exit", device=device)).message
    assert ("choose Device: cpu under Advanced" in message) == (device == "cuda")


@pytest.mark.parametrize(
    ("bundle", "kind", "message"),
    [
        ("flat", InputError, "the scan is 0 everywhere; it shows nothing"),
        ("absent", BundleError, "no bundle 'absent'"),
        ("memory", InputError, "not enough memory"),
        ("fault", ToothSegError, "IndexError: list index out of range"),
        ("exit", ToothSegError, "code 7"),
        pytest.param("killed", ToothSegError, "lack of memory",
                     marks=pytest.mark.skipif(sys.platform == "win32", reason="no signals")),
        ("killed behind a launcher", ToothSegError, "lack of memory"),
        ("crashed behind a launcher", ToothSegError, "broke off with code 1"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line(
    stub: Path, bundle: str, kind: type[ToothSegError], message: str
) -> None:
    job = started(bundle=bundle)
    state = ended(job)
    assert state.failed
    assert message in state.message
    assert "\n" not in state.message
    assert "Traceback" not in state.message
    with pytest.raises(ToothSegError) as raised:
        job.result()
    assert type(raised.value) is kind
    assert str(raised.value) == state.message
    # Only where the program is at fault is there a traceback, and that is in the log.
    assert ("Traceback" in job.log) == (bundle == "fault")
    assert not list(stub.iterdir())


@pytest.mark.parametrize(
    ("bundle", "message"),
    [("untrue", "its report"), ("cropped", "shape"), ("wide", "int16")],
)
def test_a_result_that_does_not_fit_is_refused(stub: Path, bundle: str, message: str) -> None:
    job = started(bundle=bundle)
    assert not ended(job).failed
    with pytest.raises(ToothSegError, match=message):
        job.result()
    assert not list(stub.iterdir())


def test_the_log_keeps_all_that_was_said(stub: Path) -> None:
    job = started(bundle="chatty")
    assert not ended(job).failed
    assert "said with print" in job.log
    assert "said as a warning, ünïcode" in job.log
    assert "no utf-8: \N{REPLACEMENT CHARACTER}" in job.log
    assert "7 x 6 x 5 voxels of int16" in job.log
    assert "looking" in job.log
    job.result()


def test_the_real_worker_refuses_a_real_fault_in_one_line(folders: Path) -> None:
    job = Job(Volume(np.zeros((4, 4, 4), np.int16), (0.5,) * 3))
    job.start()
    state = ended(job)
    assert state.failed
    assert state.message.startswith("the scan is 0 everywhere")
    assert "Traceback" not in job.log


def test_a_python_that_is_none_is_named(folders: Path) -> None:
    job = Job(a_scan(), python=str(folders / "no-python"))
    with pytest.raises(ToothSegError, match="no-python"):
        job.start()
    assert not list(folders.iterdir())
    with pytest.raises(ToothSegError, match="started before"):
        job.start()


def test_a_full_disk_is_told(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OutputError, match="No space left"):
        started()
    assert not list(folders.iterdir())


def test_a_folder_that_is_named_in_short_is_passed_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Job(a_scan(), bundle="weights")._options["bundle"] == str(tmp_path / "weights")
    assert Job(a_scan(), bundle="toothnet")._options["bundle"] == "toothnet"


@pytest.mark.parametrize(
    ("executable", "launcher", "expected"),
    [
        ("/usr/bin/python3.11", "/S/bin/PythonSlicer", "/usr/bin/python3.11"),
        ("/S/SlicerApp-real", "/S/bin/PythonSlicer", "/S/bin/PythonSlicer"),
        ("/S/bin/python-real", "/S/bin/PythonSlicer", "/S/bin/PythonSlicer"),
        ("/S/bin/python-real", None, "/S/bin/python-real"),
        ("/S/bin/PythonSlicer", None, "/S/bin/PythonSlicer"),
        ("", "/S/bin/PythonSlicer", "/S/bin/PythonSlicer"),
    ],
)
def test_the_interpreter_is_one(
    monkeypatch: pytest.MonkeyPatch, executable: str, launcher: str | None, expected: str
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(child.shutil, "which", lambda name: launcher)
    assert child.find_python() == expected


def test_without_an_interpreter_there_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/S/SlicerApp-real")
    monkeypatch.setattr(child.shutil, "which", lambda name: None)
    with pytest.raises(ToothSegError, match="PythonSlicer"):
        child.find_python()


def test_the_job_itself_loads_no_torch() -> None:
    code = "import sys, ToothSegLib.jobs.job; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=TESTING.parent, capture_output=True, text=True, check=True
    )
    assert not {"torch", "vtk", "SimpleITK", "scipy"} & set(run.stdout.split())
