"""Which correction can be made now, and if not, why not; no Qt.

The library's own checks of the numbers are asked, so that a button and the verb behind it cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ToothSegLib.editing import renumbering
from ToothSegLib.errors import ToothSegError
from ToothSegPanel.reporting import sentence
from ToothSegPanel.selection import adding_key


@dataclass(frozen=True)
class Situation:
    """What the corrections start from.

    Args:
        selected: the teeth selected, in the order in which they were chosen.
        present: FDI numbers of the teeth that are there.
        new: the new number that is chosen, or None.
        missing: the teeth declared missing.
        blocked: why nothing at all can be corrected now; "" if something can.
        scan_lost: why there is no scan to paint on; "" if there is, or never was one.
        no_shapes: why the shape of no tooth can be changed; "" if it can.
        notation: one of `notation.NOTATIONS`, for what is said.
    """

    selected: tuple[int, ...] = ()
    present: frozenset[int] = frozenset()
    new: int | None = None
    missing: frozenset[int] = frozenset()
    blocked: str = ""
    scan_lost: str = ""
    no_shapes: str = ""
    notation: str = "FDI"

    @property
    def chosen(self) -> tuple[int, ...]:
        """The selected teeth that are there."""
        return tuple(fdi for fdi in self.selected if fdi in self.present)

    @property
    def is_missing(self) -> bool:
        """Whether the selected tooth is declared missing, so that this can be taken back."""
        return len(self.selected) == 1 and self.selected[0] in self.missing


def why_not(verb: str, now: Situation) -> str:
    """Why a verb cannot be done, in one sentence; "" if it can. KeyError for no such verb."""
    return now.blocked or _CHECKS[verb](now)


def _one(now: Situation) -> str:
    if len(now.selected) != 1:
        return "Select one tooth."
    return "" if now.chosen else "The tooth is not there."


def _some(now: Situation) -> str:
    return "" if now.chosen else "Select one or more teeth that are there."


def _shapes(now: Situation) -> str:
    return _some(now) or _grids(now)


def _edit(now: Situation) -> str:
    # A tooth that is not there is painted as a new one.
    if now.chosen or len(now.selected) == 1:
        return now.scan_lost
    return "Select one tooth, or more that are there."


def _several(now: Situation) -> str:
    if len(now.chosen) < 2:
        return "Select two or more teeth that are there; the first one chosen keeps its number."
    return _grids(now)


def _renumber(now: Situation) -> str:
    return _one(now) or _asked(
        now, lambda: renumbering.renumber(now.present, now.chosen[0], _new(now))
    )


def _renumber_from(now: Situation) -> str:
    return _one(now) or _asked(
        now, lambda: renumbering.renumber_from(now.present, now.chosen[0], _new(now))
    )


def _swap(now: Situation) -> str:
    if len(now.selected) != 2:
        return f"Select two teeth ({adding_key()} and a click adds one)."
    return _asked(now, lambda: renumbering.swap(now.present, *now.selected))


def _shift(step: int) -> Callable[[Situation], str]:
    def check(now: Situation) -> str:
        quadrants = {fdi // 10 for fdi in now.selected}
        if len(quadrants) != 1:
            return "Select a tooth of the quadrant."
        return _asked(now, lambda: renumbering.shift_quadrant(now.present, quadrants.pop(), step))

    return check


def _split(now: Situation) -> str:
    taken = _one(now) or _asked(now, lambda: renumbering.check_free(now.present, _new(now)))
    return taken or _grids(now)


def _mark_missing(now: Situation) -> str:
    if len(now.selected) != 1:
        return "Select one tooth."
    return (
        "" if now.is_missing else _asked(now, lambda: renumbering.check_expected(now.selected[0]))
    )


def _grids(now: Situation) -> str:
    return sentence(ToothSegError(now.no_shapes)) if now.no_shapes else ""


def _new(now: Situation) -> int:
    return now.new or 0


def _asked(now: Situation, question: Callable[[], object]) -> str:
    try:
        question()
    except ToothSegError as error:
        return sentence(error, now.notation)
    return ""


_CHECKS: dict[str, Callable[[Situation], str]] = {
    "renumber": _renumber,
    "renumber from": _renumber_from,
    "swap": _swap,
    "shift mesially": _shift(-1),
    "shift distally": _shift(+1),
    "merge": _several,
    "split": _split,
    "delete": _some,
    "mark missing": _mark_missing,
    "keep largest": _shapes,
    "smooth": _shapes,
    "edit": _edit,
}
