"""Every inconsistency of one case, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ToothSegLib.dataset import stage
from ToothSegLib.dataset.lock import LOCK_NAME
from ToothSegLib.dataset.record import CaseRecord, review_problems
from ToothSegLib.dataset.revisions import (
    EMPTY_SHA256,
    IMAGE,
    LABELS,
    RECORD,
    REVISIONS,
    is_foreign,
    read_record,
    revision_folder,
    revision_numbers,
)
from ToothSegLib.dataset.voxels import (
    read_placed,
    unknown_numbers,
    values_in,
)
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.disk.output_folder import is_litter
from ToothSegLib.errors import InputError
from ToothSegLib.formats.scan_checksum import voxels_sha256

_FILES = {IMAGE, LABELS, RECORD, REVISIONS, LOCK_NAME}


# What some storage systems put into every folder, beside what `is_litter` knows.
_STORAGE_FOLDERS = {"@eaDir"}


def case_problems(folder: Path) -> Iterator[str]:
    """What is wrong with a case's files; every file is read. Nothing with what is no case."""
    numbers = revision_numbers(folder)
    if not numbers:
        if not is_stray(folder):
            yield (
                f"it has no {REVISIONS} and is left out: wait until it is copied whole, or bring "
                "its revisions back from a backup"
            )
        return
    yield from _gaps(numbers)
    yield from _strangers(folder)
    records = {}
    for number in numbers:
        try:
            records[number] = read_record(revision_folder(folder, number) / RECORD)
        except InputError as error:
            yield str(error)
    for number, record in records.items():
        yield from _revision_problems(folder, number, record)
    newest = records.get(numbers[-1])
    if newest is None:
        return
    for number, record in records.items():
        if newest.history[: len(record.history)] != record.history:
            yield f"revision {number} tells another history than the newest, {numbers[-1]}"
    if newest.id != folder.name:
        yield (
            f"its record calls it {newest.id}, so it was renamed or copied and is left out: give "
            "it that name again, or move it elsewhere"
        )
    yield from _image_problems(folder, newest)
    if newest.revision:
        yield from _label_problems(folder, newest)
        yield from _copied_labels_problems(folder, newest)
    yield from _copied_record_problems(folder, newest)


def is_stray(folder: Path) -> bool:
    """Whether a folder in a data set holds nothing of a case, whole or not."""
    parts = (IMAGE, LABELS, RECORD, REVISIONS)
    return not any(os.path.lexists(folder / name) for name in parts)


def _gaps(numbers: list[int]) -> Iterator[str]:
    # A case added with labels begins with 1, one without with 0.
    for number in sorted(set(range(1, numbers[-1] + 1)) - set(numbers)):
        yield f"revision {number} is missing"


def _strangers(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        known = path.name in _FILES or path.name.startswith(stage.PREFIX)
        if not known and not _is_the_systems(path):
            yield f"{path.name} does not belong to a case: move it elsewhere"
    for path in sorted((folder / REVISIONS).iterdir()):
        if not (path.is_dir() and path.name.isdecimal()) and not _is_the_systems(path):
            yield f"{REVISIONS}/{path.name} is no revision: move it elsewhere"


def _is_the_systems(path: Path) -> bool:
    """Whether systems put this into folders by themselves, so that it would be back at once."""
    return is_litter(path) or path.name in _STORAGE_FOLDERS


def _revision_problems(folder: Path, number: int, record: CaseRecord) -> Iterator[str]:
    if record.revision != number:
        yield f"the record of revision {number} is that of revision {record.revision}"
        return
    path = revision_folder(folder, number) / LABELS
    expected = record.history[-1].labels_sha256
    if expected is None:
        return
    try:
        if file_sha256(path) != expected:
            yield f"the labels of revision {number} are not those that were saved (checksum)"
    except InputError as error:
        yield str(error)


def _image_problems(folder: Path, record: CaseRecord) -> Iterator[str]:
    path = folder / IMAGE
    try:
        changed = file_sha256(path) != record.image_sha256
        if changed:
            yield f"{IMAGE} is not the file that was added (checksum)"
        image = read_placed(path, record.source)
        if changed and voxels_sha256(image.array) != record.source.voxels_sha256:
            yield f"{IMAGE} does not hold the voxels that were added"
    except InputError as error:
        yield str(error)


def _label_problems(folder: Path, record: CaseRecord) -> Iterator[str]:
    """Of the newest revision: grid, numbers, and what the record says of its teeth."""
    try:
        labels = read_placed(revision_folder(folder, record.revision) / LABELS, record.source)
    except InputError as error:
        yield str(error)
        return
    for value in unknown_numbers(labels.array)[:5]:
        yield f"the labels hold {value:g}, which is no FDI number of a tooth"
    there = {int(value) for value in values_in(labels.array) if value}
    if there != set(record.teeth):
        differ = sorted(there ^ set(record.teeth))
        yield f"record and labels disagree on which teeth are there: {', '.join(map(str, differ))}"
    yield from review_problems(record.review, there)
    for fdi in sorted(there & set(record.teeth) - set(record.review)):
        yield f"tooth {fdi} has no review state"


def _copied_labels_problems(folder: Path, record: CaseRecord) -> Iterator[str]:
    path = folder / LABELS
    try:
        if not path.exists():
            yield f"{LABELS} is missing; the next revision, or a copy of the newest, brings it back"
        elif is_foreign(path, record):
            yield (
                f"{LABELS} was changed outside of the data set: move it elsewhere, and save it as "
                "a revision if it holds work"
            )
        elif file_sha256(path) == EMPTY_SHA256:
            yield f"{LABELS} is empty; the next revision, or a copy of the newest, brings it back"
        elif file_sha256(path) != record.history[-1].labels_sha256:
            yield f"{LABELS} is that of an older revision than {record.revision}"
    except InputError as error:
        yield str(error)


def _copied_record_problems(folder: Path, record: CaseRecord) -> Iterator[str]:
    newest = revision_folder(folder, record.revision) / RECORD
    try:
        if (folder / RECORD).read_bytes() != newest.read_bytes():
            yield f"{RECORD} is not that of the newest revision, {record.revision}"
    except OSError as error:
        yield f"{RECORD} cannot be read: {error.strerror or error}"
