"""Python packages that these tests have and desktop Slicer has not: hidden, to see what needs them.

Slicer 5.10 brings numpy, scipy, SimpleITK, VTK, requests, pydicom, Pillow and what these need, and
the PyTorch extension brings torch. What the module or its process imports beyond that would be
missing in desktop Slicer alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ABSENT = (
    "nrrd", "tqdm", "matplotlib", "pandas", "nibabel", "skimage", "itk", "monai", "dask", "PySide6",
)  # fmt: skip

_HIDE = f"""
import importlib.machinery
find = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = staticmethod(
    lambda name, path=None, target=None:
        None if name.partition(".")[0] in {set(ABSENT)!r} else find(name, path, target)
)
"""


def hide(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Hide them from processes that are started, and here all but those of the harness itself.

    Args:
        patch: brings them back.
        folder: for a file that Python reads when a process starts.
    """
    (folder / "sitecustomize.py").write_text(_HIDE, encoding="ascii")
    patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    for name in ABSENT:
        if name not in ("PySide6", "matplotlib"):
            patch.setitem(sys.modules, name, None)
