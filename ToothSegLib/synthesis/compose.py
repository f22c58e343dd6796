"""From a dentition to a case: jaws are built around the teeth, teeth are set in and worked on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.braces import set_braces
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.crown_statistics import CrownStatistics, draw_forms
from ToothSegLib.synthesis.decay import break_down, draw_share
from ToothSegLib.synthesis.dense_bone import set_dense_bone
from ToothSegLib.synthesis.dental_work import draw_work, set_implants
from ToothSegLib.synthesis.dentition import Dentition, PlacedTooth, draw_dentition
from ToothSegLib.synthesis.detail import BEYOND_MM, copied, make_detail
from ToothSegLib.synthesis.hardware import set_hardware
from ToothSegLib.synthesis.individual import Individual
from ToothSegLib.synthesis.jaws import Grid, Head, build_head
from ToothSegLib.synthesis.lesions import draw_lesions
from ToothSegLib.synthesis.placement import in_frame, reachable_box
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH, type_of

# Room for both jaws with their surroundings, LPS mm about the upper incisors' edge.
_LOW = (-60.0, -18.0, -50.0)
_HIGH = (60.0, 92.0, 44.0)
_NEAR = 2.0
# From the end of the enamel to the edge of healthy bone.
_CREST_MM = 1.5
# Of the dark sac about the crown of a tooth that has not come through.
_SAC_MM = (0.3, 1.8)
# Thickest enamel by position in the quadrant, mm; about 0.3 mm at the cervix.
_ENAMEL = (1.0, 1.0, 1.3, 1.7, 1.7, 2.2, 2.2, 2.0)

# As of `tooth_tissue`: pulps of the young are wide, and narrow with age.
_PULP_SHARE = (0.62, 0.85)
_PULP_SHARE_SINGLE_ROOTED = (0.7, 0.97)


@dataclass(frozen=True)
class Wish:
    """What of a case is not left to chance; None leaves it.

    Attributes:
        absent: FDI numbers of the teeth that are missing, all others being there.
        crowned: FDI numbers of the teeth with metal crowns, all others having no work at all.
        much_work: most teeth have fillings, crowns, posts or filled roots.
        implants: share of the empty places that have one.
        braces: whether there are brackets; an ordinary head has none by chance.
    """

    absent: Collection[int] | None = None
    crowned: Collection[int] | None = None
    implants: float | None = None
    braces: bool | None = None
    much_work: bool = False


def few_teeth(seed: int) -> Wish:
    """Ten teeth missing or more, one time in three all of them; implants in many of the places."""
    rng = np.random.default_rng([seed, 1])
    teeth = (*UPPER_ARCH, *LOWER_ARCH)
    lost = len(teeth) if rng.random() < 1 / 3 else int(rng.integers(10, 24))
    absent = rng.choice(teeth, lost, replace=False).tolist()
    return Wish(absent=tuple(absent), implants=float(rng.uniform(0.3, 0.9)))


MUCH_WORK = Wish(implants=0.5, much_work=True)
"""Few teeth that no dentist has worked on, and implants in half of what places are empty."""


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


def make_case(
    seed: int,
    individuals: Sequence[Individual] = (),
    *,
    crowns: CrownStatistics | None = None,
    spacing_mm: float = 0.5,
    in_place: float = 0.35,
    real_forms: bool = False,
    ordinary: bool = False,
    wish: Wish | None = None,
) -> Case:
    """Draw one head with teeth; the same seed and individuals give the same case.

    Args:
        seed: any integer.
        individuals: meshes to mix in, see `mesh_form.load_individual`.
        crowns: a model to draw one more individual from.
        spacing_mm: of the maps; the head is built on a grid twice as coarse.
        in_place, real_forms, ordinary: as of `draw_dentition`.
        wish: what is not left to chance.
    """
    wish = wish or Wish()
    rng = np.random.default_rng(seed)
    if crowns is not None:
        individuals = (*individuals, Individual("crown model", draw_forms(crowns, rng), {}))
    dentition = draw_dentition(
        rng,
        individuals,
        in_place=in_place,
        real_forms=real_forms,
        ordinary=ordinary,
        absent=wish.absent,
    )
    size = [int(2 * round((h - low) / spacing_mm / 2)) for low, h in zip(_LOW, _HIGH, strict=True)]
    fine = Grid(_LOW, spacing_mm, (size[2], size[1], size[0]))
    # Each coarse sample lies in the middle of the eight fine ones that it is copied to.
    x, y, z = (low + spacing_mm / 2 for low in _LOW)
    coarse = Grid((x, y, z), 2 * spacing_mm, (size[2] // 2, size[1] // 2, size[0] // 2))
    # An ordinary head draws nothing from these, and stays what it was before they came.
    changes = None if ordinary else np.random.default_rng([seed, 4])
    head = build_head(dentition, coarse, rng, changes)
    teeth = render_teeth(
        dentition, fine, rng, wish.crowned, much_work=wish.much_work, loss_mm=head.loss_mm,
        decay=None if wish.crowned is not None else changes,
    )  # fmt: skip
    if not ordinary:
        teeth.lesion = draw_lesions(
            dentition, fine, teeth.nearest, teeth.owner, teeth.part,
            np.random.default_rng([seed, 3]),
        )  # fmt: skip
    tissue, outside = _set_in(head, teeth, fine, rng)
    if changes is not None:
        set_dense_bone((tissue, outside), teeth.nearest, dentition, fine, changes)
    bare = tissue.copy()
    set_implants(tissue, teeth.nearest, dentition, fine, rng, wish.implants)
    prosthesis = tissue != bare
    braces = False if ordinary and wish.braces is None else wish.braces
    set_braces(tissue, teeth.nearest, dentition, fine, seed, braces)
    if changes is not None:
        set_hardware(tissue, teeth.nearest, dentition, fine, changes)
    outside = np.where(tissue == bare, outside, tissue)
    labels = np.where(teeth.nearest < 0, teeth.owner, 0).astype(np.uint8)
    about: dict[str, object] = {
        "seed": seed,
        "individuals": [individual.name for individual in individuals],
        "opening_mm": round(dentition.opening, 2),
    }
    detail = make_detail(outside, teeth.part, teeth.owner, teeth.nearest)
    return Case(
        tissue, labels, spacing_mm, fine.origin, tooth_centres(labels, fine), about, detail,
        prosthesis,
    )  # fmt: skip


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
    ``decay`` some crowns are broken down.
    """
    maps = TeethMaps(
        np.full(grid.size, _NEAR, np.float32),
        np.zeros(grid.size, np.uint8),
        np.full(grid.size, tissues.DENTINE, np.uint8),
        *(np.zeros(grid.size, bool) for _ in range(4)),
    )
    pulp_share = rng.uniform(*_PULP_SHARE)
    broken = 0.0 if decay is None else draw_share(decay)
    for tooth in dentition.teeth:
        if not tooth.present:
            continue
        worn = decay if decay is not None and decay.random() < broken else None
        _render(tooth, grid, maps, pulp_share, rng, crowned, much_work, loss_mm, worn)
    return maps


def _render(
    tooth: PlacedTooth,
    grid: Grid,
    maps: TeethMaps,
    pulp_share: float,
    rng: np.random.Generator,
    crowned: Collection[int] | None,
    much_work: bool,
    loss_mm: float,
    decay: np.random.Generator | None,
) -> None:
    box = reachable_box(tooth, grid, tooth.form.length)
    m, b, o = in_frame(tooth, grid, box)
    distance = _to_distance(tooth.form.field(m, b, o), grid.step)
    crown = tooth.form.crown_height
    # The cervical line climbs towards the crown between the teeth.
    cervix = -crown + 0.12 * m**2 / max(tooth.form.width / 8.0, 0.5)
    left = distance
    if decay is not None and not tooth.buried:
        left = break_down(distance, m, b, o, tooth.form, decay)
    mine = left < maps.nearest[box]
    maps.nearest[box] = np.where(mine, left, maps.nearest[box])
    maps.owner[box] = np.where(mine, tooth.fdi, maps.owner[box])
    share = pulp_share_of(tooth.fdi, pulp_share)
    part = tooth_tissue(tooth.fdi, crown, distance, cervix, o, share, grid.step)
    if crowned is None or tooth.fdi in crowned:
        metal = crowned is not None
        part = draw_work(
            part, distance, m, b, o, tooth.form, rng, metal_crown=metal, much=much_work
        )
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
    return np.clip(implicit / np.clip(gradient, 0.4, 2.5), -12.0, _NEAR).astype(np.float32)


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


def _set_in(
    head: Head, teeth: TeethMaps, grid: Grid, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put the teeth into the head, each with its ligament, lamina dura and bone about its root.

    Returns:
        (k, j, i) tissues, and the same without the teeth and the gaps about their roots.
    """
    outside = copied(head.tissue, 2)
    bone = ndimage.zoom(head.bone, 2, order=1, mode="nearest", grid_mode=True)
    outer = (teeth.nearest > -BEYOND_MM) & (teeth.nearest < _NEAR)
    bone = np.where(teeth.sac, np.minimum(bone, 1.0), bone)  # one lies in the jaw wherever it is
    # Roots are always covered by bone, if only thinly, unless the bone has gone down.
    cover = outer & teeth.below_crest & (teeth.nearest < rng.uniform(0.6, 1.6)) & (bone < 3.0)
    outside[cover & (outside != tissues.TRABECULAR)] = tissues.CORTICAL
    in_bone = outer & ((bone < 0.5) | cover)
    lamina = float(rng.uniform(0.0, 0.9))
    gap = float(rng.uniform(0.1, 0.4))
    outside[in_bone & (teeth.nearest < gap + lamina)] = tissues.CORTICAL
    if teeth.sac.any():
        width = float(rng.uniform(*_SAC_MM))
        about = teeth.sac & outer & (teeth.nearest < width + lamina)
        outside[about] = np.where(teeth.nearest[about] < width, tissues.SOFT, tissues.CORTICAL)
    eaten = (outside == tissues.CORTICAL) | (outside == tissues.TRABECULAR)
    outside[teeth.lesion & eaten] = tissues.SOFT
    ligament = in_bone & (teeth.nearest < gap)
    if rng.random() < 0.7:
        # The gum covers what bone there is and the necks of the teeth.
        gum = outer & ~in_bone & teeth.below_neck & (outside == tissues.AIR)
        near_bone = (bone > -1.0) & (bone < rng.uniform(1.0, 3.0)) & (outside == tissues.AIR)
        outside[gum | near_bone] = tissues.SOFT
    tissue = outside.copy()
    tissue[ligament] = tissues.LIGAMENT
    inside = teeth.nearest < 0
    tissue[inside] = teeth.part[inside]
    return tissue, outside


def tooth_centres(labels: np.ndarray, grid: Grid) -> dict[int, tuple[float, float, float]]:
    """LPS mm of the centre of mass of every tooth in a (k, j, i) map of FDI numbers."""
    present = [int(fdi) for fdi in np.unique(labels) if fdi]
    middles = ndimage.center_of_mass(labels > 0, labels, present)
    return {
        fdi: tuple(float(grid.origin[a] + grid.step * middle[2 - a]) for a in range(3))  # type: ignore[misc]
        for fdi, middle in zip(present, middles, strict=True)
        if type_of(fdi)
    }
