"""Killed, starved, raced, or robbed of its folder: a result is whole or absent, and it says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from phantom_fixture import segmentation
from stub_fixture import put_cascade
from ToothSegLib.cli.main import main
from ToothSegLib.disk import moving
from ToothSegLib.errors import OutputError
from ToothSegLib.results.outputs import write_outputs
from ToothSegLib.results.replaceable import check_beforehand
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

ROOT = Path(__file__).parents[1]
POSIX = pytest.mark.skipif(os.name != "posix", reason="locks on folders are of Unix")

# Writes a result again and again. The teeth of one result carry one number, so that two mixed
# results can be told.
WRITER = """
import sys
sys.path.insert(0, "Testing")
from test_faults import a_result
from ToothSegLib.results.outputs import write_outputs
print("ready", flush=True)
for round in range(int(sys.argv[3])):
    write_outputs(a_result(int(sys.argv[2])), "scan", sys.argv[1], picture=False)
"""


def a_result(fdi: int):
    """A result with two teeth, ``fdi`` and the next, and no others."""
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[2:10, 2:10, 2:5] = fdi
    labels[2:10, 2:10, 7:10] = fdi + 1
    return segmentation(Volume(labels))


def state(folder: Path) -> tuple[int, ...]:
    """The teeth of the result in a folder, none if there is none; fails if it is not whole."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if not names:
        return ()
    assert names == ["scan-labels.nrrd", "scan-report.json", "scan.seg.nrrd", "stl"]
    teeth = tuple(int(n) for n in np.unique(read_volume(folder / names[0]).array) if n)
    assert teeth == tuple(int(n) for n in np.unique(read_volume(folder / names[2]).array) if n)
    report = json.loads((folder / names[1]).read_text(encoding="utf-8"))
    assert teeth == tuple(sorted(tooth["fdi"] for tooth in report["teeth"]))
    surfaces = sorted(int(path.name[:2]) for path in (folder / "stl").iterdir())
    assert teeth == tuple(surfaces)
    return teeth


def writer(folder: Path, fdi: int, rounds: int) -> subprocess.Popen[str]:
    """A process that writes results."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(fdi), str(rounds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


# Forks a child for every folder and kills it: after some time, or before one of its moves.
KILLER = """
import os, random, signal, sys, time
sys.path.insert(0, "Testing")
from test_faults import a_result
from ToothSegLib.results.outputs import write_outputs
really, chance = os.replace, random.Random(6)
for number, folder in enumerate(sys.argv[2:]):
    write_outputs(a_result(11), "scan", folder, picture=False)
    child = os.fork()
    if child == 0:
        left = [number]
        def replace(source, target):
            if ".part" not in str(source):
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
            really(source, target)
        if sys.argv[1] == "moves":
            os.replace = replace
        for fdi in (21, 31, 41) * (1 if sys.argv[1] == "moves" else 1000):
            write_outputs(a_result(fdi), "scan", folder, picture=False)
        os._exit(0)
    if sys.argv[1] == "time":
        time.sleep(chance.uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
"""


@POSIX
@pytest.mark.parametrize("by", ["time", "moves"])
def test_killed_at_any_moment_the_next_run_finds_or_makes_it_whole(tmp_path: Path, by: str) -> None:
    folders = [tmp_path / str(number) for number in range(12)]
    subprocess.run([sys.executable, "-c", KILLER, by, *map(str, folders)], cwd=ROOT, check=True)
    for number, folder in enumerate(folders):
        # As the next run does at its beginning: half a move is nobody's correction.
        copy = Path(shutil.copytree(folder, f"{folder} too"))
        check_beforehand(copy, "scan")
        with moving.stage_in(folder):  # as the next run does at its end
            teeth = state(folder)
        assert not list(folder.glob(".*"))
        assert state(copy) == teeth
        if by == "moves":  # ten: five files aside, five to their places
            assert teeth == ((21, 22) if number < 10 else (31, 32))
        else:
            assert teeth in {(11, 12), (21, 22), (31, 32), (41, 42)}


@POSIX
def test_two_runs_into_one_folder_do_not_mix(tmp_path: Path) -> None:
    both = [writer(tmp_path, fdi, 8) for fdi in (11, 41)]
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0]
    assert state(tmp_path) in {(11, 12), (41, 42)}
    assert not list(tmp_path.glob(".*"))


@POSIX
def test_the_stage_of_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    with moving.stage_in(tmp_path) as running:
        (running / "a").touch()
        with moving.stage_in(tmp_path):
            pass
        assert (running / "a").exists()


@POSIX
def test_a_plan_from_elsewhere_removes_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    folder = tmp_path / "out"
    folder.mkdir()
    with moving.stage_in(folder) as stage:
        left = shutil.copytree(stage, folder / f"{stage.name}x")
    (left / ".plan.json").write_text(json.dumps(["../precious", str(tmp_path / "precious")]))
    with moving.stage_in(folder):
        pass
    assert (tmp_path / "precious").exists()
    assert not left.exists()


@pytest.mark.parametrize("when", ["the networks", "the surfaces"])
def test_a_folder_that_vanishes_is_named(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    scan = tmp_path / "scan.nrrd"
    write_volume(scan, Volume(np.arange(1000, dtype=np.int16).reshape(10, 10, 10)))
    out = tmp_path / "out"
    out.mkdir()

    def vanishes(*_: object, **__: object) -> object:
        shutil.rmtree(out)
        return a_result(11) if when == "the networks" else {}

    put_cascade(monkeypatch, vanishes if when == "the networks" else lambda *_, **__: a_result(11))
    if when == "the surfaces":
        monkeypatch.setattr("ToothSegLib.results.outputs.tooth_surfaces", vanishes)
    code = main(["segment", str(scan), "-o", str(out), "--no-picture"])
    if when == "the networks":  # it is made again
        assert code == 0
        assert state(out) == (11, 12)
        return
    assert code == 2
    line = capfd.readouterr().err
    assert f"cannot write {out}" in line or f"cannot write to {out}" in line
    assert line.count("\n") == 1
    assert not out.exists()


def test_a_read_only_folder_is_named_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the networks were asked")

    def denied(**_: object) -> None:  # permissions do not hold for the administrator
        raise OSError(30, "Read-only file system")

    put_cascade(monkeypatch, never)
    monkeypatch.setattr("ToothSegLib.disk.output_folder.tempfile.TemporaryFile", denied)
    scan = tmp_path / "scan.nrrd"
    write_volume(scan, Volume(np.arange(1000, dtype=np.int16).reshape(10, 10, 10)))
    assert main(["segment", str(scan), "-o", str(tmp_path / "out")]) == 2
    line = capfd.readouterr().err
    assert str(tmp_path / "out") in line
    assert "Read-only file system" in line


def test_a_disk_that_fills_between_two_moves_leaves_the_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_outputs(a_result(11), "scan", tmp_path, picture=False)
    really = os.replace
    count = iter(range(100))

    def full(source: object, target: object) -> None:
        if ".part" not in str(source) and next(count) == 9:
            raise OSError(28, "No space left on device")
        really(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr("ToothSegLib.disk.moving.os.replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write_outputs(a_result(21), "scan", tmp_path, picture=False)
    monkeypatch.undo()
    assert state(tmp_path) == (11, 12)
    with moving.stage_in(tmp_path):  # and nothing of it is taken up later
        assert state(tmp_path) == (11, 12)


# What `ulimit -v` sets is inherited. Without the guard the libraries
# wait for ever, end the process by themselves, or are loaded.
@pytest.mark.parametrize("limit_mb", [200, 800, 1450])
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is of Linux")
def test_too_little_memory_is_said_in_one_line(tmp_path: Path, limit_mb: int) -> None:
    scan = tmp_path / "scan.nrrd"
    write_volume(scan, Volume(np.arange(1000, dtype=np.int16).reshape(10, 10, 10)))
    command = f"ulimit -v {limit_mb << 10}; exec {sys.executable} -m ToothSegLib.cli.main segment"
    run = subprocess.run(
        ["sh", "-c", f'{command} "$0" -o "$1"', str(scan), str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert run.returncode == 2, run.stderr
    assert run.stderr.startswith(
        f"toothseg: error: not enough memory: this process is limited to {limit_mb} MB"
    )
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
