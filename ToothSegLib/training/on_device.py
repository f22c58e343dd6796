"""Where and how finely a network computes while it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ToothSegLib.compute.device_faults import DeviceUnfitError, device_faults
from ToothSegLib.compute.device_trial import check_device
from ToothSegLib.compute.devices import as_precise, choose_device, half_type, layout


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

    @contextmanager
    def working(self) -> Iterator[None]:
        """The context of a whole step: as precise as asked for, and what fails is one line.

        Raises:
            InputError: the device has too little memory, is lost, or cannot do it. Nothing takes
                over then: what was learnt up to the last checkpoint is there.
        """
        with device_faults(self.device.type, "training"), as_precise(self.device, self.half):
            yield

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps small float16 gradients from vanishing; does nothing where it is not needed."""
        return torch.amp.GradScaler(enabled=self.half == torch.float16)

    def place(self, network: nn.Module, dim: int) -> nn.Module:
        """A network of `dim` dimensions on the device, in its layout.

        Raises:
            InputError: the device has too little memory, or cannot compute the network.
        """
        with self.working():
            network.to(  # type: ignore[call-overload]
                self.device, memory_format=layout(self.device, dim)
            )
            try:
                check_device(network, self.device, self.half, dim)
            except DeviceUnfitError as error:
                if self.half is None:
                    raise
                reason = f"in half precision {error.reason}"
                raise DeviceUnfitError(self.device.type, reason) from error
        return network

    def place_batch(self, batch: torch.Tensor) -> torch.Tensor:
        """A batch (N, C, ...) on the device, in its layout."""
        return batch.to(self.device, memory_format=layout(self.device, batch.ndim - 2))


def choose_machine(name: str = "auto", *, mixed: bool = True) -> Machine:
    """The device of that name, with its half precision if `mixed`.

    Raises:
        InputError: there is no such device on this computer.
    """
    device = torch.device(choose_device(name))
    return Machine(device, half_type(device) if mixed else None)
