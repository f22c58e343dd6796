"""What the checks look at: the numbered teeth, how large they are, and where along the arch.

The thresholds of all checks stand at the top of their files. Those on shapes, places and grey
values were chosen on simulated dentitions of seeds from 921,000 and from 960,000 on;
`evaluation.fault_injection` measures them on others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ToothSegLib.arches.arch import SLOT_FDI, SLOTS_PER_ARCH, Pose, fit_pose
from ToothSegLib.arches.norms import LENGTHS_MM
from ToothSegLib.arches.norms import VOLUMES_MM3 as NORM_VOLUMES_MM3
from ToothSegLib.arches.patient_size import median_if_enough
from ToothSegLib.arches.regions import Region, numbered_regions
from ToothSegLib.grids.cut_by_view import cut_teeth
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.numbering import Numbering
from ToothSegLib.teeth import by_fdi, type_of
from ToothSegLib.volume import Volume

_SLOT = {int(fdi): divmod(slot, SLOTS_PER_ARCH) for slot, fdi in enumerate(SLOT_FDI.ravel())}
_FIT_ROUNDS = 8
# So many teeth tell by themselves how their row lies, however far the mouth is open.
_TEETH_OF_A_ROW = 5
_WIDTH_PERCENTS = (2, 98)
_MOST_POINTS = 20_000
# What is further away than this from a tooth has nothing to do with it.
_BESIDE_MM = 10.0
_LONGEST_ROOT_MM = 20.0  # from a tooth's centre


@dataclass(frozen=True)
class Step:
    """From one tooth of a row to the next one that was found, the patient's right to left.

    Attributes:
        first, second: FDI numbers.
        places: how many places further; 1 for neighbours.
        usual_mm: from centre to centre between these numbers, in this patient.
        along, apart: the same as it is here, along the arch and altogether, as shares of the usual.
    """

    first: int
    second: int
    places: int
    usual_mm: float
    along: float
    apart: float

    @property
    def pair(self) -> tuple[int, int]:
        """The two FDI numbers."""
        return self.first, self.second


class Facts:
    """The numbered teeth of a result.

    Args:
        regions, numbering: as from `number_regions`.
        labels: FDI numbers on the scan's grid.
        scan: on the same grid; None where the grey values are not at hand.

    Attributes:
        regions: FDI number -> region, ascending; every number is in the label map or not.
        confidence: FDI number -> how sure it is.
        left_out: regions that are none of the 28 teeth.
        third_molars: labels of those among them that are third molars.
        third_regions: FDI number of each of these -> region.
        transposed: labels of neighbours that are numbered by their looks, against their places.
        cut: FDI numbers of the teeth that are not all in the field of view.
        twice: FDI number that several regions have -> these regions, the largest first.
        sizes: FDI number of each whole tooth -> its volume as a share of what its type has in
            this patient.
        lengths: the same for the length along its own axis; none without voxels.
        scale: the patient's volumes as a share of the norm.
        pose: lays the arch template over the teeth.
    """

    def __init__(
        self, regions: Sequence[Region], numbering: Numbering, labels: Volume, scan: Volume | None
    ) -> None:
        self.labels, self.scan = labels, scan
        by_number: dict[int, list[Region]] = {}
        largest_first = sorted(regions, key=lambda region: -region.volume_mm3)
        for region, fdi in numbered_regions(largest_first, numbering.numbers):
            by_number.setdefault(fdi, []).append(region)
        self.regions = {fdi: same[0] for fdi, same in sorted(by_number.items())}
        self.twice = {fdi: same for fdi, same in sorted(by_number.items()) if len(same) > 1}
        self.confidence = {
            fdi: numbering.confidence[region.label] for fdi, region in self.regions.items()
        }
        self.left_out = [
            region for region in regions if numbering.numbers.get(region.label) is None
        ]
        self.third_molars = set(numbering.third_molars)
        self.transposed = numbering.transposed
        self.third_regions = {
            numbering.third_molars[region.label]: region
            for region in regions
            if region.label in numbering.third_molars
        }
        self.boxes = label_boxes(labels.array)
        self._points: dict[int, np.ndarray] = {}
        self.cut = cut_teeth(labels, scan, self.boxes)
        ratios = {
            fdi: region.volume_mm3 / NORM_VOLUMES_MM3[type_of(fdi)]
            for fdi, region in self.regions.items()
            if fdi not in self.cut and fdi not in self.twice
        }
        size = median_if_enough(ratios.values())
        self.own_scale = size is not None
        self.scale = 1.0 if size is None else size
        self.sizes = {fdi: ratio / self.scale for fdi, ratio in ratios.items()}
        self.lengths = self._lengths()
        self.pose = self._pose(self.regions)

    def name(self, fdi: int) -> str:
        """Such as "11 (upper right central incisor)"."""
        return f"{fdi} ({by_fdi(fdi).name})"

    def direction(self, fdi: int) -> tuple[np.ndarray, float]:
        """The arch's direction at a tooth, a unit vector in LPS, and how much room it has, mm."""
        arch, slot = _SLOT[fdi]
        before, after = max(slot - 1, 0), min(slot + 1, SLOTS_PER_ARCH - 1)
        unit, length = self._way(arch, before, after)
        return unit, length / (after - before)

    def steps(self) -> Iterator[Step]:
        """From tooth to tooth along both rows."""
        for row in SLOT_FDI:
            found = [int(fdi) for fdi in row if fdi in self.regions]
            for first, second in zip(found, found[1:]):
                yield self._step(first, second, self.regions[second])

    def step_to_third_molar(self, fdi: int, third: int) -> Step:
        """From a tooth to the third molar of its quadrant, which was left out."""
        return self._step(fdi, third, self.third_regions[third])

    def _step(self, first: int, second: int, to: Region) -> Step:
        arch, start = _SLOT[first]
        end = _SLOT[second][1]
        unit, usual = self._way(arch, min(start, end), max(start, end))
        way = to.centroid - self.regions[first].centroid
        # Roots lie deeper or less deep than their neighbours'; that is no distance.
        way = way - (way @ self.up) * self.up
        apart = float(np.linalg.norm(way)) / usual
        return Step(first, second, abs(end - start), usual, float(way @ unit) / usual, apart)

    def height_mm(self, fdi: int) -> float:
        """How far a tooth's centre lies above its place in the row, below if negative.

        By the others of its row if they are enough: where the mouth is wide open, the two rows do
        not lie as the template has them.
        """
        others = [other for other in self._row(_SLOT[fdi][0]) if other != fdi]
        return self._height(fdi, self._pose(others) if self._enough(others) else self.pose)

    def height_by_all_mm(self, fdi: int) -> float:
        """The same by the teeth of both rows."""
        return self._height(fdi, self.pose)

    def hanging_mm(self) -> float:
        """How far the lower row lies below its place under the upper one, above it if negative; 0
        where either has too few teeth to tell."""
        upper, lower = self._row(0), self._row(1)
        if not (self._enough(upper) and self._enough(lower)):
            return 0.0
        above, below = self._pose(upper), self._pose(lower)
        return float((above.translation - below.translation) @ above.rotation[:, 2])

    def away_mm(self, region: Region, fdi: int) -> float:
        """How far a region's centre lies from a tooth's place in the row."""
        place = self.pose.to_lps(self.pose.places()[_SLOT[fdi]])
        return float(np.linalg.norm(region.centroid - place))

    @property
    def up(self) -> np.ndarray:
        """The head's own direction upwards, a unit vector in LPS."""
        return self.pose.rotation[:, 2]

    def width(self, fdi: int) -> float:
        """A tooth's width along the arch over the room that it has there; 0 without voxels."""
        points = self.points(fdi)
        if not len(points):
            return 0.0
        unit, room = self.direction(fdi)
        low, high = np.percentile(points @ unit, _WIDTH_PERCENTS)
        return float(high - low + self.labels.voxel_mm3 ** (1 / 3)) / room

    def points(self, fdi: int) -> np.ndarray:
        """(n, 3) LPS mm of a tooth's voxels, or of an even choice of them; n may be 0.

        Whoever asks gets the same array, which cannot be written to.
        """
        if fdi not in self._points:
            # Many fragments may ask for what is beside them, in a scan of millions of voxels.
            self._points[fdi] = self._chosen_points(fdi)
            self._points[fdi].setflags(write=False)
        return self._points[fdi]

    def _chosen_points(self, fdi: int) -> np.ndarray:
        if fdi not in self.boxes:
            return np.empty((0, 3))
        box = self.boxes[fdi]
        at = np.argwhere(self.labels.array[box] == fdi) + [part.start for part in box]
        at = at[:: max(1, len(at) // _MOST_POINTS)]
        matrix = self.labels.index_to_lps
        return at[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]

    def beside(self, region: Region) -> int | None:
        """The numbered tooth that begins nearest to a region's centre; None if all are far."""
        best, least = None, _BESIDE_MM
        for fdi, tooth in self.regions.items():
            if np.linalg.norm(tooth.centroid - region.centroid) > _BESIDE_MM + _LONGEST_ROOT_MM:
                continue
            away = np.linalg.norm(self.points(fdi) - region.centroid, axis=1).min(initial=np.inf)
            if away < least:
                best, least = fdi, float(away)
        return best

    def _lengths(self) -> dict[int, float]:
        ratios = {}
        for fdi in self.sizes:
            along = self.points(fdi) @ self.regions[fdi].axis
            if along.size:
                length = float(np.ptp(along)) + self.labels.voxel_mm3 ** (1 / 3)
                ratios[fdi] = length / LENGTHS_MM[type_of(fdi)]
        own = median_if_enough(ratios.values()) or 1.0
        return {fdi: ratio / own for fdi, ratio in ratios.items()}

    def _way(self, arch: int, start: int, end: int) -> tuple[np.ndarray, float]:
        places = self.pose.places()[arch]
        way = (places[end] - places[start]) * [1.0, 1.0, 0.0]
        length = float(np.linalg.norm(way))
        return self.pose.rotation @ way / length, length * self.pose.scale

    def _height(self, fdi: int, pose: Pose) -> float:
        place = pose.to_lps(pose.places()[_SLOT[fdi]])
        return float((self.regions[fdi].centroid - place) @ pose.rotation[:, 2])

    def _row(self, arch: int) -> list[int]:
        return [fdi for fdi in self.regions if _SLOT[fdi][0] == arch]

    def _enough(self, row: Collection[int]) -> bool:
        return len(row) >= _TEETH_OF_A_ROW

    def _pose(self, numbers: Collection[int]) -> Pose:
        upright = Pose(np.eye(3), np.zeros(3))
        if not numbers:
            return upright
        centroids = np.array([self.regions[fdi].centroid for fdi in numbers])
        arches, slots = np.array([_SLOT[fdi] for fdi in numbers]).T
        return fit_pose(centroids, arches, slots, upright, _FIT_ROUNDS)
