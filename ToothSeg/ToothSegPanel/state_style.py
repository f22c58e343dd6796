"""How the states of a tooth look: colour, mark and word, so that colour alone never decides."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class StateStyle:
    """The look of a state.

    Args:
        word: for the legend and for screen readers.
        crown, root: fill colours; None draws the tooth as an empty dashed outline.
        badge: colour of the mark's disc; None for no disc.
        mark: "", "check", "exclamation" or "cross".
    """

    word: str
    crown: Colour | None
    root: Colour | None
    badge: Colour | None = None
    mark: str = ""


OUTLINE: Colour = (120, 120, 120)

# The keys are the states of ToothSegScene.review. Orange and blue stay apart for colour-blind eyes.
STATES = {
    "present": StateStyle("found", (252, 247, 234), (233, 219, 184)),
    "to check": StateStyle(
        "to check", (255, 196, 92), (240, 206, 150), (196, 84, 0), "exclamation"
    ),
    "reviewed": StateStyle("reviewed", (150, 205, 240), (190, 215, 232), (12, 96, 160), "check"),
    "missing": StateStyle("missing", None, None, None, "cross"),
    "absent": StateStyle("not found", None, None),
}

URGENCY_BADGES = {"high": (186, 32, 37), "medium": (196, 84, 0), "low": (84, 104, 124)}
# Two strokes, one, an i: the shapes tell them apart, too.
URGENCY_MARKS = {"high": "double exclamation", "medium": "exclamation", "low": "information"}
