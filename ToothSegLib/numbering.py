"""Which tooth each region is: FDI numbers along the arch.

A region's look says its type, but not its side; its place among the others says both. The arch
template is laid over the regions in several ways. In each, the regions of an arch, taken in
order from the patient's right to the left, are set against the sixteen slots by a chain that
weighs type, place, size, the distance to the neighbour and molars missing at the end
(``arches/alignment.py``), and the template is fitted to the result, in turns, until nothing
changes. All ways together say how probable each number of each region is, which is the confidence;
of them that one gives the numbers whose own are the most probable in sum. Two kinds of teeth get
their numbers by look instead: those that lie off their row (``arches/displaced.py``), and canines
that stand in the place of a neighbour, which stands in theirs (``arches/looks.py``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from ToothSegLib.arches.alignment import EXTRA, Chain
from ToothSegLib.arches.arch import (
    SLOT_FDI,
    SLOT_TYPES,
    SLOTS_PER_ARCH,
    Pose,
    candidate_poses,
    fit_pose,
    heavy_tailed,
    order_along_arch,
    place_log_likelihood,
)
from ToothSegLib.arches.displaced import displaced_teeth
from ToothSegLib.arches.looks import shares, transposed_teeth
from ToothSegLib.arches.norms import VOLUMES_MM3 as NORM_VOLUMES_MM3
from ToothSegLib.arches.regions import Region
from ToothSegLib.grids.view_of_scan import View
from ToothSegLib.teeth import type_of

# A type that the network gives no chance may still be right.
_TYPE_FLOOR = 0.01
_LOG_VOLUME_SD = 0.35
_STEP_SD_MM = 1.0  # of the distance between neighbours, and its part that grows with distance
_STEP_SD_SHARE = 0.1
_TAILS = {"freedom": 3.0, "power": 1.5}  # of sizes and steps, as `heavy_tailed` takes them
# Each slot left empty between two teeth, by place in the quadrant. People lose molars and premolars
# first and canines last, and are born without premolars, upper lateral or lower incisors, hardly
# ever without canines or upper central incisors. Of 190 simulated heads that lack lower incisors,
# their gaps closed, 72 numbers were wrong with lower central ones at -1.5, and 30 are at -0.5.
# Upper canines stand in the places of missing laterals, with a space behind: of 40 such heads 79
# numbers were wrong with canines at -1.2, 53 of them for sure, and 59 and 17 are at -3.
_MISSING_UPPER = np.array([-1.5, -0.5, -3.0, -0.5, -0.5, -0.5, -0.5, -0.5])
_MISSING_LOWER = np.array([-0.5, -0.5, -1.2, -0.5, -0.5, -0.5, -0.5, -0.5])
_EMPTY = np.stack([_MISSING_UPPER, _MISSING_LOWER])[[[0], [1]], SLOT_FDI % 10 - 1]  # (2, 16)
# Teeth are lost in runs: a run costs no more than this, and less than to take a whole tooth for
# none (`_EXTRA`). Else the front teeth that lack in mouths with molars alone cost more than to
# leave a molar out or to count it to the other jaw: all of 12 such mouths had wrong numbers.
_MOST_EMPTY = -5.0
_CLOSED = -1.2  # a gap that has closed
# Besides, if it is a third molar that has moved up to the first. Few people have that, and many a
# second molar that looks like a third one.
_MOVED_THIRD = -3.0
_FIRST_TO_THIRD = ((0, 2), (13, 15))  # slots of an arch, from the patient's right to the left
# A molar that is missing at the end of a row counts as between two teeth, where the scan shows its
# place, so deep inside: else a row in which a premolar or first molar was lost and the space has
# closed would pass for one that ends a tooth earlier, at no cost. On the six heads of seeds 930,000
# to 930,005 that made 84 of 105 wrong numbers in such rows and no new one anywhere; twice as much
# put rows in doubt that truly end at the first molar.
_AT_THE_END = (6, 7)
_SEEN_MM = 4.0
_EXTRA = -9.0  # a region that is no tooth of the arch
_EXTRA_CRUMB = -5.0  # the same, when it is too small for any tooth
_SMALL_SHARE = 0.3  # of the smallest tooth's volume
_ROUNDS = 8
_NO_PLACE = "fits no place in the arch"


@dataclass
class Numbering:
    """What each region is.

    Attributes:
        numbers: region label -> FDI number of one of the 28 teeth, or None.
        confidence: region label -> probability, 0..1, of what ``numbers`` and ``third_molars``
            say of it.
        notes: region label -> why it has no number, in words.
        third_molars: region label -> 18, 28, 38 or 48, for the regions left out as such.
        transposed: labels of neighbours that stand in each other's place and have their numbers by
            their looks.
        pose: how the arch template lies over the teeth; None if there are none.
    """

    numbers: dict[int, int | None] = field(default_factory=dict)
    confidence: dict[int, float] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    third_molars: dict[int, int] = field(default_factory=dict)
    transposed: set[int] = field(default_factory=set)
    pose: Pose | None = None

    def take_from_crumb(self, label: int) -> None:
        """Take the number of a region that is too small for a tooth."""
        self.numbers[label] = None
        # That it is none of the tooth is as sure as its number was not.
        self.confidence[label] = 1 - self.confidence[label]
        self.notes[label] = "too small for a tooth"

    def table(self, highest: int) -> np.ndarray:
        """(highest + 1,) uint8: FDI number of every label up to the highest; 0 for none."""
        table = np.zeros(highest + 1, np.uint8)
        for label, fdi in self.numbers.items():
            table[label] = fdi or 0
        return table

    def without(self, labels: Collection[int]) -> Numbering:
        """The same for the other regions."""
        return Numbering(
            numbers={k: v for k, v in self.numbers.items() if k not in labels},
            confidence={k: v for k, v in self.confidence.items() if k not in labels},
            notes={k: v for k, v in self.notes.items() if k not in labels},
            third_molars={k: v for k, v in self.third_molars.items() if k not in labels},
            transposed=self.transposed - set(labels),
            pose=self.pose,
        )


@dataclass
class _Solution:
    """One way to lay the template over the regions."""

    slots: np.ndarray  # (n,) index into the 32 slots, or EXTRA
    pose: Pose
    probabilities: np.ndarray  # (n, 32)
    log_evidence: float


def number_regions(regions: list[Region], view: View | None = None) -> Numbering:
    """Give every region its FDI number, or None for a third molar or an extra.

    Any head posture within some 40 degrees of upright, any part of the dentition and any number
    of missing teeth are taken. No two regions get the same number.

    Args:
        regions: what ``separate_teeth`` found.
        view: what of the head was looked at; None if not known, and then rows may end anywhere.

    Returns:
        An entry for every region; without a pose if there are no regions.
    """
    if not regions:
        return Numbering()
    evidence = _Evidence(regions, view)
    poses = candidate_poses(evidence.centroids, evidence.looks)
    settled = [evidence.settle(pose) for pose in poses]
    # Different starts that lead to the same numbers are one way, not several.
    distinct = {slots.tobytes(): (slots, pose, size) for slots, pose, size in settled[::-1]}
    ways = [evidence.weigh(*way) for way in distinct.values()]
    ways.sort(key=lambda way: -way.log_evidence)
    weights = np.exp([way.log_evidence - ways[0].log_evidence for way in ways])
    weights /= weights.sum()
    chances = np.tensordot(weights, [way.probabilities for way in ways], axes=1)
    # The way of the highest evidence may be alone with its numbers, and give some that have a third
    # of another's chance: of 344 simulated heads with closed gaps it got 292 wrong, this one 254.
    best = max(ways, key=lambda way: _borne_out(way.slots, chances))
    result = _numbering(regions, best.slots, chances)
    result.pose = best.pose
    _place_displaced(result, regions)
    _exchange_transposed(result, regions)
    return result


class _Evidence:
    """The regions as arrays, and how they bear on a pose and on the slots."""

    def __init__(self, regions: list[Region], view: View | None) -> None:
        self.view = view
        self.centroids = np.array([region.centroid for region in regions], float)
        self.log_volumes = np.log([max(region.volume_mm3, 1.0) for region in regions])
        types = np.array([region.type_probabilities for region in regions], float)
        types = types / np.maximum(types[:, 1:].sum(axis=1, keepdims=True), 1e-6)
        self.cut = np.array([region.cut for region in regions], bool)
        self.looks = np.log(types[:, SLOT_TYPES] + _TYPE_FLOOR)
        """(n, 2, 16): log-probability of each slot's type."""

    def settle(self, pose: Pose) -> tuple[np.ndarray, Pose, float]:
        """Assign and fit in turns from ``pose`` until nothing changes.

        Returns:
            (n,) slots; the pose; the log of the teeth's volumes over the norms.
        """
        log_size = 0.0
        slots = np.full(len(self.centroids), EXTRA - 1)
        for _ in range(_ROUNDS):
            before = slots
            slots = np.full(len(self.centroids), EXTRA)
            for arch, (members, chain) in enumerate(self._chains(pose, log_size)):
                best, _ = chain.best()
                slots[members] = np.where(best == EXTRA, EXTRA, arch * SLOTS_PER_ARCH + best)
            used = slots != EXTRA
            if np.array_equal(slots, before) or not used.any():
                break
            arches, places = np.divmod(slots[used], SLOTS_PER_ARCH)
            pose = fit_pose(self.centroids[used], arches, places, pose)
            norms = np.log(NORM_VOLUMES_MM3[SLOT_TYPES[arches, places]])
            log_size = float(np.median(self.log_volumes[used] - norms))
        return slots, pose, log_size

    def weigh(self, slots: np.ndarray, pose: Pose, log_size: float) -> _Solution:
        """How probable a settled way is, and its slots' probabilities."""
        probabilities = np.zeros((len(self.centroids), 2 * SLOTS_PER_ARCH))
        evidence = pose.log_prior()
        for arch, (members, chain) in enumerate(self._chains(pose, log_size)):
            chances, log_evidence = chain.probabilities()
            columns = slice(arch * SLOTS_PER_ARCH, (arch + 1) * SLOTS_PER_ARCH)
            probabilities[members, columns] = chances
            evidence += log_evidence
        return _Solution(slots, pose, probabilities, evidence)

    def _chains(self, pose: Pose, log_size: float) -> list[tuple[np.ndarray, Chain]]:
        """For the upper and the lower arch: its regions in order, and their chain."""
        points = pose.to_template(self.centroids)
        places = pose.places()
        norms = np.log(NORM_VOLUMES_MM3[SLOT_TYPES]) + log_size
        # Heavy tails again: a tooth may be half resorbed.
        sizes = (self.log_volumes[:, None, None] - norms) / _LOG_VOLUME_SD
        # That little is left of what the field of view cuts speaks against no number.
        sizes = np.where(self.cut[:, None, None], np.maximum(sizes, 0.0), sizes)
        strayed = place_log_likelihood(points[:, None, None] - places)
        fit = self.looks + strayed + heavy_tailed(sizes**2, **_TAILS)
        crumbs = self.log_volumes < log_size + np.log(_SMALL_SHARE * NORM_VOLUMES_MM3[1:].min())
        extra = np.where(crumbs & ~self.cut, _EXTRA_CRUMB, _EXTRA)
        lower = fit[:, 1].max(axis=1) > fit[:, 0].max(axis=1)
        ends = self._ends(pose)
        chains = []
        for arch in range(2):
            members = np.flatnonzero(lower == bool(arch))
            members = members[order_along_arch(points[members], arch, pose)]
            # Along the row, not up and down it: a root lies below its own crown, not beside it.
            flat = points[members][:, :2]
            gaps = np.linalg.norm(flat[:, None] - flat, axis=-1)
            step = _step(gaps, places[arch], _EMPTY[arch])
            chain = Chain(fit[members, arch], extra[members], step, *ends[:, arch])
            chains.append((members, chain))
        return chains

    def _ends(self, pose: Pose) -> np.ndarray:
        """(2, 2, 16): log-likelihood of rows that begin, and that end, in each slot of each arch,
        by the molars' places that are left empty before and behind it though the scan shows them.
        """
        if self.view is None:
            return np.zeros((2, 2, SLOTS_PER_ARCH))
        places = pose.to_lps(pose.places())
        seen = self.view.shows(places, _SEEN_MM)
        empty = np.where(seen & np.isin(SLOT_FDI % 10, _AT_THE_END), _EMPTY, 0.0)
        upto = np.cumsum(empty, axis=1)
        return np.stack([upto - empty, upto[:, -1:] - upto])


def _step(gaps: np.ndarray, places: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Log-likelihood of distances (n, n) mm between regions for every pair of slots.

    (n, n, 16, 16), as ``Chain`` takes it, and -inf where it does not read; ``empty`` (16,) is that
    of each slot left empty. Where teeth are missing between the two, the gap may be open, or have
    closed in part or whole as the neighbours moved together.
    """
    # Of hundreds of regions this takes most of the numbering's time.
    before, after = np.triu_indices(len(gaps), 1)
    slot, other = np.triu_indices(len(places), 1)
    open_mm = np.linalg.norm((places[slot] - places[other])[:, :2], axis=-1)
    closed_mm = open_mm / (other - slot)
    sd = _STEP_SD_MM + _STEP_SD_SHARE * open_mm
    apart = gaps[before, after][:, None]

    def likelihood(expected: np.ndarray) -> np.ndarray:
        return heavy_tailed(((apart - expected) / sd) ** 2, **_TAILS)

    rare = np.isin(16 * slot + other, [16 * a + b for a, b in _FIRST_TO_THIRD]) * _MOVED_THIRD
    moved = likelihood(np.clip(apart, closed_mm, open_mm)) + _CLOSED + rare
    upto = np.concatenate([[0.0], np.cumsum(empty)])
    between = upto[other] - upto[slot + 1]  # of the slots after one, before another
    step = np.full((*gaps.shape, len(places), len(places)), -np.inf)
    step[before[:, None], after[:, None], slot, other] = np.maximum(
        likelihood(open_mm), moved
    ) + np.maximum(between, _MOST_EMPTY)
    return step


def _borne_out(slots: np.ndarray, chances: np.ndarray) -> float:
    """How many regions are expected to be right in slots (n,) by the chances (n, 32)."""
    each = np.take_along_axis(chances, np.maximum(slots, 0)[:, None], axis=1)[:, 0]
    return float(np.where(slots == EXTRA, 1 - chances.sum(axis=1), each).sum())


def _place_displaced(numbering: Numbering, regions: list[Region]) -> None:
    """Give those their number that lie off their row (`displaced`)."""
    leftover = {
        label
        for label, fdi in numbering.numbers.items()
        if fdi is None and label not in numbering.third_molars
    }
    assert numbering.pose is not None
    found = displaced_teeth(regions, numbering.numbers, leftover, numbering.pose)
    for label, (fdi, looks) in found.items():
        for crumb in [other for other, held in numbering.numbers.items() if held == fdi]:
            numbering.take_from_crumb(crumb)
        numbering.numbers[label], numbering.confidence[label] = fdi, looks
        del numbering.notes[label]


def _exchange_transposed(numbering: Numbering, regions: list[Region]) -> None:
    """Give neighbours that stand in each other's place the numbers of their looks, with no more
    confidence than these give."""
    held = dict(numbering.numbers)
    for pair in transposed_teeth(regions, held):
        for region, other in (pair, pair[::-1]):
            fdi = held[other.label]
            assert fdi is not None
            numbering.numbers[region.label] = fdi
            numbering.confidence[region.label] *= float(shares(region)[type_of(fdi)])
            numbering.transposed.add(region.label)


def _numbering(regions: list[Region], slots: np.ndarray, chances: np.ndarray) -> Numbering:
    """Slots (n,) and their probabilities (n, 32) in terms of labels and FDI numbers."""
    result = Numbering()
    for region, slot, row in zip(regions, slots, chances, strict=True):
        if slot == EXTRA:
            result.numbers[region.label] = None
            result.confidence[region.label] = float(np.clip(1 - row.sum(), 0, 1))
            result.notes[region.label] = _NO_PLACE
            continue
        fdi = int(SLOT_FDI.ravel()[slot])
        result.confidence[region.label] = float(np.clip(row[slot], 0, 1))
        if fdi % 10 == 8:
            result.numbers[region.label] = None
            result.notes[region.label] = "third molar"
            result.third_molars[region.label] = fdi
        else:
            result.numbers[region.label] = fdi
    return result
