"""Where the networks run, and how precisely."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ToothSegLib.errors import InputError, one_line
from ToothSegLib.machine.machine_facts import has_bfloat16, surely_without_graphics

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "full")
"""``auto`` takes half precision where it pays, ``full`` float32 everywhere."""

# The first PyTorch that knows all that the networks need on Metal: pooling and transposed
# convolutions in three dimensions.
_METAL_SINCE = (2, 8)

# What PyTorch said of a driver that it found and cannot use; it says so but once in a process.
_complaints: list[str] = []


def choose_device(name: str = "auto") -> str:
    """The device of that name; ``auto`` takes a GPU where there is one that can do the work.

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
        there["mps"] &= _torch_release() >= _METAL_SINCE
        return next((kind for kind, found in there.items() if found), "cpu")
    if not there[name]:
        why = unusable_graphics() if name == "cuda" else ""
        reason = f" that PyTorch can use ({why})" if why else ""
        raise InputError(f"this computer has no {name} device{reason}: use --device auto or cpu")
    return name


def asked_for(name: str, backend: str) -> str:
    """The device of that name, where ``auto`` is the processor if OpenVINO is to compute, which
    knows no other; `choose_device` then finds it, and `backends.choose_backend` what computes."""
    return "cpu" if name == "auto" and backend == "openvino" else name


def kind_of(device: torch.device | str) -> str:
    """Such as "cuda" for "cuda:1"."""
    return str(device).partition(":")[0]


def may_be_graphics(name: str) -> bool:
    """Whether the device of that name is, or may turn out to be, a graphics device; never waits for
    PyTorch to load."""
    if name != "auto":
        return name != "cpu"
    if "torch" not in sys.modules:
        return not surely_without_graphics()
    with suppress(Exception):
        return choose_device() != "cpu"
    return True


def unusable_graphics() -> str:
    """What PyTorch said of a driver that `choose_device` found and it cannot use; empty if there is
    none, or all is well."""
    return _complaints[0] if _complaints else ""


def _torch_release() -> tuple[int, ...]:
    """As (2, 8); of a build of its own, too, whose version may be anything."""
    import torch

    return tuple(map(int, re.findall(r"\d+", str(torch.__version__))[:2]))


def _cuda_is_there() -> bool:
    import warnings

    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = torch.cuda.is_available()
    if not found:
        _complaints.extend(one_line(warning.message)[:150] for warning in said)
    return found


def device_name(device: str) -> str:
    """What a graphics card calls itself; empty if nothing does."""
    if device != "cuda":
        return ""
    import torch

    with suppress(Exception):  # one that is lost has no name any more
        return str(torch.cuda.get_device_name())
    return ""


def computed_in(device: str, precision: str) -> str:
    """The numbers that networks are computed in on the device, in one of `PRECISIONS`."""
    if precision == "full" or not has_half(device):
        return "float32"
    return "float16" if device == "cuda" else "bfloat16"


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

    kind = kind_of(device)
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

    if kind_of(device) != "cuda":
        return half_type(device)
    native = bool(torch.version.hip) or torch.cuda.get_device_capability() >= (8, 0)
    return torch.bfloat16 if native else None


def layout(device: torch.device | str, dim: int = 3) -> torch.memory_format:
    """How tensors best lie in a device's memory, those of so many dimensions.

    Channels last is faster, but not for Metal: before PyTorch 2.6 its convolutions then give wrong
    numbers, and its batch normalisation can end the process.
    """
    import torch

    if kind_of(device) == "mps":
        return torch.contiguous_format
    return torch.channels_last_3d if dim == 3 else torch.channels_last


@contextmanager
def as_precise(device: torch.device | str, half: torch.dtype | None) -> Iterator[None]:
    """CUDA's convolutions repeat themselves within, and without ``half`` they are of float32.

    By itself PyTorch computes them in TensorFloat-32, which has the digits of float16.
    """
    import torch

    if kind_of(device) != "cuda":
        yield
        return
    cudnn: Any = torch.backends.cudnn
    convolutions: Any = getattr(cudnn, "conv", None)
    wanted: list[tuple[Any, str, object]] = [
        (cudnn, "enabled", True),
        (cudnn, "benchmark", False),
        (cudnn, "deterministic", True),
    ]
    # Never both: from PyTorch 2.9 on the older switch raises once the newer one was touched, as
    # does `cudnn.flags`, which reads it.
    if hasattr(convolutions, "fp32_precision"):
        wanted.append((convolutions, "fp32_precision", "ieee" if half is None else "tf32"))
    else:
        wanted.append((cudnn, "allow_tf32", half is not None))
    before = [(place, name, getattr(place, name)) for place, name, _ in wanted]
    try:
        for place, name, value in wanted:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def check_precision(name: str) -> None:
    """Refuse what is not one of `PRECISIONS`.

    Raises:
        InputError: as said.
    """
    if name not in PRECISIONS:
        raise InputError(f"no precision {name!r}: choose one of {', '.join(PRECISIONS)}")


def release_memory(device: str) -> None:
    """Hand back what torch keeps of a GPU's memory for later; one that is lost keeps it."""
    import gc

    import torch

    gc.collect()
    with suppress(Exception):
        if device == "cuda":
            torch.cuda.empty_cache()
        elif device == "mps":
            torch.mps.empty_cache()


def _ask(module: object, question: str) -> bool:
    """A yes-or-no question that some versions of torch do not know; no, then."""
    answer = getattr(module, question, None)
    return bool(answer()) if answer is not None else False
