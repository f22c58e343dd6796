"""Teeth of which the program is itself unsure: their numbers, or that they are teeth."""

from __future__ import annotations

import numpy as np

from ToothSegLib.arches.looks import of_another, shares
from ToothSegLib.arches.regions import Region
from ToothSegLib.quality.facts import Facts
from ToothSegLib.report import Finding, Urgency
from ToothSegLib.teeth import POSITION_NAMES, by_fdi, type_of

# Of calibrated confidence. On simulated dentitions, nearly all of them spoilt, most numbers below
# 0.8 were wrong, half of those at 0.8-0.9, a quarter of those at 0.9-0.95 and next to none above:
# the table of "How many faults they find" in docs/findings.md. So 0.9 lets some wrong ones pass.
UNSURE_NUMBER = 0.8
DOUBTFUL_NUMBER = 0.9
# With less of its look than this in its own jaw, it is the other jaw's look that counts. From this
# share on in either jaw it may be two merged teeth (`joins.py`); networks give up to 0.1.
OTHER_JAW_SHARE = 0.25
# With this share of the teeth in doubt, the doubt is about all of them: one finding, not many.
DOUBTFUL_SHARE = 0.5
# Mean probability of tooth; a tooth with sharp borders has 0.9 and more.
UNCLEAR_TOOTH = 0.7


def odd_looks(facts: Facts) -> dict[int, str]:
    """FDI number -> such as "first premolar", of teeth that look like that, whatever the place."""
    looks = (
        (fdi, other_look(fdi, region, cut=fdi in facts.cut))
        for fdi, region in facts.regions.items()
    )
    return {fdi: look for fdi, look in looks if look}


def number_findings(facts: Facts) -> list[Finding]:
    """Numbers that may be wrong; none of no teeth."""
    if not facts.regions:
        return []
    looks = odd_looks(facts)
    doubtful = [
        fdi for fdi in facts.regions if fdi in looks or facts.confidence[fdi] < DOUBTFUL_NUMBER
    ]
    if len(doubtful) >= DOUBTFUL_SHARE * len(facts.regions):
        message = (
            f"The numbers of {len(doubtful)} of {len(facts.regions)} teeth are unsure: too little "
            "of the arch is seen to tell the side, or the row is shifted. Check them all."
        )
        return [Finding("numbers-unsure", "high", message, tuple(doubtful))]
    findings = []
    for fdi in doubtful:
        if fdi in looks:
            message = (
                f"{facts.name(fdi)} looks like {with_article(looks[fdi])} but stands in the place "
                f"of a {POSITION_NAMES[by_fdi(fdi).position - 1]}: check the number."
            )
            findings.append(Finding("number-unsure", "high", message, (fdi,)))
            continue
        sure = facts.confidence[fdi]
        why = "its shape and its place in the row do not agree, or a neighbour is missing"
        if fdi in facts.cut:
            why = "the scan does not show all of it"
        message = f"The number of {facts.name(fdi)} is unsure ({100 * sure:.0f} %): {why}."
        urgency: Urgency = "high" if sure < UNSURE_NUMBER else "medium"
        findings.append(Finding("number-unsure", urgency, message, (fdi,)))
    return findings


def other_look(fdi: int, region: Region, *, cut: bool) -> str | None:
    """Such as "first premolar", if a tooth looks like that and not like what its number says; with
    its jaw, such as "upper first premolar", if that is the other one.

    Args:
        fdi: the number, of a third molar too.
        region: the tooth.
        cut: whether the scan cuts it; of which jaw a part is, its look hardly tells.
    """
    looks = shares(region)
    own = type_of(fdi)
    first, others = (1, 9) if own <= 8 else (9, 1)
    jaw, other = looks[first : first + 8], looks[others : others + 8]
    if looks.any() and jaw.sum() < OTHER_JAW_SHARE and not cut:
        return f"{'lower' if own <= 8 else 'upper'} {POSITION_NAMES[int(np.argmax(other))]}"
    most = int(np.argmax(jaw))
    return POSITION_NAMES[most] if of_another(looks, own, first + most) else None


def with_article(look: str) -> str:
    """Such as "a second molar", "an upper second molar"."""
    return f"{'an' if look[0] in 'aeiou' else 'a'} {look}"


def unclear_findings(facts: Facts) -> list[Finding]:
    """Teeth that the networks hardly told from what is about them."""
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
