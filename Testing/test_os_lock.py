"""A lock in a folder that several people may write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ToothSegLib.errors import OutputError
from ToothSegLib.machine.os_lock import os_locked

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The lock's file, which is not there yet, in a folder that a group may write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o775)
    return folder / ".lock"


def of_somebody_else(patch: pytest.MonkeyPatch, lock: Path, *, readable: bool = True) -> None:
    """Let the system refuse the file as one of another user's; the tests' own may be the root."""
    really = os.open

    def refused(path: object, flags: int, mode: int = 0o777, **more: int) -> int:
        if path == lock and (not readable or flags & (os.O_RDWR | os.O_WRONLY)):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, flags, mode, **more)  # type: ignore[arg-type]

    patch.setattr(os, "open", refused)


def test_whoever_may_write_to_the_folder_may_lock_it(lock: Path) -> None:
    before = os.umask(0o022)
    try:
        with os_locked(lock, "batch"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(lock.stat().st_mode) == 0o664
    lock.chmod(0o600)  # what somebody has set since stays
    with os_locked(lock, "batch"):
        assert lock.read_text().startswith(f"process {os.getpid()} on ")
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_a_lock_that_can_only_be_read_locks_all_the_same(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.write_text("process 1 of somebody else\n")
    with monkeypatch.context() as patch:
        of_somebody_else(patch, lock)
        with os_locked(lock, "batch"):
            patch.undo()
            with (
                pytest.raises(OutputError, match="is in use by .*: wait for that batch, or"),
                os_locked(lock, "batch"),
            ):
                pytest.fail("two at once")
    assert lock.read_text() == "process 1 of somebody else\n"


def test_a_lock_that_can_not_be_read_is_named(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock.touch()
    of_somebody_else(monkeypatch, lock, readable=False)
    with (
        pytest.raises(OutputError, match=f"Permission denied; {lock} is in the way: let its owner"),
        os_locked(lock, "batch"),
    ):
        pytest.fail("it was not locked")


def test_a_folder_that_can_not_be_written_to_is_named(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_somebody_else(monkeypatch, lock)
    with (
        pytest.raises(OutputError, match=f"cannot write to {lock.parent}: Permission denied$"),
        os_locked(lock, "batch"),
    ):
        pytest.fail("it was not locked")
