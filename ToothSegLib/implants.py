"""Implants and pontics: what the networks took for a tooth and is none.

The default network says of each voxel of a tooth whether it is a prosthesis instead. Networks that
do not say so leave it to the brightness of the core (``bright_cores.py``), and a tooth full of
metal looks like an implant to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.bright_cores import Verdict, judge_cores
from ToothSegLib.cores import measure_cores
from ToothSegLib.numbering import Numbering
from ToothSegLib.regions import Region
from ToothSegLib.report import Finding
from ToothSegLib.volume import Volume


@dataclass(frozen=True)
class Implants:
    """What may be no teeth.

    Attributes:
        sure: regions that are implants.
        doubtful: regions that may be implants, or teeth full of metal.
    """

    sure: list[Region] = field(default_factory=list)
    doubtful: list[Region] = field(default_factory=list)


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
    judged = judge_cores(*measure_cores(labels, regions, image, scan))
    if not judged:  # nothing is bright
        return Implants()
    both = [
        bright if region.prosthesis is None else _with_networks(region.prosthesis, bright)
        for region, bright in zip(regions, judged, strict=True)
    ]
    paired = list(zip(regions, both, strict=True))
    return Implants(
        sure=[region for region, what in paired if what is Verdict.IMPLANT],
        doubtful=[region for region, what in paired if what is Verdict.DOUBTFUL],
    )


def _with_networks(prosthesis: float, bright: Verdict) -> Verdict:
    return bright


def implant_findings(implants: list[Region]) -> list[Finding]:
    """What is said of them: one sentence for all."""
    if not implants:
        return []
    places = ", ".join(
        "({:.0f}, {:.0f}, {:.0f})".format(*region.centroid)
        for region in sorted(implants, key=lambda region: region.centroid[0])
    )
    one = (
        f"Something at {places} mm LPS is as bright as metal through and through: an implant, "
        "left out."
    )
    many = (
        f"{len(implants)} things at {places} mm LPS are as bright as metal through and through: "
        "implants, left out."
    )
    return [Finding("implant", "medium", one if len(implants) == 1 else many)]


def doubt_findings(doubtful: list[Region], numbering: Numbering) -> list[Finding]:
    """One sentence for all that have a number and may be implants."""
    numbers = (numbering.numbers.get(region.label) for region in doubtful)
    teeth = sorted(fdi for fdi in numbers if fdi)
    if not teeth:
        return []
    names = ", ".join(map(str, teeth))
    message = (
        f"{names} may be {'an implant' if len(teeth) == 1 else 'implants'}: most of the core is as "
        "bright as metal or ceramic. Look at the slices, and delete what is no tooth."
    )
    return [Finding("perhaps-implant", "high", message, tuple(teeth))]
