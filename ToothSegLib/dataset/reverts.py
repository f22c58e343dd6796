"""Corrections of others that labels from outside would take back unnoticed.

Whoever corrects an old file again, in a program that knows nothing of revisions, brings back the
teeth that somebody else has corrected in the meantime as they were before.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn

import numpy as np

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.record import LOST, PREDICTED, name_key
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.dataset.revisions import RECORD, read_record, revision_folder
from ToothSegLib.dataset.voxels import changed_teeth, teeth_of
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume

# So many teeth that two label maps both hold tell whether they are of one scan, if they are few.
_ENOUGH = 4


def check_made_from(case: DatasetCase, number: int) -> None:
    """Raise Outdated if labels were not made from the newest revision."""
    if number == case.revision:
        return
    last = case.history()[-1]
    raise Outdated(
        f"{case.id} has the newest revision {last.number}, by {last.who} of {last.when}; these "
        f"labels were made from {number}: carry their changes over to the newest"
    )


def check_same_places(case: DatasetCase, labels: Volume, before: Volume) -> None:
    """Refuse labels most of whose teeth lie wholly where nothing was labelled: of another scan?

    Whatever number a place had: where left and right were exchanged, every tooth gets another one.
    A crumb by a tooth's number, which is drawn anew with all other teeth, tells nothing.

    Args:
        labels: FDI numbers on the scan's grid, to be saved.
        before: those of the newest revision.

    Raises:
        InputError: as said, of the teeth that both hold.
    """
    new, old = set(teeth_of(labels.array)), set(teeth_of(before.array))
    both = sorted(new & old)
    if len(both) < _ENOUGH and 2 * len(both) < max(len(new), len(old)):
        return
    there = set(teeth_of(np.where(before.array > 0, labels.array, np.uint8(0))))
    elsewhere = [fdi for fdi in both if fdi not in there]
    if 2 * len(elsewhere) > len(both):
        raise InputError(
            f"{len(elsewhere)} of {len(both)} teeth lie wholly where revision {case.revision} of "
            f"{case.id} has none: are these labels of another scan? If they are right, say so "
            "with --other-places"
        )


def check_takes_nothing_back(
    case: DatasetCase, labels: Volume, changed: Collection[int], who: str
) -> None:
    """Refuse labels in which teeth that somebody else has changed are as they were before.

    What came with revision 1 has no before: where somebody else had reviewed it, a correction
    changes some teeth of it, and another label map, such as a raw prediction, most.

    Args:
        labels: FDI numbers on the scan's grid, to be saved.
        changed: teeth in which they differ from the newest revision.
        who: saves them; one's own changes may be taken back.

    Raises:
        Outdated: who changed which teeth in which revision.
    """
    by_number = {entry.number: entry for entry in case.history() if entry.number > 0}
    others = {number for number, entry in by_number.items() if name_key(entry.who) != name_key(who)}
    theirs: dict[int, int] = {}
    if changed and 1 in others:
        _check_first(case, changed, by_number[1].who)
    if not changed or not others - {1}:
        return
    later = case.labels().array
    for number in sorted(by_number, reverse=True)[1:]:
        try:
            older = case.labels(number).array
        except InputError as error:
            _refuse_unknown(case, number, error)
        if number + 1 in others:
            for fdi in changed_teeth(older, later):
                theirs.setdefault(fdi, number + 1)
        back = sorted(set(changed) & set(theirs) - set(changed_teeth(older, labels.array)))
        if back:
            _refuse(case, back, theirs)
        if not set(changed) & set(theirs) and number < min(others - {1}):
            return  # nothing of theirs is older
        later = older


def _check_first(case: DatasetCase, changed: Collection[int], by: str) -> None:
    """That these are not most of the teeth that somebody else had reviewed in revision 1.

    One tooth may always be corrected, and those that were changed since are not counted.
    """
    try:
        review = read_record(revision_folder(case.folder, 1) / RECORD).review
        since = set(changed_teeth(case.labels(1).array, case.labels().array))
    except InputError as error:
        _refuse_unknown(case, 1, error)
    theirs = {fdi for fdi, state in review.items() if state not in (PREDICTED, LOST)}
    others = sorted(set(changed) & theirs - since)
    if len(others) > 1 and 2 * len(others) > len(theirs):
        raise Outdated(
            f"{len(others)} of the {len(theirs)} teeth that {by} had reviewed in revision 1 differ "
            f"in these labels ({', '.join(map(str, others))}): if they are corrections of the "
            f"newest revision, say so with --from {case.revision}; else make them in that"
        )


def _refuse_unknown(case: DatasetCase, number: int, error: InputError) -> NoReturn:
    raise Outdated(
        f"whether these labels would take back what somebody else has changed cannot be told, for "
        f"revision {number} cannot be read ({error}): put its files back, or say that the labels "
        f"were made from the newest revision with --from {case.revision}"
    ) from error


def _refuse(case: DatasetCase, back: Collection[int], theirs: dict[int, int]) -> None:
    by_number = {entry.number: entry for entry in case.history()}
    words = [
        f"what {by_number[number].who} changed in revision {number}, "
        f"{'tooth' if len(teeth) == 1 else 'teeth'} {', '.join(map(str, teeth))}"
        for number in sorted({theirs[fdi] for fdi in back})
        if (teeth := [fdi for fdi in back if theirs[fdi] == number])
    ]
    raise Outdated(
        f"these labels would take back {' and '.join(words)}: make the corrections in the newest "
        f"revision, or say that they were made from it with --from {case.revision}"
    )
