"""Jaws and head around a dentition: bone, air and soft tissue, from a few swept profiles.

Everything is a signed distance (mm, negative inside) on a coarse grid (about 1 mm), shaped by the
arch lines of the dentition, so that bone always follows the teeth. The head is rough on purpose:
it only has to hold whatever a network must learn *not* to take for a tooth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.dentition import Dentition, PlacedTooth
from ToothSegLib.synthesis.shapes import (
    Grid,
    ellipsoid,
    extend,
    from_line,
    slab,
    smooth_noise,
)

# Bone that bears no tooth goes away, as much as half of it in years.
_SUNK, _SUNK_MM = 0.6, 9.0


@dataclass(frozen=True)
class Head:
    """Tissues without teeth, how deep in the jaw bone each sample lies, how much of the bone about
    the teeth's necks is lost, and by FDI number how far the ridge has sunk in empty places."""

    tissue: np.ndarray  # (k, j, i) uint8
    bone: np.ndarray  # (k, j, i) float32, signed distance to the jaws' outer surface, mm
    loss_mm: float
    sunk_mm: Mapping[int, float]


def build_head(
    dentition: Dentition,
    grid: Grid,
    rng: np.random.Generator,
    changes: np.random.Generator | None = None,
) -> Head:
    """Tissue map of a head for the dentition, teeth not yet set in.

    With ``changes`` the ridges of some patients have sunk where teeth are missing.
    """
    sunk = {} if changes is None else _draw_sunk(dentition, changes)
    x, y, z = grid.axes()
    texture = smooth_noise(grid, rng, 9.0)
    tissue, skin = _soft_tissues(dentition, x, y, z, texture, rng)
    loss = float(rng.choice([rng.uniform(0, 1.5), rng.uniform(1.5, 6.0)], p=[0.75, 0.25]))
    mandible = _mandible(dentition, x, y, z, loss, sunk, rng)
    maxilla, cavities = _maxilla(dentition, x, y, z, loss, sunk, rng)
    bone = np.minimum(mandible, maxilla) + 0.7 * texture
    shell = rng.uniform(0.8, 2.4)
    tissue[cavities < 0] = tissues.AIR
    wall = (np.abs(cavities - 0.6) < 0.75) & (z > -2)
    tissue[wall & (texture > -0.6)] = tissues.CORTICAL
    other = _other_bones(x, y, z, rng) + 0.8 * texture
    tissue[(other < 0) & (skin < -3)] = tissues.CORTICAL
    tissue[(other < -shell) & (skin < -3)] = tissues.TRABECULAR
    solid = (bone < 0) & ~(cavities < 0)
    tissue[solid] = tissues.CORTICAL
    tissue[solid & (bone < -shell) & (cavities > shell)] = tissues.TRABECULAR
    canal = _canal(dentition, x, y, z, rng)
    tissue[(canal < 0) & (bone < -1)] = tissues.SOFT
    bone = np.where(cavities < 0, np.maximum(bone, 1.0), bone).astype(np.float32)
    return Head(tissue, bone, loss, sunk)


def _draw_sunk(dentition: Dentition, rng: np.random.Generator) -> dict[int, float]:
    """How far the ridge has sunk in the places of missing teeth, mm by FDI number."""
    if rng.random() >= _SUNK:
        return {}
    most = rng.uniform(1.0, _SUNK_MM)
    gone = [t.fdi for t in dentition.teeth if not t.present and t.fdi % 10 != 8]
    return {fdi: float(most * rng.uniform(0.6, 1.0)) for fdi in gone}


def _arch_line(teeth: list[PlacedTooth], below: float, sunk: Mapping[int, float]) -> np.ndarray:
    """Points (x, y, crest z, how far it has sunk) under the crowns, ``below`` mm along each tooth
    past its cervix."""
    points = [tooth.to_lps(0.0, 0.0, -tooth.form.crown_height - below) for tooth in teeth]
    crest = [tooth.to_lps(0.0, 0.0, -tooth.form.crown_height)[2] for tooth in teeth]
    line = np.array([[p[0], p[1], c] for p, c in zip(points, crest, strict=True)])
    lost = np.array([sunk.get(tooth.fdi, 0.0) for tooth in teeth])
    smooth = [ndimage.gaussian_filter1d(line[:, a], 1.2, mode="nearest") for a in range(3)]
    return np.stack([*smooth, ndimage.gaussian_filter1d(lost, 0.6, mode="constant")], axis=1)


def _mandible(
    dentition: Dentition,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    loss: float,
    sunk: Mapping[int, float],
    rng: np.random.Generator,
) -> np.ndarray:
    teeth = dentition.arch(upper=False)
    line = extend(_arch_line(teeth, 9.0, sunk), 45.0, rng.uniform(0.15, 0.4))
    end = max(teeth[0].slot.origin[1], teeth[-1].slot.origin[1])
    distance, crest, along, lost = from_line(line, x, y)
    crest = crest - 1.0 - loss
    height = rng.uniform(24.0, 33.0)
    alveolar = rng.uniform(3.0, 4.8)
    basal = alveolar + rng.uniform(1.5, 3.5)
    depth = np.clip((crest - z) / 12.0, 0.0, 1.0)
    behind = np.clip((along - end - 4.0) / 8.0, 0.0, 1.0)
    top = crest - lost + behind * rng.uniform(35.0, 50.0)
    half = (alveolar + (basal - alveolar) * depth) * (1.0 - 0.3 * behind)
    return slab(distance, half, z, crest - height + 6.0 * behind, top)


def _maxilla(
    dentition: Dentition,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    loss: float,
    sunk: Mapping[int, float],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance of the upper jaw, and of the air cavities within and above it."""
    teeth = dentition.arch(upper=True)
    line = extend(_arch_line(teeth, 6.0, sunk), rng.uniform(7.0, 12.0), 0.05)
    distance, crest, _, lost = from_line(line, x, y)
    crest = crest + 1.0 + loss
    height = rng.uniform(14.0, 21.0)
    rise = np.clip((z - crest) / 10.0, 0.0, 1.0)
    ridge = slab(
        distance,
        rng.uniform(3.2, 4.8) + rng.uniform(0.5, 3.0) * rise,
        z,
        crest + lost,
        crest + height,
    )
    # The palate closes the arch at the top of a vault.
    width = np.ptp(line[:, 0]) / 2
    middle = float(np.median(crest))
    back, front = line[:, 1].max() - 4.0, line[:, 1].min()
    vault = middle + rng.uniform(9.0, 15.0) - 5.0 * (x / width) ** 2
    inside = np.maximum(np.abs(x) - width, np.maximum(y - back, front - y + np.abs(x) * 0.4))
    palate = np.maximum(np.abs(z - vault) - rng.uniform(1.2, 2.4), inside)
    lateral = rng.uniform(20.0, 27.0)
    floor = middle + rng.uniform(6.0, 13.0)
    size = np.array([rng.uniform(9, 14), rng.uniform(13, 20), rng.uniform(13, 18)])
    sinus = ellipsoid(np.abs(x) - lateral, y - back + 12.0, z - floor - size[2], size)
    nose = ellipsoid(
        x,
        y - front - 24.0,
        z - middle - rng.uniform(24, 30),
        np.array([rng.uniform(9, 14), 26.0, 13.0]),
    )
    nose = np.maximum(nose, 1.0 - np.abs(x + rng.normal(0, 1)))
    if rng.random() < 0.6:
        # Turbinates hang into the nose as curled plates.
        curl = (
            np.abs(
                ellipsoid(
                    np.abs(x) - 7.0, y - front - 28.0, z - middle - 24.0, np.array([4.0, 16.0, 6.0])
                )
            )
            - 1.0
        )
        nose = np.maximum(nose, -curl)
    return np.minimum(ridge, palate), np.minimum(sinus, nose)


def _soft_tissues(
    dentition: Dentition,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    front = min(tooth.slot.origin[1] for tooth in dentition.teeth)
    size = np.array([rng.uniform(58, 76), rng.uniform(82, 100), 160.0])
    skin = ellipsoid(x, y - front + rng.uniform(9, 15) - size[1], z, size) + 0.6 * texture
    tissue = np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), tissues.AIR, np.uint8)
    tissue[skin < 0] = tissues.SOFT
    tissue[(skin < -2) & (texture > rng.uniform(-0.3, 0.8)) & (skin > -16)] = tissues.FAT
    masseter = ellipsoid(
        np.abs(x) - rng.uniform(42, 50), y - front - 55, z + 15, np.array([7.0, 18.0, 30.0])
    )
    tissue[masseter < 0] = tissues.MUSCLE
    # The mouth: air between tongue, palate, teeth and cheeks, more of it when open.
    bite = -0.5 * dentition.opening
    mouth = ellipsoid(
        x,
        y - front - 30,
        z - bite + 2,
        np.array(
            [rng.uniform(24, 34), rng.uniform(30, 40), rng.uniform(5, 13) + 0.5 * dentition.opening]
        ),
    )
    if rng.random() < 0.75:
        tissue[(mouth < 0) & (skin < -2)] = tissues.AIR
    tongue = ellipsoid(
        x + rng.normal(0, 2),
        y - front - rng.uniform(28, 38),
        z - bite + rng.uniform(6, 16),
        np.array([rng.uniform(16, 23), rng.uniform(24, 34), rng.uniform(12, 20)]),
    )
    tissue[tongue + 0.8 * texture < 0] = tissues.MUSCLE
    pharynx = ellipsoid(
        x,
        y - front - rng.uniform(66, 76),
        z + 10,
        np.array([rng.uniform(6, 14), rng.uniform(4, 9), 70.0]),
    )
    tissue[pharynx < 0] = tissues.AIR
    if rng.random() < 0.3:
        block = np.maximum(
            np.maximum(np.abs(x) - rng.uniform(4, 12), np.abs(y - front + 2) - 8),
            np.abs(z - bite) - max(0.8, 0.5 * dentition.opening),
        )
        tissue[block < 0] = tissues.PLASTIC
    return tissue, skin


def _other_bones(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Cheek bones, cervical spine, hyoid, skull base and a few plates of no name."""
    back = rng.uniform(82, 94)
    lift = rng.uniform(0, 12)
    period = rng.uniform(14, 19)
    disc = 0.18 * period - np.abs((z + lift) % period - 0.5 * period) + 0.32 * period
    spine = np.maximum(np.hypot(x, (y - back) * 1.2) - rng.uniform(7, 10), 1.3 - disc)
    ring = np.abs(np.hypot(x, y - back - 16) - 13) - 3.0
    ring = np.maximum(ring, np.abs((z + lift) % (2 * period) - period) - 4.0)
    cheek = ellipsoid(
        np.abs(x) - rng.uniform(42, 50),
        y - rng.uniform(26, 36),
        z - rng.uniform(26, 36),
        np.array([12.0, 14.0, 8.0]),
    )
    hyoid = np.maximum(
        np.abs(np.hypot(x, y - 58) - 17) - 2.5,
        np.maximum(np.abs(z + rng.uniform(40, 50)) - 3.0, y - 58),
    )
    bones = np.minimum(np.minimum(spine, ring), np.minimum(cheek, hyoid))
    for _ in range(int(rng.integers(0, 5))):
        centre = rng.uniform([-55, 20, 22], [55, 95, 48])
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        across = (
            (x - centre[0]) * normal[0] + (y - centre[1]) * normal[1] + (z - centre[2]) * normal[2]
        )
        reach = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2)
        plate = np.maximum(np.abs(across) - rng.uniform(1.2, 3.5), reach - rng.uniform(10, 24))
        bones = np.minimum(bones, plate)
    return bones


def _canal(
    dentition: Dentition, x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The mandibular canal: a tube below the premolars and molars of each side."""
    teeth = [t for t in dentition.arch(upper=False) if t.fdi % 10 >= 5]
    field = np.full((1, 1, 1), 99.0, np.float32)
    for right in (True, False):
        side = [t for t in teeth if (t.fdi // 10 == 4) == right]
        if len(side) < 2:
            continue
        deep = rng.uniform(15.0, 20.0)
        line = np.array([[*t.to_lps(0, -1.0, -t.form.crown_height - deep), 0.0] for t in side])
        line = line[np.argsort(line[:, 1])][::-1]
        line = np.concatenate([line[:1] + [0.0, 2.0, 0.0, 0.0], line])
        distance, height, _, _ = from_line(line, x, y)
        field = np.minimum(field, np.hypot(distance, z - height) - rng.uniform(1.0, 1.8))
    return field
