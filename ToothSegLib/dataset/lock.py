"""One writer at a time: a lock file that says who, on which machine, since when.

The file is made with O_EXCL, which one of two processes gets, on a network share too (NFSv3 and
later, SMB). It is advice to people and keeps clean-up from what is being written; that no revision
is lost does not hang on it (see `DatasetCase.save_revision`).
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from ToothSegLib.dataset.case_json import now
from ToothSegLib.dataset.refusals import Locked
from ToothSegLib.dataset.started import started
from ToothSegLib.errors import UNSOUND_JSON, OutputError
from ToothSegLib.machine.owner import owner, runs

LOCK_NAME = "lock.json"

# Tokens of the locks that this process holds. The file may outlast its lock, as on a share that was
# gone when it was to be taken away; by its number alone the process would keep itself out.
_held: set[str] = set()
_PATIENCE_S = 1.0  # for a file that others, such as virus scanners, have open


@dataclass(frozen=True)
class Lock:
    """Who holds, or held, a lock.

    Args:
        token: tells two locks of one owner apart.
        owner: the process as `owner.owner` has it, which tells containers of one name apart; "" in
            a lock of an older version.
        started: when the process began, as `started.started` has it; "" where nobody knows.
    """

    who: str
    host: str
    pid: int
    when: str
    token: str
    owner: str = ""
    started: str = ""

    @property
    def process(self) -> Literal["running", "ended", "unknown"]:
        """Whether its process still runs, and holds it; "unknown" on another machine."""
        if self.host != socket.gethostname() or self.pid <= 0:
            return "unknown"
        if self.is_of_this_process:
            return "running" if self.token in _held else "ended"
        if self.owner and _machine(self.owner) != _machine(owner()):
            return "unknown"
        if not runs(self.pid):
            return "ended"
        began = started(self.pid) if self.started else ""
        return "ended" if began and began != self.started else "running"

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process has made it, or one that had its number before."""
        return self.owner == owner()

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


def _machine(process: str) -> str:
    """The machine of a process, as `owner.owner` has both."""
    return process.rpartition("-")[0]


def _parsed(written: bytes) -> Lock:
    try:
        content = json.loads(written)
        lock = Lock(
            **{part.name: content[part.name] for part in fields(Lock) if part.name in content}
        )
    except UNSOUND_JSON:
        return _NOBODYS
    of_type = {name: int if name == "pid" else str for name in asdict(lock)}
    if any(type(value) is not of_type[name] for name, value in asdict(lock).items()):
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
            raise Locked(
                f"{_name(folder)} is in use, its lock stays: {seen}; if that is another "
                f"program, which got the number of one that has ended, delete {path}"
            )
        os.replace(path, aside)
        if aside.read_bytes() != written:
            # Somebody else broke it and a third took the lock meanwhile: it is theirs.
            os.replace(aside, path)
            raise Locked(f"{_name(folder)} has just been locked anew: {read_lock(folder)}")
        aside.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
    return seen


def _name(folder: Path) -> str:
    """What a folder is called, one that is given as '.' too."""
    return os.path.basename(os.path.abspath(folder))


def _acquire(folder: Path, who: str) -> Lock:
    token, pid = uuid.uuid4().hex, os.getpid()
    lock = Lock(who, socket.gethostname(), pid, now(), token, owner(), started(pid))
    _held.add(token)  # before the file is there, for other threads look at it
    try:
        _write(folder, lock)
    except BaseException:
        _held.discard(token)
        raise
    return lock


def _write(folder: Path, lock: Lock) -> None:
    path = folder / LOCK_NAME
    try:
        descriptor = _new_file(folder)
    except FileExistsError:
        raise Locked(
            f"{_name(folder)} is locked by {read_lock(folder) or 'someone'}; wait, or, if nobody "
            "is at it, break the lock (toothseg dataset unlock)"
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


def _new_file(folder: Path) -> int:
    """Open the lock file for the one who makes it.

    Raises:
        FileExistsError: it is somebody else's.
        OSError: it cannot be made.
    """
    path, flags = folder / LOCK_NAME, os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:
        return os.open(path, flags, 0o666)
    except FileExistsError:
        there = read_lock(folder)
        if there is None or not there.is_of_this_process or there.process != "ended":
            raise
        break_lock(folder)  # it is known for certain that nobody holds it
        return os.open(path, flags, 0o666)


def _release(folder: Path, lock: Lock) -> None:
    until = time.monotonic() + _PATIENCE_S
    try:
        while not _taken_away(folder, lock) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        _held.discard(lock.token)


def _taken_away(folder: Path, lock: Lock) -> bool:
    """Take away a lock's file; whether it is gone, or is another lock's by now."""
    path = folder / LOCK_NAME
    try:
        # Not one that somebody has broken and taken over.
        if _parsed(path.read_bytes()) == lock:
            path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True
