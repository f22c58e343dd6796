"""Volume in, maps out: the networks over one box on the working grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ToothSegLib.backends import ready
from ToothSegLib.maps import Maps
from ToothSegLib.normalise import normalise
from ToothSegLib.progress import Progress
from ToothSegLib.teeth import CATEGORY_OF_TYPE, N_TYPES
from ToothSegLib.tiles import fitted_tile, gaussian_weights, tile_starts
from ToothSegLib.toothnet import OFFSET_UNIT_MM
from ToothSegLib.volume import Volume

if TYPE_CHECKING:
    from ToothSegLib.models import Bundle

# A box of this size goes through the networks in one piece, a larger one in tiles that fit it.
TILE = (144, 160, 176)
OVERLAP = 0.3
_MULTIPLE = 16


def predict_maps(
    bundle: Bundle,
    image: Volume,
    device: torch.device,
    progress: Progress,
    precision: str = "auto",
    backend: str = "torch",
) -> Maps:
    """Run a bundle's networks over a box.

    Args:
        bundle: of either kind.
        image: (Z, Y, X) on the working grid, raw grey values.
        device: where to compute.
        progress: told within every pass, where a run can be cancelled too.
        precision: one of `devices.PRECISIONS`.
        backend: "torch" or "openvino".

    Returns:
        Maps on the image's grid.
    """
    grey = normalise(torch.from_numpy(np.ascontiguousarray(image.array, dtype=np.float32)))
    run = _toothnet if bundle.kind == "toothnet" else _published
    tooth, types, offsets = run(bundle, grey, device, progress, precision, backend)
    return Maps(
        tooth=tooth.numpy(),
        types=types.numpy(),
        offsets=None if offsets is None else offsets.numpy(),
        spacing_mm=image.spacing[0],
        origin=image.origin,
    )


def tooth_probability(
    network: nn.Module,
    image: Tensor,
    device: torch.device,
    progress: Progress,
    precision: str = "auto",
    backend: str = "torch",
) -> Tensor:
    """(Z, Y, X) probability of tooth from a network with one output, for a normalised image."""
    return torch.sigmoid(_tiled(network, image, device, progress, precision, backend)[0][0])


def _toothnet(
    bundle: Bundle,
    image: Tensor,
    device: torch.device,
    progress: Progress,
    precision: str,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor | None]:
    network = bundle.build("toothnet", device)
    tooth, types, offsets = _tiled(network, image, device, progress, precision, backend)
    shape = image.shape
    return (
        torch.sigmoid(tooth[0]),
        _upsampled(torch.softmax(types, dim=0), shape),
        _upsampled(offsets * OFFSET_UNIT_MM, shape),
    )


def _published(
    bundle: Bundle,
    image: Tensor,
    device: torch.device,
    progress: Progress,
    precision: str,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The article's cascade: the second network sees only what the first one calls tooth."""
    stage1 = bundle.build("stage1", device)
    part = progress.stage("stage 1: tooth", 0.0, 0.7)
    tooth = tooth_probability(stage1, image, device, part, precision, backend)
    masked = image * (tooth >= 0.5)
    stage2 = bundle.build("stage2", device)
    part = progress.stage("stage 2: category", 0.7, 1.0)
    categories = torch.softmax(_tiled(stage2, masked, device, part, precision, backend)[0], dim=0)
    types = torch.empty((N_TYPES, *image.shape), dtype=torch.float16)
    for kind, category in enumerate(CATEGORY_OF_TYPE):
        # A category does not tell its members apart: they share its probability.
        types[kind] = categories[category] / CATEGORY_OF_TYPE.count(category)
    return tooth, types, None


@torch.inference_mode()
def _tiled(
    network: nn.Module,
    image: Tensor,
    device: torch.device,
    progress: Progress,
    precision: str = "auto",
    backend: str = "torch",
) -> list[Tensor]:
    """Every output of the network over the whole image, each at its own resolution, float32."""
    shape = tuple(image.shape)
    padded = _pad(image)
    depth, height, width = (
        fitted_tile(n // _MULTIPLE, t // _MULTIPLE, OVERLAP) * _MULTIPLE
        for n, t in zip(padded.shape, TILE, strict=True)
    )
    tile = (depth, height, width)
    starts = [
        tile_starts(n // _MULTIPLE, t // _MULTIPLE, OVERLAP)
        for n, t in zip(padded.shape, tile, strict=True)
    ]
    corners = [
        (z * _MULTIPLE, y * _MULTIPLE, x * _MULTIPLE)
        for z in starts[0] for y in starts[1] for x in starts[2]
    ]  # fmt: skip
    sums: list[Tensor] = []
    weights: list[Tensor] = []
    progress.update(0.0)
    with ready(network, tile, device, precision, backend) as run:
        for count, corner in enumerate(corners):
            part = progress.stage(progress.name, count / len(corners), (count + 1) / len(corners))
            place = tuple(slice(c, c + t) for c, t in zip(corner, tile, strict=True))
            results = run(padded[place][None, None], part)
            if len(corners) == 1:
                sums = results
                break
            for n, result in enumerate(results):
                scale = tile[0] // result.shape[1]
                if n == len(sums):
                    grid = [s // scale for s in padded.shape]
                    sums.append(torch.zeros(result.shape[0], *grid))
                    weights.append(torch.zeros(grid))
                share = gaussian_weights(tuple(result.shape[1:]))
                z, y, x = (slice(s.start // scale, s.stop // scale) for s in place)
                sums[n][:, z, y, x] += result * share
                weights[n][z, y, x] += share
    progress.update(1.0)
    for total, weight in zip(sums, weights, strict=False):
        total /= weight
    return [_cut(total, shape, padded.shape[0] // total.shape[1]) for total in sums]


def _pad(image: Tensor) -> Tensor:
    """Grow each axis at its end to a multiple of 16, repeating the border."""
    pad: list[int] = []
    for size in reversed(image.shape):
        pad += [0, -size % _MULTIPLE]
    return functional.pad(image[None, None], pad, mode="replicate")[0, 0]


def _cut(output: Tensor, shape: tuple[int, ...], scale: int) -> Tensor:
    """Take the padding off an output that has ``1 / scale`` of the image's resolution."""
    z, y, x = (-(-n // scale) for n in shape)
    return output[:, :z, :y, :x]


def _upsampled(half: Tensor, shape: torch.Size) -> Tensor:
    """(C, Z/2, Y/2, X/2) to (C, *shape) float16, linearly, one channel at a time."""
    full = torch.empty((half.shape[0], *shape), dtype=torch.float16)
    z, y, x = shape
    for channel in range(half.shape[0]):
        large = functional.interpolate(
            half[None, channel : channel + 1],
            scale_factor=2.0,
            mode="trilinear",
            align_corners=False,
        )
        full[channel] = large[0, 0, :z, :y, :x]
    return full
