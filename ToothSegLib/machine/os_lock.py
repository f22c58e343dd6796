"""A lock that is the operating system's: it goes with the process that holds it, however that ends.

For a folder in which one program works at a time on one machine. (`dataset.lock` is for people on a
share: there a lock says who, and outlives a crash.)
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        OutputError: another process holds it, or the folder or the file cannot be written to.
    """
    descriptor, writable = _open(path)
    try:
        _lock(descriptor, path, what, instead, writable)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    """The lock's file, and whether it can be written to: whoever may write to the folder may use
    it, whoever made it."""
    try:
        made = not path.exists()
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        if isinstance(error, PermissionError):
            with suppress(OSError):  # of an older version, or on a share that knows no rights
                return os.open(path, os.O_RDONLY), False
        raise OutputError(
            f"cannot write to {path.parent}: {error.strerror or error}{_whose(path)}"
        ) from error
    if made:
        _let_in(descriptor, path.parent)
    return descriptor, True


def _lock(descriptor: int, path: Path, what: str, instead: str, writable: bool) -> None:
    folder = path.parent
    try:
        _lock_file(descriptor)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another program"
        raise OutputError(
            f"{folder} is in use by {holder}: wait for that {what}, or {instead}"
        ) from None
    except OSError as error:
        todo = "; name a folder on another disk" if writable else _whose(path)
        raise OutputError(f"cannot lock {folder}: {error.strerror or error}{todo}") from error
    if writable:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())


def _whose(path: Path) -> str:
    """What to do about a file of somebody else's; nothing where there is none."""
    if not os.path.lexists(path):
        return ""
    return f"; {path} is in the way: let its owner make it writable for you, or remove it"


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

    def _let_in(descriptor: int, folder: Path) -> None:
        """Files have the rights of their folder there."""
else:
    import fcntl

    def _let_in(descriptor: int, folder: Path) -> None:
        """Let those write to a new file who may write to its folder, whatever the umask."""
        with suppress(OSError):  # a share may know no rights
            os.fchmod(descriptor, folder.stat().st_mode & 0o666)

    def _lock_file(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
