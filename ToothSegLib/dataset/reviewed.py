"""The reviewed cases of a data set: what is fit to learn from, to measure against and to pass on.

Of each case that is the newest revision in which somebody has looked at every tooth. Where a newer
one waits for a look, that is said, for what it corrects is still wrong in the one that is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ToothSegLib.command_line import command_line
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.record import CaseRecord, patient_key
from ToothSegLib.dataset.revisions import RECORD, read_record, revision_folder
from ToothSegLib.dataset.voxels import values_sha256
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReviewedCase:
    """One revision of a case in which somebody has looked at every tooth.

    Attributes:
        case: where the voxels are.
        revision: its number.
        patient: what the cases of one patient share; a case of nobody's has its own.
    """

    case: DatasetCase
    revision: int
    patient: str

    @property
    def id(self) -> str:
        """The name of the case."""
        return self.case.id

    @property
    def scan_sha256(self) -> str:
        """Checksum of the scan's voxels: the same scan has it in every data set."""
        return self.case.record.source.voxels_sha256

    @property
    def labels_sha256(self) -> str | None:
        """Checksum of the file of this revision's labels, as it was saved."""
        saved = {entry.number: entry.labels_sha256 for entry in self.case.history()}
        return saved[self.revision]

    @cached_property
    def values_sha256(self) -> str:
        """Likewise, in whatever type and order of the voxels the scan has come there. Reads it, so
        raises InputError."""
        return values_sha256(self.image())

    def is_among(self, checksums: Collection[str]) -> bool:
        """Whether the scan is one of those of which these are checksums, of either kind.

        Raises:
            InputError: the scan cannot be read.
        """
        if not checksums or self.scan_sha256 in checksums:
            return bool(checksums)
        return self.values_sha256 in checksums

    def image(self) -> Volume:
        """The scan. Raises InputError."""
        return self.case.image()

    def labels(self) -> Volume:
        """FDI numbers of this revision, exactly as they were saved. Raises InputError."""
        return self.case.saved_labels(self.revision)

    def marked(self) -> Volume:
        """Where this revision or the case's first one has a tooth, rightly or not: bool, on the
        scan's grid. Raises InputError."""
        labels = self.labels()
        marked = labels.array > 0
        first = next(entry.number for entry in self.case.history() if entry.number)
        if first != self.revision:
            try:
                marked |= self.case.labels(first).array > 0
            except InputError as error:
                log.warning("%s: revision %d is left out of account: %s", self.id, first, error)
        return labels.with_array(marked)


def reviewed_cases(folder: Path) -> list[ReviewedCase]:
    """The newest reviewed revision of every case that has one, in order of the names.

    Cases and revisions that cannot be read are left out, with a warning; there is one too for each
    case whose newest revision is not the one that is taken.

    Raises:
        InputError: the folder is no data set, or nothing is reviewed.
    """
    cases = _cases(folder)
    found = newest_reviewed(cases)
    if not found:
        raise InputError(
            f"no case in {folder} has been reviewed to the end ({len(cases)} not yet): approve or "
            "correct every tooth of some in the module, or say so of a case whose teeth are right "
            f"by {command_line('toothseg', 'dataset', 'revise', str(folder), 'CASE')} --approved"
        )
    return found


def newest_reviewed(cases: Iterable[DatasetCase]) -> list[ReviewedCase]:
    """Of open cases, those that have a reviewed revision; warnings and errors as above."""
    found = [reviewed for case in cases if (reviewed := _newest(case)) is not None]
    for taken in found:
        if taken.revision < taken.case.revision:
            log.warning("%s", _why_older(taken))
    return found


def older_is_taken(case: DatasetCase) -> str:
    """In a line, that learning does not take a case's newest revision, and why; "" if it does."""
    taken = _newest(case)
    return "" if taken is None or taken.revision == case.revision else _why_older(taken)


def _why_older(taken: ReviewedCase) -> str:
    case, record = taken.case, taken.case.record
    waiting = sorted(record.waiting)
    teeth = ", ".join(map(str, waiting)) or "the loss of all teeth"
    what = f"{teeth} {'are' if waiting[1:] else 'is'}"
    revise = command_line("toothseg", "dataset", "revise", str(case.folder.parent), case.id)
    return (
        f"{case.id}: until {what} reviewed, learning takes revision {taken.revision}, not "
        f"{case.revision}; {revise} --approved says that the newest is right"
    )


def reviewed_scans(folder: Path) -> set[str]:
    """Checksums of the voxels of all scans with a reviewed revision; there may be none.

    Raises:
        InputError: the folder is no data set.
    """
    cases = _cases(folder)
    return {reviewed.scan_sha256 for case in cases if (reviewed := _newest(case)) is not None}


def reviewed_case(dataset: Dataset, case_id: str, revision: int) -> ReviewedCase:
    """A certain revision. Raises InputError if it is not there or not reviewed to the end."""
    case = dataset.case(case_id)
    record = _record(case, revision)
    if not record.reviewed:
        raise InputError(f"revision {revision} of {case_id} is not reviewed to the end")
    return _of(case, record)


def _cases(folder: Path) -> list[DatasetCase]:
    dataset = Dataset.open(folder)
    for line in dataset.recovered:
        log.warning("%s", line)
    return dataset.cases()


def _newest(case: DatasetCase) -> ReviewedCase | None:
    for entry in reversed(case.history()):
        try:
            record = case.record if entry.number == case.revision else _record(case, entry.number)
        except InputError as error:
            log.warning("%s: revision %d is left out: %s", case.id, entry.number, error)
            continue
        if record.reviewed:
            return _of(case, record)
    return None


def _record(case: DatasetCase, number: int) -> CaseRecord:
    return read_record(revision_folder(case.folder, number) / RECORD)


def patient_of(case: DatasetCase) -> str:
    """What the cases of one patient share; a case of nobody's has its own."""
    # A pseudonym may be spelt like the name of another case.
    key = patient_key(case.record.patient)
    return f"patient {key}" if key else f"case {case.id}"


def _of(case: DatasetCase, record: CaseRecord) -> ReviewedCase:
    return ReviewedCase(case, record.revision, patient_of(case))
