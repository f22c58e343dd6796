"""Keeps a case of a data set in step with a result in the scene: one revision a step.

A save is whole or not at all, and none replaces another (see docs/dataset.md), so that a program
that ends in the middle loses the step in hand at most.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.lock import Lock, read_lock
from ToothSegLib.dataset.marker import MARKER
from ToothSegLib.dataset.record import Change
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.dataset.voxels import changed_teeth
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume
from ToothSegScene.scan_checksums import checksum_of
from ToothSegScene.training_case import (
    PATIENT,
    TrainingCase,
    check_new_case,
    image_of,
    in_step,
    is_in_step,
    put_patient,
    training_case,
    volume_of,
)

BY_HAND = "edited by hand"
_REVIEWS = ("approved", "corrected", "taken back")
"""Steps that move no voxel by themselves."""


@dataclass(frozen=True)
class Author:
    """Who saves, and what they say to it.

    Args:
        who: best by initials.
        note: free text, written with the revision.
        accept_text: they have seen what looks like a patient's name, and write it nevertheless.
    """

    who: str
    note: str = ""
    accept_text: bool = False


class Autosave:
    """The case of one result in one data set, once it has been found there or added.

    Attributes:
        case: of the data set; None until the first save.
        recovered: in a line each, what a program that ended in the middle had left there.
        replaced: the pseudonym of the case that the last save has replaced by another; or "".
    """

    def __init__(self, segmentation_node: Any, folder: str | os.PathLike[str]) -> None:
        self._node = segmentation_node
        self._folder = Path(folder)
        self._labels: Volume | None = None
        self.case: DatasetCase | None = None
        self.recovered: list[str] = []
        self.replaced = ""

    def save(self, author: Author, what: str = "") -> int | None:
        """Save the result as it is now, with the pseudonym of its volume.

        A note, or a pseudonym other than the recorded one, is worth a revision by itself. A volume
        that has no pseudonym gets the recorded one.

        Args:
            author: who saves.
            what: what was done since the last save, in words, as in "smooth".

        Returns:
            The number of the new revision; None if there is nothing that the newest one lacks.

        Raises:
            InputError: the result or the folder cannot be used, the data set that it was saved into
                is not there any more, or its case is damaged.
            Suspicious: free text may tell who the patient is.
            Locked: somebody else is writing.
            Outdated: the data set holds a newer revision than the result was made from.
            OutputError: the folder cannot be written to.
        """
        now = training_case(self._node)
        self.replaced = ""
        if not self._is_still_of_the_case():
            self.case = None
        if self.case is None:
            added = self._join(now, author)
            if added is not None:
                return added
        assert self.case is not None
        now = replace(now, labels=on_grid_of(self.case, now.labels))
        changes = self._changes(now, what)
        recorded = self.case.record
        patient = self._patient() or recorded.patient
        same = not changes and now.review == dict(recorded.review) and patient == recorded.patient
        if self.case.revision and same and not author.note:
            self._saved(now)
            return None
        number = self.case.save_revision(
            now.labels,
            author.who,
            changes,
            now.review,
            note=author.note,
            prediction=now.prediction,
            patient=patient,
            accept_text=author.accept_text,
        )
        if patient != recorded.patient:
            self.replaced = recorded.patient or ""
        self._saved(now)
        return number

    def let_go(self) -> None:
        """Keep no voxels until the next save, which reads them from the data set again."""
        self._labels = None

    def lock_in_the_way(self) -> Lock | None:
        """The lock that keeps a save from going on, if there is one."""
        folders = [self._folder, *([self.case.folder] if self.case else [])]
        return next(filter(None, map(read_lock, folders)), None)

    def break_lock(self) -> None:
        """Take away locks that were left behind. Raises Locked if their program still runs."""
        Dataset.open(self._folder).break_lock()
        if self.case is not None:
            self.case.break_lock()

    def _is_still_of_the_case(self) -> bool:
        """False once a run has made the result anew, or its scan is another one.

        So it is where the case has been taken out of the folder, or gone on with, by others: it is
        read again, for nobody tells of that.

        Raises:
            InputError: the whole data set is not there, or the case is damaged. Nothing is begun
                anew then: there would be two data sets, or two cases, of one scan.
        """
        if self.case is None:
            return False
        if not os.path.exists(self._folder / MARKER):
            raise InputError(
                f"the data set {self._folder} is not there: connect its disk or share, or choose "
                "the folder that it is in now"
            )
        if not os.path.exists(self.case.folder):
            return False
        self.case = DatasetCase(self.case.folder)
        if self.case.revision and not is_in_step(self._node, self.case):
            return False
        known = self.case.record.source.voxels_sha256
        return checksum_of(volume_of(self._node)) == known

    def _join(self, now: TrainingCase, author: Author) -> int | None:
        """Find the case of the scan, or add it; the number of its first revision if it was."""
        with Dataset.new_if_missing(self._folder) as dataset:
            self.recovered = dataset.recovered
            name = dataset.find(checksum_of(volume_of(self._node)))
            if name is None:
                check_new_case(self._node)
                meta = CaseMeta(
                    who=author.who,
                    patient=self._patient(),
                    prediction=now.prediction,
                    review=now.review,
                    note=author.note,
                    accept_text=author.accept_text,
                )
                self.case = dataset.add(image_of(self._node), now.labels, meta)
                self._saved(now)
                return self.case.revision
            case = dataset.case(name)
        labels = case.labels() if case.revision else None
        if labels is not None and not is_in_step(self._node, case):
            same = now.review == case.record.review and np.array_equal(
                labels.array, now.labels.array
            )
            if not same:
                raise _outdated(case)
        self.case, self._labels = case, labels
        return None

    def _saved(self, now: TrainingCase) -> None:
        assert self.case is not None
        self._labels = now.labels
        in_step(self._node, self.case)
        put_patient(volume_of(self._node), self.case)

    def _patient(self) -> str | None:
        return volume_of(self._node).GetAttribute(PATIENT) or None

    def _changes(self, now: TrainingCase, what: str) -> list[Change]:
        assert self.case is not None
        if not self.case.revision:
            return []
        if self._labels is None:
            self._labels = self.case.labels()
        moved = changed_teeth(self._labels.array, now.labels.array)
        by = BY_HAND if not what or what in _REVIEWS else what
        judged = _differing(self.case.record.review, now.review)
        return [Change(fdi, by) for fdi in moved] + [
            Change(fdi, state) for fdi, state in judged.items() if fdi not in moved
        ]


def on_grid_of(case: DatasetCase, labels: Volume) -> Volume:
    """Labels on the voxels of a case's scan where that has been moved in the scene since.

    Such as by a transform that was hardened on scan and teeth. The voxels are the same, so each
    label stays with its voxel; only what is left and right must not have changed.

    Args:
        case: of the scan, by the checksum of its voxels.
        labels: on the voxels of the scan in the scene.

    Raises:
        InputError: the scan has been mirrored.
    """
    here = case.record.source.placed(labels.array)
    if np.linalg.det(here.direction) * np.linalg.det(labels.direction) < 0:
        raise InputError(
            f"the scan is mirrored against that of {case.id}, right to left: load the scan again, "
            "or save into another data set"
        )
    return here


def _differing(before: Mapping[int, str], after: Mapping[int, str]) -> dict[int, str]:
    """The new state of the teeth whose state differs, ascending."""
    return {
        fdi: after.get(fdi, "gone")
        for fdi in sorted(before.keys() | after.keys())
        if before.get(fdi) != after.get(fdi)
    }


def _outdated(case: DatasetCase) -> Outdated:
    last = case.history()[-1]
    return Outdated(
        f"the data set holds revision {last.number} of this scan, saved by {last.who} on "
        f"{last.when}, which this result does not come from: open the case and go on with that"
    )
