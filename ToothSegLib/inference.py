"""Volume in, maps out: the networks over one box on the working grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ToothSegLib.compute.backends import Network, load_network, ready
from ToothSegLib.compute.doubling import doubled_at
from ToothSegLib.compute.normalise import normalise
from ToothSegLib.compute.tiles import fitted_tile, gaussian_weights, tile_starts
from ToothSegLib.grids.view_of_scan import blank_parts
from ToothSegLib.maps import LEARNED_SPACING_MM, OFFSET_UNIT_MM, TOOTH_THRESHOLD, Maps
from ToothSegLib.progress import Progress
from ToothSegLib.teeth import CATEGORY_OF_TYPE
from ToothSegLib.volume import Volume

if TYPE_CHECKING:
    from ToothSegLib.models import Bundle

# A box of this size goes through the networks in one piece, a larger one in tiles that fit it. They
# are no larger because networks normalise over a tile, and have learned from patches of this size
# and less: in one piece of 192 x 192 x 224 a third less is computed and more teeth are lost.
TILE = (144, 160, 176)
OVERLAP = 0.3
_MULTIPLE = 16

Floats = NDArray[np.float32]


def predict_maps(
    bundle: Bundle,
    image: Volume,
    device: str,
    progress: Progress,
    precision: str = "auto",
    backend: str = "torch",
) -> Maps:
    """Run a bundle's networks over a box.

    Args:
        bundle: of kind "toothnet" (types and offsets) or "published-cascade" (no offsets).
        image: (Z, Y, X) on a canonical grid, raw grey values; the finer the grid, the larger the
            networks see the teeth.
        device: where to compute.
        progress: told within every pass, where a run can be cancelled too.
        precision: one of `devices.PRECISIONS`.
        backend: "torch" or "openvino".

    Returns:
        Maps on the image's grid.

    Raises:
        BundleError: a network of the bundle is damaged.
        BackendError: OpenVINO fails.
        DeviceUnfitError: the device fails, or some of its answers are no numbers.
        Cancelled: the run was asked to stop.
    """
    grey = normalise(np.ascontiguousarray(image.array, dtype=np.float32))
    run = _toothnet if bundle.kind == "toothnet" else _published
    spacing_mm = image.spacing[0]
    maps = run(bundle, grey, device, progress, precision, backend)
    if maps["offsets"] is not None:
        maps["offsets"] *= np.float16(spacing_mm / LEARNED_SPACING_MM)
    return Maps(
        **maps,
        spacing_mm=spacing_mm,
        origin=image.origin,
        blank=blank_parts(image.array),
    )


def tooth_probability(
    network: Network,
    image: Floats,
    device: str,
    progress: Progress,
    precision: str = "auto",
) -> Floats:
    """(Z, Y, X) probability of tooth from a network with one output, for a normalised image."""
    return expit(_tiled(network, image, device, progress, precision)[0][0])


def _toothnet(
    bundle: Bundle, image: Floats, device: str, progress: Progress, precision: str, backend: str
) -> dict[str, Any]:
    network = load_network(bundle, "toothnet", device, backend)
    logits, types, offsets, *more = _tiled(network, image, device, progress, precision)
    tooth = expit(logits[0])
    where = np.flatnonzero(tooth >= TOOTH_THRESHOLD)
    chances = doubled_at(_softmax(types), where, image.shape)
    away = doubled_at(offsets * OFFSET_UNIT_MM, where, image.shape)
    prosthesis = expit(doubled_at(more[0], where, image.shape)[0]) if more else None
    return {
        "tooth": tooth,
        "types": chances.astype(np.float16),
        "offsets": away.astype(np.float16),
        "prosthesis": None if prosthesis is None else prosthesis.astype(np.float16),
        "at": where,
    }


def _published(
    bundle: Bundle, image: Floats, device: str, progress: Progress, precision: str, backend: str
) -> dict[str, Any]:
    """The article's cascade: the second network sees only what the first one calls tooth."""
    stage1 = load_network(bundle, "stage1", device, backend)
    part = progress.stage("stage 1: tooth", 0.0, 0.7)
    tooth = tooth_probability(stage1, image, device, part, precision)
    masked = image * (tooth >= TOOTH_THRESHOLD)
    stage2 = load_network(bundle, "stage2", device, backend)
    part = progress.stage("stage 2: category", 0.7, 1.0)
    logits = _tiled(stage2, masked, device, part, precision)[0]
    where = np.flatnonzero(tooth >= TOOTH_THRESHOLD)
    chances = _softmax(logits.reshape(len(logits), -1)[:, where])
    # A category does not tell its members apart: they share its probability.
    shared = [chances[category] / CATEGORY_OF_TYPE.count(category) for category in CATEGORY_OF_TYPE]
    types = np.stack(shared).astype(np.float16)
    return {"tooth": tooth, "types": types, "offsets": None, "at": where}


def _tiled(
    network: Network,
    image: Floats,
    device: str,
    progress: Progress,
    precision: str = "auto",
) -> list[Floats]:
    """Every output of the network over the whole image, each at its own resolution, float32."""
    padded = np.pad(image, _padding(image.shape), mode="edge")
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
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]
    sums: list[Floats] = []
    weights: list[Floats] = []
    progress.update(0.0)
    with ready(network, tile, device, precision) as run:
        for count, corner in enumerate(corners):
            part = progress.stage(progress.name, count / len(corners), (count + 1) / len(corners))
            place = tuple(slice(c, c + t) for c, t in zip(corner, tile, strict=True))
            results = run(padded[place], part)
            if len(corners) == 1:
                sums = results
                break
            for n, result in enumerate(results):
                scale = tile[0] // result.shape[1]
                if n == len(sums):
                    grid = [s // scale for s in padded.shape]
                    sums.append(np.zeros((len(result), *grid), np.float32))
                    weights.append(np.zeros(grid, np.float32))
                share = gaussian_weights(result.shape[1:])
                z, y, x = (slice(s.start // scale, s.stop // scale) for s in place)
                sums[n][:, z, y, x] += result * share
                weights[n][z, y, x] += share
    progress.update(1.0)
    for total, weight in zip(sums, weights, strict=False):
        total /= weight
    return [_cut(total, image.shape, padded.shape[0] // total.shape[1]) for total in sums]


def _padding(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """What each axis lacks, before and after.

    At the lowest resolution one voxel is left of `_MULTIPLE`. Of a single one there is no variance
    to normalise by, and PyTorch refuses it: so the last axis has two of them at least.
    """
    depth, height, width = shape
    least = max(width, 2 * _MULTIPLE)
    after = (-depth % _MULTIPLE, -height % _MULTIPLE, least - width + -least % _MULTIPLE)
    return [(0, n) for n in after]


def _cut(output: Floats, shape: tuple[int, ...], scale: int) -> Floats:
    """Take the padding off an output that has ``1 / scale`` of the image's resolution."""
    z, y, x = (-(-n // scale) for n in shape)
    return output[:, :z, :y, :x]


def _softmax(logits: Floats) -> Floats:
    """Probabilities over the first axis; scipy's softmax takes 3.6 times as long."""
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)
