"""While a scan is read, what comes next is loaded; how that goes is told no later for it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib import segment_file, volume_io
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.machine.background import in_background
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume

NOBODY = Progress(None, None)


def a_scan() -> Volume:
    grey = np.random.default_rng(0).integers(-1000, 2000, (40, 40, 40)).astype(np.int16)
    return Volume(grey, (0.4,) * 3)


def test_what_is_done_in_the_background_gives_its_result_or_its_error() -> None:
    assert in_background(lambda: 3).result(10) == 3
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 // 0).result(10)


def test_what_computes_is_loaded_while_the_scan_is_read() -> None:
    code = (
        "import sys, time\n"
        "from ToothSegLib import segment_file, volume_io\n"
        "from test_segment_file import NOBODY, a_scan\n"
        "def slow(path, **_):\n"
        "    end = time.monotonic() + 120\n"
        "    while 'torch.nn' not in sys.modules and time.monotonic() < end: time.sleep(0.05)\n"
        "    return a_scan()\n"
        "volume_io.read_volume = slow\n"
        "needed = segment_file._needed('cpu', 'torch', False)\n"
        "segment_file._read('scan.nrrd', None, NOBODY, needed, False)\n"
        "print('torch' in sys.modules, 'SimpleITK' in sys.modules, 'vtkmodules' in sys.modules)"
    )
    folder = Path(__file__).parent
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert run.stdout.split() == ["True", "True", "False"], run.stderr[-1000:]


def test_the_reading_itself_waits_for_no_large_library() -> None:
    code = (
        "import sys, ToothSegLib.volume_io, ToothSegLib.formats.scan_checksum; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"scipy", "torch", "SimpleITK"} & set(run.stdout.split())


def test_a_refusal_waits_for_one_library_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = threading.Event()
    loaded: list[int] = []
    readings: list[Future] = []

    def noted(work: Callable[[], object]) -> Future:
        readings.append(in_background(work))
        return readings[-1]

    def refused(path: object, **_: object) -> Volume:
        loading.wait(200)
        raise InputError("it is damaged")

    def load() -> None:
        loaded.append(1)
        loading.set()
        wait(readings, timeout=200)  # until the refusal has come

    monkeypatch.setattr(segment_file, "in_background", noted)
    monkeypatch.setattr(volume_io, "read_volume", refused)
    with pytest.raises(InputError, match="damaged"):
        segment_file._read("scan.nrrd", None, NOBODY, iter([load, load]), False)
    assert loaded == [1]


def test_it_can_be_cancelled_between_two_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def endless(path: object, **_: object) -> Volume:
        asked.wait(200)
        return a_scan()

    monkeypatch.setattr(volume_io, "read_volume", endless)
    loaded: list[int] = []
    run = Progress(None, lambda: bool(loaded))
    with pytest.raises(Cancelled):
        segment_file._read("scan.nrrd", None, run, iter([lambda: loaded.append(1)] * 2), False)
    asked.set()
    assert loaded == [1]


def test_a_library_that_is_damaged_stops_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Event()

    def slow(path: object, **_: object) -> Volume:
        tried.wait(200)
        return a_scan()

    def damaged() -> None:
        tried.set()
        raise ImportError("libGL.so.1 is gone")

    monkeypatch.setattr(volume_io, "read_volume", slow)
    volume, sha256 = segment_file._read("scan.nrrd", None, NOBODY, iter([damaged]), True)
    assert volume.shape == (40, 40, 40)
    assert sha256 is not None
    assert len(sha256) == 64


def test_nobody_waits_for_a_thread_when_the_process_ends() -> None:
    code = (
        "import time\nfrom ToothSegLib.machine.background import in_background\n"
        "in_background(lambda: time.sleep(600))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
