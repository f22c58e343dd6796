"""Training put by so that it goes on as if it had never stopped.

One safetensors file holds the weights, the optimiser's moments and, as JSON in its header,
everything else; nothing is pickled, and a crash while writing leaves the checkpoint before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ToothSegLib.bundles.safetensors_io import read_with_metadata, write_safetensors
from ToothSegLib.errors import UNSOUND_JSON, BundleError, InputError, one_line

_WEIGHTS = "weights/"
_OPTIMISER = "optimiser/"
_STATE = "state"


@dataclass(frozen=True)
class Checkpoint:
    """What a file of `save_checkpoint` holds."""

    weights: dict[str, torch.Tensor]
    moments: dict[int, dict[str, torch.Tensor]]  # by the parameter's place in the optimiser
    state: dict[str, Any]

    def restore(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        """Put weights and moments back.

        Raises:
            BundleError: they are not of this network and optimiser.
        """
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        try:
            network.load_state_dict(self.weights, strict=True)
            state = {
                index: {name: _like(parameters[index], value) for name, value in entry.items()}
                for index, entry in self.moments.items()
            }
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": state, "param_groups": groups})
        except (RuntimeError, ValueError, IndexError) as error:
            raise BundleError(
                f"the checkpoint is of another network: {one_line(error):.200}"
            ) from None


def save_checkpoint(
    path: str | os.PathLike[str],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: dict[str, Any],
) -> None:
    """Write weights, moments and a JSON-able state, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {_WEIGHTS + name: value for name, value in network.state_dict().items()}
    for index, entry in optimiser.state_dict()["state"].items():
        for name, value in entry.items():
            tensors[f"{_OPTIMISER}{index}/{name}"] = torch.as_tensor(value)
    write_safetensors(path, tensors, {_STATE: json.dumps(state)})


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read what `save_checkpoint` wrote, onto the CPU.

    Raises:
        BundleError: the file is missing, damaged or no checkpoint.
    """
    weights: dict[str, torch.Tensor] = {}
    moments: dict[int, dict[str, torch.Tensor]] = {}
    tensors, metadata = read_with_metadata(path)
    try:
        state = dict(json.loads(metadata[_STATE]))
        for name, tensor in tensors.items():
            if name.startswith(_WEIGHTS):
                weights[name.removeprefix(_WEIGHTS)] = tensor
            else:
                index, key = name.removeprefix(_OPTIMISER).split("/")
                moments.setdefault(int(index), {})[key] = tensor
    except UNSOUND_JSON:
        raise BundleError(f"{path} is no checkpoint of a training") from None
    return Checkpoint(weights, moments, state)


def refuse_other(
    path: str | os.PathLike[str], begun: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """Refuse to go on with a training that was begun otherwise.

    Args:
        path: of its checkpoint.
        begun: how it was begun; what it does not say is taken to be as asked.
        asked: how it is to go on.

    Raises:
        InputError: with the first that differs.
    """
    for name, value in asked.items():
        before = begun.get(name, value)
        if before != value:
            raise InputError(
                f"{path} is of a training with {name} {before}, not {value}: resume with the same "
                "options, or write to another folder"
            )


def _like(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """A moment in the memory layout of its parameter, so that sums run in the same order."""
    if value.shape != parameter.shape:
        return value  # the count of steps
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
