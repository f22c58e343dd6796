"""Corrections of others that labels from outside would take back unnoticed.

Whoever corrects an old file again, in a program that knows nothing of revisions, brings back the
teeth that somebody else has corrected in the meantime as they were before.
"""

from __future__ import annotations

from collections.abc import Collection

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.record import name_key
from ToothSegLib.dataset.refusals import Outdated
from ToothSegLib.dataset.voxels import changed_teeth
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume


def check_made_from(case: DatasetCase, number: int) -> None:
    """Raise Outdated if labels were not made from the newest revision."""
    if number == case.revision:
        return
    last = case.history()[-1]
    raise Outdated(
        f"{case.id} has the newest revision {last.number}, by {last.who} of {last.when}; these "
        f"labels were made from {number}: carry their changes over to the newest"
    )


def check_takes_nothing_back(
    case: DatasetCase, labels: Volume, changed: Collection[int], who: str
) -> None:
    """Refuse labels in which teeth that somebody else has changed are as they were before.

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
    if not changed or not others - {1}:
        return
    later = case.labels().array
    for number in sorted(by_number, reverse=True)[1:]:
        try:
            older = case.labels(number).array
        except InputError:
            return  # `checks` tells of it; what is older cannot be compared
        if number + 1 in others:
            for fdi in changed_teeth(older, later):
                theirs.setdefault(fdi, number + 1)
        back = sorted(set(changed) & set(theirs) - set(changed_teeth(older, labels.array)))
        if back:
            _refuse(case, back, theirs)
        if not set(changed) & set(theirs) and number < min(others - {1}):
            return  # nothing of theirs is older
        later = older


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
