"""The button "Mark as reviewed": it settles the selected teeth or a finding, or takes that back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ToothSegLib.report import Finding
from ToothSegPanel.reporting import errors_in_a_line
from ToothSegPanel.selection import Selection

TIP = "You have looked at the selected teeth, and they are right"
FINDING_TIP = "You have looked at what the finding tells of, and it is settled"


class ReviewedButton:
    """Presents the button.

    Teeth that are there come first. A finding that names none is marked itself.

    Args:
        button: the widget.
        selection: the teeth that it is about.
        finding: gives the finding in hand, or None.
        node: gives the segmentation node, or None.
        blocked: why nothing can be reviewed now; "" if it can.
        changed: called after a click that was about teeth, with what was done in a word.
        marked: called after a click that was about a finding.
    """

    def __init__(
        self,
        button: Any,
        selection: Selection,
        finding: Callable[[], Finding | None],
        node: Callable[[], Any],
        blocked: Callable[[], str],
        changed: Callable[[str], None],
        marked: Callable[[], None],
    ) -> None:
        self._button = button
        self._selection = selection
        self._in_hand = finding
        self._node = node
        self._blocked = blocked
        self._changed = changed
        self._was_marked = marked
        # Its row has gone from the list; the mark can be taken back until something else is chosen.
        self._marked: Finding | None = None
        button.connect("clicked()", self._toggle)
        selection.listen(self._selected)

    def refresh(self) -> None:
        """Bring the button in line with the segmentation, the selection and the findings."""
        teeth, reviewed = self._teeth()
        finding = None if teeth else self._finding()
        if finding is not None:
            reviewed = finding == self._marked
        tip, reason = FINDING_TIP if finding else TIP, self._blocked()
        if not reason and not teeth and finding is None:
            reason = "Select a finding, or teeth that are there."
            if self._in_hand() is not None:
                reason = (
                    "No tooth of the finding is there: mark it missing if it has no such tooth."
                )
        self._button.enabled = not reason
        self._button.text = "Take back: revie&wed" if reviewed else "Mark as revie&wed"
        self._button.toolTip = f"{tip}\n{reason}" if reason else tip

    def _selected(self) -> None:
        self._marked = None
        self.refresh()

    def _teeth(self) -> tuple[tuple[int, ...], bool]:
        """The selected teeth that are there, and whether all of them have been reviewed."""
        from ToothSegScene.review import states_of

        node = self._node()
        if node is None:
            return (), False
        there = {
            fdi: state
            for fdi, state in states_of(node).items()
            if state not in ("missing", "absent")
        }
        teeth = [fdi for fdi in self._selection.teeth if fdi in there]
        return tuple(teeth), bool(teeth) and all(there[fdi] == "reviewed" for fdi in teeth)

    def _finding(self) -> Finding | None:
        """The finding to be marked itself, or the one that just was; None if there is neither."""
        from ToothSegScene.review import stands_alone

        node, finding = self._node(), self._in_hand()
        if node is None:
            return None
        if finding is None:
            return self._marked
        return finding if stands_alone(node, finding) else None

    def _toggle(self) -> None:
        from ToothSegScene.finding_marks import mark
        from ToothSegScene.review import set_reviewed

        teeth, reviewed = self._teeth()
        finding = None if teeth else self._finding()
        if finding is not None:
            reviewed = finding == self._marked
            mark(self._node(), finding, not reviewed)
            self._marked = None if reviewed else finding
            self._was_marked()
            return
        with errors_in_a_line("mark the teeth"):
            for fdi in teeth:
                set_reviewed(self._node(), fdi, not reviewed)
        self._changed("taken back" if reviewed else "approved")
