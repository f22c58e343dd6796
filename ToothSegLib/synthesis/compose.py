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
from ToothSegLib.synthesis.dense_bone import set_dense_bone
from ToothSegLib.synthesis.dental_work import set_implants
from ToothSegLib.synthesis.dentition import draw_dentition
from ToothSegLib.synthesis.detail import BEYOND_MM, copied, make_detail
from ToothSegLib.synthesis.hardware import set_hardware
from ToothSegLib.synthesis.individual import Individual
from ToothSegLib.synthesis.jaws import Head, build_head
from ToothSegLib.synthesis.lesions import draw_lesions
from ToothSegLib.synthesis.shapes import Grid
from ToothSegLib.synthesis.tooth_maps import NEAR_MM, TeethMaps, render_teeth
from ToothSegLib.teeth import ALL_FDI_NUMBERS, type_of

# Room for both jaws with their surroundings, LPS mm about the upper incisors' edge.
_LOW = (-60.0, -18.0, -50.0)
_HIGH = (60.0, 92.0, 44.0)
# Of the dark sac about the crown of a tooth that has not come through.
_SAC_MM = (0.3, 1.8)


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
    lost = len(ALL_FDI_NUMBERS) if rng.random() < 1 / 3 else int(rng.integers(10, 24))
    absent = rng.choice(ALL_FDI_NUMBERS, lost, replace=False).tolist()
    return Wish(absent=tuple(absent), implants=float(rng.uniform(0.3, 0.9)))


MUCH_WORK = Wish(implants=0.5, much_work=True)
"""Few teeth that no dentist has worked on, and implants in half of what places are empty."""


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
        dentition,
        fine,
        rng,
        wish.crowned,
        much_work=wish.much_work,
        loss_mm=head.loss_mm,
        decay=None if wish.crowned is not None else changes,
    )
    if not ordinary:
        teeth.lesion = draw_lesions(
            dentition,
            fine,
            teeth.nearest,
            teeth.owner,
            teeth.part,
            np.random.default_rng([seed, 3]),
        )
    tissue, outside = _set_in(head, teeth, rng)
    if changes is not None:
        set_dense_bone((tissue, outside), teeth.nearest, dentition, fine, changes)
    bare = tissue.copy()
    set_implants(tissue, teeth.nearest, dentition, fine, rng, wish.implants, head.sunk_mm)
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
        tissue,
        labels,
        spacing_mm,
        fine.origin,
        tooth_centres(labels, fine),
        about,
        detail,
        prosthesis,
    )


def _set_in(
    head: Head, teeth: TeethMaps, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put the teeth into the head, each with its ligament, lamina dura and bone about its root.

    Returns:
        (k, j, i) tissues, and the same without the teeth and the gaps about their roots.
    """
    outside = copied(head.tissue, 2)
    bone = ndimage.zoom(head.bone, 2, order=1, mode="nearest", grid_mode=True)
    outer = (teeth.nearest > -BEYOND_MM) & (teeth.nearest < NEAR_MM)
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
