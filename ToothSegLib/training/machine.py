"""Where and how finely a network computes while it is trained."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ToothSegLib.devices import choose_device, half_type


@dataclass(frozen=True)
class Machine:
    """A device, and the half precision that it multiplies in, or None for float32 throughout.

    Mixed precision (Micikevicius et al., ICLR 2018) is float16 with scaled losses on CUDA, and
    bfloat16, whose range needs no scaling, on processors that have it: there, with channels last,
    a training step of the article's networks took 14 to 64 % of its time in float32.
    """

    device: torch.device
    half: torch.dtype | None = None

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which networks run forward."""
        if self.half is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.half)

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps small float16 gradients from vanishing; does nothing where it is not needed."""
        return torch.amp.GradScaler(enabled=self.half == torch.float16)

    def place(self, network: nn.Module, dim: int) -> nn.Module:
        """A network of `dim` dimensions on the device, channels last."""
        layout = torch.channels_last_3d if dim == 3 else torch.channels_last
        return network.to(self.device, memory_format=layout)  # type: ignore[call-overload]

    def place_batch(self, batch: torch.Tensor) -> torch.Tensor:
        """A batch (N, C, ...) on the device, channels last."""
        layout = torch.channels_last_3d if batch.ndim == 5 else torch.channels_last
        return batch.to(self.device, memory_format=layout)


def choose_machine(name: str = "auto", *, mixed: bool = True) -> Machine:
    """The device of that name, with its half precision if `mixed`.

    Raises:
        InputError: there is no such device on this computer.
    """
    device = torch.device(choose_device(name))
    return Machine(device, half_type(device) if mixed else None)
