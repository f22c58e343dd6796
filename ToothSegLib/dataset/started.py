"""When a process began, which tells it from another one that got its number later."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")
_START = 19  # field 22 of proc(5), counted from the one behind the program's name


def started(pid: int) -> str:
    """When a process of this machine began: the machine's start, and the ticks since then.

    Returns:
        Words that no other process of this number has; "" where the system does not tell (not
        Linux, or another user's process that is hidden) and where there is no such process.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name stands in brackets, and may hold brackets and spaces itself.
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return f"{boot} {int(fields[_START])}"
    except (OSError, ValueError, IndexError):
        return ""
