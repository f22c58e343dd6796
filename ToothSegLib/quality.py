"""What a reader should look at first, and why.

Every check is a function from the facts to findings; all thresholds stand at the top, with what
they were chosen by. Nothing here changes a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ToothSegLib.numbering import NORM_VOLUMES_MM3, Numbering
from ToothSegLib.regions import Region
from ToothSegLib.report import URGENCIES, Finding, Urgency
from ToothSegLib.teeth import FDI_NUMBERS, LOWER_ARCH, UPPER_ARCH, by_fdi, mirror, type_of

# On simulated dentitions numbers below 0.8 were wrong in a third of the cases, between 0.8 and
# 0.95 in a twentieth.
UNSURE_NUMBER = 0.8
DOUBTFUL_NUMBER = 0.95
# With this share of the teeth in doubt, the doubt is about all of them: one finding, not many.
DOUBTFUL_SHARE = 0.5
# Mean probability of tooth; a tooth with sharp borders has 0.9 and more.
UNCLEAR_TOOTH = 0.7
# Volume against the type's norm, in units of the patient's own teeth. Healthy teeth vary by some
# 15-20 % (one standard deviation), so these are about three of them.
SMALL_RATIO, LARGE_RATIO = 0.55, 1.8
# Fewer teeth do not tell the patient's own scale.
TEETH_FOR_SCALE = 5
# Left against right, larger against smaller.
ASYMMETRY_RATIO = 1.5
# A dropped piece below this is noise.
DROPPED_MM3 = 10.0
# What is left out and larger than this could be a whole tooth; a lower incisor has 200 mm3.
TOOTH_MM3 = 150.0


@dataclass
class _Facts:
    """The numbered teeth, by FDI number."""

    regions: dict[int, Region]
    confidence: dict[int, float]
    cut: set[int]
    """FDI numbers that touch the border of the scan."""

    def name(self, fdi: int) -> str:
        return f"{fdi} ({by_fdi(fdi).name})"


def find_findings(
    regions: Sequence[Region],
    numbering: Numbering,
    labels: np.ndarray,
    dropped_mm3: Iterable[float] = (),
) -> list[Finding]:
    """What to look at, the most urgent first; ties by kind of finding, then by FDI number.

    Args:
        regions: of the working grid, as numbered.
        numbering: of these regions.
        labels: (k, j, i) FDI numbers on the source grid; tells which teeth the scan cuts.
        dropped_mm3: volumes of pieces that the instance stage left out.
    """
    by_number = {fdi: region for region in regions if (fdi := numbering.numbers.get(region.label))}
    if not by_number:
        findings = [
            Finding(
                "no-teeth",
                "high",
                "No teeth were found: check that the scan shows teeth and is not upside down.",
            )
        ]
    else:
        confidence = {fdi: numbering.confidence[region.label] for fdi, region in by_number.items()}
        facts = _Facts(dict(sorted(by_number.items())), confidence, _touching_border(labels))
        findings = [
            *_doubtful_numbers(facts),
            *_unclear(facts),
            *_cut(facts),
            *_sizes(facts),
            *_missing(facts),
        ]
    findings += _left_out(regions, numbering, dropped_mm3)
    return sorted(findings, key=lambda finding: URGENCIES.index(finding.urgency))


def _touching_border(labels: np.ndarray) -> set[int]:
    faces = [np.unique(labels.take(end, axis)) for axis in range(3) for end in (0, -1)]
    return {int(fdi) for fdi in np.concatenate(faces) if fdi}


def _doubtful_numbers(facts: _Facts) -> list[Finding]:
    doubtful = [fdi for fdi in facts.regions if facts.confidence[fdi] < DOUBTFUL_NUMBER]
    if len(doubtful) >= DOUBTFUL_SHARE * len(facts.regions):
        message = (
            f"The numbers of {len(doubtful)} of {len(facts.regions)} teeth are unsure: too little "
            "of the arch is seen to tell the side, or the row is shifted. Check them all."
        )
        return [Finding("numbers-unsure", "high", message, tuple(doubtful))]
    findings = []
    for fdi in doubtful:
        sure = facts.confidence[fdi]
        message = (
            f"The number of {facts.name(fdi)} is unsure ({100 * sure:.0f} %): its shape and its "
            "place in the row do not agree, or a neighbour is missing."
        )
        urgency: Urgency = "high" if sure < UNSURE_NUMBER else "medium"
        findings.append(Finding("number-unsure", urgency, message, (fdi,)))
    return findings


def _unclear(facts: _Facts) -> list[Finding]:
    faint = [fdi for fdi, region in facts.regions.items() if region.confidence < UNCLEAR_TOOTH]
    if len(faint) >= max(DOUBTFUL_SHARE * len(facts.regions), 2):
        message = (
            f"{len(faint)} of {len(facts.regions)} teeth are hardly told from their surroundings: "
            "the scan is noisy, blurred, or unlike those that the networks learnt from."
        )
        return [Finding("unclear-teeth", "high", message, tuple(faint))]
    return [
        Finding(
            "unclear-tooth",
            "medium",
            f"{facts.name(fdi)} is hardly told from its surroundings (mean probability "
            f"{facts.regions[fdi].confidence:.2f}): check its outline.",
            (fdi,),
        )
        for fdi in faint
    ]


def _cut(facts: _Facts) -> list[Finding]:
    return [
        Finding(
            "cut-by-field-of-view",
            "medium",
            f"{facts.name(fdi)} reaches the border of the scan: its volume and shape are not "
            "those of the whole tooth.",
            (fdi,),
        )
        for fdi in facts.regions
        if fdi in facts.cut
    ]


def _sizes(facts: _Facts) -> list[Finding]:
    """Volumes against the norm and against the other side. Cut teeth are not judged."""
    whole = {fdi: region for fdi, region in facts.regions.items() if fdi not in facts.cut}
    ratios = {
        fdi: region.volume_mm3 / NORM_VOLUMES_MM3[type_of(fdi)] for fdi, region in whole.items()
    }
    scale, yardstick = 1.0, "the norm"
    if len(ratios) >= TEETH_FOR_SCALE:
        scale = float(np.median(list(ratios.values())))
        yardstick = "what this patient's other teeth suggest"
    findings, odd = [], set()
    for fdi, ratio in ratios.items():
        if SMALL_RATIO <= ratio / scale <= LARGE_RATIO:
            continue
        odd.add(fdi)
        small = ratio < scale * SMALL_RATIO
        message = (
            f"{facts.name(fdi)} is {'small' if small else 'large'} for its kind "
            f"({whole[fdi].volume_mm3:.0f} mm3, {ratio / scale:.1f} times {yardstick}): "
            + ("part of it may be missing." if small else "it may hold bone or part of another.")
        )
        findings.append(Finding("odd-size", "medium", message, (fdi,)))
    for fdi in sorted(whole):
        other = mirror(fdi)
        # Told once a pair, and not again where a size is odd by itself.
        if other not in whole or fdi > other or odd & {fdi, other}:
            continue
        smaller, larger = sorted((fdi, other), key=lambda number: whole[number].volume_mm3)
        times = whole[larger].volume_mm3 / whole[smaller].volume_mm3
        if times > ASYMMETRY_RATIO:
            message = (
                f"{facts.name(larger)} is {times:.1f} times as large as {smaller} on the other "
                "side: compare the two."
            )
            findings.append(Finding("asymmetry", "low", message, (larger, smaller)))
    return findings


def _missing(facts: _Facts) -> list[Finding]:
    """Gaps inside a row one by one; what lies beyond its ends, or in the other jaw, together."""
    findings, beyond = [], []
    for arch in (UPPER_ARCH, LOWER_ARCH):
        row = [fdi for fdi in arch if fdi in FDI_NUMBERS]
        found = [place for place, fdi in enumerate(row) if fdi in facts.regions]
        for place, fdi in enumerate(row):
            if place in found:
                continue
            before = [row[other] for other in found if other < place]
            after = [row[other] for other in found if other > place]
            if not before or not after:
                beyond.append(fdi)
                continue
            message = f"No {facts.name(fdi)} was found between {before[-1]} and {after[0]}."
            findings.append(Finding("missing-tooth", "low", message, (fdi,)))
    if beyond:
        beyond.sort()
        message = f"No {', '.join(map(str, beyond))} was found: missing, or outside the scan."
        findings.append(Finding("missing-teeth", "low", message, tuple(beyond)))
    return findings


def _left_out(
    regions: Sequence[Region], numbering: Numbering, dropped_mm3: Iterable[float]
) -> list[Finding]:
    findings = []
    homeless = []
    for region in regions:
        if numbering.numbers.get(region.label) is not None:
            continue
        third = numbering.third_molars.get(region.label)
        sure = numbering.confidence[region.label]
        if third is not None and sure >= UNSURE_NUMBER:
            message = f"A third molar ({third}) is in the scan and was left out."
            findings.append(Finding("third-molar", "low", message, (third,)))
        elif third is not None:
            message = (
                f"A tooth was left out as third molar {third}, but this is unsure "
                f"({100 * sure:.0f} %): it may be {third - 1}."
            )
            findings.append(Finding("third-molar-unsure", "high", message, (third,)))
        else:
            homeless.append(region)
    findings += _no_place(homeless)
    return findings + _noise(dropped_mm3)


def _no_place(regions: list[Region]) -> list[Finding]:
    """One finding for each region that could be a whole tooth, one for all the others."""
    findings = []
    fragments = [region for region in regions if region.volume_mm3 < TOOTH_MM3]
    for region in regions:
        if region.volume_mm3 >= TOOTH_MM3:
            message = (
                f"A region of {region.volume_mm3:.0f} mm3 at {_place(region)} fits no place in the "
                "arch and was left out: an extra tooth, a fragment, an implant or no tooth at all."
            )
            findings.append(Finding("no-place", "medium", message))
    if fragments:
        largest = max(fragments, key=lambda region: region.volume_mm3)
        total = sum(region.volume_mm3 for region in fragments)
        pieces = "1 piece" if len(fragments) == 1 else f"{len(fragments)} pieces"
        message = (
            f"{pieces} (together {total:.0f} mm3, the largest at {_place(largest)}) fit no place "
            "in the arch and were left out: fragments, or no tooth at all."
        )
        findings.append(Finding("fragments", "medium", message))
    return findings


def _noise(dropped_mm3: Iterable[float]) -> list[Finding]:
    large = [volume for volume in dropped_mm3 if volume >= DROPPED_MM3]
    if not large:
        return []
    pieces = "1 small piece" if len(large) == 1 else f"{len(large)} small pieces"
    message = (
        f"{pieces} apart from any tooth (together {sum(large):.0f} mm3) were taken for noise "
        "and left out."
    )
    return [Finding("dropped-pieces", "low", message)]


def _place(region: Region) -> str:
    x, y, z = region.centroid
    return f"({x:.0f}, {y:.0f}, {z:.0f}) mm LPS"
