"""The button "Mark as reviewed": it approves the selected teeth, or takes that back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ToothSegPanel.reporting import errors_in_a_line
from ToothSegPanel.selection import Selection

TIP = "You have looked at the selected teeth, and they are right"


class ReviewedButton:
    """Presents the button.

    Args:
        button: the widget.
        selection: the teeth that it is about.
        node: gives the segmentation node, or None.
        blocked: why nothing can be reviewed now; "" if it can.
        changed: called after a click, with what was done in a word.
    """

    def __init__(
        self,
        button: Any,
        selection: Selection,
        node: Callable[[], Any],
        blocked: Callable[[], str],
        changed: Callable[[str], None],
    ) -> None:
        self._button = button
        self._selection = selection
        self._node = node
        self._blocked = blocked
        self._changed = changed
        button.connect("clicked()", self._toggle)
        selection.listen(self.refresh)

    def refresh(self) -> None:
        """Bring the button in line with the segmentation and the selection."""
        teeth, reviewed = self._teeth()
        reason = self._blocked()
        if not reason and not teeth:
            reason = "Select a finding, or teeth that are there."
        self._button.enabled = not reason
        self._button.text = "Take back: revie&wed" if reviewed else "Mark as revie&wed"
        self._button.toolTip = f"{TIP}\n{reason}" if reason else TIP

    def _teeth(self) -> tuple[tuple[int, ...], bool]:
        """The selected teeth that are there, and whether all of them have been reviewed."""
        from ToothSegScene.review import states_of

        node = self._node()
        if node is None:
            return (), False
        states = states_of(node)
        teeth = [fdi for fdi in self._selection.teeth if states[fdi] not in ("missing", "absent")]
        return tuple(teeth), bool(teeth) and all(states[fdi] == "reviewed" for fdi in teeth)

    def _toggle(self) -> None:
        from ToothSegScene.review import set_reviewed

        teeth, reviewed = self._teeth()
        with errors_in_a_line("mark the teeth"):
            for fdi in teeth:
                set_reviewed(self._node(), fdi, not reviewed)
        self._changed("taken back" if reviewed else "approved")
