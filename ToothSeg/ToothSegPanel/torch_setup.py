"""PyTorch, where it is missing: Slicer's PyTorch extension installs it, after asking."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from subprocess import CalledProcessError
from typing import Any

import slicer.util

from ToothSegLib.errors import InputError, one_line

LABEL = "Install PyTorch..."
TIP = "The networks need PyTorch, which is not installed in this Slicer"
INSTALLING_LABEL = "Installing PyTorch, takes minutes"
INSTALLING = (
    "PyTorch is being downloaded and installed, which takes minutes. What pip says comes in "
    "Slicer's Python console"
)
QUESTION = (
    "ToothSeg needs PyTorch, which is not installed in this Slicer. It is a download of up to "
    "3 GB, once, and the only thing that ToothSeg needs from the network. Install it now?"
)


def is_there() -> bool:
    """Whether torch can be imported; it is not imported to find out."""
    spec = importlib.util.find_spec("torch")
    # An empty folder that an uninstallation has left behind has a spec, but no file.
    return spec is not None and spec.origin is not None


def is_wanted() -> bool:
    """Whether the user agrees that the PyTorch extension installs torch.

    Raises:
        InputError: there is no PyTorch extension.
    """
    _utilities()
    return bool(slicer.util.confirmOkCancelDisplay(QUESTION, windowTitle="ToothSeg"))


def install() -> None:
    """Install torch by the PyTorch extension.

    It takes minutes. The extension has no progress bar; Slicer prints each line of pip, and works
    off events after it, clicks among them.

    Raises:
        InputError: there is no PyTorch extension, or it could not install torch.
    """
    utilities = _utilities()
    try:
        # The extension chooses the build that fits this computer.
        utilities.PyTorchUtilsLogic().installTorch(askConfirmation=False)
    except CalledProcessError as error:
        logging.error("pip could not install PyTorch", exc_info=error)
        raise InputError(
            "PyTorch was not installed: check the network, the proxy and the free disk space, then "
            "click here again; what pip said is in Slicer's Python console"
        ) from None
    except (ImportError, OSError) as error:  # the extension imports what it has installed
        logging.error("PyTorch could not be loaded", exc_info=error)
        raise InputError(
            f"PyTorch could not be loaded after its installation ({one_line(error)}): restart "
            "Slicer; if that does not help, install it again in the module PyTorch Utils; what pip "
            "said is in Slicer's Python console"
        ) from None
    importlib.invalidate_caches()
    if not is_there():
        raise InputError("PyTorch was not installed: what pip said is in Slicer's Python console")


def _utilities() -> Any:
    try:
        return importlib.import_module("PyTorchUtils")
    except ImportError:
        raise InputError(
            "ToothSeg needs PyTorch: install the extension 'PyTorch' in the Extensions Manager, "
            "restart Slicer, then click here again"
        ) from None
