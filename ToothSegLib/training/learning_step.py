"""One step of learning from one patch, and the running mean of the weights it leads to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ToothSegLib.synthesis.sampling import Patch
from ToothSegLib.training.finite import check_finite
from ToothSegLib.training.on_device import Machine
from ToothSegLib.training.tasks import Task

_AVERAGING = 0.995
_WARM_UP = 60
_LARGEST_GRADIENT = 2.0


class Averaged(nn.Module):
    """A network beside the running mean of its weights."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.average = deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def absorb(self, step: int) -> None:
        """Move the mean towards the present weights, faster in the beginning."""
        decay = min(_AVERAGING, (1 + step) / (10 + step))
        for mean, new in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(new, 1.0 - decay)
            else:
                mean.copy_(new)


def averages_in(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The running means among the weights of a checkpoint of `Averaged`, by their own names."""
    start = "average."
    return {
        name.removeprefix(start): tensor
        for name, tensor in weights.items()
        if name.startswith(start)
    }


def schedule(step: int, steps: int) -> float:
    """Share of the learning rate: a short warm-up, then a cosine down to 2 %."""
    if step < _WARM_UP:
        return (step + 1) / _WARM_UP
    progress = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress))


def on_device(patch: Patch, device: torch.device) -> Patch:
    """The patch with all tensors of its own on a device; its edges, which only the picture needs,
    stay where they are."""
    moved: dict[str, Any] = {
        name: part.to(device) for name, part in vars(patch).items() if isinstance(part, Tensor)
    }
    return replace(patch, **moved)


def take_step(
    task: Task,
    pair: Averaged,
    optimiser: torch.optim.Optimizer,
    image: Tensor,
    patch: Patch,
    machine: Machine,
    rate: float,
    step: int,
    *,
    forward: nn.Module | None = None,
) -> dict[str, float]:
    """Learn from one patch.

    Args:
        task: what is learnt; gives the loss.
        pair: the network and its running mean, on the machine's device.
        optimiser: of the network.
        image: (1, 1, Z, Y, X).
        patch: the answers.
        machine: where it computes.
        rate: learning rate of this step.
        step: how many came before.
        forward: the network as it is to be called, where that is not `pair.network` itself.

    Returns:
        The terms of the loss.

    Raises:
        InputError: the loss or its gradient is no number any more, or the device has too little
            memory, is lost, or cannot do it.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate
    network = forward or pair.network
    network.train()
    with machine.working():
        image = machine.place_batch(image)
        patch = on_device(patch, machine.device)
        with machine.autocast():
            output = network(image)
        losses = task.loss(output, patch)
        total = torch.stack(list(losses.values())).sum()
        if not total.requires_grad:  # one part learns alone, and nothing here is asked of it
            return {name: float(loss) for name, loss in losses.items()}
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        length = float(nn.utils.clip_grad_norm_(pair.network.parameters(), _LARGEST_GRADIENT))
        check_finite(float(total.detach()), task.name, step + 1)
        # In half precision a gradient is now and then too long for its length to be a number, of a
        # network that is well: then there is no step. Processes that learn together share the
        # gradient, so all of them go on, or stop, alike.
        if not math.isinf(length):
            check_finite(length, task.name, step + 1)
            optimiser.step()
            pair.absorb(step)
        return {name: float(loss.detach()) for name, loss in losses.items()}
