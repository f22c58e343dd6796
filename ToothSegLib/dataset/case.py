"""One case of a data set: its scan, its labels, and how a new revision comes to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ToothSegLib.command_line import command_line
from ToothSegLib.dataset import stage
from ToothSegLib.dataset.case_json import now
from ToothSegLib.dataset.lock import Lock, break_lock, held
from ToothSegLib.dataset.privacy import check_texts
from ToothSegLib.dataset.record import (
    REVIEW_ORDER,
    Change,
    Prediction,
    Revision,
    check_who,
    composed,
    full_review,
)
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.dataset.revisions import (
    IMAGE,
    LABELS,
    RECORD,
    commit,
    copy_up,
    is_foreign,
    newest_record,
    own_record,
    revision_folder,
    write_record,
)
from ToothSegLib.dataset.voxels import (
    checked_labels,
    read_placed,
    teeth_of,
    write_labels,
)
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.formats.scan_checksum import voxels_sha256
from ToothSegLib.volume import Volume


class DatasetCase:
    """A case as it was when it was opened; its revisions are added through it.

    Raises:
        InputError: the folder holds no case, its newest record is damaged, or it was renamed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = own_record(folder)
        self._lock: Lock | None = None

    @property
    def id(self) -> str:
        """The name of the case."""
        return self.record.id

    @property
    def revision(self) -> int:
        """The revision that was the newest when the case was opened or saved."""
        return self.record.revision

    def image(self) -> Volume:
        """The scan, its voxels in the type and exactly the place in which it came in.

        Raises:
            InputError: the file is missing, damaged or not the scan of the record.
        """
        path = self.folder / IMAGE
        image = read_placed(path, self.record.source)
        if voxels_sha256(image.array) != self.record.source.voxels_sha256:
            raise InputError(
                f"{path} does not hold the scan that was added as {self.id}: put that file back"
            )
        return replace(image, doubts=self.record.doubts)

    def labels(self, revision: int | None = None) -> Volume:
        """FDI numbers on the scan's grid, uint8, 0 background.

        Args:
            revision: an older one; by default that of `revision`.

        Raises:
            InputError: there is no such revision, or its file is damaged.
        """
        number = self.revision if revision is None else revision
        if number == 0 or number not in {entry.number for entry in self.record.history}:
            have = f"its newest revision is {self.revision}" if self.revision else "none yet"
            raise InputError(f"{self.id} has no labels of revision {number}: {have}")
        path = revision_folder(self.folder, number) / LABELS
        return checked_labels(read_placed(path, self.record.source), self.record.source)

    def saved_labels(self, revision: int) -> Volume:
        """As `labels`, exactly as they were saved: to learn from, and to pass on.

        Raises:
            InputError: as of `labels`, or another program has written over the file.
        """
        labels = self.labels(revision)
        path = revision_folder(self.folder, revision) / LABELS
        saved = {entry.number: entry.labels_sha256 for entry in self.record.history}
        if file_sha256(path) != saved[revision]:
            words = ("toothseg", "dataset", "revise", str(self.folder.parent), self.id, "COPY")
            raise InputError(
                f"{path} does not hold the labels that were saved as revision {revision}: put that "
                "file back, or, if it holds work, make a revision of a copy by "
                f"{command_line(*words)}"
            )
        return labels

    def history(self) -> tuple[Revision, ...]:
        """Who saved what, and when; oldest first."""
        return self.record.history

    def next_tooth(self) -> int | None:
        """The tooth to go on with: the first that nobody has reviewed, along the arches."""
        return self.record.next_tooth

    @contextmanager
    def locked(self, who: str) -> Iterator[None]:
        """Keep others from writing to the case for longer than a save: while it is worked on.

        Raises:
            Locked: somebody else has done so.
        """
        with held(self.folder, who) as self._lock:
            try:
                yield
            finally:
                self._lock = None

    def break_lock(self) -> Lock | None:
        """Take away a lock that was left behind; see `lock.break_lock`."""
        return break_lock(self.folder)

    def save_revision(
        self,
        labels: Volume,
        who: str,
        changes: Iterable[Change] = (),
        review: Mapping[int, str] | None = None,
        *,
        note: str = "",
        prediction: Prediction | None = None,
        patient: str | None = None,
        accept_text: bool = False,
    ) -> int:
        """Save labels as a new revision, whole or not at all; older ones stay as they are.

        Args:
            labels: FDI numbers on the scan's grid.
            who: the annotator, best by initials.
            changes: what was done to which tooth since `revision`.
            review: state by FDI number; teeth that it leaves out are "predicted".
            note: free text.
            prediction: the bundle, if a new one has made these labels.
            patient: a pseudonym in the place of the recorded one; None leaves that.
            accept_text: write free text although it may tell who the patient is.

        Returns:
            The number of the new revision.

        Raises:
            InputError: labels, changes or review cannot be used.
            Suspicious: free text may tell who the patient is.
            Locked: somebody else is writing.
            Outdated: somebody else has saved a revision since this case was opened.
            OutputError: the files cannot be written, or one was changed outside of the data set.
        """
        check_who(who)
        who, note = composed(who), composed(note)
        patient = None if patient is None else composed(patient)
        changes = tuple(replace(change, what=composed(change.what)) for change in changes)
        labels = checked_labels(labels, self.record.source)
        teeth = teeth_of(labels.array)
        states = full_review(review or {}, teeth)
        for change in changes:
            if change.fdi not in REVIEW_ORDER:
                raise InputError(f"a change is recorded to tooth {change.fdi}: nobody has it")
        texts = {f"the change to tooth {change.fdi}": change.what for change in changes}
        texts |= {"the name": who, "the note": note, "the pseudonym": patient or ""}
        check_texts(texts, accepted=accept_text)
        with self._writing(who) as lock:
            self._check_newest()
            with stage.staged(self.folder, lock) as place:
                made = place / "revision"
                made.mkdir()
                write_labels(made / LABELS, labels)
                entry = Revision(
                    self.revision + 1, who, now(), file_sha256(made / LABELS), changes, note
                )
                record = replace(
                    self.record,
                    history=(*self.record.history, entry),
                    prediction=prediction or self.record.prediction,
                    patient=patient or self.record.patient,
                    teeth=teeth,
                    review=states,
                )
                write_record(made / RECORD, record)
                commit(made, self.folder, entry.number)
                self.record = record
                # The revision is there. Copies that fail are made when the set is opened again.
                with suppress(OSError, InputError):
                    copy_up(self.folder, record, place)
        return entry.number

    @contextmanager
    def _writing(self, who: str) -> Iterator[Lock]:
        if self._lock is not None:
            yield self._lock
            return
        with held(self.folder, who) as lock:
            yield lock

    def _check_newest(self) -> None:
        """What must hold before a revision is added to the case."""
        newest = newest_record(self.folder)
        if newest.history != self.record.history:
            last = newest.history[-1]
            raise Outdated(
                f"{self.id} has a newer revision, {last.number}, by {last.who} of {last.when}; "
                f"this one was made from {self.revision}: open the case again and carry the "
                "changes over"
            )
        path = self.folder / LABELS
        if is_foreign(path, newest):
            raise OutputError(
                f"{path} was changed outside of the data set: move it elsewhere, and save it as a "
                "revision if it holds work"
            )
