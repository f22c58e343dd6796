"""From how sure the numbering is to how often it is right: a small table in a bundle's card.

The table is a list of ``[confidence, share right]`` pairs, both rising, and is read between its
entries by straight lines. A card without one leaves the confidences as they are.
`evaluation.reliability` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ToothSegLib.numbering import Numbering


def calibrated(numbering: Numbering, card: Mapping[str, Any]) -> Numbering:
    """The numbering with calibrated confidences of the regions that are among the 28 teeth.

    Args:
        numbering: as from `number_regions`.
        card: of the bundle whose maps it comes from, checked by `model_card.read_card`.
    """
    table = card.get("calibration")
    if not table:
        return numbering
    sure = {
        label: look_up(table, confidence) if numbering.numbers.get(label) else confidence
        for label, confidence in numbering.confidence.items()
    }
    return replace(numbering, confidence=sure)


def look_up(table: list[list[float]], confidence: float) -> float:
    """The calibrated value, 0-1; beyond the table's ends its first or last value."""
    at, value = np.asarray(table, float).T
    return float(np.interp(confidence, at, value))
