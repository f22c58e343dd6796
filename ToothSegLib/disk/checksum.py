"""The checksum of files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from ToothSegLib.errors import InputError

_CHUNK = 1 << 22


def file_sha256(*paths: str | os.PathLike[str], check: Callable[[], None] | None = None) -> str:
    """SHA-256 of a file's bytes; of several files, of their bytes one after the other.

    Args:
        paths: in a fixed order.
        check: called now and then; may raise.

    Raises:
        InputError: one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with open(path, "rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    if check is not None:
                        check()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
