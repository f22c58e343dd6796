"""One writer at a time: a lock file that says who, on which machine, since when.

The file is made with O_EXCL, which one of two processes gets, on a network share too (NFSv3 and
later, SMB). It is advice to people and keeps clean-up from what is being written; that no revision
is lost does not hang on it (see `DatasetCase.save_revision`).
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ToothSegLib.dataset.case_json import now
from ToothSegLib.dataset.refusals import Locked
from ToothSegLib.errors import OutputError
from ToothSegLib.owner import runs

LOCK_NAME = "lock.json"


@dataclass(frozen=True)
class Lock:
    """Who holds, or held, a lock. ``token`` tells two locks of one owner apart."""

    who: str
    host: str
    pid: int
    when: str
    token: str

    @property
    def process(self) -> Literal["running", "ended", "unknown"]:
        """Whether its process still runs; "unknown" on another machine."""
        if self.host != socket.gethostname() or self.pid <= 0:
            return "unknown"
        return "running" if runs(self.pid) else "ended"

    def __str__(self) -> str:
        if not self.token:
            return "a lock file without contents"
        state = {
            "running": "still runs",
            "ended": "has ended",
            "unknown": "cannot be asked from this machine",
        }[self.process]
        return f"{self.who} since {self.when}; process {self.pid} on {self.host} {state}"


_NOBODYS = Lock("unknown", "unknown", 0, "unknown", "")


@contextmanager
def held(folder: Path, who: str) -> Iterator[Lock]:
    """Hold a folder's lock for the length of the block.

    Raises:
        Locked: somebody else holds it, or held it when their program ended.
        OutputError: the folder cannot be written to.
    """
    lock = _acquire(folder, who)
    try:
        yield lock
    finally:
        _release(folder, lock)


def read_lock(folder: Path) -> Lock | None:
    """The lock on a folder. One whose program ended while writing it has an empty ``token``."""
    try:
        return _parsed((folder / LOCK_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return _NOBODYS


def _parsed(written: bytes) -> Lock:
    try:
        lock = Lock(**json.loads(written))
    except (ValueError, TypeError, RecursionError):
        return _NOBODYS
    if [type(value) for value in asdict(lock).values()] != [str, str, int, str, str]:
        return _NOBODYS
    return lock


def break_lock(folder: Path) -> Lock | None:
    """Take away a lock that was left behind; the lock, or None if there was none.

    Raises:
        Locked: its process still runs on this machine.
        OutputError: it cannot be taken away.
    """
    path = folder / LOCK_NAME
    aside = folder / f".stage-{uuid.uuid4().hex}"  # cleared away later, should this process end
    try:
        written = path.read_bytes()
        seen = _parsed(written)
        if seen.process == "running":
            raise Locked(f"{folder.name} is in use, its lock stays: {seen}")
        os.replace(path, aside)
        if aside.read_bytes() != written:
            # Somebody else broke it and a third took the lock meanwhile: it is theirs.
            os.replace(aside, path)
            raise Locked(f"{folder.name} has just been locked anew: {read_lock(folder)}")
        aside.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
    return seen


def _acquire(folder: Path, who: str) -> Lock:
    lock = Lock(who, socket.gethostname(), os.getpid(), now(), uuid.uuid4().hex)
    path = folder / LOCK_NAME
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        raise Locked(
            f"{folder.name} is locked by {read_lock(folder) or 'someone'}; wait, or, if nobody is "
            "at it, break the lock (toothseg dataset unlock)"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    try:
        with open(descriptor, "wb") as file:
            file.write(json.dumps(asdict(lock)).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return lock


def _release(folder: Path, lock: Lock) -> None:
    # Not one that somebody has broken and taken over.
    if read_lock(folder) == lock:
        with suppress(OSError):
            (folder / LOCK_NAME).unlink()
