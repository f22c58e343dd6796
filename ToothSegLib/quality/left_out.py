"""What the result leaves out: third molars, regions without a place in the arch, noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ToothSegLib.arches.norms import VOLUMES_MM3 as NORM_VOLUMES_MM3
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality.doubts import UNSURE_NUMBER, other_look, with_article
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.joins import LARGE
from ToothSegLib.report import Finding, Place, Urgency, in_lps
from ToothSegLib.teeth import FDI_NUMBERS, POSITION_NAMES, type_of

# A dropped piece below this is noise.
DROPPED_MM3 = 10.0
# What is left out and larger than this could be a whole tooth; a lower incisor has 200 mm3.
TOOTH_MM3 = 150.0
# A milk tooth that stayed may hold the number of the tooth that should have replaced it. That tooth
# has so much of the number's look, and of the volume that the patient's other teeth suggest; what
# holds the number has so much of its volume at most, and is no further away.
OWN_LOOK, LEAST_SIZE, MOST_SIZE = 0.5, 0.5, 1.6
HOLDER_AT_MOST, HOLDER_WITHIN_MM = 0.7, 25.0
# Of a third molar's usual volume in this patient. What is smaller is cut by the view, a bud, the
# root of one that is lost, or none.
PIECE_SHARE = 0.3


def third_molar_findings(
    regions: Sequence[Region],
    numbering: Numbering,
    facts: Facts,
    *,
    all_unsure: bool,
    stacked: Mapping[int, float] | None = None,
) -> list[Finding]:
    """One finding for all sure third molars, one for each that may be another tooth or a piece.

    Args:
        regions: left out, those of which something else was told apart.
        numbering: of these regions.
        facts: of the teeth that were not left out.
        all_unsure: that all numbers are in doubt was told already, and is not told again of these.
        stacked: label of what may be two teeth, one above the other -> how far apart, mm.
    """
    sure: list[tuple[int, Place]] = []
    findings = []
    for region in regions:
        third = numbering.third_molars.get(region.label)
        if third is None:
            continue
        usual_mm3 = NORM_VOLUMES_MM3[type_of(third)] * facts.scale
        if region.volume_mm3 < PIECE_SHARE * usual_mm3:
            message = (
                f"A piece of {region.volume_mm3:.0f} mm3 at {in_lps([region.place])} mm LPS, in "
                f"the place of third molar {third}, was left out: a part of it, its bud, or no "
                "tooth at all."
            )
            findings.append(Finding("third-molar", "low", message, (third,), (region.place,)))
            continue
        doubt = _may_hold_the_second(facts, region, third, usual_mm3, stacked or {})
        if not doubt and not all_unsure:
            doubt = _may_be_the_second(facts, region, third, numbering.confidence[region.label])
        if not doubt:
            sure.append((third, region.place))
            continue
        message = (
            f"A tooth at {in_lps([region.place])} mm LPS was left out as third molar {third}, but "
            f"{doubt}."
        )
        findings.append(Finding("third-molar-unsure", "high", message, (third,), (region.place,)))
    if sure:
        sure.sort()
        teeth = tuple(third for third, _ in sure)
        names = ", ".join(map(str, teeth))
        places = tuple(place for _, place in sure)
        told = in_lps(places)
        message = (
            f"Third molar {names} at {told} mm LPS is in the scan and was left out."
            if len(sure) == 1
            else f"Third molars {names} at {told} mm LPS are in the scan and were left out."
        )
        findings.append(Finding("third-molar", "low", message, teeth, places))
    return findings


def _may_hold_the_second(
    facts: Facts, region: Region, third: int, usual_mm3: float, stacked: Mapping[int, float]
) -> str:
    """Why a third molar may be merged with a second one that was not found; "" if nothing says so.

    Args:
        facts: of the teeth that were not left out.
        region: the third molar.
        third: its FDI number.
        usual_mm3: what it would have in this patient.
        stacked: as of `third_molar_findings`.
    """
    second = third - 1
    if second in facts.regions:
        return ""
    if region.label in stacked:
        why = f"it may be two teeth, {stacked[region.label]:.0f} mm apart"
    elif region.volume_mm3 >= LARGE * usual_mm3:
        why = f"it has {region.volume_mm3 / usual_mm3:.1f} times the usual volume"
    else:
        return ""
    return f"{why}, and no {second} was found: it may hold {second} as well; if so, paint that"


def _may_be_the_second(facts: Facts, region: Region, third: int, confidence: float) -> str:
    """Why a third molar may be another tooth; "" if nothing says so."""
    if confidence < UNSURE_NUMBER:
        unsure = f"this is unsure ({100 * confidence:.0f} %)"
        # Alone on its side, the doubt may be about the side, too.
        alone = not any(fdi // 10 == third // 10 for fdi in facts.regions)
        return f"{unsure}: it may be {'another molar' if alone else third - 1}"
    look = other_look(third, region, cut=region.cut)
    if not look or look.endswith(POSITION_NAMES[-1]):  # a third molar, whatever the jaw
        return ""
    which = str(third - 1) if look == POSITION_NAMES[-2] else "that"
    return f"it looks like {with_article(look)}: it may be {which}"


def no_place_findings(
    regions: Sequence[Region], numbering: Numbering, facts: Facts
) -> list[Finding]:
    """One finding for each region that could be a whole tooth, one for all the others.

    Args:
        regions: left out, those of which something else was told apart.
        numbering: of these regions.
        facts: of the teeth that were not left out.
    """
    regions = [region for region in regions if region.label not in numbering.third_molars]
    fragments = [region for region in regions if region.volume_mm3 < TOOTH_MM3]
    findings = []
    for region in regions:
        if region.volume_mm3 >= TOOTH_MM3:
            place, teeth = _place(facts, region)
            what = "an extra tooth, a fragment, an implant or no tooth at all."
            urgency: Urgency = "medium"
            if held := _number_held(facts, region):
                what = f"it looks like {held}, whose number a smaller tooth has: its milk tooth?"
                teeth = tuple(sorted({*teeth, held}))
            elif free := _number_free(facts, region):
                what = f"it looks like {free}, which was not found: is it that, out of its row?"
                teeth, urgency = tuple(sorted({*teeth, free})), "high"
            message = (
                f"A region of {region.volume_mm3:.0f} mm3 {place} fits no place in the arch and "
                f"was left out: {what}"
            )
            findings.append(Finding("no-place", urgency, message, teeth, (region.place,)))
    if fragments:
        fragments.sort(key=lambda region: -region.volume_mm3)
        place, _ = _place(facts, fragments[0])
        beside = {fdi for region in fragments for fdi in _place(facts, region)[1]}
        total = sum(region.volume_mm3 for region in fragments)
        few = len(fragments) == 1
        message = (
            f"1 piece ({total:.0f} mm3, {place}) fits no place in the arch and was left out: "
            "a fragment, or no tooth at all."
            if few
            else f"{len(fragments)} pieces (together {total:.0f} mm3, the largest {place}) fit no "
            "place in the arch and were left out: fragments, or no tooth at all."
        )
        places = tuple(region.place for region in fragments)
        findings.append(Finding("fragments", "medium", message, tuple(sorted(beside)), places))
    return findings


def noise_findings(dropped_mm3: Iterable[float]) -> list[Finding]:
    """One finding for all that was too small to be asked for its place."""
    large = [volume for volume in dropped_mm3 if volume >= DROPPED_MM3]
    if not large:
        return []
    size = f"{sum(large):.0f} mm3"
    message = (
        f"1 small piece apart from any tooth ({size}) was taken for noise and left out."
        if len(large) == 1
        else f"{len(large)} small pieces apart from any tooth (together {size}) were taken for "
        "noise and left out."
    )
    return [Finding("dropped-pieces", "low", message)]


def _number_held(facts: Facts, region: Region) -> int | None:
    """The number that a region seems to be the tooth of, where a much smaller one has it: that of
    the nearest, if there are several."""
    held: list[tuple[float, int]] = []
    for fdi, tooth in facts.regions.items():
        if (
            _looks_like(facts, region, fdi)
            and tooth.volume_mm3 <= HOLDER_AT_MOST * region.volume_mm3
            and (away := float(np.linalg.norm(tooth.centroid - region.centroid)))
            <= HOLDER_WITHIN_MM
        ):
            held.append((away, fdi))
    return min(held)[1] if held else None


def _number_free(facts: Facts, region: Region) -> int | None:
    """The number without a tooth that a region seems to be the tooth of, on its side."""
    free = [
        (facts.away_mm(region, fdi), fdi)
        for fdi in FDI_NUMBERS
        if fdi not in facts.regions and _looks_like(facts, region, fdi)
    ]
    away, fdi = min(free, default=(np.inf, 0))
    return fdi if away <= HOLDER_WITHIN_MM else None


def _looks_like(facts: Facts, region: Region, fdi: int) -> bool:
    size = region.volume_mm3 / (NORM_VOLUMES_MM3[type_of(fdi)] * facts.scale)
    looks = region.type_probabilities[type_of(fdi)]
    return bool(looks >= OWN_LOOK and LEAST_SIZE <= size <= MOST_SIZE)


def _place(facts: Facts, region: Region) -> tuple[str, tuple[int, ...]]:
    """Where a region is, in words, and the tooth beside it if there is one."""
    at = f"at {in_lps([region.place])} mm LPS"
    fdi = facts.beside(region)
    if fdi is None:
        return at, ()
    return f"beside {facts.name(fdi)}, {at}", (fdi,)
