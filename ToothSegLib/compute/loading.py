"""Large libraries loaded and left without Python's garbage collector in between.

They define some hundred thousand things that live as long as the process. Looking through all of
them again and again while they come, and once more at the end, takes longer than some stages of a
run.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def loading() -> Iterator[None]:
    """The collector rests within, where libraries are imported."""
    rested = not gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not rested:
            gc.enable()


def load_networks(device: str, backend: str) -> None:
    """Load what `cascade.segment` will compute with: SimpleITK, and OpenVINO if it surely takes it,
    else PyTorch.

    What cannot be loaded is told by what then needs it, and in words; so is what is no device or
    backend.

    Args:
        device, backend: as for `cascade.segment`.
    """
    from ToothSegLib.compute.backends import choose_backend
    from ToothSegLib.compute.devices import DEVICES, asked_for
    from ToothSegLib.machine.machine_facts import surely_without_graphics

    if device not in DEVICES:
        return
    with suppress(Exception), loading():
        import SimpleITK  # noqa: F401

        device = asked_for(device, backend)
        if device == "auto" and surely_without_graphics():
            device = "cpu"
        if choose_backend(backend, device) == "openvino":
            from ToothSegLib.compute.openvino_backend import load_openvino

            load_openvino()
        else:
            import torch  # noqa: F401


def leave_at_once() -> None:
    """See to it that what is there at the end of the process just goes with it."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
