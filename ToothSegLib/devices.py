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
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return None
    # The library must be willing and the processor able; each of the two tells only its own part.
    willing = _ask(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")
    able = _ask(torch.cpu, "_is_avx512_bf16_supported") or _ask(torch.cpu, "_is_amx_tile_supported")
    return torch.bfloat16 if willing and able else None


def _ask(module: object, question: str) -> bool:
    """A yes-or-no question that some versions of torch do not know; no, then."""
    answer = getattr(module, question, None)
    return bool(answer()) if answer is not None else False
