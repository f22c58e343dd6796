"""The correction verbs as buttons on the selected teeth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH
from ToothSegPanel import notation as words
from ToothSegPanel.reporting import capitalised, clock, errors_in_a_line
from ToothSegPanel.selection import Selection, adding_key
from ToothSegPanel.verb_buttons import VERBS
from ToothSegPanel.verbs import Situation, why_not

if TYPE_CHECKING:
    from ToothSegScene.bitten import Bitten

_THIRD = 8  # the third molar's place
_NUMBERS = sorted(UPPER_ARCH + LOWER_ARCH)
SPLIT_TIP = (
    "Cut the tooth in two: click on one half in a view, then on the half with the new number"
)
EDIT_TIP = (
    "Paint and erase with Slicer's Segment Editor, with the tooth selected; one that is not there "
    "gets an empty segment to paint"
)


class CorrectionsPanel:
    """Presents the section "Corrections".

    Args:
        ui: the widgets of the module.
        selection: the teeth that the verbs act on.
        situation: gives what the verbs start from; the new number is filled in here.
        corrections: gives the ``Corrections`` of the result, or None where there is none.
        points: asks for points (`points.PlacedPoints`).
        open_editor: opens Slicer's Segment Editor on a segment, by its id.
        changed: called after every correction, with what was done in a word.
        say: shows a sentence about what was done, as HTML.
    """

    def __init__(
        self,
        ui: Any,
        selection: Selection,
        situation: Callable[[int | None], Situation],
        corrections: Callable[[], Any],
        points: Any,
        open_editor: Callable[[str], None],
        changed: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._ui = ui
        self._selection = selection
        self._situation = situation
        self._corrections = corrections
        self._points = points
        self._changed = changed
        self._say = say
        self._asking = False
        self._notation = "FDI"
        for fdi in _NUMBERS:
            ui.newNumberCombo.addItem(str(fdi))
        ui.newNumberCombo.connect("currentIndexChanged(int)", lambda index: self.refresh())
        for verb, entry in VERBS.items():
            self._button(entry.button).connect("clicked()", self._doer(verb))
        ui.splitButton.connect("clicked()", self._split)
        ui.undoButton.connect("clicked()", lambda: self._step("undo"))
        ui.redoButton.connect("clicked()", lambda: self._step("redo"))
        ui.editorButton.connect("clicked()", lambda: self._edit(open_editor))
        selection.listen(self._selected)
        self.refresh()

    @property
    def asking(self) -> bool:
        """Whether points are awaited in the views."""
        return self._asking

    def show_notation(self, notation: str) -> None:
        """Offer the new numbers in a notation; the choice stays."""
        self._notation = notation
        self.refresh()

    def opened_in_words(self, bitten: Bitten, of: str = "") -> str:
        """Which teeth are open again, gone or back, what was painted, which marks are kept.

        Args:
            bitten: what has happened by other means.
            of: name of the result, if it is not the one that is shown.

        Returns:
            Sentences, as HTML.
        """

        def told(teeth: Sequence[int], one: str, several: str) -> str:
            return f"{words.numbers(teeth, self._notation)} {one if len(teeth) == 1 else several}"

        how = "by hand"
        if bitten.painted:
            how = f"while {told(bitten.painted, 'was', 'were')} painted"
        if bitten.before_a_look:
            how = "since the review"
        them = "it" if len(bitten.teeth) == 1 else "them"
        lines = []
        if bitten.gone:
            back = "it" if len(bitten.gone) == 1 else "them"
            what = f"paint {back}, or mark {back} missing."
            if not bitten.before_a_look:
                what = f"Undo brings {back} back."
            lines.append(f"<b>{told(bitten.gone, 'is', 'are')} gone</b> {how}: {what}")
        if bitten.teeth:
            changed = told(bitten.teeth, "was", "were")
            lines.append(f"<b>{changed} changed</b> {how}: look at {them} again.")
        if bitten.back:
            they = "it" if len(bitten.back) == 1 else "them"
            lines.append(
                f"<b>{told(bitten.back, 'is', 'are')} there again</b>: delete {they} again, or "
                f"look at {they}."
            )
        if bitten.back_though_missing:
            marked = told(bitten.back_though_missing, "is", "are")
            lines.append(f"{marked} marked missing all the same.")
        if bitten.kept:
            whose = words.numbers(bitten.kept, self._notation)
            lines.append(
                f"<b>The review of {whose} is as you left it</b>: the Segment Editor's Undo takes "
                "back voxels only."
            )
        return " ".join([f"<i>{escape(of)}</i>:"] * bool(of) + lines)

    def choose_number(self, fdi: int) -> None:
        """Choose a new number."""
        self._ui.newNumberCombo.currentIndex = _NUMBERS.index(fdi)

    def refresh(self) -> None:
        """Enable what can be done, say why the rest cannot."""
        now = self._now()
        for row, fdi in enumerate(_NUMBERS):
            free = "" if fdi in now.present else "  (free)"
            self._ui.newNumberCombo.setItemText(row, words.title(fdi, self._notation) + free)
        for verb, entry in VERBS.items():
            self._offer(entry.button, entry.tip, why_not(verb, now))
        self._offer("splitButton", SPLIT_TIP, "" if self._asking else why_not("split", now))
        self._offer("editorButton", EDIT_TIP, why_not("edit", now))
        missing = now.is_missing
        self._ui.missingButton.text = "Take back: missing" if missing else "Mark missing"
        corrections = self._corrections()
        for name in ("undo", "redo"):
            step = getattr(corrections, f"can_{name}") if corrections is not None else None
            reason = now.blocked or ("" if step else f"There is nothing to {name}.")
            told = words.told(step, self._notation) if step else ""
            tip = f"{name.capitalize()}: {told}" if step else name.capitalize()
            self._offer(f"{name}Button", tip, reason)
        self._ui.splitButton.text = "Stop splitting" if self._asking else "Split..."
        self._ui.selectionLabel.text = self._selected_words(now)

    def _now(self) -> Situation:
        now = self._situation(_NUMBERS[self._ui.newNumberCombo.currentIndex])
        return replace(now, notation=self._notation)

    def _selected_words(self, now: Situation) -> str:
        if not now.selected:
            return f"Select a tooth above; {adding_key()} adds one, Shift a row."
        if self._asking:
            old, new = (
                words.number(fdi, self._notation) for fdi in (now.selected[0], now.new or 0)
            )
            return (
                f"<b>Click on the half of {old} that keeps its number, then on the half that "
                f"becomes {new}.</b>"
            )
        if len(now.selected) == 1:
            return f"Selected: <b>{words.title(now.selected[0], self._notation)}</b>"
        return f"Selected: <b>{words.numbers(now.selected, self._notation)}</b>"

    def _button(self, name: str) -> Any:
        return getattr(self._ui, name)

    def _offer(self, name: str, tip: str, reason: str) -> None:
        button = self._button(name)
        button.enabled = not reason
        button.toolTip = f"{tip}\n{reason}".strip() if reason else tip

    def _selected(self) -> None:
        self._stop_asking()
        self._propose_number()
        self.refresh()

    def _propose_number(self) -> None:
        """The nearest number of the quadrant that is free, or else the tooth's own.

        A third molar's is proposed only to the tooth that may be one: the last of the row.
        """
        now = self._now()
        if len(now.selected) != 1:
            return
        fdi = now.selected[0]
        free = [
            other
            for other in _NUMBERS
            if other // 10 == fdi // 10
            and other not in now.present
            and (other % 10 < _THIRD or fdi % 10 + 1 >= _THIRD)
        ]
        self.choose_number(min(free, key=lambda other: abs(other - fdi), default=fdi))

    def _doer(self, verb: str) -> Callable[[], None]:
        def do() -> None:
            act = VERBS[verb].act
            with errors_in_a_line(verb, self._notation):
                self._stop_asking()
                now, before = self._now(), self._latest()
                with clock():
                    teeth = act(self._corrections(), now, float(self._ui.smoothSpin.value))
                self._say_done(verb, before)
                self._changed("taken back" if verb == "mark missing" and now.is_missing else verb)
                self._selection.set(teeth)

        return do

    def _step(self, name: str) -> None:
        with errors_in_a_line(name, self._notation):
            self._stop_asking()
            step = getattr(self._corrections(), f"can_{name}")
            with clock():
                getattr(self._corrections(), name)()
            # What was said before, such as that a tooth is gone, may be true no longer.
            done = "Undone" if name == "undo" else "Redone"
            self._say(escape(f"{done}: {words.told(step, self._notation)}."))
            self._changed(name)

    def _latest(self) -> Any:
        """The step that was done last, if any."""
        corrections = self._corrections()
        return None if corrections is None else corrections.latest

    def _say_done(self, verb: str, before: Any) -> None:
        """Say what has been done since ``before`` was the latest step."""
        step = self._latest()
        if step is None or step is before:
            self._say(f"{capitalised(verb)}: nothing has changed.")
        else:
            self._say(escape(f"Done: {words.told(step.name, self._notation)}."))

    def _edit(self, open_editor: Callable[[str], None]) -> None:
        with errors_in_a_line("open the Segment Editor", self._notation):
            self._stop_asking()
            now = self._now()
            open_editor(self._corrections().add((now.chosen or now.selected)[0]))

    def _stop_asking(self) -> None:
        """Give up the question for points: the tooth may be another one after what is done now."""
        if self._asking:
            self._points.stop()

    def _split(self) -> None:
        if self._asking:
            self._points.stop()
            return
        self._asking = True
        with errors_in_a_line("place points"):
            try:
                self._points.ask(2, self._split_at)
            except BaseException:
                self._asking = False
                raise
        self.refresh()

    def _split_at(self, points: Sequence[Any]) -> None:
        self._asking = False
        if len(points) == 2:
            with errors_in_a_line("split", self._notation):
                now = self._now()  # another number may have been chosen meanwhile
                reason = why_not("split", now)
                if reason:
                    raise InputError(reason)
                fdi, before = now.chosen[0], self._latest()
                with clock():
                    self._corrections().split(fdi, points[0], points[1], now.new)
                self._say_done("split", before)
                self._changed("split")
                self._selection.set((fdi, now.new or 0))
        self.refresh()
