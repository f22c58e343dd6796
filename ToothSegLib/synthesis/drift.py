"""Gaps that have closed: teeth move and lean into the place of one that is gone.

Where a first molar was lost long ago the second leans into its place, and after four first
premolars were taken out by an orthodontist no gap is left at all. A network that counts places from
the midline is wrong there; one that looks at the teeth is not.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

_ORTHODONTIC = 0.1  # of the patients with all their teeth: two or four premolars taken out
_DRIFTED = 0.5  # of the patients with gaps: some of them have closed
_LONGEST = 2  # teeth of one quadrant in a gap that still closes
_LEANING_DEG = 25.0  # at most, where half of a gap is closed


def draw_extractions(lost: Collection[int], rng: np.random.Generator) -> set[int]:
    """Premolars that an orthodontist took out, FDI numbers, if all but third molars are there."""
    if any(fdi % 10 != 8 for fdi in lost) or rng.random() >= _ORTHODONTIC:
        return set()
    position = 4 if rng.random() < 0.8 else 5
    quadrants = (1, 2, 3, 4) if rng.random() < 0.6 else (1, 2)
    return {10 * quadrant + position for quadrant in quadrants}


def draw_closed(
    lost: Collection[int], taken_out: Collection[int], rng: np.random.Generator
) -> dict[int, float]:
    """How much of the place of each lost tooth its neighbours have closed, 0 to 1.

    Args:
        lost: FDI numbers of the teeth that are missing, those taken out included.
        taken_out: of these, whose gaps an orthodontist closed.
        rng: the only source of chance.

    Returns:
        By FDI number; places that are as wide as ever are not in it.
    """
    closed = {fdi: float(rng.uniform(0.85, 1.0)) for fdi in sorted(taken_out)}
    if rng.random() >= _DRIFTED:
        return closed
    for fdi in sorted(set(lost) - set(taken_out)):
        if fdi % 10 == 8 or _gap(fdi, lost) > _LONGEST or rng.random() < 0.3:
            continue
        closed[fdi] = float(rng.uniform(0.1, 1.0))
    return closed


def leaning_into(fdi: int, closed: dict[int, float], rng: np.random.Generator) -> float:
    """Rad by which a tooth leans to the midline, because the place before it has closed in part."""
    share = closed.get(fdi - 1, 0.0) if fdi % 10 > 1 else 0.0
    # A gap that is all closed was closed with care, or the roots have followed.
    most = 2.0 * min(share, 1.0 - share) * np.deg2rad(_LEANING_DEG)
    return float(rng.uniform(0.0, 1.0) * most)


def _gap(fdi: int, lost: Collection[int]) -> int:
    """How many neighbouring teeth of the quadrant are missing with this one, third molars aside."""
    quadrant, position = divmod(fdi, 10)
    low = high = position
    while low > 1 and 10 * quadrant + low - 1 in lost:
        low -= 1
    while high < 7 and 10 * quadrant + high + 1 in lost:
        high += 1
    return high - low + 1
