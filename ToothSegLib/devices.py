"""Where the networks run, how precisely, and what happens when there is too little memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ToothSegLib.errors import InputError
from ToothSegLib.machine_facts import has_bfloat16, surely_without_graphics

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


def choose_device(name: str = "auto") -> str:
    """The device of that name; ``auto`` takes a GPU where there is one.

    PyTorch is loaded to find out only where nothing else can tell.

    Returns:
        "cpu", "cuda" or "mps".

    Raises:
        InputError: there is no such device on this computer.
    """
    if name not in DEVICES:
        raise InputError(f"no device {name!r}: choose one of {', '.join(DEVICES)}")
    if name == "cpu" or (name == "auto" and surely_without_graphics()):
        return "cpu"
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((kind for kind, found in there.items() if found), "cpu")
    if not there[name]:
        raise InputError(f"this computer has no {name} device: use --device auto or cpu")
    return name


def has_half(device: str) -> bool:
    """Whether half precision pays on the device, see `half_type`; without PyTorch if it can be."""
    known = has_bfloat16() if device == "cpu" else None
    return half_type(device) is not None if known is None else known


def half_type(device: torch.device | str) -> torch.dtype | None:
    """The half precision that pays on the device, or None.

    On a processor bfloat16 pays only where it is native; without AVX-512 BF16 or AMX it is slower
    than float32.
    """
    import torch

    kind = str(device).partition(":")[0]
    if kind == "cuda":
        return torch.float16
    if kind != "cpu" or not torch.backends.mkldnn.is_available():
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
def enough_memory(device: str) -> Iterator[None]:
    """Whatever a device says when its memory runs out, or when it is lost, as one error.

    Raises:
        DeviceMemoryError: memory ran out within.
        DeviceLostError: the graphics device is gone.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if device != "cpu" and any(sign in str(error) for sign in _LOST):
            raise DeviceLostError(
                f"the {device} device stopped answering: restart the computer, or use --device cpu"
            ) from error
        if not _is_out_of_memory(error):
            raise
        if device == "cpu":
            raise DeviceMemoryError(
                "this computer has too little memory for this scan: close other programs, or crop "
                "the scan to the jaws"
            ) from error
        raise DeviceMemoryError(
            f"the {device} device has too little memory for this scan: use --device cpu"
        ) from error


def release_memory(device: str) -> None:
    """Hand back what torch keeps of a GPU's memory for later; one that is lost keeps it."""
    import gc
    from contextlib import suppress

    import torch

    gc.collect()
    with suppress(RuntimeError):
        if device == "cuda":
            torch.cuda.empty_cache()
        elif device == "mps":
            torch.mps.empty_cache()


def _is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    torch = sys.modules.get("torch")  # an error of its own says that it is there
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    return any(sign in str(error) for sign in _NO_MEMORY)


def _ask(module: object, question: str) -> bool:
    """A yes-or-no question that some versions of torch do not know; no, then."""
    answer = getattr(module, question, None)
    return bool(answer()) if answer is not None else False
