"""Where the networks run, how precisely, and what happens when there is too little memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ToothSegLib.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "full")
"""``auto`` takes half precision where it pays, ``full`` float32 everywhere."""

# How the devices that have no exception of their own for it say that memory ran out.
_NO_MEMORY = ("out of memory", "ALLOC_FAILED", "can't allocate memory", "not enough memory")


# What drivers say of a graphics device that has gone or hangs; the processor can go on.
_LOST = (
    "device lost", "fallen off the bus", "unspecified launch failure", "launch timed out",
    "ECC error", "no CUDA-capable device", "CUDA error: unknown error", "driver shutting down",
    "device is unavailable", "GPU is lost", "Device lost", "command buffer exited with error",
)  # fmt: skip


class DeviceMemoryError(InputError):
    """The device has too little memory for the scan."""


class DeviceLostError(InputError):
    """The graphics device stopped answering in the middle of its work."""


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


def check_precision(name: str) -> None:
    """Refuse what is not one of `PRECISIONS`.

    Raises:
        InputError: as said.
    """
    if name not in PRECISIONS:
        raise InputError(f"no precision {name!r}: choose one of {', '.join(PRECISIONS)}")


@contextmanager
def enough_memory(device: torch.device) -> Iterator[None]:
    """Whatever a device says when its memory runs out, or when it is lost, as one error.

    Raises:
        DeviceMemoryError: memory ran out within.
        DeviceLostError: the graphics device is gone.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if device.type != "cpu" and any(sign in str(error) for sign in _LOST):
            raise DeviceLostError(
                f"the {device.type} device stopped answering: restart the computer, or use "
                "--device cpu"
            ) from error
        if not _is_out_of_memory(error):
            raise
        if device.type == "cpu":
            raise DeviceMemoryError(
                "this computer has too little memory for this scan: close other programs, or crop "
                "the scan to the jaws"
            ) from error
        raise DeviceMemoryError(
            f"the {device.type} device has too little memory for this scan: use --device cpu"
        ) from error


def release_memory(device: torch.device) -> None:
    """Hand back what torch keeps of a GPU's memory for later; one that is lost keeps it."""
    import gc
    from contextlib import suppress

    import torch

    gc.collect()
    with suppress(RuntimeError):
        if device.type == "cuda":
            torch.cuda.empty_cache()
        elif device.type == "mps":
            torch.mps.empty_cache()


def _is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(sign in str(error) for sign in _NO_MEMORY)


def _ask(module: object, question: str) -> bool:
    """A yes-or-no question that some versions of torch do not know; no, then."""
    answer = getattr(module, question, None)
    return bool(answer()) if answer is not None else False
