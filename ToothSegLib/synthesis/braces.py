"""Brackets with their wires, and the retainers that stay behind them for years."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.dentition import Dentition, PlacedTooth
from ToothSegLib.synthesis.placement import in_frame, reachable_box
from ToothSegLib.synthesis.shapes import Grid

_BRACES, _RETAINER = 0.07, 0.08
_BRACKET_MM = (1.6, 1.5, 1.6)  # half its width, its depth, half its height


def set_braces(
    tissue: np.ndarray,
    distance: np.ndarray,
    dentition: Dentition,
    grid: Grid,
    seed: int,
    wanted: bool | None = None,
) -> None:
    """Put braces on some patients' teeth and retainers behind others'; they bear no label.

    Args:
        tissue: (k, j, i) codes, changed in place.
        distance: (k, j, i) mm to the nearest tooth's surface.
        dentition: whose teeth.
        grid: of the maps.
        seed: of the case; its other draws are left as they are.
        wanted: whether there are braces, instead of chance.
    """
    rng = np.random.default_rng([seed, 2])
    chance = rng.random()
    braces = chance < _BRACES if wanted is None else wanted
    retainer = wanted is None and _BRACES <= chance < _BRACES + _RETAINER
    if not braces and not retainer:
        return
    jaws = [(True, False), (True,), (False,)][int(rng.choice(3, p=[0.6, 0.2, 0.2]))]
    last = int(rng.choice([5, 6, 7])) if braces else 3
    stuff = tissues.CERAMIC if braces and rng.random() < 0.2 else tissues.METAL
    free = distance >= 0
    for upper in jaws:
        row = [t for t in dentition.arch(upper) if t.present and not t.buried]
        teeth = [t for t in row if t.fdi % 10 <= last]
        height = float(rng.uniform(0.35, 0.6))
        side = 1.0 if braces else -1.0
        held = [
            (t, at)
            for t in teeth
            if _whole(t, at := _surface(t, height, side), height, distance, grid)
        ]
        if braces:
            for tooth, at in held:
                _set_bracket(tissue, free, tooth, at, height, stuff, grid)
        away = 1.0 if braces else -0.4
        line = [t.to_lps(0.0, at + away, -height * t.form.crown_height) for t, at in held]
        if len(line) > 1 and rng.random() < 0.9:
            _draw_wire(tissue, free, np.array(line), grid)


def _surface(tooth: PlacedTooth, height: float, side: float) -> float:
    """mm along the buccal axis of the crown's surface in the tooth's middle, on one side."""
    b = side * np.arange(0.0, 9.0, 0.1)
    o = np.full_like(b, -height * tooth.form.crown_height)
    shape = (len(b), 1, 1)
    field = tooth.form.field(np.zeros(shape), b.reshape(shape), o.reshape(shape)).ravel()
    outside = np.flatnonzero(field > 0)
    return float(b[outside[0]]) if len(outside) else float(side * 4.0)


def _whole(tooth: PlacedTooth, at: float, height: float, distance: np.ndarray, grid: Grid) -> bool:
    """Whether the crown is still there, behind where a bracket would be."""
    inside = tooth.to_lps(0.0, 0.5 * at, -height * tooth.form.crown_height)
    index = np.round((inside - grid.origin) / grid.step).astype(int)
    i, j, k = np.clip(index, 0, np.array(grid.size[::-1]) - 1)
    return bool(distance[k, j, i] < 0)


def _set_bracket(
    tissue: np.ndarray,
    free: np.ndarray,
    tooth: PlacedTooth,
    at: float,
    height: float,
    stuff: int,
    grid: Grid,
) -> None:
    box = reachable_box(tooth, grid, tooth.form.crown_height)
    m, b, o = in_frame(tooth, grid, box)
    width, depth, tall = _BRACKET_MM
    bracket = (np.abs(m) < width) & (np.abs(o + height * tooth.form.crown_height) < tall)
    bracket &= (b > at - 1.0) & (b < at + depth)
    tissue[box][bracket & free[box]] = stuff


def _draw_wire(tissue: np.ndarray, free: np.ndarray, line: np.ndarray, grid: Grid) -> None:
    """A wire of about a voxel through the points (LPS mm)."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    along = np.arange(0.0, length[-1], 0.4 * grid.step)
    points = np.stack([np.interp(along, length, line[:, a]) for a in range(3)], axis=1)
    index = np.round((points - grid.origin) / grid.step).astype(int)
    inside = np.all((index >= 0) & (index < grid.size[::-1]), axis=1)
    i, j, k = index[inside].T
    wire = np.zeros_like(free)
    wire[k, j, i] = True
    tissue[wire & free] = tissues.METAL
