"""A graphics device is trusted once it has computed a small cube as the processor does.

Some versions of macOS and PyTorch give numbers for convolutions in three dimensions that have
nothing to do with the right ones, without a word. Nobody would see that in a tooth's outline.
"""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ToothSegLib.devices import DeviceUnfitError, layout

# Networks pool four times, and normalising needs some voxels then.
_EDGE = 48
# Of how much the answer varies, in the mean: half precision stays far below it, what is wrong is
# far above. An answer that is the same all over has its digits, too.
_FAR = 0.1
_DIGITS = 0.01


@torch.no_grad()
def check_device(
    network: nn.Module, device: torch.device | str, half: torch.dtype | None = None, dim: int = 3
) -> None:
    """See that a network's answers on a device are those that it gives on the processor.

    Args:
        network: lies on the device; takes (1, 1, Z, Y, X), or (1, 1, Y, X), gives one tensor or
            several.
        device: any; the processor is trusted.
        half: the half precision that it is to compute in.
        dim: 2 or 3.

    Raises:
        DeviceUnfitError: they differ by far.
    """
    kind = str(device).partition(":")[0]
    if kind == "cpu":
        return
    chance = torch.Generator().manual_seed(0)
    image = torch.rand((1, 1, *[_EDGE] * dim), generator=chance)
    learning = network.training
    network.eval()
    try:
        right = _answers(deepcopy(network).to("cpu"), image)
        with nullcontext() if half is None else torch.autocast(kind, dtype=half):
            found = _answers(network, image.to(device, memory_format=layout(device, dim)))
    finally:
        network.train(learning)
    for told, truth in zip(found, right, strict=True):
        off = float((told - truth).norm())
        varies, size = float((truth - truth.mean()).norm()), float(truth.norm())
        if not off <= _FAR * varies + _DIGITS * size + 1e-6:  # neither for what is no number
            raise DeviceUnfitError(
                f"the {kind} device computes the networks otherwise than the processor does: "
                "update the system, its driver and PyTorch, or use --device cpu"
            )


def _answers(network: nn.Module, image: Tensor) -> list[Tensor]:
    answer: Any = network(image)
    outputs = [answer] if isinstance(answer, Tensor) else answer
    return [output.float().cpu() for output in outputs if output is not None]
