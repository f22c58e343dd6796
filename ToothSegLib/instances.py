"""One region a tooth, from the networks' maps.

With offsets, voxels vote for centres (``separation/votes.py``), first by plain distances, then, as
the rough teeth show where the arches run, by distances along these; without, categories are cut at
their necks (``separation/categories.py``). Either way the outcome is tidied on the graph of its
connected pieces: a tooth is one piece, crumbs go to the tooth that they touch most or are dropped,
what was cut in two by mistake is joined again, two in one are parted (``separation/parting.py``),
and a root that was taken for a third molar goes back to its tooth (``separation/lost_roots.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ToothSegLib.arches.arch_line import ArchLine
from ToothSegLib.arches.patient_size import size_if_enough
from ToothSegLib.arches.regions import Region, measure_regions, numbered_regions
from ToothSegLib.maps import TOOTH_THRESHOLD, Maps
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.progress import Progress
from ToothSegLib.separation.categories import label_by_categories
from ToothSegLib.separation.joining import join_parts, membership
from ToothSegLib.separation.lost_roots import rejoin_roots
from ToothSegLib.separation.parting import part_merged
from ToothSegLib.separation.pieces import Pieces, split_pieces
from ToothSegLib.separation.stacked import Stack, part_stacked, stacked_regions
from ToothSegLib.separation.votes import label_by_votes
from ToothSegLib.teeth import TEETH

__all__ = ["Instances", "Region", "separate_teeth"]

MINIMAL_VOLUME_MM3 = 25.0
"""A region below this is no tooth; a whole lower incisor has about 200 mm3, half of one 100."""

# A second large piece of a label stands for itself if less of its surface touches other teeth.
_ALONE_SHARE = 0.2
# Two halves of a tooth cut lengthwise meet in 0.2-0.3 of the smaller one's surface; neighbours
# whose crowns a thick foreground has fused, in up to 0.12. Where votes say two, it takes more.
_HALVES_SHARE = 0.2
_HALVES_SHARE_AGAINST_VOTES = 0.3
# Nobody's teeth are shorter or longer than so many times the norms.
_SIZES = (0.8, 1.35)
# Of the seconds that the sample scan takes.
_GATHERED, _TOLD_APART, _TIDIED = 0.1, 0.5, 0.8


@dataclass
class Instances:
    """What the maps hold.

    Attributes:
        labels: (Z, Y, X) uint16, 0 background, 1 and up as in ``regions``.
        regions: one a label.
        dropped_mm3: volume of each piece that was taken for no tooth and left out, largest first.
        numbering: of ``regions``, if telling them apart took it; else None.
        rejoined: label of a tooth, and what was added to it as the end of its root.
        stacked: label of a region that may be two teeth, one above the other, and how far apart
            they are, mm.
    """

    labels: np.ndarray
    regions: list[Region]
    dropped_mm3: list[float]
    numbering: Numbering | None = None
    rejoined: list[tuple[int, Region]] = field(default_factory=list)
    stacked: list[tuple[int, float]] = field(default_factory=list)


def separate_teeth(maps: Maps, run: Progress | None = None) -> Instances:
    """Take the foreground (tooth probability of at least 0.5) apart into teeth.

    Args:
        maps: on a canonical grid; ``offsets`` may be None.
        run: told how far this is, and asked before each numbering whether to stop: of hundreds of
            regions, as of a wrong voxel size, each takes seconds.

    Returns:
        Connected regions of at least ``MINIMAL_VOLUME_MM3``, largest first; none if there is no
        tooth.

    Raises:
        Cancelled: as of ``run``.
    """
    run = run or Progress()
    labels = np.zeros(maps.tooth.shape, np.uint16)
    where = np.flatnonzero(maps.tooth >= TOOTH_THRESHOLD)
    if not len(where):
        return Instances(labels, [], [])
    centres, size, up = None, 1.0, _upwards(Numbering())
    if maps.offsets is None:
        parts = label_by_categories(maps, where)
    else:
        parts, centres, size, up = _gathered_votes(maps, where, run)
    run.update(_TOLD_APART)
    pieces = split_pieces(parts, where, labels.shape)
    tooth, founders = _absorb(pieces, MINIMAL_VOLUME_MM3 / maps.spacing_mm**3)
    dropped = np.sort(pieces.size[tooth < 0])[::-1] * maps.spacing_mm**3
    if len(founders):
        labels.ravel()[where] = (tooth + 1)[pieces.piece]
        regions = measure_regions(labels, maps)
        middles = np.array([region.centroid for region in regions]) - maps.origin
        if centres is not None:
            # Votes tell where a tooth's middle is even if it was cut in two; its halves do not.
            voted = _is_main(pieces)[founders] & (pieces.label[founders] >= 0)
            middles[voted] = centres[pieces.label[founders[voted]]][:, ::-1]
        share = _HALVES_SHARE if centres is None else _HALVES_SHARE_AGAINST_VOTES
        tooth = np.append(join_parts(pieces, tooth, regions, middles, share, size, up), -1)[tooth]
    labels.ravel()[where] = (tooth + 1)[pieces.piece]
    labels = _largest_first(labels)
    regions, numbering = measure_regions(labels, maps), None
    rejoined: list[tuple[int, Region]] = []
    stacked: list[tuple[int, float]] = []
    if centres is not None:
        run.update(_TIDIED)
        numbering = number_regions(regions, maps.view())
        parted = part_merged(labels, maps, regions, numbering)
        if parted is not None:
            labels, regions, numbering = _measured_anew(parted, maps, run)
        before, joined = labels, rejoin_roots(labels, regions, numbering)
        if joined is not None:
            labels, regions, numbering = _measured_anew(joined[0], maps, run)
        labels, regions, numbering, stacks = _parted_by_height(
            labels, regions, numbering, maps, run
        )
        if joined is not None:
            # Labels go by size, so each is known only when all is parted and joined.
            rejoined = [(_commonest(labels[before == root.label]), root) for root in joined[1]]
        stacked = [(one.label, one.apart_mm) for one in stacks]
    return Instances(labels, regions, dropped.tolist(), numbering, rejoined, stacked)


def _commonest(labels: np.ndarray) -> int:
    return int(np.bincount(labels).argmax())


def _upwards(numbering: Numbering) -> np.ndarray:
    """(3,) the head's own direction upwards, LPS."""
    pose = numbering.pose
    return np.array([0.0, 0.0, 1.0]) if pose is None else np.asarray(pose.rotation[:, 2])


def _parted_by_height(
    labels: np.ndarray,
    regions: list[Region],
    numbering: Numbering,
    maps: Maps,
    run: Progress,
) -> tuple[np.ndarray, list[Region], Numbering, list[Stack]]:
    """Part what holds a tooth of the row and an impacted one, if that gives a number to each.

    A milk tooth above the bud of its own successor has none: that region is left whole. What is
    left so comes last.
    """
    while True:
        known = set(filter(None, numbering.numbers.values()))
        up = _upwards(numbering)
        stacks = stacked_regions(labels, maps, up)
        for stack in stacks if len(known) < len(TEETH) else ():
            parted = part_stacked(labels, maps, up, stack)
            if parted is None:
                continue
            anew = _measured_anew(parted, maps, run)
            if set(filter(None, anew[2].numbers.values())) > known:
                labels, regions, numbering = anew
                break
        else:
            return labels, regions, numbering, stacks


def _measured_anew(
    labels: np.ndarray, maps: Maps, run: Progress
) -> tuple[np.ndarray, list[Region], Numbering]:
    run.check()
    labels = _largest_first(labels)
    regions = measure_regions(labels, maps)
    return labels, regions, number_regions(regions, maps.view())


def _gathered_votes(
    maps: Maps, where: np.ndarray, run: Progress
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """As ``label_by_votes``, along the arches where teeth enough for that are found; how long this
    patient's teeth are over the norms; and (3,) where the head's own up is, LPS."""
    parts, centres = label_by_votes(maps, where)
    run.update(_GATHERED)
    rough = np.zeros(maps.tooth.shape, np.uint16)
    rough.ravel()[where] = parts + 1
    regions = [r for r in measure_regions(rough, maps) if r.volume_mm3 >= MINIMAL_VOLUME_MM3]
    numbering = number_regions(regions, maps.view())
    if numbering.pose is None:
        return parts, centres, 1.0, _upwards(numbering)
    size = np.cbrt(size_if_enough(numbered_regions(regions, numbering.numbers)) or 1.0)
    size = float(np.clip(size, *_SIZES))
    return *label_by_votes(maps, where, ArchLine(numbering.pose)), size, _upwards(numbering)


def _is_main(pieces: Pieces) -> np.ndarray:
    """(m,) bool: the largest piece of each label."""
    main = np.zeros(len(pieces.size), bool)
    order = np.argsort(-pieces.size, kind="stable")
    main[order[np.unique(pieces.label[order], return_index=True)[1]]] = True
    return main


def _absorb(pieces: Pieces, fewest_voxels: float) -> tuple[np.ndarray, np.ndarray]:
    """Choose the pieces that found a tooth and give the others to the tooth they touch most.

    Returns:
        (m,) index of each piece's tooth, -1 for those that touch none; (t,) the founders.
    """
    touching = np.asarray(pieces.contact.sum(axis=1)).ravel()
    alone = touching < _ALONE_SHARE * pieces.surface
    founders = np.flatnonzero((pieces.size >= fewest_voxels) & (_is_main(pieces) | alone))
    tooth = np.full(len(pieces.size), -1)
    tooth[founders] = np.arange(len(founders))
    while True:
        free = np.flatnonzero(tooth < 0)
        touch = pieces.contact[free] @ membership(tooth, len(founders))
        reached = touch.max(axis=1).toarray().ravel() > 0 if touch.nnz else np.zeros(0, bool)
        if not reached.any():
            return tooth, founders
        tooth[free[reached]] = np.asarray(touch[reached].argmax(axis=1)).ravel()


def _largest_first(labels: np.ndarray) -> np.ndarray:
    """The same regions, numbered from 1 by their size."""
    # Background is most of the grid, and is counted slowly.
    size = np.bincount(labels[labels != 0], minlength=1)
    names = np.argsort(-size, kind="stable")
    table = np.zeros(len(size), labels.dtype)
    table[names] = np.where(size[names] > 0, np.arange(1, len(size) + 1), 0)
    return table[labels]
