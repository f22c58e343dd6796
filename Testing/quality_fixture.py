"""A flawless dentition, numbered, as a label map and as a scan, for findings to be put to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from scipy import ndimage

from dentition_fixture import (
    ALL_28,
    LOWER_VOLUMES,
    UPPER_VOLUMES,
    a_region,
    arch_places,
    label_map,
)
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.quality import find_findings
from ToothSegLib.report import Finding
from ToothSegLib.teeth import type_of
from ToothSegLib.volume import Volume

SPACING_MM = 1.0
SOFT, BONE, TOOTH, ENAMEL = 60.0, 700.0, 1400.0, 2000.0


@dataclass
class Patient:
    """What the stages before the findings hand over. Region labels are FDI numbers plus 100."""

    regions: list[Region]
    numbering: Numbering
    labels: Volume
    scan: Volume | None = None
    dropped: list[float] = field(default_factory=list)

    def findings(self) -> list[Finding]:
        return find_findings(
            self.regions, self.numbering, self.labels, dropped_mm3=self.dropped, scan=self.scan
        )

    def told(self) -> list[tuple[str, str, tuple[int, ...]]]:
        return [(finding.code, finding.urgency, finding.fdi) for finding in self.findings()]

    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings()]

    def region(self, tooth: int) -> Region:
        return next(region for region in self.regions if region.label == tooth + 100)

    def change(self, tooth: int, **values: object) -> None:
        """Replace attributes of a tooth's region."""
        place = self.regions.index(self.region(tooth))
        self.regions[place] = replace(self.regions[place], **values)  # type: ignore[arg-type]

    def leave_out(
        self, label: int, place: np.ndarray, volume: float, sure: float = 0.9, third: int = 0
    ) -> None:
        """One more region, which got no number."""
        self.regions.append(a_region(label, place, volume, np.full(17, 1 / 17)))
        self.numbering.numbers[label] = None
        self.numbering.confidence[label] = sure
        if third:
            self.numbering.third_molars[label] = third

    def paint(self, where: np.ndarray, fdi: int) -> None:
        """Set labels where a mask says so."""
        self.labels = self.labels.with_array(np.where(where, fdi, self.labels.array).astype("u1"))

    def near(self, fdi: int, reach_mm: float) -> np.ndarray:
        """Mask of all that is as close to a tooth."""
        rounds = round(reach_mm / SPACING_MM)
        return np.asarray(ndimage.binary_dilation(self.labels.array == fdi, iterations=rounds))


@cache
def _anatomy() -> tuple[dict[int, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    places = arch_places(rng, True, set(ALL_28), False, 1.0)
    places |= arch_places(rng, False, set(ALL_28), False, 1.0)
    return places, *label_map(places, SPACING_MM)


def a_patient(
    *absent: int,
    larger: float = 1.0,
    volumes: Mapping[int, float] | None = None,
    numbers: Mapping[int, int] | None = None,
    with_scan: bool = False,
) -> Patient:
    """A flawless dentition.

    Args:
        absent: teeth that are not there.
        larger: factor of all volumes.
        volumes: factors of single volumes, by tooth.
        numbers: wrong numbers, by tooth.
        with_scan: whether there are grey values.
    """
    places, truth, origin = _anatomy()
    numbering = Numbering()
    regions = []
    table = np.zeros(256, np.uint8)
    for fdi in _present(absent):
        norm = (UPPER_VOLUMES if fdi < 30 else LOWER_VOLUMES)[fdi % 10 - 1]
        volume = norm * larger * (volumes or {}).get(fdi, 1.0)
        regions.append(a_region(fdi + 100, places[fdi], volume, np.eye(17)[type_of(fdi)]))
        table[fdi] = numbering.numbers[fdi + 100] = (numbers or {}).get(fdi, fdi)
        numbering.confidence[fdi + 100] = 0.99
    spacing = (SPACING_MM,) * 3
    labels = Volume(table[truth], spacing, tuple(map(float, origin)), np.eye(3))
    present = np.where(np.isin(truth, _present(absent)), truth, 0)
    return Patient(regions, numbering, labels, a_scan(labels, present) if with_scan else None)


def a_scan(labels: Volume, teeth: np.ndarray) -> Volume:
    """Teeth with a hull of enamel in bone in soft tissue, on one side air, a little noise."""
    grey = np.where(ndimage.binary_dilation(teeth > 0, iterations=3), BONE, SOFT)
    grey[:, :6] = -1000.0
    grey[teeth > 0] = ENAMEL
    grey[ndimage.binary_erosion(teeth > 0)] = TOOTH
    grey += np.random.default_rng(0).normal(0, 20, grey.shape)
    return labels.with_array(grey.round().astype(np.int16))


def _present(absent: Iterable[int]) -> list[int]:
    return [fdi for fdi in ALL_28 if fdi not in set(absent)]
