"""Dark bands between pieces of metal at one height, where the beam has to pass both."""

from __future__ import annotations

import torch
from torch import Tensor

from ToothSegLib.synthesis import tissues

_HAVE = 0.6  # of the pictures with metal at all
_MOST = 3  # bands of a picture
_APART_MM = (4.0, 60.0)
_LEVEL_MM = 2.5  # as much as two pieces' heights may differ
_TRIES = 8
_DEPTH = (0.05, 0.5)  # in the units of `tissues.ATTENUATION`
_WIDTH_MM, _HEIGHT_MM = (1.0, 4.0), (1.5, 5.0)


def darken(image: Tensor, tissue: Tensor, spacing_mm: float, generator: torch.Generator) -> Tensor:
    """The picture with bands between metal, and between metal and itself, as beam hardening and
    starved detectors leave them; metal itself stays as bright as it was.

    Args:
        image: (Z, Y, X) grey values in the units of `tissues.ATTENUATION`, Z along the axis of
            rotation.
        tissue: (Z, Y, X) codes.
        spacing_mm: of both.
        generator: the only source of chance.
    """
    metal = (tissue == tissues.METAL) | (tissue == tissues.TITANIUM)
    spots = torch.nonzero(metal).float() * spacing_mm
    if len(spots) < 2 or _uniform(generator) >= _HAVE:
        return image
    shadow = torch.zeros_like(image)
    for _ in range(1 + int(_uniform(generator) * _MOST)):
        pair = _pick(spots, generator)
        if pair is not None:
            shadow = torch.maximum(shadow, _band(tissue.shape, spacing_mm, *pair, generator))
    return torch.where(metal, image, image - shadow)


def _pick(spots: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
    for _ in range(_TRIES):
        one, other = spots[torch.randint(len(spots), (2,), generator=generator)]
        apart = float(torch.linalg.norm((other - one)[1:]))
        level = abs(float(other[0] - one[0])) <= _LEVEL_MM
        if level and _APART_MM[0] <= apart <= _APART_MM[1]:
            return one, other
    return None


def _band(
    size: torch.Size, spacing_mm: float, one: Tensor, other: Tensor, generator: torch.Generator
) -> Tensor:
    """How much darker each voxel is: along the line between two points (z, y, x), mm."""
    depth, width, height, beyond = (
        low + (high - low) * _uniform(generator)
        for low, high in (_DEPTH, _WIDTH_MM, _HEIGHT_MM, (0.0, 6.0))
    )
    z, y, x = (spacing_mm * torch.arange(n, dtype=torch.float32) for n in size)
    dy, dx = (y - one[1])[:, None], (x - one[2])[None]
    line = (other - one)[1:]
    length = float(torch.linalg.norm(line))
    ahead = (dy * line[0] + dx * line[1]) / length
    aside = (dy * line[1] - dx * line[0]) / length
    past = torch.clamp(torch.maximum(-ahead, ahead - length), min=0.0)
    plane = depth * torch.exp(-((aside / width) ** 2) - (past / (0.5 + beyond)) ** 2)
    middle = float(one[0] + other[0]) / 2
    return torch.exp(-(((z - middle) / height) ** 2))[:, None, None] * plane


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
