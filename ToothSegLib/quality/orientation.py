"""Heads that the file turns the wrong way: upside down, or facing backwards.

Numbers are given by place, so of a head that is upside down all are wrong and agree with each
other: only what places do not decide tells it. Of a head that faces backwards most teeth fit no
place.
"""

from __future__ import annotations

import numpy as np

from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.sizes import SHORT_LENGTH
from ToothSegLib.report import Finding

# Volumes of upper over lower central incisors. In 112 simulated dentitions the mean of both sides
# was 1.38 and more, that of one side 1.02 and more; in a head CT 1.99 and 2.07. So large a lower
# incisor, over what the patient's other teeth suggest, is an upper one: milk incisors are as small
# beside the first new lower ones, but these are no larger than usual.
BOTH_SMALLER, ONE_SMALLER, LOWER_LARGE = 0.8, 0.6, 1.2
# Less of a tooth is a piece of one, and tells nothing. Nor does a short upper one, of which decay
# has left the root: roots of 13 mm have 0.57 of the usual length, and what was numbered as 11 and
# 21 in a head CT that is upside down has 0.86 and 0.84.
_LEAST_SIZE = 0.3
# A row of teeth opens backwards: the parabola through all centres by 27 mm and more in simulated
# dentitions and by 34 mm in head CTs, of whose distances from a line it leaves a quarter. Parts of
# dentitions, tilted by up to 40 degrees about each axis, opened forwards by both limits only where
# 13 or fewer teeth were left, of the upper jaw at one end and of the lower jaw at the other.
OPENS_FORWARDS_MM, LEFT_BY_PARABOLA = 10.0, 0.6
_FEWEST_REGIONS, _LEAST_REGION_MM3, _LEAST_SPAN_MM = 14, 150.0, 35.0


def upside_down_findings(facts: Facts) -> list[Finding]:
    """One finding, if what is numbered as lower central incisors is larger than the upper ones."""
    ratios, lower = [], []
    for above, below in ((11, 41), (21, 31)):
        sizes = [facts.sizes.get(fdi, 0.0) for fdi in (above, below)]
        if min(sizes) >= _LEAST_SIZE and facts.lengths.get(above, 1.0) > SHORT_LENGTH:
            volumes = [facts.regions[fdi].volume_mm3 for fdi in (above, below)]
            ratios.append(volumes[0] / volumes[1])
            lower.append(sizes[1])
    if not ratios:
        return []
    most = BOTH_SMALLER if len(ratios) == 2 else ONE_SMALLER
    ratio, large = (float(np.exp(np.mean(np.log(values)))) for values in (ratios, lower))
    if ratio >= most or large < LOWER_LARGE:
        return []
    message = (
        "The scan may be upside down: the teeth numbered as upper central incisors have "
        f"{ratio:.1f} times the volume of those numbered as lower ones. Check the orientation in "
        "the file's header, and all numbers."
    )
    return [Finding("order", "high", message, tuple(facts.regions))]


def backwards_findings(facts: Facts) -> list[Finding]:
    """One finding, if the arches open towards the front of the head."""
    regions = [*facts.regions.values(), *facts.left_out]
    centres = np.array([r.centroid for r in regions if r.volume_mm3 >= _LEAST_REGION_MM3])
    if len(centres) < _FEWEST_REGIONS:
        return []
    across, back = centres[:, 0] - centres[:, 0].mean(), centres[:, 1]
    span = float(np.ptp(across))
    if span < _LEAST_SPAN_MM:
        return []
    line, parabola = (np.polyfit(across, back, degree) for degree in (1, 2))
    by_line, by_parabola = (
        float(np.square(back - np.polyval(fit, across)).sum()) for fit in (line, parabola)
    )
    opens_mm = parabola[0] * (span / 2) ** 2
    if opens_mm > -OPENS_FORWARDS_MM or by_parabola > LEFT_BY_PARABOLA * by_line:
        return []
    left_out = len(facts.left_out)
    others = (
        f", and {left_out} regions that fitted no place or passed for third molars were left out"
    )
    message = (
        "The arches open forwards, so the head may face backwards: check the orientation in the "
        f"file's header. No number of this result can be right{others if left_out else ''}."
    )
    return [Finding("order", "high", message, tuple(facts.regions))]
