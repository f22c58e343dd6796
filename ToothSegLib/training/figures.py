"""Dice of what the networks of a recipe find in turned scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.teeth import CATEGORIES

Pairs = Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
"""(found, true) label maps of the same shape; 0 is background."""


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Overlap of two masks, 0..1; two empty ones agree."""
    total = int(found.sum()) + int(truth.sum())
    return 1.0 if total == 0 else 2.0 * int((found & truth).sum()) / total


def tooth_figures(pairs: Pairs) -> dict[str, Any]:
    """Dice of tooth against the rest, mean over the pairs."""
    return {"tooth_dice": _mean([dice(found > 0, truth > 0) for found, truth in pairs])}


def category_figures(pairs: Pairs) -> dict[str, Any]:
    """Dice of teeth, of each category that is there, and of these the mean; over the pairs."""
    each = {}
    for category in CATEGORIES:
        scores = [
            dice(found == category.index, truth == category.index)
            for found, truth in pairs
            if (truth == category.index).any()
        ]
        if scores:
            each[category.name] = _mean(scores)
    return {
        **tooth_figures(pairs),
        "category_dice": _mean(list(each.values())),
        "categories": each,
    }


def _mean(scores: Sequence[float]) -> float:
    return round(float(np.mean(scores)), 4)
