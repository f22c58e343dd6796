"""Metal in the jaws that stands for no tooth: orthodontic screws, and plates that mend bone."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.dentition import Dentition, PlacedTooth
from ToothSegLib.synthesis.shapes import Grid

_SCREWS, _PLATE = 0.06, 0.05  # of the heads
_OFF_TEETH_MM = 0.3


def set_hardware(
    tissue: np.ndarray,
    distance: np.ndarray,
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
) -> None:
    """Put screws between the roots of some patients, and a plate on the jaw of others.

    Args:
        tissue: (k, j, i) codes, changed in place.
        distance: (k, j, i) mm to the nearest tooth's surface; metal keeps off them.
        dentition: whose jaws.
        grid: of the maps.
        rng: the only source of chance.
    """
    chance = rng.random()
    metal = np.zeros(grid.size, bool)
    if chance < _SCREWS:
        for _ in range(int(rng.integers(1, 5))):
            _draw_mini_screw(metal, dentition, grid, rng)
    elif chance < _SCREWS + _PLATE:
        bone = np.isin(tissue, (tissues.TRABECULAR, tissues.CORTICAL))
        _draw_plate(metal, bone, dentition, grid, rng)
    tissue[metal & (distance > _OFF_TEETH_MM)] = tissues.TITANIUM


def _draw_mini_screw(
    metal: np.ndarray, dentition: Dentition, grid: Grid, rng: np.random.Generator
) -> None:
    """One of 1.6 mm between two roots, its head out of the gum."""
    row = dentition.arch(bool(rng.random() < 0.6))
    k = int(rng.integers(len(row) - 1))
    below = rng.uniform(2.0, 7.0)
    pair = [(_beside(tooth, 1.0, below), tooth.slot.frame[:, 1]) for tooth in (row[k], row[k + 1])]
    surface = 0.5 * (pair[0][0] + pair[1][0])
    inwards = -(pair[0][1] + pair[1][1])
    inwards /= np.linalg.norm(inwards)
    tip = surface + rng.uniform(4.0, 8.0) * inwards
    out = surface - rng.uniform(0.5, 2.5) * inwards
    _stick(metal, grid, out, tip, 0.8)
    _stick(metal, grid, out, out - 1.2 * inwards, 1.3)


def _draw_plate(
    metal: np.ndarray,
    bone: np.ndarray,
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
) -> None:
    """A plate of four to six screws along one jaw's outside, below the roots' ends."""
    row = dentition.arch(bool(rng.random() < 0.4))
    count = int(rng.integers(4, 7))
    first = int(rng.integers(0, max(1, len(row) - count)))
    deeper = rng.uniform(0.0, 6.0)
    heads = []
    for tooth in row[first : first + count]:
        inwards = -tooth.slot.frame[:, 1]
        below = tooth.form.length - tooth.form.crown_height + deeper
        head = _on_surface(bone, grid, _beside(tooth, 0.0, below), -inwards)
        _stick(metal, grid, head, head + rng.uniform(4.0, 7.0) * inwards, 1.0)
        heads.append(head)
    for one, other in zip(heads, heads[1:], strict=False):
        _stick(metal, grid, one, other, 1.0)


def _beside(tooth: PlacedTooth, away: float, below: float) -> np.ndarray:
    """LPS mm of a point at the cheek's side of the jaw, ``below`` mm past the tooth's neck."""
    return tooth.to_lps(0.0, 0.5 * tooth.form.width + away, -tooth.form.crown_height - below)


def _on_surface(
    bone: np.ndarray, grid: Grid, start: np.ndarray, outwards: np.ndarray
) -> np.ndarray:
    """The point a millimetre outside of the bone's last sample on the way; the start if none is."""
    way = start + np.arange(-6.0, 12.0, 0.5)[:, None] * outwards
    index = np.round((way - grid.origin) / grid.step).astype(int)
    inside = np.all((index >= 0) & (index < grid.size[::-1]), axis=1)
    i, j, k = np.where(inside, index.T, 0)
    last = np.flatnonzero(inside & bone[k, j, i])
    return np.asarray(way[last[-1]] + outwards) if len(last) else start


def _stick(
    metal: np.ndarray, grid: Grid, start: np.ndarray, end: np.ndarray, radius: float
) -> None:
    """Mark all that lies within ``radius`` mm of the line between two points (LPS mm)."""
    box = grid.box(np.minimum(start, end) - radius, np.maximum(start, end) + radius)
    x, y, z = np.broadcast_arrays(*grid.axes())
    points = np.stack([x[box], y[box], z[box]], axis=-1) - start
    line = end - start
    along = np.clip(points @ line / max(float(line @ line), 1e-6), 0.0, 1.0)
    metal[box] |= np.linalg.norm(points - along[..., None] * line, axis=-1) < radius
