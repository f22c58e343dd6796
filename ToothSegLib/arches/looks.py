"""Looks that speak against numbers, and teeth that stand in each other's place.

Along a row the place mostly decides a number, and the networks may take one tooth for another. But
where a canine and its neighbour each have the other's look, they are transposed, or the canine is
impacted past its neighbour, and it is by their form that people name them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ToothSegLib.arches.regions import Region, numbered_regions
from ToothSegLib.teeth import neighbours, type_of

# A tooth whose look speaks against its number, however sure the place in the row is: so little of
# it, of all teeth that it may be, is its number's type, and so much another one of the same jaw.
NOT_ITS_LOOK, ANOTHERS_LOOK = 0.1, 0.6
# Of a canine's look less will do. One in the place of a missing lateral incisor, with a space
# behind it, had 0.19 and 0.74; in 30 simulated heads no tooth with the right number is told by
# this, while 23 would be by the same for all looks, most of them second molars.
NOT_ITS_LOOK_BUT_CANINE, CANINES_LOOK = 0.25, 0.5
_CANINE_TYPES = (3, 11)
# Teeth that are transposed are canines with a neighbour nearly always. Two premolars, two incisors
# or two molars are so much alike that networks rather take each for the other.
_CANINES = (13, 23, 33, 43)
# In 40 simulated heads, whose teeth vary more than people's, 88 % of canines had so many times the
# volume of the lateral incisor beside them, and 4 % of these that of the canine. With first
# premolars it is 53 and 24 %, as the norms of canines are only 1.14 and 1.18 times theirs.
_LARGER = 1.1


def shares(region: Region) -> np.ndarray:
    """(17,) how much of a region's look each type has, of all teeth that it may be; [0] is 0."""
    looks = np.array(region.type_probabilities, float)
    looks[0] = 0.0
    return looks / max(looks.sum(), 1e-6)


def of_another(looks: np.ndarray, own: int, other: int) -> bool:
    """Whether a look is clearly that of one type and not that of another.

    Args:
        looks: (17,) as of `shares`.
        own, other: types, 1-16; the look speaks against the one and for the other.
    """
    least, enough = NOT_ITS_LOOK, ANOTHERS_LOOK
    if other in _CANINE_TYPES:
        least, enough = NOT_ITS_LOOK_BUT_CANINE, CANINES_LOOK
    return bool(looks[own] < least and looks[other] > enough)


def transposed_teeth(
    regions: Sequence[Region], numbers: Mapping[int, int | None]
) -> list[tuple[Region, Region]]:
    """Canines and neighbours of theirs of which each clearly has the other's look.

    What looks like the canine is the larger one, too, as canines are beside both their neighbours:
    else the networks have rather taken each for the other.

    Args:
        regions: all of them. Of what the scan cuts the look hardly tells, so it is left alone.
        numbers: region label -> FDI number, or None; no number twice.

    Returns:
        Pairs; no region is in two of them.
    """
    held = {fdi: region for region, fdi in numbered_regions(regions, numbers) if not region.cut}
    return [
        (held[canine], held[other])
        for canine in _CANINES
        for other in neighbours(canine)
        if canine in held
        and other in held
        and held[other].volume_mm3 > _LARGER * held[canine].volume_mm3
        and of_another(shares(held[canine]), type_of(canine), type_of(other))
        and of_another(shares(held[other]), type_of(other), type_of(canine))
    ]
