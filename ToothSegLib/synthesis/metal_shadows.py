"""What metal does to its surroundings in a reconstruction, besides streaks.

It swells; next to it, in its own slices, teeth turn as black as air in some directions; and between
two pieces at one height there are dark bands. All of it comes of beams that hardly anything is left
of: beam hardening, starved detectors, and filtered back-projection of both. Most pictures have it
from their own rays (`metal_rays`), the others drawn, past what physics would do.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.chance import Draw
from ToothSegLib.synthesis.metal_rays import dense, metal_seen

_HAVE = 0.75  # of the pictures with metal at all
_BY_RAYS = 0.65  # of these
_ANGLES_OF_A_SCAN = 240
# Dark bands between two pieces.
_MOST = 3
_APART_MM = (4.0, 60.0)
_LEVEL_MM = 2.5  # as much as two pieces' heights may differ
_TRIES = 8
_DEPTH = (0.05, 0.5)  # in the units of `tissues.ATTENUATION`
_WIDTH_MM, _HEIGHT_MM = (1.0, 4.0), (1.5, 5.0)
# Black next to each piece.
_HALO = 0.7  # of the pictures that have any of this
_HALO_DEPTH = (0.1, 2.0)
_REACH_MM, _ACROSS_MM = (1.5, 6.0), (0.8, 3.0)
_SWELLS = 0.6
_SWELLS_MM = 1.0  # at most
_AIR = -0.05
_SOFT = tissues.ATTENUATION[tissues.SOFT]


def darken(image: Tensor, tissue: Tensor, spacing_mm: float, draw: Draw) -> Tensor:
    """The picture with what its metal does to what lies about it; metal gets no duller.

    Args:
        image: (Z, Y, X) grey values in the units of `tissues.ATTENUATION`, Z along the axis of
            rotation.
        tissue: (Z, Y, X) codes.
        spacing_mm: of both.
        draw: the only source of chance.
    """
    body = dense(tissue)
    if not body.any() or not draw.chance(_HAVE):
        return image
    if draw.chance(_BY_RAYS):
        return _shone_upon(image, body, metal_seen(tissue, spacing_mm, draw))
    metal = (tissue == tissues.METAL) | (tissue == tissues.TITANIUM)
    spots = torch.nonzero(metal).float() * spacing_mm
    if len(spots) < 2:
        return image
    shadow = torch.zeros_like(image)
    if draw.chance(_HALO):
        shadow = _halo(metal, spacing_mm, draw)
    for _ in range(int(draw.span(0.0, _MOST + 1.0))):
        pair = _pick(spots, draw)
        if pair is not None:
            shadow = torch.maximum(shadow, _band(tissue.shape, spacing_mm, *pair, draw))
    dark = torch.where(metal, image, torch.maximum(image - shadow, image.clamp(max=_AIR)))
    if not draw.chance(_SWELLS):
        return dark
    return _swollen(dark, metal, draw.span(0.0, _SWELLS_MM) / spacing_mm, draw)


def darken_by_rays(image: Tensor, tissue: Tensor, spacing_mm: float, draw: Draw) -> Tensor:
    """As `darken`, of a whole scan, always and by physics alone."""
    body = dense(tissue)
    if not body.any():
        return image
    seen = metal_seen(tissue, spacing_mm, draw, angles=_ANGLES_OF_A_SCAN)
    return _shone_upon(image, body, seen)


def _shone_upon(image: Tensor, body: Tensor, seen: Tensor) -> Tensor:
    around = torch.maximum(image + seen, image.clamp(max=_AIR))
    # No duller than what it shines into.
    return torch.where(body, torch.maximum(image, _SOFT + seen), around)


def _halo(metal: Tensor, spacing_mm: float, draw: Draw) -> Tensor:
    """How much darker it is next to metal: in its own slices, to two sides, fading away."""
    depth = draw.span(*_HALO_DEPTH)
    reach, across = draw.span(*_REACH_MM), draw.span(*_ACROSS_MM)
    angle = draw.span(0.0, math.pi)
    # Half of the resolution will do.
    step = 2.0 * spacing_mm
    radius = max(1, round(1.5 * reach / step))
    y, x = (step * torch.arange(-radius, radius + 1, dtype=torch.float32) for _ in range(2))
    ahead = y[:, None] * math.sin(angle) + x[None] * math.cos(angle)
    aside = y[:, None] * math.cos(angle) - x[None] * math.sin(angle)
    kernel = torch.exp(-((ahead / reach) ** 2) - (aside / across) ** 2)
    coarse = functional.avg_pool2d(metal[:, None].float(), 2, ceil_mode=True)
    # A piece of three millimetres throws a whole shadow, a post of one hardly any.
    kernel = kernel / (3.0 / step) ** 2
    thrown = functional.conv2d(coarse, kernel[None, None], padding=radius).clamp_(max=1.0)
    fine = functional.interpolate(thrown, scale_factor=2, mode="bilinear", align_corners=False)
    return depth * fine[:, 0, : metal.shape[1], : metal.shape[2]]


def _swollen(image: Tensor, metal: Tensor, voxels: float, draw: Draw) -> Tensor:
    """Metal shines into the voxels beside it: fully into the nearer ones, in part into the last."""
    for left in range(math.ceil(voxels), 0, -1):
        bright = torch.where(metal, image, float("-inf"))
        near = functional.max_pool3d(bright[None], (1, 3, 3), stride=1, padding=(0, 1, 1))[0]
        grown = near > float("-inf")
        share = draw.span(0.0, 1.0) if left == 1 else 1.0
        image = torch.where(grown & (near > image), image + share * (near - image), image)
        metal = grown
    return image


def _pick(spots: Tensor, draw: Draw) -> tuple[Tensor, Tensor] | None:
    for _ in range(_TRIES):
        one, other = spots[torch.randint(len(spots), (2,), generator=draw.generator)]
        apart = float(torch.linalg.norm((other - one)[1:]))
        level = abs(float(other[0] - one[0])) <= _LEVEL_MM
        if level and _APART_MM[0] <= apart <= _APART_MM[1]:
            return one, other
    return None


def _band(size: torch.Size, spacing_mm: float, one: Tensor, other: Tensor, draw: Draw) -> Tensor:
    """How much darker each voxel is: along the line between two points (z, y, x), mm."""
    depth, width, height = (draw.span(*of) for of in (_DEPTH, _WIDTH_MM, _HEIGHT_MM))
    beyond = draw.span(0.5, 6.5)
    z, y, x = (spacing_mm * torch.arange(n, dtype=torch.float32) for n in size)
    dy, dx = (y - one[1])[:, None], (x - one[2])[None]
    line = (other - one)[1:]
    length = float(torch.linalg.norm(line))
    ahead = (dy * line[0] + dx * line[1]) / length
    aside = (dy * line[1] - dx * line[0]) / length
    past = torch.clamp(torch.maximum(-ahead, ahead - length), min=0.0)
    plane = depth * torch.exp(-((aside / width) ** 2) - (past / beyond) ** 2)
    middle = float(one[0] + other[0]) / 2
    return torch.exp(-(((z - middle) / height) ** 2))[:, None, None] * plane
