"""`toothseg dataset revise`: labels from another program become a new revision of a case."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ToothSegLib.cli.console import working
from ToothSegLib.cli.dataset_common import (
    counted,
    labels_in,
    opened,
    tell_label_doubts,
    who_of,
)
from ToothSegLib.cli.words import escaped
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.record import (
    APPROVED,
    CORRECTED,
    MISSING,
    NOT_THERE,
    PREDICTED,
    CaseRecord,
    Change,
    approved_review,
    composed,
)
from ToothSegLib.dataset.reverts import (
    check_made_from,
    check_same_places,
    check_takes_nothing_back,
)
from ToothSegLib.dataset.reviewed import older_is_taken
from ToothSegLib.dataset.voxels import changed_teeth, checked_labels, teeth_of
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume


def revise(args: argparse.Namespace) -> int:
    """Save labels as a new revision; what was approved and has not changed stays approved."""
    if args.names and args.labels is None:
        raise InputError("--names without a file of labels: there are no values that it names")
    case = opened(args).case(args.case)
    record = case.record
    if args.made_from is not None:
        check_made_from(case, args.made_from)
    with working(quiet=args.quiet) as (progress, cancelled):
        whole = Progress(progress, cancelled)
        whole.stage("reading", 0.0, 0.4).update(0.0)
        labels = checked_labels(_labels(args, case), record.source)
        teeth = teeth_of(labels.array)
        before = case.labels() if case.revision else labels.with_array(0 * labels.array)
        differ = changed = changed_teeth(before.array, labels.array)
        if not _is_as_saved(case):  # what was approved is not known
            changed = tuple(sorted({*record.teeth, *teeth}))
        states = _review(record, teeth, changed, approved=args.approved)
        gone = sorted(set(record.teeth) - set(teeth))
        if not args.approved:
            _check_nothing_is_lost(args.labels, record, gone, states)
        if not args.other_places:
            check_same_places(case, labels, before)
        if args.made_from is None:
            check_takes_nothing_back(case, labels, differ, who_of(args))
        patient = None if args.patient is None else composed(args.patient)
        same = patient in (None, record.patient) and not args.note
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
        done = _done(changed, gone) or same_as_before
        print(escaped(f"{case.id}: revision {number}, {done}"))
        if line := older_is_taken(case):
            print(escaped(line))
        if args.approved:
            tell_label_doubts(case)
    return 0


def _done(changed: Collection[int], gone: Sequence[int]) -> str:
    """What became of the teeth, in words; "" where nothing did."""
    kept = len(set(changed) - set(gone))
    words = [f"{counted(kept, 'tooth')} changed"] if kept else []
    words += [f"{counted(len(gone), 'tooth')} removed ({_listed(gone)})"] if gone else []
    return ", ".join(words)


def _check_nothing_is_lost(
    path: Path, record: CaseRecord, gone: Sequence[int], states: Mapping[int, str]
) -> None:
    """Refuse a file without teeth that would count as reviewed although nobody says they are gone.

    A tooth that is not in the labels is learned as background, and nothing waits for a look at it.

    Raises:
        InputError: reviewed teeth are gone, or teeth from a case that would be reviewed to its end.
    """
    lost = [fdi for fdi in gone if record.review.get(fdi, PREDICTED) != PREDICTED]
    if states and PREDICTED not in states.values():
        lost = list(gone)
    if lost:
        raise InputError(
            f"{path} lacks {_listed(lost)}, which revision {record.revision} holds: add --approved "
            "if that is not in this mouth and all other teeth are right, or mark it missing in the "
            "module"
        )


def _listed(teeth: Sequence[int]) -> str:
    return ", ".join(map(str, teeth))


def _labels(args: argparse.Namespace, case: DatasetCase) -> Volume:
    """Those of the file, or the newest where none is given, as they were saved. InputError."""
    if args.labels is not None:
        return labels_in(args.labels, args)
    if not case.revision:
        raise InputError(f"{case.id} has no labels yet: give a file of them")
    return case.saved_labels(case.revision)


def _is_as_saved(case: DatasetCase) -> bool:
    """Whether no other program has saved over the newest labels; so where there are none yet."""
    try:
        return not case.revision or case.saved_labels(case.revision) is not None
    except InputError:
        return False


def _review(
    record: CaseRecord, teeth: Sequence[int], changed: Collection[int], *, approved: bool
) -> dict[int, str]:
    """The states after a revision: what has changed waits for a look, unless it had one."""
    was = record.review
    states = {fdi: PREDICTED if fdi in changed else was.get(fdi, PREDICTED) for fdi in teeth}
    if approved:
        corrected = {*changed, *(fdi for fdi, state in was.items() if state == CORRECTED)}
        states = {fdi: CORRECTED if fdi in corrected else APPROVED for fdi in teeth}
    for fdi, state in was.items():
        if state in NOT_THERE and fdi not in teeth:
            states[fdi] = MISSING if approved else state
    return states if states or not approved else approved_review(teeth)
