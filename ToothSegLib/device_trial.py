"""A graphics device is trusted once it has computed a small cube as the processor does.

Some versions of macOS and PyTorch give numbers for convolutions in three dimensions that have
nothing to do with the right ones, without a word. Nobody would see that in a tooth's outline.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ToothSegLib.device_faults import DeviceUnfitError
from ToothSegLib.devices import layout

# Networks pool four times, and normalising needs some voxels then.
_EDGE = 48
# Of how much the answer varies, in the mean: half precision stays far below it, what is wrong is
# far above. An answer that is the same all over has its digits, too.
_FAR = 0.1
_DIGITS = 0.01


class Trial:
    """A network's answers on a device beside those that it gives on the processor.

    Args:
        network: lies on the device; takes (1, 1, Z, Y, X), or (1, 1, Y, X), gives one tensor or
            several.
        device: any; the processor is trusted.
        half: the half precision that it is to compute in.
        dim: 2 or 3.
    """

    @torch.no_grad()
    def __init__(
        self,
        network: nn.Module,
        device: torch.device | str,
        half: torch.dtype | None = None,
        dim: int = 3,
    ) -> None:
        self._network = network
        self._kind = str(device).partition(":")[0]
        self._half = half
        if self._kind == "cpu":
            return
        image = torch.rand((1, 1, *[_EDGE] * dim), generator=torch.Generator().manual_seed(0))
        with _judging(network):
            self._right = _answers(deepcopy(network).to("cpu"), image)
        self._image = image.to(device, memory_format=layout(device, dim))

    @torch.no_grad()
    def check(self) -> None:
        """See that the device computes as the processor did.

        Raises:
            DeviceUnfitError: the answers differ by far.
        """
        kind, half = self._kind, self._half
        if kind == "cpu":
            return
        lower = nullcontext() if half is None else torch.autocast(kind, dtype=half)
        with _judging(self._network), lower:
            found = _answers(self._network, self._image)
        for told, truth in zip(found, self._right, strict=True):
            off = float((told - truth).norm())
            varies, size = float((truth - truth.mean()).norm()), float(truth.norm())
            if not off <= _FAR * varies + _DIGITS * size + 1e-6:  # neither for what is no number
                raise DeviceUnfitError(kind, "it computes them otherwise than the processor does")


def check_device(
    network: nn.Module, device: torch.device | str, half: torch.dtype | None = None, dim: int = 3
) -> None:
    """One `Trial`. Raises DeviceUnfitError."""
    Trial(network, device, half, dim).check()


@contextmanager
def _judging(network: nn.Module) -> Iterator[None]:
    learning = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(learning)


def _answers(network: nn.Module, image: Tensor) -> list[Tensor]:
    answer: Any = network(image)
    outputs = [answer] if isinstance(answer, Tensor) else answer
    return [output.cpu().float() for output in outputs if output is not None]
