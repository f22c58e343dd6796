"""The cases of a data set as a menu, and how far each has come."""

from __future__ import annotations

from contextlib import suppress

import qt

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError

# A longer menu fills the screen.
_MOST_CASES = 30


def chosen_case(dataset: Dataset) -> DatasetCase | None:
    """A case that the user chooses from a menu, the unfinished ones first; None for none.

    Raises:
        InputError: there is none that can be opened.
    """
    cases = []
    for name in dataset.case_ids():
        with suppress(InputError):  # a damaged one; `toothseg dataset check` says how
            cases.append(dataset.case(name))
    if not cases:
        raise InputError(f"{dataset.folder} holds no case that can be opened")
    cases.sort(key=lambda case: case.record.reviewed)
    menu = qt.QMenu()
    entries = {words(case): case for case in cases[:_MOST_CASES]}
    for text in entries:
        menu.addAction(text)
    action = menu.exec_(qt.QCursor.pos())
    return None if action is None else entries[str(action.text)]


def words(case: DatasetCase) -> str:
    """How far a case has come: "case-3fe7bf8c230b: 12 of 28 reviewed"."""
    record = case.record
    done = sum(record.review.get(fdi) in ("approved", "corrected") for fdi in record.teeth)
    state = f"{done} of {len(record.teeth)} reviewed" if case.revision else "no labels yet"
    return f"{case.id}: {state}"
