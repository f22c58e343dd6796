"""What a correction says of a tooth's review: nobody has looked at each of many teeth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from teeth_node import segments_of, tag

# By FDI number before any verb; what is not here is predicted.
BEFORE = {15: "approved", 47: "corrected"}


@pytest.fixture
def corrections(node: Any) -> Any:
    """Corrections of 14, 15, 16, 21, 46 and 47, two of them reviewed."""
    from ToothSegScene.editing import Corrections

    for fdi, review in BEFORE.items():
        segments_of(node)[f"tooth_{fdi}"].SetTag("ToothSeg.Review", review)
    return Corrections(node)


def _reviewed(node: Any) -> dict[int, str | None]:
    reviews = {
        int(tag(segment, "ToothSeg.FDI") or 0): tag(segment, "ToothSeg.Review")
        for segment in segments_of(node).values()
    }
    return {fdi: review for fdi, review in reviews.items() if review not in ("predicted", None)}


@pytest.mark.parametrize(
    ("verb", "reviewed"),
    [
        (lambda c: c.renumber(14, 13), {**BEFORE, 13: "corrected"}),
        (lambda c: c.renumber(15, 13), {13: "corrected", 47: "corrected"}),
        (lambda c: c.swap(15, 16), {15: "corrected", 16: "corrected", 47: "corrected"}),
        (lambda c: c.merge(14, [15, 16]), {14: "corrected", 47: "corrected"}),
        (lambda c: c.smooth([16], 0.6), {**BEFORE, 16: "corrected"}),
        (lambda c: c.keep_largest([16]), {**BEFORE, 16: "corrected"}),
        # It moves no other.
        (lambda c: c.renumber_from(16, 17), {**BEFORE, 17: "corrected"}),
        # Of several teeth.
        (lambda c: c.smooth([15, 16, 21, 46, 47], 0.6), BEFORE),
        (lambda c: c.keep_largest([15, 16]), BEFORE),
        (lambda c: c.shift_quadrant(1, 1), {47: "corrected"}),
        (lambda c: c.shift_quadrant(4, -1), {15: "approved"}),
        (lambda c: c.renumber_from(15, 16), {47: "corrected"}),
    ],
)
def test_only_what_a_verb_is_about_one_by_one_is_corrected(
    node: Any, corrections: Any, verb: Callable[[Any], None], reviewed: dict[int, str]
) -> None:
    verb(corrections)
    assert _reviewed(node) == reviewed
    corrections.undo()
    assert _reviewed(node) == BEFORE
    corrections.redo()
    assert _reviewed(node) == reviewed
