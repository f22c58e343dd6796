"""A file that is there whole or not at all, and what else is written to by the name of a file."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ToothSegLib.errors import OutputError

PART_PREFIX = ".toothseg-"


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
        os.replace(part, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # it is gone once renamed, and the first error is the one to tell
            part.unlink()


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
