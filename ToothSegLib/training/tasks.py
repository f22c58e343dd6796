"""What a network is asked to learn of a patch: its input, its loss, the figures it is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ToothSegLib.architectures import build_network
from ToothSegLib.synthesis.sampling import Patch
from ToothSegLib.teeth import CATEGORY_OF_TYPE, type_of
from ToothSegLib.toothnet import OFFSET_UNIT_MM, ToothNetOutput

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Task:
    """One network to train on simulated patches.

    Attributes:
        name: as on the command line.
        architecture: class and arguments, as a bundle's card names them.
        spacing_mm: of the patches.
        sizes: patch sizes (Z, Y, X) that take turns.
        loss: from the network's output and the patch to named terms; the sum is minimised.
        stage2: the network sees only what a tooth mask lets through.
        magnification: how many times as large as in life the network sees the teeth.
        fine_tuning_sizes: as ``sizes``, where a trained network goes on on a laptop; none: those.
    """

    name: str
    architecture: dict[str, object]
    spacing_mm: float
    sizes: tuple[tuple[int, int, int], ...]
    loss: Callable[[object, Patch], Losses]
    stage2: bool = False
    fine_tuning_sizes: tuple[tuple[int, int, int], ...] = ()
    magnification: float = 1.0


def build(task: Task) -> nn.Module:
    """The task's network with fresh weights."""
    return build_network(task.architecture, where=f"the network of task {task.name!r}")


def toothnet_loss(output: object, patch: Patch, *, dice: float = 1.0) -> Losses:
    """What the default network is judged by; ``dice`` weighs the Dice beside the cross-entropy."""
    assert isinstance(output, ToothNetOutput)
    types, kinds = output.types.float(), patch.types
    inside = patch.types > 0
    per_voxel = functional.cross_entropy(types, patch.types[None], reduction="none")[0]
    share = inside.float().mean().clamp(0.02, 0.5)
    weight = torch.where(inside, 0.5 / share, 0.5 / (1 - share))
    tooth, truth = output.tooth[0, 0].float(), patch.tooth
    losses: Losses = {}
    if output.prosthesis is not None and patch.prosthesis is not None:
        # An implant looks like a tooth, and the network may take it for one: it says besides which
        # it is. So neither the tooth's outline nor its type is asked for there.
        prosthesis = functional.avg_pool3d(patch.prosthesis[None].float(), 2)[0]
        losses["prosthesis"] = _prosthesis_loss(output.prosthesis[0, 0].float(), prosthesis, inside)
        elsewhere = prosthesis == 0
        weight = weight * elsewhere
        types, kinds = types[..., elsewhere], kinds[elsewhere]
        tooth, truth = tooth[~patch.prosthesis], truth[~patch.prosthesis]
    losses |= {
        "tooth": _tooth_loss(tooth, truth, dice),
        "types": (per_voxel * weight).mean() + 0.5 * dice * _type_dice(types, kinds),
    }
    if inside.any():
        away = output.offsets[0].float()[:, inside] - patch.offsets[:, inside] / OFFSET_UNIT_MM
        losses["offsets"] = functional.smooth_l1_loss(away, torch.zeros_like(away), beta=0.1)
    return losses


def _prosthesis_loss(logits: Tensor, truth: Tensor, teeth: Tensor) -> Tensor:
    """Cross-entropy, that in teeth, in prostheses and in the rest weighing the same; ``truth`` is
    the share of each voxel."""
    losses = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    work = truth > 0
    parts = [losses[part] for part in (work, teeth & ~work, ~teeth & ~work)]
    return 0.5 * sum((part.mean() for part in parts if part.numel()), torch.zeros(()))


def _tooth_loss(logits: Tensor, truth: Tensor, dice: float = 1.0) -> Tensor:
    """Cross-entropy and Dice of tooth against the rest; ``truth`` is the share of each voxel."""
    by_voxel = functional.binary_cross_entropy_with_logits(logits, truth)
    return by_voxel + dice * _shared_dice(torch.sigmoid(logits), truth)


def _shared_dice(probability: Tensor, truth: Tensor) -> Tensor:
    """Dice loss that is least where the two agree, also in voxels that are only part tooth.

    Wang et al., *Dice Semimetric Losses*, MICCAI 2023. The usual product would ask for all or
    nothing there; with a truth of 0 and 1 the two are the same.
    """
    both = probability.sum() + truth.sum()
    # The constant keeps a patch without teeth from asking for the impossible.
    return 1.0 - (both - (probability - truth).abs().sum() + 50.0) / (both + 50.0)


def _type_dice(logits: Tensor, types: Tensor) -> Tensor:
    """Mean soft Dice over the types present in the patch."""
    probability = torch.softmax(logits[0], dim=0).flatten(1)
    hot = functional.one_hot(types.flatten(), probability.shape[0]).T.float()
    present = hot.sum(dim=1) > 30
    present[0] = False
    if not present.any():
        return logits.sum() * 0.0
    overlap = (probability[present] * hot[present]).sum(dim=1)
    total = probability[present].sum(dim=1) + hot[present].sum(dim=1)
    return (1.0 - 2.0 * overlap / total.clamp(min=1.0)).mean()


def _stage1_loss(output: object, patch: Patch) -> Losses:
    assert isinstance(output, Tensor)
    return {"tooth": _tooth_loss(output[0, 0].float(), patch.tooth)}


def _stage2_loss(output: object, patch: Patch) -> Losses:
    assert isinstance(output, Tensor)
    truth = _CATEGORY_OF_FDI.to(patch.labels.device)[patch.labels.long()]
    logits = output.float()
    inside = truth > 0
    # Outside the teeth the second stage is told the answer by its mask, so it counts for little.
    weight = torch.where(inside, 1.0, 0.05)
    per_voxel = functional.cross_entropy(logits, truth[None], reduction="none")[0]
    return {
        "categories": (per_voxel * weight).sum() / weight.sum(),
        "dice": 0.5 * _type_dice(logits, truth),
    }


_CATEGORY_OF_FDI = torch.zeros(100, dtype=torch.int64)
for _fdi in (10 * quadrant + position for quadrant in range(1, 5) for position in range(1, 9)):
    _CATEGORY_OF_FDI[_fdi] = CATEGORY_OF_TYPE[type_of(_fdi)]

_UNET = {"class": "UNet", "dim": 3, "in_channels": 1}

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "toothnet",
            {"class": "ToothNet", "widths": [32, 64, 96, 128], "edge_width": 8, "prosthesis": True},
            0.5,
            ((96, 128, 144), (112, 144, 160), (80, 128, 160), (96, 112, 128)),
            toothnet_loss,
            fine_tuning_sizes=((64, 96, 112), (80, 96, 96), (64, 112, 96)),
            magnification=1.2,
        ),
        Task(
            "locator",
            {**_UNET, "out_channels": 1, "n_blocks": 4, "start_filters": 8},
            1.5,
            ((64, 80, 80), (48, 64, 80)),
            _stage1_loss,
        ),
        Task(
            "stage1",
            {**_UNET, "out_channels": 1, "n_blocks": 3, "start_filters": 18},
            0.5,
            ((72, 80, 96), (72, 96, 80)),
            _stage1_loss,
        ),
        Task(
            "stage2",
            {**_UNET, "out_channels": 9, "n_blocks": 3, "start_filters": 9},
            0.5,
            ((80, 104, 104), (72, 96, 112)),
            _stage2_loss,
            stage2=True,
        ),
    )
}
