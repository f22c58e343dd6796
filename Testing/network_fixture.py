"""Small networks as bundles store them, and an image to pass through."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import nn

from ToothSegLib.bundles.stored_network import StoredNetwork
from ToothSegLib.network import UNet
from ToothSegLib.toothnet import ToothNet

SHAPE = (32, 32, 48)
WIDTHS, EDGE = (4, 6, 8, 8), 4
UNET = {"dim": 3, "in_channels": 1, "out_channels": 2, "n_blocks": 3, "start_filters": 3}


def a_network(seed: int = 0) -> ToothNet:
    """Small, with normalisations that do something."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ToothNet(WIDTHS, EDGE)
        for name, values in network.named_parameters():
            if values.ndim == 1:
                nn.init.normal_(values, 1.0 if name.endswith("weight") else 0.0, 0.3)
        return network.eval()


def a_published_network() -> UNet:
    """The same of the other kind."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = UNet(**UNET)
        for _ in range(3):  # moves the running means and variances
            network(torch.randn(2, 1, 16, 16, 16))
        return network.eval()


def stored(network: nn.Module) -> StoredNetwork:
    """As a bundle would store it."""
    if isinstance(network, UNet):
        architecture: dict = {"class": "UNet", **UNET}
    else:
        architecture = {"class": "ToothNet", "widths": list(WIDTHS), "edge_width": EDGE}
    weights = {name: values.numpy().copy() for name, values in network.state_dict().items()}
    digest = hashlib.sha256(b"".join(values.tobytes() for values in weights.values()))
    return StoredNetwork("network 'made up'", architecture, weights, digest.hexdigest())


def an_image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
