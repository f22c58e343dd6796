"""Implants and pontics: what the networks took for a tooth and is none.

The default network says of each voxel of a tooth whether it is a prosthesis instead. Networks that
do not say so leave it to the brightness of the core (``bright_cores.py``), and a tooth full of
metal looks like an implant to that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.report import Finding, in_lps
from ToothSegLib.separation.bright_cores import FEWEST_TEETH, Verdict, judge_cores
from ToothSegLib.separation.cores import Core, measure_cores
from ToothSegLib.volume import Volume

# Mean probability of a prosthesis in a region, on simulated heads (seeds 935,500 to 935,503 of each
# kind of `evaluation/implant_check.py`): teeth without metal had up to 0.02, teeth full of it 0 to
# 0.27, of those that are as bright as implants half below 0.05 and the others 0.11 and more. Of 58
# implants that are bright three had up to 0.05 and the others 0.14 and more. The limit is half way.
# Half of a head's teeth had 0.04 or less (24 heads), half of the implants of edentulous jaws 0.12
# or more (6 heads).
_SURELY_A_TOOTH, _TOOTH, _PERHAPS = 0.03, 0.08, 0.2
# What is left of a crown that the field of view cuts is bright through and through, as it has no
# core but enamel: there the networks' word alone makes an implant, and only if they think so.
_CUT = 0.5
_NEVER = 1.1
# What is smaller and not cut is no tooth to measure others by: in the shadow between two implants
# there are things that the networks take for pieces of teeth.
_HALF_A_TOOTH_MM3 = 100.0
# A tooth has enamel or a pulp; porcelain, which may be as dull as dentine, is the same all through.
# Of teeth of which the networks are less sure 95 % show more than 1.5, pontics up to 1.2.
_CONTRAST, _MORE_CONTRAST = 1.2, 1.5
# The smallest incisors have more; what metal's shadows make of bone between two implants had less.
_LEAST_TOOTH_MM3 = 150.0
# Where so many are implants for sure and nothing is a tooth, the rest are pontics of their bridges.
_MANY = 3


@dataclass(frozen=True)
class Implants:
    """What may be no teeth.

    Attributes:
        sure: regions that are implants.
        doubtful: regions that may be implants, or teeth full of metal.
        among: larger things among many implants where nothing has the look of a tooth: pontics.
        crumbs: too small for teeth, where beside these there is nothing else.
    """

    sure: list[Region] = field(default_factory=list)
    doubtful: list[Region] = field(default_factory=list)
    among: list[Region] = field(default_factory=list)
    crumbs: list[Region] = field(default_factory=list)

    @property
    def no_teeth(self) -> list[Region]:
        """All that get no number."""
        return [*self.sure, *self.among, *self.crumbs]


@dataclass(frozen=True)
class _Limits:
    """From which mean probability of a prosthesis a region is an implant for sure.

    Attributes:
        bright: one that its brightness says is an implant.
        in_doubt: one of which it says so with doubt.
    """

    bright: float
    in_doubt: float

    def with_networks(self, bright: Verdict, region: Region) -> Verdict:
        """What two witnesses say together. Only where both do is it an implant for sure."""
        prosthesis = region.prosthesis or 0.0
        if bright is Verdict.TOOTH:
            return Verdict.DOUBTFUL if prosthesis >= _PERHAPS else bright
        least = self.bright if bright is Verdict.IMPLANT else self.in_doubt
        if prosthesis >= (max(least, _CUT) if region.cut else least):
            return Verdict.IMPLANT
        if bright is Verdict.DOUBTFUL and prosthesis < _SURELY_A_TOOTH:
            return Verdict.TOOTH
        return Verdict.DOUBTFUL


_BESIDE_TEETH = _Limits(bright=_TOOTH, in_doubt=_NEVER)
# Where nothing is a tooth for sure, an implant is what is to be expected.
_BY_ITSELF = _Limits(bright=0.05, in_doubt=_PERHAPS)


def find_implants(
    labels: NDArray[np.integer], regions: list[Region], image: Volume, scan: Volume
) -> Implants:
    """The regions that are implants, and those that may be.

    Args:
        labels: (Z, Y, X) of the regions, 0 background, on the grid of ``image``.
        regions: one a label.
        image: the part of the scan that was looked at.
        scan: all of it, which tells what is dark and where its scale ends.
    """
    cores, end = measure_cores(labels, regions, image, scan)
    if not cores:  # nothing is bright
        return Implants()
    whole = [region.cut or region.volume_mm3 >= _HALF_A_TOOTH_MM3 for region in regions]
    surely_teeth = [
        large and region.prosthesis is not None and region.prosthesis < _SURELY_A_TOOTH
        for region, large in zip(regions, whole, strict=True)
    ]
    limits = _BESIDE_TEETH if sum(surely_teeth) >= FEWEST_TEETH else _BY_ITSELF
    by_brightness = judge_cores(
        cores, end, surely_teeth, whole, any_number=_mostly_implants(regions, whole)
    )
    both = [
        bright if region.prosthesis is None else limits.with_networks(bright, region)
        for region, bright in zip(regions, by_brightness, strict=True)
    ]
    like_teeth = [
        large and not region.cut and _like_a_tooth(region, core)
        for region, core, large in zip(regions, cores, whole, strict=True)
    ]
    return _sorted_out(regions, both, whole, like_teeth)


def _like_a_tooth(region: Region, core: Core) -> bool:
    if region.prosthesis is None:
        return True
    if region.prosthesis >= _TOOTH or region.volume_mm3 < _LEAST_TOOTH_MM3:
        return False
    contrast = _CONTRAST if region.prosthesis < _SURELY_A_TOOTH else _MORE_CONTRAST
    return core.peak > contrast * core.innermost.low


def _sorted_out(
    regions: list[Region], verdicts: list[Verdict], whole: list[bool], like_teeth: list[bool]
) -> Implants:
    """What is what by its verdict. Among many implants what has no look of a tooth is none.

    What is among many is told of each jaw: by the implants in it, or by those of all of the scan.

    Args:
        regions: in the order of the other lists.
        verdicts: of the brightness and the networks together.
        whole: whether each is large enough for a tooth, or cut.
        like_teeth: whether each has the look of a tooth, from its crown to its root.
    """
    implant, large, like = (
        np.array(what, bool)
        for what in ([one is Verdict.IMPLANT for one in verdicts], whole, like_teeth)
    )
    upper = np.array([np.subtract(*region.looks_by_jaw) >= 0 for region in regions], bool)
    pontics = np.zeros_like(implant)
    for there in (np.ones_like(upper), upper, ~upper):
        if (implant & there).sum() >= _MANY and not (like & there).any():
            pontics |= there
    nothing_else = implant.any() and implant[large].all()
    found = Implants()
    for n, region in enumerate(regions):
        if implant[n]:
            found.sure.append(region)
        elif not large[n] and (nothing_else or pontics[n]):
            found.crumbs.append(region)
        elif pontics[n] and not region.cut:
            found.among.append(region)
        elif verdicts[n] is Verdict.DOUBTFUL:
            found.doubtful.append(region)
    return found


def _mostly_implants(regions: list[Region], whole: list[bool]) -> bool:
    """Whether the networks say so of half of what is large enough for teeth."""
    told = [region.prosthesis for region, large in zip(regions, whole, strict=True) if large]
    known = [prosthesis for prosthesis in told if prosthesis is not None]
    return bool(known) and float(np.median(known)) >= _TOOTH


def implant_findings(implants: Implants) -> list[Finding]:
    """What is said of what has no number: one sentence for what is bright, one for the rest."""
    sentences = (
        (
            implants.sure,
            "Something at {} mm LPS is as bright as metal through and through: an implant, "
            "left out.",
            "{} things at {} mm LPS are as bright as metal through and through: implants, left "
            "out.",
        ),
        (
            implants.among,
            "Something at {} mm LPS stands among implants, where nothing has the look of a tooth: "
            "a pontic or a crown, left out. Paint it if it is a tooth.",
            "{} things at {} mm LPS stand among implants, where nothing has the look of a tooth: "
            "pontics or crowns, left out. Paint those that are teeth.",
        ),
    )
    findings = []
    for regions, one, many in sentences:
        if regions:
            ordered = sorted(regions, key=lambda region: region.centroid[0])
            places = tuple(region.place for region in ordered)
            told = in_lps(places)
            message = one.format(told) if len(regions) == 1 else many.format(len(regions), told)
            findings.append(Finding("implant", "medium", message, places_lps=places))
    return findings


def doubt_findings(
    doubtful: list[Region], numbering: Numbering, cut: Collection[int] = ()
) -> list[Finding]:
    """One sentence for all that have a number and may be implants, one for those that are cut.

    Args:
        doubtful: what may be implants.
        numbering: of these regions.
        cut: FDI numbers of what the field of view cuts. What is left of a crown has no core but
            enamel, which is no darker than ceramic.
    """
    numbers = (numbering.numbers.get(region.label) for region in doubtful)
    teeth = sorted(fdi for fdi in numbers if fdi)
    whole = [fdi for fdi in teeth if fdi not in cut]
    parts = [fdi for fdi in teeth if fdi in cut]
    findings = []
    if whole:
        message = (
            f"{_listed(whole)} may be {'an implant' if len(whole) == 1 else 'implants'}: the core "
            "is as bright as metal or ceramic, or it has an implant's look. Look at the slices, "
            "and delete what is no tooth."
        )
        findings.append(Finding("perhaps-implant", "high", message, tuple(whole)))
    if parts:
        message = (
            f"What the field of view leaves of {_listed(parts)} is bright: most likely enamel, but "
            "it may be an implant or its crown."
        )
        findings.append(Finding("perhaps-implant", "low", message, tuple(parts)))
    return findings


def _listed(teeth: list[int]) -> str:
    return ", ".join(map(str, teeth))
