"""What the networks took for a tooth and is metal or ceramic to its core.

Whatever a dentist has put on a tooth or into its canals, somewhere in its core there is dentine. An
implant has none: the darkest there is in its core is titanium or the ceramic of its crown, and
that is a material of its own, so the darkest parts of the core have one brightness. In a thin tooth
with a crown and a post the core may be metal nearly everywhere too, but fades into dentine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.separation.cores import Core

# In units of the bone beside the teeth, cores of teeth began (10 %) at 0.8 to 1.6 in simulated
# ordinary scans, those of implants at 1.4 to 5. So few teeth tell what dentine and enamel have in
# this scan, and a core that is all brighter than this far from the one to the other is none.
_DENTINE_AT_MOST = 1.6
FEWEST_TEETH = 3
_TOWARDS_ENAMEL = 0.75
_ABOVE_DENTINE = 1.05
# Teeth with a filled root below a crown reached 1.07 of that, and implants had at least 1.1.
_SURELY = 1.08
# Where the scale ends below that, nothing can be so bright. If dentine is far from its end, a core
# that is there in all but a few voxels, as no tooth's is, is metal all the same.
_WHOLLY_AT_THE_END, _DENTINE_BELOW_THE_END = 0.995, 0.9
# Without teeth bone alone tells, or that a core is at the end of a scale that ends far above bone.
_METAL = 1.9
_METAL_AT_THE_END = 1.4
_END = 0.97
# But only where the innermost parts of most that are so bright are even: there is no pulp in them.
_EVEN = 0.95
# One material: the darkest of a core, or of its innermost part, is nearly as bright as its middle.
# In thin teeth with crowns and posts it had up to 0.84, or up to 0.90, of that.
_ONE_MATERIAL, _ONE_INNERMOST = 0.85, 0.95
# Or two, titanium and ceramic, both so much brighter than dentine; the darker one does not fade, so
# that the darkest parts (2 %, 10 %) of the core, or of its innermost part, are alike. In thin teeth
# with crowns and posts they had 0.4 to 0.89, and where more, the metal was duller than this. Where
# there are no teeth at all, less of a likeness will do.
_NO_DENTINE = 1.65
_ALIKE, _ALIKE_WITHOUT_TEETH = 0.90, 0.85
# A crown may be all that is bright in a tooth: its root is dentine, and an implant's is metal, if
# duller than the crown on it: of 69 implants nine had less than 0.8 of the core's median there, but
# none was as dull as a tooth. Six teeth whose crowns of metal swelled had 0.3 to 0.5 of it.
_AS_BRIGHT = 0.8
# Nobody has more implants. Where more are found, it is the scan that is unlike others, unless the
# networks say what they are: each crown and pontic may be found by itself.
_MOST_IMPLANTS = 20
_SAME_KIND = 1.3
_DARK_REGIONS_PERCENTILE = 20.0


class Verdict(Enum):
    """What a region is taken for."""

    TOOTH = "a tooth"
    DOUBTFUL = "an implant, or a tooth full of metal"
    IMPLANT = "an implant"


def judge_cores(
    cores: list[Core],
    end: float,
    surely_teeth: Sequence[bool] = (),
    whole: Sequence[bool] = (),
    *,
    any_number: bool = False,
) -> list[Verdict]:
    """What each core's brightness says.

    Args:
        cores: of all regions of a scan.
        end: of the scan's scale, in the same units.
        surely_teeth: for each core, whether others know that it is a tooth's; () if nobody knows.
        whole: for each core, whether it is large enough for a tooth's; () if all are.
        any_number: whether others know that most are implants, so that there may be any number.
    """
    if not cores:
        return []
    large = np.array(whole or [True] * len(cores))
    most = len(cores) if any_number else _MOST_IMPLANTS
    limits = _limits(cores, end, surely_teeth or [False] * len(cores), large, most)
    sure = [limits.exceeded_by(core) for core in cores]
    if np.logical_and(sure, large).sum() > most:
        sure = [False] * len(cores)
    bright = [core.innermost.fifth > limits.doubtful for core in cores]
    return [
        Verdict.IMPLANT if is_sure else Verdict.DOUBTFUL if is_bright else Verdict.TOOTH
        for is_sure, is_bright in zip(sure, bright, strict=True)
    ]


@dataclass(frozen=True)
class _Limits:
    """What is too bright for a tooth.

    Attributes:
        one: for the darkest of the innermost part, if all of the core is of one material.
        two: the same, if it is of two.
        alike: how alike the darkest parts of such a core must be.
        doubtful: for most of a core that may be an implant's.
    """

    one: float
    two: float
    alike: float
    doubtful: float

    def exceeded_by(self, region: Core) -> bool:
        """Whether this is an implant for sure."""
        core, innermost = region.all, region.innermost
        if region.root < min(_AS_BRIGHT * core.middle, self.doubtful):
            return False
        one = (
            core.least > _ONE_MATERIAL * core.middle
            or innermost.least > _ONE_INNERMOST * innermost.middle
        )
        two = any(part.least > self.alike * part.tenth for part in (core, innermost))
        return (one and innermost.low > self.one) or (two and innermost.low > self.two)


def _limits(
    cores: list[Core],
    end: float,
    surely_teeth: Sequence[bool],
    large: NDArray[np.bool_],
    most_implants: int,
) -> _Limits:
    tenths = np.array([core.all.tenth for core in cores])
    teeth = (tenths < min(_DENTINE_AT_MOST, _END * end)) & large
    if teeth.sum() < FEWEST_TEETH:
        # In a small view there is little bone to compare with, and teeth look brighter than they
        # are.
        teeth |= np.array(surely_teeth)
    if teeth.sum() < FEWEST_TEETH and large.sum() > most_implants:
        # So many must be teeth, in a scan in which bone is dull.
        teeth = tenths <= _SAME_KIND * np.percentile(tenths, _DARK_REGIONS_PERCENTILE)
    if teeth.sum() >= FEWEST_TEETH:
        own = [core for core, is_tooth in zip(cores, teeth, strict=True) if is_tooth]
        dentine = float(np.median([core.all.middle for core in own]))
        # Of the less bright ones, as the others may have crowns and fillings.
        enamel = float(np.percentile([core.peak for core in own], 25))
        limit = dentine + _TOWARDS_ENAMEL * (enamel - dentine)
        limit = max(limit, _ABOVE_DENTINE * dentine)
        one = _SURELY * limit
        two = max(one, _NO_DENTINE * dentine)
        if dentine <= _DENTINE_BELOW_THE_END * end:
            one = min(one, _WHOLLY_AT_THE_END * end)
        return _Limits(one, two, _ALIKE, limit)
    limit = min(_METAL, max(_END * end, _METAL_AT_THE_END))
    doubtful = min(_DENTINE_AT_MOST, limit)
    bright = [core.innermost for core in cores if core.innermost.low > limit]
    if bright and np.median([part.least / part.fifth for part in bright]) < _EVEN:
        limit = np.inf
    return _Limits(limit, limit, _ALIKE_WITHOUT_TEETH, doubtful)
