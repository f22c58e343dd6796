"""What metal does to a reconstruction, by the physics of its rays, fast enough for training.

Level by level of two slices, in parallel beams: rays of a few energies pass through what a
patch shows and photons are counted. What filtered back-projection makes of that, less what it makes
of the patch without its metal, is how metal looks: a swollen body with streaks and shadows.
Whoever wants the whole of a scanner takes `physics`.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.chance import Draw
from ToothSegLib.synthesis.materials import WATER, tissue_attenuation

# keV, with the shares of the signal; a beam between the scanners' of `scanner`.
_ENERGIES = (40, 60, 80)
_SHARES = (0.24, 0.52, 0.24)
_SHOWN = 1  # the energy whose attenuation a picture shows
# Slices that are reckoned as one. Within them it is done voxel by voxel: on cells of two, metal
# swells by a millimetre too much.
_LEVEL = (2, 1, 1)
_ANGLES = 96  # for a patch; the streaks of fewer than there are voxels across are wider than life
_ALLOYS = 8
# Of the head beyond the patch, that every ray passes as well.
_BEYOND_MM = (40.0, 130.0)
_PHOTONS = (2.5, 5.0)  # powers of ten, behind air
_SCATTER = (0.0, 0.1)
# Wide enough for the darkest ray, and for one that noise made brighter than air.
_WATER_MM = np.linspace(-100.0, 1500.0, 1601)
_PER_CM = 10.0


def metal_seen(tissue: Tensor, spacing_mm: float, draw: Draw, *, angles: int = _ANGLES) -> Tensor:
    """How much brighter or darker each voxel is than it would be if soft tissue stood for metal.

    Beam hardening, scattered light and starved detectors (Kak and Slaney, *Principles of
    Computerized Tomographic Imaging*, 1988, chapter 4), the projections being corrected for water.

    Args:
        tissue: (Z, Y, X) codes, Z along the axis of rotation.
        spacing_mm: of the voxels.
        draw: the only source of chance.
        angles: projections over half a turn.

    Returns:
        (Z, Y, X) float32 in 1/cm, the unit of `tissues.ATTENUATION`; 0 in slices without metal.
        Within the metal it is what a scanner measures of it, less soft tissue.
    """
    table = _alloys()[int(draw.span(0.0, _ALLOYS - 1e-6))]
    code, metal = tissue.long(), dense(tissue)
    bare = torch.where(metal, tissues.SOFT, code)
    matter = torch.cat([table[:, code], table[:, bare]])[None]
    coarse = functional.avg_pool3d(matter, _LEVEL, ceil_mode=True, count_include_pad=False)[0]
    there = functional.max_pool3d(metal[None].float(), _LEVEL, ceil_mode=True)[0]
    levels = torch.nonzero(there.flatten(1).any(dim=1)).flatten()
    seen = torch.zeros(coarse.shape[1:])
    if len(levels):
        seen[levels] = _of_slices(coarse[:, levels], spacing_mm, draw, angles)
    fine = functional.interpolate(
        seen[None, None], scale_factor=_LEVEL, mode="trilinear", align_corners=False
    )[0, 0]
    return _PER_CM * fine[: len(tissue)]


def dense(tissue: Tensor) -> Tensor:
    """(Z, Y, X) bool: what such rays are made wrong by."""
    return (tissue == tissues.METAL) | (tissue == tissues.TITANIUM) | (tissue == tissues.CERAMIC)


@cache
def _alloys() -> Tensor:
    """(patients, energies, tissues.COUNT) attenuation, 1/mm, each patient with other alloys."""
    rng = np.random.default_rng(0)
    tables = [tissue_attenuation(_ENERGIES, rng).T for _ in range(_ALLOYS)]
    return torch.from_numpy(np.stack(tables).astype(np.float32))


def _of_slices(matter: Tensor, step_mm: float, draw: Draw, count: int) -> Tensor:
    """(slices, Y, X) of `metal_seen`, 1/mm.

    Args:
        matter: (twice the energies, slices, Y, X) attenuation, 1/mm, with and without metal.
        step_mm: of its voxels.
        draw: the only source of chance.
        count: of projections over half a turn.
    """
    height, width = matter.shape[2:]
    size = 2 * math.ceil(math.hypot(height, width) / 2)
    first = draw.span(0.0, math.pi)
    angles = [first + math.pi * n / count for n in range(count)]
    through = torch.stack([_line_integrals(matter, angle, size, step_mm) for angle in angles])
    water = float(WATER.attenuation(_ENERGIES)[_SHOWN])
    rays = _filtered(water * _metal_as_water(through, draw), step_mm)
    return _back_projected(rays, angles, (height, width))


def _line_integrals(matter: Tensor, angle: float, size: int, step_mm: float) -> Tensor:
    """(energies, slices, size) integrals along the columns of the slices turned by ``angle``."""
    energies, slices, height, width = matter.shape
    at = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    across, along = at[None], at[:, None]
    x = across * math.cos(angle) - along * math.sin(angle)
    y = across * math.sin(angle) + along * math.cos(angle)
    grid = torch.stack([2 * x / width, 2 * y / height], dim=-1)
    turned = functional.grid_sample(
        matter.reshape(1, energies * slices, height, width), grid[None], align_corners=False
    )
    return step_mm * turned[0].sum(dim=1).reshape(energies, slices, size)


def _metal_as_water(through: Tensor, draw: Draw) -> Tensor:
    """(angles, slices, size) mm of water that would make as much of a difference as metal does.

    Args:
        through: (angles, twice the energies, slices, size) line integrals, with and without metal.
        draw: of the rest of the head, the scattered light and the photons.
    """
    water = torch.tensor(WATER.attenuation(_ENERGIES), dtype=torch.float32)
    beyond, scatter = draw.span(*_BEYOND_MM), draw.span(*_SCATTER)
    photons = 10.0 ** draw.span(*_PHOTONS)
    darkness = through.unflatten(1, (2, len(_ENERGIES))) + (beyond * water)[:, None, None]
    light = torch.einsum("apesx,e->pasx", torch.exp(-darkness), torch.tensor(_SHARES))
    light += scatter * light.mean(dim=(1, 3), keepdim=True)
    counts = light * photons
    # What many photons count is all but normal. The noise of the rest is drawn by whoever asks.
    counts[0] += counts[0].sqrt() * draw.normal(*counts.shape[1:])
    # A ray that no photon came through is stored as one photon's.
    darkness = -(counts.clamp(min=1.0) / photons).log()
    known = -np.log(np.exp(-np.outer(_WATER_MM, water.numpy())) @ np.array(_SHARES))
    found = torch.from_numpy(np.interp(darkness.numpy(), known, _WATER_MM)).float()
    return found[0] - found[1]


def _filtered(rays: Tensor, step_mm: float) -> Tensor:
    """Rays (..., size), 1, after the ramp filter with a Hann window, 1/mm."""
    size = rays.shape[-1]
    padded = 2 * size
    frequency = torch.fft.rfftfreq(padded, d=step_mm)
    ramp = frequency * (0.5 + 0.5 * torch.cos(math.pi * frequency / frequency[-1]))
    return torch.fft.irfft(torch.fft.rfft(rays, n=padded) * ramp, n=padded)[..., :size]


def _back_projected(rays: Tensor, angles: list[float], shape: tuple[int, int]) -> Tensor:
    """(slices, Y, X) of the filtered rays (angles, slices, size) over half a turn."""
    size = rays.shape[-1]
    y, x = (torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape)
    sum_ = torch.zeros(rays.shape[1], *shape)
    for row, angle in zip(rays, angles, strict=True):
        across = x[None] * math.cos(angle) + y[:, None] * math.sin(angle)
        grid = torch.stack([2 * across / size, torch.zeros_like(across)], dim=-1)
        sum_ += functional.grid_sample(row[None, :, None], grid[None], align_corners=False)[0]
    return sum_ * (math.pi / len(angles))
