"""Limits that a container, or a job on a cluster, sets on this process: Linux's control groups.

A group's limits hold for all groups below it, so that the least on the way up counts. What cannot
be read, as on other systems, is no limit. See https://docs.kernel.org/admin-guide/cgroup-v2.html,
and cgroup-v1 there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

OWN_GROUPS = Path("/proc/self/cgroup")
MOUNTED = Path("/sys/fs/cgroup")


def memory_left() -> int | None:
    """Bytes that this process may still take by the limits of its groups; None without limits."""
    left = []
    for folder in _groups("memory"):
        for limit_file, used_file, kept_back in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit = _numbers(folder / limit_file)
            used = _numbers(folder / used_file)
            if limit and used:
                # What was read from files and not looked at since goes as soon as room is wanted.
                left.append(max(0, limit[0] - used[0] + _of(folder / "memory.stat", kept_back)))
    return min(left, default=None)


def cores_allowed() -> int | None:
    """Processors whose time this process may use, rounded up; None without limits."""
    allowed = []
    for folder in _groups("cpu"):
        one = [_numbers(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
        for numbers in (_numbers(folder / "cpu.max"), one[0] + one[1]):
            if len(numbers) == 2 and min(numbers) > 0:
                allowed.append(math.ceil(numbers[0] / numbers[1]))
    return min(allowed, default=None)


def _groups(controller: str) -> Iterator[Path]:
    """Folders of this process's groups and of those above them, in both versions."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        top = MOUNTED / controller if controllers else MOUNTED
        # In a container the path may be the one outside of it: then the top is its group.
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for count in range(len(parts), -1, -1):
            yield top.joinpath(*parts[:count])


def _numbers(path: Path) -> list[int]:
    """The whole numbers in a file; none where there is another word, as "max", or no file."""
    try:
        return [int(word) for word in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _of(path: Path, name: str) -> int:
    """The number behind a name in a file of many; 0 where there is none."""
    try:
        words = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        return next(int(number) for key, number in words if key == name)
    except (OSError, ValueError, StopIteration):
        return 0
