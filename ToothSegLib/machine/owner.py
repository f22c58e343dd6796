"""Whose a folder in the making is: the process, on its machine, which the folder's name tells.

A process may end before it has written anything into the folder, so the name has to say it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from contextlib import suppress


def owner() -> str:
    """This process, to stand in the name of a folder: ``MACHINE-PID``."""
    return f"{_machine()}-{os.getpid()}"


def has_ended(name: str) -> bool:
    """Whether a process has ended, by a name that begins as `owner` says.

    False for any other name, and for what another machine's processes have made. A number that
    another process has been given since says nothing, so that is False as well.
    """
    machine, pid, *_ = [*name.split("-"), ""]
    return machine == _machine() and pid.isdecimal() and not runs(int(pid))


def _machine() -> str:
    words = socket.gethostname()
    with suppress(OSError):  # not on Linux
        # In containers of one name the numbers of processes are not each other's.
        words += os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def runs(pid: int) -> bool:
    """Whether a process of this machine runs."""
    if sys.platform == "win32":  # there os.kill ends what it asks after
        import ctypes

        kernel, code = ctypes.WinDLL("kernel32", use_last_error=True), ctypes.c_ulong()
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return ctypes.get_last_error() == 5  # ERROR_ACCESS_DENIED: it is another user's
        running = bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code)))
        kernel.CloseHandle(handle)
        return running and code.value == 259  # STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True
