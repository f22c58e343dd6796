"""Where the surfaces of the teeth lie between a case's voxels.

A case's voxels are half a millimetre wide, and the gap about a root a fifth of one. So a case also
keeps how far each voxel near a tooth is from its surface, and what lies on either side of it: a
picture then mixes the grey values by the share of a voxel that each fills, as a scanner does, and
answers are right to a fraction of a voxel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case, Detail

STEP_MM = 0.02
_REACH_MM = 0.9  # of the distances that are kept, either way
BEYOND_MM = 0.9  # of a tooth's tissues past its surface, and of what lies about it within
# About a root, when nothing says how wide it is; mm.
_GAP_MM = 0.2


def make_detail(
    outside: NDArray[np.uint8],
    inside: NDArray[np.uint8],
    owner: NDArray[np.uint8],
    distance: NDArray[np.floating],
) -> Detail:
    """What is worth keeping of a case's teeth.

    Args:
        outside: (k, j, i) tissues as if teeth ended a little inside their surface.
        inside: (k, j, i) tissues as if teeth went on a little past it.
        owner: (k, j, i) FDI number of the nearest tooth.
        distance: (k, j, i) mm to the nearest tooth's surface, negative inside.
    """
    near = distance < BEYOND_MM
    steps = np.clip(distance, -_REACH_MM, _REACH_MM) / STEP_MM
    return Detail(
        outside=np.where(distance > -BEYOND_MM, outside, tissues.AIR).astype(np.uint8),
        inside=np.where(near, inside, 0).astype(np.uint8),
        owner=np.where(near, owner, 0).astype(np.uint8),
        surface=np.round(steps).astype(np.int8),
    )


def refined(case: Case, factor: int, gap_mm: float = _GAP_MM) -> Case:
    """The case with voxels ``factor`` times as fine.

    The teeth's surfaces and the gaps about their roots become as much finer; all else is copied.

    Raises:
        ValueError: the case has no detail.
    """
    if case.detail is None:
        raise ValueError("the case has no detail; make it with make_case")
    detail = case.detail
    outside, inside, owner = (
        copied(a, factor) for a in (detail.outside, detail.inside, detail.owner)
    )
    distance = (
        STEP_MM
        * functional.interpolate(
            torch.from_numpy(detail.surface)[None, None].float(),
            scale_factor=factor,
            mode="trilinear",
        )[0, 0].numpy()
    )
    tissue = outside
    bone = (tissue == tissues.TRABECULAR) | (tissue == tissues.CORTICAL)
    tissue[bone & (distance < gap_mm)] = tissues.LIGAMENT
    teeth = distance < 0
    tissue[teeth] = inside[teeth]
    step = case.spacing_mm / factor
    first = [x - (case.spacing_mm - step) / 2 for x in case.origin]
    return Case(
        tissue=tissue,
        labels=np.where(teeth, owner, 0).astype(np.uint8),
        spacing_mm=step,
        origin=(first[0], first[1], first[2]),
        centres=case.centres,
        about=case.about,
        prosthesis=None if case.prosthesis is None else copied(case.prosthesis, factor),
    )


def copied(array: NDArray[Any], factor: int) -> NDArray[Any]:
    """A (k, j, i) map on a grid ``factor`` times as fine, each voxel in the place of its own."""
    for axis in range(3):
        array = np.repeat(array, factor, axis)
    return array
