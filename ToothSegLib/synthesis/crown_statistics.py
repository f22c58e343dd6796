"""Crowns of people who never were, drawn from a statistical shape model of real ones.

The model holds, for each of 28 crowns, points on the mean crown in place on its arch, shape modes
(mm for one standard deviation) and how the sizes of the crowns go together. A crown is nearly
star-shaped about its middle, so a drawn one is kept as its radius over directions; it has no root,
which comes from published dimensions and is fitted to its neck.

Source of such a model: orthodontic models of 135 patients, Chen et al., "3D Reconstruction of
Teeth from Five Intra-oral Photographs" (SJTUzhou/3D-Teeth-Reconstruction, MIT).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ToothSegLib.errors import InputError
from ToothSegLib.synthesis.frames import Slot, arch_frames
from ToothSegLib.synthesis.tooth_form import DIMENSIONS, Neck, ToothForm, draw_form, smooth_minimum
from ToothSegLib.teeth import type_of

_NECK_MM = 1.4
_SEEN_MODES = 2.5  # no crown further out than this many standard deviations


@dataclass(frozen=True)
class CrownStatistics:
    """How crowns vary, each in its own frame (mesial, buccal, occlusal), mm."""

    mean: dict[int, np.ndarray]  # FDI: (points, 3)
    modes: dict[int, np.ndarray]  # FDI: (modes, points, 3)
    fdi: tuple[int, ...]
    sizes: np.ndarray  # covariance of the crowns' relative sizes, in order of `fdi`


@dataclass(frozen=True)
class StatisticalForm:
    """A drawn crown on a root of published dimensions; behind the interface of every form."""

    base: ToothForm  # gives the root
    middle: np.ndarray  # (3,) mm
    directions: cKDTree
    radii: np.ndarray  # (points,) mm
    width: float
    neck: np.ndarray  # (2,) m and b of the neck's middle, mm

    @property
    def crown_height(self) -> float:
        return self.base.crown_height

    @property
    def length(self) -> float:
        return self.base.length

    def field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        """Implicit function at points (mm), negative inside."""
        away = np.stack([m, b, o], axis=-1) - self.middle
        length = np.linalg.norm(away, axis=-1)
        crown = np.full(length.shape, 6.0)
        near = length < self.radii.max() + 3.0
        unit = away[near] / np.maximum(length[near], 1e-3)[:, None]
        gap, index = self.directions.query(unit, k=5)
        weight = 1.0 / (gap + 0.02) ** 2
        crown[near] = length[near] - (self.radii[index] * weight).sum(1) / weight.sum(1)
        below = o + self.crown_height
        lean_m, lean_b = self.base.lean
        root = self.base.roots_field(
            m - self.neck[0] - lean_m * below, b - self.neck[1] - lean_b * below, o
        )
        return smooth_minimum(crown, root, 0.8)


def load_crown_statistics(path: Path) -> CrownStatistics:
    """Read a model: arrays ``fdi``, ``mean``, ``modes`` and ``scale_covariance``, LPS mm.

    Raises:
        InputError: the file is missing or not such a model.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            numbers = tuple(int(n) for n in archive["fdi"])
            mean = archive["mean"].astype(float)
            modes = archive["modes"].astype(float)
            sizes = archive["scale_covariance"].astype(float)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a model of crowns ({error}): name another file") from error
    if mean.shape[:1] != (len(numbers),) or mean.shape != modes[:, 0].shape:
        raise InputError(f"{path} is not a model of crowns: its arrays do not go together")
    slots: dict[int, Slot] = {}
    for upper in (True, False):
        crowns = {
            fdi: _top(fdi, p) for fdi, p in zip(numbers, mean, strict=True) if (fdi < 30) == upper
        }
        slots.update(arch_frames(crowns))
    return CrownStatistics(
        {f: (p - slots[f].origin) @ slots[f].frame for f, p in zip(numbers, mean, strict=True)},
        {f: v @ slots[f].frame for f, v in zip(numbers, modes, strict=True)},
        numbers,
        sizes,
    )


def draw_forms(statistics: CrownStatistics, rng: np.random.Generator) -> dict[int, StatisticalForm]:
    """The forms of one person by FDI number; left and right resemble each other as in the model."""
    sizes = rng.multivariate_normal(np.ones(len(statistics.fdi)), statistics.sizes, method="eigh")
    modes = len(next(iter(statistics.modes.values())))
    by_type: dict[int, np.ndarray] = {}
    forms = {}
    for fdi, size in zip(statistics.fdi, sizes, strict=True):
        # Twins of one mouth are alike: most of each one's form is shared.
        shared = by_type.setdefault(type_of(fdi), rng.normal(size=modes))
        weights = np.clip(0.9 * shared + 0.44 * rng.normal(size=modes), -_SEEN_MODES, _SEEN_MODES)
        points = statistics.mean[fdi] + np.tensordot(weights, statistics.modes[fdi], axes=1)
        centre = points.mean(axis=0)
        points = centre + (points - centre) * float(np.clip(size, 0.8, 1.2))
        forms[fdi] = _form(fdi, points, rng)
    return forms


def _top(fdi: int, points: np.ndarray) -> np.ndarray:
    """Middle of the crown in plan at the height of its highest cusp, LPS mm."""
    plan = 0.5 * (points[:, :2].min(axis=0) + points[:, :2].max(axis=0))
    return np.array([*plan, points[:, 2].min() if fdi < 30 else points[:, 2].max()])


def _form(fdi: int, points: np.ndarray, rng: np.random.Generator) -> StatisticalForm:
    points = points - [0.0, 0.0, points[:, 2].max()]
    height = float(-points[:, 2].min())
    ring = points[points[:, 2] < -height + _NECK_MM]
    low, high = np.quantile(ring[:, :2], [0.02, 0.98], axis=0)
    # Such models end at the gum, short of the cervix: what is missing goes to the root.
    hidden = max(0.0, DIMENSIONS[type_of(fdi)][0] - height)
    neck = Neck(float(high[0] - low[0]), float(high[1] - low[1]), hidden)
    width, depth = np.ptp(points[:, :2], axis=0)
    base = draw_form(type_of(fdi), rng, crown=(height, float(width), float(depth)), neck=neck)
    middle = np.array([*(0.5 * (points.min(axis=0) + points.max(axis=0)))])
    away = points - middle
    radii = np.linalg.norm(away, axis=1)
    directions = cKDTree(away / np.maximum(radii, 1e-3)[:, None])
    return StatisticalForm(base, middle, directions, radii, float(width), 0.5 * (low + high))
