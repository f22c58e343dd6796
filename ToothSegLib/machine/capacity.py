"""How much this machine can do at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ToothSegLib.errors import InputError
from ToothSegLib.machine import cgroup

# With less address space the libraries end the process, or wait for ever, when they are loaded.
LEAST_MEMORY_MB = 1500


def check_memory_limit() -> None:
    """Look at the limit that was set on this process, such as by `ulimit -v`, before any work.

    Raises:
        InputError: it is less than `LEAST_MEMORY_MB`.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_MEMORY_MB << 20:
        raise InputError(
            f"not enough memory: this process is limited to {limit >> 20} MB (ulimit -v), which is "
            f"less than the {LEAST_MEMORY_MB} MB that ToothSeg needs; raise the limit"
        )


def free_memory_gib() -> float | None:
    """Memory that a program can have, where the system says so without a further package: what is
    free of the machine, or of what a container or a cluster lets this process have."""
    left = cgroup.memory_left()
    free = [_free_of_machine_gib(), None if left is None else left / 2**30]
    return min((amount for amount in free if amount is not None), default=None)


def _free_of_machine_gib() -> float | None:
    if sys.platform == "win32":
        return _free_on_windows_gib()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(available.split()[1]) / 2**20
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (AttributeError, OSError, ValueError):
        return None


if sys.platform == "win32":

    def _free_on_windows_gib() -> float | None:
        """By GlobalMemoryStatusEx, whose structure has two 32-bit numbers and seven of 64 bits: its
        own size and the load, then physical memory in all and available, and four more."""
        import ctypes
        import struct

        status = ctypes.create_string_buffer(struct.pack("=II7Q", 64, 0, *[0] * 7), 64)
        if not ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(status):
            return None
        return int(struct.unpack("=II7Q", status.raw)[3]) / 2**30


def cores() -> int:
    """Processors that this process may use, by the limits of a container or a cluster too."""
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    return max(1, min(there, cgroup.cores_allowed() or there))
