"""Files of a result that somebody has changed since: they hold work, and are never replaced.

A file that is merely cut off, as by a copy that broke off, holds none. In doubt a file counts as
somebody's work: a result can be computed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.errors import UNSOUND_JSON, InputError
from ToothSegLib.formats.nrrd_voxels import is_whole_nrrd

_CHUNK = 1 << 20
_PNG_END = b"IEND\xaeB`\x82"
_STL_HEADER, _STL_FACET = 84, 50


def edited_files(
    folder: Path, record: Mapping[str, Any], record_time: int, *, all_of_them: bool
) -> list[str]:
    """Names of files that are there and whole, but not as they were written.

    Args:
        folder: of the result.
        record: the `files` of the result with their sizes and, unless an older version has noted
            them, their `checksums`.
        record_time: when that was written, in ns.
        all_of_them: take the checksum of files of the right size too that are no newer.

    Raises:
        InputError: a file cannot be read.
    """
    checksums = record.get("checksums", {})
    found = []
    for name, size in record["files"].items():
        path = folder / name
        try:
            now = path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        if now.st_size == size:
            if name not in checksums or not (all_of_them or now.st_mtime_ns > record_time):
                continue
            if file_sha256(path) == checksums[name]:
                continue
        if _is_whole(path):
            found.append(name)
    return found


def _is_whole(path: Path) -> bool:
    """Whether a file is not cut off, as far as its format tells. Raises InputError."""
    name = path.name.lower()
    try:
        if name.endswith(".nrrd"):
            return is_whole_nrrd(path)
        with open(path, "rb") as file:
            head = file.read(_STL_HEADER)
            file.seek(0, os.SEEK_END)
            size = file.tell()
            file.seek(max(0, size - _CHUNK))
            tail = file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if name.endswith(".json"):
        return _is_report(path)
    if name.endswith(".png"):
        return tail.rstrip(b"\0").endswith(_PNG_END)
    if name.endswith(".stl"):
        facets = int.from_bytes(head[-4:], "little")
        return size == _STL_HEADER + _STL_FACET * facets or b"endsolid" in tail
    return size > 0


def _is_report(path: Path) -> bool:
    try:
        return "teeth" in json.loads(path.read_bytes())
    except UNSOUND_JSON:
        return False
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
