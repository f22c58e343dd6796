"""The cases of a data set to choose from, and how far each has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
import slicer.util

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError


def chosen_case(dataset: Dataset) -> DatasetCase | None:
    """A case that the user chooses from a list, the unfinished ones first; None for none.

    Raises:
        InputError: there is none that can be opened.
    """
    cases, damaged = [], 0
    for name in dataset.case_ids():
        try:
            cases.append(DatasetCase(dataset.folder / name))
        except InputError:
            damaged += 1
    if not cases:
        raise InputError(f"{dataset.folder} holds no case that can be opened")
    # Those that were worked on last come first, among the unfinished as among the others.
    cases.sort(key=lambda case: case.record.history[-1].when, reverse=True)
    cases.sort(key=lambda case: case.record.reviewed)
    return CaseDialog(cases, damaged).ask()


class CaseDialog:
    """A list of cases with a line that narrows it down.

    Args:
        cases: in the order in which they are listed.
        damaged: how many more there are that cannot be opened.
    """

    def __init__(self, cases: Sequence[DatasetCase], damaged: int = 0) -> None:
        self._cases = cases
        self._damaged = damaged
        self._listed: list[DatasetCase] = []
        self.dialog = qt.QDialog(slicer.util.mainWindow())
        self.dialog.windowTitle = "Go on with a case"
        layout = qt.QVBoxLayout(self.dialog)
        self._filter = self._added(layout, qt.QLineEdit(), "caseFilter")
        self._filter.placeholderText = "Find by pseudonym, initials, date or number of the case"
        self._filter.connect("textChanged(QString)", lambda text: self._show())
        self._list = self._added(layout, qt.QListWidget(), "caseList")
        self._list.accessibleName = "Cases of the data set"
        self._list.alternatingRowColors = True
        self._list.connect("currentRowChanged(int)", lambda row: self._offer())
        # A double click, and the key Return.
        self._list.connect("itemActivated(QListWidgetItem*)", lambda item: self.dialog.accept())
        self._label = self._added(layout, qt.QLabel(), "caseLabel")
        self._label.wordWrap = True
        self._buttons = self._added(layout, qt.QDialogButtonBox(), "caseButtons")
        self._buttons.setStandardButtons(qt.QDialogButtonBox.Open | qt.QDialogButtonBox.Cancel)
        self._buttons.connect("accepted()", self.dialog.accept)
        self._buttons.connect("rejected()", self.dialog.reject)
        self.dialog.resize(520, 480)
        self._show()

    def ask(self) -> DatasetCase | None:
        """Show the dialog and wait; the case that was chosen, or None."""
        accepted = self.dialog.exec_() == qt.QDialog.Accepted
        row = self._list.currentRow
        self.dialog.deleteLater()
        return self._listed[row] if accepted and 0 <= row < len(self._listed) else None

    def _added(self, layout: Any, widget: Any, name: str) -> Any:
        widget.objectName = name
        layout.addWidget(widget)
        return widget

    def _show(self) -> None:
        """List the cases whose entry holds every word of the line."""
        wanted = str(self._filter.text).lower().split()
        self._listed = [
            case for case in self._cases if all(word in entry(case).lower() for word in wanted)
        ]
        self._list.clear()
        for case in self._listed:
            self._list.addItem(entry(case))
        if self._listed:
            self._list.currentRow = 0
        self._label.text = self._how_many()
        self._offer()

    def _how_many(self) -> str:
        there, listed = len(self._cases), len(self._listed)
        text = f"{there} case{'s' if there > 1 else ''}, the unfinished ones first."
        if listed < there:
            text = f"{listed} of {there} cases; clear the line above to see all."
        if self._damaged:
            text += (
                f" {self._damaged} more cannot be opened: toothseg dataset check says what is "
                "wrong with them."
            )
        return text

    def _offer(self) -> None:
        chosen = 0 <= self._list.currentRow < len(self._listed)
        self._buttons.button(qt.QDialogButtonBox.Open).enabled = chosen


def entry(case: DatasetCase) -> str:
    """Whose case it is and how far it has come; below, who saved it last, when, and its name."""
    last = case.record.history[-1]
    day, _, time = last.when.partition("T")
    whose = case.record.patient or "No pseudonym"
    return f"{whose}: {_state(case)}\n{last.who}, {day} {time[:5]} UTC, {case.id}"


def words(case: DatasetCase) -> str:
    """How far a case has come: "case-3fe7bf8c230b: 12 of 28 reviewed"."""
    return f"{case.id}: {_state(case)}"


def _state(case: DatasetCase) -> str:
    record = case.record
    done = sum(record.review.get(fdi) in ("approved", "corrected") for fdi in record.teeth)
    return f"{done} of {len(record.teeth)} reviewed" if case.revision else "no labels yet"
