"""Small label maps of made-up teeth, for the tests of what comes after the networks."""

from __future__ import annotations

from functools import cache

import numpy as np

from ToothSegLib.report import Segmentation, measure_teeth
from ToothSegLib.volume import Volume


def tooth_mask(
    spacing: tuple[float, float, float], crown_mm: float = 4.0, root_mm: float = 13.0
) -> np.ndarray:
    """(k, j, i) mask of a crown, a rounded block, on a tapering root that points to +k."""
    margin = 2
    size = np.array([2 * crown_mm + 1, 2 * crown_mm + 1, root_mm + 8])
    nx, ny, nz = (np.ceil(size / spacing)).astype(int) + 2 * margin
    z, y, x = np.meshgrid(
        (np.arange(nz) - margin) * spacing[2],
        (np.arange(ny) - (ny - 1) / 2) * spacing[1],
        (np.arange(nx) - (nx - 1) / 2) * spacing[0],
        indexing="ij",
    )
    crown = (np.abs(x) ** 4 + np.abs(y) ** 4 + np.abs(z - 4) ** 4) <= crown_mm**4
    radius = 0.75 * crown_mm * np.sqrt(np.clip(1 - (z - 4) / (root_mm + 3), 0, 1))
    root = (z >= 4) & (x**2 + y**2 <= radius**2)
    return crown | root


@cache
def dentition(
    absent: tuple[int, ...] = (), *, spacing_mm: float = 1.0, radius_mm: float = 2.6
) -> Volume:
    """Ellipsoids at the mean places of the 28 teeth, labelled by FDI number, upright in LPS."""
    # SciPy comes with it, for which no worker with a stub for a cascade should wait.
    from ToothSegLib.arches.arch import SLOT_FDI, TEMPLATE

    places = {
        int(fdi): place
        for arch, row in zip(SLOT_FDI, TEMPLATE, strict=True)
        for fdi, place in zip(arch, row, strict=True)
        if fdi % 10 <= 7 and int(fdi) not in absent
    }
    low = np.array([-36.0, -8.0, -20.0])
    nx, ny, nz = (np.array([72, 60, 40]) / spacing_mm).astype(int)
    k, j, i = np.indices((nz, ny, nx))
    grid = np.stack([i, j, k], axis=-1) * spacing_mm + low
    labels = np.zeros((nz, ny, nx), np.uint8)
    # Taller than wide, so that the arches' teeth look like teeth in a picture.
    for fdi, place in places.items():
        inside = (((grid - place) / (radius_mm, radius_mm, 2.6 * radius_mm)) ** 2).sum(-1) <= 1
        labels[inside & (labels == 0)] = fdi
    labels.flags.writeable = False
    return Volume(labels, spacing=(spacing_mm,) * 3, origin=tuple(low))


def segmentation(labels: Volume) -> Segmentation:
    """A result as the cascade would give it."""
    return Segmentation(
        labels=labels,
        teeth=measure_teeth(labels, dict.fromkeys(range(11, 48), 0.9)),
        timings={"networks": 1.23456},
        provenance={"bundle": "made-up", "device": "cpu"},
    )
