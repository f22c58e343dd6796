"""From what the networks saw to teeth with numbers, on the scan's own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ToothSegLib.arches.regions import Region
from ToothSegLib.calibration import calibrated
from ToothSegLib.grids.cut_by_view import cut_among
from ToothSegLib.grids.grid import labels_to_source
from ToothSegLib.instances import Instances
from ToothSegLib.maps import Maps
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.progress import Progress, timed
from ToothSegLib.report import Finding
from ToothSegLib.separation.crumbs import without_crumbs
from ToothSegLib.separation.full_extent import full_extent, surface_at
from ToothSegLib.separation.implants import doubt_findings, find_implants, implant_findings
from ToothSegLib.separation.loose_ends import without_loose_ends
from ToothSegLib.volume import Volume


@dataclass(frozen=True)
class Found:
    """What was found in a scan; nothing but empty labels where the networks saw nothing.

    Attributes:
        labels: uint8 FDI numbers, 0 background, on the scan's grid.
        regions: of the working grid, without implants.
        numbering: of these regions.
        dropped_mm3: volumes of pieces that were taken for no tooth.
        rejoined: label of a tooth, and what was added to it as the end of its root.
        stacked: label of what may be two teeth, one above the other, and how far apart, mm.
        about_implants: what is to be said of implants.
        implants: how many were left out, pontics among them.
    """

    labels: Volume
    regions: list[Region] = field(default_factory=list)
    numbering: Numbering = field(default_factory=Numbering)
    dropped_mm3: list[float] = field(default_factory=list)
    rejoined: list[tuple[int, Region]] = field(default_factory=list)
    stacked: list[tuple[int, float]] = field(default_factory=list)
    about_implants: list[Finding] = field(default_factory=list)
    implants: int = 0

    @property
    def confidences(self) -> dict[int, float]:
        """By FDI number."""
        numbers = self.numbering.numbers.items()
        return {fdi: self.numbering.confidence[label] for label, fdi in numbers if fdi is not None}


def find_teeth(
    apart: Instances,
    maps: Maps,
    *,
    image: Volume,
    scan: Volume,
    source: Volume,
    card: Mapping[str, Any],
    run: Progress,
    timings: dict[str, float],
) -> Found:
    """Number the teeth and bring them to the scan's grid.

    Args:
        apart: one region a tooth, on the grid of ``image``.
        maps: what the networks saw, on the same grid.
        image: the part of the scan that was looked at, on the working grid.
        scan: all of it, without what its device pads it with.
        source: the scan as it came, without bright padding, on the same grid.
        card: of the bundle.
        run: told of the stages.
        timings: gets the seconds of each stage.

    Returns:
        The labels on the grid of ``source``, and what is known of the regions that are teeth.
    """
    with timed(timings, "instances"):
        implants = find_implants(apart.labels, apart.regions, image, scan)
        no_teeth = {region.label for region in implants.no_teeth}
        regions = [region for region in apart.regions if region.label not in no_teeth]
        crumbs_mm3 = [region.volume_mm3 for region in implants.crumbs]
    with timed(timings, "numbers"):
        run.stage("numbering the teeth", 0.93, 0.95).update(0.0)
        # An implant stands where a tooth stood, so it takes part until all have their numbers.
        whole = apart.numbering or number_regions(apart.regions, maps.view())
        numbering = calibrated(whole.without(no_teeth), card)
    with timed(timings, "to the scan's grid"):
        run.stage("bringing the labels to the scan's grid", 0.95, 1.0).update(0.0)
        ends = surface_at(card.get("kind"))
        whole_teeth, tooth = full_extent(apart.labels, maps.tooth, maps.spacing_mm, ends)
        numbered = image.with_array(numbering.table(int(apart.labels.max()))[whole_teeth])
        labels = labels_to_source(numbered, image.with_array(tooth), scan)
        drawn = source.with_array(without_loose_ends(labels, numbered.array, source.voxel_mm3))
        numbering, result = without_crumbs(regions, numbering, drawn, source)
        numbers = (numbering.numbers.get(region.label) for region in implants.doubtful)
        cut = cut_among({fdi for fdi in numbers if fdi}, result, source)
        doubts = doubt_findings(implants.doubtful, numbering, cut)
    return Found(
        labels=result,
        regions=regions,
        numbering=numbering,
        dropped_mm3=sorted(apart.dropped_mm3 + crumbs_mm3, reverse=True),
        rejoined=apart.rejoined,
        stacked=apart.stacked,
        about_implants=doubts + implant_findings(implants),
        implants=len(implants.sure) + len(implants.among),
    )
