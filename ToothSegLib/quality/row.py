"""The rows as a whole: numbers out of order, too much room, far up or down, or without a tooth."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ToothSegLib.quality.facts import Facts, Step
from ToothSegLib.report import Finding
from ToothSegLib.teeth import (
    FDI_NUMBERS,
    LOWER_ARCH,
    UPPER_ARCH,
    mirror,
    opposite,
    row_of,
    type_of,
)

# A tooth lies this share of its way further along the arch than the one before; 0 is beside it.
# Crowded teeth of simulated dentitions reach 0.5, exchanged numbers -1.
LEAST_STEP = 0.0
# Between neighbours. A missing tooth without its number doubles the way; simulated neighbours are
# up to 1.4 times as far as usual, and a wide gap between incisors is 3 mm.
WIDE_GAP, WIDE_GAP_MM = 1.6, 3.5
# Where a number is missing: less than this share of the usual way is left, so no tooth fits in.
CLOSED_GAP = 0.75
# Off its place, up or down. By all teeth, on 28 simulated heads those with their right numbers lie
# up to 7.4 mm off, impacted ones up to 7.2, those of a real head up to 1.4; by the others of their
# row alone, on 24 more heads, up to 5.3 instead of 3.8. The numbering hardly minds: neither look
# nor way to the neighbours tells it.
FAR_OFF_MM = 10.0
# Of a head on its side 9 of 28 teeth are so far off; of people's, four canines may be.
MANY_OFF, MANY_OFF_SHARE = 5, 0.25
# By both rows, that is. With the mouth 45 mm open as many may be, as the fit lies between the two;
# but the lower one hangs down then. Of a head on its side it lies 33-37 mm too high; with the mouth
# shut it hangs by up to 7 mm.
MOUTH_OPEN_MM = 15.0
# Quadrants whose teeth have the lower coordinates, across and up.
_RIGHT, _LOWER = (1, 4), (3, 4)


def order_findings(facts: Facts) -> list[Finding]:
    """Numbers that run against the arch: neighbours exchanged, sides or jaws swapped.

    Neighbours that look like their numbers are left to `transposed_findings`.
    """
    for words, quadrants, fellow, axis in (
        ("on the right lie left of those numbered as on the left", _RIGHT, mirror, 0),
        ("upper lie below those numbered as lower", _LOWER, opposite, 2),
    ):
        # Fellows only: in a tilted head, the upper front teeth may well lie below the lower molars.
        ways = [
            facts.regions[fellow(fdi)].centroid[axis] - region.centroid[axis]
            for fdi, region in facts.regions.items()
            if fdi // 10 in quadrants and fellow(fdi) in facts.regions
        ]
        if ways and np.median(ways) < 0:
            message = (
                f"The teeth numbered as {words}: check the orientation in the file's header, and "
                "all numbers."
            )
            return [Finding("order", "high", message, tuple(facts.regions))]
    return [
        Finding(
            "order",
            "high",
            f"{facts.name(step.first)} and {step.second} are out of order along the arch: their "
            "numbers may be exchanged.",
            (step.first, step.second),
        )
        for step in facts.steps()
        if step.along < LEAST_STEP and not _by_form(facts, step)
    ]


def transposed_findings(facts: Facts) -> list[Finding]:
    """Neighbours against the order of the arch whose looks say that their numbers are right."""
    return [
        Finding(
            "order",
            "high",
            f"{facts.name(step.first)} and {step.second} are out of order along the arch but look "
            "like their numbers, which go by form here: one of them is impacted, or they stand "
            "transposed. Check both.",
            step.pair,
        )
        for step in facts.steps()
        if _by_form(facts, step)
    ]


def _by_form(facts: Facts, step: Step) -> bool:
    """Whether two teeth stand against the order of the arch, each with the look of its number."""
    pair = [(facts.regions[fdi], fdi, other) for fdi, other in (step.pair, step.pair[::-1])]
    if {region.label for region, _, _ in pair} <= facts.transposed:
        return True
    return step.along < LEAST_STEP and all(
        region.type_probabilities[type_of(fdi)] > region.type_probabilities[type_of(other)]
        for region, fdi, other in pair
    )


def gap_findings(facts: Facts, told: Collection[int]) -> list[Finding]:
    """Neighbours by number with room for one more tooth between them."""
    return [
        Finding(
            "wide-gap",
            "medium",
            f"Between {facts.name(step.first)} and {step.second} there is room for one more tooth: "
            "one was overlooked, or the numbers beyond are off by one.",
            (step.first, step.second),
        )
        for step in facts.steps()
        if step.places == 1
        and step.apart >= WIDE_GAP
        and (step.apart - 1) * step.usual_mm >= WIDE_GAP_MM
        and not {step.first, step.second} & set(told)
    ]


def height_findings(facts: Facts, told: Collection[int]) -> list[Finding]:
    """Teeth far above or below their row, those apart that another finding names; one finding
    where so many are that the head cannot lie as the file says."""
    teeth = tuple(facts.regions)
    many = sum(abs(facts.height_by_all_mm(fdi)) > FAR_OFF_MM for fdi in teeth)
    enough = max(MANY_OFF, MANY_OFF_SHARE * len(teeth))
    if many >= enough and facts.hanging_mm() < MOUTH_OPEN_MM:
        message = (
            f"{many} of {len(teeth)} teeth lie far above or below their rows: check "
            "the orientation in the file's header, and all numbers."
        )
        return [Finding("order", "high", message, teeth)]
    findings = []
    for fdi in teeth:
        height = facts.height_mm(fdi)
        if fdi in told or abs(height) <= FAR_OFF_MM:
            continue
        deep = (height > 0) != (fdi // 10 in _LOWER)
        message = (
            f"{facts.name(fdi)} lies {abs(height):.0f} mm {'above' if height > 0 else 'below'} its "
            f"row: {'an impacted tooth' if deep else 'a tooth of the other jaw'}, or no tooth at "
            "all; check it."
        )
        findings.append(Finding("off-row", "medium", message, (fdi,)))
    return findings


def missing_findings(facts: Facts, told: Collection[int]) -> list[Finding]:
    """One finding for all numbers that no tooth has, those apart that another finding names."""
    missing = {fdi for fdi in FDI_NUMBERS if fdi not in facts.regions} - set(told)
    gaps, within = [], set()
    for step in facts.steps():
        row = row_of(step.first)
        between = set(row[row.index(step.first) + 1 : row.index(step.second)]) & missing
        if not between:
            continue
        within |= between
        closed = ", where no room is left" if step.apart < CLOSED_GAP else ""
        gaps.append(f"{_listed(between)} (between {step.first} and {step.second}{closed})")
    for third in sorted(facts.third_regions):
        last = max((fdi for fdi in facts.regions if third - 8 < fdi < third), default=third)
        between = {fdi for fdi in missing if last < fdi < third}
        if not between:
            continue
        within |= between
        moved = facts.step_to_third_molar(last, third).apart < CLOSED_GAP
        closed = ", where no room is left" if moved else ""
        lost = f", or {last} with its space closed" if moved and last == third - 2 else ""
        gaps.append(f"{_listed(between)} (between {last} and third molar {third}{closed}){lost}")
    beyond = missing - within
    # A second molar that has moved up into the space of a lost first molar mostly gets its number:
    # it stands in that place, and the two look much alike. Where the field of view cuts the last
    # tooth, the row goes on outside of it.
    moved_up = {
        fdi
        for fdi in beyond
        if fdi % 10 == 7 and fdi - 1 in facts.regions and fdi - 1 not in facts.cut
    }
    for ends in (beyond - moved_up, moved_up):
        if ends:
            gaps.append(f"{_listed(ends)} (at the end of a row, or outside the scan)")
    if moved_up:
        first = _listed({fdi - 1 for fdi in moved_up})
        gaps[-1] += f", or {first} with {'its' if len(moved_up) == 1 else 'their'} space closed"
    if not gaps:
        return []
    message = f"Not found: {', '.join(gaps)}. Look whether they are missing or were overlooked."
    # An upper canine stands in the place of a lateral incisor that never was, with a space behind,
    # more often than it is missing itself; the number is by place then, and may be sure. Where
    # nothing behind is in view, nor all of the lateral, there is no space to be seen.
    beside = {
        fdi - 1
        for fdi in missing & {13, 23}
        if fdi - 1 in facts.regions
        and fdi - 1 not in facts.cut
        and any(behind in facts.regions for behind in range(fdi + 1, fdi + 5))
    }
    if beside:
        message += f" {_listed(beside)} may be {'a canine' if len(beside) == 1 else 'canines'}."
    return [Finding("missing-teeth", "low", message, tuple(sorted(missing)))]


def _listed(numbers: Collection[int]) -> str:
    for name, arch in (("all upper teeth", UPPER_ARCH), ("all lower teeth", LOWER_ARCH)):
        whole = set(row_of(arch[0]))
        if whole <= set(numbers):
            rest = set(numbers) - whole
            return ", ".join([name, *([_listed(rest)] if rest else [])])
    return ", ".join(map(str, sorted(numbers)))
