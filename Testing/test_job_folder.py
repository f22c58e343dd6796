"""The folder of a job goes, also where its process could not see to that; nobody else's does."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ToothSegLib.jobs import job_folder
from ToothSegLib.jobs.job_files import read_request, write_request
from ToothSegLib.machine.owner import has_ended, owner, runs
from ToothSegLib.volume import Volume

# No process has this number on any system: Linux ends at 2^22.
NOBODY = 2**22 + 5


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def another_program() -> subprocess.Popen[str]:
    """It makes a job's folder, says where, and runs until its input ends."""
    code = (
        f"import sys, tempfile; tempfile.tempdir = {tempfile.tempdir!r}\n"
        "from ToothSegLib.jobs import job_folder\n"
        "print(job_folder.make(), flush=True); sys.stdin.read()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def told_by(program: subprocess.Popen[str]) -> Path:
    assert program.stdout is not None
    return Path(program.stdout.readline().strip())


def test_the_next_job_removes_what_a_killed_one_has_left(temporary: Path) -> None:
    with another_program() as running, another_program() as killed:
        in_use, left, own = told_by(running), told_by(killed), job_folder.make()
        for folder in (in_use, left, own):
            (folder / "scan.npy").touch()
        killed.kill()
        killed.wait()
        job = job_folder.make()
        assert sorted(temporary.iterdir()) == sorted([in_use, own, job])
        assert (in_use / "scan.npy").exists()
        assert (own / "scan.npy").exists()


def test_no_other_folder_is_removed(temporary: Path) -> None:
    machine = owner().split("-")[0]
    others = [
        f"toothseg-job-0123456789ab-{NOBODY}-x",  # of another machine, or container
        f"toothseg-job-{machine}-notes",
        "toothseg-job-",
        f"toothseg-tests-{NOBODY}",
        f"toothseg-{machine}-{NOBODY}-x",
    ]
    for name in others:
        (temporary / name).mkdir()
        (temporary / name / "file").touch()
    link = temporary / f"toothseg-job-{machine}-{NOBODY}-x"
    link.symlink_to(temporary / others[0])
    job_folder.make()
    assert all((temporary / name / "file").exists() for name in [*others, link.name])


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_nobody_else_may_read_it(temporary: Path) -> None:
    assert job_folder.make().stat().st_mode & 0o777 == 0o700


def test_the_folder_in_which_a_process_runs_is_left_before_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows it would stay."""
    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.chdir(folder)
    job_folder.leave_and_remove(folder)
    assert Path.cwd() == tmp_path
    assert not folder.exists()


@pytest.mark.parametrize(("system", "mapped"), [("win32", False), ("linux", True)])
def test_on_windows_the_scan_is_not_held_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, mapped: bool
) -> None:
    """No file can be removed there that is mapped, not even by who has done so."""
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_request(tmp_path, Volume(array), {})
    monkeypatch.setattr(sys, "platform", system)
    volume, _ = read_request(tmp_path)
    assert np.array_equal(volume.array, array)
    assert isinstance(volume.array, np.memmap) == mapped


def test_a_name_tells_whether_its_process_has_ended() -> None:
    machine = owner().split("-")[0]
    assert not has_ended(f"{owner()}-abc")
    assert has_ended(f"{machine}-{NOBODY}-abc")
    for name in ("", "-", machine, f"{machine}-", f"{machine}-x", f"x-{NOBODY}"):
        assert not has_ended(name), name


def test_containers_of_one_name_leave_each_others_folders_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their processes have the same numbers and cannot see each other."""
    there = f"{owner().split('-')[0]}-{NOBODY}"
    assert has_ended(there)
    monkeypatch.setattr(os, "readlink", lambda _: "pid:[1]")
    assert not has_ended(there)


@pytest.mark.parametrize(("error", "running"), [(5, True), (87, False)])
def test_on_windows_a_process_that_may_not_be_asked_after_runs(
    monkeypatch: pytest.MonkeyPatch, error: int, running: bool
) -> None:
    kernel = SimpleNamespace(OpenProcess=lambda *_: 0)
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: error, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert runs(4) is running
