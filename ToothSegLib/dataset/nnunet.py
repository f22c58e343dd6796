"""To and from nnU-Net's raw data layout.

    OUT/dataset.json  imagesTr/<case>_0000.nrrd  labelsTr/<case>.nrrd  imagesTs/<case>_0000.nrrd
    OUT/splits_final.json  (nnU-Net looks for it among what it has preprocessed)

Format: nnU-Net v2, documentation/dataset_format.md (https://github.com/MIC-DKFZ/nnUNet; Isensee et
al., Nature Methods 18, 2021). Scans without labels are its test images.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from ToothSegLib.disk.output_folder import is_litter
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress

DESCRIPTION = "dataset.json"
SPLITS = "splits_final.json"
"""Which cases a training of each fold learns from, and which it is judged by."""

_CHANNEL = "_0000"


def export_nnunet(
    dataset: Dataset, out: Path, *, reviewed_only: bool = False, run: Progress | None = None
) -> int:
    """Write a folder that nnU-Net takes as it is, if its name is such as `Dataset501_Teeth`.

    Args:
        out: the folder; it must be empty or not there.
        reviewed_only: of each case the newest revision that is reviewed to the end, and no case
            without one.

    Returns:
        How many cases it holds.

    Raises:
        InputError: there is nothing to export, or a case is damaged.
        OutputError: the folder cannot be written.
    """
    run = run or Progress()
    cases = chosen_cases(dataset, reviewed_only=reviewed_only)
    fold_of = fold_by_name(going.case for going in cases if going.revision)
    with whole_folder(out) as folder:
        for name in ("imagesTr", "labelsTr"):
            (folder / name).mkdir()
        for number, case in enumerate(cases):
            run.stage(f"exporting {case.id}", 0.0, 1.0).update(number / len(cases))
            images, labels = "imagesTr", folder / "labelsTr" / f"{case.id}{ENDING}"
            if not case.revision:
                images = "imagesTs"
                (folder / images).mkdir(exist_ok=True)
            image = folder / images / f"{case.id}{_CHANNEL}{ENDING}"
            write_case(case, image, labels if case.revision else None)
        content = {
            # This name asks for nnU-Net's normalisation of CT.
            "channel_names": {"0": "CT"},
            "labels": NAMES,
            "numTraining": sum(case.revision > 0 for case in cases),
            "file_ending": ENDING,
            PATIENTS: groups_of(going.case for going in cases),
        }
        (folder / DESCRIPTION).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        splits = _splits(fold_of)
        if splits:
            (folder / SPLITS).write_text(json.dumps(splits, indent=2) + "\n", encoding="utf-8")
    return len(cases)


def _splits(fold_of: Mapping[str, int]) -> list[dict[str, list[str]]]:
    """As nnU-Net has them; none where all cases are of one patient: none is left to learn from."""
    folds = sorted(set(fold_of.values()))
    return [
        {
            "train": [name for name, its in fold_of.items() if its != fold],
            "val": [name for name, its in fold_of.items() if its == fold],
        }
        for fold in folds
        if len(folds) > 1
    ]


def import_nnunet(dataset: Dataset, folder: Path, meta: CaseMeta, **options: Any) -> Imported:
    """Add the cases of an nnU-Net data set.

    Args:
        folder: with dataset.json in it.
        meta, options: see `intake.take_in`.

    Raises:
        InputError: it is no such data set.
    """
    path = folder / DESCRIPTION
    content = read_json(path)
    channels = content.get("channel_names", content.get("modality"))
    if not isinstance(channels, dict) or len(channels) != 1:
        raise InputError(f"{path} names {channels!r:.100} for channels: one, of CT, is needed")
    ending = content.get("file_ending", ".nii.gz")
    if not isinstance(ending, str) or not ending.startswith("."):
        raise InputError(f"{path} has no file ending: {ending!r:.100}")
    teeth, left_out = named_teeth(path)
    groups = group_by_name(content)
    cases = _cases(folder, ending)
    result = take_in(dataset, cases, teeth, meta, left_out=left_out, groups=groups, **options)
    result.description = path
    return result


def named_teeth(path: Path) -> tuple[dict[int, int], dict[str, int]]:
    """What the label values of a data set are, by the file that names them, also MONAI's.

    Returns:
        As `label_codes.fdi_by_value`.

    Raises:
        InputError: the file cannot be read, or names no teeth.
    """
    return fdi_by_value(_names(read_json(path).get("labels"), path))


def _cases(folder: Path, ending: str) -> list[Incoming]:
    found = []
    for images, labels in (("imagesTr", "labelsTr"), ("imagesTs", "labelsTs")):
        for image in sorted((folder / images).glob(f"*{_CHANNEL}{ending}")):
            if is_litter(image):  # macOS leaves a `._` file beside each on a foreign disk
                continue
            name = image.name[: -len(_CHANNEL + ending)]
            label = folder / labels / f"{name}{ending}"
            if images == "imagesTr" and not label.is_file():
                raise InputError(f"{image} has no labels: {label} is missing")
            found.append(Incoming(name, image, label if label.is_file() else None))
    if not found:
        raise InputError(f"{folder}/imagesTr has no files that end in {_CHANNEL}{ending}")
    return found


def _names(labels: Any, path: Path) -> dict[str, int]:
    """Label values by name; the first nnU-Net had names by value."""
    if not isinstance(labels, dict):
        raise InputError(f"{path} does not name its labels")
    pairs = {
        (value, int(key)) if isinstance(value, str) and key.isdecimal() else (key, value)
        for key, value in labels.items()
        if not isinstance(value, list | dict)
    }
    names = dict(sorted(pairs, key=str))
    if len(names) < len(labels) or any(type(value) is not int for value in names.values()):
        raise InputError(f"{path} has labels that are no single numbers (regions, perhaps)")
    return names
