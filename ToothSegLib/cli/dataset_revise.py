"""`toothseg dataset revise`: labels from another program become a new revision of a case."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence

from ToothSegLib.cli.console import working
from ToothSegLib.cli.dataset_common import counted, opened, who_of
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.intake import read_foreign_labels
from ToothSegLib.dataset.nnunet import named_teeth
from ToothSegLib.dataset.record import (
    APPROVED,
    CORRECTED,
    MISSING,
    PREDICTED,
    CaseRecord,
    Change,
    approved_review,
)
from ToothSegLib.dataset.reverts import check_made_from, check_takes_nothing_back
from ToothSegLib.dataset.voxels import changed_teeth, checked_labels, teeth_of
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.volume import Volume


def revise(args: argparse.Namespace) -> int:
    """Save labels as a new revision; what was approved and has not changed stays approved."""
    case = opened(args).case(args.case)
    record = case.record
    if args.made_from is not None:
        check_made_from(case, args.made_from)
    with working(quiet=args.quiet) as (progress, cancelled):
        whole = Progress(progress, cancelled)
        whole.stage("reading", 0.0, 0.4).update(0.0)
        labels = checked_labels(_labels(args, case), record.source)
        before = case.labels() if case.revision else labels.with_array(0 * labels.array)
        changed = changed_teeth(before.array, labels.array)
        if args.made_from is None:
            check_takes_nothing_back(case, labels, changed, who_of(args))
        states = _review(record, teeth_of(labels.array), changed, approved=args.approved)
        same = args.patient in (None, record.patient) and not args.note
        if case.revision and not changed and states == record.review and same:
            what = args.labels or "nothing is given that is new: this"
            raise InputError(f"{what} is the same as revision {case.revision} of {case.id}")
        whole.stage("writing", 0.4, 1.0).update(0.0)
        number = case.save_revision(
            labels,
            who_of(args),
            [Change(fdi, "changed in another program") for fdi in changed],
            states,
            note=args.note,
            patient=args.patient,
            accept_text=args.accept_text,
        )
    if not args.quiet:
        same_as_before = "labels as they were" if number > 1 else "no teeth"
        what = f"{counted(len(changed), 'tooth')} changed" if changed else same_as_before
        print(f"{case.id}: revision {number}, {what}")
    return 0


def _labels(args: argparse.Namespace, case: DatasetCase) -> Volume:
    """Those of the file, or the newest where none is given. Raises InputError."""
    if args.labels is not None and args.names is not None:
        return read_foreign_labels(args.labels, named_teeth(args.names)[0])
    if args.labels is not None:
        return read_labels(args.labels)
    if not case.revision:
        raise InputError(f"{case.id} has no labels yet: give a file of them")
    return case.labels()


def _review(
    record: CaseRecord, teeth: Sequence[int], changed: Collection[int], *, approved: bool
) -> dict[int, str]:
    """The states after a revision: what has changed waits for a look, unless it had one."""
    was = record.review
    states = {fdi: PREDICTED if fdi in changed else was.get(fdi, PREDICTED) for fdi in teeth}
    if approved:
        corrected = {*changed, *(fdi for fdi, state in was.items() if state == CORRECTED)}
        states = {fdi: CORRECTED if fdi in corrected else APPROVED for fdi in teeth}
    missing = {fdi for fdi, state in was.items() if state == MISSING} - set(teeth)
    states |= dict.fromkeys(missing, MISSING)
    return states if states or not approved else approved_review(teeth)
