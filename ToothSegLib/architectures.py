"""Networks from what a card says of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ToothSegLib.errors import BundleError
from ToothSegLib.model_card import one_line

if TYPE_CHECKING:
    import torch
    from torch import nn

_MODULES = {
    "UNet": "ToothSegLib.network",
    "ToothNet": "ToothSegLib.toothnet",
}


def build_network(architecture: Mapping[str, Any], where: str = "the network") -> nn.Module:
    """A network with random weights, as a card describes it.

    Args:
        architecture: its `class` and the arguments of that class.
        where: what to call it in errors.

    Raises:
        BundleError: the class is unknown, or refuses its arguments.
    """
    from torch.random import fork_rng

    options = dict(architecture)
    class_name = options.pop("class", None)
    if not isinstance(class_name, str) or class_name not in _MODULES:
        known = ", ".join(_MODULES)
        raise BundleError(f"{where} is of the unknown class {class_name!r}; known are {known}")
    try:
        factory = getattr(importlib.import_module(_MODULES[class_name]), class_name)
        with fork_rng(devices=[]):  # building one changes nobody else's random numbers
            network: nn.Module = factory(**options)
    except (TypeError, ValueError, RuntimeError, MemoryError, AttributeError) as error:
        raise BundleError(f"{where} cannot be built as a {class_name}: {one_line(error)}") from None
    return network


def with_weights(
    architecture: Mapping[str, Any], state: Mapping[str, torch.Tensor], where: str
) -> nn.Module:
    """A network with these weights; all of them, and no others.

    Raises:
        BundleError: it cannot be built, or the weights do not fit it exactly.
    """
    network = build_network(architecture, where)
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        raise BundleError(f"{where} has weights that do not fit it: {one_line(error)}") from None
    return network


def count_parameters(network: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(parameter.numel() for parameter in network.parameters())
