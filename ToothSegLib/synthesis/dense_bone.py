"""Bone as dense as a tooth: islands, bone thickened about sick roots, and lumps on the jaws."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.dentition import Dentition, PlacedTooth
from ToothSegLib.synthesis.shapes import Grid, ellipsoid

# About every twentieth adult has an island; here they teach what is no tooth, and come oftener.
_ISLANDS = 0.8  # of a head, on average
_DENTINE_LIKE = 0.3  # of them
_THICKENED = 0.015  # of the teeth
_LUMPS = 0.15  # of the heads
_OFF_TEETH_MM = 0.4


def set_dense_bone(
    maps: Iterable[np.ndarray],
    nearest: np.ndarray,
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
) -> None:
    """Put dense bone into a head.

    Args:
        maps: (k, j, i) tissues, changed in place: islands where there is trabecular bone, lumps
            where there is soft tissue or air.
        nearest: (k, j, i) mm to the nearest tooth's surface.
        dentition: whose places islands and lumps keep to.
        grid: of the maps.
        rng: the only source of chance.
    """
    maps = tuple(maps)
    free = nearest > _OFF_TEETH_MM
    for _ in range(int(rng.poisson(_ISLANDS))):
        tooth = _pick(dentition, rng)
        deep = tooth.form.length * rng.uniform(0.5, 1.3)
        centre = tooth.to_lps(rng.normal(0.0, 4.0), rng.normal(0.0, 2.0), -deep)
        stuff = tissues.CORTICAL
        largest = 6.0
        if rng.random() < _DENTINE_LIKE:
            stuff, largest = tissues.DENTINE, 3.0
        _fill(maps, free, grid, centre, rng.uniform(1.0, largest, 3), stuff, inside_bone=True)
    for tooth in dentition.teeth:
        if tooth.present and rng.random() < _THICKENED:
            apex = tooth.place.origin - tooth.form.length * tooth.place.frame[:, 2]
            size = np.full(3, rng.uniform(3.0, 7.0))
            _fill(maps, free, grid, apex, size, tissues.CORTICAL, inside_bone=True)
    if rng.random() < _LUMPS:
        _set_lumps(maps, free, dentition, grid, rng)


def _set_lumps(
    maps: tuple[np.ndarray, ...],
    free: np.ndarray,
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
) -> None:
    """Tori at the tongue's side of the lower jaw, or lumps at the cheeks' side of either."""
    side = -1.0 if rng.random() < 0.7 else 1.0
    upper = side > 0 and rng.random() < 0.5
    for tooth in dentition.arch(upper):
        if tooth.fdi % 10 not in (3, 4, 5, 6) or rng.random() < 0.4:
            continue
        away = side * (0.5 * tooth.form.width + rng.uniform(0.0, 2.5))
        below = tooth.form.crown_height + rng.uniform(4.0, 10.0)
        centre = tooth.to_lps(rng.normal(0.0, 1.0), away, -below)
        _fill(
            maps, free, grid, centre, rng.uniform(2.0, 5.0, 3), tissues.CORTICAL, inside_bone=False
        )


def _pick(dentition: Dentition, rng: np.random.Generator) -> PlacedTooth:
    return dentition.teeth[int(rng.integers(len(dentition.teeth)))]


def _fill(
    maps: tuple[np.ndarray, ...],
    free: np.ndarray,
    grid: Grid,
    centre: np.ndarray,
    radii: np.ndarray,
    stuff: int,
    *,
    inside_bone: bool,
) -> None:
    """Fill an ellipsoid, its half axes (mm) along the grid's, where the matter is of one kind."""
    box = grid.box(centre - radii, centre + radii)
    x, y, z = grid.axes()
    away = x[..., box[2]] - centre[0], y[:, box[1]] - centre[1], z[box[0]] - centre[2]
    wanted = (ellipsoid(*away, radii) < 0) & free[box]
    for tissue in maps:
        part = tissue[box]
        bone = part == tissues.TRABECULAR
        here = bone if inside_bone else ~bone & (part != tissues.CORTICAL)
        part[wanted & here] = stuff
