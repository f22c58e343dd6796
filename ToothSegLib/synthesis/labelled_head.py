"""A case from a real head of which there is no picture, only a map of bone and teeth.

    python -m ToothSegLib.synthesis.labelled_head LABELS -o DIR [-n COUNT] [--model NAME]

The map is of the kind that DentalSegmentator makes: 1 upper skull, 2 mandible, 3 upper teeth, 4
lower teeth, 5 mandibular canal. Which tooth is which, it does not say: that a bundle finds, in a
picture that is drawn from the map, and every voxel of a tooth then goes to the nearest that was
found. So bone and roots lie as they do in life, the teeth's surfaces are the map's, and enamel,
pulp and soft tissue are made up. The first case has the head's own teeth; in the others some are
missing and some crowned.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib import side_program
from ToothSegLib.cascade import segment
from ToothSegLib.errors import InputError
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case, save_case
from ToothSegLib.synthesis.compose import tooth_centres
from ToothSegLib.synthesis.detail import make_detail
from ToothSegLib.synthesis.shapes import Grid
from ToothSegLib.synthesis.tooth_form import DIMENSIONS
from ToothSegLib.synthesis.tooth_maps import pulp_share_of, tooth_tissue
from ToothSegLib.teeth import type_of
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

_SKULL, _MANDIBLE, _UPPER, _LOWER, _CANAL = 1, 2, 3, 4, 5
_SPACING_MM = 0.5
_AROUND_MM = (40.0, 60.0, 30.0)  # of the teeth that is kept: along z, y, x
_CORTICAL_MM, _SKIN_MM, _LAMINA_MM, _GAP_MM = 1.3, 9.0, 0.6, 0.2
_CHEEKS_MM, _FLOOR_MM, _LINING_MM = 20.0, 4.0, 1.0
_WIDE, _NEAR_BONE = 20, 10  # voxels
_IN_PLANE = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)
_INNER = slice(_WIDE, -_WIDE)
_SMOOTH = 0.6  # voxels
_CROWNED = 0.04


def head_case(
    labels: Volume, numbers: NDArray[np.integer], name: str, rng: np.random.Generator | None = None
) -> Case:
    """The case of a labelled head.

    Args:
        labels: (k, j, i) the map, on a grid along LPS with cubes of half a millimetre.
        numbers: (k, j, i) FDI numbers found in it; teeth it has none for go to the nearest.
        name: of the head.
        rng: takes some of its teeth away and crowns others.

    Raises:
        InputError: there are no teeth in the map, or none was found.
    """
    teeth = _teeth(labels.array)
    found = np.where(teeth, numbers, 0)
    if not found.any():
        raise InputError(f"no tooth was found in {name}")
    owner = _nearest(found)
    outside = _surroundings(labels.array)
    if rng is not None:
        everyone = np.unique(found[found > 0])
        teeth &= ~np.isin(
            owner, rng.choice(everyone, int(rng.integers(len(everyone) // 3 + 1)), replace=False)
        )
        owner = _nearest(np.where(teeth, owner, 0))
    inner, outer = (ndimage.distance_transform_edt(mask) for mask in (teeth, ~teeth))
    distance = ndimage.gaussian_filter((outer - inner) * _SPACING_MM, _SMOOTH).astype(np.float32)
    outside[_is_bone(outside) & (distance < _GAP_MM + _LAMINA_MM)] = tissues.CORTICAL
    part = _parts(owner, distance, rng)
    tissue = outside.copy()
    tissue[_is_bone(outside) & (distance < _GAP_MM)] = tissues.LIGAMENT
    tissue[distance < 0] = part[distance < 0]
    final = np.where(distance < 0, owner, 0).astype(np.uint8)
    shape = (final.shape[0], final.shape[1], final.shape[2])
    centres = tooth_centres(final, Grid(labels.origin, _SPACING_MM, shape))
    detail = make_detail(outside, part, owner, distance)
    about: dict[str, object] = {"seed": None, "individuals": [name]}
    nowhere = np.zeros(final.shape, bool)
    return Case(tissue, final, _SPACING_MM, labels.origin, centres, about, detail, nowhere)


def plain_picture(labels: Volume) -> Volume:
    """What a quiet scanner would show of the map, for a bundle to number its teeth in."""
    grey = np.array([tissues.ATTENUATION[code] for code in range(tissues.COUNT)], np.float32)
    image = grey[_surroundings(labels.array)]
    image[_teeth(labels.array)] = grey[tissues.DENTINE] * 1.25
    return labels.with_array((1000 * ndimage.gaussian_filter(image, 0.7)).astype(np.int16))


def around_the_teeth(labels: Volume) -> Volume:
    """The part of the map that a dental scanner would show, on the grid of a case.

    Raises:
        InputError: there are no teeth in it.
    """
    teeth = np.argwhere(_teeth(labels.array))
    if not len(teeth):
        raise InputError("no teeth in the map: upper ones are labelled 3, lower ones 4")
    if not np.allclose(labels.spacing, _SPACING_MM) or not np.allclose(labels.direction, np.eye(3)):
        raise InputError(
            f"the map's voxels are {labels.spacing} mm; resample it to {_SPACING_MM} mm along LPS, "
            "by nearest neighbour"
        )
    room = np.array(_AROUND_MM) / _SPACING_MM
    low = np.maximum(teeth.min(0) - room, 0).astype(int)
    high = np.minimum(teeth.max(0) + room + 1, labels.shape).astype(int)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return labels.part((k, j, i))


def _teeth(codes: NDArray[np.integer]) -> NDArray[np.bool_]:
    return np.asarray((codes == _UPPER) | (codes == _LOWER))


def _nearest(numbers: NDArray[np.integer]) -> NDArray[np.uint8]:
    index = ndimage.distance_transform_edt(
        numbers == 0, return_distances=False, return_indices=True
    )
    return numbers[tuple(index)].astype(np.uint8)


def _is_bone(tissue: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (tissue == tissues.TRABECULAR) | (tissue == tissues.CORTICAL)


def _surroundings(codes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Bone, soft tissue and air; where a tooth is, what lies nearest to it."""
    teeth = _teeth(codes)
    lower = (codes == _MANDIBLE) | (codes == _LOWER) | (codes == _CANAL)
    marrow = np.zeros(codes.shape, bool)
    for k in np.flatnonzero(lower.any(axis=(1, 2))):
        # The map leaves marrow out, which the outline of mandible and roots closes in.
        marrow[k] = ndimage.binary_fill_holes(ndimage.binary_closing(lower[k], iterations=2))
    # What lies between crowns, away from bone, is none.
    near = ndimage.binary_dilation(codes == _MANDIBLE, _IN_PLANE, iterations=_NEAR_BONE)
    marrow &= near & (codes == 0)
    body = (codes > 0) | marrow
    away = ndimage.distance_transform_edt(~body, sampling=_SPACING_MM)
    tissue = np.where(_closed(away < _SKIN_MM, _CHEEKS_MM), tissues.SOFT, tissues.AIR)
    top = int(np.argwhere(codes == _UPPER)[:, 0].max(initial=len(codes) // 2))
    for level in range(max(0, top - int(_FLOOR_MM / _SPACING_MM)), len(codes)):
        # Sinuses and nose: what the skull closes in above the teeth.
        skull = codes[level] == _SKULL
        wide = ndimage.binary_closing(np.pad(skull, _WIDE), iterations=_WIDE)[_INNER, _INNER]
        air = ndimage.binary_fill_holes(wide) & (away[level] > _LINING_MM)
        tissue[level][air] = tissues.AIR
    depth = ndimage.distance_transform_edt(body, sampling=_SPACING_MM)
    tissue[body] = np.where(depth > _CORTICAL_MM, tissues.TRABECULAR, tissues.CORTICAL)[body]
    tissue[marrow] = tissues.TRABECULAR
    tissue[codes == _CANAL] = tissues.SOFT
    index = ndimage.distance_transform_edt(teeth, return_distances=False, return_indices=True)
    return tissue[tuple(index)].astype(np.uint8)


def _closed(mask: NDArray[np.bool_], radius_mm: float) -> NDArray[np.bool_]:
    """The mask closed by a ball, beyond the grid as well."""
    room = int(np.ceil(radius_mm / _SPACING_MM))
    wide = np.pad(mask, ((0, 0), (room, room), (room, room)))
    grown = ndimage.distance_transform_edt(~wide, sampling=_SPACING_MM) < radius_mm
    back = ndimage.distance_transform_edt(grown, sampling=_SPACING_MM) > radius_mm
    return np.asarray(back[:, room:-room, room:-room]) | mask


def _parts(
    owner: NDArray[np.uint8], distance: NDArray[np.float32], rng: np.random.Generator | None
) -> NDArray[np.uint8]:
    """Enamel, dentine and pulp of every tooth, a little past its surface."""
    parts = np.full(owner.shape, tissues.DENTINE, np.uint8)
    near = np.where(distance < 1.5, owner, 0)
    for fdi, box in enumerate(ndimage.find_objects(near), 1):
        if box is None:
            continue
        mine = near[box] == fdi
        only = np.where(mine, distance[box], 2.0)
        points = np.stack(np.meshgrid(*(np.arange(n) for n in mine.shape), indexing="ij"), -1)
        points = points[..., ::-1] * _SPACING_MM
        inside = points[mine & (only < 0)]
        if len(inside) < 50:
            continue
        middle = inside.mean(0)
        axis = np.linalg.svd(inside - middle, full_matrices=False)[2][0]
        upright = np.array([0.0, 0.0, -1.0 if fdi < 30 else 1.0])
        # The long axis of a molar's voxels need not be its own.
        axis = axis if abs(axis @ upright) > 0.8 else upright
        along = (points - middle) @ (axis * np.sign(axis @ upright))
        o = along - np.percentile(along[mine & (only < 0)], 99.5)
        crown, root, *_ = DIMENSIONS[type_of(fdi)]
        height = -float(o[mine & (only < 0)].min()) * crown / (crown + root)
        share = pulp_share_of(fdi, 0.72)
        tissue = tooth_tissue(fdi, height, only, -height, o, share, _SPACING_MM)
        if rng is not None and rng.random() < _CROWNED:
            stuff = tissues.METAL if rng.random() < 0.5 else tissues.CERAMIC
            tissue[(o > -height) & (only > -rng.uniform(0.7, 1.5))] = stuff
        parts[box][mine] = tissue[mine]
    return parts


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = side_program.parser(
        "ToothSegLib.synthesis.labelled_head", "Make a case of a labelled head."
    )
    parser.add_argument("labels", type=Path, metavar="LABELS", help="label map of bone and teeth")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the cases"
    )
    parser.add_argument("-n", "--count", type=int, default=1, help="how many cases (default 1)")
    side_program.add_model(parser)
    args = parser.parse_args(arguments)
    labels = around_the_teeth(read_volume(args.labels))
    numbers = segment(plain_picture(labels), bundle=args.model).labels.array
    args.output.mkdir(parents=True, exist_ok=True)
    name = args.labels.name.split(".")[0]
    for n in range(args.count):
        rng = np.random.default_rng(n) if n else None
        case = head_case(labels, numbers, name, rng)
        save_case(args.output / f"{name}-{n:02d}.npz", case)
        print(f"{n}: {len(case.centres)} teeth: {sorted(case.centres)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
