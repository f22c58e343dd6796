"""The list of findings: what to look at, the most urgent first, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.report import Finding
from ToothSegPanel import notation as words
from ToothSegPanel.painting import icon_of, paint_urgency
from ToothSegPanel.selection import Selection


class FindingsList:
    """Presents a QListWidget.

    Args:
        widget: the list.
        selection: a row that becomes current selects its teeth.
        chosen: called with the finding after the user moved to its row, and with the index of the
            place to go to: 0, and the next one for every further click.
        message: a finding's message in the words of the panel.
        places: how many places a finding has.
    """

    def __init__(
        self,
        widget: Any,
        selection: Selection,
        chosen: Callable[[Finding, int], None],
        message: Callable[[Finding], str],
        places: Callable[[Finding], int],
    ) -> None:
        self._list = widget
        self._selection = selection
        self._chosen = chosen
        self._message = message
        self._places = places
        self._filling = False
        self._place = 0
        self._moving = self._pressed_to_move = False
        selection.listen(self._follow)
        self.findings: list[Finding] = []
        widget.connect("currentRowChanged(int)", self._on_row)
        widget.connect("itemPressed(QListWidgetItem*)", lambda item: self._on_press())
        widget.connect("itemClicked(QListWidgetItem*)", lambda item: self._on_click())

    @property
    def current(self) -> Finding | None:
        """The finding whose row is marked."""
        row = self._list.currentRow
        return self.findings[row] if 0 <= row < len(self.findings) else None

    def show(self, findings: Sequence[Finding], notation: str) -> None:
        """Show the findings that are open, in the order given: the most urgent first."""
        self._filling = True
        try:
            kept = self.current
            self.findings = list(findings)
            self._list.clear()
            for finding in self.findings:
                self._add(finding, notation)
            if kept in self.findings:
                self._list.currentRow = self.findings.index(kept)
                self._tell_place()
        finally:
            self._filling = False

    def words(self, finding: Finding, notation: str) -> str:
        """A finding as the list tells it."""
        teeth = [fdi for fdi in finding.fdi if fdi in REVIEW_ORDER]
        # The message speaks FDI; other notations get the numbers in front.
        text = self._message(finding)
        if teeth and notation != "FDI":
            text = f"{words.numbers(teeth, notation)}: {text} (numbers in the text: FDI)"
        return text

    def _add(self, finding: Finding, notation: str) -> None:
        item = qt.QListWidgetItem(self.words(finding, notation))
        item.setIcon(icon_of(paint_urgency(finding.urgency)))
        item.setToolTip(f"Urgency: {finding.urgency}. {self._way(finding)}")
        self._list.addItem(item)

    def _way(self, finding: Finding) -> str:
        places = self._places(finding)
        if places < 2:
            return "A click goes to what it is about."
        return f"A click goes to the first of {places} places, the next click to the next."

    def _tell_place(self) -> None:
        """Let the current row say which of its places is shown."""
        finding = self.current
        if finding is not None and self._place >= 0 and (places := self._places(finding)) > 1:
            told = f"This is place {self._place + 1} of {places}; a click goes to the next."
            self._list.item(self._list.currentRow).setToolTip(f"Urgency: {finding.urgency}. {told}")

    def _follow(self) -> None:
        """Mark the most urgent finding about the teeth that are selected.

        A row whose teeth these are stays marked, and none is where no finding names them all.
        """
        selected, row = set(self._selection.teeth), self._list.currentRow
        named = [set(finding.fdi).intersection(REVIEW_ORDER) for finding in self.findings]
        if 0 <= row < len(named) and named[row] == selected:
            return
        about = (n for n, teeth in enumerate(named) if selected and selected <= teeth)
        wanted = next(about, -1)
        if wanted != row:
            self._filling = True
            self._list.currentRow = wanted
            self._filling = False
            self._place = -1  # the first click goes to the first place

    def _on_row(self, row: int) -> None:
        if self._filling or not 0 <= row < len(self.findings):
            return
        self._place = 0
        # Only a press that comes with it, in the same turn of the loop, has made the row current.
        self._moving = True
        qt.QTimer.singleShot(0, self._stop_moving)
        self._go(self.findings[row])

    def _stop_moving(self) -> None:
        self._moving = False

    def _on_press(self) -> None:
        self._pressed_to_move = self._moving

    def _on_click(self) -> None:
        finding = self.current
        # The click that has made the row current has gone there already.
        if finding is None or self._pressed_to_move:
            return
        self._place = (self._place + 1) % max(1, self._places(finding))
        self._go(finding)

    def _go(self, finding: Finding) -> None:
        self._selection.set(finding.fdi)
        self._tell_place()
        self._chosen(finding, self._place)
