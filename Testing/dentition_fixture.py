"""Simulated dentitions: regions for the numbering, and small maps for the instances.

The arches are catenaries along which teeth stand by their published widths (Wheeler's Dental
Anatomy); nothing here is taken from the template that the numbering uses.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ToothSegLib.arches.regions import Region
from ToothSegLib.instances import separate_teeth
from ToothSegLib.maps import Maps
from ToothSegLib.teeth import type_of

UPPER_WIDTHS = (8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 9.0, 8.5)
LOWER_WIDTHS = (5.0, 5.5, 7.0, 7.0, 7.0, 11.0, 10.5, 10.0)
UPPER_VOLUMES = (470, 350, 560, 440, 400, 850, 760, 600)
LOWER_VOLUMES = (215, 265, 470, 370, 390, 920, 820, 700)
ALL_28 = tuple(10 * quadrant + place for quadrant in (1, 2, 3, 4) for place in range(1, 8))
ALL_32 = tuple(10 * quadrant + place for quadrant in (1, 2, 3, 4) for place in range(1, 9))


def separated(maps: Maps) -> tuple[np.ndarray, list[Region]]:
    """The instance map and its regions, of what the cascade calls."""
    found = separate_teeth(maps)
    return found.labels, found.regions


def arch_places(
    rng: np.random.Generator, upper: bool, present: set[int], close_gaps: bool, scale: float
) -> dict[int, np.ndarray]:
    """Centres of the ``present`` teeth of an arch, upright head, mm; quadrants of one jaw."""
    widths = UPPER_WIDTHS if upper else LOWER_WIDTHS
    half_width = rng.uniform(27, 33) - (0 if upper else 1)
    depth, sharpness = rng.uniform(36, 44), rng.uniform(1.8, 2.8)
    x = np.linspace(0, 1.4, 400)
    y = (np.cosh(sharpness * x) - 1) / (np.cosh(sharpness) - 1)
    curve = np.stack([half_width * x, depth * y], axis=1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    places = {}
    for quadrant in (1, 2) if upper else (4, 3):
        side = 1.0 if quadrant in (2, 3) else -1.0
        at = 0.0
        for position, width in enumerate(widths, start=1):
            fdi = 10 * quadrant + position
            width *= rng.normal(1, 0.06)
            if fdi not in present and close_gaps:
                continue
            along = at + width / 2
            at += width
            point = np.array([np.interp(along, length, curve[:, axis]) for axis in range(2)])
            # A root leans inwards: the tooth's centre lies behind and inside its crown's.
            lean = 3.0 if upper and position <= 3 else 1.5
            point -= lean * np.array([point[0] / 30, -1 + along / 50])
            height = (8.0 if upper else -8.5) + 0.0015 * (along - 25) ** 2
            place = np.array([side * point[0], point[1], height]) * scale
            if fdi in present:
                places[fdi] = place + rng.normal(0, 0.8, 3)
    return places


def blurred_type(rng: np.random.Generator, fdi: int, confusion: float) -> np.ndarray:
    """(17,) mean type probabilities of a tooth that the network half takes for its neighbours."""
    own = type_of(fdi)
    start = 1 if own <= 8 else 9
    chances = np.zeros(17)
    for step, share in ((-1, rng.uniform(0, confusion)), (1, rng.uniform(0, confusion))):
        chances[int(np.clip(own + step, start, start + 7))] += share
    other_jaw = own + 8 if own <= 8 else own - 8
    chances[other_jaw] += rng.uniform(0, 0.1)
    chances[own] += max(1 - chances.sum(), 0.05)
    chances += 0.01
    return chances / chances.sum()


def simulated_regions(
    rng: np.random.Generator,
    teeth: tuple[int, ...] = ALL_28,
    *,
    confusion: float = 0.3,
    tilt_deg: float = 30.0,
    close_gaps: bool = False,
    mouth_opening_mm: float = 0.0,
    swaps: int = 0,
) -> tuple[list[Region], dict[int, int]]:
    """Regions of ``teeth`` in a head turned at random, and label -> true FDI number.

    Args:
        confusion: highest share of a tooth's type that goes to each neighbour's.
        tilt_deg: the head is turned by up to this angle about any axis.
        close_gaps: neighbours of a missing tooth have moved together.
        mouth_opening_mm: how far the lower jaw hangs, at the incisors.
        swaps: how many pairs of neighbours look like each other.
    """
    scale = rng.normal(1, 0.05)
    present = set(teeth)
    lower = arch_places(rng, False, present, close_gaps, scale)
    hinge = np.array([0.0, 85.0, 20.0])
    opening = Rotation.from_rotvec([mouth_opening_mm / 90, 0, 0]).as_matrix()
    shift = np.array([rng.normal(0, 1), rng.normal(1.5, 1), 0])
    lower = {fdi: opening @ (point - hinge) + hinge + shift for fdi, point in lower.items()}
    places = arch_places(rng, True, present, close_gaps, scale) | lower
    axis = rng.normal(size=3)
    angle = np.deg2rad(rng.uniform(0, tilt_deg))
    turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix()
    move = rng.uniform(-200, 200, 3)
    looks = {fdi: blurred_type(rng, fdi, confusion) for fdi in places}
    for _ in range(swaps):
        one = int(rng.choice([fdi for fdi in places if fdi + 1 in places]))
        looks[one], looks[one + 1] = looks[one + 1], looks[one]
    regions, truth = [], {}
    for label, fdi in enumerate(rng.permutation(sorted(places)), start=1):
        fdi = int(fdi)
        volumes = UPPER_VOLUMES if fdi < 30 else LOWER_VOLUMES
        volume = volumes[fdi % 10 - 1] * scale**3 * rng.lognormal(0, 0.15)
        centroid = turn @ places[fdi] + move
        regions.append(a_region(label, centroid, volume, looks[fdi], turn[:, 2]))
        truth[label] = fdi
    return regions, truth


def a_region(
    label: int,
    centroid: np.ndarray,
    volume_mm3: float,
    types: np.ndarray,
    axis: np.ndarray | None = None,
) -> Region:
    """A region as the instance stage would hand it over, on a 0.5 mm grid."""
    return Region(
        label=label,
        voxels=round(volume_mm3 * 8),
        volume_mm3=float(volume_mm3),
        centroid=np.asarray(centroid, float),
        axis=np.array([0.0, 0.0, 1.0]) if axis is None else axis,
        type_probabilities=types,
        confidence=0.95,
    )


def label_map(
    places: dict[int, np.ndarray], spacing_mm: float = 0.5, size: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """(Z, Y, X) uint8 FDI labels of teeth centred at ``places`` (mm), and the grid's origin.

    A tooth is an ellipsoid as wide as Wheeler has it, with a crown that bulges and touches its
    neighbours; where two would overlap, the nearer centre has the voxel.
    """
    points = np.array(list(places.values()))
    origin = points.min(axis=0) - 15
    shape = np.ceil((points.max(axis=0) + 15 - origin) / spacing_mm).astype(int)[::-1]
    labels, nearest = np.zeros(shape, np.uint8), np.full(shape, 1.0)
    for fdi, place in places.items():
        width = (UPPER_WIDTHS if fdi < 30 else LOWER_WIDTHS)[fdi % 10 - 1] * size
        low = np.floor((place - 13 - origin) / spacing_mm).astype(int)
        box = tuple(slice(max(a, 0), a + round(26 / spacing_mm)) for a in low[::-1])
        at = np.indices(labels[box].shape).reshape(3, -1).T + [part.start for part in box]
        x, y, z = (at[:, ::-1] * spacing_mm + origin - place).T
        rootward = z if fdi < 30 else -z
        half = width / 2 * (1.02 - 0.35 * np.clip((rootward + 5) / 15, 0, 1))
        depth = max(width, 6.5) / 2
        far = (x / half) ** 2 + (y / depth) ** 2 + (z / 10.5) ** 2
        far = far.reshape(labels[box].shape)
        better = far < nearest[box]
        labels[box][better] = fdi
        nearest[box][better] = far[better]
    return labels, origin


def maps_of(
    labels: np.ndarray,
    spacing_mm: float,
    origin: np.ndarray,
    rng: np.random.Generator,
    *,
    offset_noise_mm: float = 0.7,
    blur_mm: float = 0.7,
    with_offsets: bool = True,
) -> Maps:
    """What a good but blurred network would say of an FDI label map.

    Everything is blurred across the borders of teeth, as networks do; offsets and types also
    err smoothly, over some millimetres.
    """
    blur = blur_mm / spacing_mm
    shape = labels.shape

    def wavy(scale: float) -> np.ndarray:
        noise = ndimage.gaussian_filter(rng.normal(size=shape), 3 / spacing_mm)
        return scale * noise / max(float(noise.std()), 1e-9)

    mask = labels > 0
    tooth = ndimage.gaussian_filter(mask.astype(np.float32), blur)
    types = np.zeros((17, *shape), np.float32)
    offsets = np.zeros((3, *shape), np.float32)
    for fdi, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        own = labels[box] == fdi
        types[type_of(fdi)][box] += own
        at = np.argwhere(own)
        away = (at.mean(axis=0) - at) * spacing_mm
        for axis in range(3):
            offsets[axis][box][own] = away[:, 2 - axis]
    for channel in range(1, 17):
        if types[channel].any():
            types[channel] = ndimage.gaussian_filter(types[channel], blur)
    types[1:] += 0.02
    types[0] = np.clip(1 - types[1:].sum(axis=0), 0.01, None)
    types /= types.sum(axis=0)
    for axis in range(3):
        offsets[axis] = ndimage.gaussian_filter(offsets[axis], blur) / np.maximum(tooth, 0.3)
        offsets[axis] += wavy(offset_noise_mm)
    return Maps(
        tooth=tooth,
        types=types.astype(np.float16),
        offsets=offsets.astype(np.float16) if with_offsets else None,
        spacing_mm=spacing_mm,
        origin=tuple(float(value) for value in origin),
    )
