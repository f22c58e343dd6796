"""All teeth of a dentition on one grid: where each lies and what it is made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.decay import break_down, draw_resorbed, draw_share, shorten
from ToothSegLib.synthesis.dental_work import draw_work
from ToothSegLib.synthesis.dentition import Dentition, PlacedTooth
from ToothSegLib.synthesis.placement import InTooth, in_frame, reachable_box
from ToothSegLib.synthesis.shapes import Grid

NEAR_MM = 2.0
"""Beyond this, how far the nearest tooth is is not told."""
# From the end of the enamel to the edge of healthy bone.
_CREST_MM = 1.5
# Thickest enamel by position in the quadrant, mm; about 0.3 mm at the cervix.
_ENAMEL = (1.0, 1.0, 1.3, 1.7, 1.7, 2.2, 2.2, 2.0)

# As of `tooth_tissue`: pulps of the young are wide, and narrow with age.
_PULP_SHARE = (0.62, 0.85)
_PULP_SHARE_SINGLE_ROOTED = (0.7, 0.97)


@dataclass
class TeethMaps:
    """All teeth on the case's grid.

    ``nearest`` holds the signed distance (mm, clipped at +2) to the nearest tooth's surface,
    ``owner`` that tooth's FDI number, ``part`` the tissue inside teeth; ``below_neck`` is where gum
    may be, ``below_crest`` where bone should be, ``sac`` about the crowns of impacted teeth and
    ``lesion`` where an inflamed root has eaten the bone.
    """

    nearest: np.ndarray
    owner: np.ndarray
    part: np.ndarray
    below_neck: np.ndarray
    below_crest: np.ndarray
    sac: np.ndarray
    lesion: np.ndarray


def render_teeth(
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
    crowned: Collection[int] | None = None,
    *,
    much_work: bool = False,
    loss_mm: float = 0.0,
    decay: np.random.Generator | None = None,
) -> TeethMaps:
    """Evaluate every present tooth's form on the grid; where two overlap, the deeper one owns.

    The teeth ``crowned`` bear metal and all others nothing; without it, chance decides, by which
    with ``much_work`` most teeth have something. The bone has gone down by ``loss_mm``. With
    ``decay`` some crowns are broken down and some roots shortened.
    """
    maps = TeethMaps(
        np.full(grid.size, NEAR_MM, np.float32),
        np.zeros(grid.size, np.uint8),
        np.full(grid.size, tissues.DENTINE, np.uint8),
        *(np.zeros(grid.size, bool) for _ in range(4)),
    )
    pulp_share = rng.uniform(*_PULP_SHARE)
    wear = None if decay is None else _Wear(decay)
    for tooth in dentition.teeth:
        if tooth.present:
            _render(tooth, grid, maps, pulp_share, rng, crowned, much_work, loss_mm, wear)
    return maps


class _Wear:
    """What the years have done to the teeth of one patient."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._broken, self._resorbed = draw_share(rng), draw_resorbed(rng)

    def left(self, tooth: InTooth, buried: bool) -> np.ndarray:
        """(k, j, i) mm to the surface of what is left of a tooth; see `break_down`, `shorten`."""
        if self._rng.random() < self._resorbed:
            tooth = replace(tooth, distance=shorten(tooth, self._rng))
        if self._rng.random() < self._broken and not buried:
            return break_down(tooth, self._rng)
        return tooth.distance


def _render(
    tooth: PlacedTooth,
    grid: Grid,
    maps: TeethMaps,
    pulp_share: float,
    rng: np.random.Generator,
    crowned: Collection[int] | None,
    much_work: bool,
    loss_mm: float,
    wear: _Wear | None,
) -> None:
    box = reachable_box(tooth, grid, tooth.form.length)
    m, b, o = in_frame(tooth, grid, box)
    distance = _to_distance(tooth.form.field(m, b, o), grid.step)
    inside = InTooth(distance, m, b, o, tooth.form)
    crown = tooth.form.crown_height
    # The cervical line climbs towards the crown between the teeth.
    cervix = -crown + 0.12 * m**2 / max(tooth.form.width / 8.0, 0.5)
    left = distance if wear is None else wear.left(inside, tooth.buried is not None)
    mine = left < maps.nearest[box]
    maps.nearest[box] = np.where(mine, left, maps.nearest[box])
    maps.owner[box] = np.where(mine, tooth.fdi, maps.owner[box])
    share = pulp_share_of(tooth.fdi, pulp_share)
    part = tooth_tissue(tooth.fdi, crown, distance, cervix, o, share, grid.step)
    if crowned is None or tooth.fdi in crowned:
        metal = crowned is not None
        part = draw_work(part, inside, rng, metal_crown=metal, much=much_work)
    maps.part[box] = np.where(mine, part, maps.part[box])
    if tooth.buried:
        maps.below_crest[box] |= mine
        maps.sac[box] |= mine & (o > cervix)
    else:
        maps.below_neck[box] |= mine & (o < cervix - _CREST_MM)
        maps.below_crest[box] |= mine & (o < cervix - _CREST_MM - loss_mm)


def pulp_share_of(fdi: int, patient: float) -> float:
    """What `tooth_tissue` wants for one tooth, from what the patient's molars have.

    In teeth of one root the middle is a broad ridge and the pulp a thread in it: 12 mm3 of an upper
    incisor's 480, but 68 of a molar's 830 (Fanibunda, J Dent 14, 1986).
    """
    if fdi % 10 > 5:
        return patient
    return float(np.interp(patient, _PULP_SHARE, _PULP_SHARE_SINGLE_ROOTED))


def _to_distance(implicit: np.ndarray, step: float) -> np.ndarray:
    """First-order distance of an implicit function: its value over the length of its gradient."""
    if min(implicit.shape) < 2:
        return implicit
    gradient = np.sqrt(sum(g**2 for g in np.gradient(implicit, step)))
    return np.clip(implicit / np.clip(gradient, 0.4, 2.5), -12.0, NEAR_MM).astype(np.float32)


def tooth_tissue(
    fdi: int,
    crown_height: float,
    distance: np.ndarray,
    cervix: np.ndarray | float,
    o: np.ndarray,
    pulp_share: float,
    step: float,
) -> np.ndarray:
    """Enamel, dentine and pulp of one tooth, and what they would be beyond its surface.

    Args:
        fdi: which tooth.
        crown_height: mm.
        distance: (k, j, i) mm to its surface, negative inside; all of the tooth is in the grid.
        cervix: where on the long axis the enamel ends, mm.
        o: (k, j, i) place on the long axis, mm, towards the cusps.
        pulp_share: how deep a voxel of the pulp lies at least, as a share of the deepest near it.
        step: mm between samples.
    """
    part = np.full(distance.shape, tissues.DENTINE, np.uint8)
    thickest = _ENAMEL[fdi % 10 - 1]
    height = np.clip((o - cervix) / crown_height, 0.0, 1.0)
    part[(o > cervix) & (distance > -(0.3 + (thickest - 0.3) * height))] = tissues.ENAMEL
    # In its depth the first-order distance goes astray: there the form's gradient vanishes.
    depth = ndimage.distance_transform_edt(distance < 0, sampling=step)
    # The pulp follows the middle of crown and roots: deep relative to what lies around.
    reach = max(3, int(round(3.5 / step)) | 1)
    ridge = ndimage.maximum_filter(depth, size=reach)
    chamber = (depth > np.maximum(pulp_share * ridge, 0.45)) & (height < 0.55)
    part[chamber] = tissues.PULP
    return part
