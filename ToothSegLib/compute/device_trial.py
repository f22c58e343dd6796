"""A graphics device is trusted once it has computed a small cube as the processor does.

Some versions of macOS and PyTorch give numbers for convolutions in three dimensions that have
nothing to do with the right ones, without a word. Nobody would see that in a tooth's outline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy

import torch
from torch import Tensor, nn

from ToothSegLib.compute.device_faults import DeviceUnfitError
from ToothSegLib.compute.devices import kind_of, layout

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
        self._kind = kind_of(device)
        self._half = half
        if self._kind == "cpu":
            return
        image = torch.rand((1, 1, *[_EDGE] * dim), generator=torch.Generator().manual_seed(0))
        with _judging(network):
            self._here = deepcopy(network).to("cpu")
        self._right = _answers(self._here, image)
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
        if not _agree(found, self._right):
            raise DeviceUnfitError(kind, "it computes them otherwise than the processor does")

    @torch.no_grad()
    def check_same_everywhere(self, image: Tensor, answers: Sequence[Tensor]) -> None:
        """See that an answer is the same everywhere only if the processor's is.

        Metal raises nothing where it breaks off: what it has not written is zero, and the next
        trial may go well. A true answer can be the same everywhere as well, as that of a network
        that looks for teeth is over air. So the processor is asked, which is seldom needed.

        Args:
            image: (1, 1, Z, Y, X) that the device was asked about; lies on the processor.
            answers: what it said, of every output; they lie on the processor, too.

        Raises:
            DeviceUnfitError: an answer is the same everywhere, and the processor has others.
        """
        if self._kind == "cpu" or all(answer.min() < answer.max() for answer in answers):
            return
        if not _agree([answer.float() for answer in answers], _answers(self._here, image)):
            raise DeviceUnfitError(self._kind, "one of its answers is the same everywhere")


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


def _agree(found: Sequence[Tensor], right: Sequence[Tensor]) -> bool:
    for told, truth in zip(found, right, strict=True):
        off = float((told - truth).norm())
        varies, size = float((truth - truth.mean()).norm()), float(truth.norm())
        if not off <= _FAR * varies + _DIGITS * size + 1e-6:  # neither for what is no number
            return False
    return True


def on_the_processor(answer: Tensor | Sequence[Tensor | None]) -> list[Tensor]:
    """Every output of a network that gives one or several, but for those that it does not have."""
    outputs = [answer] if isinstance(answer, Tensor) else answer
    return [output.cpu() for output in outputs if output is not None]


def _answers(network: nn.Module, image: Tensor) -> list[Tensor]:
    return [output.float() for output in on_the_processor(network(image))]
