"""A data set: a folder of cases, opened, added to, and tidied after a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ToothSegLib.command_line import command_line
from ToothSegLib.dataset import stage
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.case_json import now
from ToothSegLib.dataset.lock import Lock, break_lock, held
from ToothSegLib.dataset.marker import (
    MARKER,
    case_names,
    folder_names,
    marker_problem,
    write_marker,
)
from ToothSegLib.dataset.privacy import check_texts
from ToothSegLib.dataset.record import (
    CaseRecord,
    Prediction,
    Revision,
    Source,
    check_id,
    check_who,
    composed,
    full_review,
)
from ToothSegLib.dataset.revisions import (
    IMAGE,
    LABELS,
    RECORD,
    REVISIONS,
    copy_up,
    newest_record,
    revision_folder,
    write_record,
)
from ToothSegLib.dataset.tidy import tidy
from ToothSegLib.dataset.voxels import (
    checked_labels,
    may_be_the_same,
    read_placed,
    same_values,
    source_of,
    storable,
    teeth_of,
    write_image,
    write_labels,
)
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.disk.output_folder import is_empty
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.grids.axis_order import in_order_of
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import check_scan


@dataclass(frozen=True)
class CaseMeta:
    """What is told of a new case beside its voxels.

    Args:
        who: the person who adds it, best by initials.
        case_id: its name; by default one made from the scan's checksum.
        patient: a pseudonym that all cases of one patient share.
        prediction: the bundle that made the labels, if one did.
        review: state by FDI number; teeth that it leaves out are "predicted".
        note: free text.
        accept_text: write free text although it may tell who the patient is.
    """

    who: str
    case_id: str | None = None
    patient: str | None = None
    prediction: Prediction | None = None
    review: Mapping[int, str] | None = None
    note: str = ""
    accept_text: bool = False


class Dataset:
    """An open data set; `open` and `create` make one.

    Attributes:
        folder: where it lies.
        recovered: in a line each, what was tidied when it was opened, where the work stopped,
            and which cases cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recovered: list[str] = []
        self._sources: dict[str, Source] = {}
        self._strays: set[str] = set()

    @classmethod
    def create(cls, folder: str | os.PathLike[str]) -> Dataset:
        """Make an empty data set in a folder that is empty or not there.

        Raises:
            OutputError: the folder holds something, or cannot be made.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not is_empty(folder):
                raise OutputError(f"{folder} is not empty: name a new folder for the data set")
        except OSError as error:
            raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
        write_marker(folder)
        return cls(folder)

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Dataset:
        """Open a data set and tidy what a program that ended in the middle has left.

        Raises:
            InputError: the folder is no data set, or one of a newer version.
        """
        dataset = cls(Path(folder))
        problem = marker_problem(dataset.folder)
        if problem:
            raise InputError(problem)
        dataset.recovered = tidy(dataset.folder)
        return dataset

    @classmethod
    @contextmanager
    def new_if_missing(cls, folder: str | os.PathLike[str]) -> Iterator[Dataset]:
        """Open a data set, or make one, to add to: a new one that stays empty is taken away.

        Raises:
            InputError: the folder holds something that is no data set.
            OutputError: the folder cannot be made.
        """
        folder = Path(folder)
        if (folder / MARKER).exists():
            yield cls.open(folder)
            return
        was_there = folder.exists()
        dataset = cls.create(folder)
        try:
            yield dataset
        finally:
            # Only as long as nobody else has begun to use it.
            if {path.name for path in folder.iterdir()} == {MARKER}:
                (folder / MARKER).unlink()
                if not was_there:
                    folder.rmdir()

    def case_ids(self) -> list[str]:
        """Names of the cases, in alphabetical order. InputError if the folder is gone."""
        return case_names(self.folder)

    def cases(self) -> list[DatasetCase]:
        """All cases that can be read; `recovered` tells of the others. InputError if it is gone."""
        found = []
        for case_id in self.case_ids():
            with suppress(InputError):
                found.append(DatasetCase(self.folder / case_id))
        return found

    def case(self, case_id: str) -> DatasetCase:
        """One case, by its name.

        Raises:
            InputError: there is no such case, or it is damaged.
        """
        if case_id not in folder_names(self.folder):
            raise InputError(
                f"there is no case {case_id!r:.120} in {self.folder}; toothseg dataset list names "
                "those that are there"
            )
        return DatasetCase(self.folder / case_id)

    def find(self, voxels_sha256: str) -> str | None:
        """The case of a scan, by the checksum of its voxels; None if it is not there."""
        names = self.case_ids()
        for name in set(names) - set(self._sources):
            with suppress(InputError):
                record = newest_record(self.folder / name)
                self._sources[name] = record.source
                if record.id != name:
                    self._strays.add(name)
        # A copy of a case, or one that was renamed, is second to the case itself.
        names.sort(key=lambda name: name in self._strays)
        known = [(name, self._sources[name]) for name in names if name in self._sources]
        return next((name for name, its in known if its.voxels_sha256 == voxels_sha256), None)

    def find_scan(self, image: Volume) -> str | None:
        """The case of a scan, in whatever type and order its voxels came; None if it is none."""
        source = source_of(image)
        there = self.find(source.voxels_sha256)
        if there is not None:
            return there
        for name in self.case_ids():
            other = self._sources.get(name)
            if other is not None and may_be_the_same(source, other):
                with suppress(InputError):  # a damaged scan, of which `checks` tells
                    theirs = read_placed(self.folder / name / IMAGE, other)
                    if same_values(image, theirs):
                        return name
        return None

    def add(self, image: Volume, labels: Volume | None, meta: CaseMeta) -> DatasetCase:
        """Add a case, whole or not at all. Nothing but voxels and their place is taken over.

        Args:
            image: the scan.
            labels: FDI numbers on its grid; None for a scan without labels yet.
            meta: what else is known.

        Raises:
            InputError: the scan, its labels or the meta data cannot be used, or the scan is there
                already.
            Suspicious: free text may tell who the patient is.
            Locked: somebody else is adding a case.
            OutputError: the files cannot be written.
        """
        check_scan(image)
        check_who(meta.who)
        meta = replace(
            meta,
            who=composed(meta.who),
            note=composed(meta.note),
            patient=None if meta.patient is None else composed(meta.patient),
        )
        image = storable(image)
        source = source_of(image)
        case_id = check_id(meta.case_id or f"case-{source.voxels_sha256[:12]}")
        texts = {"the name of the case": case_id, "the name": meta.who, "the note": meta.note}
        texts["the pseudonym"] = meta.patient or ""
        check_texts(texts, accepted=meta.accept_text)
        if labels is not None:
            labels = checked_labels(labels, source)
        teeth = () if labels is None else teeth_of(labels.array)
        review = full_review(meta.review or {}, teeth)
        with held(self.folder, meta.who) as lock:
            there = self.find_scan(image)
            if there is not None:
                raise InputError(self._there_already(image, there))
            if (self.folder / case_id).exists():
                raise InputError(f"there is a {case_id} in {self.folder} already: give another id")
            with stage.staged(self.folder, lock) as place:
                made = place / case_id
                revision = revision_folder(made, 0 if labels is None else 1)
                revision.mkdir(parents=True)
                write_image(made / IMAGE, image)
                if labels is not None:
                    write_labels(revision / LABELS, labels)
                entry = Revision(
                    number=0 if labels is None else 1,
                    who=meta.who,
                    when=now(),
                    labels_sha256=None if labels is None else file_sha256(revision / LABELS),
                    note=meta.note,
                )
                record = CaseRecord(
                    id=case_id,
                    source=source,
                    image_sha256=file_sha256(made / IMAGE),
                    history=(entry,),
                    prediction=meta.prediction,
                    patient=meta.patient,
                    teeth=teeth,
                    review=review,
                    doubts=image.doubts,
                )
                write_record(revision / RECORD, record)
                copy_up(made, record, place)
                for folder in (revision, made / REVISIONS, made):
                    stage.sync(folder)
                os.rename(made, self.folder / case_id)
                stage.sync(self.folder)
        return self.case(case_id)

    def _there_already(self, image: Volume, name: str) -> str:
        """That a scan is in the set, and what whoever wanted to add it can do, in words."""
        source = self._sources[name]
        there = source.placed(np.broadcast_to(np.uint8(0), source.shape))
        what = f"this scan is in {self.folder} already, as {name}"
        if in_order_of(image, there).same_grid(there):
            words = ("toothseg", "dataset", "revise", str(self.folder), name, "FILE")
            return f"{what}: {command_line(*words)} gives it other labels"
        return (
            f"{what}, but in another place: if the header was false then, move "
            f"{self.folder / name} out of the data set and add the scan again; if it is false now, "
            "there is nothing to add"
        )

    def break_lock(self) -> Lock | None:
        """Take away the lock on adding cases that was left behind; see `lock.break_lock`."""
        return break_lock(self.folder)
