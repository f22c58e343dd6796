"""What the ways out of a data set and into it have in common, whatever the other side's layout.

An export is a folder that is there whole or not at all. An import goes case by case, passes over
scans that are in the data set already, and so goes on where an earlier one was broken off.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import to_fdi, to_values
from ToothSegLib.dataset.lock import runs
from ToothSegLib.dataset.patients import Pseudonyms
from ToothSegLib.dataset.record import approved_review
from ToothSegLib.dataset.voxels import storable, teeth_of
from ToothSegLib.errors import InputError, OutputError, ToothSegError
from ToothSegLib.progress import Progress
from ToothSegLib.segment_labels import segment_teeth
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

ENDING = ".nrrd"


@dataclass(frozen=True)
class Incoming:
    """A case of another layout: its files, its name there; no labels for a scan alone."""

    name: str
    image: Path
    labels: Path | None


@dataclass
class Imported:
    """What became of an import.

    Args:
        added: names of the new cases.
        known: files of scans that were in the data set already.
        left_out: names of labels that are no tooth; they became background.
        patients: pseudonyms that were made up for patients of several cases, or of one.
        apart: by their names, the pseudonyms that cases which were there already should have, for
            others of the same patient have them.
    """

    added: list[str] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    apart: dict[str, str] = field(default_factory=dict)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write an export to, which takes the place of ``out`` once it is whole.

    Raises:
        OutputError: ``out`` holds something, or cannot be made.
    """
    out = Path(os.path.abspath(out))
    stage = None
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise OutputError(f"{out} is there already: name a new folder for the export")
        out.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{out.name}-"
        for left in out.parent.glob(f"{prefix}*.part"):
            if _was_ended(left.name.removeprefix(prefix)):
                shutil.rmtree(left, ignore_errors=True)
        # Whose it is stands in its name: a process may end before it has written anything into it.
        owner = f"{_this_machine()}-{os.getpid()}"
        stage = out.parent / f"{prefix}{owner}-{uuid.uuid4().hex}.part"
        stage.mkdir()
        yield stage
        if out.exists():  # empty; Windows renames over no folder
            out.rmdir()
        os.rename(stage, out)
    except ToothSegError as error:
        raise type(error)(str(error).replace(str(stage), str(out))) from error
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror or error}") from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)


def _this_machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12]


def _was_ended(owner: str) -> bool:
    """Whether a folder in the making is of a process that ended, by the end of its name."""
    machine, pid, *_ = [*owner.split("-"), ""]
    return machine == _this_machine() and pid.isdecimal() and not runs(int(pid))


def chosen_cases(dataset: Dataset, *, reviewed_only: bool) -> list[DatasetCase]:
    """The cases of an export.

    Raises:
        InputError: there are none, or one is damaged.
    """
    cases = dataset.cases()
    if reviewed_only:
        cases = [case for case in cases if case.record.reviewed]
    if not cases:
        which = "case that is reviewed to the end" if reviewed_only else "case"
        raise InputError(f"{dataset.folder} has no {which}: there is nothing to export")
    return cases


def write_case(case: DatasetCase, image: Path, labels: Path | None) -> None:
    """Write a case's scan, and its labels as consecutive values. Raises InputError, OutputError."""
    write_volume(image, case.image())
    if labels is not None:
        found = case.labels()
        write_volume(labels, found.with_array(to_values(found.array)))


def read_foreign_labels(path: Path, teeth: Mapping[int, int]) -> Volume:
    """FDI numbers of a label map of another layout; what a file of segments says comes first.

    Args:
        teeth: FDI number by label value.

    Raises:
        InputError: the file cannot be read, or holds values without a meaning.
    """
    values = read_volume(path)
    known = segment_teeth(path, values, teeth)
    return replace(values, array=to_fdi(values.array, {**teeth, **known}, str(path)))


def take_in(
    dataset: Dataset,
    incoming: Sequence[Incoming],
    teeth: dict[int, int],
    meta: CaseMeta,
    *,
    keep_names: bool,
    reviewed: bool,
    run: Progress,
    groups: Mapping[str, str] = MappingProxyType({}),
    told: Callable[[str], None] = lambda line: None,
) -> Imported:
    """Add cases of another layout.

    Args:
        teeth: FDI number by label value.
        meta: for all of them; its `case_id` is not looked at.
        keep_names: name the cases as they are named there, not by their checksums.
        reviewed: their labels have been reviewed; they count as approved.
        groups: what the cases of one patient share, by a case's name there.
        told: called with a line for every case that is added.

    Raises:
        InputError: a case cannot be used; those before it have been added.
        Suspicious: a name that is to be kept may tell who the patient is.
        OutputError: the data set cannot be written to.
        Cancelled: as asked; the cases before have been added.
    """
    result = Imported()
    pseudonyms = Pseudonyms(dataset, groups)
    result.patients = pseudonyms.made
    for number, case in enumerate(incoming):
        run.stage(f"adding {case.name}", 0.0, 1.0).update(number / len(incoming))
        image = storable(read_volume(case.image))
        there = dataset.find_scan(image)
        if there is not None:
            pseudonyms.meet(case.name, dataset.case(there))
            result.known.append(case.image)
            continue
        labels, review = None, {}
        if case.labels is not None:
            labels = read_foreign_labels(case.labels, teeth)
            if reviewed:
                review = approved_review(teeth_of(labels.array))
        case_id, patient = case.name if keep_names else None, pseudonyms.of(case.name)
        named = replace(meta, case_id=case_id, review=review, patient=patient)
        try:
            added = dataset.add(image, labels, named)
        except InputError as error:
            raise type(error)(f"{case.image}: {error}") from error
        result.added.append(added.id)
        told(added.id)
    result.apart = pseudonyms.apart()
    return result
