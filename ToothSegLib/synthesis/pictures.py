"""From tissues to a picture, randomised far past realism.

The idea is SynthSeg's (Billot et al., Medical Image Analysis 2023): if the training pictures vary
more than any scanner does, a real scan is just one more of them. Grey values, texture, resolution,
noise, shading, streaks, truncation and clipping are all drawn anew for every picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ToothSegLib.compute.normalise import normalise
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.chance import Draw
from ToothSegLib.synthesis.metal_rays import dense
from ToothSegLib.synthesis.sampling import Edges

# (image, tissue, spacing_mm, draw) -> image
MetalArtefacts = Callable[[Tensor, Tensor, float, Draw], Tensor]

# Porcelain attenuates like dentine (`materials`), glass ceramics like enamel.
_PORCELAIN, _PORCELAIN_TO_DENTINE = 0.5, (0.8, 1.5)
# Devices that store few values above bone show enamel as bright as metal.
_SHORT_SCALE, _SHORT_SCALE_TO_ENAMEL = 0.25, (0.85, 1.1)

_DENSE = (tissues.METAL, tissues.TITANIUM, tissues.CERAMIC, tissues.ROOT_FILLING)


# How much of the full spread of every disturbance a decent scan of a quiet patient has.
ORDINARY = 0.35


def make_picture(
    tissue: Tensor,
    spacing_mm: float,
    generator: torch.Generator,
    *,
    strength: float = 1.0,
    textbook: bool = False,
    edges: Edges | None = None,
    metal: MetalArtefacts | None = None,
    training: bool = False,
) -> Tensor:
    """One picture of a tissue patch.

    Args:
        tissue: (Z, Y, X) uint8 codes.
        spacing_mm: of the patch.
        generator: the only source of chance.
        strength: of every disturbance; 1 goes far past realism, `ORDINARY` is a decent scan.
        textbook: grey values are near the tissues' attenuation; else any that keep a rough order,
            in which dentine may well be as dull as bone.
        edges: where tissues meet between the voxels of the patch; None for whole voxels of one
            tissue each.
        metal: does to the picture what metal does to its surroundings, as the functions of
            `metal_shadows`; None: metal is bright, and there are streaks, but no more.
        training: some show what the scans that are measured on do not: ceramic that is as dull as
            dentine, and a scale that ends within enamel.

    Returns:
        (Z, Y, X) float32, normalised as the networks get it.
    """
    draw = Draw(generator, strength)
    greys = _draw_textbook_greys(draw) if textbook else _draw_greys(draw)
    if training and draw.chance(_PORCELAIN):
        greys[tissues.CERAMIC] = greys[tissues.DENTINE] * draw.span(*_PORCELAIN_TO_DENTINE)
    code = tissue.long()
    image = greys[code] if edges is None else _mixed(greys, edges, spacing_mm, draw)
    image = _texture(image, code, draw)
    image = _streaks(image, tissue, spacing_mm, draw)
    if metal is not None:
        image = metal(image, tissue, spacing_mm, draw)
    image = _blur(image, draw.span(0.25, 0.75) / spacing_mm * 0.8)
    if draw.chance(0.35 * strength):
        image = _coarsen(image, spacing_mm, draw)
    if draw.chance(0.1 * strength):
        image = _motion(image, draw)
    image = _shading(image, draw)
    image = _noise(image, draw)
    if draw.chance(0.1 * strength):
        image = _rings(image, draw)
    if training and draw.chance(_SHORT_SCALE):
        image = image.clamp(max=float(greys[tissues.ENAMEL]) * draw.span(*_SHORT_SCALE_TO_ENAMEL))
    image = _record(image, draw)
    image = normalise(image)
    return image * draw.span(0.85, 1.15) + draw.span(-0.08, 0.08)


def draw_field_of_view(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Where the scanner saw anything: all of the patch mostly, a cylinder or a half otherwise.

    Returns:
        (Z, Y, X) bool.
    """
    draw = Draw(generator)
    seen = torch.ones(size, dtype=torch.bool)
    if draw.chance(0.3):
        _, y, x = _axes(size)
        radius = draw.span(0.3, 0.75) * max(size[1:])
        centre = (draw.span(-0.25, 0.25) * size[1], draw.span(-0.25, 0.25) * size[2])
        seen &= (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    if draw.chance(0.3):
        axis = int(torch.randint(3, (1,), generator=generator))
        cut = int(draw.span(0.05, 0.4) * size[axis])
        away = [slice(None)] * 3
        away[axis] = slice(0, cut) if draw.chance(0.5) else slice(size[axis] - cut, None)
        seen[tuple(away)] = False
    return seen


def _draw_greys(draw: Draw) -> Tensor:
    """Grey value of each tissue: attenuation with a random curve and a random error each."""
    base = torch.tensor([tissues.ATTENUATION[t] for t in range(tissues.COUNT)])
    greys = base * (1.0 + 0.12 * draw.strength * draw.normal(tissues.COUNT))
    # Air in a CBCT is anything from true air to nearly soft tissue; metal saturates early or late.
    greys[tissues.AIR] = draw.span(-0.05, 0.12)
    greys[tissues.SOFT] = draw.span(0.14, 0.26)
    for tissue in (tissues.FAT, tissues.MUSCLE, tissues.PULP, tissues.LIGAMENT, tissues.PLASTIC):
        greys[tissue] = greys[tissues.SOFT] + 0.025 * float(draw.normal(1))
    greys[tissues.TRABECULAR] = draw.span(0.22, 0.46)
    greys[tissues.CORTICAL] = greys[tissues.TRABECULAR] + draw.span(0.05, 0.35)
    greys[tissues.DENTINE] = draw.span(0.45, 0.75)
    greys[tissues.ENAMEL] = greys[tissues.DENTINE] + draw.span(0.08, 0.6)
    for tissue in _DENSE:
        greys[tissue] = greys[tissues.ENAMEL] + draw.span(0.0, 1.0) * greys[tissue].clamp(0.3, 4.0)
    gamma = math.exp(draw.strength * draw.span(-0.35, 0.35))
    return greys.clamp(min=0.0) ** gamma + greys.clamp(max=0.0)


def _draw_textbook_greys(draw: Draw) -> Tensor:
    """Grey value of each tissue as a scanner shows it whose beam and patient are a little unlike
    others: the attenuation, with small errors."""
    base = torch.tensor([tissues.ATTENUATION[t] for t in range(tissues.COUNT)])
    greys = base * (1.0 + 0.06 * draw.normal(tissues.COUNT))
    greys[tissues.AIR] = draw.span(-0.05, 0.05)
    # Bone differs more between people, and between the sites of one, than any other tissue.
    greys[tissues.TRABECULAR] *= draw.span(0.7, 1.4)
    greys[tissues.CORTICAL] *= draw.span(0.75, 1.1)
    greys[tissues.ENAMEL] *= draw.span(0.85, 1.25)
    gamma = math.exp(0.5 * draw.strength * draw.span(-0.35, 0.35))
    return greys.clamp(min=0.0) ** gamma + greys.clamp(max=0.0)


def _mixed(greys: Tensor, edges: Edges, spacing_mm: float, draw: Draw) -> Tensor:
    """Grey values of voxels that are part tooth, part the gap about a root, part what is beyond."""
    tooth = edges.share(spacing_mm)
    filled = edges.share(spacing_mm, beyond_mm=draw.span(0.08, 0.4))
    bone = (edges.outside == tissues.TRABECULAR) | (edges.outside == tissues.CORTICAL)
    beyond = torch.where(bone, 1.0 - filled, 1.0 - tooth)
    gap = 1.0 - tooth - beyond
    grey = tooth * greys[edges.inside.long()] + beyond * greys[edges.outside.long()]
    return grey.add_(gap, alpha=float(greys[tissues.LIGAMENT]))


def _texture(image: Tensor, code: Tensor, draw: Draw) -> Tensor:
    """Trabecular bone is a sponge; every other tissue is a little uneven as well."""
    gain = torch.full((tissues.COUNT,), 0.015)
    gain[tissues.TRABECULAR] = draw.span(0.02, 0.16)
    gain[tissues.CORTICAL] = draw.span(0.02, 0.08)
    gain[tissues.AIR] = 0.005
    fine = draw.normal(*image.shape)
    sponge = _smooth_noise(image.shape, draw, draw.span(1.6, 4.0))
    return image + gain[code] * (0.5 * fine + sponge)


def _streaks(image: Tensor, tissue: Tensor, spacing_mm: float, draw: Draw) -> Tensor:
    """Bright and dark rays in the axial plane out of dense matter, fading with distance."""
    spots = torch.nonzero(dense(tissue))
    count = min(3, int(draw.span(0, 3.99))) if len(spots) else int(draw.chance(0.06))
    for _ in range(count):
        if len(spots):
            pick = int(torch.randint(len(spots), (1,), generator=draw.generator))
            centre = spots[pick].float()
        else:
            centre = torch.rand(3, generator=draw.generator) * torch.tensor(image.shape)
        z, y, x = _axes(tuple(image.shape), centred=False)
        dz, dy, dx = (z - centre[0]) * spacing_mm, (y - centre[1]), (x - centre[2])
        angle = torch.atan2(dy, dx)
        wave = torch.zeros_like(angle)
        for _ in range(4):
            order = int(draw.span(2, 16))
            wave += torch.cos(order * angle + draw.span(0, 2 * math.pi))
        fade = 1.0 / (1.0 + torch.hypot(dy, dx) * spacing_mm / draw.span(4.0, 15.0))
        height = torch.exp(-((dz / draw.span(2.0, 7.0)) ** 2))
        rays = draw.strength * draw.span(0.02, 0.22) * (wave**3 / 8).clamp(-2, 2) * fade
        image = image + height * rays
    return image


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, sigma in voxels."""
    if sigma < 0.2:
        return image
    radius = max(1, math.ceil(2.5 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    out = image[None, None]
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = len(kernel)
        pad = [0] * 6
        pad[2 * (2 - axis)] = pad[2 * (2 - axis) + 1] = radius
        out = functional.conv3d(functional.pad(out, pad, mode="replicate"), kernel.reshape(shape))
    return out[0, 0]


def _coarsen(image: Tensor, spacing_mm: float, draw: Draw) -> Tensor:
    """As if scanned with larger voxels, now and then larger along one axis only."""
    size = list(image.shape)
    spacing = draw.span(1.0, max(1.05, 1.0 / spacing_mm))
    factors = [spacing] * 3 if draw.chance(0.7) else [draw.span(1.0, 2.4), 1.0, 1.0]
    small = [max(4, round(n / f)) for n, f in zip(size, factors, strict=True)]
    low = functional.interpolate(image[None, None], size=small, mode="area")
    return functional.interpolate(low, size=size, mode="trilinear", align_corners=False)[0, 0]


def _motion(image: Tensor, draw: Draw) -> Tensor:
    """A patient who moved once: two positions seen at once."""
    shift = [int(draw.span(-2.99, 2.99)) for _ in range(3)]
    share = draw.span(0.15, 0.5)
    return (1 - share) * image + share * torch.roll(image, shift, dims=(0, 1, 2))


def _shading(image: Tensor, draw: Draw) -> Tensor:
    """Cupping, scatter and a slope over the field, multiplied in and added on."""
    z, y, x = (
        axis / max(1, n) for axis, n in zip(_axes(tuple(image.shape)), image.shape, strict=True)
    )
    # The sixth is not used: with five, every seed would give another picture than it did.
    a = 0.12 * draw.strength * draw.normal(6)
    field = 1.0 + a[0] * x + a[1] * y + a[2] * z + a[3] * (x**2 + y**2) + a[4] * y * x
    image = image * field.clamp(0.5, 1.6)
    if draw.chance(0.5):
        image = image + 0.05 * draw.strength * _smooth_noise(
            image.shape, draw, draw.span(15.0, 40.0)
        )
    return image


def _noise(image: Tensor, draw: Draw) -> Tensor:
    strength = 0.11 * draw.strength * draw.span(0.0, 1.0) ** 2
    noise = draw.normal(*image.shape)
    if draw.chance(0.6):
        noise = _blur(noise, draw.span(0.4, 1.1))
        noise = noise / noise.std().clamp(min=1e-6)
    return image + strength * noise


def _rings(image: Tensor, draw: Draw) -> Tensor:
    _, y, x = _axes(tuple(image.shape))
    centre = (draw.span(-0.5, 0.5) * image.shape[1], draw.span(-0.5, 0.5) * image.shape[2])
    radius = torch.hypot(y - centre[0], x - centre[1])
    profile = draw.normal(int(radius.max()) + 2)
    return image + draw.span(0.0, 0.06) * profile[radius.long()]


def _record(image: Tensor, draw: Draw) -> Tensor:
    """What the device stores: clipped, and at times in few grey levels."""
    if draw.chance(0.5):
        image = image.clamp(max=draw.span(0.9, 2.5))
    if draw.chance(0.4):
        image = image.clamp(min=draw.span(-0.1, 0.12))
    if draw.chance(0.15):
        low, high = image.min(), image.max().clamp(max=2.5)
        image = ((image.clamp(max=float(high)) - low) / (high - low + 1e-6) * 255).round() / 255
    return image


def _smooth_noise(size: tuple[int, ...], draw: Draw, scale: float) -> Tensor:
    """Noise of about unit spread that varies over ``scale`` voxels."""
    knots = [max(2, math.ceil(n / scale) + 1) for n in size]
    coarse = draw.normal(1, 1, *knots)
    return (
        functional.interpolate(coarse, size=tuple(size), mode="trilinear", align_corners=True)[0, 0]
        * 1.5
    )


def _axes(size: tuple[int, ...], centred: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    z, y, x = (torch.arange(n, dtype=torch.float32) - ((n - 1) / 2 if centred else 0) for n in size)
    return z[:, None, None], y[None, :, None], x[None, None, :]
