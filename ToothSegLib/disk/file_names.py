"""Names of a result's files: what they are made from, in UTF-8, and no longer than a disk takes."""

from __future__ import annotations

import os
from pathlib import Path

from ToothSegLib.errors import OutputError
from ToothSegLib.file_endings import ending_of

LONGEST_NAME = 255
"""Bytes that the name of a file may have."""
_LONGEST_ENDING = "-labels.nrrd"


def output_stem(source: str | os.PathLike[str]) -> str:
    """The name of a scan's file or folder without its ending: `scan.nii.gz` gives `scan`."""
    path = Path(os.path.abspath(source))
    name = in_utf8(path.name)
    if os.path.isdir(path):  # Path.is_dir raises where a folder on the way may not be entered
        return name or "scan"
    return name[: len(name) - len(ending_of(name))] or name


def in_utf8(name: str) -> str:
    """A file's name for JSON and other disks: a byte that is no letter in UTF-8 as `_xe9`."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace").replace("\\", "_")
    return name


def check_stem(stem: str) -> None:
    """Refuse a scan whose name is too long for the files of its result.

    Args:
        stem: what they begin with.

    Raises:
        OutputError: as said.
    """
    most = LONGEST_NAME - len(_LONGEST_ENDING)
    if (length := len(stem.encode())) > most:
        raise OutputError(
            f"the scan's name {stem[:20]}... has {length} bytes without its ending, too many for "
            f"the names of the results: give it a name of at most {most}"
        )
