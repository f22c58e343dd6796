"""Which teeth are selected; the odontogram, the tree, the findings and the corrections share it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.teeth import FDI_NUMBERS, LOWER_ARCH, UPPER_ARCH

# As they are read: the upper arch from the patient's right to the left, then the lower. Third
# molars have no place in the odontogram, but cases may hold them and findings tell of them.
READING_ORDER = tuple(fdi for fdi in UPPER_ARCH + LOWER_ARCH if fdi in FDI_NUMBERS)


def adding_key() -> str:
    """The key that adds a tooth at a click, by its name: Qt's Ctrl is the Command key on a Mac."""
    return "Cmd" if sys.platform == "darwin" else "Ctrl"


class Selection:
    """Teeth in the order in which they were chosen; the first one keeps its number in a merge."""

    def __init__(self) -> None:
        self.teeth: tuple[int, ...] = ()
        self._anchor: int | None = None
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change."""
        self._listeners.append(listener)

    def set(self, teeth: Iterable[int]) -> None:
        """Select these teeth, third molars too, and no others; what is no tooth is passed over."""
        self.teeth = tuple(dict.fromkeys(fdi for fdi in teeth if fdi in REVIEW_ORDER))
        self._anchor = self.teeth[-1] if self.teeth else None
        for listener in self._listeners:
            listener()

    def click(self, fdi: int, *, toggle: bool = False, extend: bool = False) -> None:
        """A click on a tooth: alone, with Ctrl (``toggle``) or with Shift (``extend``)."""
        if extend and self._anchor is not None:
            anchor = self._anchor
            start, end = REVIEW_ORDER.index(anchor), REVIEW_ORDER.index(fdi)
            step = 1 if end >= start else -1
            row = [REVIEW_ORDER[place] for place in range(start, end + step, step)]
            self.set(other for other in row if other in (*READING_ORDER, anchor))
            self._anchor = anchor
        elif toggle and fdi in self.teeth:
            self.set(other for other in self.teeth if other != fdi)
        elif toggle:
            self.set((*self.teeth, fdi))
        else:
            self.set((fdi,))
