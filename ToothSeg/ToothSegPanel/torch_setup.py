"""PyTorch, where it is missing: Slicer's PyTorch extension installs it, after asking."""

from __future__ import annotations

import importlib
import importlib.util

import slicer.util

from ToothSegLib.errors import InputError

LABEL = "Install PyTorch..."
TIP = "The networks need PyTorch, which is not installed in this Slicer"
QUESTION = (
    "ToothSeg needs PyTorch, which is not installed in this Slicer. It is a download of up to "
    "3 GB, once, and the only thing that ToothSeg needs from the network. Install it now?"
)


def is_there() -> bool:
    """Whether torch can be imported; it is not imported to find out."""
    return importlib.util.find_spec("torch") is not None


def install() -> bool:
    """Ask, and install torch by the PyTorch extension. Whether it is there now.

    Raises:
        InputError: there is no PyTorch extension, or it could not install torch.
    """
    try:
        utilities = importlib.import_module("PyTorchUtils")
    except ImportError:
        raise InputError(
            "ToothSeg needs PyTorch: install the extension 'PyTorch' in the Extensions Manager, "
            "restart Slicer, then click here again"
        ) from None
    if not slicer.util.confirmOkCancelDisplay(QUESTION, windowTitle="ToothSeg"):
        return False
    # The extension chooses the build that fits this computer, and shows its own progress.
    utilities.PyTorchUtilsLogic().installTorch(askConfirmation=False)
    importlib.invalidate_caches()
    if not is_there():
        raise InputError("PyTorch was not installed: see the log of Slicer's module PyTorch Utils")
    return True
