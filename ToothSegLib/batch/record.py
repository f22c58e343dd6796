"""What a result was made of, in its own folder: the last file of it, and proof that it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ToothSegLib import __version__
from ToothSegLib.batch.entry import Entry, Task
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.errors import UNSOUND_JSON, OutputError
from ToothSegLib.results.edited import edited_files

RECORD_NAME = "toothseg-batch.json"
FORMAT = "toothseg-batch"
FORMAT_VERSION = 1
WHAT_TO_DO = (
    "put the correction into a data set (toothseg dataset add), or remove the folder to compute it "
    "anew"
)
"""About a result that somebody has edited."""


def write_record(
    folder: Path, task: Task, entry: Entry, files: Iterable[Path], voxels_sha256: str
) -> None:
    """Say that a folder holds the whole result of a task.

    Args:
        folder: of the result.
        task: what was asked for.
        entry: what came of it.
        files: of the result, in the folder.
        voxels_sha256: of the scan, by which a data set knows it whatever its file.

    Raises:
        OutputError: it cannot be written.
        InputError: a file cannot be read back.
    """
    try:
        names = {path.relative_to(folder).as_posix(): path for path in files}
        sizes = {name: path.stat().st_size for name, path in names.items()}
    except OSError as error:
        raise OutputError(f"cannot look at {folder}: {error.strerror or error}") from error
    record = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "toothseg": __version__,
        "made_from": _made_from(task, entry.sha256),
        "voxels_sha256": voxels_sha256,
        "scan": _place_of(task),
        "entry": entry.to_json(),
        "files": sizes,
        "checksums": {name: file_sha256(path) for name, path in names.items()},
    }
    _write(folder, record)


@dataclass(frozen=True)
class Stored:
    """A result that is there.

    Args:
        entry: what came of its scan.
        same: it was made of the same things: the scan's bytes, the weights and which files were
            asked for; not the device, nor the version of ToothSeg.
        whole: all files are there, in the sizes that they were written in.
        files: names of all of them.
        edited: names of files that somebody has changed since, see `edited`.
        lacking: names of files that are not there, or are cut off.
    """

    entry: Entry
    same: bool
    whole: bool
    files: frozenset[str]
    edited: tuple[str, ...]
    lacking: tuple[str, ...]


def read_stored(folder: Path, task: Task, sha256: str) -> Stored | None:
    """The result in a folder; None where there is none that can be told from a record.

    Raises:
        InputError: a file of it cannot be read.
    """
    path = folder / RECORD_NAME
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if (record["format"], record["format_version"]) != (FORMAT, FORMAT_VERSION):
            return None
        same = _is_same(record["made_from"], _made_from(task, sha256))
        edited = edited_files(folder, record, path.stat().st_mtime_ns, all_of_them=not same)
        sizes = record["files"]
        others = [name for name, size in sizes.items() if _size(folder / name) != size]
        return Stored(
            Entry.from_json(record["entry"]),
            same,
            not others,
            frozenset(sizes),
            tuple(edited),
            tuple(name for name in others if name not in edited),
        )
    except (OSError, *UNSOUND_JSON):
        return None


def remember_place(folder: Path, task: Task) -> None:
    """Correct where a kept result's scan lies, if it was moved since.

    Raises:
        OutputError: it cannot be written.
    """
    record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    place = _place_of(task)
    if record.get("scan") != place:
        _write(folder, {**record, "scan": place})


def _place_of(task: Task) -> dict[str, Any]:
    """Where the scan lies, in full and seen from the output folder: a share has many names."""
    scan = task.scan
    try:
        seen_from_out = Path(os.path.relpath(scan.path, task.out)).as_posix()
    except ValueError:  # another drive
        seen_from_out = None
    return {"path": scan.path, "seen_from_out": seen_from_out, "series": scan.series}


def _write(folder: Path, record: dict[str, Any]) -> None:
    with replacing(folder / RECORD_NAME) as file:
        file.write(json.dumps(record, indent=2).encode())


def _size(path: Path) -> int | None:
    """Of a file that is there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _is_same(made_from: dict[str, Any], asked: dict[str, Any]) -> bool:
    # Which series that is does not matter while there is but one, and the bytes are the same.
    return made_from == asked or made_from == {**asked, "series": None}


def _made_from(task: Task, sha256: str | None) -> dict[str, Any]:
    options = task.options
    return {
        "sha256": sha256,
        "series": task.scan.series,
        "weights": dict(task.weights),
        "stl": options.stl,
        "picture": options.picture,
        "slices": options.slices,
    }
