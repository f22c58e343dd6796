"""A lock that is the operating system's: it goes with the process that holds it, however that ends.

For a folder in which one program works at a time on one machine. (`dataset.lock` is for people on a
share: there a lock says who, and outlives a crash.)
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ToothSegLib.errors import OutputError

# Windows lets nobody read the bytes that are locked; these are beyond the words in the file.
_LOCKED_BYTE = 1 << 20


@contextmanager
def os_locked(path: Path, what: str, instead: str = "name another output folder") -> Iterator[None]:
    """Hold the lock of a folder for the length of the block.

    Args:
        path: the lock's file, in the folder; it is made, and stays.
        what: two programs must not do at once, such as "batch".
        instead: what else whoever is refused can do than wait.

    Raises:
        OutputError: another process holds it, or the folder cannot be written to.
    """
    folder = path.parent
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    try:
        _lock(descriptor, folder, what, instead)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, what: str, instead: str) -> None:
    try:
        _lock_file(descriptor)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another program"
        raise OutputError(
            f"{folder} is in use by {holder}: wait for that {what}, or {instead}"
        ) from None
    except OSError as error:
        raise OutputError(
            f"cannot lock {folder}: {error.strerror or error}; name a folder on another disk"
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())


if sys.platform == "win32":
    import msvcrt

    def _lock_file(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError from error
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock_file(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
