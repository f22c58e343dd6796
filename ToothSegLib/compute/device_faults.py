"""Whatever goes wrong on a device is an error of one line: its memory, its loss, or all else.

A graphics device fails in more words than anyone can list. So whatever an error there says, the
device is held unfit and the processor does the work, where the program's own faults show again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ToothSegLib.errors import InputError, ToothSegError

# How the devices that have no exception of their own for it say that memory ran out.
_NO_MEMORY = ("out of memory", "ALLOC_FAILED", "can't allocate memory", "not enough memory")
# By this PyTorch begins what it says when the computer's own memory ran out.
_HOST_MEMORY = "DefaultCPUAllocator"

# What drivers say of a graphics device that has gone or hangs. Metal raises nothing then, it only
# writes to the terminal: see `device_trial.Trial.check_same_everywhere`.
_LOST = (
    "device lost", "fallen off the bus", "unspecified launch failure", "launch timed out",
    "ECC error", "no CUDA-capable device", "CUDA error: unknown error", "driver shutting down",
    "device is unavailable", "GPU is lost", "Device lost",
)  # fmt: skip
_LONGEST = 120  # letters of what a driver says that are told on

_given_up: list[str] = []


class HostMemoryError(InputError):
    """The computer itself has too little memory, whatever device computes."""


class DeviceMemoryError(InputError):
    """The graphics device has too little memory for the scan."""


class DeviceLostError(InputError):
    """The graphics device stopped answering in the middle of its work."""


class DeviceUnfitError(InputError):
    """The graphics device cannot compute the networks, or computes them wrongly.

    Args:
        device: "cuda" or "mps".
        reason: in a few words.
    """

    def __init__(self, device: str, reason: str) -> None:
        super().__init__(
            f"the {device} device cannot compute the networks ({reason}): use --device cpu, or "
            "update the system, its driver and PyTorch"
        )
        self.reason = reason


@contextmanager
def device_faults(device: str, work: str = "scan") -> Iterator[None]:
    """What goes wrong within, as one error; on the processor that is lack of memory alone.

    Args:
        device: "cpu", "cuda" or "mps".
        work: what is done, in a word.

    Raises:
        HostMemoryError: the computer's memory ran out.
        DeviceMemoryError: that of the graphics device did.
        DeviceLostError: it is gone.
        DeviceUnfitError: anything else went wrong on it.
    """
    try:
        yield
    except ToothSegError:
        raise
    except Exception as error:
        no_memory = _is_out_of_memory(error)
        if no_memory and (device == "cpu" or _is_of_the_host(error)):
            crop = ", or crop the scan to the jaws" if work == "scan" else ""
            raise HostMemoryError(
                f"this computer has too little memory for this {work}: close other programs{crop}"
            ) from error
        if device == "cpu":
            raise
        if any(sign in str(error) for sign in _LOST):
            raise DeviceLostError(
                f"the {device} device stopped answering: restart the computer, or use --device cpu"
            ) from error
        if no_memory:
            raise DeviceMemoryError(
                f"the {device} device has too little memory for this {work}: use --device cpu"
            ) from error
        raise DeviceUnfitError(device, _in_few_words(error)) from error


def give_up(device: str) -> None:
    """Remember that the processor took over from a graphics device that failed."""
    _given_up.append(device)


def has_given_up() -> bool:
    """Whether `give_up` was called in this process.

    After most faults CUDA answers a process with nothing but errors, whatever it is asked; a new
    process has the device again.
    """
    return bool(_given_up)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")  # an error of its own says that it is there
    # By its older name: the newer one came with PyTorch 2.5.
    if torch and isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_MEMORY)


def _is_of_the_host(error: Exception) -> bool:
    """A graphics device never ends in Python's own MemoryError."""
    return isinstance(error, MemoryError) or _HOST_MEMORY in str(error)


def _in_few_words(error: Exception) -> str:
    """The first line of what was said; of an error that is no driver's, its kind as well."""
    said = str(error).strip().partition("\n")[0]
    words = "".join(letter if letter.isprintable() else " " for letter in said)[:_LONGEST].strip()
    if words and isinstance(error, RuntimeError):
        return words
    kind = type(error).__name__
    return f"{kind}: {words}" if words else kind
