"""A region that holds two neighbours, while one of their numbers is left over, is parted.

Votes of crowded teeth may gather in one heap. What gives such a region away is known only when all
regions have their numbers: it is large and wide for its place, the tooth beside it is missing, and
a part of its voxels look like that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from ToothSegLib.arches.arch import SLOT_FDI
from ToothSegLib.arches.arch_line import ArchLine
from ToothSegLib.arches.norms import VOLUMES_MM3, WIDTHS_MM, is_crumb
from ToothSegLib.arches.patient_size import size_if_enough
from ToothSegLib.arches.regions import Region, numbered_regions
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering
from ToothSegLib.separation.votes import voted_centres
from ToothSegLib.teeth import FDI_NUMBERS, neighbours, type_of

# Volume over what the patient's other teeth suggest, and reach along the arch over the width of
# the crown. Two in one reach 1.2 to 1.7 times as far, single teeth up to 1.2 times. Neighbours of
# one type, the central incisors, cannot be told by their looks: there, it takes more.
_LARGE, _WIDE = 1.25, 1.2
_LARGE_SAME_LOOK, _WIDE_SAME_LOOK = 1.6, 1.35
_SHARE_OF_THE_OTHER = 0.25
_ENDS = (3, 97)  # percentiles between which reach and spread are taken
# What holds as much as both together, is wide, and whose votes are spread along the arch, is two,
# though hardly any of it looks like the other: in poor pictures the networks take all of it for
# one tooth. Spread over crown width, of this patient's size: two in one had 0.75 to 1.1, single
# teeth of that volume up to 0.73. Where teeth stand one behind the other, reach says little.
_AS_MUCH_AS_BOTH, _HARDLY_ANY = 0.7, 0.03
_SPREAD = ((1.2, 0.74), (1.0, 0.95))  # reach and spread of votes, at least
# And what is all of both, looks like both, and has votes spread by this much, at any reach.
_ALL_OF_BOTH, _SPREAD_OF_BOTH = 0.9, 0.65
# Small crowded incisors may hold no more together than one tooth should: then looks, reach, the
# spread of the votes, and that the two looks lie side by side, must all say so. Two in one had a
# share of 0.27 to 0.49, a reach of 1.11 to 1.27, a spread of 0.74 to 1.26, looks 0.46 to 0.69 of a
# crown's width apart; single teeth of that volume had no share above 0.07.
_ANY_SIZE, _REACH_ANY_SIZE, _SPREAD_ANY_SIZE, _APART = 0.9, 1.1, 0.7, 0.4
_LEAST_OF_A_TOOTH = 0.3
# What decides between the two, beside where a voxel votes for: where it lies, and what it looks
# like (mm).
_PLACE_WEIGHT, _LOOK_MM = 0.4, 3.0


@dataclass(frozen=True)
class _Suspect:
    """A region and the numbers of the two teeth that it may hold."""

    region: Region
    own: int
    other: int


@dataclass(frozen=True)
class _Signs:
    """What speaks for two teeth in a region.

    Attributes:
        size: its volume over what this patient's other teeth suggest for one.
        both: the same, for the two together.
        share: of its voxels, that look more like the other tooth.
        reach: along the arch, over the width of the one's crown.
        spread: of its votes along the arch, likewise.
        patient: how long this patient's teeth are over the norms.
        apart: how far along the arch, towards the other tooth's place, the voxels that look more
            like that lie from the rest, likewise.
    """

    size: float
    both: float
    share: float
    reach: float
    spread: float
    patient: float
    apart: float = 0.0

    def of_two_alike(self) -> bool:
        """Whether it holds two of one type."""
        return self.size >= _LARGE_SAME_LOOK and self.reach >= _WIDE_SAME_LOOK

    def of_two(self) -> bool:
        """Whether it holds two of different types."""
        reach, spread = self.reach / self.patient, self.spread / self.patient
        looks = min(self.share, 1 - self.share) >= _SHARE_OF_THE_OTHER
        if self.size < _LARGE:
            beside = self.apart / self.patient >= _APART
            return looks and beside and reach >= _REACH_ANY_SIZE and spread >= _SPREAD_ANY_SIZE
        if self.both >= _AS_MUCH_AS_BOTH and any(
            reach >= least_reach and spread >= least_spread for least_reach, least_spread in _SPREAD
        ):
            return self.share >= _HARDLY_ANY
        all_of_both = self.both >= _ALL_OF_BOTH and spread >= _SPREAD_OF_BOTH
        return looks and (all_of_both or self.reach >= _WIDE)


def part_merged(
    labels: np.ndarray, maps: Maps, regions: list[Region], numbering: Numbering
) -> np.ndarray | None:
    """Part the regions that hold two teeth.

    Args:
        labels: (Z, Y, X) integers, 0 background, one label a region.
        maps: with offsets, on the same grid.
        regions, numbering: of these labels.

    Returns:
        The same map, with a new label for the smaller half of each parted region; None if none
        was parted.
    """
    if numbering.pose is None:
        return None
    numbered = numbered_regions(regions, numbering.numbers)
    scale = size_if_enough(numbered)
    if scale is None:
        return None
    parted, highest = None, int(labels.max())
    free = set(FDI_NUMBERS)
    free -= {
        fdi for region, fdi in numbered if not is_crumb(region.volume_mm3, type_of(fdi), scale)
    }
    for suspect in _suspects(numbered, scale, free):
        half = _other_half(suspect, labels, maps, ArchLine(numbering.pose), scale)
        if half is not None:
            free.remove(suspect.other)
            parted = labels.copy() if parted is None else parted
            highest += 1
            parted[half] = highest
    return parted


def _suspects(
    numbered: list[tuple[Region, int]], scale: float, free: set[int]
) -> Iterator[_Suspect]:
    """The regions that are not too small for two teeth, the largest for its place first, beside a
    number that is still free when it is their turn."""

    def size(numbered: tuple[Region, int]) -> float:
        region, own = numbered
        return region.volume_mm3 / (scale * VOLUMES_MM3[type_of(own)])

    for region, own in sorted(numbered, key=size, reverse=True):
        beside = [fdi for fdi in neighbours(own) if fdi in free]
        if beside and size((region, own)) >= _ANY_SIZE:
            # The one that more of it looks like.
            other = max(beside, key=lambda fdi: region.type_probabilities[type_of(fdi)])
            yield _Suspect(region, own, other)


def _other_half(
    suspect: _Suspect, labels: np.ndarray, maps: Maps, line: ArchLine, scale: float
) -> tuple[np.ndarray, ...] | None:
    """The voxels (k, j, i) of the smaller of two teeth, or None if it is one after all."""
    where = np.flatnonzero(labels == suspect.region.label)
    own, other = type_of(suspect.own), type_of(suspect.other)
    lower = np.full(len(where), suspect.own >= 30)
    voxels = np.stack(np.unravel_index(where, labels.shape), axis=1)
    origin = np.asarray(maps.origin)
    lies = line.coordinates(voxels[:, ::-1] * maps.spacing_mm + origin, lower)[:, 0]
    votes = line.coordinates(voted_centres(maps, where)[:, ::-1] + origin, lower)[:, 0]
    types = maps.types_at(where)
    more = (types[other] - types[own]).astype(np.float64)
    volume = suspect.region.volume_mm3 / scale
    order = SLOT_FDI.ravel().tolist()
    side = np.sign(order.index(suspect.other) - order.index(suspect.own))
    signs = _Signs(
        size=volume / VOLUMES_MM3[own],
        both=volume / (VOLUMES_MM3[own] + VOLUMES_MM3[other]),
        share=float(np.mean(more > 0)),
        reach=float(np.ptp(np.percentile(lies, _ENDS))) / WIDTHS_MM[own],
        spread=float(np.ptp(np.percentile(votes, _ENDS))) / WIDTHS_MM[own],
        patient=scale ** (1 / 3),
        apart=_apart(side * lies, more > 0) / WIDTHS_MM[own],
    )
    if not (signs.of_two_alike() if own == other else signs.of_two()):
        return None
    place = votes + _PLACE_WEIGHT * lies + side * _LOOK_MM * more
    _, half = kmeans2(place, np.percentile(place, (15, 85)), minit="matrix")
    parts = np.zeros(labels.shape, np.uint8)
    parts.ravel()[where] = 1 + half
    parts = in_one_piece(parts)
    counts = np.bincount(parts.ravel()[where], minlength=3)
    least = _LEAST_OF_A_TOOTH * scale * min(VOLUMES_MM3[own], VOLUMES_MM3[other])
    if counts[1:].min() * maps.spacing_mm**3 < least:
        return None
    return np.nonzero(parts == 1 + int(counts[1] > counts[2]))


def _apart(lies: np.ndarray, looks: np.ndarray) -> float:
    """How much further along, in the mean, those lie that a mask names; 0 if it is all or none."""
    if looks.all() or not looks.any():
        return 0.0
    return float(lies[looks].mean() - lies[~looks].mean())


def in_one_piece(parts: np.ndarray) -> np.ndarray:
    """1 and 2 on a mask, each part's fragments given to the other one, which they touch."""
    result = parts.copy()
    for part in (1, 2):
        pieces, count = ndimage.label(parts == part)
        if count > 1:
            largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
            result[(pieces > 0) & (pieces != largest)] = 3 - part
    return result
