"""Teeth of which the program is itself unsure: their numbers, or that they are teeth."""

from __future__ import annotations

from ToothSegLib.quality.facts import Facts
from ToothSegLib.report import Finding, Urgency

# On simulated dentitions, spoilt ones among them, two of three numbers at 0.5-0.8 were wrong, one
# of three at 0.8-0.95, and one of 17 at 0.95-0.99.
UNSURE_NUMBER = 0.8
DOUBTFUL_NUMBER = 0.9
# With this share of the teeth in doubt, the doubt is about all of them: one finding, not many.
DOUBTFUL_SHARE = 0.5
# Mean probability of tooth; a tooth with sharp borders has 0.9 and more.
UNCLEAR_TOOTH = 0.7


def number_findings(facts: Facts) -> list[Finding]:
    """Numbers that may be wrong."""
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
