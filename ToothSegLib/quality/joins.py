"""Two teeth taken for one, one tooth taken for two, two with one number, and root ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from ToothSegLib.arches.norms import VOLUMES_MM3 as NORM_VOLUMES_MM3
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.doubts import OTHER_JAW_SHARE
from ToothSegLib.quality.facts import Facts
from ToothSegLib.report import Finding, in_lps
from ToothSegLib.teeth import neighbours, row_of, type_of

# Width along the arch over the room that the tooth has there, and volume over what the patient's
# other teeth suggest. On simulated dentitions 99 of 100 teeth are at most 1.36 times as wide, two
# merged neighbours 1.5-2.4 times, and 1.2-2.6 times as large. A neighbour's number is missing then,
# or one further along the row.
WIDE_WITH_GAP, LARGE_WITH_GAP = 1.45, 1.15
WIDE, LARGE = 1.6, 1.5

# Halves lie beside or above each other, in one place of the row; a neighbour is a whole place away.
HALVES_ALONG, HALVES_ACROSS_MM, HALVES_UP_MM = 0.6, 7.0, 13.0
# Each half is smaller than a tooth, and both together make up one: two crumbs in the place of a
# tooth that is missing do not.
HALF_AT_MOST, BOTH_AT_MOST, HALF_AT_LEAST, BOTH_AT_LEAST = 0.9, 1.6, 0.1, 0.6
# Halves that both got a number, and pushed the others along; or that passes for a third molar.
NUMBERED_HALF_AT_MOST, NUMBERED_BOTH_AT_MOST, NUMBERED_ALONG = 0.7, 1.25, 0.65
THIRD_MOLAR_HALF_AT_MOST = 0.65
# What is larger has hardly lost a half; what lies in its place may be an extra tooth.
SMALL = 0.75


def two_heights_findings(facts: Facts, stacked: Mapping[int, float]) -> list[Finding]:
    """Regions of two heights, or from one jaw into the other.

    Args:
        facts: the teeth; a tooth that the scan cuts is not judged by its looks.
        stacked: label of a region whose votes gather at two heights -> how far apart, mm.
    """
    findings = []
    for fdi, region in facts.regions.items():
        upper, lower = region.looks_by_jaw
        if fdi in facts.sizes and min(upper, lower) >= OTHER_JAW_SHARE * (upper + lower):
            message = (
                f"{facts.name(fdi)} looks like a tooth of either jaw: it may be merged with the "
                "tooth that it bites on; split it."
            )
            findings.append(Finding("merged", "high", message, (fdi,)))
        elif region.label in stacked:
            message = (
                f"{facts.name(fdi)} may be two teeth, one above the other, such as a milk tooth "
                f"and the bud of the next: they are {stacked[region.label]:.0f} mm apart. If so, "
                "split it."
            )
            findings.append(Finding("merged", "high", message, (fdi,)))
    return findings


def merged_findings(facts: Facts, told: Collection[int]) -> list[Finding]:
    """Regions as wide as two neighbours, those apart of which something else was told.

    Another number of the row has no tooth then, so those between may be off by one.
    """
    findings = []
    for fdi, size in facts.sizes.items():
        if fdi in told:
            continue
        wide = facts.width(fdi)
        absent = [number for number in neighbours(fdi) if number not in facts.regions]
        if absent and wide >= WIDE_WITH_GAP and size >= LARGE_WITH_GAP:
            lost = f", and no {' and no '.join(map(str, absent))} was found"
        elif wide >= WIDE and size >= LARGE and not _row_is_full(facts, fdi):
            lost = ""
        else:
            continue
        message = (
            f"{facts.name(fdi)} may be two merged teeth: it is {wide:.1f} times as wide as its "
            f"place in the row{lost}. If so, split it."
        )
        findings.append(Finding("merged", "high", message, (fdi, *absent)))
    return findings


def twice_findings(facts: Facts) -> list[Finding]:
    """Numbers that several regions have."""
    findings = []
    for fdi, regions in facts.twice.items():
        sizes = " and ".join(f"{region.volume_mm3:.0f}" for region in regions)
        message = (
            f"{len(regions)} regions ({sizes} mm3) have the number of {facts.name(fdi)}: one is a "
            "part of it or has a wrong number; merge or renumber them."
        )
        findings.append(Finding("number-twice", "high", message, (fdi,)))
    return findings


def split_findings(facts: Facts) -> tuple[list[Finding], set[int]]:
    """Teeth in two pieces; and the labels of those pieces that were left out."""
    findings, pieces = [], set()
    for region in facts.left_out:
        third = region.label in facts.third_molars
        fdi = _other_half(facts, region, THIRD_MOLAR_HALF_AT_MOST if third else HALF_AT_MOST)
        if fdi is None:
            continue
        pieces.add(region.label)
        small = facts.sizes[fdi] < SMALL
        message = (
            f"{facts.name(fdi)} may be cut in two{'' if small else ', or have an extra tooth'}: "
            f"{'it is small, and ' if small else ''}a piece of {region.volume_mm3:.0f} mm3 at "
            f"{in_lps([region.place])} mm LPS, in its place, was left out. If it is cut, add the "
            "piece to it."
        )
        findings.append(Finding("split", "high", message, (fdi,), (region.place,)))
    for step in facts.steps():
        sizes = [facts.sizes.get(fdi, 1.0) for fdi in (step.first, step.second)]
        small = max(sizes) <= NUMBERED_HALF_AT_MOST
        one = BOTH_AT_LEAST <= sum(sizes) <= NUMBERED_BOTH_AT_MOST
        if small and one and step.along <= NUMBERED_ALONG:
            message = (
                f"{facts.name(step.first)} and {step.second} are small and close together: they "
                "may be one tooth cut in two, and the numbers beyond be off by one."
            )
            findings.append(Finding("split", "high", message, (step.first, step.second)))
    return findings, pieces


def rejoined_findings(
    rejoined: Iterable[tuple[int, Region]], numbering: Numbering
) -> list[Finding]:
    """What was added to a tooth as the end of its root.

    Args:
        rejoined: label of the tooth, and the piece.
        numbering: of the teeth; of those without a number nothing is said.
    """
    findings = []
    for label, root in rejoined:
        fdi = numbering.numbers.get(label)
        if fdi is None:
            continue
        side = "above" if fdi < 30 else "below"
        message = (
            f"{root.volume_mm3:.0f} mm3 {side} {fdi}, at {in_lps([root.place])} mm LPS, were taken "
            "for the end of its root: look whether it is that, and no extra tooth or bud."
        )
        findings.append(Finding("root-joined", "low", message, (fdi,), (root.place,)))
    return findings


def _row_is_full(facts: Facts, fdi: int) -> bool:
    """Whether no number is left for a tooth that was merged into another: into a second molar, a
    third one too."""
    third = fdi + 1
    return all(number in facts.regions for number in row_of(fdi)) and (
        third % 10 != 8 or third in facts.third_regions
    )


def _of_other_jaw(piece: Region, fdi: int) -> bool:
    """Whether a piece looks more like the teeth that bite on that one, as their crowns do where
    the scan cuts them."""
    upper, lower = piece.looks_by_jaw
    return lower > upper if fdi < 30 else upper > lower


def _other_half(facts: Facts, piece: Region, most: float) -> int | None:
    """The tooth that a piece without number may be a half of; each has at most that share."""
    best, least = None, HALVES_ALONG
    for fdi, size in facts.sizes.items():
        usual_mm3 = NORM_VOLUMES_MM3[type_of(fdi)] * facts.scale
        share = piece.volume_mm3 / usual_mm3
        if size > most or not HALF_AT_LEAST <= share <= most or _of_other_jaw(piece, fdi):
            continue
        if not BOTH_AT_LEAST <= size + share <= BOTH_AT_MOST:
            continue
        unit, room = facts.direction(fdi)
        way = piece.centroid - facts.regions[fdi].centroid
        along, up = abs(way @ unit), abs(way @ facts.up)
        across = np.sqrt(max(way @ way - along**2 - up**2, 0.0))
        if along / room < least and up < HALVES_UP_MM and across < HALVES_ACROSS_MM:
            best, least = fdi, along / room
    return best
