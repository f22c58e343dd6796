"""One result of a batch with its scan, read back and compared with what its record says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ToothSegLib.batch.record import FORMAT, FORMAT_VERSION, RECORD_NAME, WHAT_TO_DO
from ToothSegLib.dataset.record import Source
from ToothSegLib.dataset.voxels import checked_labels, source_of, storable, teeth_of
from ToothSegLib.errors import UNSOUND_JSON, InputError
from ToothSegLib.report import Segmentation, from_json
from ToothSegLib.results.edited import edited_files
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

_AGAIN = "run toothseg batch again"


@dataclass(frozen=True)
class StoredResult:
    """A result, all of it in memory.

    Args:
        name: the folder of the result.
        image: the scan.
        source: what a data set remembers of the scan.
        segmentation: on the scan's grid.
    """

    name: str
    image: Volume
    source: Source
    segmentation: Segmentation


def read_result(folder: Path) -> StoredResult:
    """Read the result in a folder, and its scan from where the batch found it.

    Raises:
        InputError: the result is damaged, the scan is not there or is another one by now.
    """
    record = _record(folder)
    path = _scan(folder, record)
    image = storable(read_volume(path, series=record["scan"].get("series")))
    source = source_of(image)
    if source.voxels_sha256 != record["voxels_sha256"]:
        raise InputError(
            f"{path} is not the scan that was segmented, it has changed since: {_AGAIN}"
        )
    try:
        labels = checked_labels(read_volume(_file(folder, record, "-labels.nrrd")), source)
        report = _file(folder, record, "-report.json").read_text(encoding="utf-8")
        segmentation = from_json(report, labels)
    except (InputError, OSError, ValueError) as error:
        raise _damaged(folder, error) from None
    told = {tooth.fdi for tooth in segmentation.teeth}
    there = set(teeth_of(labels.array))
    if told != there:
        raise _damaged(folder, f"report and labels differ in {sorted(told ^ there)}")
    return StoredResult(folder.name, image, source, segmentation)


def _record(folder: Path) -> dict[str, Any]:
    """The record, with all that is asked of it. Raises InputError."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
        if (record["format"], record["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError(f"its record is of version {record['format_version']}")
        edited = edited_files(
            folder, record, (folder / RECORD_NAME).stat().st_mtime_ns, all_of_them=False
        )
        if edited:
            raise InputError(
                f"{folder} was edited by hand ({', '.join(edited)}) and no longer goes with its "
                f"report: {WHAT_TO_DO}"
            )
        for name, size in record["files"].items():
            if (folder / name).stat().st_size != size:
                raise ValueError(f"{name} is not {size} bytes long")
    except (OSError, *UNSOUND_JSON) as error:
        raise _damaged(folder, error) from None
    if not isinstance(record.get("voxels_sha256"), str):
        raise InputError(
            f"{folder} is of an older version that did not write down which voxels its scan has: "
            f"remove it and {_AGAIN}"
        )
    place = record.get("scan")
    if not isinstance(place, dict) or not isinstance(place.get("path"), str):
        raise InputError(
            f"{folder} is of an older version that did not write down where its scan lies: "
            f"{_AGAIN}, which keeps what is done and adds that"
        )
    return record


def _scan(folder: Path, record: dict[str, Any]) -> Path:
    """Where the scan lies: in full, or else seen from the output folder. Raises InputError."""
    place = record["scan"]
    seen = place.get("seen_from_out")
    paths = [Path(place["path"])]
    if isinstance(seen, str):
        paths.append(folder.parent / seen)  # a share under another name, or all was moved
    found = next((path for path in paths if path.exists()), None)
    if found is None:
        raise InputError(
            f"the scan of {folder.name} is no longer at {place['path']}: put it back, or {_AGAIN} "
            "over the folder where it is now"
        )
    return found.resolve()


def _file(folder: Path, record: dict[str, Any], ending: str) -> Path:
    """A file of the result. Raises ValueError if there is none of that ending."""
    name = next((name for name in record["files"] if name.endswith(ending)), None)
    if name is None or "/" in name or "\\" in name:
        raise ValueError(f"it has no file *{ending}")
    return folder / name


def _damaged(folder: Path, error: object) -> InputError:
    what = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
    return InputError(f"{folder} holds no whole result ({what}); {_AGAIN}")
