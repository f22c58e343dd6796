"""What computes the networks: PyTorch everywhere, or OpenVINO on a processor, which is faster.

OpenVINO is an optional extra. Where it is installed it is taken by itself; where it then does not
work, the cascade goes on with PyTorch and says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Union

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.bundles.stored_network import StoredNetwork
from ToothSegLib.command_line import command_line
from ToothSegLib.compute.device_faults import DeviceUnfitError
from ToothSegLib.compute.devices import as_precise, half_type, has_half, layout
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ToothSegLib.models import Bundle

BACKENDS = ("auto", "torch", "openvino")

_TESTED = "openvino==2026.4.1"  # as in constraints.txt, which no installed package has beside it

Network = Union["nn.Module", StoredNetwork]
"""What PyTorch computes, and what OpenVINO does."""

Pass = Callable[[NDArray[np.float32], Progress], list[NDArray[np.float32]]]
"""Takes (Z, Y, X) float32; gives every output of the network, (C, Z', Y', X') float32. It tells how
far it has come and stops when it is asked to."""


class BackendError(InputError):
    """A backend does not work on this computer."""


def check_backend(name: str) -> None:
    """Refuse what is not one of `BACKENDS`.

    Raises:
        InputError: as said.
    """
    if name not in BACKENDS:
        raise InputError(f"no backend {name!r}: choose one of {', '.join(BACKENDS)}")


def choose_backend(name: str, device: str) -> str:
    """The backend of that name; ``auto`` takes OpenVINO on a processor if it is installed.

    Returns:
        "torch" or "openvino".

    Raises:
        InputError: OpenVINO was asked for, and is not installed or cannot use the device.
    """
    check_backend(name)
    if name == "torch" or (name == "auto" and device != "cpu"):
        return "torch"
    if device != "cpu":
        raise InputError(
            f"OpenVINO computes on the processor, not on {device}: use --device cpu or "
            "--backend torch"
        )
    if find_spec("openvino") is not None:
        return "openvino"
    if name == "auto":
        return "torch"
    raise InputError(f"OpenVINO is not installed: use --backend torch, or {how_to_install()}")


def how_to_install() -> str:
    """The command that brings OpenVINO, as tested, to the Python that runs."""
    return command_line(sys.executable or "python", "-m", "pip", "install", _TESTED)


def load_network(bundle: Bundle, role: str, device: str, backend: str) -> Network:
    """A bundle's network as the backend takes it.

    Raises:
        BundleError: it is missing, damaged, or not what its card says.
    """
    return bundle.stored(role) if backend == "openvino" else bundle.build(role, device)


def ready(
    network: Network,
    shape: tuple[int, int, int],
    device: str,
    precision: str = "auto",
) -> AbstractContextManager[Pass]:
    """A network ready for passes over images of one size.

    Args:
        network: as `load_network` gives it; takes (1, 1, Z, Y, X), gives one tensor or several.
        shape: (Z, Y, X) of the images.
        device: where to compute.
        precision: one of `devices.PRECISIONS`.

    Raises:
        BackendError: OpenVINO does not work here.
        BundleError: the weights do not fit their architecture.
        DeviceUnfitError: the graphics device computes wrongly, as is seen here or of a pass.
    """
    if isinstance(network, StoredNetwork):
        from ToothSegLib.compute.openvino_backend import openvino_pass

        return openvino_pass(network, shape, precision == "auto" and has_half(device))
    return torch_pass(network, device, half_type(device) if precision == "auto" else None)


@contextmanager
def torch_pass(network: nn.Module, device: str, half: torch.dtype | None) -> Iterator[Pass]:
    """PyTorch's passes, with progress after every layer; see `ready`."""
    import torch

    from ToothSegLib.compute.device_trial import Trial, on_the_processor
    from ToothSegLib.compute.layer_progress import layer_costs, telling_layers

    order = layout(device)
    network = network.to(memory_format=order)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(image: NDArray[np.float32], progress: Progress) -> list[NDArray[np.float32]]:
        here = as_tensor(image)[None, None]
        batch = here.to(device, memory_format=order)
        lower = nullcontext() if half is None else torch.autocast(device, dtype=half)
        with telling_layers(network, costs, progress), lower:
            answer = network(batch)
        # Narrow numbers are moved, and widened here.
        moved = on_the_processor(answer)
        passed = [as_array(output[0]) for output in moved]
        if device != "cpu" and not all(np.isfinite(output).all() for output in passed):
            raise DeviceUnfitError(device, "some of its answers are no numbers")
        trial.check_same_everywhere(here, moved)
        return passed

    with as_precise(device, half):
        trial = Trial(network, device, half)
        trial.check()
        costs = layer_costs(network, device)
        yield run
        trial.check()  # a device may have gone wrong while it computed


def as_tensor(array: NDArray[np.float32]) -> torch.Tensor:
    """A copy of an array as PyTorch's.

    Not by `torch.from_numpy`: the last PyTorch for Intel's Macs, which is that of Slicer on macOS,
    was built for NumPy 1 and knows nothing of the NumPy 2 that is there.
    """
    import torch

    own = np.array(array, np.float32, order="C")
    return torch.frombuffer(own.data.cast("B"), dtype=torch.float32).reshape(own.shape)


def as_array(tensor: torch.Tensor) -> NDArray[np.float32]:
    """A tensor on the processor as an array of float32; without NumPy's help, as `as_tensor`."""
    import torch

    array = np.empty(tuple(tensor.shape), np.float32)
    there = torch.frombuffer(array.data.cast("B"), dtype=torch.float32)
    there.reshape(array.shape).copy_(tensor)
    return array
