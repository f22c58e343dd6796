"""A simulated dentition as a good segmentation would have it, for faults to be put into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from ToothSegLib.arches.regions import measure_regions
from ToothSegLib.calibration import calibrated
from ToothSegLib.grids.grid import extent
from ToothSegLib.grids.label_boxes import grown
from ToothSegLib.grids.view_of_scan import View
from ToothSegLib.instances import MINIMAL_VOLUME_MM3
from ToothSegLib.maps import Maps
from ToothSegLib.models import load_bundle
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.quality import find_findings
from ToothSegLib.report import Finding
from ToothSegLib.separation.crumbs import without_crumbs
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.pictures import ORDINARY, make_picture
from ToothSegLib.teeth import N_TYPES, THIRD_MOLARS, type_of
from ToothSegLib.volume import Volume

SPACING_MM = 1.0
# Of a tooth's look that goes to each neighbour's type at most, to the other jaw, and to any type.
_CONFUSION, _OTHER_JAW, _ANY = 0.3, 0.1, 0.01
_TOOTH_PROBABILITY = 0.95
_PLAIN = {
    tissues.METAL: tissues.ENAMEL,
    tissues.CERAMIC: tissues.ENAMEL,
    tissues.ROOT_FILLING: tissues.PULP,
    tissues.TITANIUM: tissues.TRABECULAR,
}


@dataclass
class Specimen:
    """A scan and what the stages before the findings made of it.

    Attributes:
        scan: the picture.
        tissue: (k, j, i) codes of `synthesis.tissues`, without fillings, crowns and implants.
        regions: (k, j, i) region labels; in a good segmentation the true FDI numbers.
        seen_as: (k, j, i) the true tooth, by FDI number, that a voxel looks like.
        looks: (49, 17) type probabilities of each true tooth.
        probability: (k, j, i) of tooth.
        given: region label -> the FDI number that it gets whatever the numbering says.
        seed: of the case and its picture.
    """

    scan: Volume
    tissue: np.ndarray
    regions: np.ndarray
    seen_as: np.ndarray
    looks: np.ndarray
    probability: np.ndarray
    given: dict[int, int] = field(default_factory=dict)
    seed: int = 0

    def copy(self) -> Specimen:
        """Another one with the same scan, whose regions and looks can be spoilt."""
        return replace(
            self,
            regions=self.regions.copy(),
            seen_as=self.seen_as.copy(),
            looks=self.looks.copy(),
            probability=self.probability.copy(),
            given=dict(self.given),
        )

    @property
    def teeth(self) -> list[int]:
        """Region labels that are teeth of the 28, ascending."""
        thirds = {tooth.fdi for tooth in THIRD_MOLARS}
        return [int(n) for n in np.unique(self.regions) if 0 < n < 49 and int(n) not in thirds]

    def points(self, label: int) -> np.ndarray:
        """(n, 3) LPS mm of a region's voxels, in the order of `numpy.argwhere`."""
        at = np.argwhere(self.regions == label)[:, ::-1]
        return at * np.array(self.scan.spacing) + self.scan.origin

    def result(self, card: Mapping[str, Any] | None = None) -> tuple[Numbering, list[Finding]]:
        """Drop crumbs, number the regions, calibrate and look for findings.

        As `cascade.segment` does, with the table of ``card``; of the default bundle's for None.
        """
        # A voxel more than the teeth, where the scan has one: else the outermost pass for cut.
        box = ndimage.find_objects((self.regions > 0).view(np.uint8))[0]
        box = grown(box, self.regions.shape, 1)
        types = np.moveaxis(self.looks.astype(np.float16)[self.seen_as[box]], -1, 0)
        origin = self.scan.part(box).origin
        maps = Maps(self.probability[box], types, None, self.scan.spacing[0], origin)
        measured = measure_regions(self.regions[box], maps)
        regions = [region for region in measured if region.volume_mm3 >= MINIMAL_VOLUME_MM3]
        crumbs = [region.volume_mm3 for region in measured if region not in regions]
        numbering = number_regions(regions, View(*extent(self.scan)))
        numbering.numbers |= self.given
        numbering = calibrated(numbering, _default_card() if card is None else card)
        table = numbering.table(int(self.regions.max()))
        drawn = self.scan.with_array(table[self.regions])
        numbering, labels = without_crumbs(regions, numbering, drawn, self.scan)
        return numbering, find_findings(
            regions, numbering, labels, dropped_mm3=crumbs, scan=self.scan
        )


def good_specimen(seed: int) -> Specimen:
    """An ordinary dentition, as of `make_case`, rightly taken apart and with no metal.

    The networks are imagined: each tooth looks like its type and, by a random part, like the types
    beside it and like its fellow in the other jaw.
    """
    case = make_case(seed, spacing_mm=SPACING_MM, ordinary=True)
    tissue = case.tissue.copy()
    for dense, plain in _PLAIN.items():
        tissue[tissue == dense] = plain
    rng = np.random.default_rng(seed)
    looks = np.full((49, N_TYPES), 1 / N_TYPES)
    for fdi in np.unique(case.labels[case.labels > 0]):
        looks[fdi] = _look(int(fdi), rng)
    return Specimen(
        scan=Volume(picture(tissue, seed), (case.spacing_mm,) * 3, case.origin),
        tissue=tissue,
        regions=case.labels.astype(np.uint16),
        seen_as=case.labels.copy(),
        looks=looks,
        probability=np.full(case.labels.shape, _TOOTH_PROBABILITY, np.float32),
        seed=seed,
    )


def picture(tissue: np.ndarray, seed: int) -> np.ndarray:
    """(k, j, i) int16: what a decent scanner makes of the tissues; one seed, one scanner."""
    generator = torch.Generator().manual_seed(seed)
    image = make_picture(torch.from_numpy(tissue), SPACING_MM, generator, strength=ORDINARY)
    grey: np.ndarray = (image.clamp(-1.0, 4.0) * 1000.0).round().to(torch.int16).numpy()
    return grey


@cache
def _default_card() -> dict[str, Any]:
    return load_bundle().card


def _look(fdi: int, rng: np.random.Generator) -> np.ndarray:
    own = type_of(fdi)
    first = 1 if own <= 8 else 9
    look = np.full(N_TYPES, _ANY)
    for beside in (own - 1, own + 1):
        look[int(np.clip(beside, first, first + 7))] += rng.uniform(0, _CONFUSION)
    look[own + 8 if own <= 8 else own - 8] += rng.uniform(0, _OTHER_JAW)
    look[own] += max(1 - look.sum(), 0.05)
    return look / look.sum()
