"""Where the networks run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ToothSegLib.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; ``auto`` takes a GPU where there is one.

    Raises:
        InputError: there is no such device on this computer.
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, found in there.items() if found)
    if name not in there:
        raise InputError(f"no device {name!r}: choose one of {', '.join(DEVICES)}")
    if not there[name]:
        raise InputError(f"this computer has no {name} device: use --device auto or cpu")
    return torch.device(name)


def half_type(device: torch.device) -> torch.dtype | None:
    """The half precision that pays on the device, or None.

    On a processor bfloat16 pays only where it is native; without AVX-512 BF16 or AMX it is slower
    than float32.
    """
    import torch

    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        native = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
        return torch.bfloat16 if native is not None and native() else None
    return None
