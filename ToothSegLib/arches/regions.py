"""One region a tooth: what is measured of it, on the working grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ToothSegLib.maps import Maps


@dataclass
class Region:
    """A connected piece of the instance map that should be one tooth.

    Attributes:
        label: in the instance map.
        voxels: its size in voxels of the working grid.
        volume_mm3: its size in mm^3.
        centroid: (3,) LPS mm.
        axis: (3,) unit, the principal axis, pointing up (+z).
        type_probabilities: (17,), mean over the region; [0] is small.
        confidence: mean tooth probability, 0..1.
        prosthesis: mean probability of a prosthesis; None if the networks do not tell.
        cut: whether it reaches the border of what the scan shows.
    """

    label: int
    voxels: int
    volume_mm3: float
    centroid: np.ndarray
    axis: np.ndarray
    type_probabilities: np.ndarray
    confidence: float
    prosthesis: float | None = None
    cut: bool = False

    @property
    def place(self) -> tuple[float, float, float]:
        """The centroid as a finding tells it: LPS mm, to 0.01."""
        x, y, z = (round(float(value), 2) for value in self.centroid)
        return x, y, z

    @property
    def looks_by_jaw(self) -> tuple[float, float]:
        """How much of its look is an upper tooth's, and how much a lower one's."""
        types = self.type_probabilities
        return float(types[1:9].sum()), float(types[9:].sum())


def numbered_regions(
    regions: Iterable[Region], numbers: Mapping[int, int | None]
) -> list[tuple[Region, int]]:
    """Those of some regions that have an FDI number, with it, by the numbers of their labels."""
    return [(region, fdi) for region in regions if (fdi := numbers.get(region.label))]


def measure_regions(labels: np.ndarray, maps: Maps) -> list[Region]:
    """Measure every label of an instance map.

    Args:
        labels: (Z, Y, X) integers, 0 background, on the grid of ``maps``.
        maps: the maps that the labels were made from.

    Returns:
        One region a label that occurs, in the order of the labels.
    """
    where = np.flatnonzero(labels)
    if not len(where):
        return []
    label = labels.ravel()[where]
    highest = int(label.max())
    voxels = np.bincount(label, minlength=highest + 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(label, values, minlength=highest + 1) / np.maximum(voxels, 1)

    # (x, y, z) mm from the grid's first voxel; LPS because the grid is canonical.
    points = np.stack(np.unravel_index(where, labels.shape)[::-1], axis=1) * maps.spacing_mm
    centres = np.stack([mean(points[:, axis]) for axis in range(3)], axis=1)
    seen = maps.view().shows(np.asarray(points + maps.origin, np.float64), maps.spacing_mm)
    cut = np.bincount(label[~seen], minlength=highest + 1)
    points = points - centres[label]
    spread = np.empty((highest + 1, 3, 3))
    for row in range(3):
        for column in range(row, 3):
            spread[:, row, column] = mean(points[:, row] * points[:, column])
            spread[:, column, row] = spread[:, row, column]
    axes = np.linalg.eigh(spread)[1][:, :, -1]
    axes *= np.where(axes[:, 2:] < 0, -1.0, 1.0)
    types = np.stack(
        [mean(chances.astype(float)) for chances in maps.types_at(where)],
        axis=1,
    )
    tooth = mean(maps.tooth.ravel()[where].astype(float))
    prosthesis = None
    if maps.prosthesis is not None:
        prosthesis = mean(maps.prosthesis_at(where).astype(float))
    return [
        Region(
            label=int(index),
            voxels=int(voxels[index]),
            volume_mm3=float(voxels[index] * maps.spacing_mm**3),
            centroid=centres[index] + np.asarray(maps.origin, float),
            axis=axes[index],
            type_probabilities=types[index],
            confidence=float(tooth[index]),
            prosthesis=None if prosthesis is None else float(prosthesis[index]),
            cut=bool(cut[index]),
        )
        for index in np.flatnonzero(voxels)
    ]
