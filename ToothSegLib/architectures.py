"""Networks from what a card says of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ToothSegLib.errors import BundleError, one_line

if TYPE_CHECKING:
    import torch
    from torch import nn

_MODULES = {
    "UNet": "ToothSegLib.network",
    "ToothNet": "ToothSegLib.toothnet",
}

# Far beyond any network here; what is larger would take memory or time before it is refused.
_LARGEST = 4096
_MOST_OPTIONS = 64
_MOST_BLOCKS = 12  # each doubles the channels

REFUSALS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What arguments that make no sense end in, within a class."""


def build_network(architecture: Mapping[str, Any], where: str = "the network") -> nn.Module:
    """A network with random weights, as a card describes it.

    Args:
        architecture: its `class` and the arguments of that class.
        where: what to call it in errors.

    Raises:
        BundleError: the class is unknown, or refuses its arguments.
    """
    from torch.random import fork_rng

    class_name, options = checked(architecture, where)
    try:
        factory = getattr(importlib.import_module(_MODULES[class_name]), class_name)
        with fork_rng(devices=[]):  # building one changes nobody else's random numbers
            network: nn.Module = factory(**options)
    except (*REFUSALS, MemoryError, RuntimeError) as error:
        reason = one_line(error)[:200]
        raise BundleError(f"{where} cannot be built as a {class_name}: {reason}") from None
    return network


def checked(
    architecture: Mapping[str, Any], where: str = "the network"
) -> tuple[str, dict[str, Any]]:
    """A known class and its arguments, none of which is beyond what networks have.

    Raises:
        BundleError: as of `build_network`.
    """
    options = dict(architecture)
    class_name = options.pop("class", None)
    if not isinstance(class_name, str) or class_name not in _MODULES:
        known = ", ".join(_MODULES)
        raise BundleError(f"{where} is of the unknown class {class_name!r}; known are {known}")
    deep = isinstance(blocks := options.get("n_blocks"), int) and blocks > _MOST_BLOCKS
    if deep or not _is_bounded(options):
        raise BundleError(
            f"{where} cannot be built as a {class_name}: its card asks for {options!r:.200}"
        )
    return class_name, options


def with_weights(
    architecture: Mapping[str, Any], state: Mapping[str, torch.Tensor], where: str
) -> nn.Module:
    """A network with these weights; all of them, and no others.

    Raises:
        BundleError: it cannot be built, or the weights do not fit it exactly.
    """
    import torch

    with torch.device("meta"):  # shapes alone, so that a lying card costs no memory
        expected = build_network(architecture, where).state_dict()
    wrong = [
        name
        for name in [*expected, *(name for name in state if name not in expected)]
        if name not in state or name not in expected or state[name].shape != expected[name].shape
    ]
    if wrong:
        there, meant = (
            None if (tensor := tensors.get(wrong[0])) is None else tensor.shape
            for tensors in (state, expected)
        )
        first = differing(wrong[0], there, meant)
        raise unfit(where, f"{first}, and {len(wrong) - 1} others differ")
    network = build_network(architecture, where)
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        raise unfit(where, one_line(error)[:200]) from None
    return network


def unfit(where: str, why: str) -> BundleError:
    """What to raise where weights are not those of their network."""
    return BundleError(f"{where} has weights that do not fit it: {why}")


def differing(name: str, there: Sequence[int] | None, meant: Sequence[int] | None) -> str:
    """In words, the shape that weights have and the one that they are to have; None where there are
    none."""
    return f"{name:.100} is {_shape(there)}, by the architecture {_shape(meant)}"


def _is_bounded(value: Any) -> bool:
    """Whether an architecture's arguments are numbers that networks have, however they nest."""
    if isinstance(value, Mapping):
        return len(value) <= _MOST_OPTIONS and all(_is_bounded(part) for part in value.values())
    if isinstance(value, list | tuple):
        return len(value) <= _MOST_OPTIONS and all(_is_bounded(part) for part in value)
    return not isinstance(value, int | float) or abs(value) <= _LARGEST


def _shape(shape: Sequence[int] | None) -> str:
    return "not there" if shape is None else " x ".join(map(str, shape)) or "a number"


def count_parameters(network: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(parameter.numel() for parameter in network.parameters())
