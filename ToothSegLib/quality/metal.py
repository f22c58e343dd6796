"""Teeth that touch metal or dense fillings, whose outlines streaks and bloom have shifted."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ToothSegLib.grids.extremes import highest
from ToothSegLib.grids.label_boxes import grown
from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.greys import Greys
from ToothSegLib.report import Finding

# Brighter, over what is about the teeth, than this many times the enamel of the patient's less
# bright teeth. The brightest tooth without metal of a simulated patient has 1.2 times as much, as
# has that of a CT.
BRIGHTER_THAN_ENAMEL = 1.35
# Where the scale ends below that, metal is where many voxels in a row have its last value. If so
# many teeth have it, and the enamel comes as near to it, their enamel does, and metal cannot be
# told; nine crowns of metal, and what bites on them and stands beside them, are six of ten. On a
# scale that ends well above the enamel, they all have crowns or brackets.
SATURATED_SHARE, SATURATED_ENAMEL = 0.75, 0.95
LEAST_METAL_MM3 = 4.0
_REACH_MM = 1.0
_LUMP_MM = 1.5


def metal_findings(facts: Facts, greys: Greys | None) -> list[Finding]:
    """One finding for all teeth with metal in them or within 1 mm of them."""
    if facts.scan is None or greys is None or greys.tooth <= greys.around:
        return []
    enamel = float(np.percentile(list(greys.peaks.values()), 25)) - greys.around
    bright = greys.around + BRIGHTER_THAN_ENAMEL * enamel
    ceiling = float(facts.scan.array.max())
    saturated = ceiling <= bright
    teeth = [fdi for fdi in facts.boxes if _touches(facts, fdi, min(bright, ceiling))]
    if saturated:
        enamel_too = enamel >= SATURATED_ENAMEL * (ceiling - greys.around)
        if enamel_too and len(teeth) >= SATURATED_SHARE * len(facts.boxes):
            return []
        teeth = [fdi for fdi in teeth if _touches(facts, fdi, ceiling, _LUMP_MM)]
    if not teeth:
        return []
    few = len(teeth) == 1
    names = facts.name(teeth[0]) if few else ", ".join(map(str, teeth))
    message = (
        f"Metal or a dense filling lies in or beside {names}: streaks and bloom may have shifted "
        f"{'its outline' if few else 'their outlines'}; compare with the slices."
    )
    return [Finding("touching-metal", "low", message, tuple(teeth))]


def _touches(facts: Facts, fdi: int, level: float, lump_mm: float = 0.0) -> bool:
    """Whether enough voxels in or beside a tooth reach a grey level, in lumps of some width."""
    assert facts.scan is not None
    spacing = facts.labels.spacing[::-1]
    k, j, i = (max(1, round(_REACH_MM / mm)) for mm in spacing)
    box = grown(facts.boxes[fdi], facts.labels.shape, max(k, j, i) + 1)
    metal = facts.scan.array[box] >= level
    if not metal.any():
        return False
    if lump_mm:
        # Two voxels at least, for one alone is noise; of thick slices one is a lump.
        least = [1 if mm >= lump_mm else max(2, round(lump_mm / mm)) for mm in spacing]
        metal = ndimage.binary_opening(metal, np.ones(least))
    own = facts.labels.array[box] == fdi
    metal &= highest(own, (k, j, i))
    return bool(metal.sum() * facts.labels.voxel_mm3 >= LEAST_METAL_MM3)
