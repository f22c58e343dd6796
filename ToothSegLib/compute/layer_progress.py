"""How far a network has come within one pass, layer by layer; and where it can be stopped.

A scan that goes through in one piece is a single pass of many seconds. What a layer takes is
estimated from what it computes and what it moves, seen in a pass over a small cube.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ToothSegLib.progress import Progress

# Reading and writing one value takes about as long as this many multiplications of a convolution.
_MOVING = 30.0
# Edge of the small cube in voxels: networks pool four times, and two voxels are to be left.
CUBE = 32


@torch.inference_mode()
def layer_costs(network: nn.Module, device: str) -> list[float]:
    """Relative cost of every layer, in the order in which a pass calls them.

    Args:
        network: takes (1, 1, Z, Y, X); every layer's size goes with that of the input.
        device: where the network is.
    """
    costs: list[float] = []

    def note(layer: nn.Module, _: object, output: object) -> None:
        size = output.numel() if isinstance(output, Tensor) else 0
        costs.append(size * (_MOVING + _multiplications(layer)))

    hooks = [layer.register_forward_hook(note) for layer in _layers(network)]
    try:
        network(torch.zeros((1, 1, CUBE, CUBE, CUBE), device=device))
    finally:
        for hook in hooks:
            hook.remove()
    return costs


@contextmanager
def telling_layers(
    network: nn.Module, costs: Sequence[float], progress: Progress
) -> Iterator[None]:
    """Progress after every layer of the one pass that is made within.

    Args:
        network: the one that `costs` were found for.
        costs: what `layer_costs` gave.
        progress: of this pass; asked before every layer whether to stop.
    """
    whole = sum(costs) or 1.0
    ahead = iter(costs)
    done = 0.0

    def before(*_: object) -> None:
        progress.check()

    def after(*_: object) -> None:
        nonlocal done
        done += next(ahead, 0.0)
        progress.update(done / whole)

    layers = _layers(network)
    hooks = [layer.register_forward_pre_hook(before) for layer in layers]
    hooks += [layer.register_forward_hook(after) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _layers(network: nn.Module) -> list[nn.Module]:
    """The modules that have no modules within; the network itself if it has none."""
    return [module for module in network.modules() if not any(module.children())]


def _multiplications(layer: nn.Module) -> float:
    """A convolution's multiplications for one value of its output."""
    if isinstance(layer, nn.Conv2d | nn.Conv3d):
        return layer.weight.numel() / layer.out_channels
    if isinstance(layer, nn.ConvTranspose2d | nn.ConvTranspose3d):  # its strides do not overlap
        return float(layer.in_channels)
    return 0.0
