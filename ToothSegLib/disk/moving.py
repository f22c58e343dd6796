"""Staged files brought into their folder all at once, by one process at a time, past a kill.

Files are made in a hidden folder, the stage, and renamed from there. Renaming many takes some
milliseconds; whoever is killed just then has left a plan in the stage, by which the next run into
that folder ends what was begun. A stage without a plan was not complete and goes. A move that
fails is undone; where that fails too, as while another program holds a file, stage and plan stay as
after a kill.

Which of it is still in use is told by locks that the system itself lets go of when a process ends.
Windows, and some network shares, have no such locks on folders: there, stages of killed runs stay,
and two runs into one folder at the same moment may mix.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ToothSegLib.disk.atomic import replace_patiently
from ToothSegLib.disk.output_folder import new_folder
from ToothSegLib.errors import NOT_JSON, OutputError

_PREFIX = ".toothseg-"
_PLAN = ".plan.json"
_REPLACED = ".replaced"


class HalfMoved(OutputError):
    """A move could be neither ended nor undone; its stage stays."""


@contextmanager
def stage_in(folder: Path) -> Iterator[Path]:
    """A hidden folder inside `folder`, and so on the same disk; gone at the end.

    What a killed run has left there is ended or taken away first.

    Raises:
        OutputError: what was left cannot be ended.
        OSError: the folder is not there or cannot be written to.
    """
    half_moved = False
    with alone_in(folder) as sure:
        if sure:
            tidy(folder)
        stage = new_folder(folder, _prefix())
        lock = _lock(stage)
    try:
        yield stage
    except HalfMoved:
        half_moved = True
        raise
    finally:
        if not half_moved:
            shutil.rmtree(stage, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def move_all(stage: Path, folder: Path, names: Sequence[str], gone: Sequence[str] = ()) -> None:
    """Put staged files in place of any of the same names; on an error undo all of it.

    Args:
        stage: of `stage_in`.
        names: of the files, relative to both folders, with slashes.
        gone: files of the folder that have no successor.

    Raises:
        HalfMoved: it could not be undone; the next run into the folder ends it, see `tidy`.
        OutputError: a folder is where a file should go, or a file cannot be moved.
        OSError: the plan, or a folder, cannot be written.
    """
    with alone_in(folder):
        move_alone(stage, folder, names, gone)


def move_alone(stage: Path, folder: Path, names: Sequence[str], gone: Sequence[str]) -> None:
    """As `move_all`, for whoever is alone in the folder already, see `alone_in`."""
    there = [name for name in [*names, *gone] if os.path.lexists(folder / name)]
    for name in there:
        if os.path.isdir(folder / name):
            raise OutputError(f"{folder / name} is a folder where a file should go")
    plan = stage / _PLAN
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(list(gone), file)
        file.flush()
        os.fsync(file.fileno())
    moves = [(folder / name, stage / _REPLACED / name) for name in there]
    moves += [(stage / name, folder / name) for name in names]
    made = [path for _, target in moves for path in _make_parents(target)]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            replace_patiently(source, target)
            done.append((source, target))
    except BaseException as error:
        try:
            # No further than the first that fails: each new file is still in the stage or in its
            # place, from where the plan can be ended.
            for source, target in reversed(done):
                replace_patiently(target, source, OSError)
        except BaseException as other:
            reason = other.strerror if isinstance(other, OSError) else None
            raise HalfMoved(
                f"cannot write to {folder}, nor put back what was there "
                f"({reason or type(other).__name__}): run it again; until then the files lie in "
                f"the hidden folder {stage.name} in it"
            ) from error
        with suppress(OSError):
            plan.unlink()
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            name = [*there, *names][len(done)]
            if sys.platform == "win32":  # nowhere else does a program hold its files so
                what = "; if another program has it open, close it and try again"
            else:
                what = "; see that you may write there"
            raise OutputError(
                f"cannot write {folder / name}: {error.strerror or error}"
                + (what if isinstance(error, PermissionError) else "")
            ) from error
        raise


def _make_parents(path: Path) -> list[Path]:
    """The folders that had to be made for a file, the outermost first."""
    made = [parent for parent in path.parents if not parent.exists()][::-1]
    for parent in made:
        parent.mkdir()
    return made


def _prefix() -> str:
    """Of the stages of this computer: locks of another one cannot be asked everywhere."""
    return f"{_PREFIX}{zlib.crc32(socket.gethostname().encode()):08x}-"


def tidy(folder: Path, *, ours: bool = False) -> None:
    """End what killed runs have begun, and take away the rest of them; alone in the folder.

    Args:
        folder: where they worked.
        ours: a lock elsewhere keeps other runs out of the folder, so that what other computers
            have left, and what cannot be locked, is in use by nobody either.

    Raises:
        OutputError: something that was begun cannot be ended. It stays, for it may be all there is
            of a result.
    """
    for stage in sorted(folder.glob(f"{_PREFIX if ours else _prefix()}*")):
        if not stage.is_dir() or stage.is_symlink():
            continue
        try:
            lock = _lock(stage)
        except BlockingIOError:
            continue  # in use
        if lock is None and not ours:
            continue
        try:
            if (gone := _plan_in(stage)) is not None:
                _end(stage, folder, gone)
            shutil.rmtree(stage, ignore_errors=True)
        except OSError as error:
            raise OutputError(
                f"cannot end in {folder} what an earlier run has begun "
                f"({error.strerror or error}): try again, or move its hidden folder {stage.name} "
                "elsewhere"
            ) from error
        finally:
            if lock is not None:
                os.close(lock)


def _plan_in(stage: Path) -> list[str] | None:
    """Which files have no successor; None where the move had not begun. Raises OSError."""
    try:
        gone = json.loads((stage / _PLAN).read_text(encoding="utf-8"))
    except (FileNotFoundError, *NOT_JSON):
        return None
    return [str(name) for name in gone] if isinstance(gone, list) else None


def _end(stage: Path, folder: Path, gone: list[str]) -> None:
    # The plan goes last, with the stage: whoever is killed here leaves it to the next run.
    shutil.rmtree(stage / _REPLACED, ignore_errors=True)
    staged = sorted(path for path in stage.rglob("*") if path.is_file())
    for source in (path for path in staged if path != stage / _PLAN):
        target = folder / source.relative_to(stage)
        _make_parents(target)
        replace_patiently(source, target, OSError)
    for name in gone:
        if not os.path.isabs(name) and ".." not in Path(name).parts:
            (folder / name).unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Alone in a folder for the length of the block, where the system can see to that.

    Yields whether it does. Not to be nested: the inner one would wait for ever.
    """
    lock = _lock(folder, wait=True)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """A lock on a folder, which ends with the descriptor or the process; None without one.

    Raises:
        BlockingIOError: it is locked, and the caller does not want to wait.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
