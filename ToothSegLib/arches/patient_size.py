"""How large a patient's teeth are: their volumes over the norms.

It is asked at four points of a scan's way, and each knows something else of the teeth:

| function | teeth are | cut by the scan's border | too few |
| --- | --- | --- | --- |
| `size_by_looks` | what may be whole, before it has a number | left out if six are whole | 0 |
| `size_if_enough` | those with a number | left out if five are whole; else 1 at least | None |
| `size_by_numbers` | those with a number, but one | left out if one is whole | - |
| `median_if_enough` | those that the caller takes for whole, as the findings do | - | None |

To part or to join teeth, one must be sure of the size; to tell a crumb from a tooth, any guess is
better than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ToothSegLib.arches.norms import TEETH_FOR_SCALE, VOLUMES_MM3
from ToothSegLib.arches.regions import Region
from ToothSegLib.teeth import type_of

# Half of a lower incisor, and how many regions it takes to say how large a patient's teeth are.
_PART_MM3 = 100.0
_FEWEST, _ENOUGH = 4, 6


def look_of(region: Region) -> np.ndarray:
    """(16,) the types' probabilities, of all teeth that a region may be."""
    chances = region.type_probabilities[1:]
    return chances / max(float(chances.sum()), 1e-6)


def usual_mm3(look: np.ndarray) -> float:
    """The volume of a tooth of that look (16,), by the norms."""
    return float(look @ VOLUMES_MM3[1:])


def size_by_looks(regions: Sequence[Region], rank: float = 0.5) -> float:
    """The median volume, over what teeth of such a look have, of what may be a whole tooth; 0 where
    fewer than four may be.

    Molars are large in any patient, and a part of a scan may show nothing but molars.

    Args:
        regions: of a scan.
        rank: instead of the median's, 0 for the smallest to 1 for the largest.
    """
    sizes = [
        (region.cut, region.volume_mm3 / max(usual_mm3(look_of(region)), 1.0))
        for region in regions
        if region.volume_mm3 > _PART_MM3
    ]
    if len(sizes) < _FEWEST:
        return 0.0
    # Teeth that the scan cuts seem small, but a few whole ones may be large by chance.
    whole = [size for cut, size in sizes if not cut]
    return float(np.quantile(whole if len(whole) >= _ENOUGH else [size for _, size in sizes], rank))


def size_by_numbers(numbered: Sequence[tuple[Region, int]]) -> float:
    """Median of the volumes over the norms, of regions and their FDI numbers, at least one.

    What the scan cuts says nothing of the patient's size, unless there is nothing else.
    """
    whole = [ratio for cut, ratio in _ratios(numbered) if not cut]
    return float(np.median(whole or [ratio for _, ratio in _ratios(numbered)]))


def size_if_enough(numbered: Sequence[tuple[Region, int]]) -> float | None:
    """The same; None where there are too few.

    Teeth that the scan cuts, such as the crowns of the jaw that it is not of, would make the others
    giants. Where hardly any is whole, they tell at most that the patient is larger than the norm.
    """
    whole = median_if_enough(ratio for cut, ratio in _ratios(numbered) if not cut)
    if whole is not None:
        return whole
    size = median_if_enough(ratio for _, ratio in _ratios(numbered))
    return None if size is None else max(1.0, size)


def median_if_enough(ratios: Iterable[float]) -> float | None:
    """The median of what teeth measure over the norms; None where there are too few."""
    ratios = list(ratios)
    return float(np.median(ratios)) if len(ratios) >= TEETH_FOR_SCALE else None


def _ratios(numbered: Sequence[tuple[Region, int]]) -> list[tuple[bool, float]]:
    """Of each region, whether it is cut, and its volume over the norm."""
    return [(region.cut, region.volume_mm3 / VOLUMES_MM3[type_of(fdi)]) for region, fdi in numbered]
