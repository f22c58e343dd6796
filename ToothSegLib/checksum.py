"""Which files the voxels of a scan come from, and their checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ToothSegLib.errors import InputError

_CHUNK = 1 << 22
_HEADERS = (".nhdr", ".mhd")
_LONGEST_HEADER = 1 << 20


def files_of(path: Path) -> tuple[str, ...]:
    """A file, and the files beside it that its header names, where the voxels lie apart."""
    beside = []
    if path.name.lower().endswith(_HEADERS):
        try:
            with open(path, "rb") as file:
                lines = file.read(_LONGEST_HEADER).decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []  # reading the scan will tell
        for line in lines:
            # "data file: a.raw", "ElementDataFile = a.raw", or a line of a list
            name = line.replace("=", ":").rpartition(":")[2].strip()
            if name not in ("", ".", "..", path.name) and not set(name) & set("/\\\0"):
                beside.append(path.parent / name)
    return (str(path), *(str(file) for file in sorted(set(beside)) if file.is_file()))


def checksum(files: Sequence[str], check: Callable[[], None] | None = None) -> str:
    """SHA-256 of a file's bytes; of several files, of their bytes one after the other.

    Args:
        files: paths, in a fixed order.
        check: called now and then; may raise.

    Raises:
        InputError: one cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        try:
            with open(path, "rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    if check is not None:
                        check()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
