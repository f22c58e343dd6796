"""What computes the networks: PyTorch everywhere, or OpenVINO on a processor, which is faster.

OpenVINO is an optional extra. Where it is installed it is taken by itself; where it then does not
work, the cascade goes on with PyTorch and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ToothSegLib.devices import half_type
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

BACKENDS = ("auto", "torch", "openvino")

Pass = Callable[["Tensor", Progress], list["Tensor"]]
"""Takes (1, 1, Z, Y, X) float32; gives every output of the network, (C, Z', Y', X') float32, on
the processor. It tells how far it has come and stops when it is asked to."""


class BackendError(InputError):
    """A backend does not work on this computer."""


def check_backend(name: str) -> None:
    """Refuse what is not one of `BACKENDS`.

    Raises:
        InputError: as said.
    """
    if name not in BACKENDS:
        raise InputError(f"no backend {name!r}: choose one of {', '.join(BACKENDS)}")


def choose_backend(name: str, device: torch.device) -> str:
    """The backend of that name; ``auto`` takes OpenVINO on a processor if it is installed.

    Returns:
        "torch" or "openvino".

    Raises:
        InputError: OpenVINO was asked for, and is not installed or cannot use the device.
    """
    check_backend(name)
    if name == "torch" or (name == "auto" and device.type != "cpu"):
        return "torch"
    if device.type != "cpu":
        raise InputError(
            f"OpenVINO computes on the processor, not on {device.type}: use --device cpu or "
            "--backend torch"
        )
    if find_spec("openvino") is not None:
        return "openvino"
    if name == "auto":
        return "torch"
    raise InputError(
        "OpenVINO is not installed: use --backend torch, or python -m pip install openvino"
    )


def ready(
    network: nn.Module,
    shape: tuple[int, int, int],
    device: torch.device,
    precision: str = "auto",
    backend: str = "torch",
) -> AbstractContextManager[Pass]:
    """A network ready for passes over images of one size.

    Args:
        network: on the device; takes (1, 1, Z, Y, X), gives one tensor or several.
        shape: (Z, Y, X) of the images.
        device: where to compute.
        precision: one of `devices.PRECISIONS`.
        backend: "torch" or "openvino".

    Raises:
        BackendError: OpenVINO does not work here.
    """
    half = half_type(device) if precision == "auto" else None
    if backend == "openvino":
        from ToothSegLib.openvino_backend import openvino_pass

        return openvino_pass(network, shape, half is not None)
    return torch_pass(network, device, half)


@contextmanager
def torch_pass(
    network: nn.Module, device: torch.device, half: torch.dtype | None
) -> Iterator[Pass]:
    """PyTorch's passes, with progress after every layer; see `ready`."""
    import torch

    from ToothSegLib.layer_progress import layer_costs, telling_layers

    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    costs = layer_costs(network, device)

    def run(image: Tensor, progress: Progress) -> list[Tensor]:
        batch = image.to(device, memory_format=torch.channels_last_3d)
        lower = nullcontext() if half is None else torch.autocast(device.type, dtype=half)
        with telling_layers(network, costs, progress), lower:
            answer = network(batch)
        outputs = [answer] if isinstance(answer, torch.Tensor) else list(answer)
        return [output[0].float().cpu() for output in outputs]

    yield run
