"""The teeth that are not there, and what is known of that, in one attribute of the segmentation.

A number is one that the reader has declared missing; with a question mark it is one that got lost
while something else was painted, until the reader declares it missing or brings it back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ToothSegScene.state import State

_LOST = "?"


def missing_of(state: State) -> set[int]:
    """The numbers that the reader has declared missing."""
    return missing_in(state.missing)


def lost_of(state: State) -> set[int]:
    """The numbers that got lost, and that nobody has judged since."""
    return lost_in(state.missing)


def missing_in(text: str | None) -> set[int]:
    """As `missing_of`, of the attribute ``ToothSeg.Missing``."""
    return {int(word) for word in (text or "").split() if word.isdigit()}


def lost_in(text: str | None) -> set[int]:
    """As `lost_of`, of the attribute ``ToothSeg.Missing``."""
    words = [word.removesuffix(_LOST) for word in (text or "").split() if word.endswith(_LOST)]
    return {int(word) for word in words if word.isdigit()}


def text_of(missing: Collection[int], lost: Collection[int] = ()) -> str | None:
    """The attribute ``ToothSeg.Missing``; None where it says nothing."""
    words = [*map(str, sorted(missing)), *(f"{fdi}{_LOST}" for fdi in sorted(lost))]
    return " ".join(words) or None


def with_numbers(
    state: State, missing: Collection[int] | None = None, lost: Collection[int] | None = None
) -> State:
    """A state with other numbers declared missing, or lost; None leaves them as they are."""
    declared = missing_of(state) if missing is None else set(missing)
    others = (lost_of(state) if lost is None else set(lost)) - declared
    if (declared, others) == (missing_of(state), lost_of(state)):
        return state
    return replace(state, missing=text_of(declared, others))
