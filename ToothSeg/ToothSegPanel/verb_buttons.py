"""The buttons of the correction verbs, and how each calls its verb; no Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ToothSegPanel.verbs import Situation

Teeth = tuple[int, ...]


@dataclass(frozen=True)
class VerbButton:
    """A button and its verb.

    Args:
        button: name of the widget.
        tip: what it does, for the tool tip.
        act: does it; takes the ``Corrections``, the situation and the smoothing in mm, and gives
            the teeth to be selected afterwards.
    """

    button: str
    tip: str
    act: Callable[[Any, Situation, float], Teeth]


def _renumber(corrections: Any, now: Situation, _: float) -> Teeth:
    corrections.renumber(now.chosen[0], now.new)
    return (now.new or 0,)


def _renumber_from(corrections: Any, now: Situation, _: float) -> Teeth:
    corrections.renumber_from(now.chosen[0], now.new)
    return (now.new or 0,)


def _swap(corrections: Any, now: Situation, _: float) -> Teeth:
    corrections.swap(*now.selected)
    return now.selected


def _shift(step: int) -> Callable[[Any, Situation, float], Teeth]:
    def act(corrections: Any, now: Situation, _: float) -> Teeth:
        corrections.shift_quadrant(now.selected[0] // 10, step)
        return tuple(fdi + step for fdi in now.selected)

    return act


def _merge(corrections: Any, now: Situation, _: float) -> Teeth:
    keep, *others = now.chosen
    corrections.merge(keep, others)
    return (keep,)


def _delete(corrections: Any, now: Situation, _: float) -> Teeth:
    corrections.delete(now.chosen)
    return ()


def _mark_missing(corrections: Any, now: Situation, _: float) -> Teeth:
    if now.is_missing:
        corrections.take_back_missing(now.selected[0])
    else:
        corrections.mark_missing(now.selected[0])
    return now.selected


def _keep_largest(corrections: Any, now: Situation, _: float) -> Teeth:
    corrections.keep_largest(now.chosen)
    return now.chosen


def _smooth(corrections: Any, now: Situation, mm: float) -> Teeth:
    corrections.smooth(now.chosen, mm)
    return now.chosen


# The keys are those of `verbs.why_not`.
VERBS = {
    "renumber": VerbButton("renumberButton", "Give the tooth the new number", _renumber),
    "renumber from": VerbButton(
        "renumberFromButton",
        "Give the tooth the new number, and move all behind it in the quadrant along",
        _renumber_from,
    ),
    "swap": VerbButton("swapButton", "Exchange the numbers of two teeth", _swap),
    "shift mesially": VerbButton(
        "shiftForwardButton", "Move the quadrant's numbers by one towards the midline", _shift(-1)
    ),
    "shift distally": VerbButton(
        "shiftBackButton", "Move the quadrant's numbers by one away from the midline", _shift(+1)
    ),
    "mark missing": VerbButton(
        "missingButton",
        "Declare the tooth missing, so that what was taken for it goes; or take that mark back",
        _mark_missing,
    ),
    "merge": VerbButton(
        "mergeButton", "Join the teeth; the first one chosen keeps its number", _merge
    ),
    "delete": VerbButton("deleteButton", "Remove the teeth from the result", _delete),
    "keep largest": VerbButton(
        "largestButton", "Remove what is loose from the tooth", _keep_largest
    ),
    "smooth": VerbButton("smoothButton", "Smooth the surface of the teeth", _smooth),
}
