"""Teeth of odd size for their kind, or unlike their fellow on the other side.

Patients differ in how even their teeth are, so each patient's own spread widens the limits. Cut
teeth are not judged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ToothSegLib.arches.norms import TEETH_FOR_SCALE
from ToothSegLib.quality.facts import Facts
from ToothSegLib.report import Finding
from ToothSegLib.teeth import mirror, type_of

# Volume over what the patient's other teeth suggest. Healthy teeth vary by some 15-20 % (one
# standard deviation), so these are about three of them.
SMALL_RATIO, LARGE_RATIO = 0.55, 1.8
# Small teeth are so in every direction, a tooth that lost its crown or root is short above all. Of
# simulated whole teeth one in 200 has less than this of its usual length, one in ten less than this
# of its volume; none has the lower share of its length.
SHORT_LENGTH, SHORT_RATIO, TOO_SHORT = 0.7, 0.7, 0.6
# In the same way a tooth that holds bone, or part of its neighbour, is wider than its place.
WIDE, WIDE_RATIO = 1.45, 1.5
# Upper lateral incisors vary most of the 28 (Dahlberg 1945), mostly towards the small.
UPPER_LATERAL, LATERAL_SHARE = 2, 0.75
# Left against right, larger against smaller; beyond the second whatever the patient's spread. On 30
# ordinary simulated heads that is no false alarm more (8; at 2.2 it is 9), and of teeth that were
# made 2.5 times as large as their fellow 386 of 387 are told instead of 252.
ASYMMETRY_RATIO, MOST_ASYMMETRY = 1.5, 2.4
# The same for a patient whose teeth vary more: that many of their own standard deviations.
OWN_DEVIATIONS = 3.0


def size_findings(facts: Facts, told: Collection[int]) -> list[Finding]:
    """Teeth too small or too large, those apart of which something else was told."""
    yardstick = "what this patient's other teeth suggest" if facts.own_scale else "the norm"
    own = np.exp(OWN_DEVIATIONS * _spread(list(facts.sizes.values())))
    usually_least, most = min(SMALL_RATIO, 1 / own), max(LARGE_RATIO, own)
    findings = []
    for fdi, ratio in facts.sizes.items():
        least = usually_least * (LATERAL_SHARE if type_of(fdi) == UPPER_LATERAL else 1.0)
        length = facts.lengths.get(fdi, 1.0)
        short = length <= TOO_SHORT or (length <= SHORT_LENGTH and ratio <= SHORT_RATIO)
        wide = ratio >= WIDE_RATIO and facts.width(fdi) >= WIDE
        if fdi in told or (least <= ratio <= most and not short and not wide):
            continue
        small = short or ratio < least
        size = "short" if short else "small" if small else "large"
        cut_short = f", at {length:.1f} times its usual length" if short else ""
        message = (
            f"{facts.name(fdi)} is {size} for its kind ({facts.regions[fdi].volume_mm3:.0f} mm3, "
            f"{ratio:.1f} times {yardstick}{cut_short}): "
            + (
                "part of it may be missing; check root and crown."
                if small
                else "it may hold bone or part of another; check its outline."
            )
        )
        findings.append(Finding("odd-size", "medium", message, (fdi,)))
    return findings


def asymmetry_findings(facts: Facts, told: Collection[int]) -> list[Finding]:
    """Pairs of which one is much larger, those apart of which something else was told."""
    pairs = [(fdi, mirror(fdi)) for fdi in facts.sizes if fdi < mirror(fdi)]
    times = {(a, b): facts.sizes[a] / facts.sizes[b] for a, b in pairs if b in facts.sizes}
    own = np.exp(OWN_DEVIATIONS * _spread(list(times.values())))
    most = min(MOST_ASYMMETRY, max(ASYMMETRY_RATIO, own))
    findings = []
    for (a, b), ratio in times.items():
        larger, smaller = (a, b) if ratio > 1 else (b, a)
        ratio = max(ratio, 1 / ratio)
        if ratio <= most or {a, b} & set(told):
            continue
        message = (
            f"{facts.name(larger)} is {ratio:.1f} times as large as {smaller} on the other side: "
            "compare the two."
        )
        findings.append(Finding("asymmetry", "low", message, (larger, smaller)))
    return findings


def _spread(ratios: Sequence[float]) -> float:
    """Robust standard deviation of the logarithms about zero; 0 if there are too few."""
    if len(ratios) < TEETH_FOR_SCALE:
        return 0.0
    return 1.4826 * float(np.median(np.abs(np.log(ratios))))
