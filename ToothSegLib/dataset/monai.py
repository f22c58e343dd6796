"""To and from MONAI's data list, a JSON file that names images and labels.

    OUT/datalist.json  images/<case>.nrrd  labels/<case>.nrrd

Format: that of `monai.data.load_decathlon_datalist` and Auto3DSeg (https://docs.monai.io): lists
"training" (and "validation") of {"image": ..., "label": ..., "fold": 0}, "testing" of
{"image": ...}, with paths relative to the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ToothSegLib.dataset.exchange import (
    ENDING,
    chosen_cases,
    whole_folder,
    write_case,
)
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.intake import Imported, Incoming, take_in
from ToothSegLib.dataset.label_codes import NAMES, fdi_by_value
from ToothSegLib.dataset.patients import PATIENTS, fold_by_name, group_by_name, groups_of
from ToothSegLib.dataset.reading import read_json
from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.disk.file_names import output_stem
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress

DATA_LIST = "datalist.json"
_LISTS = ("training", "validation", "testing", "test")


def export_monai(
    dataset: Dataset, out: Path, *, reviewed_only: bool = False, run: Progress | None = None
) -> int:
    """Write a folder with a data list; see `nnunet.export_nnunet` for arguments and errors."""
    run = run or Progress()
    cases = chosen_cases(dataset, reviewed_only=reviewed_only)
    fold_of = fold_by_name(going.case for going in cases if going.revision)
    with whole_folder(out) as folder:
        lists: dict[str, list[dict[str, str | int]]] = {"training": [], "testing": []}
        for name in ("images", "labels"):
            (folder / name).mkdir()
        for number, case in enumerate(cases):
            run.stage(f"exporting {case.id}", 0.0, 1.0).update(number / len(cases))
            image, labels = f"images/{case.id}{ENDING}", f"labels/{case.id}{ENDING}"
            if case.revision:
                fold = fold_of[case.id]
                lists["training"].append({"image": image, "label": labels, "fold": fold})
            else:
                lists["testing"].append({"image": image})
            write_case(case, folder / image, folder / labels if case.revision else None)
        content = {
            "name": "teeth",
            "modality": {"0": "CT"},
            "labels": {str(value): name for name, value in NAMES.items()},
            "numTraining": len(lists["training"]),
            "numTest": len(lists["testing"]),
            PATIENTS: groups_of(going.case for going in cases),
            **lists,
        }
        (folder / DATA_LIST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return len(cases)


def import_monai(dataset: Dataset, source: Path, meta: CaseMeta, **options: Any) -> Imported:
    """Add the cases of a data list.

    Args:
        source: the list, or a folder that holds one named `datalist.json` or `dataset.json`. Where
            it does not name its labels, they are taken for FDI numbers.
        meta, options: see `intake.take_in`.

    Raises:
        InputError: it is no data list.
    """
    path = _find(source)
    content = read_json(path)
    teeth = {0: 0} | {fdi: fdi for fdi in REVIEW_ORDER}
    left_out: dict[str, int] = {}
    if content.get("labels") is not None:
        teeth, left_out = fdi_by_value(_names(content["labels"], path))
    incoming = [
        _incoming(entry, path)
        for name in _LISTS
        for entry in _entries(content.get(name, []), name, path)
    ]
    if not incoming:
        raise InputError(f"{path} names no images in {', '.join(_LISTS)}")
    groups = group_by_name(content)
    result = take_in(dataset, incoming, teeth, meta, left_out=left_out, groups=groups, **options)
    result.description = path if content.get("labels") is not None else None
    return result


def _find(source: Path) -> Path:
    if not source.is_dir():
        return source
    names = (DATA_LIST, "dataset.json")
    found = next((source / name for name in names if (source / name).is_file()), None)
    if found is None:
        raise InputError(f"{source} holds no {' and no '.join(names)}: name the data list itself")
    return found


def _entries(value: Any, name: str, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{path}: {name!r} is not a list")
    return value


def _incoming(entry: Any, path: Path) -> Incoming:
    """One entry: a set of named paths, or a path alone for an image without labels."""
    named = {"image": entry} if isinstance(entry, str) else entry
    if not isinstance(named, dict):
        raise InputError(f"{path} has an entry that is no image: {entry!r:.100}")
    files: dict[str, Path | None] = {"image": None, "label": None}
    for key in files:
        value = named.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str) and value:
            files[key] = path.parent / value
        elif value is not None or key == "image":
            raise InputError(f"{path} has an entry with {value!r:.100} for its {key}: one file")
    image = files["image"]
    assert image is not None
    return Incoming(output_stem(image), image, files["label"])


def _names(labels: Any, path: Path) -> dict[str, int]:
    """Label values by name; the file has names by value."""
    if not isinstance(labels, dict) or not all(
        key.isdecimal() and isinstance(value, str) for key, value in labels.items()
    ):
        raise InputError(f"{path} has 'labels' that are not names by number")
    return {name: int(value) for value, name in labels.items()}
