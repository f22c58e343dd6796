"""From how sure the numbering is to how often it is right: a small table in a bundle's card.

The table is a list of ``[confidence, share right]`` pairs, both rising, and is read between its
entries by straight lines. Below its first entry there were too few teeth to learn from, so nothing
is drawn there: a confidence stays as it is, but rises no higher than the first entry's share, as a
tooth that the numbering is less sure of is not right more often. A straight line to nothing would
make doubts up: with a first entry of 0.98 it takes from 0.96, which hardly any tooth had. A card
without a table leaves the confidences as they are. `evaluation.reliability` makes it.
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
    """The calibrated value, 0-1.

    Below the table's first entry the confidence itself, at most that entry's share; beyond its last
    entry that one's share. Earlier tables begin with ``[0, 0]``, which no tooth stands behind.
    """
    entries = table[1:] if table and not any(table[0]) else table
    if not entries:
        return confidence
    at, value = np.asarray(entries, float).T
    if confidence < at[0]:
        return min(confidence, float(value[0]))
    return float(np.interp(confidence, at, value))
