"""ToothSeg: from a dental cone-beam CT to numbered teeth.

From Python it is ``write_outputs(segment(read_volume("scan.nrrd")), "scan", "results")``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ToothSegLib.cascade import segment
    from ToothSegLib.errors import BundleError, Cancelled, InputError, OutputError, ToothSegError
    from ToothSegLib.grids.itk_image import from_itk
    from ToothSegLib.results.outputs import write_outputs
    from ToothSegLib.volume import Volume
    from ToothSegLib.volume_io import read_volume

__version__ = "0.1.0"
__all__ = [
    "BundleError",
    "Cancelled",
    "InputError",
    "OutputError",
    "ToothSegError",
    "Volume",
    "from_itk",
    "read_volume",
    "segment",
    "write_outputs",
]

# Loaded when it is asked for: the command line and Slicer must not wait for it.
_MODULES = {
    "BundleError": "errors",
    "Cancelled": "errors",
    "InputError": "errors",
    "OutputError": "errors",
    "ToothSegError": "errors",
    "Volume": "volume",
    "from_itk": "grids.itk_image",
    "read_volume": "volume_io",
    "segment": "cascade",
    "write_outputs": "results.outputs",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
