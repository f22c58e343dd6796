"""The odontogram: two arches of buttons, one a tooth, and a legend.

The patient's right is on the left of the screen, as on a dental chart. Plain tool buttons carry
it: they have keyboard focus, tool tips and names for screen readers by themselves.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import qt

from ToothSegLib.teeth import by_fdi
from ToothSegPanel import notation as words
from ToothSegPanel.painting import PLACE_HEIGHT, paint_legend, paint_tooth
from ToothSegPanel.selection import READING_ORDER, Selection
from ToothSegPanel.state_style import STATES
from ToothSegPanel.tooth_shapes import width_of

# No colour of our own: the frames follow the palette, dark or light.
_TOOTH_STYLE = """
QToolButton { border: 1px solid transparent; border-radius: 4px; padding: 0px; }
QToolButton:hover { border: 1px solid palette(mid); }
QToolButton:focus { border: 1px dashed palette(highlight); }
QToolButton:checked { border: 1px solid palette(highlight); }
QToolButton:checked:focus { border: 2px solid palette(highlight); }
"""
_NUMBER_HEIGHT = 17
_NUMBER_MARGIN = 4
_TO_MIDLINE = 7
_TIP_WIDTH = 60


def modifier_keys() -> tuple[bool, bool]:
    """Whether Ctrl (`adding_key`) and Shift are held down at this moment."""
    held = qt.QApplication.keyboardModifiers()
    return bool(held & qt.Qt.ControlModifier), bool(held & qt.Qt.ShiftModifier)


class Odontogram:
    """Fills an empty widget with the arches.

    Args:
        frame: the widget to fill.
        selection: follows the clicks, and shows in the buttons.
        chosen: called with the teeth after a click of the user, not after a change from elsewhere.
        modifiers: tells (Ctrl, Shift) at a click.
    """

    def __init__(
        self,
        frame: Any,
        selection: Selection,
        chosen: Callable[[tuple[int, ...]], None],
        modifiers: Callable[[], tuple[bool, bool]] = modifier_keys,
    ) -> None:
        self._frame = frame
        self._selection = selection
        self._chosen = chosen
        self._modifiers = modifiers
        self._look: dict[int, tuple[Any, ...]] = {}
        self.buttons: dict[int, Any] = {}
        self.numbers: dict[int, Any] = {}
        self._build()
        selection.listen(self._show_selection)

    def show(
        self,
        states: Mapping[int, str],
        colours: Mapping[int, Any],
        notation: str,
        reasons: Mapping[int, tuple[str, str]],
    ) -> None:
        """Paint every tooth.

        Args:
            states: FDI -> one of `STATES`, all 28.
            colours: FDI -> RGB of the tooth's segment as it is now; `teeth.py`'s where absent.
            notation: one of `notation.NOTATIONS`.
            reasons: FDI -> urgency and words of the most urgent finding, of teeth that have one.
        """
        for fdi, button in self.buttons.items():
            colour = tuple(colours.get(fdi, by_fdi(fdi).colour))
            urgency, why = reasons.get(fdi, ("", ""))
            look = (states[fdi], colour, notation, urgency, why)
            if self._look.get(fdi) == look:
                continue
            self._look[fdi] = look
            mark = urgency if states[fdi] == "to check" else ""
            button.setIcon(qt.QIcon(paint_tooth(fdi, states[fdi], colour, mark)))
            state = STATES[states[fdi]].word
            title = words.title(fdi, notation)
            button.accessibleName = f"{title}, {state}"
            button.accessibleDescription = why
            self.numbers[fdi].text = words.number(fdi, notation)
            for part in (button, self.numbers[fdi]):
                # Qt breaks no lines of a tip in plain text.
                part.toolTip = "\n".join([f"{title}: {state}", *textwrap.wrap(why, _TIP_WIDTH)])

    def _build(self) -> None:
        rows = qt.QVBoxLayout(self._frame)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(1)
        rows.addLayout(self._arches())
        rows.addLayout(self._legend())

    def _arches(self) -> Any:
        """Two rows of teeth, their numbers towards the bite, in the cross of a dental chart."""
        grid = qt.QGridLayout()
        grid.setHorizontalSpacing(0)
        grid.setVerticalSpacing(0)
        last = 2 * _TO_MIDLINE + 2
        for upper, tooth_row, number_row in ((True, 0, 1), (False, 4, 3)):
            teeth = [fdi for fdi in READING_ORDER if (fdi < 30) == upper]
            for place, fdi in enumerate(teeth):
                column = 2 + place + (place >= _TO_MIDLINE)
                grid.addWidget(self._tooth_button(fdi), tooth_row, column, 1, 1, qt.Qt.AlignHCenter)
                grid.addWidget(self._number_button(fdi), number_row, column)
            for column, letter, side in ((1, "R", "right"), (last + 1, "L", "left")):
                label = self._label(f"<b>{letter}</b>")
                label.toolTip = f"The patient's {side}"
                grid.addWidget(label, tooth_row, column)
        grid.addWidget(self._line(qt.QFrame.HLine), 2, 2, 1, last - 1)
        grid.addWidget(self._line(qt.QFrame.VLine), 0, 2 + _TO_MIDLINE, 5, 1)
        for column in (0, last + 2):
            grid.setColumnStretch(column, 1)
        return grid

    def _line(self, shape: Any) -> Any:
        line = qt.QFrame(self._frame)
        line.frameShape = shape
        line.frameShadow = qt.QFrame.Sunken
        return line

    def _legend(self) -> Any:
        legend = qt.QHBoxLayout()
        legend.setSpacing(4)
        legend.addStretch(1)
        for state, style in STATES.items():
            mark = self._label("")
            mark.setPixmap(_half_size(paint_legend(state)))
            legend.addWidget(mark)
            legend.addWidget(self._label(style.word))
            legend.addSpacing(6)
        legend.addStretch(1)
        return legend

    def _tooth_button(self, fdi: int) -> Any:
        button = self._button(fdi)
        button.checkable = True
        button.focusPolicy = qt.Qt.StrongFocus
        button.toolButtonStyle = qt.Qt.ToolButtonIconOnly
        button.iconSize = qt.QSize(width_of(fdi), PLACE_HEIGHT)
        button.setFixedSize(width_of(fdi) + 2, PLACE_HEIGHT + 2)
        button.styleSheet = _TOOTH_STYLE
        button.objectName = f"tooth{fdi}Button"
        self.buttons[fdi] = button
        return button

    def _number_button(self, fdi: int) -> Any:
        # No style sheet: with one, Qt would keep the text's colour when the palette changes.
        button = self._button(fdi)
        button.focusPolicy = qt.Qt.NoFocus  # the tooth has it
        button.toolButtonStyle = qt.Qt.ToolButtonTextOnly
        # Fonts differ; a number that does not fit would be an ellipsis. With the -1 Qt's function
        # for text is meant, and not that for a character.
        metrics = button.fontMetrics()
        texts = [words.number(fdi, notation) for notation in words.NOTATIONS]
        widest = max(metrics.horizontalAdvance(text, -1) for text in texts)
        width = max(width_of(fdi) + 2, widest + _NUMBER_MARGIN)
        button.setFixedSize(width, max(_NUMBER_HEIGHT, metrics.height() + 2))
        button.setBackgroundRole(qt.QPalette.Highlight)
        self.numbers[fdi] = button
        return button

    def _label(self, text: str) -> Any:
        # With a parent from the start: PythonQt deletes a widget without one together with its
        # Python name, and a layout gives its widgets a parent only when it gets one itself.
        return qt.QLabel(text, self._frame)

    def _button(self, fdi: int) -> Any:
        button = qt.QToolButton(self._frame)
        button.autoRaise = True
        button.connect("clicked()", lambda: self._clicked(fdi))
        return button

    def _clicked(self, fdi: int) -> None:
        toggle, extend = self._modifiers()
        self._selection.click(fdi, toggle=toggle, extend=extend)
        # A checkable button turned itself; the selection has the last word.
        self._show_selection()
        self._chosen(self._selection.teeth)

    def _show_selection(self) -> None:
        for fdi, button in self.buttons.items():
            button.checked = fdi in self._selection.teeth
            self.numbers[fdi].autoFillBackground = button.checked


def _half_size(pixmap: Any) -> Any:
    pixmap.setDevicePixelRatio(2)
    return pixmap
