"""Two hundred damaged scans through the command line; the benchmark takes ten thousand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent / "benchmarks" / "fuzz_reader.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the guards on memory and time are of Linux")
def test_every_damaged_scan_is_read_or_refused_in_one_line() -> None:
    # A process of its own: a crash of a C++ library, or the guards, would end the tests.
    run = subprocess.run(
        [sys.executable, str(BENCHMARK), "--files", "200"],
        cwd=BENCHMARK.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "200 files, 0 faults" in run.stdout
    assert "Traceback" not in run.stderr
