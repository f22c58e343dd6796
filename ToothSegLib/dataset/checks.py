"""Every inconsistency of a data set, in words. Looks only; nothing is tidied or mended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ToothSegLib.dataset import stage
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.case_checks import case_problems, is_stray
from ToothSegLib.dataset.label_doubts import case_doubts
from ToothSegLib.dataset.lock import read_lock
from ToothSegLib.dataset.marker import MARKER, case_names, folder_names, marker_problem
from ToothSegLib.dataset.record import CaseRecord, composed, patient_key
from ToothSegLib.dataset.revisions import IMAGE, REVISIONS, newest_record
from ToothSegLib.dataset.voxels import may_be_the_same, read_placed, same_values
from ToothSegLib.disk.output_folder import is_litter
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress, ProgressCallback

_STRAY = (
    f"it has no {REVISIONS}, so it is no case and is left alone: move it elsewhere, unless the "
    "storage system keeps it here"
)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a case, or with the whole set if ``case`` is empty."""

    case: str
    message: str

    def __str__(self) -> str:
        return f"{self.case}: {self.message}" if self.case else self.message


def check_dataset(
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Problem]:
    """Look at every file of a data set.

    Args:
        folder: the data set's; it is not written to.
        progress: called before every case.
        cancelled: asked before every case whether to stop.

    Raises:
        InputError: the folder cannot be read at all.
        Cancelled: as asked.
    """
    run = Progress(progress, cancelled)
    names, cases = folder_names(folder), set(case_names(folder))
    problems = [Problem("", message) for message in _set_problems(folder)]
    for number, name in enumerate(names):
        run.stage(f"checking {name}", 0.0, 1.0).update(number / len(names))
        if name in cases:
            problems += [Problem(name, message) for message in _lock_problems(folder / name)]
        problems += [Problem(name, message) for message in case_problems(folder / name)]
    newest = dict(_newest_records(folder, names))
    return [*problems, *_duplicates(newest), *_twins(folder, newest), *_spellings(newest)]


def doubtful_cases(
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Problem]:
    """What is to be looked at, but is no fault: folders that are no cases, doubtful places of
    scans, and labels that were reviewed and can hardly be right.

    Arguments and errors as of `check_dataset`.
    """
    run, names = Progress(progress, cancelled), case_names(folder)
    doubts = [Problem(name, _STRAY) for name in folder_names(folder) if is_stray(folder / name)]
    for number, (name, record) in enumerate(_newest_records(folder, names)):
        run.stage(f"looking at {name}", 0.0, 1.0).update(number / len(names))
        doubts += [Problem(name, doubt) for doubt in record.doubts]
        if record.reviewed:
            with suppress(InputError):  # it has been told of
                told = case_doubts(DatasetCase(folder / name))
                doubts += [Problem(name, doubt) for doubt in told]
    return doubts


def _set_problems(folder: Path) -> Iterator[str]:
    problem = marker_problem(folder)
    if problem:
        yield problem
    yield from _lock_problems(folder)
    known = {MARKER, "lock.json"}
    for path in sorted(folder.iterdir()):
        known_too = path.name.startswith(stage.PREFIX) or is_litter(path)
        if path.is_file() and path.name not in known and not known_too:
            yield f"{path.name} does not belong to a data set: move it elsewhere"


def _lock_problems(folder: Path) -> Iterator[str]:
    """Of a case, or of the whole set."""
    lock = read_lock(folder)
    if lock is not None and lock.process != "running":
        yield (f"locked by {lock}; if nobody is at it, break the lock (toothseg dataset unlock)")
    for path in stage.leftovers(folder):
        yield (
            f"{path.name} is left over from a save that was broken off; whatever opens the data "
            "set next (such as toothseg dataset list) clears it away"
        )


def _newest_records(folder: Path, names: list[str]) -> Iterator[tuple[str, CaseRecord]]:
    for name in names:
        with suppress(InputError):  # it has been told of
            yield name, newest_record(folder / name)


def _spellings(records: Mapping[str, CaseRecord]) -> Iterator[Problem]:
    """Pseudonyms that are one patient's, but are not written in one way."""
    by_key = defaultdict(list)
    for record in records.values():
        by_key[patient_key(record.patient)].append(composed(record.patient or ""))
    for key, spellings in by_key.items():
        if key and len(set(spellings)) > 1:
            words = " and ".join(sorted({repr(spelling) for spelling in spellings}))
            yield Problem("", f"the pseudonyms {words} count as one patient: spell them alike")


def _twins(folder: Path, records: Mapping[str, CaseRecord]) -> Iterator[Problem]:
    """Scans that are the same but for the type of their values, or the order of their voxels."""
    for (one, its), (other, theirs) in combinations(records.items(), 2):
        if may_be_the_same(its.source, theirs.source):
            with suppress(InputError):  # it has been told of
                scans = [
                    read_placed(folder / name / IMAGE, record.source)
                    for name, record in ((one, its), (other, theirs))
                ]
                if same_values(*scans):
                    types = (its.source.dtype, theirs.source.dtype)
                    how = "with their voxels in another order"
                    how = f"as {' and '.join(types)}" if len(set(types)) > 1 else how
                    message = f"{one} and {other} are the same scan, {how}: keep one of them"
                    yield Problem("", message)


def _duplicates(records: Mapping[str, CaseRecord]) -> Iterator[Problem]:
    by_source = defaultdict(list)
    for name, record in records.items():
        by_source[record.source.voxels_sha256].append(name)
    for twins in by_source.values():
        if twins[1:]:
            yield Problem("", f"{', '.join(twins)} are the same scan: keep one of them")
