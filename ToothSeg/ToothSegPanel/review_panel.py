"""The section "Review": tooth after tooth, the doubtful ones first, each approved or corrected.

Open, the section is a mode: its keys work. Folded, its buttons are hidden, and Qt gives no key to
what a hidden button owns. A key that is held counts once, or teeth would be approved that nobody
has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import qt

from ToothSegPanel import notation as words
from ToothSegPanel.reporting import errors_in_a_line
from ToothSegPanel.selection import Selection
from ToothSegPanel.state_style import STATES

# Button -> its key and what it does.
BUTTONS = {
    "approveButton": ("A", "The tooth is right as it is; go on to the next"),
    "correctedButton": ("C", "You have put the tooth right by hand; go on to the next"),
    "previousButton": ("P", "Back to the tooth before"),
    "nextButton": ("N", "To the next tooth to check, and leave this one open"),
}
_SELECT_ONE = "Select one tooth that is there."


class ReviewPanel:
    """Presents the section.

    Args:
        ui: the widgets of the module.
        selection: the tooth in hand is the one that is selected.
        node: gives the segmentation node, or None.
        blocked: why nothing can be reviewed now; "" if it can.
        chosen: called with the tooth that the review has gone to.
        changed: called after every step, with what was done in a word.
    """

    def __init__(
        self,
        ui: Any,
        selection: Selection,
        node: Callable[[], Any],
        blocked: Callable[[], str],
        chosen: Callable[[tuple[int, ...]], None],
        changed: Callable[[str], None],
    ) -> None:
        self._ui = ui
        self._selection = selection
        self._node = node
        self._blocked = blocked
        self._chosen = chosen
        self._changed = changed
        self._notation = "FDI"
        self._trail: list[int] = []
        self._keys: list[Any] = []
        actions = (self._approve, self._correct, self._back, self._skip)
        for (name, (key, _)), action in zip(BUTTONS.items(), actions):
            button = getattr(ui, name)
            button.connect("clicked()", action)
            # Not the button's own shortcut: that one repeats as long as the key is held.
            shortcut = qt.QShortcut(qt.QKeySequence(key), button)
            shortcut.autoRepeat = False
            shortcut.connect("activated()", button.click)
            self._keys.append(shortcut)
        ui.reviewButton.connect("contentsCollapsed(bool)", self._on_folded)
        selection.listen(self.refresh)

    def show(self, notation: str) -> None:
        """Speak of the teeth in a notation, and show how far the review has come."""
        self._notation = notation
        self.refresh()

    def start(self) -> None:
        """Open the section at the first tooth to check."""
        from ToothSegScene.review import waiting

        self._ui.reviewButton.collapsed = False
        self._trail.clear()
        left = waiting(self._node())
        if left:
            self._go_to(left[0])

    def forget(self) -> None:
        """Nothing goes back to the teeth of another result."""
        self._trail.clear()

    def refresh(self) -> None:
        """Bring the section in line with the segmentation and the selection."""
        from ToothSegScene.review import progress, waiting

        node = self._node()
        reviewed, there = (0, 0) if node is None else progress(node)
        left = [] if node is None else waiting(node)
        ui = self._ui
        ui.reviewButton.text = f"Review ({reviewed} of {there})" if there else "Review"
        ui.reviewProgress.maximum = max(there, 1)
        ui.reviewProgress.value = reviewed
        ui.reviewProgress.format = f"{reviewed} of {there} reviewed"
        ui.reviewLabel.text = self._words(left)
        in_hand = "" if self._tooth() else _SELECT_ONE
        others = [fdi for fdi in left if fdi != self._tooth()]
        reasons = {
            "approveButton": in_hand,
            "correctedButton": in_hand,
            "previousButton": "" if self._trail else "There is no tooth before.",
            "nextButton": "" if others else "No other tooth is left to check.",
        }
        for name, (key, tip) in BUTTONS.items():
            button, reason = getattr(ui, name), self._blocked() or reasons[name]
            button.enabled = not reason
            button.toolTip = f"{tip}\nKey: {key}" + (f"\n{reason}" if reason else "")

    def _tooth(self) -> int | None:
        """The tooth in hand: the one that is selected, if it is there."""
        from ToothSegScene.segments import teeth_of

        node, teeth = self._node(), self._selection.teeth
        if node is None or len(teeth) != 1 or teeth[0] not in teeth_of(node):
            return None
        return teeth[0]

    def _words(self, left: list[int]) -> str:
        from ToothSegScene.places import in_words
        from ToothSegScene.review import confidence_of, findings_of, progress, state_of

        node, fdi = self._node(), self._tooth()
        if node is None or fdi is None:
            if left:
                return "Select a tooth, or go to the next one to check."
            if node is None:
                return ""
            there = bool(progress(node)[1])
            return "<b>Every tooth is reviewed.</b>" if there else "There are no teeth to review."
        facts = [STATES[state_of(node, fdi)].word]
        confidence = confidence_of(node, fdi)
        if confidence is not None:
            facts.append(f"confidence {round(100 * confidence)} %")
        title = f"<b>{words.title(fdi, self._notation)}</b>: {', '.join(facts)}"
        why = [in_words(node, finding) for finding in findings_of(node) if fdi in finding.fdi]
        if why and self._notation != "FDI":
            why.append("(Numbers in the text: FDI)")
        return "<br>".join([title, *map(escape, why)])

    def _approve(self) -> None:
        from ToothSegScene.review import set_reviewed

        self._judge("approved", lambda node, fdi: set_reviewed(node, fdi, True))

    def _correct(self) -> None:
        from ToothSegScene.review import set_corrected

        self._judge("corrected", set_corrected)

    def _judge(self, what: str, mark: Callable[[Any, int], None]) -> None:
        from ToothSegScene.review import waiting

        with errors_in_a_line("mark the tooth"):
            node, fdi = self._node(), self._tooth()
            if fdi is None:
                return
            order = waiting(node)
            mark(node, fdi)
            self._changed(what)
            self._go_on(order)

    def _skip(self) -> None:
        self._go_on()

    def _go_on(self, order: list[int] | None = None) -> None:
        """To the next tooth after the one in hand, in an order from before it was judged."""
        from ToothSegScene.review import waiting

        node, fdi = self._node(), self._tooth()
        if node is None:
            return
        left = waiting(node)
        order = left if order is None else order
        after = order.index(fdi) + 1 if fdi in order else 0
        following = [other for other in order[after:] + order[:after] if other in left]
        following = [other for other in following if other != fdi]
        if fdi is not None and following:
            self._trail.append(fdi)
        if following:
            self._go_to(following[0])
        else:
            self.refresh()

    def _back(self) -> None:
        if self._trail:
            self._go_to(self._trail.pop())

    def _go_to(self, fdi: int) -> None:
        self._selection.set((fdi,))
        self._chosen(self._selection.teeth)

    def _on_folded(self, folded: bool) -> None:
        if not folded and self._tooth() is None:
            self._go_on()
