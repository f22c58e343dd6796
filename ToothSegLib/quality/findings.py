"""All checks in order. What explains more comes first, and silences what only follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.doubts import number_findings, odd_looks, unclear_findings
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.greys import measure_greys
from ToothSegLib.quality.joins import (
    merged_findings,
    rejoined_findings,
    split_findings,
    twice_findings,
    two_heights_findings,
)
from ToothSegLib.quality.left_out import (
    no_place_findings,
    noise_findings,
    third_molar_findings,
)
from ToothSegLib.quality.metal import metal_findings
from ToothSegLib.quality.one_side import one_side_findings
from ToothSegLib.quality.orientation import backwards_findings, upside_down_findings
from ToothSegLib.quality.row import (
    gap_findings,
    height_findings,
    missing_findings,
    order_findings,
    transposed_findings,
)
from ToothSegLib.quality.sizes import asymmetry_findings, size_findings
from ToothSegLib.quality.subject import subject_findings
from ToothSegLib.report import Finding, by_urgency
from ToothSegLib.volume import Volume


def find_findings(
    regions: Sequence[Region],
    numbering: Numbering,
    labels: Volume,
    *,
    dropped_mm3: Iterable[float] = (),
    scan: Volume | None = None,
    rejoined: Iterable[tuple[int, Region]] = (),
    stacked: Iterable[tuple[int, float]] = (),
    implants: int = 0,
) -> list[Finding]:
    """What to look at, the most urgent first.

    Within one urgency: doubts about the scan, about the rows, about single teeth, and what was
    left out.

    Args:
        regions: of the working grid, as numbered.
        numbering: of these regions.
        labels: FDI numbers on the source grid.
        dropped_mm3: volumes of pieces that the instance stage left out.
        scan: on the same grid. Without it nothing is said that the grey values tell: whether this
            is a CBCT or CT of a head, a field of view within the array, metal.
        rejoined: label of a tooth, and what was added to it as the end of its root.
        stacked: label of what may be two teeth, one above the other, and how far apart, mm.
        implants: how many were found and left out, pontics among them.
    """
    facts = Facts(regions, numbering, labels, scan)
    greys = None if scan is None else measure_greys(labels, scan, facts.boxes)
    findings = subject_findings(facts, greys, implants)
    if backwards := backwards_findings(facts):
        # What else may be said of numbers, places and sizes only follows from it.
        about_voxels = [
            *unclear_findings(facts),
            *_cut_findings(facts),
            *metal_findings(facts, greys),
            *noise_findings(dropped_mm3),
        ]
        return by_urgency(findings + backwards + about_voxels)
    order = order_findings(facts)
    if all(len(finding.fdi) <= 2 for finding in order):
        # Of a head that is upside down all numbers are wrong, whichever two are out of order.
        order = upside_down_findings(facts) or order
    # A head that does not lie as the file says has all numbers wrong; that is told once.
    misplaced = any(len(finding.fdi) > 2 for finding in order)
    heights = dict(stacked)
    two_heights = two_heights_findings(facts, heights)
    merged = merged_findings(facts, _named(two_heights))
    split, pieces = split_findings(facts)
    by_form = [] if misplaced else transposed_findings(facts)
    main = [*twice_findings(facts), *order, *by_form, *two_heights, *merged, *split]
    told = _named(main)
    # Where these have pushed a row along, a doubt about a neighbour's number only follows from it;
    # a look that contradicts a number does not.
    pushed = _named([*order, *merged, *(finding for finding in split if len(finding.fdi) > 1)])
    near = {fdi for step in facts.steps() for fdi in step.pair if pushed & set(step.pair)}
    follows = told | (near - odd_looks(facts).keys())
    main += [
        finding
        for finding in number_findings(facts)
        if not misplaced
        and (finding.code == "numbers-unsure" or not follows.issuperset(finding.fdi))
    ]
    findings += main
    all_unsure = misplaced or _told_of("numbers-unsure", main)
    if not all_unsure:
        findings += one_side_findings(facts)
    if facts.regions:
        odd = size_findings(facts, told)
        findings += unclear_findings(facts) + _cut_findings(facts) + odd
        findings += height_findings(facts, told)
        findings += gap_findings(facts, told) + missing_findings(facts, told)
        findings += asymmetry_findings(facts, told | _named(odd))
    left_out = [region for region in facts.left_out if region.label not in pieces]
    findings += [
        *no_place_findings(left_out, numbering, facts),
        *metal_findings(facts, greys),
        *third_molar_findings(left_out, numbering, facts, all_unsure=all_unsure, stacked=heights),
        *rejoined_findings(rejoined, numbering),
        *noise_findings(dropped_mm3),
    ]
    return by_urgency(findings)


def _named(findings: Iterable[Finding]) -> set[int]:
    return {fdi for finding in findings for fdi in finding.fdi}


def _told_of(code: str, findings: Iterable[Finding]) -> bool:
    return any(finding.code == code for finding in findings)


def _cut_findings(facts: Facts) -> list[Finding]:
    """One finding for all teeth that the field of view cuts."""
    cut = [fdi for fdi in facts.regions if fdi in facts.cut]
    if not cut:
        return []
    names = facts.name(cut[0]) if len(cut) == 1 else ", ".join(map(str, cut))
    message = (
        f"The field of view cuts {names}: what is marked is only a part, so trust neither its "
        "volume nor its shape."
    )
    return [Finding("cut-by-field-of-view", "medium", message, tuple(cut))]
