"""A file that is there whole or not at all, and what else is written to by the name of a file."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ToothSegLib.errors import OutputError

PART_PREFIX = ".toothseg-"
# Programs that look for viruses hold a file for a moment, and on Windows it cannot be moved then.
_PATIENCE_S = 1.0
_PAUSE_S = 0.05


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write, which takes the place of `path` only once it is whole.

    Raises:
        OutputError: the file cannot be written or renamed.
    """
    target = Path(path)
    # Not by the target's name, which may be as long as a name can be.
    part = target.with_name(f"{PART_PREFIX}{uuid.uuid4().hex[:8]}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace_patiently(part, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # it is gone once renamed, and the first error is the one to tell
            part.unlink()


def replace_patiently(
    source: Path, target: Path, waits_for: type[OSError] = PermissionError
) -> None:
    """Rename a file, tried for about a second where another program may hold it.

    Args:
        source: the file.
        target: its new name; what is there is replaced.
        waits_for: what may pass by itself.

    Raises:
        OSError: as the system says.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            os.replace(source, target)
            return
        except waits_for:
            if time.monotonic() >= until:
                raise
        time.sleep(_PAUSE_S)


@contextmanager
def writing_to(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """As `replacing`; but a pipe or a device is written into, and a link stays: what it leads to is
    replaced.

    Raises:
        OutputError: as `replacing`.
    """
    if not os.path.exists(path) or os.path.isfile(path):
        with replacing(os.path.realpath(path)) as file:
            yield file
        return
    try:
        with open(path, "wb") as file:
            yield file
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
