"""Thousands of damaged and lying scans through `toothseg segment`, up to the networks.

    python Testing/benchmarks/fuzz_reader.py [--files 10000] [--first 0]

All of them go through one process, which a crash would end. A file that takes more than a minute
ends it too, and ten seconds of the processor are a fault. So is memory, if one of these small
files makes the process grow by more than 100 MB or the error speaks of it; four gigabytes is all.
Every file must end as a scan or as one line of error with exit code 2, and leave nothing behind.
A scan is read twice: where the two differ, memory was taken for voxels. Linux.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import faulthandler
import io
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ToothSegLib
from fuzzing import KINDS, Fuzzer
from ToothSegLib.cli.main import main as toothseg
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

MEMORY_BYTES = 4 << 30
MOST_GROWTH_MB = 100
SECONDS = 10
MOST_SECONDS = 60


def main() -> int:
    """Command line; see the module's docstring. Gives 1 if a file got through the guards."""
    parser = argparse.ArgumentParser(description="Damaged scans through toothseg segment.")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    args = parser.parse_args()
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sound").mkdir()
        fuzzer = Fuzzer(folder / "sound")
        for kind in KINDS:  # libraries are loaded and everything has been used once
            code, line = outcome(fuzzer.sound(kind), folder / "out", [])
            if code != 0:
                raise SystemExit(f"the sound {kind} is refused: {line}")
        bound_memory()
        before = peak()
        found, faults, slowest = run(fuzzer, folder, range(args.first, args.first + args.files))
        grown = peak() - before
    for kind in (*KINDS, "all"):
        counts = found[kind]
        print(f"{kind:12s} {counts['read']:6d} read {counts['refused']:6d} refused")
    print(
        f"{args.files} files, {len(faults)} faults, the slowest took {slowest:.2f} s, "
        f"{grown:.0f} MB more than at the start"
    )
    print("\n".join(faults))
    return 1 if faults else 0


def run(
    fuzzer: Fuzzer, folder: Path, numbers: range
) -> tuple[dict[str, collections.Counter[str]], list[str], float]:
    """Counts by kind of file, what must not be, and the seconds of the slowest file."""
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults = []
    terminal = os.dup(2)  # a reader may turn the other one off for a while
    slowest, peak_mb = 0.0, peak()
    for number in numbers:
        work = folder / "work"
        work.mkdir()
        path = fuzzer.damaged(number, work)
        before = sorted(work.rglob("*"))
        faulthandler.dump_traceback_later(MOST_SECONDS, exit=True, file=terminal)
        started = time.process_time()
        scans: list[Volume] = []
        code, line = outcome(path, work / "out", scans)
        took = time.process_time() - started
        slowest = max(slowest, took)
        faulthandler.cancel_dump_traceback_later()
        problem = "it takes too long" if took > SECONDS else fault(code, line, path)
        if scans and not is_the_same_again(path, scans[0]):
            problem = "it is another scan when it is read again"
        before_mb, peak_mb = peak_mb, peak()
        if peak_mb > before_mb + MOST_GROWTH_MB:
            problem = f"it takes {peak_mb - before_mb:.0f} MB"
        if sorted(work.rglob("*")) != before:
            problem = "it leaves something behind"
        if problem:
            faults.append(f"file {number} ({path.name}): {problem}: {line[:300]!r}")
        for kind in (kind_of(path), "all"):
            found[kind]["read" if code == 0 else "refused"] += 1
        shutil.rmtree(work)
    return found, faults, slowest


def outcome(path: Path, out: Path, scans: list[Volume]) -> tuple[int, str]:
    """Exit code (0 if the networks would have been asked) and what was printed.

    ``scans`` gets what they would have been given.
    """

    def networks(scan: Volume, **_: object) -> None:
        scans.append(scan)
        raise Cancelled

    said = io.StringIO()
    weights = SimpleNamespace(name="none")
    with (
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(said),
        mock.patch.object(ToothSegLib, "cascade", SimpleNamespace(segment=networks), create=True),
        mock.patch("ToothSegLib.models.load_bundle", return_value=weights),
    ):
        code = toothseg(["segment", str(path), "-o", str(out)])
    return (0 if code == Cancelled.exit_code else code), said.getvalue()


def is_the_same_again(path: Path, scan: Volume) -> bool:
    """Whether a second reading gives the same voxels, with other bytes in the memory before it."""
    for value in range(1, 21):
        np.full(scan.array.nbytes, value, np.uint8)  # and free again
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            again = read_volume(path).array
    except InputError:
        return False
    first = scan.array
    return again.dtype == first.dtype and again.tobytes() == first.tobytes()


def fault(code: int, line: str, path: Path) -> str | None:
    """What is wrong with an outcome, None if nothing is."""
    if code == 0:
        return None
    if code != 2:
        return f"exit code {code}"
    if line.count("\n") != 1 or not line.startswith("toothseg: error: ") or "Traceback" in line:
        return "not one line"
    if not line.strip().isprintable():
        return "a line that a terminal obeys"
    if path.name not in line and path.parent.name not in line:
        return "the file is not named"
    return "memory" if re.search("memory", line.replace(str(path), "")) else None


def peak() -> float:
    """The most memory that the process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def bound_memory() -> None:
    """Let the process have `MEMORY_BYTES` more than it has, touched or not."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    size = int(status.split("VmSize:")[1].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES, resource.RLIM_INFINITY))


def kind_of(path: Path) -> str:
    """One of `fuzzing.KINDS`."""
    if path.is_dir():
        return "series"
    return path.name if path.name in KINDS else path.name[len("scan") :]


if __name__ == "__main__":
    sys.exit(main())
