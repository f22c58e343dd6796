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


# What a device says to work that it, its driver or this build of PyTorch was not made for.
_UNFIT = (
    "no kernel image is available", "invalid device function", "unsupported toolchain",
    "driver version is insufficient", "forward compatibility was attempted",
    "system not yet initialized", "ARCH_MISMATCH", "STATUS_NOT_SUPPORTED",
    "STATUS_NOT_INITIALIZED", "unable to find an engine", "supported on MPS",
)  # fmt: skip

# What PyTorch said of a driver that it found and cannot use; it says so but once in a process.
_complaints: list[str] = []


class DeviceMemoryError(InputError):
    """The device has too little memory for the scan."""


class DeviceLostError(InputError):
    """The graphics device stopped answering in the middle of its work."""


class DeviceUnfitError(InputError):
    """The graphics device cannot compute the networks, or computes them wrongly."""


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

    there = {"cuda": _cuda_is_there(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((kind for kind, found in there.items() if found), "cpu")
    if not there[name]:
        why = unusable_graphics() if name == "cuda" else ""
        reason = f" that PyTorch can use ({why})" if why else ""
        raise InputError(f"this computer has no {name} device{reason}: use --device auto or cpu")
    return name


def unusable_graphics() -> str:
    """What PyTorch said of a driver that `choose_device` found and it cannot use; empty if there is
    none, or all is well."""
    return _complaints[0] if _complaints else ""


def _cuda_is_there() -> bool:
    import warnings

    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = torch.cuda.is_available()
    if not found:
        _complaints.extend(" ".join(str(warning.message).split())[:150] for warning in said)
    return found


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


def training_half_type(device: torch.device | str) -> torch.dtype | None:
    """bfloat16 where it pays, or None: its range needs no scaling of losses.

    Cards before Ampere only imitate it, and have no convolutions in it.
    """
    import torch

    if str(device).partition(":")[0] != "cuda":
        return half_type(device)
    native = bool(torch.version.hip) or torch.cuda.get_device_capability() >= (8, 0)
    return torch.bfloat16 if native else None


def layout(device: torch.device | str, dim: int = 3) -> torch.memory_format:
    """How tensors best lie in a device's memory, those of so many dimensions.

    Channels last is faster, but not for Metal: before PyTorch 2.6 its convolutions then give wrong
    numbers, and its batch normalisation can end the process.
    """
    import torch

    if str(device).partition(":")[0] == "mps":
        return torch.contiguous_format
    return torch.channels_last_3d if dim == 3 else torch.channels_last


@contextmanager
def as_precise(device: torch.device | str, half: torch.dtype | None) -> Iterator[None]:
    """CUDA's convolutions repeat themselves within, and without ``half`` they are of float32.

    By itself PyTorch computes them in TensorFloat-32, which has the digits of float16.
    """
    import torch

    if str(device).partition(":")[0] != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=half is not None
    ):
        yield


def check_precision(name: str) -> None:
    """Refuse what is not one of `PRECISIONS`.

    Raises:
        InputError: as said.
    """
    if name not in PRECISIONS:
        raise InputError(f"no precision {name!r}: choose one of {', '.join(PRECISIONS)}")


@contextmanager
def enough_memory(device: str, work: str = "scan") -> Iterator[None]:
    """Whatever a device says when its memory runs out, or when it is lost or unfit, as one error.

    Args:
        device: "cpu", "cuda" or "mps".
        work: what there is too little memory for, in a word.

    Raises:
        DeviceMemoryError: memory ran out within.
        DeviceLostError: the graphics device is gone.
        DeviceUnfitError: it cannot do what was asked.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if device != "cpu" and any(sign in str(error) for sign in _LOST):
            raise DeviceLostError(
                f"the {device} device stopped answering: restart the computer, or use --device cpu"
            ) from error
        if device != "cpu" and _is_unfit(error):
            said = str(error).strip().partition("\n")[0]
            raise DeviceUnfitError(
                f"the {device} device cannot compute the networks ({said:.120}): use --device cpu"
            ) from error
        if not _is_out_of_memory(error):
            raise
        if device == "cpu":
            crop = ", or crop the scan to the jaws" if work == "scan" else ""
            raise DeviceMemoryError(
                f"this computer has too little memory for this {work}: close other programs{crop}"
            ) from error
        raise DeviceMemoryError(
            f"the {device} device has too little memory for this {work}: use --device cpu"
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


def _is_unfit(error: RuntimeError | MemoryError) -> bool:
    return isinstance(error, NotImplementedError) or any(sign in str(error) for sign in _UNFIT)


def _ask(module: object, question: str) -> bool:
    """A yes-or-no question that some versions of torch do not know; no, then."""
    answer = getattr(module, question, None)
    return bool(answer()) if answer is not None else False
