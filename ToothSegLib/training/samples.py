"""What one step learns from: a patch of a simulated head or of a reviewed scan.

All chance comes from the seed and the step's number, so that a run that goes on where it was
stopped sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ToothSegLib.synthesis.metal_shadows import darken
from ToothSegLib.synthesis.pictures import ORDINARY, draw_field_of_view, make_picture
from ToothSegLib.synthesis.sampling import Patch, TensorCase, sample_patch
from ToothSegLib.training.scan_case import ScanCase
from ToothSegLib.training.tasks import Task

_TEXTBOOK_SHARE = 0.5
# More than people differ in, so that the largest are no strangers.
_SIZE_SPREAD = 0.12
_NOISE = 0.04  # at most, of the span from dark to bright


def draw_sample(
    cases: Sequence[TensorCase], task: Task, seed: int, step: int
) -> tuple[Tensor, Patch]:
    """The patch and picture of one step, from any of the cases.

    A simulated head's picture is drawn anew; a `ScanCase` brings its own. Turning, stretching,
    bending, mirroring and the cuts of the field of view are the same for both.

    Returns:
        image (1, 1, Z, Y, X), and the patch with its answers.
    """
    generator = torch.Generator().manual_seed(seed * 10_000_019 + step)
    case = cases[int(torch.randint(len(cases), (1,), generator=generator))]
    size = task.sizes[step % len(task.sizes)]
    patch = sample_patch(
        case,
        size,
        task.spacing_mm,
        generator,
        size_spread=_SIZE_SPREAD,
        magnification=task.magnification,
    )
    seen = draw_field_of_view(size, generator)
    half = nn.functional.avg_pool3d(seen[None].float(), 2)[0] > 0.5
    patch = Patch(
        torch.where(seen, patch.tissue, 0),
        torch.where(seen, patch.labels, 0),
        torch.where(half, patch.types, 0),
        patch.offsets,
        torch.where(seen, patch.tooth, 0),
        patch.edges.seen_in(seen) if patch.edges else None,
        None if patch.prosthesis is None else patch.prosthesis & seen,
    )
    if isinstance(case, ScanCase):
        image = _varied(patch.tissue.float(), generator)
    else:
        # Half of the pictures are what scanners show, so that nothing is lost by learning of those
        # that none does.
        textbook, strength = torch.rand(2, generator=generator).tolist()
        image = make_picture(
            patch.tissue,
            task.spacing_mm,
            generator,
            strength=ORDINARY + (1 - ORDINARY) * strength,
            textbook=textbook < _TEXTBOOK_SHARE,
            edges=patch.edges,
            metal=darken,
            training=True,
        )
    if task.stage2:
        image = image * _imperfect_mask(patch.labels > 0, generator)
    return image[None, None], patch


def draw_mixed(
    scans: Sequence[TensorCase],
    simulated: Sequence[TensorCase],
    simulated_share: float,
    task: Task,
    seed: int,
    step: int,
) -> tuple[Tensor, Patch]:
    """As `draw_sample`, from a simulated head in that share of the steps and from a scan else."""
    coin = torch.Generator().manual_seed(seed * 10_000_079 + step)
    heads = bool(torch.rand((), generator=coin) < simulated_share)
    return draw_sample(simulated if heads else scans, task, seed, step)


def _varied(image: Tensor, generator: torch.Generator) -> Tensor:
    """A normalised scan with the last two disturbances of `make_picture` and a little noise."""
    noise = torch.randn(image.shape, generator=generator)
    noise_level, gain, shift = torch.rand(3, generator=generator).tolist()
    image = image + _NOISE * noise_level**2 * noise
    return image * (0.85 + 0.3 * gain) + 0.16 * (shift - 0.5)


def _imperfect_mask(truth: Tensor, generator: torch.Generator) -> Tensor:
    """A tooth mask with the errors of a first stage: grown, shrunk or with blurred borders."""
    noise = torch.randn(1, 1, *[max(2, n // 6) for n in truth.shape], generator=generator)
    rough = nn.functional.interpolate(noise, size=tuple(truth.shape), mode="trilinear")[0, 0]
    soft = nn.functional.avg_pool3d(truth[None, None].float(), 3, stride=1, padding=1)[0, 0]
    return (soft > 0.5 + 0.25 * rough).float()
