"""What lies in a job's private folder: the scan and the wishes, later the result.

request.json, scan.npy          written by the side that asks
result/labels.npy, report.json  written by the side that computes, whole or not at all
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.errors import OutputError, ToothSegError
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.report import Segmentation, from_json, to_json
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegLib.volume import Volume

_REQUEST, _SCAN, _RESULT = "request.json", "scan.npy", "result"
_LABELS, _REPORT = "labels.npy", "report.json"


def write_request(folder: Path, volume: Volume, options: Mapping[str, Any]) -> None:
    """Write a scan and the options of `cascade.segment`, JSON values all of them.

    Raises:
        OutputError: they cannot be written.
    """
    request = {
        "shape": volume.shape,
        "spacing": volume.spacing,
        "origin": volume.origin,
        "direction": volume.direction.tolist(),
        "doubts": volume.doubts,
        "options": dict(options),
    }
    try:
        np.save(folder / _SCAN, volume.array, allow_pickle=False)
        (folder / _REQUEST).write_text(json.dumps(request), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write the scan to {folder}: {error.strerror or error}; make room, or set the "
            "folder for temporary files to another disk"
        ) from error


def read_request(folder: Path) -> tuple[Volume, dict[str, Any]]:
    """The scan, its voxels left on the disk until they are looked at, and the options.

    Not so on Windows, where nobody can remove a file that is looked at in this way.
    """
    request = _read_json(folder / _REQUEST)
    array = np.load(
        folder / _SCAN, mmap_mode=None if sys.platform == "win32" else "r", allow_pickle=False
    )
    return _placed(array, request), request["options"]


def write_result(folder: Path, segmentation: Segmentation) -> None:
    """Write labels and report; the folder `result` is there with both, or not at all."""
    part = folder / f"{_RESULT}.part"
    part.mkdir()
    np.save(part / _LABELS, segmentation.labels.array, allow_pickle=False)
    (part / _REPORT).write_text(to_json(segmentation), encoding="utf-8")
    os.replace(part, folder / _RESULT)


def read_result(folder: Path) -> Segmentation:
    """The result, on the grid of the request.

    Raises:
        ToothSegError: it is not there, is damaged, or does not belong to the request.
    """
    try:
        request = _read_json(folder / _REQUEST)
        array = np.load(folder / _RESULT / _LABELS, allow_pickle=False)
        report = (folder / _RESULT / _REPORT).read_text(encoding="utf-8")
    except (OSError, ValueError, EOFError) as error:
        raise ToothSegError(f"the result cannot be read: {error}; run it again") from error
    if array.dtype != np.uint8 or list(array.shape) != request["shape"]:
        raise ToothSegError(
            f"the result has {array.dtype} voxels of shape {array.shape}, the scan has shape "
            f"{tuple(request['shape'])}; run it again"
        )
    segmentation = from_json(report, _placed(array, request))
    there = set(label_boxes(array))
    told = {tooth.fdi for tooth in segmentation.teeth}
    if there != told or not there <= set(FDI_NUMBERS):
        raise ToothSegError(
            f"the result's voxels show the teeth {sorted(there)}, its report {sorted(told)}; run "
            "it again"
        )
    return segmentation


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _placed(array: np.ndarray, request: Mapping[str, Any]) -> Volume:
    return Volume(
        array,
        spacing=tuple(request["spacing"]),
        origin=tuple(request["origin"]),
        direction=np.array(request["direction"]),
        doubts=tuple(request["doubts"]),
    )
