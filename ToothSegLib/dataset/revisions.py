"""The revisions of a case on disk: how one comes to be, and the copies for other programs."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from ToothSegLib.dataset import stage
from ToothSegLib.dataset.case_json import from_text, to_text
from ToothSegLib.dataset.lock import Lock
from ToothSegLib.dataset.record import CaseRecord
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.errors import InputError

IMAGE, LABELS, RECORD, REVISIONS = "image.nrrd", "labels.seg.nrrd", "case.json", "revisions"

EMPTY_SHA256 = hashlib.sha256().hexdigest()
"""The checksum of a file that holds nothing."""


def newest_number(folder: Path) -> int:
    """The number of the newest revision in a case's folder.

    Raises:
        InputError: there is none.
    """
    numbers = revision_numbers(folder)
    if not numbers:
        raise InputError(
            f"{folder} is no case of a data set: it has no revisions; if it is one that is still "
            "being copied, wait until it is whole"
        )
    return numbers[-1]


def revision_numbers(folder: Path) -> list[int]:
    """Revisions in a case's folder, ascending; none where it holds none or cannot be read."""
    try:
        # What it lists knows what is a folder; asking the disk for each takes long on a share.
        with os.scandir(folder / REVISIONS) as there:
            return sorted(
                int(entry.name)
                for entry in there
                if entry.name.isascii() and entry.name.isdecimal() and entry.is_dir()
            )
    except OSError:
        return []


def revision_folder(folder: Path, number: int) -> Path:
    """Where a revision lies."""
    return folder / REVISIONS / f"{number:04d}"


def newest_record(folder: Path) -> CaseRecord:
    """The record of the newest revision. Raises InputError."""
    return read_record(revision_folder(folder, newest_number(folder)) / RECORD)


def own_record(folder: Path) -> CaseRecord:
    """The newest record of a case that lies where it was made.

    Raises:
        InputError: it is damaged, or the folder was renamed or is a copy of another case.
    """
    record = newest_record(folder)
    if record.id != os.path.basename(os.path.abspath(folder)):
        raise InputError(
            f"{folder} holds the case {record.id}, so it was renamed or copied: give it that name "
            "again, or move it elsewhere"
        )
    return record


def read_record(path: Path) -> CaseRecord:
    """A record from its file. Raises InputError."""
    try:
        return from_text(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def write_record(path: Path, record: CaseRecord) -> None:
    """Write a record to a stage. OSError if it cannot be."""
    with open(path, "xb") as file:
        file.write(to_text(record).encode())
        file.flush()
        os.fsync(file.fileno())


def commit(made: Path, folder: Path, number: int) -> None:
    """Move a finished revision among the others: the one step by which it comes to be.

    Raises:
        Outdated: there is a revision of this number.
    """
    target = revision_folder(folder, number)
    stage.sync(made)
    try:
        # Unlike a file, a folder is never renamed over one that holds something.
        os.rename(made, target)
    except OSError as error:
        if target.exists():
            raise Outdated(
                f"{folder.name} has got a revision {number} in this moment: open the case again "
                "and carry the changes over"
            ) from error
        raise
    stage.sync(target.parent)


def copy_newest_up(folder: Path, lock: Lock) -> bool:
    """Bring the copies beside `revisions/` up to date; whether they were not.

    Raises:
        InputError: the newest record is damaged.
        OutputError: the files cannot be written.
    """
    if is_up_to_date(folder):
        return False
    with stage.staged(folder, lock) as place:
        copy_up(folder, newest_record(folder), place)
    return True


def is_up_to_date(folder: Path) -> bool:
    """Whether `case.json`, which is copied last, is that of the newest revision."""
    try:
        newest = revision_folder(folder, newest_number(folder)) / RECORD
        return (folder / RECORD).read_bytes() == newest.read_bytes()
    except (OSError, InputError):
        return False


def copy_up(folder: Path, record: CaseRecord, place: Path) -> None:
    """Copy the newest revision's files beside `revisions/`, by way of a stage."""
    source = revision_folder(folder, record.revision)
    names = [LABELS, RECORD] if record.revision else [RECORD]
    for name in names:
        shutil.copyfile(source / name, place / name)
        with open(place / name, "rb+") as file:  # or a power cut may leave it empty
            os.fsync(file.fileno())
    for name in names:
        # Labels that somebody has saved over from outside may hold work: they stay.
        if name == LABELS and is_foreign(folder / name, record):
            continue
        os.replace(place / name, folder / name)


def is_foreign(path: Path, record: CaseRecord) -> bool:
    """Whether a file holds something, and that is the labels of none of the revisions.

    Raises:
        InputError: it cannot be read.
    """
    # One that a power cut has emptied holds nobody's work.
    ours = {EMPTY_SHA256, *(entry.labels_sha256 for entry in record.history)}
    return path.exists() and file_sha256(path) not in ours
