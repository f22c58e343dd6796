"""What dentists leave behind: fillings, crowns, root fillings and implants."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.dentition import Dentition
from ToothSegLib.synthesis.placement import InTooth, in_frame, reachable_box
from ToothSegLib.synthesis.shapes import Grid

_KINDS = ("none", "filling", "crown", "root filling")
_USUAL = (0.86, 0.08, 0.035, 0.025)
_MUCH = (0.3, 0.15, 0.4, 0.15)
_SCREW_TO_ROOT_MM = 0.6
# Of a place that its neighbours have closed.
_NO_ROOM = 0.3


def draw_work(
    part: np.ndarray,
    tooth: InTooth,
    rng: np.random.Generator,
    *,
    metal_crown: bool = False,
    much: bool = False,
) -> np.ndarray:
    """The tissues of one tooth after chance has sent its owner to a dentist, or not.

    Args:
        part: tissue codes inside the tooth.
        tooth: the same samples as the tooth has them.
        rng: the only source of chance.
        metal_crown: not by chance, but this.
        much: most teeth have had something done, and some crowns stand on posts.
    """
    kind = rng.choice(_KINDS, p=_MUCH if much else _USUAL)
    if metal_crown:
        kind = "crown"
    if kind == "none":
        return part
    part = part.copy()
    form, distance = tooth.form, tooth.distance
    stuff = tissues.METAL if metal_crown or rng.random() < 0.5 else tissues.CERAMIC
    if kind == "filling":
        radius = rng.uniform(0.15, 0.4) * form.width
        centre = rng.normal(0.0, 0.15, 2) * form.width
        hole = np.hypot(tooth.mesial - centre[0], tooth.buccal - centre[1]) < radius
        part[hole & (tooth.occlusal > -rng.uniform(2.0, 4.5)) & (distance < 0)] = stuff
        return part
    if kind == "crown":
        crown = tooth.occlusal > -form.crown_height
        part[crown & (distance > -rng.uniform(0.7, 1.5))] = stuff
    if kind == "root filling" or rng.random() < 0.5:
        part[part == tissues.PULP] = tissues.ROOT_FILLING
        if much and kind == "crown":
            _set_post(part, tooth, rng)
    return part


def _set_post(part: np.ndarray, tooth: InTooth, rng: np.random.Generator) -> None:
    """A metal post in the canal, and the core that it holds below the crown."""
    if rng.random() < 0.4:
        return
    neck = -tooth.form.crown_height
    radius, root = rng.uniform(0.5, 0.9), tooth.form.length + neck
    reach = neck - rng.uniform(0.35, 0.7) * root
    canal = (np.hypot(tooth.mesial, tooth.buccal) < radius) & (tooth.occlusal > reach)
    part[canal & (tooth.distance < -0.6)] = tissues.METAL
    if rng.random() < 0.5:
        core = tooth.occlusal > neck + rng.uniform(0.0, 1.5)
        part[core & (tooth.distance < -0.5)] = tissues.METAL


def set_implants(
    tissue: np.ndarray,
    distance: np.ndarray,
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
    rate: float | None = None,
    sunk_mm: Mapping[int, float] | None = None,
) -> None:
    """Put implants, with or without a crown, and the pontics of bridges into some empty places;
    they bear no label.

    Args:
        tissue: (k, j, i) codes, changed in place.
        distance: (k, j, i) mm to the nearest tooth's surface. Crowns and pontics reach up to it, as
            they do in a mouth; screws keep off the roots beside them.
        dentition: whose places.
        grid: of the maps.
        rng: the only source of chance.
        rate: share of the empty places that get one; without it, chance decides on that too.
        sunk_mm: how far the ridge has sunk, by FDI number; screws go as much deeper.
    """
    drawn = float(rng.choice([0.0, 0.15, 0.6], p=[0.55, 0.3, 0.15]))
    rate = drawn if rate is None else rate
    for tooth in dentition.teeth:
        if tooth.present or tooth.fdi % 10 == 8 or rng.random() >= rate:
            continue
        if tooth.closed > _NO_ROOM:
            continue
        crown = tooth.form.crown_height
        length, radius = rng.uniform(8.0, 13.0), rng.uniform(1.6, 2.4)
        ridge = -crown - (sunk_mm or {}).get(tooth.fdi, 0.0)
        box = reachable_box(tooth, grid, length - ridge)
        m, b, o = in_frame(tooth, grid, box)
        taper = 1.0 - 0.25 * np.clip((ridge - o) / length, 0, 1)
        thread = 1.0 + 0.06 * np.sin(o * 2 * np.pi / 0.9)
        free = distance[box] >= 0
        in_bone = distance[box] >= _SCREW_TO_ROOT_MM
        core = np.hypot(m, b)
        screw = (core < radius * taper * thread) & (o < ridge + 1) & (o > ridge - length)
        kind = rng.choice(["screw", "crown", "pontic"], p=[0.35, 0.5, 0.15])
        stuff = tissues.METAL if rng.random() < 0.25 else tissues.CERAMIC
        if kind != "pontic":
            tissue[box][screw & in_bone] = tissues.TITANIUM
        if kind != "screw":
            cap = (tooth.form.field(m, b, o) < 0) & (o > -crown)
            tissue[box][cap & free] = stuff
        if kind == "crown":
            neck = (o > ridge) & (o <= -crown)
            tissue[box][(cap | neck) & (core < 1.5) & free] = tissues.TITANIUM
