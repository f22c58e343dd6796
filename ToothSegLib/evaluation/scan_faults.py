"""Faults that lie in the scan: teeth that it cuts, metal, and scans that are none of a head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from ToothSegLib.evaluation.faults import Fault, Kind, Spoilt, pick
from ToothSegLib.evaluation.specimen import Specimen
from ToothSegLib.synthesis import tissues
from ToothSegLib.volume import Volume

# Fewer teeth would leave nothing to look at.
_FEWEST_TEETH = 3
_SHORTEST_RADIUS_MM = 15.0
# Metal's grey value over that of the scan's brightest tooth, and how far its light spreads.
_METAL_TIMES = (1.6, 3.0)
_BLOOM_MM = 0.6


def _cut_by_array(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """The scan ends in the middle of a tooth, at its front, its back or a side."""
    fdi = pick(good.teeth, rng)
    axis, low = int(rng.integers(1, 3)), bool(rng.integers(2))
    middle = int(np.median(np.argwhere(good.regions == fdi)[:, axis]))
    k, j, i = (slice(0, size) for size in good.regions.shape)
    kept = slice(middle, None) if low else slice(0, middle)
    box = (k, kept, i) if axis == 1 else (k, j, kept)
    spoilt = replace(
        good,
        scan=good.scan.part(box),
        regions=good.regions[box],
        seen_as=good.seen_as[box],
        probability=good.probability[box],
    )
    return _spoilt_by_view(good, spoilt, fdi)


def _cut_by_cylinder(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """A cylinder through the middle of a tooth, filled outside with one value."""
    fdi = pick(good.teeth, rng)
    edge = np.argwhere(good.regions == fdi).mean(axis=0)[1:]
    centre = np.argwhere(good.regions > 0).mean(axis=0)[1:] + rng.normal(0, 5, 2)
    away = np.moveaxis(np.indices(good.regions.shape[1:]), 0, -1) - centre
    radius = float(np.linalg.norm(edge - centre))
    if radius * good.scan.spacing[0] < _SHORTEST_RADIUS_MM:
        return None
    outside = np.broadcast_to(np.linalg.norm(away, axis=-1) > radius, good.regions.shape)
    spoilt = good.copy()
    spoilt.regions[outside] = 0
    grey = good.scan.array.copy()
    grey[outside] = rng.choice([-2000, -1000, 0, int(grey.min())])
    spoilt.scan = good.scan.with_array(grey)
    return _spoilt_by_view(good, spoilt, fdi)


def _spoilt_by_view(good: Specimen, spoilt: Specimen, fdi: int) -> Spoilt | None:
    left = np.bincount(spoilt.regions.ravel(), minlength=256)
    whole = np.bincount(good.regions.ravel(), minlength=256)
    if len(spoilt.teeth) < _FEWEST_TEETH or not left[fdi]:
        return None
    return Spoilt(spoilt, frozenset({fdi}), frozenset(np.flatnonzero(left < whole).tolist()))


def _metal(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """A crown of metal in the place of the enamel; half of the scanners clip it."""
    fdi = pick(good.teeth, rng)
    crown = (good.regions == fdi) & (good.tissue == tissues.ENAMEL)
    if not crown.any():
        return None
    crown = ndimage.binary_dilation(crown) & (good.regions == fdi)
    grey = good.scan.array.astype(float)
    teeth = grey[good.regions > 0]
    dark, bright = np.median(teeth), np.percentile(teeth, 99.5)
    above = rng.uniform(*_METAL_TIMES) * bright - dark
    bloom = ndimage.gaussian_filter(crown.astype(float), _BLOOM_MM / good.scan.spacing[0])
    grey += above * np.where(crown, np.maximum(bloom, 0.7), bloom)
    if rng.random() < 0.5:
        grey = np.minimum(grey, rng.uniform(1.3, 1.6) * bright)
    scan = good.scan.with_array(np.clip(grey, -32768, 32767).astype(np.int16))
    touched = np.unique(good.regions[ndimage.binary_dilation(crown, iterations=3)])
    return Spoilt(replace(good, scan=scan), frozenset({fdi}), frozenset(touched.tolist()))


def _other_scan(change: Callable[[Specimen, np.random.Generator], Volume]) -> Fault:
    def make(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
        return Spoilt(replace(good, scan=change(good, rng)))

    return make


def _negative(good: Specimen, rng: np.random.Generator) -> Volume:
    return good.scan.with_array(-good.scan.array)


def _magnetic(good: Specimen, rng: np.random.Generator) -> Volume:
    """Hard tissues dark as air, soft ones bright, as in magnetic resonance."""
    grey = np.zeros(tissues.COUNT)
    for tissue in (tissues.SOFT, tissues.MUSCLE, tissues.PULP, tissues.LIGAMENT):
        grey[tissue] = rng.uniform(400, 600)
    grey[tissues.FAT], grey[tissues.TRABECULAR] = 900, rng.uniform(500, 800)
    image = grey[good.tissue] + rng.normal(0, 30, good.tissue.shape)
    return good.scan.with_array(image.astype(np.int16))


def _noise(good: Specimen, rng: np.random.Generator) -> Volume:
    return good.scan.with_array(rng.normal(0, 300, good.regions.shape).astype(np.int16))


def _label_map(good: Specimen, rng: np.random.Generator) -> Volume:
    return good.scan.with_array(good.regions.astype(np.int16))


def _wrong_voxels(good: Specimen, rng: np.random.Generator) -> Volume:
    """A voxel size lost and taken for another, as when slices become a plain stack of pictures."""
    times = float(rng.choice([0.4, 0.5, 2.0, 2.5]))
    return replace(good.scan, spacing=(times * good.scan.spacing[0],) * 3)


_NOT_A_HEAD = ("not-a-head-scan", "no-teeth")
SCAN_FAULTS = (
    Kind("cut by the array's border", _cut_by_array, ("cut-by-field-of-view",)),
    Kind("cut by a cylinder", _cut_by_cylinder, ("cut-by-field-of-view",)),
    Kind("metal crown", _metal, ("touching-metal",)),
    Kind("negative of a scan", _other_scan(_negative), _NOT_A_HEAD),
    Kind("magnetic resonance", _other_scan(_magnetic), _NOT_A_HEAD),
    Kind("noise", _other_scan(_noise), _NOT_A_HEAD),
    Kind("label map", _other_scan(_label_map), _NOT_A_HEAD),
    Kind("wrong voxel size", _other_scan(_wrong_voxels), _NOT_A_HEAD),
)
